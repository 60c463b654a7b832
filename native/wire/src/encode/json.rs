//! The parts of JSON that every answer is made of.
//!
//! Bodies are written straight into bytes: a matrix of a million points never becomes a tree of
//! JSON values first.

use std::io::Write as _;

/// Appends a JSON string: quotes, escapes and all. Invalid text cannot occur, `str` is UTF-8.
pub fn string(out: &mut Vec<u8>, text: &str) {
    let written = serde_json::to_writer(&mut *out, text);
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// Appends a number of any integer type, unquoted.
pub fn integer(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    let written = write!(out, "{number}");
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// Appends the items, separated by commas, between the brackets `open` and `close`.
pub fn list<T>(
    out: &mut Vec<u8>,
    (open, close): (u8, u8),
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(close);
}

/// The brackets of an array.
pub const ARRAY: (u8, u8) = (b'[', b']');

/// The brackets of an object.
pub const OBJECT: (u8, u8) = (b'{', b'}');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_commas_only_between_its_items() {
        let mut out = Vec::new();
        list(&mut out, ARRAY, ["a", "b\n\"", "\u{1}"], string);
        list(&mut out, OBJECT, Vec::<u8>::new(), integer);
        assert_eq!(String::from_utf8(out).unwrap(), "[\"a\",\"b\\n\\\"\",\"\\u0001\"]{}");
    }
}
