//! Prometheus' answers: matrices, vectors, scalars, names, series and metadata in its JSON envelope.

use varve_columnar::answer::Outcome;

use super::json;

/// A whole response body.
#[must_use]
pub fn encode(outcome: &Outcome) -> Vec<u8> {
    let mut out = br#"{"status":"success","warnings":"#.to_vec();
    json::list(&mut out, json::ARRAY, &outcome.warnings, |out, text| json::string(out, text));
    out.push(b'}');
    out
}
