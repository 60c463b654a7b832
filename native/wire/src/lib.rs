//! The outside world's bytes: `decode` takes senders' bodies to Arrow batches, `encode` takes
//! answers to the bodies that clients expect.

pub mod decode;
pub mod encode;
pub mod syslog;
