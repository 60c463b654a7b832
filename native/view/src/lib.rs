//! Views: what the log says, as memtables and segments that queries read at one position.

mod error;
mod manifest;
mod memtable;
mod sealing;
mod segment;
mod snapshot;
mod status;
mod store;

pub use error::{AppendError, OpenError, SegmentReadError};
pub use segment::Segment;
pub use snapshot::{MemtableBatch, Snapshot};
pub use status::{StoreStatus, TableStatus};
pub use store::{Done, Store, StoreSettings};
pub use varve_segment::{LabelSetRange, SampleRun};
