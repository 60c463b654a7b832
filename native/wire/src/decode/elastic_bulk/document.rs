//! One document taken apart: time, line, what names its stream, and everything else as attributes.
//!
//! Fields have the names of the Elastic Common Schema, `{"host": {"name": …}}` or `{"host.name": …}`,
//! or those that the OpenTelemetry Collector's exporter gives them.

use std::borrow::Cow;

use varve_columnar::{
    answer::Value,
    attributes::{encode, rest_of_plain},
    json_reader::{JsonError, JsonReader, Token},
};

use super::super::{hex_id::hex_id, time::parse_rfc3339};

/// What a document says.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// Nanoseconds since the epoch, or the text that is no time.
    pub(super) time: Option<Result<i64, String>>,
    /// Its message; without one all of it, as it came.
    pub(super) line: Cow<'a, str>,
    /// Empty if not told, like those below.
    pub(super) service: String,
    pub(super) host: String,
    pub(super) level: String,
    pub(super) trace_id: Option<[u8; 16]>,
    pub(super) span_id: Option<[u8; 8]>,
    /// All that is not above; none if the line is the whole document.
    pub(super) fields: Vec<(Cow<'a, str>, Value)>,
}

impl<'a> Document<'a> {
    pub(super) fn read(source: &'a str) -> Result<Self, JsonError> {
        let mut reader = JsonReader::new(source);
        if reader.value()? != Token::Object {
            return Err(reader.error("expected a document as an object"));
        }
        let mut fields = Vec::new();
        while let Some(key) = reader.next_key()? {
            match reader.value()? {
                // As in Elasticsearch, what is null is not there.
                Token::Null => {}
                token => fields.push((key, rest_of_plain(token, &mut reader)?)),
            }
        }
        reader.end()?;
        Ok(Self::of(source, fields))
    }

    fn of(source: &'a str, mut fields: Vec<(Cow<'a, str>, Value)>) -> Self {
        let time = take(&mut fields, &["@timestamp"]).map(|value| time_of(&value));
        let service =
            text(take(&mut fields, &["service.name", "resource.attributes.service.name"]));
        let host = text(take(&mut fields, &["host.name", "resource.attributes.host.name"]));
        let level = text(take(&mut fields, &["log.level", "severity_text"]));
        let trace_id = take_id(&mut fields, &["trace.id", "trace_id"]);
        let span_id = take_id(&mut fields, &["span.id", "span_id"]);
        let message = take(&mut fields, &["message", "body.text"]);
        let line = match message {
            Some(Value::String(message)) => message.into(),
            Some(other) => encode(&other).1.into(),
            None => {
                fields.clear();
                source.trim().into()
            }
        };
        Self { time, line, service, host, level, trace_id, span_id, fields }
    }
}

/// Takes the first of these fields out of a document, wherever its name is split.
fn take<K: AsRef<str>>(fields: &mut Vec<(K, Value)>, paths: &[&str]) -> Option<Value> {
    paths.iter().find_map(|path| take_path(fields, path))
}

fn take_path<K: AsRef<str>>(fields: &mut Vec<(K, Value)>, path: &str) -> Option<Value> {
    let is_whole = |(key, _): &(K, Value)| key.as_ref() == path;
    if let Some(at) = fields.iter().position(is_whole) {
        return Some(fields.remove(at).1);
    }
    for at in 0..fields.len() {
        let Some((key, Value::KeyValueList(inner))) = fields.get_mut(at) else { continue };
        let rest = path.strip_prefix(key.as_ref()).and_then(|rest| rest.strip_prefix('.'));
        let Some(value) = rest.and_then(|rest| take_path(inner, rest)) else { continue };
        if inner.is_empty() {
            fields.remove(at);
        }
        return Some(value);
    }
    None
}

fn text(value: Option<Value>) -> String {
    value.map_or_else(String::new, |value| encode(&value).1)
}

/// An id of hex digits. What is none stays among the fields.
fn take_id<const N: usize>(
    fields: &mut Vec<(Cow<'_, str>, Value)>,
    paths: &[&'static str],
) -> Option<[u8; N]> {
    paths.iter().find_map(|path| {
        let value = take_path(fields, path)?;
        let id = match &value {
            Value::String(digits) if digits.len() == 2 * N => hex_id(digits),
            _ => None,
        };
        if id.is_none() {
            fields.push(((*path).into(), value));
        }
        id
    })
}

/// The time of a document: RFC 3339, or milliseconds since the epoch as a number or in quotes, with a
/// fraction if need be.
fn time_of(value: &Value) -> Result<i64, String> {
    let text = encode(value).1;
    parse_rfc3339(&text).or_else(|| epoch_ms(&text)).ok_or_else(|| text.chars().take(64).collect())
}

fn epoch_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = match fraction.get(..fraction.len().min(6)) {
        Some("") => 0,
        Some(digits) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse::<i64>().ok()? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(nanoseconds)
}
