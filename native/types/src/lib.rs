//! Names that every crate shares: positions in the log, tenants, tables, error codes.
//!
//! Nothing here allocates per record or knows Arrow, files or sockets.

mod code;
mod hex_id;
mod position;
mod table;
mod tenant;

pub use code::ErrorCode;
pub use hex_id::shown_id;
pub use position::{Epoch, Lsn, Offset, PartitionId};
pub use table::{LogId, Table};
pub use tenant::{TenantId, TenantIdError};
