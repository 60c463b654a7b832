//! The data model as Arrow: schemas of the four tables, label sets, attributes, and what queries answer with.

pub mod answer;
pub mod attributes;
pub mod builders;
pub mod ipc;
pub mod json_reader;
pub mod label_names;
pub mod labels;
pub mod levels;
pub mod resource;
pub mod route;
pub mod schema;
pub mod structured_metadata;
