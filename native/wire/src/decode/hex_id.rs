//! Ids of traces and spans, as texts have them.

/// An id of hex digits, which may be fewer than its `N` bytes (16 at most) take; `None` if it is none.
pub(super) fn hex_id<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_id = (1..=2 * N).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let value = is_id.then(|| u128::from_str_radix(digits, 16).ok()).flatten()?;
    value.to_be_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_hex_digits_and_not_more_than_it_has() {
        assert_eq!(hex_id("0a0B"), Some([0, 0x0a, 0x0b]));
        assert_eq!(hex_id("ff00000000000001"), Some([0xff, 0, 0, 0, 0, 0, 0, 1]));
        for bad in ["", "+a", "xy", "0x1", "12345", "é"] {
            assert_eq!(hex_id::<2>(bad), None, "{bad}");
        }
    }
}
