//! Answers as whole response bodies, one module per system whose API they speak.
//!
//! Nothing fails here: an answer that a system has no form for is a bug of the caller and is
//! written as that system's empty answer.

pub mod json;
pub mod loki;
pub mod prometheus;
mod protobuf;
mod samples;
pub mod tempo;
