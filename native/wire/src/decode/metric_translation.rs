//! How OTLP's metrics become Prometheus' series, where people may choose.

use serde::Deserialize;

/// The names are the settings' below `otlp`, where their defaults are too, and those of Prometheus'
/// own section `otlp`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of Prometheus' by its name")]
pub struct MetricTranslation {
    /// What becomes of names.
    pub translation_strategy: TranslationStrategy,
    /// A label whose name begins with one underscore gets `key` before it.
    pub label_name_underscore_sanitization: bool,
    /// Underscores in a row stay in the names of labels.
    pub label_name_preserve_multiple_underscores: bool,
    /// Resource attributes that are labels of every series of the resource.
    pub promote_resource_attributes: Vec<String>,
    /// All of them are.
    pub promote_all_resource_attributes: bool,
    /// All but these, then.
    pub ignore_resource_attributes: Vec<String>,
    /// `target_info` keeps what `job` and `instance` are made of.
    pub keep_identifying_resource_attributes: bool,
    /// Scopes are labels `otel_scope_…` of every series.
    pub promote_scope_metadata: bool,
    /// Histograms with explicit bounds become native ones with custom buckets.
    pub convert_histograms_to_nhcb: bool,
    /// Deltas are stored as they come.
    pub native_delta_ingestion: bool,
}

/// What becomes of the names of metrics and labels; the names are Prometheus' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TranslationStrategy {
    /// Only letters, digits and underscores; metrics get their unit and type as suffixes.
    UnderscoreEscapingWithSuffixes,
    /// Only letters, digits and underscores.
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay; metrics get their unit and type as suffixes.
    NoUTF8EscapingWithSuffixes,
    /// Names stay.
    NoTranslation,
}

impl TranslationStrategy {
    /// Characters that Prometheus did not always take become underscores.
    pub(super) fn escapes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes
        )
    }
}

impl MetricTranslation {
    /// As Prometheus does it where nothing is configured.
    pub const DEFAULT: Self = Self {
        translation_strategy: TranslationStrategy::UnderscoreEscapingWithSuffixes,
        label_name_underscore_sanitization: true,
        label_name_preserve_multiple_underscores: true,
        promote_resource_attributes: Vec::new(),
        promote_all_resource_attributes: false,
        ignore_resource_attributes: Vec::new(),
        keep_identifying_resource_attributes: false,
        promote_scope_metadata: false,
        convert_histograms_to_nhcb: false,
        native_delta_ingestion: false,
    };

    /// Whether a resource attribute is a label of the resource's series.
    pub(super) fn promotes(&self, attribute: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| name == attribute);
        if self.promote_all_resource_attributes {
            return !is_in(&self.ignore_resource_attributes);
        }
        is_in(&self.promote_resource_attributes)
    }
}
