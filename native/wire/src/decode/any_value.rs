//! OTLP's `AnyValue` and `KeyValue`, from the wire to columns.

use std::{borrow::Cow, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use varve_columnar::{
    answer::Value,
    attributes::{AttributeType, encode, write_double},
    builders::AttributeListsBuilder,
    resource::AttributeText,
};

use super::{
    protobuf::{DEPTH_MAX, Message, WireError},
    text,
};

/// The longest array or map: a tree takes up to thirty times the bytes that it is made of.
const NESTED_MAX_BYTES: usize = 4 << 20;

/// A value whose parts are still where they came from, unless it holds others.
#[derive(Debug)]
pub(super) enum AnyValue<'a> {
    Empty,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    Tree(Value),
}

impl<'a> AnyValue<'a> {
    /// Reads an `AnyValue`; of several values set, the last counts.
    pub(super) fn read(message: Message<'a>) -> Result<Self, WireError> {
        Self::read_at(message, 0)
    }

    fn read_at(mut message: Message<'a>, depth: u32) -> Result<Self, WireError> {
        if depth == DEPTH_MAX {
            return Err(message.error("values nested too deeply"));
        }
        if depth == 0 && message.bytes().len() > NESTED_MAX_BYTES && Self::is_nested(message)? {
            return Err(message.error("an array or map of over 4 MiB"));
        }
        let mut value = Self::Empty;
        while let Some((number, field)) = message.next_field()? {
            value = match number {
                1 => Self::Text(field.text(&message)?),
                2 => Self::Bool(field.varint(&message)? != 0),
                3 => Self::Int(field.varint(&message)? as i64),
                4 => Self::Double(field.double(&message)?),
                5 => Self::Tree(read_array(field.message(&message)?, depth)?),
                6 => Self::Tree(read_pairs(field.message(&message)?, depth)?),
                7 => Self::Bytes(field.message(&message)?.bytes()),
                _ => continue,
            };
        }
        Ok(value)
    }

    fn is_nested(mut message: Message<'_>) -> Result<bool, WireError> {
        while let Some((number, _)) = message.next_field()? {
            if matches!(number, 5 | 6) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value on its own.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Empty => Value::Empty,
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Double(value) => Value::Double(value),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Tree(value) => value,
        }
    }

    /// Appends the value as an attribute of the row at hand.
    pub(super) fn push(&self, key: &[u8], attributes: &mut AttributeListsBuilder) {
        match self {
            Self::Empty => attributes.push(key, AttributeType::Empty, ""),
            Self::Text(text) => attributes.push(key, AttributeType::String, text),
            Self::Bool(true) => attributes.push(key, AttributeType::Bool, "true"),
            Self::Bool(false) => attributes.push(key, AttributeType::Bool, "false"),
            Self::Int(value) => attributes.push_with(key, AttributeType::Int, |out| {
                // Writing to a String cannot fail.
                let _ = write!(out, "{value}");
            }),
            Self::Double(value) => {
                attributes.push_with(key, AttributeType::Double, |out| write_double(out, *value));
            }
            Self::Bytes(bytes) => attributes
                .push_with(key, AttributeType::Bytes, |out| STANDARD.encode_string(bytes, out)),
            Self::Tree(value) => attributes.push_value(key, value),
        }
    }

    /// The value as a line: text as it is, the rest as JSON with sorted keys, as Loki writes it.
    pub(super) fn into_line(self) -> (AttributeType, Cow<'a, str>) {
        match self {
            Self::Text(text) => (AttributeType::String, text),
            other => {
                let mut value = other.into_value();
                sort_keys(&mut value);
                let (kind, text) = encode(&value);
                (kind, text.into())
            }
        }
    }
}

/// Reads a `KeyValue`.
pub(super) fn read_attribute(
    message: Message<'_>,
) -> Result<(Cow<'_, str>, AnyValue<'_>), WireError> {
    read_attribute_at(message, 0)
}

/// Reads a `KeyValue` of a resource or scope.
pub(super) fn read_attribute_text(message: Message<'_>) -> Result<AttributeText, WireError> {
    let (key, value) = read_attribute(message)?;
    let (kind, text) = encode(&value.into_value());
    Ok((key.into_owned(), kind as u8, text))
}

/// Reads a `KeyValue` and appends it to the row at hand.
///
/// Simple values go from the wire to their column without becoming an [`AnyValue`]: a record has ten
/// attributes, and moving them about was a third of its cost.
pub(super) fn push_attribute(
    message: Message<'_>,
    attributes: &mut AttributeListsBuilder,
) -> Result<(), WireError> {
    if let Some((key, value)) = Plain::read(message.bytes()) {
        match value {
            Plain::Text(bytes) => attributes.push(key, AttributeType::String, &text(bytes)),
            Plain::Bool(value) => AnyValue::Bool(value).push(key, attributes),
            Plain::Double(value) => AnyValue::Double(value).push(key, attributes),
        }
        return Ok(());
    }
    let (key, value) = read_attribute(message)?;
    value.push(key.as_bytes(), attributes);
    Ok(())
}

/// A value in the bytes that nearly every sender writes for it: key before value, lengths below 128.
enum Plain<'a> {
    Text(&'a [u8]),
    Bool(bool),
    Double(f64),
}

impl<'a> Plain<'a> {
    /// The key and value of a `KeyValue`; `None` for one written otherwise, or of another type.
    #[inline]
    fn read(bytes: &'a [u8]) -> Option<(&'a [u8], Self)> {
        const KEY: u8 = 1 << 3 | 2;
        const VALUE: u8 = 2 << 3 | 2;
        const TEXT: u8 = 1 << 3 | 2;
        const BOOL: u8 = 2 << 3;
        const DOUBLE: u8 = 4 << 3 | 1;
        let [KEY, key_length @ 0..0x80, rest @ ..] = bytes else { return None };
        let (key, rest) = rest.split_at_checked(usize::from(*key_length))?;
        let [VALUE, length @ 0..0x80, value @ ..] = rest else { return None };
        if value.len() != usize::from(*length) {
            return None;
        }
        let value = match value {
            [TEXT, length @ 0..0x80, text @ ..] if text.len() == usize::from(*length) => {
                Self::Text(text)
            }
            [BOOL, value @ 0..0x80] => Self::Bool(*value != 0),
            [DOUBLE, bits @ ..] => Self::Double(f64::from_le_bytes(bits.try_into().ok()?)),
            _ => return None,
        };
        Some((key, value))
    }
}

fn read_attribute_at(
    mut message: Message<'_>,
    depth: u32,
) -> Result<(Cow<'_, str>, AnyValue<'_>), WireError> {
    let (mut key, mut value) = (Cow::Borrowed(""), AnyValue::Empty);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => key = field.text(&message)?,
            2 => value = AnyValue::read_at(field.message(&message)?, depth)?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn read_array(mut message: Message<'_>, depth: u32) -> Result<Value, WireError> {
    let mut items = Vec::new();
    while let Some((number, field)) = message.next_field()? {
        if number == 1 {
            items.push(AnyValue::read_at(field.message(&message)?, depth + 1)?.into_value());
        }
    }
    Ok(Value::Array(items))
}

fn read_pairs(mut message: Message<'_>, depth: u32) -> Result<Value, WireError> {
    let mut pairs = Vec::new();
    while let Some((number, field)) = message.next_field()? {
        if number == 1 {
            let (key, value) = read_attribute_at(field.message(&message)?, depth + 1)?;
            pairs.push((key.into_owned(), value.into_value()));
        }
    }
    Ok(Value::KeyValueList(pairs))
}

fn sort_keys(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_keys),
        Value::KeyValueList(pairs) => {
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            for (_, value) in pairs {
                sort_keys(value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varve_columnar::builders::LogsBuilder;

    use super::{super::test_support::Writer, *};

    fn pushed(attribute: &Writer) -> Vec<(String, AttributeType, String)> {
        let mut logs = LogsBuilder::default();
        push_attribute(Message::new(&attribute.0), &mut logs.attributes).unwrap();
        let attributes = &logs.attributes;
        let row = attributes.row_at_hand();
        row.map(|(key, kind, text)| (attributes.key(key).to_owned(), kind, text.to_owned()))
            .collect()
    }

    proptest! {
        #[test]
        fn an_attribute_means_the_same_however_it_is_written(
            key in ".{0,140}",
            text in ".{0,140}",
            number in any::<i64>(),
            double in any::<f64>(),
            truth in any::<bool>(),
        ) {
            let values = [
                Writer::default().text(1, &text),
                Writer::default().varint(2, u64::from(truth)),
                Writer::default().varint(3, number as u64),
                Writer::default().double(4, double),
                Writer::default(),
            ];
            for value in values {
                let usual = Writer::default().text(1, &key).message(2, &value);
                let reversed = Writer::default().message(2, &value).text(1, &key);
                prop_assert_eq!(pushed(&usual), pushed(&reversed));
            }
        }
    }
}
