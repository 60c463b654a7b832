//! Tags and their values, in the forms of both versions.

use varve_columnar::answer::{QueryStats, TagScope, TypedValue};

use super::{
    super::json::{self, ARRAY},
    proto_json::{Object, object},
};

/// The fields of `SearchTagsResponse`: attribute names of all scopes in one list, each once.
pub(super) fn names(fields: &mut Object<'_>, scopes: &[TagScope], stats: &QueryStats) {
    let attributes = scopes.iter().filter(|scope| scope.scope != "intrinsic");
    let mut tags: Vec<&String> = attributes.flat_map(|scope| &scope.tags).collect();
    tags.sort_unstable();
    tags.dedup();
    json::list(fields.field("tagNames"), ARRAY, tags, |out, tag| json::string(out, tag));
    metrics(fields, stats);
}

/// The fields of `SearchTagsV2Response`.
pub(super) fn scopes(fields: &mut Object<'_>, scopes: &[TagScope], stats: &QueryStats) {
    json::list(fields.field("scopes"), ARRAY, scopes, |out, scope| {
        object(out, |fields| {
            fields.text("name", scope.scope);
            let tags = fields.field("tags");
            json::list(tags, ARRAY, &scope.tags, |out, tag| json::string(out, tag));
        });
    });
    metrics(fields, stats);
}

/// The fields of `SearchTagValuesResponse`: texts, each once.
pub(super) fn texts(fields: &mut Object<'_>, values: &[TypedValue], stats: &QueryStats) {
    let mut texts: Vec<&String> = values.iter().map(|value| &value.value).collect();
    texts.sort_unstable();
    texts.dedup();
    json::list(fields.field("tagValues"), ARRAY, texts, |out, text| json::string(out, text));
    metrics(fields, stats);
}

/// The fields of `SearchTagValuesV2Response`.
pub(super) fn values(fields: &mut Object<'_>, values: &[TypedValue], stats: &QueryStats) {
    json::list(fields.field("tagValues"), ARRAY, values, |out, value| {
        object(out, |fields| {
            fields.text("type", value.kind);
            fields.text("value", &value.value);
        });
    });
    metrics(fields, stats);
}

/// `MetadataMetrics`.
fn metrics(fields: &mut Object<'_>, stats: &QueryStats) {
    fields.object("metrics", |fields| fields.u64("inspectedBytes", stats.bytes_read));
}
