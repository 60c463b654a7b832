//! JSON read piece by piece, without a tree: senders' bodies and the texts of attributes.
//!
//! Numbers stay text, so that whole and fractional ones are told apart and nothing is rounded.

use std::borrow::Cow;

/// Containers inside containers; senders that go deeper are refused rather than followed.
const DEPTH_MAX: u32 = 128;

/// Why a text is not JSON, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} at byte {at}")]
pub struct JsonError {
    /// What was wrong, such as `expected ':' after a key`.
    pub expected: &'static str,
    /// Bytes from the start of the text.
    pub at: usize,
}

/// A scalar, or the opening of a container whose parts `next_item` and `next_key` then walk.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As it is written; well-formed.
    Number(&'a str),
    /// Without its escapes.
    String(Cow<'a, str>),
    /// `[` was read.
    Array,
    /// `{` was read.
    Object,
}

/// A place in a JSON text; a copy reads on from the same place.
#[derive(Clone, Debug)]
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// The container at hand was just opened: no comma before its next part.
    fresh: bool,
}

impl<'a> JsonReader<'a> {
    /// A reader at the start of the text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, fresh: false }
    }

    /// Bytes from the start of the text.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Reads a scalar or the opening of a container.
    pub fn value(&mut self) -> Result<Token<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Token::String),
            Some(b'{') => self.open().map(|()| Token::Object),
            Some(b'[') => self.open().map(|()| Token::Array),
            Some(b't') => self.word("true").map(|()| Token::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Token::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Token::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Token::Number),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("unexpected end")),
        }
    }

    /// Inside an array: whether another item follows, which `value` then reads. False: the array is
    /// closed.
    pub fn next_item(&mut self) -> Result<bool, JsonError> {
        if self.peek() == Some(b']') {
            self.close();
            return Ok(false);
        }
        self.comma("expected ',' or ']'")?;
        Ok(true)
    }

    /// Inside an object: the next key, whose value `value` then reads. `None`: the object is closed.
    pub fn next_key(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        if self.peek() == Some(b'}') {
            self.close();
            return Ok(None);
        }
        self.comma("expected ',' or '}'")?;
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in quotes"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.error("expected ':' after a key"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads over a value of any kind.
    pub fn skip_value(&mut self) -> Result<(), JsonError> {
        let token = self.value()?;
        self.skip_rest_of(&token)
    }

    /// Reads over what is left of a value whose token was read.
    pub fn skip_rest_of(&mut self, token: &Token<'_>) -> Result<(), JsonError> {
        match token {
            Token::Array => {
                while self.next_item()? {
                    self.skip_value()?;
                }
            }
            Token::Object => {
                while self.next_key()?.is_some() {
                    self.skip_value()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses anything but blanks after the outermost value.
    pub fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end")),
        }
    }

    /// An error at the place the reader has reached.
    #[must_use]
    pub fn error(&self, expected: &'static str) -> JsonError {
        JsonError { expected, at: self.at }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn open(&mut self) -> Result<(), JsonError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error("more than 128 arrays and objects inside each other"));
        }
        self.at += 1;
        self.depth += 1;
        self.fresh = true;
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        self.fresh = false;
    }

    fn comma(&mut self, expected: &'static str) -> Result<(), JsonError> {
        if std::mem::take(&mut self.fresh) {
            return Ok(());
        }
        if self.peek() != Some(b',') {
            return Err(self.error(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected true, false or null"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes[start] == b'-');
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let has_leading_zero = bytes.get(at) == Some(&b'0') && digits(at) > at + 1;
        let mut parts_are_there = digits(at) > at && !has_leading_zero;
        at = digits(at);
        if bytes.get(at) == Some(&b'.') {
            parts_are_there &= digits(at + 1) > at + 1;
            at = digits(at + 1);
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            parts_are_there &= digits(at + 1 + sign) > at + 1 + sign;
            at = digits(at + 1 + sign);
        }
        if !parts_are_there {
            return Err(self.error("expected a number"));
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at + 1;
        let text = self.text;
        let Some(length) = memchr::memchr2(b'"', b'\\', &text.as_bytes()[start..]) else {
            return Err(self.error("a string without its closing quote"));
        };
        if text.as_bytes()[start + length] == b'"' {
            self.at = start + length + 1;
            return Ok(Cow::Borrowed(&text[start..start + length]));
        }
        let mut out = String::with_capacity(length * 2);
        self.at = start;
        loop {
            let rest = &text[self.at..];
            let Some(length) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) else {
                return Err(self.error("a string without its closing quote"));
            };
            out.push_str(&rest[..length]);
            self.at += length + 1;
            if rest.as_bytes()[length] == b'"' {
                return Ok(Cow::Owned(out));
            }
            out.push(self.escape()?);
        }
    }

    /// The character after a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(&byte) = self.text.as_bytes().get(self.at) else {
            return Err(self.error("unexpected end"));
        };
        let plain = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.error("an escape that JSON does not have")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The character of `XXXX` after `\u`; half of a surrogate pair alone becomes U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let high = self.four_digits(self.at)?;
        self.at += 4;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let low = self.four_digits(self.at + 2)?;
        if !(0xdc00..0xe000).contains(&low) {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        self.at += 6;
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&self, at: usize) -> Result<u32, JsonError> {
        self.text
            .as_bytes()
            .get(at..at + 4)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or(JsonError { expected: "expected four hex digits after \\u", at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(text: &str) -> Result<Token<'_>, JsonError> {
        JsonReader::new(text).value()
    }

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        assert!(matches!(first(r#" "plain""#), Ok(Token::String(Cow::Borrowed("plain")))));
    }

    #[test]
    fn escapes_are_read_and_half_surrogates_replaced() {
        let Ok(Token::String(text)) = first(r#""a\n\"\u00e9\ud83d\ude80\ud83dx""#) else {
            panic!()
        };
        assert_eq!(text, "a\n\"é🚀\u{fffd}x");
    }

    #[test]
    fn an_error_names_the_byte() {
        let mut reader = JsonReader::new(r#"{"a" 1}"#);
        reader.value().unwrap();
        let error = reader.next_key().unwrap_err();
        assert_eq!(error.to_string(), "expected ':' after a key at byte 5");
    }

    #[test]
    fn a_body_nested_too_deeply_is_refused() {
        let deep = "[".repeat(1_000);
        let error = JsonReader::new(&deep).skip_value().unwrap_err();
        assert_eq!(error.at, 128);
    }

    proptest! {
        /// What another reader of JSON takes is taken, and what it refuses is refused.
        #[test]
        fn any_text_is_judged_as_by_serde_json(text in "[\\[\\]{},:\"a0-9.e+\\\\ntrufls -]{0,24}") {
            let mut reader = JsonReader::new(&text);
            let ours = reader.skip_value().and_then(|()| reader.end());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // Whether a number fits is for whoever reads it.
            if theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range")) {
                return Ok(());
            }
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }
    }
}
