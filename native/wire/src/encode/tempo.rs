//! Tempo's answers: traces, search results, tags and their values, in JSON and protobuf.

mod proto_json;
mod search;
mod series;
mod spans;
mod tags;
mod trace_json;
mod trace_protobuf;

use varve_columnar::answer::{Answer, Outcome};

use super::protobuf;
use proto_json::{Object, object};
use spans::{ResourceSpans, SpanColumns, nested};

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

/// A whole response body. Only traces have a protobuf form; whatever else is asked for in one is
/// written as an empty trace.
#[must_use]
pub fn encode(outcome: &Outcome, form: Form) -> Vec<u8> {
    let batches = match &outcome.answer {
        Answer::Trace(batches) => batches.as_slice(),
        _ => &[],
    };
    let columns: Vec<_> = batches.iter().filter_map(SpanColumns::new).collect();
    let trace = nested(&columns);
    let mut out = Vec::new();
    match form {
        Form::V1Protobuf => trace_protobuf::write(&mut out, &trace),
        Form::V2Protobuf => trace_by_id_response(&mut out, &trace, outcome),
        Form::V1Json | Form::V2Json => json_body(&mut out, &trace, outcome, form),
    }
    out
}

/// `TraceByIDResponse`. Its trace is there even when it is empty: Grafana's plugin reads it unasked.
fn trace_by_id_response(out: &mut Vec<u8>, trace: &[ResourceSpans<'_>], outcome: &Outcome) {
    protobuf::message(out, 1, |out| trace_protobuf::write(out, trace));
    protobuf::message(out, 2, |out| protobuf::varint(out, 1, outcome.stats.bytes_read));
    if let Some(reason) = outcome.warnings.first() {
        // PartialStatus.PARTIAL
        protobuf::varint(out, 3, 1);
        protobuf::bytes(out, 4, reason.as_bytes());
    }
}

fn json_body(out: &mut Vec<u8>, trace: &[ResourceSpans<'_>], outcome: &Outcome, form: Form) {
    let stats = &outcome.stats;
    object(out, |fields| match (&outcome.answer, form) {
        (Answer::Traces(traces), _) => search::write(fields, traces, stats),
        (Answer::SpanSeries(set), _) => series::write(fields, set, outcome),
        (Answer::Tags(scopes), Form::V1Json) => tags::names(fields, scopes, stats),
        (Answer::Tags(scopes), _) => tags::scopes(fields, scopes, stats),
        (Answer::TagValues(values), Form::V1Json) => tags::texts(fields, values, stats),
        (Answer::TagValues(values), _) => tags::values(fields, values, stats),
        (_, Form::V1Json) => fields.list("batches", trace, trace_json::resource_spans),
        (_, _) => {
            fields.object("trace", |fields| {
                fields.list("resourceSpans", trace, trace_json::resource_spans);
            });
            fields.object("metrics", |fields| fields.u64("inspectedBytes", stats.bytes_read));
            partial(fields, outcome);
        }
    });
}

/// Says why an answer is not whole, if it is not.
fn partial(fields: &mut Object<'_>, outcome: &Outcome) {
    if let Some(reason) = outcome.warnings.first() {
        fields.text("status", "PARTIAL");
        fields.text("message", reason);
    }
}

#[cfg(test)]
mod tests;
