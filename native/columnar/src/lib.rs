//! The data model as Arrow: schemas of the tables, label sets, attributes, and what queries answer with.

pub mod answer;
pub mod attributes;
pub mod builders;
pub mod histogram;
pub mod ipc;
pub mod json_reader;
pub mod label_names;
pub mod labels;
pub mod levels;
pub mod protobuf;
pub mod protobuf_write;
pub mod resource;
pub mod route;
pub mod schema;
pub mod structured_metadata;
