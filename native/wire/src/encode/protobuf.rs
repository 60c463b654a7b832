//! Protobuf's wire format, written field by field straight into the body.
//!
//! Fields with their default value are left out, as proto3 has it.

use prost::encoding::{WireType, encode_key, encode_varint};

/// An unsigned number.
pub(super) fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        encode_key(number, WireType::Varint, out);
        encode_varint(value, out);
    }
}

/// A `fixed64`.
pub(super) fn fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        encode_key(number, WireType::SixtyFourBit, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A `fixed32`.
pub(super) fn fixed32(out: &mut Vec<u8>, number: u32, value: u32) {
    if value != 0 {
        encode_key(number, WireType::ThirtyTwoBit, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Text or bytes.
pub(super) fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    if !value.is_empty() {
        member_bytes(out, number, value);
    }
}

/// Text or bytes in a `oneof`, where an empty value says something too.
pub(super) fn member_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// A number in a `oneof`, where 0 says something too.
pub(super) fn member_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

/// A double in a `oneof`, where 0 says something too.
pub(super) fn member_double(out: &mut Vec<u8>, number: u32, value: f64) {
    encode_key(number, WireType::SixtyFourBit, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A message, present even when `write` writes nothing.
pub(super) fn message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    encode_key(number, WireType::LengthDelimited, out);
    // Most messages are short enough for a length of one byte; only longer ones are moved.
    out.push(0);
    let start = out.len();
    write(out);
    let length = out.len() - start;
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out[start - 1] = short;
        return;
    }
    let mut prefix = Vec::with_capacity(10);
    encode_varint(length as u64, &mut prefix);
    out.splice(start - 1..start, prefix);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_128_bytes_has_a_length_of_two_bytes() {
        let mut out = Vec::new();
        message(&mut out, 1, |out| out.extend_from_slice(&[7; 127]));
        message(&mut out, 1, |out| out.extend_from_slice(&[7; 128]));
        assert_eq!(out[..2], [0x0a, 127]);
        assert_eq!(out[129..132], [0x0a, 0x80, 0x01]);
        assert_eq!(out.len(), 129 + 131);
    }

    #[test]
    fn a_field_with_its_default_value_is_left_out_unless_it_is_chosen_among_several() {
        let mut out = Vec::new();
        varint(&mut out, 1, 0);
        bytes(&mut out, 2, b"");
        fixed64(&mut out, 3, 0);
        assert!(out.is_empty());
        member_varint(&mut out, 2, 0);
        assert_eq!(out, [0x10, 0]);
    }
}
