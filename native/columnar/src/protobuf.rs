//! Protobuf's wire format, walked in place: no message objects, nothing copied.

use std::borrow::Cow;

/// Messages inside messages; OTLP's values nest, and the walk recurses with them.
pub const DEPTH_MAX: u32 = 100;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct WireError {
    /// What was wrong.
    pub what: &'static str,
    /// Bytes from the start of the decompressed body.
    pub at: usize,
}

/// The fields of a message that were not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    rest: &'a [u8],
    /// Where `rest` ends, in bytes from the start of the body.
    end: usize,
}

/// One field's value.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// Seven bits a byte.
    Varint(u64),
    /// Eight bytes, the lowest first.
    Fixed64(u64),
    /// Four bytes, the lowest first.
    Fixed32(u32),
    /// Text, bytes, a message or packed numbers.
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    /// The message that the whole body is.
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body, end: body.len() }
    }

    /// What is left, as bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// What is left, as text.
    pub fn text(self) -> Cow<'a, str> {
        text(self.bytes())
    }

    /// An error at the byte reached.
    pub fn error(&self, what: &'static str) -> WireError {
        WireError { what, at: self.end - self.rest.len() }
    }

    /// The next field's number and value.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<(u32, Field<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| self.error("field number too large"))?;
        if number == 0 {
            return Err(self.error("field number 0"));
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            5 => Field::Fixed32(u32::from_le_bytes(self.fixed()?)),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
                    return Err(self.error("a field that is longer than what holds it"));
                };
                self.rest = rest;
                Field::Bytes(Message { rest: bytes, end: self.end - rest.len() })
            }
            _ => return Err(self.error("a group, or a wire type that does not exist")),
        };
        Ok(Some((number, field)))
    }

    /// Reads a varint; also for packed numbers.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        if let [byte, rest @ ..] = self.rest
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(self.error("a number without its end"))
    }

    /// Reads `N` bytes; also for packed numbers.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.error("a number without its end"));
        };
        self.rest = rest;
        Ok(*bytes)
    }
}

const WRONG_TYPE: &str = "a field of another wire type ends";

/// A field as what its message says it is; an error where its wire type is another.
impl<'a> Field<'a> {
    /// A number of seven bits a byte.
    #[inline]
    pub fn varint(self, within: &Message<'_>) -> Result<u64, WireError> {
        match self {
            Field::Varint(value) => Ok(value),
            _ => Err(within.error(WRONG_TYPE)),
        }
    }

    /// A number of eight bytes.
    #[inline]
    pub fn fixed64(self, within: &Message<'_>) -> Result<u64, WireError> {
        match self {
            Field::Fixed64(value) => Ok(value),
            _ => Err(within.error(WRONG_TYPE)),
        }
    }

    /// A number of four bytes.
    #[inline]
    pub fn fixed32(self, within: &Message<'_>) -> Result<u32, WireError> {
        match self {
            Field::Fixed32(value) => Ok(value),
            _ => Err(within.error(WRONG_TYPE)),
        }
    }

    /// A message, or bytes.
    #[inline]
    pub fn message(self, within: &Message<'_>) -> Result<Message<'a>, WireError> {
        match self {
            Field::Bytes(message) => Ok(message),
            _ => Err(within.error(WRONG_TYPE)),
        }
    }

    /// A floating-point number.
    #[inline]
    pub fn double(self, within: &Message<'_>) -> Result<f64, WireError> {
        self.fixed64(within).map(f64::from_bits)
    }

    /// Text; see [`text`].
    #[inline]
    pub fn text(self, within: &Message<'_>) -> Result<Cow<'a, str>, WireError> {
        self.message(within).map(Message::text)
    }

    /// Calls `each` with the numbers of a repeated field, packed or one by one.
    pub fn each_varint(
        self,
        within: &Message<'_>,
        mut each: impl FnMut(u64),
    ) -> Result<(), WireError> {
        match self {
            Field::Varint(value) => each(value),
            Field::Bytes(mut packed) => {
                while !packed.bytes().is_empty() {
                    each(packed.varint()?);
                }
            }
            _ => return Err(within.error(WRONG_TYPE)),
        }
        Ok(())
    }

    /// The same for numbers of eight bytes.
    pub fn each_fixed64(
        self,
        within: &Message<'_>,
        mut each: impl FnMut(u64),
    ) -> Result<(), WireError> {
        match self {
            Field::Fixed64(value) => each(value),
            Field::Bytes(mut packed) => {
                while !packed.bytes().is_empty() {
                    each(u64::from_le_bytes(packed.fixed()?));
                }
            }
            _ => return Err(within.error(WRONG_TYPE)),
        }
        Ok(())
    }
}

/// Text that is mostly UTF-8: what is not becomes U+FFFD, rather than the record being lost.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Replacing goes byte by byte; checking first takes many at once.
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
