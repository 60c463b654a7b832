//! What a repair is told, and what it tells.

use std::path::PathBuf;

use serde::Serialize;
use varve_segment::FilterAttributes;
use varve_types::{Table, TenantId};

use crate::check::SegmentName;

/// What is repaired, and how.
#[derive(Clone, Debug)]
pub struct RepairSettings {
    /// The data directory; the caller holds its lock.
    pub data_dir: PathBuf,
    /// Says what would be done, and changes nothing.
    pub dry_run: bool,
    /// Rows that a text index finds as one block.
    pub text_block_rows: u32,
    /// Attributes whose values are in the filters of segments.
    pub filter_attributes: FilterAttributes,
    /// Segments that are looked at side by side, at least 1.
    pub workers: usize,
}

/// Something that was mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repaired {
    /// The file, or the note of a segment that was set aside.
    pub path: PathBuf,
    /// Which segment.
    pub segment: Option<SegmentName>,
    /// What was wrong.
    pub what: String,
    /// What was done.
    pub how: String,
}

/// Records that are in no sound file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// The segment that had them.
    pub segment: u64,
    /// How many.
    pub records: u64,
    /// Time of the first, milliseconds since the epoch.
    pub first_ms: i64,
    /// Time of the last.
    pub last_ms: i64,
    /// What is wrong with the segment.
    pub what: String,
    /// Why they could not be brought back.
    pub why: String,
}

/// What a repair did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairReport {
    /// Segments that were looked at, those that were set aside too.
    pub segments: u64,
    /// What was mended.
    pub repaired: Vec<Repaired>,
    /// What is lost.
    pub lost: Vec<Lost>,
    /// Files that were removed: a killed process left them half made.
    pub removed: Vec<PathBuf>,
}
