//! Attribute values as the texts of labels.

use std::fmt::Write as _;

use crate::{
    answer::Value,
    attributes::{AttributeType, decode, encode_into, write_double},
    label_names::loki_label_name,
};

/// The names of the labels that one value becomes are at most so many times as long as its text: each
/// repeats the names above it, so that a few long names would make gigabytes of many short values.
const NAMES_MAX_FACTOR: usize = 16;

/// More that short values may have.
const NAMES_FREE_BYTES: usize = 4_096;

/// Calls `each` with the labels that one attribute becomes: one, or for a list of pairs one for each
/// value in it. `name` is the attribute's name as a label.
pub fn attribute_labels(
    name: &str,
    kind: AttributeType,
    text: &str,
    each: &mut impl FnMut(&str, &str),
) {
    match kind {
        AttributeType::Array | AttributeType::KeyValueList | AttributeType::AnyValueJson => {
            let mut left = NAMES_MAX_FACTOR * text.len() + NAMES_FREE_BYTES;
            value_labels(name, &decode(kind, text), &mut left, each);
        }
        _ => each(name, text),
    }
}

/// What Loki shows of a value: text as it is, the rest in JSON form.
pub fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Double(value) => write_double(out, *value),
        Value::Empty => {}
        Value::Array(_) | Value::KeyValueList(_) => write_json(out, value),
        Value::Bool(_) | Value::Int(_) | Value::Bytes(_) => {
            encode_into(value, out);
        }
    }
}

/// `left`: bytes of names that may still be written.
fn value_labels(name: &str, value: &Value, left: &mut usize, each: &mut impl FnMut(&str, &str)) {
    if let Value::KeyValueList(pairs) = value {
        for (key, value) in pairs {
            *left = left.saturating_sub(name.len() + key.len() + 1);
            if *left == 0 {
                return;
            }
            if let Some(name) = loki_label_name(&format!("{name}_{key}")) {
                value_labels(&name, value, left, each);
            }
        }
        return;
    }
    let mut text = String::new();
    write_value(&mut text, value);
    each(name, &text);
}

/// JSON with the keys of objects sorted, as Go writes maps.
fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_json(out, item);
            }
            out.push(']');
        }
        Value::KeyValueList(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (at, (key, value)) in pairs.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_quoted(out, key);
                out.push(':');
                write_json(out, value);
            }
            out.push('}');
        }
        Value::Empty => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) => write_value(out, value),
        Value::Double(number) if number.is_finite() => write_value(out, value),
        Value::String(_) | Value::Bytes(_) | Value::Double(_) => {
            let mut text = String::new();
            write_value(&mut text, value);
            write_quoted(out, &text);
        }
    }
}

fn write_quoted(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}", serde_json::Value::from(text));
}
