//! What is told of logs besides lines and series.

use super::StreamRows;
use crate::labels::LabelSet;

/// How many logs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogTotals {
    /// Streams.
    pub streams: u64,
    /// Pieces that hold them: a stream's part of a segment or of a memtable's batch.
    pub pieces: u64,
    /// Lines.
    pub lines: u64,
    /// Bytes of lines.
    pub bytes: u64,
}

/// A field of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedField {
    /// As a label.
    pub name: String,
    /// What its values look like.
    pub kind: FieldType,
    /// How many different values were seen.
    pub cardinality: u64,
    /// Which parsers find it; none finds structured metadata.
    pub parsers: Vec<&'static str>,
    /// The keys that lead to it in a line of JSON; empty where no line is.
    pub json_path: Vec<String>,
}

/// What the values of a field look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Anything.
    String,
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// True or false.
    Boolean,
    /// Go's durations.
    Duration,
    /// Sizes.
    Bytes,
}

/// What some lines have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPattern {
    /// A line with `<_>` where the lines differ, as LogQL's `|>` takes it.
    pub pattern: String,
    /// Their level.
    pub level: String,
    /// Start of a step in seconds since the epoch, and how many lines are in it; ascending.
    pub samples: Vec<(i64, u64)>,
}

/// Newly stored lines.
#[derive(Debug)]
pub struct TailedLines {
    /// Oldest first.
    pub streams: Vec<StreamRows>,
    /// They are shown by their streams' labels alone, where those are not told apart from others.
    pub by_stream: bool,
    /// Those that were left out.
    pub dropped: Vec<DroppedLine>,
    /// Where the next answer begins.
    pub position: String,
}

/// A line that was left out.
#[derive(Debug, PartialEq, Eq)]
pub struct DroppedLine {
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// All of its labels.
    pub labels: LabelSet,
}
