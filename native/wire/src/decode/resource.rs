//! OTLP resources and scopes, read once for the many records under them.

use varve_columnar::resource::{Resource, Scope};

use super::{
    any_value::read_attribute_text,
    protobuf::{Field, Message, WireError},
};

/// Finds the fields of a message that its other fields depend on, wherever they stand in it.
///
/// Senders write `resource` before the records that it describes, but protobuf lets fields come in
/// any order, so they are looked for first; walking over the records costs a few steps.
pub(super) struct Described<'a> {
    /// Field 1: the resource of `ResourceLogs`, the scope of `ScopeLogs`, and of their like.
    pub(super) subject: Option<Message<'a>>,
    /// Field 3.
    pub(super) schema_url: String,
}

impl<'a> Described<'a> {
    pub(super) fn find(mut message: Message<'a>) -> Result<Self, WireError> {
        let mut found = Self { subject: None, schema_url: String::new() };
        while let Some((number, field)) = message.next_field()? {
            match number {
                1 => found.subject = Some(field.message(&message)?),
                3 => found.schema_url = field.text(&message)?.into_owned(),
                _ => {}
            }
        }
        Ok(found)
    }

    /// The message as a resource; an empty one if it was not sent.
    pub(super) fn into_resource(self) -> Result<Resource, WireError> {
        let mut resource = Resource { schema_url: self.schema_url, ..Resource::default() };
        let Some(mut message) = self.subject else { return Ok(resource) };
        while let Some((number, field)) = message.next_field()? {
            match number {
                1 => resource.attributes.push(read_attribute_text(field.message(&message)?)?),
                2 => resource.dropped_attributes_count = field.varint(&message)? as u32,
                _ => {}
            }
        }
        Ok(resource)
    }

    /// The message as a scope; an empty one if it was not sent.
    pub(super) fn into_scope(self) -> Result<Scope, WireError> {
        let mut scope = Scope { schema_url: self.schema_url, ..Scope::default() };
        let Some(mut message) = self.subject else { return Ok(scope) };
        while let Some((number, field)) = message.next_field()? {
            match number {
                1 => scope.name = field.text(&message)?.into_owned(),
                2 => scope.version = field.text(&message)?.into_owned(),
                3 => scope.attributes.push(read_attribute_text(field.message(&message)?)?),
                4 => scope.dropped_attributes_count = field.varint(&message)? as u32,
                _ => {}
            }
        }
        Ok(scope)
    }
}

/// Whether there is a record below a scope (`levels` is 1) or a resource (2): those that have none are
/// not worth being read, and there may be millions of them in a body.
pub(super) fn has_records(mut message: Message<'_>, levels: u32) -> Result<bool, WireError> {
    while let Some((number, field)) = message.next_field()? {
        if number == 2 && (levels == 1 || has_records(field.message(&message)?, levels - 1)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many records are below a scope (`levels` is 1) or a resource (2).
pub(super) fn records_below(mut message: Message<'_>, levels: u32) -> Result<u64, WireError> {
    let mut count = 0;
    while let Some((number, field)) = message.next_field()? {
        if number == 2 {
            let below = field.message(&message)?;
            count += if levels == 1 { 1 } else { records_below(below, levels - 1)? };
        }
    }
    Ok(count)
}

/// The canonical text of a resource or scope.
pub(super) fn canonical(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value);
    debug_assert!(text.is_ok(), "texts and numbers are always JSON");
    text.unwrap_or_default()
}

/// Calls `each` with every message in the repeated field `number`.
pub(super) fn each_message<'a, E: From<WireError>>(
    mut message: Message<'a>,
    number: u32,
    mut each: impl FnMut(Message<'a>) -> Result<(), E>,
) -> Result<(), E> {
    while let Some((found, field)) = message.next_field()? {
        if found == number {
            each(Field::message(field, &message)?)?;
        }
    }
    Ok(())
}

/// An id of `N` bytes: `None` if it was not sent or is all zeros.
///
/// Fails with the length of one that is neither.
pub(super) fn id<const N: usize>(bytes: &[u8]) -> Result<Option<[u8; N]>, usize> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id: [u8; N] = bytes.try_into().map_err(|_| bytes.len())?;
    Ok((id != [0; N]).then_some(id))
}
