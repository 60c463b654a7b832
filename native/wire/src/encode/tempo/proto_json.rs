//! Protobuf's JSON mapping: fields with default values left out, 64-bit numbers and bytes as text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use varve_columnar::{answer::Value, attributes::write_double};

use super::super::json::{self, ARRAY};

/// One object; its fields are written in the order of the calls.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

/// Writes an object.
pub(super) fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    let mut object = Object { out, empty: true };
    write(&mut object);
    out.push(b'}');
}

impl Object<'_> {
    /// The place of a field's value.
    pub(super) fn field(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        json::string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        object(self.field(name), write);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            json::string(self.field(name), text);
        }
    }

    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        if !bytes.is_empty() {
            json::string(self.field(name), &STANDARD.encode(bytes));
        }
    }

    pub(super) fn u32(&mut self, name: &str, value: u32) {
        if value != 0 {
            json::integer(self.field(name), value);
        }
    }

    pub(super) fn u64(&mut self, name: &str, value: u64) {
        if value != 0 {
            json::string(self.field(name), &value.to_string());
        }
    }

    /// A list, left out when it is empty.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: &[T],
        mut each: impl FnMut(&mut Object<'_>, &T),
    ) {
        if !items.is_empty() {
            let each = |out: &mut Vec<u8>, item| object(out, |fields| each(fields, item));
            json::list(self.field(name), ARRAY, items, each);
        }
    }
}

/// The fields of a `KeyValue`.
pub(super) fn key_value(fields: &mut Object<'_>, key: &str, value: &Value) {
    fields.text("key", key);
    fields.object("value", |fields| any_value(fields, value));
}

/// The one field of an `AnyValue`.
pub(super) fn any_value(fields: &mut Object<'_>, value: &Value) {
    match value {
        Value::String(text) => json::string(fields.field("stringValue"), text),
        Value::Bool(value) => json::integer(fields.field("boolValue"), value),
        Value::Int(value) => json::string(fields.field("intValue"), &value.to_string()),
        Value::Double(value) => double(fields.field("doubleValue"), *value),
        Value::Bytes(bytes) => json::string(fields.field("bytesValue"), &STANDARD.encode(bytes)),
        Value::Array(items) => fields.object("arrayValue", |fields| {
            fields.list("values", items, any_value);
        }),
        Value::KeyValueList(pairs) => fields.object("kvlistValue", |fields| {
            fields.list("values", pairs, |fields, (key, value)| key_value(fields, key, value));
        }),
        Value::Empty => {}
    }
}

/// A number; as text what JSON has no number for.
pub(super) fn double(out: &mut Vec<u8>, value: f64) {
    let mut text = String::new();
    write_double(&mut text, value);
    if value.is_finite() {
        out.extend_from_slice(text.as_bytes());
    } else {
        json::string(out, &text);
    }
}
