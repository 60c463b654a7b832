//! Attribute values as columns: a type and a text from which the value is given back as it came.

mod column;

pub use column::{AttributeColumn, AttributeRef};

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    answer::Value,
    json_reader::{JsonError, JsonReader, Token},
};

/// What an attribute's (or a body's) text stands for. The numbers are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum AttributeType {
    /// `AnyValue` with nothing set; the text is empty.
    #[default]
    Empty = 0,
    /// The text itself.
    String = 1,
    /// `true` or `false`.
    Bool = 2,
    /// Decimal.
    Int = 3,
    /// The shortest decimal that reads back; `NaN`, `Infinity`, `-Infinity`.
    Double = 4,
    /// Base64.
    Bytes = 5,
    /// Plain JSON array: whole numbers are ints, numbers with `.` or exponent doubles.
    Array = 6,
    /// Plain JSON object, likewise.
    KeyValueList = 7,
    /// `AnyValue` in OTLP's JSON: arrays and objects that plain JSON would not give back as they
    /// came (bytes, NaN, empty values or repeated keys inside).
    AnyValueJson = 8,
}

impl AttributeType {
    /// The type with this number on disk; `None` for one that this version does not know.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Empty,
            1 => Self::String,
            2 => Self::Bool,
            3 => Self::Int,
            4 => Self::Double,
            5 => Self::Bytes,
            6 => Self::Array,
            7 => Self::KeyValueList,
            8 => Self::AnyValueJson,
            _ => return None,
        })
    }

    /// Whether it is a list, of values or of pairs.
    #[must_use]
    pub const fn is_nested(self) -> bool {
        matches!(self, Self::Array | Self::KeyValueList | Self::AnyValueJson)
    }
}

/// The column form of a value.
#[must_use]
pub fn encode(value: &Value) -> (AttributeType, String) {
    let mut text = String::new();
    let kind = encode_into(value, &mut text);
    (kind, text)
}

/// The column form of a value, its text appended to `out`.
pub fn encode_into(value: &Value, out: &mut String) -> AttributeType {
    match value {
        Value::Empty => AttributeType::Empty,
        Value::String(text) => {
            out.push_str(text);
            AttributeType::String
        }
        Value::Bool(value) => {
            out.push_str(if *value { "true" } else { "false" });
            AttributeType::Bool
        }
        Value::Int(value) => {
            write_display(out, value);
            AttributeType::Int
        }
        Value::Double(value) => {
            write_double(out, *value);
            AttributeType::Double
        }
        Value::Bytes(bytes) => {
            STANDARD.encode_string(bytes, out);
            AttributeType::Bytes
        }
        Value::Array(_) | Value::KeyValueList(_) => {
            if !is_plain(value) {
                write_any_value(out, value);
                return AttributeType::AnyValueJson;
            }
            write_plain(out, value);
            match value {
                Value::Array(_) => AttributeType::Array,
                _ => AttributeType::KeyValueList,
            }
        }
    }
}

/// Gives back the value. A text that its type does not have (which only damage could write) is
/// given back as a string.
#[must_use]
pub fn decode(kind: AttributeType, text: &str) -> Value {
    let value = match kind {
        AttributeType::Empty => Some(Value::Empty),
        AttributeType::String => None,
        AttributeType::Bool => text.parse().ok().map(Value::Bool),
        AttributeType::Int => text.parse().ok().map(Value::Int),
        AttributeType::Double => parse_double(text).map(Value::Double),
        AttributeType::Bytes => STANDARD.decode(text).ok().map(Value::Bytes),
        AttributeType::Array | AttributeType::KeyValueList => whole(text, read_plain).ok(),
        AttributeType::AnyValueJson => whole(text, read_any_value).ok(),
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A double as Go's and JavaScript's JSON write it: `0.25`, `7`, `1e-7`, `1e+21`; and the names of
/// what JSON has no numbers for. Loki shows doubles in this form.
pub fn write_double(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        let from = out.len();
        write_display(out, &format_args!("{value:e}"));
        if let Some(exponent) = out[from..].find('e').map(|at| from + at + 1)
            && !out[exponent..].starts_with('-')
        {
            out.insert(exponent, '+');
        }
    } else {
        write_display(out, &value);
    }
}

/// Reads what [`write_double`] wrote, and other decimals.
#[must_use]
pub fn parse_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// Whether plain JSON gives the value back as it came.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) | Value::Int(_) => true,
        Value::Double(value) => value.is_finite(),
        Value::Bytes(_) | Value::Empty => false,
        Value::Array(items) => items.iter().all(is_plain),
        Value::KeyValueList(pairs) => {
            let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
            keys.sort_unstable();
            keys.windows(2).all(|pair| pair[0] != pair[1])
                && pairs.iter().all(|(_, value)| is_plain(value))
        }
    }
}

fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_json_string(out, text),
        // `{:?}` always has a point or an exponent, which is what tells doubles from ints here.
        Value::Double(value) => write_display(out, &format_args!("{value:?}")),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_plain(out, item);
            }
            out.push(']');
        }
        Value::KeyValueList(pairs) => {
            out.push('{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_json_string(out, key);
                out.push(':');
                write_plain(out, value);
            }
            out.push('}');
        }
        Value::Bool(_) | Value::Int(_) | Value::Bytes(_) | Value::Empty => {
            encode_into(value, out);
        }
    }
}

fn write_any_value(out: &mut String, value: &Value) {
    out.push('{');
    match value {
        Value::Empty => {}
        Value::String(text) => {
            out.push_str("\"stringValue\":");
            write_json_string(out, text);
        }
        Value::Bool(value) => write_display(out, &format_args!("\"boolValue\":{value}")),
        Value::Int(value) => write_display(out, &format_args!("\"intValue\":\"{value}\"")),
        Value::Double(value) => {
            let quote = if value.is_finite() { "" } else { "\"" };
            out.push_str("\"doubleValue\":");
            out.push_str(quote);
            write_double(out, *value);
            out.push_str(quote);
        }
        Value::Bytes(bytes) => {
            out.push_str("\"bytesValue\":\"");
            STANDARD.encode_string(bytes, out);
            out.push('"');
        }
        Value::Array(items) => {
            out.push_str("\"arrayValue\":{\"values\":[");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_any_value(out, item);
            }
            out.push_str("]}");
        }
        Value::KeyValueList(pairs) => {
            out.push_str("\"kvlistValue\":{\"values\":[");
            for (at, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if at == 0 { "{\"key\":" } else { ",{\"key\":" });
                write_json_string(out, key);
                out.push_str(",\"value\":");
                write_any_value(out, value);
                out.push('}');
            }
            out.push_str("]}");
        }
    }
    out.push('}');
}

fn write_json_string(out: &mut String, text: &str) {
    write_display(out, &serde_json::Value::from(text));
}

fn write_display(out: &mut String, value: &impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn whole<'a>(
    text: &'a str,
    read: impl FnOnce(&mut JsonReader<'a>) -> Result<Value, JsonError>,
) -> Result<Value, JsonError> {
    let mut reader = JsonReader::new(text);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

fn read_plain(reader: &mut JsonReader<'_>) -> Result<Value, JsonError> {
    let token = reader.value()?;
    rest_of_plain(token, reader)
}

/// Reads what is left of a value of plain JSON whose token was read: whole numbers of 64 bits are ints,
/// others doubles.
///
/// # Errors
///
/// When the text is not JSON, or a number is beyond what a double holds.
pub fn rest_of_plain(token: Token<'_>, reader: &mut JsonReader<'_>) -> Result<Value, JsonError> {
    Ok(match token {
        Token::Null => Value::Empty,
        Token::Bool(value) => Value::Bool(value),
        Token::String(text) => Value::String(text.into_owned()),
        Token::Number(digits) => match digits.parse() {
            Ok(value) => Value::Int(value),
            Err(_) => Value::Double(
                parse_double(digits).ok_or_else(|| reader.error("expected a number"))?,
            ),
        },
        Token::Array => {
            let mut items = Vec::new();
            while reader.next_item()? {
                items.push(read_plain(reader)?);
            }
            Value::Array(items)
        }
        Token::Object => {
            let mut pairs = Vec::new();
            while let Some(key) = reader.next_key()? {
                pairs.push((key.into_owned(), read_plain(reader)?));
            }
            Value::KeyValueList(pairs)
        }
    })
}

fn read_any_value(reader: &mut JsonReader<'_>) -> Result<Value, JsonError> {
    expect(reader, &Token::Object)?;
    let mut value = Value::Empty;
    while let Some(key) = reader.next_key()? {
        value = match key.as_ref() {
            "arrayValue" => Value::Array(read_values(reader, read_any_value)?),
            "kvlistValue" => Value::KeyValueList(read_values(reader, read_pair)?),
            _ => match (key.as_ref(), reader.value()?) {
                ("stringValue", Token::String(text)) => Value::String(text.into_owned()),
                ("boolValue", Token::Bool(value)) => Value::Bool(value),
                ("intValue", Token::String(digits)) => decode(AttributeType::Int, &digits),
                ("doubleValue", Token::String(text)) => decode(AttributeType::Double, &text),
                ("doubleValue", Token::Number(digits)) => decode(AttributeType::Double, digits),
                ("bytesValue", Token::String(text)) => decode(AttributeType::Bytes, &text),
                _ => return Err(reader.error("expected an OTLP value")),
            },
        };
    }
    Ok(value)
}

/// `{"values": [ … ]}`.
fn read_values<'a, T>(
    reader: &mut JsonReader<'a>,
    read: impl Fn(&mut JsonReader<'a>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let mut values = Vec::new();
    expect(reader, &Token::Object)?;
    while reader.next_key()?.is_some() {
        expect(reader, &Token::Array)?;
        while reader.next_item()? {
            values.push(read(reader)?);
        }
    }
    Ok(values)
}

/// `{"key": …, "value": …}`, in this order, as written above.
fn read_pair(reader: &mut JsonReader<'_>) -> Result<(String, Value), JsonError> {
    expect(reader, &Token::Object)?;
    reader.next_key()?;
    let Token::String(key) = reader.value()? else {
        return Err(reader.error("expected a key"));
    };
    reader.next_key()?;
    let value = read_any_value(reader)?;
    match reader.next_key()? {
        None => Ok((key.into_owned(), value)),
        Some(_) => Err(reader.error("expected '}'")),
    }
}

fn expect(reader: &mut JsonReader<'_>, token: &Token<'_>) -> Result<(), JsonError> {
    if reader.value()? == *token {
        return Ok(());
    }
    Err(reader.error("expected an array or object"))
}

#[cfg(test)]
mod tests;
