//! Tempo's answers: traces, search results, tags and their values, in JSON and protobuf.

use varve_columnar::answer::Outcome;

use super::json;

/// Which of Tempo's bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON of the version 1 endpoints.
    V1Json,
    /// JSON of the version 2 endpoints.
    V2Json,
    /// `tempopb.Trace`.
    V1Protobuf,
    /// `tempopb.TraceByIDResponse`.
    V2Protobuf,
}

/// A whole response body.
#[must_use]
pub fn encode(outcome: &Outcome, _form: Form) -> Vec<u8> {
    let mut out = br#"{"warnings":"#.to_vec();
    json::list(&mut out, json::ARRAY, &outcome.warnings, |out, text| json::string(out, text));
    out.push(b'}');
    out
}
