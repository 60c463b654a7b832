//! A naive implementation of the protocol, right or wrong in one named way.
//!
//! By it the simulator itself is checked: the right one has to pass every seed, and each wrong one
//! has to be caught. It keeps everything in memory in the plainest form, and is no model for
//! production; the world drives it through [`crate::node::Node`] like any other implementation.

mod control;
mod leader;
mod message;
mod mutant;
mod node;
mod reader;
mod recovery;
mod store;

pub use control::{Advance, Command, EpochList};
pub use message::{Frame, Message, Record, Timer};
pub use mutant::Mutant;
pub use node::Reference;
