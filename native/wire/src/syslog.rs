//! Syslog messages on their way from a socket to the decoder: cut from streams, packed into one body.
//!
//! Whatever brings them, messages are copied once, into a [`Packer`]; a packed body is what
//! `Format::Syslog` decodes. So thousands of messages of many senders cross the binding as one.

mod framing;
mod packed;

pub use framing::Framing;
pub use packed::{Arrived, Packer, Sections, Sender};
