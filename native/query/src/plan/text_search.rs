//! Searching lines for words, with those first that fit best.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is searched for. Case does not count; a text is taken apart into runs of letters and digits,
/// which are found one behind the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum TextExpr {
    /// A word or phrase.
    Phrase {
        /// As it was written.
        text: String,
    },
    /// The same, and the last word may go on.
    Prefix {
        /// As it was written.
        text: String,
    },
    /// A word with so many letters changed, missing or too many.
    Fuzzy {
        /// The word.
        text: String,
        /// At most 2.
        edits: u8,
    },
    /// All of them.
    All {
        /// At least one.
        parts: Vec<TextExpr>,
    },
    /// At least one of them.
    Any {
        /// At least one.
        parts: Vec<TextExpr>,
    },
    /// Lines without it.
    Not {
        /// What they are without.
        part: Box<TextExpr>,
    },
}

/// Which lines come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SearchOrder {
    /// Those that fit best; of equal ones the newest.
    Score,
    /// The newest.
    Newest,
}
