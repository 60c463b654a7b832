//! The data model as Arrow: schemas of the four tables, label sets, attributes, and what queries answer with.

pub mod answer;
pub mod attributes;
pub mod labels;
pub mod resource;
pub mod schema;
