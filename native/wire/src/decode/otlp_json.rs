//! OTLP's JSON: read once, written as the protobuf message it stands for, and then decoded as that.
//!
//! So both forms of a body have the same meaning by construction. Differences to proto3's JSON are
//! OTLP's own: ids are hex, enums are numbers (names are taken too).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use varve_columnar::{
    attributes::parse_double,
    json_reader::{JsonError, JsonReader, Token},
};

use super::protobuf_write::{
    self, write_bytes, write_double, write_fixed32, write_fixed64, write_varint, write_zigzag,
};

/// A message's fields.
pub(super) struct Descriptor(pub(super) &'static [FieldRule]);

/// One field: its name in lowerCamelCase, its number, what it holds.
pub(super) struct FieldRule(pub(super) &'static str, pub(super) u32, pub(super) Kind);

/// What a field holds. Repeated ones come as arrays.
pub(super) enum Kind {
    Text,
    /// Base64.
    Bytes,
    /// Hex digits.
    Id,
    Bool,
    /// Any whole number that is not of a fixed size or zigzag.
    Varint,
    /// `sint32` and its like.
    Zigzag,
    /// `fixed64` and `sfixed64`.
    Fixed64,
    Fixed32,
    Double,
    /// Names by number.
    Enum(&'static [&'static str]),
    Message(&'static Descriptor),
}

/// The protobuf form of a body that is the message `descriptor` in JSON; nothing for no bytes.
pub(super) fn to_protobuf(body: &str, descriptor: &Descriptor) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::with_capacity(body.len());
    if body.trim_ascii().is_empty() {
        return Ok(out);
    }
    let mut reader = JsonReader::new(body);
    let token = reader.value()?;
    write_message(&mut reader, &token, descriptor, &mut out)?;
    reader.end()?;
    Ok(out)
}

fn write_message(
    reader: &mut JsonReader<'_>,
    token: &Token<'_>,
    descriptor: &Descriptor,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    if *token != Token::Object {
        return Err(reader.error("expected an object"));
    }
    while let Some(key) = reader.next_key()? {
        let Some(rule) = descriptor.0.iter().find(|rule| is_name(&key, rule.0)) else {
            reader.skip_value()?;
            continue;
        };
        match reader.value()? {
            Token::Array => {
                while reader.next_item()? {
                    let token = reader.value()?;
                    write_field(reader, &token, rule, out)?;
                }
            }
            token => write_field(reader, &token, rule, out)?,
        }
    }
    Ok(())
}

/// Whether a key is this name, in lowerCamelCase or in the proto file's `snake_case`.
fn is_name(key: &str, name: &str) -> bool {
    if key == name {
        return true;
    }
    let mut rest = name.bytes();
    let mut is_after_gap = false;
    for byte in key.bytes() {
        if byte == b'_' {
            is_after_gap = true;
            continue;
        }
        let byte = if is_after_gap { byte.to_ascii_uppercase() } else { byte };
        is_after_gap = false;
        if rest.next() != Some(byte) {
            return false;
        }
    }
    rest.next().is_none()
}

fn write_field(
    reader: &mut JsonReader<'_>,
    token: &Token<'_>,
    FieldRule(_, number, kind): &FieldRule,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    if *token == Token::Null {
        return Ok(());
    }
    match kind {
        Kind::Text => write_bytes(out, *number, string(reader, token)?.as_bytes()),
        Kind::Bytes => {
            let bytes = STANDARD.decode(string(reader, token)?);
            write_bytes(out, *number, &bytes.map_err(|_| reader.error("expected base64"))?);
        }
        Kind::Id => write_bytes(out, *number, &hex(string(reader, token)?)),
        Kind::Bool => {
            let Token::Bool(value) = token else {
                return Err(reader.error("expected true or false"));
            };
            write_varint(out, *number, u64::from(*value));
        }
        Kind::Varint => write_varint(out, *number, whole(reader, token)?),
        Kind::Zigzag => write_zigzag(out, *number, whole(reader, token)? as i64),
        Kind::Fixed64 => write_fixed64(out, *number, whole(reader, token)?),
        Kind::Fixed32 => write_fixed32(out, *number, whole(reader, token)? as u32),
        Kind::Double => write_double(out, *number, double(reader, token)?),
        Kind::Enum(names) => {
            let value = match token {
                Token::String(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                    names.iter().position(|name| name == text).unwrap_or_default() as u64
                }
                _ => whole(reader, token)?,
            };
            write_varint(out, *number, value);
        }
        Kind::Message(descriptor) => {
            protobuf_write::write_message(out, *number, |out| {
                write_message(reader, token, descriptor, out)
            })?;
        }
    }
    Ok(())
}

fn string<'t>(reader: &JsonReader<'_>, token: &'t Token<'_>) -> Result<&'t str, JsonError> {
    match token {
        Token::String(text) => Ok(text),
        _ => Err(reader.error("expected a string")),
    }
}

/// A whole number, as a number or as a string of one; a negative one in two's complement.
fn whole(reader: &JsonReader<'_>, token: &Token<'_>) -> Result<u64, JsonError> {
    let text: &str = match token {
        Token::Number(digits) => digits,
        Token::String(text) => text,
        _ => return Err(reader.error("expected a whole number")),
    };
    let signed = || text.parse::<i64>().ok().map(|value| value as u64);
    // Some senders write large numbers with an exponent.
    let with_exponent = || {
        let value = parse_double(text).filter(|value| value.fract() == 0.0)?;
        Some(if value < 0.0 { value as i64 as u64 } else { value as u64 })
    };
    let value = text.parse::<u64>().ok().or_else(signed).or_else(with_exponent);
    value.ok_or_else(|| reader.error("expected a whole number"))
}

fn double(reader: &JsonReader<'_>, token: &Token<'_>) -> Result<f64, JsonError> {
    let value = match token {
        Token::Number(digits) => digits.parse().ok(),
        Token::String(text) => parse_double(text),
        _ => None,
    };
    value.ok_or_else(|| reader.error("expected a number"))
}

/// An id's bytes; one byte for what is no hex, which no id has, so that its record is refused and
/// not the body.
fn hex(text: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect();
    bytes.unwrap_or_else(|| vec![0])
}

#[cfg(test)]
mod tests;
