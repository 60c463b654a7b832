//! Where OTLP's data points become series: their labels, and `target_info` for their resource.

use std::borrow::Cow;

use varve_columnar::{
    answer::Value,
    attributes::{AttributeType, decode as decode_value},
    resource::{Resource, Scope},
    structured_metadata::write_value,
};

use super::{
    DecodeError, Decoded, Gate,
    any_value::{AnyValue, read_attribute},
    metric_names::label_name,
    metric_points::{PointCommon, PointExemplar},
    metric_translation::MetricTranslation,
    protobuf::WireError,
    sample_sink::{EXEMPLAR_LABELS_MAX_CHARS, NAME_LABEL, SampleSink},
};

/// What Prometheus keeps a resource's attributes under.
const TARGET_INFO: &str = "target_info";

/// `target_info` is repeated so often between a resource's first and last point: half of the time
/// that Prometheus looks back for a sample.
const TARGET_INFO_EVERY_MS: i64 = 150_000;

/// No more of them per resource and body, whatever times its points have.
const TARGET_INFO_MAX: i64 = 1_000;

/// These name a resource as `job` and `instance` and are not in its `target_info` again.
const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];

/// What the points of one metric have in common.
pub(super) struct Metric<'a> {
    pub(super) otlp_name: Cow<'a, str>,
    /// In Prometheus, without suffixes such as `_bucket`.
    pub(super) name: String,
    /// Its values are those since the ones before.
    pub(super) is_delta: bool,
}

/// Labels sorted by name, names unique.
type Labels = Vec<(Cow<'static, str>, String)>;

/// Collects the data points of one body.
#[derive(Debug)]
pub(super) struct MetricSink<'l> {
    pub(super) samples: SampleSink<'l>,
    /// `job` and `instance` of the resource at hand.
    target: Labels,
    /// What else of the resource at hand are labels of its series.
    promoted: Labels,
    /// `otel_scope_…` of the scope at hand.
    scope: Labels,
    /// `target_info` of the resource at hand; empty if it is not worth one.
    target_info: Labels,
    /// Times of the first and last point of the resource at hand.
    times_ms: Option<(i64, i64)>,
    /// Of the point at hand, without the name.
    labels: Labels,
    /// The point at hand was counted as refused.
    is_point_refused: bool,
}

impl<'l> MetricSink<'l> {
    pub(super) fn new(gate: Gate<'l>) -> Self {
        Self {
            samples: SampleSink::new(gate),
            target: Labels::new(),
            promoted: Labels::new(),
            scope: Labels::new(),
            target_info: Labels::new(),
            times_ms: None,
            labels: Labels::new(),
            is_point_refused: false,
        }
    }

    /// The points that follow are of this resource.
    pub(super) fn begin_resource(&mut self, resource: &Resource) {
        let text_of = |wanted: &str| {
            let found = resource.attributes.iter().find(|(key, ..)| key == wanted)?;
            Some(shown(&value_of(found.1, &found.2)))
        };
        self.times_ms = None;
        self.target.clear();
        if let Some(instance) = text_of("service.instance.id") {
            set(&mut self.target, "instance".into(), instance);
        }
        if let Some(name) = text_of("service.name") {
            let job = match text_of("service.namespace") {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name,
            };
            set(&mut self.target, "job".into(), job);
        }
        self.target.retain(|(_, value)| !value.is_empty());
        let translation = self.samples.gate.metrics;
        let texts = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<(Cow<'_, str>, String)> {
            let wanted = resource.attributes.iter().filter(|(key, ..)| is_wanted(key));
            wanted
                .map(|(key, kind, text)| (key.as_str().into(), shown(&value_of(*kind, text))))
                .collect()
        };
        let promoted = texts(&|key| translation.promotes(key));
        self.promoted = labels_of(promoted, translation).unwrap_or_default();
        self.target_info.clear();
        let is_identifying = |key: &str| IDENTIFYING.contains(&key);
        let keeps_all = translation.keep_identifying_resource_attributes;
        let is_worth_it = resource.attributes.iter().any(|(key, ..)| !is_identifying(key));
        // Without job or instance nothing could be joined with it, without anything else it tells
        // nothing.
        if is_worth_it && !self.target.is_empty() {
            let told = texts(&|key| keeps_all || !is_identifying(key));
            self.target_info = labels_of(told, translation).unwrap_or_default();
            for (name, value) in &self.target {
                set(&mut self.target_info, name.clone(), value.clone());
            }
            set(&mut self.target_info, NAME_LABEL.into(), TARGET_INFO.to_owned());
        }
    }

    /// The points that follow are of this scope.
    pub(super) fn begin_scope(&mut self, scope: &Scope) {
        self.scope.clear();
        let translation = self.samples.gate.metrics;
        if !translation.promote_scope_metadata || scope.name.is_empty() {
            return;
        }
        for (key, kind, text) in &scope.attributes {
            if let Some(name) = label_name(&format!("otel_scope_{key}"), translation) {
                set(&mut self.scope, name.into(), shown(&value_of(*kind, text)));
            }
        }
        let own = [
            ("otel_scope_name", &scope.name),
            ("otel_scope_version", &scope.version),
            ("otel_scope_schema_url", &scope.schema_url),
        ];
        for (name, value) in own {
            set(&mut self.scope, name.into(), value.clone());
        }
        self.scope.retain(|(_, value)| !value.is_empty());
    }

    /// Appends the resource's `target_info`, if it has one.
    pub(super) fn end_resource(&mut self) {
        let Some((first, last)) = self.times_ms.filter(|_| !self.target_info.is_empty()) else {
            return;
        };
        self.samples.note_metadata(TARGET_INFO, "gauge", "Target metadata", "");
        let labels = self.target_info.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        let series = self.samples.series(labels);
        let mut time_unix_ms = first.max(last - TARGET_INFO_EVERY_MS * TARGET_INFO_MAX);
        while time_unix_ms < last {
            // Nobody sent it, so nobody is told where it is one series too many.
            if !self.samples.append(series, time_unix_ms, 1.0) {
                return;
            }
            time_unix_ms += TARGET_INFO_EVERY_MS;
        }
        let _ = self.samples.append(series, last, 1.0);
    }

    /// Checks the point and makes its labels those of the samples that follow. False: it is refused.
    pub(super) fn begin_point(
        &mut self,
        point: &PointCommon<'_>,
        metric: &Metric<'_>,
    ) -> Result<bool, WireError> {
        let mut attributes = Vec::with_capacity(point.attributes.len());
        for message in &point.attributes {
            let (key, value) = read_attribute(*message)?;
            if key != NAME_LABEL {
                attributes.push((key, text_of(value)));
            }
        }
        let time_unix_ms = point.time_unix_ms;
        if let Err(why) = self.samples.check_time(time_unix_ms) {
            let whose = || format!("metric '{}'", metric.otlp_name);
            self.samples.refuse_time(why, time_unix_ms, whose);
            return Ok(false);
        }
        let Some(labels) = labels_of(attributes, self.samples.gate.metrics) else {
            self.refuse(1, "labelsInvalid", || {
                format!(
                    "a point of metric '{}' has an attribute without letter or digit in its name",
                    metric.otlp_name
                )
            });
            return Ok(false);
        };
        let bytes = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        if let Some((reason, message)) = self.samples.labels_rule(labels.len(), bytes) {
            self.refuse(1, reason, || {
                format!("a point of metric '{}' has {message}", metric.otlp_name)
            });
            return Ok(false);
        }
        self.labels = labels;
        for (name, value) in &self.promoted {
            if let Err(at) = place(&self.labels, name) {
                self.labels.insert(at, (name.clone(), value.clone()));
            }
        }
        for (name, value) in self.scope.iter().chain(&self.target) {
            set(&mut self.labels, name.clone(), value.clone());
        }
        let (first, last) = self.times_ms.unwrap_or((time_unix_ms, time_unix_ms));
        self.times_ms = Some((first.min(time_unix_ms), last.max(time_unix_ms)));
        self.samples.accepted += 1;
        self.is_point_refused = false;
        Ok(true)
    }

    /// Appends a sample of the point at hand, under a name and perhaps with one label more.
    pub(super) fn append(
        &mut self,
        name: &str,
        extra: Option<(&str, &str)>,
        point: &PointCommon<'_>,
        value: f64,
    ) {
        let series = self.series(name, extra);
        if !self.samples.append(series, point.time_unix_ms, point.value(value)) {
            self.refuse_point(name);
        }
    }

    /// Appends exemplars of the series of which a sample was appended last. One that is too long for
    /// what Prometheus takes loses its attributes rather than its trace.
    pub(super) fn append_exemplars<'m>(
        &mut self,
        exemplars: impl IntoIterator<Item = &'m PointExemplar<'m>>,
    ) -> Result<(), WireError> {
        for exemplar in exemplars {
            let mut labels = exemplar_labels(exemplar, self.samples.gate.metrics)?;
            let ids = [("span_id", exemplar.span_id), ("trace_id", exemplar.trace_id)];
            let ids = ids.into_iter().filter(|(_, id)| !id.is_empty());
            let mut own = Labels::new();
            for (name, id) in ids {
                set(&mut own, name.into(), hex(id));
            }
            for (name, value) in &own {
                set(&mut labels, name.clone(), value.clone());
            }
            let length = |labels: &Labels| -> usize {
                labels
                    .iter()
                    .map(|(name, value)| name.chars().count() + value.chars().count())
                    .sum()
            };
            let kept = if length(&labels) > EXEMPLAR_LABELS_MAX_CHARS { own } else { labels };
            let pairs = kept.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
            self.samples.append_exemplar(exemplar.time_unix_ms, exemplar.value, pairs);
        }
        Ok(())
    }

    /// Appends a native histogram of the point at hand.
    pub(super) fn append_histogram(&mut self, name: &str, point: &PointCommon<'_>, bytes: &[u8]) {
        let series = self.series(name, None);
        if !self.samples.append_histogram(series, point.time_unix_ms, bytes) {
            self.refuse_point(name);
        }
    }

    /// Counts the point at hand as refused, once, whatever part of it has a series already.
    fn refuse_point(&mut self, name: &str) {
        if !std::mem::replace(&mut self.is_point_refused, true) {
            self.samples.accepted -= 1;
            self.samples.refuse_series(|| format!("a series of metric '{name}'"));
        }
    }

    /// Counts points that are left out.
    pub(super) fn refuse(
        &mut self,
        points: u64,
        reason: &'static str,
        message: impl FnOnce() -> String,
    ) {
        self.samples.refusals.add(reason, points, message);
    }

    /// Counts the points of a metric whose values are not since its start.
    pub(super) fn refuse_temporality(&mut self, otlp_name: &str, points: u64, is_delta: bool) {
        if is_delta {
            self.refuse(points, "deltaTemporality", || {
                format!(
                    "delta temporality not enabled for {otlp_name}; send cumulative values or set \
                     otlp.native_delta_ingestion"
                )
            });
        } else {
            self.refuse(points, "temporalityInvalid", || {
                format!("invalid temporality and type combination for metric '{otlp_name}'")
            });
        }
    }

    pub(super) fn finish(self) -> Result<Decoded, DecodeError> {
        self.samples.finish()
    }

    fn series(&mut self, name: &str, extra: Option<(&str, &str)>) -> i32 {
        let own = self.labels.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        // What the metric itself says stands before an attribute of the same name.
        let own = own.filter(|(name, _)| extra.is_none_or(|(extra, _)| *name != extra));
        let mut labels: Vec<(&str, &str)> = own.chain(extra).chain([(NAME_LABEL, name)]).collect();
        labels.sort_unstable_by_key(|(name, _)| *name);
        self.samples.series(labels.into_iter())
    }
}

/// Attributes as labels; `None` if one has a name that no label may have. Of names that become the
/// same, the values are joined in the order of the names.
fn labels_of(
    mut attributes: Vec<(Cow<'_, str>, String)>,
    translation: &MetricTranslation,
) -> Option<Labels> {
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut labels = Labels::new();
    for (key, value) in attributes {
        labels.push((label_name(&key, translation)?.into(), value));
    }
    // Stable: those of one name stay in the order of the attributes.
    labels.sort_by(|a, b| a.0.cmp(&b.0));
    labels.dedup_by(|(later, value), (first, joined)| {
        let is_same = *later == *first;
        if is_same && !joined.is_empty() {
            joined.push(';');
        }
        if is_same {
            joined.push_str(value);
        }
        is_same
    });
    labels.retain(|(_, value)| !value.is_empty());
    Some(labels)
}

/// The attributes of an exemplar as labels; those that no label can be made of are left out.
fn exemplar_labels(
    exemplar: &PointExemplar<'_>,
    translation: &MetricTranslation,
) -> Result<Labels, WireError> {
    let mut attributes = Vec::with_capacity(exemplar.attributes.len());
    for message in &exemplar.attributes {
        let (key, value) = read_attribute(*message)?;
        if label_name(&key, translation).is_some() {
            attributes.push((key, text_of(value)));
        }
    }
    Ok(labels_of(attributes, translation).unwrap_or_default())
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::with_capacity(id.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
        text
    })
}

/// Where a label is, or would be.
fn place(labels: &[(Cow<'static, str>, String)], name: &str) -> Result<usize, usize> {
    labels.binary_search_by(|(have, _)| have.as_ref().cmp(name))
}

fn set(labels: &mut Labels, name: Cow<'static, str>, value: String) {
    match place(labels, &name) {
        Ok(at) => labels[at].1 = value,
        Err(at) => labels.insert(at, (name, value)),
    }
}

fn value_of(kind: u8, text: &str) -> Value {
    decode_value(AttributeType::from_number(kind).unwrap_or(AttributeType::String), text)
}

fn text_of(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::Text(text) => text.into_owned(),
        other => shown(&other.into_value()),
    }
}

fn shown(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}
