//! Views: what the log says, as memtables and segments that queries read at one position.

mod append;
mod as_of;
mod bloom_filters;
mod check;
mod clock;
mod compaction;
mod deletes;
mod entry;
mod error;
mod files;
mod label_texts;
mod manifest;
mod memtable;
mod opening;
mod orphans;
mod pinned;
mod position;
mod priority;
mod quarantine;
mod repair;
mod retention;
mod room;
mod sealer;
mod sealing;
mod segment;
mod segment_list;
mod set_aside;
mod settings;
mod snapshot;
mod state;
mod status;
mod store;
#[cfg(test)]
mod test_rows;
mod timeline;
mod wanted;

pub use append::Done;
pub use check::{
    CheckReport, CheckSettings, Depth, Finding, Part, SegmentName, UpkeepError, UpkeepProgress,
    check,
};
pub use compaction::CompactionStatus;
pub use deletes::{
    DeleteError, DeleteRequest, LabelMatch, LineMatch, MatchKind, NewDelete, PendingSegment,
    SpanField, SpanMatch, ValueType,
};
pub use error::{AppendError, DamagedSegment, OpenError, SegmentReadError};
pub use pinned::Pinned;
pub use position::{AsOf, AsOfError, Position};
pub use priority::Priority;
pub use repair::{Lost, OpenLog, RepairReport, RepairSettings, Repaired, repair};
pub use retention::Expired;
pub use room::Room;
pub use segment::Segment;
pub use segment_list::Filters;
pub use settings::{Retention, RetentionSettings, StoreSettings, StreamRetention, UpkeepSettings};
pub use snapshot::{MemtableBatch, Snapshot};
pub use status::{CoveredPosition, StoreStatus, TableStatus};
pub use store::Store;
pub use varve_segment::{FilterAttributes, LabelSetRange, SampleRun};
pub use varve_segment::{common_parts, merged_rows};
pub use varve_text::{Scored, Search, SearchError, TermCounts, TextQuery};
pub use wanted::Wanted;
