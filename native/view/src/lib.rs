//! Views: what the log says, as memtables and segments that queries read at one position.

mod append;
mod error;
mod files;
mod label_texts;
mod manifest;
mod memtable;
mod opening;
mod sealer;
mod sealing;
mod segment;
mod snapshot;
mod status;
mod store;

pub use append::Done;
pub use error::{AppendError, OpenError, SegmentReadError};
pub use segment::Segment;
pub use snapshot::{MemtableBatch, Snapshot};
pub use status::{CoveredPosition, StoreStatus, TableStatus};
pub use store::{Store, StoreSettings};
pub use varve_segment::{LabelSetRange, SampleRun};
