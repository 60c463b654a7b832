//! What TypeScript calls: whole request bodies in, whole response bodies out.
//!
//! Converts and hands over, decides nothing. Each call runs off Node's thread, but for cutting a
//! chunk of syslog into messages: small waits on tokio's workers, decoding and queries on its blocking
//! threads, bounded by the number of cores.

mod admin;
mod append;
mod backup;
mod clock;
mod deletes;
mod error;
mod query;
mod query_threads;
mod settings;
mod sql;
mod store;
mod syslog;
mod tenants;
mod upkeep;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
