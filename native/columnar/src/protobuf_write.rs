//! Protobuf's wire format, written field by field.

/// A number of seven bits a byte.
pub fn write_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number << 3));
    push_varint(out, value);
}

/// A number of `sint32` or `sint64`.
pub fn write_zigzag(out: &mut Vec<u8>, number: u32, value: i64) {
    write_varint(out, number, zigzag(value));
}

/// Eight bytes.
pub fn write_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number << 3 | 1));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Four bytes.
pub fn write_fixed32(out: &mut Vec<u8>, number: u32, value: u32) {
    push_varint(out, u64::from(number << 3 | 5));
    out.extend_from_slice(&value.to_le_bytes());
}

/// A floating-point number.
pub fn write_double(out: &mut Vec<u8>, number: u32, value: f64) {
    write_fixed64(out, number, value.to_bits());
}

/// Text, bytes, or a message that is written already.
pub fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    push_varint(out, u64::from(number << 3 | 2));
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A message that `write` writes at the end of the bytes it is given.
pub fn write_message<E>(
    out: &mut Vec<u8>,
    number: u32,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    // A varint may be longer than it needs to be, so that nothing has to move once the length is
    // known.
    const LENGTH: [u8; 5] = [0x80, 0x80, 0x80, 0x80, 0];
    push_varint(out, u64::from(number << 3 | 2));
    out.extend_from_slice(&LENGTH);
    let start = out.len();
    write(out)?;
    let length = out.len() - start;
    for (at, byte) in out[start - LENGTH.len()..start].iter_mut().enumerate() {
        *byte |= (length >> (7 * at)) as u8 & 0x7f;
    }
    Ok(())
}

/// A number without its field, for packed ones.
pub fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number as an unsigned one that is small where it is near zero.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zigzag_is_undone() {
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!(zigzag(-1), 1);
    }
}
