//! Trace ids and span ids as they are shown.

/// The id that is shown as this text: all of its digits, in lower case. No id is shown as any other text.
#[must_use]
pub fn shown_id<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let is_shown = text.len() == 2 * BYTES
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let number = is_shown.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
    number.to_be_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_all_its_digits_in_lower_case() {
        assert_eq!(shown_id("00000000000000ff"), Some([0, 0, 0, 0, 0, 0, 0, 255]));
        assert_eq!(
            shown_id("000102030405060708090a0b0c0d0e0f").map(|id: [u8; 16]| id[15]),
            Some(15)
        );
        for text in [
            "",
            "ff",
            "00000000000000FF",
            "+0000000000000ff",
            "0000000000000 ff",
            "0000000000000000ff",
        ] {
            assert_eq!(shown_id::<8>(text), None, "{text}");
        }
    }
}
