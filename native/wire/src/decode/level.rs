//! Loki's detection of a record's level: from a field of a level's name, from OTLP's severity, or
//! from the line itself.

use varve_columnar::levels::known_level;

/// Names of labels and fields that tell a level, the most telling first; Loki's defaults.
pub(super) const LEVEL_FIELDS: [&str; 14] = [
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    SEVERITY_TEXT,
    "Severity_Text",
    "SEVERITY_TEXT",
];

/// What OTLP's severity text is called among a record's labels.
pub(super) const SEVERITY_TEXT: &str = "severity_text";

const UNKNOWN: &str = "unknown";

/// Objects inside an object are searched too, but none inside those.
const JSON_DEPTH_MAX: u32 = 2;

/// How telling a name is: the smaller the more; `None` if it tells no level.
pub(super) fn rank(name: &str) -> Option<usize> {
    LEVEL_FIELDS.iter().position(|field| *field == name)
}

/// The level of OTLP's severity number, which is not 0.
pub(super) fn of_severity(number: i32) -> &'static str {
    match number {
        ..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => UNKNOWN,
    }
}

/// The level that a line tells of itself.
pub(super) fn of_line(line: &str) -> &'static str {
    let trimmed = line.trim();
    let value = if trimmed.starts_with('{') && trimmed.ends_with('}') {
        JsonScan { bytes: trimmed.as_bytes(), at: 0 }.level(0).unwrap_or_default()
    } else if line.contains('=') {
        of_logfmt(line.as_bytes())
    } else {
        None
    };
    value
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(known_level)
        .unwrap_or_else(|| of_words(line.as_bytes()))
}

/// The value of the most telling field of a logfmt line. As in Loki, what is not logfmt ends the
/// search, and names are compared without case.
fn of_logfmt(line: &[u8]) -> Option<&[u8]> {
    let mut best: Option<(usize, &[u8])> = None;
    let mut rest = line;
    while let Some(start) = rest.iter().position(|&byte| byte > b' ') {
        rest = &rest[start..];
        let Some(end) = rest.iter().position(|&byte| byte <= b' ' || byte == b'=' || byte == b'"')
        else {
            break;
        };
        let key = &rest[..end];
        rest = match rest[end] {
            b'=' if end > 0 => &rest[end + 1..],
            b'=' | b'"' => break,
            _ => {
                rest = &rest[end..];
                continue;
            }
        };
        let Some((value, after)) = logfmt_value(rest) else { break };
        rest = after;
        let is_key = |field: &str| field.as_bytes().eq_ignore_ascii_case(key);
        if let Some(rank) = LEVEL_FIELDS.iter().position(|field| is_key(field))
            && best.is_none_or(|(best, _)| rank < best)
        {
            best = Some((rank, value));
        }
        if best.is_some_and(|(rank, _)| rank == 0) || rest.is_empty() {
            break;
        }
    }
    best.map(|(_, value)| value)
}

/// The value at the start of `rest` and what follows it; `None` if it is not one.
fn logfmt_value(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if rest.first() == Some(&b'"') {
        let mut at = 1;
        loop {
            match rest.get(at)? {
                b'\\' => at += 2,
                b'"' => return Some((&rest[1..at], &rest[at + 1..])),
                _ => at += 1,
            }
        }
    }
    let end = rest.iter().position(|&byte| byte <= b' ' || byte == b'=' || byte == b'"');
    match end {
        None => Some((rest, &[])),
        Some(end) if rest[end] <= b' ' => Some((&rest[..end], &rest[end..])),
        Some(_) => None,
    }
}

/// The first word of the line that is a level's, standing between blanks, brackets or quotes.
fn of_words(line: &[u8]) -> &'static str {
    const WORDS: [(&[u8], &str); 9] = [
        (b"trace", "trace"),
        (b"debug", "debug"),
        (b"fatal", "fatal"),
        (b"critical", "critical"),
        (b"error", "error"),
        (b"err", "error"),
        (b"warning", "warn"),
        (b"warn", "warn"),
        (b"info", "info"),
    ];
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let first = rest[0].to_ascii_lowercase();
        let is_here = |word: &[u8]| {
            word[0] == first
                && rest.len() >= word.len()
                && rest[..word.len()].eq_ignore_ascii_case(word)
                && rest.get(word.len()).is_none_or(|&byte| may_follow(byte))
        };
        if let Some((_, level)) = WORDS.iter().find(|(word, _)| is_here(word)) {
            return level;
        }
        match rest.iter().position(|&byte| may_precede(byte)) {
            Some(next) => at += next + 1,
            None => break,
        }
    }
    UNKNOWN
}

fn may_precede(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'[' | b'(' | b'{' | b'"' | b'\'' | b'=' | b'|')
}

fn may_follow(byte: u8) -> bool {
    may_precede(byte) || matches!(byte, b']' | b')' | b'}' | b':' | b',' | b'!')
}

/// A look for a level's field in JSON; it stops where the text is not JSON, with what it found.
struct JsonScan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The text is not JSON; nothing was found before.
struct NotJson;

impl<'a> JsonScan<'a> {
    /// Looks through the object at hand. What it finds is raw: escapes are left in.
    fn level(&mut self, depth: u32) -> Result<Option<&'a [u8]>, NotJson> {
        self.expect(b'{')?;
        if self.skip_if(b'}') {
            return Ok(None);
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            match self.peek()? {
                b'"' => {
                    let value = self.string()?;
                    if LEVEL_FIELDS.iter().any(|field| field.as_bytes() == key) {
                        return Ok(Some(value));
                    }
                }
                b'{' if depth + 1 < JSON_DEPTH_MAX => {
                    if let Some(found) = self.level(depth + 1)? {
                        return Ok(Some(found));
                    }
                }
                _ => self.skip_value()?,
            }
            if self.skip_if(b'}') {
                return Ok(None);
            }
            self.expect(b',')?;
        }
    }

    fn peek(&mut self) -> Result<u8, NotJson> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied().ok_or(NotJson)
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.peek()? != byte {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        let is_here = self.peek().is_ok_and(|found| found == byte);
        self.at += usize::from(is_here);
        is_here
    }

    fn string(&mut self) -> Result<&'a [u8], NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += memchr::memchr2(b'"', b'\\', rest).ok_or(NotJson)?;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(&self.bytes[start..self.at - 1]);
            }
            self.at += 2;
        }
    }

    /// Reads over a value; brackets are only counted.
    fn skip_value(&mut self) -> Result<(), NotJson> {
        let mut open = 0_u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if open == 0 => return Ok(()),
                b'}' | b']' => {
                    open -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests;
