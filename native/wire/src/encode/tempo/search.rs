//! Search results: traces as summaries, with the spans that matched.
//!
//! Grafana decodes them strictly, so that a field it does not know would fail the whole query.

use std::fmt::Write as _;

use varve_columnar::answer::{QueryStats, SpanSet, SpanSummary, TraceSummary, Value};

use super::proto_json::{Object, key_value};

/// The service of a trace whose root span has not come (yet), in Tempo's words; it has no name then.
const ROOT_MISSING: &str = "<root span not yet received>";

/// The fields of `SearchResponse`.
pub(super) fn write(fields: &mut Object<'_>, traces: &[TraceSummary], stats: &QueryStats) {
    if traces.is_empty() {
        fields.field("traces").extend_from_slice(b"[]");
    }
    fields.list("traces", traces, trace);
    fields.object("metrics", |fields| metrics(fields, stats));
}

/// The fields of `SearchMetrics`.
pub(super) fn metrics(fields: &mut Object<'_>, stats: &QueryStats) {
    fields.u32("inspectedTraces", saturated(stats.traces_read));
    fields.u64("inspectedBytes", stats.bytes_read);
    fields.u32("totalBlocks", saturated(stats.segments_total));
    // A query is one job: it is answered when it is done.
    fields.u32("completedJobs", 1);
    fields.u32("totalJobs", 1);
    fields.u64("inspectedSpans", stats.rows_read);
}

fn trace(fields: &mut Object<'_>, trace: &TraceSummary) {
    let id = hex(&trace.trace_id);
    fields.text("traceID", id.trim_start_matches('0'));
    let root_missing = trace.root_trace_name.is_none().then_some(ROOT_MISSING);
    let root_service_name = trace.root_service_name.as_deref().or(root_missing);
    fields.text("rootServiceName", root_service_name.unwrap_or_default());
    fields.text("rootTraceName", trace.root_trace_name.as_deref().unwrap_or_default());
    fields.u64("startTimeUnixNano", trace.start_unix_nano as u64);
    fields.u32("durationMs", trace.duration_ms);
    // Older clients know only one set.
    if let Some(first) = trace.span_sets.first() {
        fields.object("spanSet", |fields| span_set(fields, first));
    }
    fields.list("spanSets", &trace.span_sets, span_set);
    if !trace.service_stats.is_empty() {
        fields.object("serviceStats", |services| {
            for (service, stats) in &trace.service_stats {
                services.object(service, |fields| {
                    fields.u32("spanCount", stats.span_count);
                    fields.u32("errorCount", stats.error_count);
                });
            }
        });
    }
}

fn span_set(fields: &mut Object<'_>, set: &SpanSet) {
    fields.list("spans", &set.spans, span);
    fields.u32("matched", set.matched);
    attributes(fields, &set.attributes);
}

fn span(fields: &mut Object<'_>, span: &SpanSummary) {
    fields.text("spanID", &hex(&span.span_id));
    fields.text("name", span.name.as_deref().unwrap_or_default());
    fields.u64("startTimeUnixNano", span.start_unix_nano as u64);
    fields.u64("durationNanos", span.duration_ns);
    attributes(fields, &span.attributes);
}

fn attributes(fields: &mut Object<'_>, attributes: &[(String, Value)]) {
    fields.list("attributes", attributes, |fields, (key, value)| key_value(fields, key, value));
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
