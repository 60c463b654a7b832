//! Loki's answers: streams, matrices, vectors, names and series in its JSON envelope.

use varve_columnar::answer::Outcome;

use super::json;

/// How the labels of an entry are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryLabels {
    /// All labels in the stream's object; entries are `[time, line]`.
    Merged,
    /// `encodingFlags: ["categorize-labels"]`: entries are `[time, line, {structuredMetadata, parsed}]`.
    Categorized,
}

/// A whole response body.
#[must_use]
pub fn encode(outcome: &Outcome, _labels: EntryLabels) -> Vec<u8> {
    let mut out = br#"{"status":"success","warnings":"#.to_vec();
    json::list(&mut out, json::ARRAY, &outcome.warnings, |out, text| json::string(out, text));
    out.push(b'}');
    out
}
