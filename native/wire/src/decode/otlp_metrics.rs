//! OTLP metrics: `ExportMetricsServiceRequest`, from the wire to samples as Prometheus makes them.

use std::borrow::Cow;

use super::{
    DecodeError, Decoded, Gate,
    metric_names::{MetricKind, metric_name, unit_name},
    metric_points::{HistogramPoint, NumberPoint, PointCommon, PointExemplar, SummaryPoint},
    metric_sink::MetricSink,
    native_histogram::ExponentialHistogram,
    protobuf::{Message, WireError},
    resource::{Described, each_message},
};

const MESSAGE: &str = "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest";

/// OTLP's `AggregationTemporality`.
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = MetricSink::new(gate);
    each_message(Message::new(body), 1, |message| resource_metrics(message, &mut sink))
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    sink.finish()
}

fn resource_metrics(message: Message<'_>, sink: &mut MetricSink<'_>) -> Result<(), WireError> {
    sink.begin_resource(&Described::find(message)?.into_resource()?);
    each_message(message, 2, |scope| each_message(scope, 2, |message| metric(message, sink)))?;
    sink.end_resource();
    Ok(())
}

/// A metric's own fields.
pub(super) struct Metric<'a> {
    pub(super) otlp_name: Cow<'a, str>,
    /// In Prometheus, without suffixes such as `_bucket`.
    pub(super) name: String,
}

fn metric(mut message: Message<'_>, sink: &mut MetricSink<'_>) -> Result<(), WireError> {
    let (mut otlp_name, mut help, mut unit) =
        (Cow::Borrowed(""), Cow::Borrowed(""), Cow::Borrowed(""));
    let mut data = None;
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => otlp_name = field.text(&message)?,
            2 => help = field.text(&message)?,
            3 => unit = field.text(&message)?,
            5 | 7 | 9..=11 => data = Some((number, field.message(&message)?)),
            _ => {}
        }
    }
    let Some((number, data)) = data else { return Ok(()) };
    let Aggregation { points, temporality, is_monotonic } = Aggregation::find(data)?;
    let kind = match number {
        5 => MetricKind::Gauge,
        7 if is_monotonic => MetricKind::Counter,
        7 => MetricKind::UpDownCounter,
        9 => MetricKind::Histogram,
        10 => MetricKind::ExponentialHistogram,
        _ => MetricKind::Summary,
    };
    let has_temporality = !matches!(kind, MetricKind::Gauge | MetricKind::Summary);
    if has_temporality && temporality != CUMULATIVE {
        sink.refuse_temporality(&otlp_name, points, temporality == DELTA);
        return Ok(());
    }
    let Some(name) = metric_name(&otlp_name, &unit, kind) else {
        sink.refuse(points, "metricNameInvalid", || {
            format!("metric '{otlp_name}' has no letter or digit in its name")
        });
        return Ok(());
    };
    if points > 0 {
        sink.samples.note_metadata(&name, kind.prometheus_type(), &help, &unit_name(&unit));
    }
    let metric = Metric { otlp_name, name };
    each_message(data, 1, |point| match kind {
        MetricKind::Gauge | MetricKind::Counter | MetricKind::UpDownCounter => {
            number_point(point, &metric, sink)
        }
        MetricKind::Histogram => histogram_point(point, &metric, sink),
        MetricKind::ExponentialHistogram => exponential_point(point, &metric, sink),
        MetricKind::Summary => summary_point(point, &metric, sink),
    })
}

/// What `Gauge`, `Sum` and their like have in common.
struct Aggregation {
    points: u64,
    temporality: u64,
    is_monotonic: bool,
}

impl Aggregation {
    fn find(mut message: Message<'_>) -> Result<Self, WireError> {
        let mut found = Self { points: 0, temporality: 0, is_monotonic: false };
        while let Some((number, field)) = message.next_field()? {
            match number {
                1 => found.points += 1,
                2 => found.temporality = field.varint(&message)?,
                3 => found.is_monotonic = field.varint(&message)? != 0,
                _ => {}
            }
        }
        Ok(found)
    }
}

fn number_point(
    message: Message<'_>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let NumberPoint { common, value } = NumberPoint::read(message)?;
    if sink.begin_point(&common, metric)? {
        sink.append(&metric.name, None, &common, value);
        sink.append_exemplars(&common.read_exemplars()?)?;
    }
    Ok(())
}

fn histogram_point(
    message: Message<'_>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let point = HistogramPoint::read(message)?;
    let common = &point.common;
    if !sink.begin_point(common, metric)? {
        return Ok(());
    }
    if let Some(sum) = point.sum {
        sink.append(&format!("{}_sum", metric.name), None, common, sum);
    }
    sink.append(&format!("{}_count", metric.name), None, common, point.count as f64);
    let bucket_name = format!("{}_bucket", metric.name);
    let exemplars = common.read_exemplars()?;
    let mut cumulative = 0_u64;
    let mut below = f64::NEG_INFINITY;
    for (&bound, count) in point.bounds.iter().zip(&point.counts) {
        cumulative = cumulative.saturating_add(*count);
        let shown = prometheus_number(bound);
        sink.append(&bucket_name, Some(("le", &shown)), common, cumulative as f64);
        let in_bucket = |it: &&PointExemplar<'_>| below < it.value && it.value <= bound;
        sink.append_exemplars(exemplars.iter().filter(in_bucket))?;
        below = bound;
    }
    sink.append(&bucket_name, Some(("le", "+Inf")), common, point.count as f64);
    sink.append_exemplars(exemplars.iter().filter(|it| it.value > below))
}

fn exponential_point(
    message: Message<'_>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let (common, mut histogram) = super::metric_points::read_exponential(message)?;
    if common.has_no_value {
        // A stale histogram is told by its sum, and keeps no counts of an earlier time.
        histogram = ExponentialHistogram { scale: histogram.scale, ..Default::default() };
        histogram.sum = f64::from_bits(PointCommon::STALE_BITS);
        histogram.count = PointCommon::STALE_BITS;
    }
    let bytes = match histogram.to_prometheus(common.time_unix_ms) {
        Ok(bytes) => bytes,
        Err(rule) => {
            sink.refuse(1, "histogramInvalid", || {
                format!("a histogram of metric '{}' is not taken: {rule}", metric.otlp_name)
            });
            return Ok(());
        }
    };
    if sink.begin_point(&common, metric)? {
        sink.append_histogram(&metric.name, &common, &bytes);
        sink.append_exemplars(&common.read_exemplars()?)?;
    }
    Ok(())
}

fn summary_point(
    message: Message<'_>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let SummaryPoint { common, count, sum, quantiles } = SummaryPoint::read(message)?;
    if !sink.begin_point(&common, metric)? {
        return Ok(());
    }
    sink.append(&format!("{}_sum", metric.name), None, &common, sum);
    sink.append(&format!("{}_count", metric.name), None, &common, count as f64);
    for (quantile, value) in quantiles {
        let quantile = prometheus_number(quantile);
        sink.append(&metric.name, Some(("quantile", &quantile)), &common, value);
    }
    Ok(())
}

/// A number as a label's value: never with an exponent.
fn prometheus_number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

#[cfg(test)]
mod tests;
