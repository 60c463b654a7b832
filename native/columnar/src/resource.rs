//! Resources and scopes, as texts that many rows share.

use serde::{Deserialize, Serialize};

/// One attribute inside a resource or scope: key, type number, text (see `attributes`).
pub type AttributeText = (String, u8, String);

/// OTLP `Resource` and its schema URL. The canonical text is its JSON with the fields in this order,
/// those with default values left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// In the sender's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeText>,
    /// How many the sender left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_attributes_count: u32,
    /// Of `ResourceLogs`, `ResourceSpans`, ….
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schema_url: String,
}

/// OTLP `InstrumentationScope` and its schema URL; text as for [`Resource`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scope {
    /// The library.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// In the sender's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeText>,
    /// How many the sender left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_attributes_count: u32,
    /// Of `ScopeLogs`, `ScopeSpans`, ….
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schema_url: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}
