//! Series over spans: values over a range, or one value each.
//!
//! Grafana decodes the latter strictly, as it does search results.

use varve_columnar::answer::{Outcome, SpanExemplar, SpanSeriesSet, Value};

use super::{
    partial,
    proto_json::{Object, double, key_value},
    search::{hex, metrics},
};

/// The fields of `QueryRangeResponse`, or of `QueryInstantResponse`.
pub(super) fn write(fields: &mut Object<'_>, set: &SpanSeriesSet, outcome: &Outcome) {
    fields.list("series", &set.series, |fields, series| {
        fields.list("labels", &series.labels, |fields, (key, value)| key_value(fields, key, value));
        let values = set.times_ns.iter().zip(&series.values);
        let samples: Vec<_> = values.filter(|(_, value)| !value.is_nan()).collect();
        if set.instant {
            if let Some((_, value)) = samples.first() {
                double(fields.field("value"), **value);
            }
            return;
        }
        fields.list("samples", &samples, |fields, (time_ns, value)| {
            fields.text("timestampMs", &(*time_ns / 1_000_000).to_string());
            double(fields.field("value"), **value);
        });
        fields.list("exemplars", &series.exemplars, exemplar);
    });
    fields.object("metrics", |fields| metrics(fields, &outcome.stats));
    partial(fields, outcome);
}

fn exemplar(fields: &mut Object<'_>, exemplar: &SpanExemplar) {
    let labels = [("trace:id", hex(&exemplar.trace_id)), ("span:id", hex(&exemplar.span_id))];
    fields.list("labels", &labels, |fields, (key, id)| {
        key_value(fields, key, &Value::String(id.clone()));
    });
    double(fields.field("value"), exemplar.value);
    fields.text("timestampMs", &exemplar.time_unix_ms.to_string());
}
