//! `key=value` pairs of a line.

use std::{borrow::Cow, fmt};

use super::json::unescape;

/// Why a part of a line is no pair.
#[derive(Debug)]
pub(super) struct PairError {
    /// In bytes from the line's start, from 1.
    position: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Unexpected(char),
    Unterminated,
    InvalidQuoted,
}

impl fmt::Display for PairError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "logfmt syntax error at pos {} : ", self.position)?;
        match self.what {
            What::Unexpected(found) => write!(out, "unexpected '{found}'"),
            What::Unterminated => out.write_str("unterminated quoted value"),
            What::InvalidQuoted => out.write_str("invalid quoted value"),
        }
    }
}

/// The pairs of a line. After one that is none, reading goes on at the next blank.
pub(super) struct Pairs<'l> {
    line: &'l str,
    at: usize,
}

impl<'l> Pairs<'l> {
    pub(super) fn of(line: &'l str) -> Self {
        Self { line, at: 0 }
    }

    /// The byte at the place.
    fn byte(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    /// Goes on to the first byte of which `is_end` is true.
    fn skip_to(&mut self, is_end: impl Fn(u8) -> bool) -> &'l str {
        let rest = &self.line[self.at..];
        let end = rest.bytes().position(is_end).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn fail(&mut self, what: What) -> PairError {
        let error = PairError { position: self.at + 1, what };
        self.skip_to(is_blank);
        error
    }

    fn value(&mut self) -> Result<Cow<'l, str>, PairError> {
        if self.byte() == Some(b'"') {
            return self.quoted();
        }
        let value = self.skip_to(|byte| is_blank(byte) || byte == b'=' || byte == b'"');
        match self.byte() {
            Some(found) if !is_blank(found) => Err(self.fail(What::Unexpected(found.into()))),
            _ => Ok(Cow::Borrowed(value)),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'l, str>, PairError> {
        let inner = &self.line[self.at + 1..];
        let mut is_escaped = false;
        let end = inner.bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else {
            self.at = self.line.len();
            return Err(self.fail(What::Unterminated));
        };
        self.at += end + 2;
        unescape(&inner[..end]).ok_or_else(|| self.fail(What::InvalidQuoted))
    }
}

impl<'l> Iterator for Pairs<'l> {
    /// The key and its value, which is empty where the key stands alone.
    type Item = Result<(&'l str, Cow<'l, str>), PairError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_to(|byte| !is_blank(byte));
        self.byte()?;
        let key = self.skip_to(|byte| is_blank(byte) || byte == b'=' || byte == b'"');
        Some(match self.byte() {
            Some(b'=') if !key.is_empty() => {
                self.at += 1;
                self.value().map(|value| (key, value))
            }
            Some(found @ (b'=' | b'"')) => Err(self.fail(What::Unexpected(found.into()))),
            _ => Ok((key, Cow::Borrowed(""))),
        })
    }
}

fn is_blank(byte: u8) -> bool {
    byte <= b' '
}
