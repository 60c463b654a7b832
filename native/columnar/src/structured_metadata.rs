//! The structured metadata that Loki shows for a log record: everything known of it that is neither
//! its line, its time nor a label of its stream.
//!
//! Names and rules are those of Loki's OTLP endpoint. What follows from a resource, a scope or an
//! attribute's name is worked out once per batch; a row costs its own attributes.

mod names;
mod values;

use std::{fmt::Write as _, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray},
    datatypes::{ArrowPrimitiveType, Int32Type, Int64Type, UInt32Type},
};
use serde::de::DeserializeOwned;

use crate::{
    attributes::{AttributeColumn, AttributeType},
    label_names::loki_label_name,
    labels::LabelSet,
    levels::normal_level,
    resource::{AttributeText, Resource, Scope},
};

pub use names::MetadataNames;
pub use values::{attribute_labels, write_value};

/// The label that level detection adds.
pub const DETECTED_LEVEL: &str = "detected_level";

/// Resource attributes that are labels of the stream and therefore not shown again; Loki's defaults.
pub const INDEX_ATTRIBUTES: [&str; 18] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// Labels of the record's own fields, each with its column.
const ROW_NAMES: [(&str, &str); 9] = [
    ("observed_timestamp", "observed_time_unix_nano"),
    ("severity_number", "severity_number"),
    ("severity_text", "severity_text"),
    ("dropped_attributes_count", "dropped_attributes_count"),
    ("flags", "flags"),
    ("trace_id", "trace_id"),
    ("span_id", "span_id"),
    ("event_name", "event_name"),
    (DETECTED_LEVEL, DETECTED_LEVEL),
];

/// Labels that come with a dictionary value, in their order.
type SharedLabels = Arc<[(Arc<str>, Arc<str>)]>;

/// The labels of a resource's attributes that are not labels of the stream.
#[must_use]
pub fn resource_labels(resource: &Resource) -> SharedLabels {
    let attributes = resource.attributes.iter();
    shared(attributes.filter(|(key, ..)| !INDEX_ATTRIBUTES.contains(&key.as_str())), |_| {})
}

/// The labels of a scope: its attributes, `scope_name`, `scope_version` and
/// `scope_dropped_attributes_count`.
#[must_use]
pub fn scope_labels(scope: &Scope) -> SharedLabels {
    shared(scope.attributes.iter(), |labels| {
        let count = scope.dropped_attributes_count;
        let count = if count == 0 { String::new() } else { count.to_string() };
        let own = [
            ("scope_name", scope.name.as_str()),
            ("scope_version", scope.version.as_str()),
            ("scope_dropped_attributes_count", count.as_str()),
        ];
        labels.extend(own.map(|(name, value)| (name.into(), value.into())));
    })
}

/// The structured metadata of a batch of logs. Columns that the batch does not hold count as empty.
#[derive(Debug)]
pub struct LogMetadata {
    attributes: Option<AttributeColumn>,
    /// By key index: the label's name; `None` for a name that no label may have.
    key_names: Vec<Option<Box<str>>>,
    resources: SharedColumn,
    scopes: SharedColumn,
    columns: RowColumns,
}

/// Columns of the record's own fields.
#[derive(Debug)]
struct RowColumns {
    observed_times: Option<ArrayRef>,
    severity_numbers: Option<ArrayRef>,
    severity_texts: TextsOf,
    dropped_attributes_counts: Option<ArrayRef>,
    flags: Option<ArrayRef>,
    trace_ids: Option<ArrayRef>,
    span_ids: Option<ArrayRef>,
    event_names: TextsOf,
    detected_levels: TextsOf,
}

impl LogMetadata {
    /// Prepares a batch of the logs table, or a projection of one.
    #[must_use]
    pub fn new(batch: &RecordBatch) -> Self {
        let attributes = batch.column_by_name("attributes").and_then(AttributeColumn::new);
        let key_names = attributes.as_ref().map_or_else(Vec::new, |column| {
            let names = column.key_texts().iter().map(Option::unwrap_or_default);
            names.map(|key| loki_label_name(key).map(|name| name.as_ref().into())).collect()
        });
        let column = |name| batch.column_by_name(name).cloned();
        let columns = RowColumns {
            observed_times: column("observed_time_unix_nano"),
            severity_numbers: column("severity_number"),
            severity_texts: TextsOf::new(batch, "severity_text"),
            dropped_attributes_counts: column("dropped_attributes_count"),
            flags: column("flags"),
            trace_ids: column("trace_id"),
            span_ids: column("span_id"),
            event_names: TextsOf::new(batch, "event_name"),
            detected_levels: TextsOf::new(batch, DETECTED_LEVEL),
        };
        Self {
            attributes,
            key_names,
            resources: SharedColumn::new::<Resource>(batch, "resource", resource_labels),
            scopes: SharedColumn::new::<Scope>(batch, "scope", scope_labels),
            columns,
        }
    }

    /// Calls `each` with the name and value of a row's labels. A name may come more than once: then
    /// the first counts. A value is never empty.
    pub fn visit(&self, row: usize, each: &mut impl FnMut(&str, &str)) {
        let mut each = |name: &str, value: &str| {
            if !value.is_empty() {
                each(name, value);
            }
        };
        let event_name = self.columns.event_names.get(row);
        if let Some(attributes) = &self.attributes {
            for attribute in attributes.row(row) {
                // OTLP's own field stands before an attribute of the same name.
                if attribute.key == "event_name" && event_name.is_some() {
                    continue;
                }
                let name = self.key_names[attribute.key_index].as_deref();
                if name == Some(DETECTED_LEVEL) {
                    // The sender's own level stands for ours, in our spelling.
                    each(DETECTED_LEVEL, normal_level(attribute.text));
                } else if let Some(name) = name {
                    attribute_labels(name, attribute.kind, attribute.text, &mut each);
                }
            }
        }
        self.columns.visit(row, &mut each);
        for (name, value) in self.resources.get(row).iter().chain(self.scopes.get(row)) {
            each(name, value);
        }
        if let Some(level) = self.columns.detected_levels.get(row) {
            each(DETECTED_LEVEL, level);
        }
    }

    /// Whether a row of the batch can have a label of such a name; no false negatives.
    #[must_use]
    pub fn may_hold(&self, is_wanted: impl Fn(&str) -> bool + Copy) -> bool {
        ROW_NAMES.into_iter().any(|(name, _)| is_wanted(name)) || self.may_hold_attribute(is_wanted)
    }

    /// The same of labels that are no fields of the record's own.
    #[must_use]
    pub fn may_hold_attribute(&self, is_wanted: impl Fn(&str) -> bool + Copy) -> bool {
        let shared = [&self.resources, &self.scopes];
        let mut shared =
            shared.into_iter().flat_map(|column| column.labels.iter().flat_map(|it| it.iter()));
        // A value that is a list of pairs becomes labels whose names start with the attribute's.
        let has_lists = self.attributes.as_ref().is_some_and(AttributeColumn::has_nested);
        has_lists
            || self.key_names.iter().flatten().any(|name| is_wanted(name))
            || shared.any(|(name, _)| is_wanted(name))
    }

    /// A row's labels.
    #[must_use]
    pub fn labels(&self, row: usize) -> LabelSet {
        let mut labels = LabelSet::default();
        self.visit(row, &mut |name, value| {
            if !labels.contains(name) {
                labels.set(name, value);
            }
        });
        labels
    }

    /// The value of one label of a row; `None` where it has none.
    #[must_use]
    pub fn get(&self, row: usize, name: &str) -> Option<String> {
        let mut found = None;
        self.visit(row, &mut |have, value| {
            if have == name && found.is_none() {
                found = Some(value.to_owned());
            }
        });
        found
    }
}

impl RowColumns {
    fn visit(&self, row: usize, each: &mut impl FnMut(&str, &str)) {
        let mut text = String::new();
        let mut number = |name: &str, value: i64, each: &mut dyn FnMut(&str, &str)| {
            if value != 0 {
                text.clear();
                // Writing to a String cannot fail.
                let _ = write!(text, "{value}");
                each(name, &text);
            }
        };
        number(
            "observed_timestamp",
            number_at::<Int64Type>(self.observed_times.as_ref(), row),
            each,
        );
        let severity = number_at::<Int32Type>(self.severity_numbers.as_ref(), row);
        number("severity_number", severity.into(), each);
        if let Some(severity_text) = self.severity_texts.get(row) {
            each("severity_text", severity_text);
        }
        let dropped = number_at::<UInt32Type>(self.dropped_attributes_counts.as_ref(), row);
        number("dropped_attributes_count", dropped.into(), each);
        number("flags", number_at::<UInt32Type>(self.flags.as_ref(), row).into(), each);
        for (name, ids) in [("trace_id", &self.trace_ids), ("span_id", &self.span_ids)] {
            let ids = ids.as_ref().and_then(|ids| ids.as_fixed_size_binary_opt());
            if let Some(ids) = ids.filter(|ids| !ids.is_null(row)) {
                text.clear();
                for byte in ids.value(row) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{byte:02x}");
                }
                each(name, &text);
            }
        }
        if let Some(event_name) = self.event_names.get(row) {
            each("event_name", event_name);
        }
    }
}

/// A dictionary column of resources or scopes, as labels.
#[derive(Debug)]
struct SharedColumn {
    keys: Option<Int32Array>,
    labels: Vec<SharedLabels>,
}

impl SharedColumn {
    fn new<T: DeserializeOwned + Default>(
        batch: &RecordBatch,
        name: &str,
        labels_of: impl Fn(&T) -> SharedLabels,
    ) -> Self {
        let texts = TextsOf::new(batch, name);
        let Some((keys, texts)) = texts.0 else { return Self { keys: None, labels: Vec::new() } };
        // A text that does not read as JSON is damage that the checksums missed; the record is still
        // worth showing without it.
        let read = |text: Option<&str>| serde_json::from_str(text.unwrap_or_default());
        let labels = texts.iter().map(|text| labels_of(&read(text).unwrap_or_default())).collect();
        Self { keys: Some(keys), labels }
    }

    fn get(&self, row: usize) -> &[(Arc<str>, Arc<str>)] {
        match &self.keys {
            Some(keys) if !keys.is_null(row) => &self.labels[keys.value(row) as usize],
            _ => &[],
        }
    }
}

/// A dictionary column of texts; nothing if the batch does not hold it.
#[derive(Debug)]
struct TextsOf(Option<(Int32Array, StringArray)>);

impl TextsOf {
    fn new(batch: &RecordBatch, name: &str) -> Self {
        let column = batch.column_by_name(name);
        let dictionary = column.and_then(|column| column.as_dictionary_opt::<Int32Type>());
        Self(dictionary.and_then(|dictionary| {
            let texts = dictionary.values().as_string_opt::<i32>()?.clone();
            Some((dictionary.keys().clone(), texts))
        }))
    }

    fn get(&self, row: usize) -> Option<&str> {
        let (keys, texts) = self.0.as_ref()?;
        (!keys.is_null(row)).then(|| texts.value(keys.value(row) as usize))
    }
}

fn number_at<T: ArrowPrimitiveType>(column: Option<&ArrayRef>, row: usize) -> T::Native {
    let column = column.and_then(|column| column.as_primitive_opt::<T>());
    column.map_or_else(T::Native::default, |column| column.value(row))
}

fn shared<'a>(
    attributes: impl Iterator<Item = &'a AttributeText>,
    add_own: impl FnOnce(&mut Vec<(Arc<str>, Arc<str>)>),
) -> SharedLabels {
    let mut labels: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    for (key, kind, text) in attributes {
        let kind = AttributeType::from_number(*kind).unwrap_or(AttributeType::String);
        if let Some(name) = loki_label_name(key) {
            attribute_labels(&name, kind, text, &mut |name, value| {
                labels.push((name.into(), value.into()));
            });
        }
    }
    add_own(&mut labels);
    labels.into()
}

#[cfg(test)]
mod tests;
