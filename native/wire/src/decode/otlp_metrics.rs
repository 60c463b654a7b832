//! OTLP metrics: `ExportMetricsServiceRequest`, from the wire to samples as Prometheus makes them.

use std::borrow::Cow;

use varve_columnar::histogram::HistogramError;

use super::{
    DecodeError, Decoded, Gate,
    metric_names::{MetricKind, metric_name, unit_name},
    metric_points::{HistogramPoint, NumberPoint, PointCommon, PointExemplar, SummaryPoint},
    metric_sink::{Metric, MetricSink},
    native_histogram::ExponentialHistogram,
    protobuf::{Message, WireError},
    resource::{Described, each_message, has_records},
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
    if !has_records(message, 2)? {
        return Ok(());
    }
    sink.begin_resource(&Described::find(message)?.into_resource()?);
    each_message(message, 2, |scope_metrics| {
        if !has_records(scope_metrics, 1)? {
            return Ok(());
        }
        sink.begin_scope(&Described::find(scope_metrics)?.into_scope()?);
        each_message(scope_metrics, 2, |message| metric(message, sink))
    })?;
    sink.end_resource();
    Ok(())
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
    let is_delta = has_temporality && temporality == DELTA;
    let translation = sink.samples.gate.metrics;
    let is_taken = temporality == CUMULATIVE || is_delta && translation.native_delta_ingestion;
    if has_temporality && !is_taken {
        sink.refuse_temporality(&otlp_name, points, is_delta);
        return Ok(());
    }
    let strategy = translation.translation_strategy;
    let Some(name) = metric_name(&otlp_name, &unit, kind, strategy) else {
        sink.refuse(points, "metricNameInvalid", || {
            format!("metric '{otlp_name}' has no letter or digit in its name")
        });
        return Ok(());
    };
    if points > 0 {
        // Prometheus has no word for deltas either.
        let kind = if is_delta { "unknown" } else { kind.prometheus_type() };
        sink.samples.note_metadata(&name, kind, &help, &unit_name(&unit));
    }
    let metric = Metric { otlp_name, name, is_delta };
    each_message(data, 1, |point| match kind {
        MetricKind::Gauge | MetricKind::Counter | MetricKind::UpDownCounter => {
            number_point(point, &metric, sink)
        }
        MetricKind::Histogram if translation.convert_histograms_to_nhcb => {
            custom_buckets_point(point, &metric, sink)
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
    let bounds = point.bounds.get(..point.counts.len()).unwrap_or(&point.bounds);
    let exemplars = by_bucket(common.read_exemplars()?, bounds);
    let of_bucket = |wanted: usize| {
        let start = exemplars.partition_point(|(bucket, _)| *bucket < wanted);
        let found = exemplars.get(start..).unwrap_or_default().iter();
        found.take_while(move |(bucket, _)| *bucket == wanted).map(|(_, exemplar)| exemplar)
    };
    let mut cumulative = 0_u64;
    for (bucket, (&bound, count)) in bounds.iter().zip(&point.counts).enumerate() {
        cumulative = cumulative.saturating_add(*count);
        let shown = prometheus_number(bound);
        sink.append(&bucket_name, Some(("le", &shown)), common, cumulative as f64);
        sink.append_exemplars(of_bucket(bucket))?;
    }
    sink.append(&bucket_name, Some(("le", "+Inf")), common, point.count as f64);
    sink.append_exemplars(of_bucket(bounds.len()))
}

/// Exemplars with the bucket that their value falls into, ascending by it.
fn by_bucket<'m>(
    exemplars: Vec<PointExemplar<'m>>,
    bounds: &[f64],
) -> Vec<(usize, PointExemplar<'m>)> {
    let taken = exemplars.into_iter().filter(|exemplar| !exemplar.value.is_nan());
    let mut found: Vec<_> = taken
        .map(|exemplar| (bounds.partition_point(|bound| *bound < exemplar.value), exemplar))
        .collect();
    found.sort_by_key(|(bucket, _)| *bucket);
    found
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
    histogram.is_delta = metric.is_delta;
    let bytes = histogram.to_prometheus(common.start_unix_ms, common.time_unix_ms);
    native_point(&common, bytes, metric, sink)
}

/// A histogram with bounds of its own, as one native histogram.
fn custom_buckets_point(
    message: Message<'_>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let point = HistogramPoint::read(message)?;
    native_point(&point.common, point.to_custom_buckets(metric.is_delta)?, metric, sink)
}

fn native_point(
    common: &PointCommon<'_>,
    bytes: Result<Vec<u8>, HistogramError>,
    metric: &Metric<'_>,
    sink: &mut MetricSink<'_>,
) -> Result<(), WireError> {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(rule) => {
            sink.refuse(1, "histogramInvalid", || {
                format!("a histogram of metric '{}' is not taken: {rule}", metric.otlp_name)
            });
            return Ok(());
        }
    };
    if sink.begin_point(common, metric)? {
        sink.append_histogram(&metric.name, common, &bytes);
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
