//! What is asked of logs besides lines and series.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// By what volumes are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum VolumeBy {
    /// By the values of these labels, or of all labels if there are none.
    Series {
        /// The labels.
        labels: Vec<String>,
    },
    /// By the name of each label that streams have; only of these, if there are any.
    Names {
        /// The labels.
        labels: Vec<String>,
    },
}

/// What is asked of detected fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum FieldsOf {
    /// All of them: name, type, parsers, number of values.
    All,
    /// The values of one.
    Values {
        /// Its name.
        name: String,
    },
}
