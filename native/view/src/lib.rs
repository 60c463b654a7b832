//! Views: what the log says, as memtables and segments that queries read at one position.

mod snapshot;

pub use snapshot::{LabelSetRange, MemtableBatch, SampleRun, Segment, SegmentReadError, Snapshot};
