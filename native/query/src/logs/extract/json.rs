//! JSON that may be cut off or no JSON at all: what stands before the mistake is read.

use std::borrow::Cow;

use super::push_label_name;
use crate::{error::QueryError, logs::row_labels::RowLabels};

/// What a line that is no JSON object gets as its `__error__`.
pub(super) const ERROR: &str = "JSONParserErr";

const OPEN_STRING: &str = "Value is string, but can't find closing '\"' symbol";
const OPEN_OBJECT: &str = "Value looks like object, but can't find closing '}' symbol";
const OPEN_ARRAY: &str = "Value is array, but can't find closing ']' symbol";
const MALFORMED: &str = "Malformed JSON error";
const UNKNOWN: &str = "Unknown value type";
const MALFORMED_ESCAPE: &str = "Encountered an invalid escape sequence in a string";
const NOT_PACKED: &str = "expecting json object(6), but it is not";

/// The key of the line that Promtail packed.
const PACKED_LINE: &str = "_entry";

/// Objects in objects deeper than this are left out.
const DEPTH_MAX: usize = 64;

/// Sets a label for each text, number and boolean of an object; those of objects in it are called by
/// all keys on the way, joined with `_`. Lists and nulls are left out.
pub(super) fn flatten(line: &str, labels: &mut RowLabels) -> Result<(), &'static str> {
    flatten_below(line, &mut String::new(), 0, labels)
}

fn flatten_below(
    object: &str,
    name: &mut String,
    depth: usize,
    labels: &mut RowLabels,
) -> Result<(), &'static str> {
    let above = name.len();
    for member in Members::of(object)? {
        let (key, value) = member?;
        // Most keys are names as they stand, and of most queries few names matter.
        if above == 0 && is_name(key) && !matches!(value, Value::Object(_)) {
            if labels.wants(key) {
                match value {
                    Value::Text(text) => {
                        labels.set_extracted(key, &unescape(text).unwrap_or_default());
                    }
                    Value::Plain(text) => labels.set_extracted(key, text),
                    Value::Object(_) | Value::Array(_) | Value::Null => {}
                }
            }
            continue;
        }
        let key = unescape(key).ok_or(MALFORMED_ESCAPE)?;
        // A key of blanks adds nothing to the name.
        if !key.trim().is_empty() {
            if above > 0 {
                name.push('_');
            }
            push_label_name(name, &key);
        }
        match value {
            _ if name.is_empty() && depth == 0 && !matches!(value, Value::Object(_)) => {}
            Value::Text(text) if labels.wants(name) => {
                labels.set_extracted(name, &unescape(text).unwrap_or_default());
            }
            Value::Plain(text) => labels.set_extracted(name, text),
            Value::Object(inner) if depth < DEPTH_MAX => {
                flatten_below(inner, name, depth + 1, labels)?;
            }
            Value::Text(_) | Value::Object(_) | Value::Array(_) | Value::Null => {}
        }
        name.truncate(above);
    }
    Ok(())
}

/// Whether a key is a label's name as it stands.
fn is_name(key: &str) -> bool {
    let bytes = key.as_bytes();
    bytes.first().is_some_and(|first| !first.is_ascii_digit())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// A text without the blanks at its start. Mostly there are none, which takes no decoding.
fn trim_start(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => text,
        _ => text.trim_start(),
    }
}

/// Sets a label for each text of an object, if one of them is the packed line; gives that.
pub(super) fn unpack(line: &str, labels: &mut RowLabels) -> Result<Option<String>, &'static str> {
    if line.is_empty() {
        return Ok(None);
    }
    if !line.starts_with('{') {
        return Err(NOT_PACKED);
    }
    let mut packed = None;
    let mut texts = Vec::new();
    for member in Members::of(line)? {
        let (key, value) = member?;
        match value {
            Value::Text(text) if key == PACKED_LINE => {
                packed = Some(unescape(text).ok_or(MALFORMED_ESCAPE)?.into_owned());
            }
            Value::Text(text) => texts.push((key, unescape(text).unwrap_or_default())),
            Value::Plain(_) | Value::Null | Value::Object(_) | Value::Array(_) => {}
        }
    }
    if packed.is_some() {
        for (key, value) in texts {
            let mut name = String::with_capacity(key.len());
            push_label_name(&mut name, key);
            if !name.is_empty() {
                labels.set_extracted(&name, &value);
            }
        }
    }
    Ok(packed)
}

/// A value as it is written.
#[derive(Clone, Copy, Debug)]
enum Value<'l> {
    /// Between its quotes.
    Text(&'l str),
    /// A number or boolean.
    Plain(&'l str),
    Null,
    /// With its brackets.
    Object(&'l str),
    /// With its brackets.
    Array(&'l str),
}

/// Where a value is in a line.
pub(in crate::logs) struct Path(Vec<Step>);

enum Step {
    Key(String),
    Index(usize),
}

impl Path {
    /// Reads `client.geo["city name"]`, `list[0].name`.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let invalid = || {
            QueryError::invalid(format!(
                "'{text}' is no path into JSON; write keys with dots, `[0]` or `[\"a key\"]`"
            ))
        };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let end = closing_quote(quoted).ok_or_else(invalid)?;
                steps.push(Step::Key(unescape(&quoted[..end]).ok_or_else(invalid)?.into_owned()));
                rest = quoted[end + 1..].strip_prefix(']').ok_or_else(invalid)?;
            } else if let Some(index) = rest.strip_prefix('[') {
                let (index, after) = index.split_once(']').ok_or_else(invalid)?;
                steps.push(Step::Index(index.trim().parse().map_err(|_| invalid())?));
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                if end == 0 {
                    return Err(invalid());
                }
                steps.push(Step::Key(rest[..end].to_owned()));
                rest = &rest[end..];
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        if steps.is_empty() { Err(invalid()) } else { Ok(Self(steps)) }
    }

    /// The value as a label's; objects and lists as they are written, null as empty. `None` where it is
    /// not there.
    pub(super) fn find<'l>(&self, line: &'l str) -> Result<Option<Cow<'l, str>>, &'static str> {
        let line = line.trim_start();
        let mut value = match read_value(line) {
            Ok((value, _)) => value,
            // The part before a cut may hold the value.
            Err(_) if line.starts_with('{') => Value::Object(line),
            Err(_) => return Ok(None),
        };
        for step in &self.0 {
            let inner = match (step, value) {
                (Step::Key(wanted), Value::Object(object)) => member(object, wanted)?,
                (Step::Index(index), Value::Array(array)) => item(array, *index),
                _ => None,
            };
            let Some(inner) = inner else { return Ok(None) };
            value = inner;
        }
        Ok(Some(match value {
            Value::Text(text) => unescape(text).unwrap_or_default(),
            Value::Plain(text) | Value::Object(text) | Value::Array(text) => Cow::Borrowed(text),
            Value::Null => Cow::Borrowed(""),
        }))
    }
}

/// What is wrong with a line that starts like JSON: a text with a value of its own.
pub(super) fn check_start(line: &str) -> Result<(), &'static str> {
    let Some(inner) = line.trim_start().strip_prefix('"') else { return Ok(()) };
    let behind = closing_quote(inner).map_or("", |end| &inner[end + 1..]);
    if behind.trim_start().starts_with(':') { Err(MALFORMED) } else { Ok(()) }
}

/// The value of a key; a mistake before the key is as if there were no such key.
fn member<'l>(object: &'l str, wanted: &str) -> Result<Option<Value<'l>>, &'static str> {
    let Ok(mut members) = Members::of(object) else { return Ok(None) };
    while let Some(rest) = members.rest.take() {
        let Ok(Some((key, rest))) = Members::key(rest) else { break };
        let is_wanted = if key.contains('\\') {
            unescape(key).is_some_and(|key| key == wanted)
        } else {
            key == wanted
        };
        let value = members.value(rest);
        if is_wanted {
            return value.map(Some);
        }
        if value.is_err() {
            break;
        }
    }
    Ok(None)
}

fn item(array: &str, index: usize) -> Option<Value<'_>> {
    let mut rest = array.strip_prefix('[')?.trim_start();
    for _ in 0..index {
        let (_, after) = read_value(rest).ok()?;
        rest = after.trim_start().strip_prefix(',')?.trim_start();
    }
    read_value(rest).ok().map(|(value, _)| value)
}

/// The keys (between their quotes) and values of an object, up to the first mistake.
///
/// It is as forgiving as the reader of Loki: a comma may stand before the end, and what follows the end
/// is not looked at.
struct Members<'l> {
    /// `None` after the end.
    rest: Option<&'l str>,
}

impl<'l> Members<'l> {
    fn of(object: &'l str) -> Result<Self, &'static str> {
        let rest = trim_start(trim_start(object).strip_prefix('{').ok_or(OPEN_OBJECT)?);
        if rest.is_empty() { Err(MALFORMED) } else { Ok(Self { rest: Some(rest) }) }
    }

    /// The next key and what follows its colon; `None` at the end.
    fn key(rest: &'l str) -> Result<Option<(&'l str, &'l str)>, &'static str> {
        let rest = match rest.as_bytes().first() {
            Some(b'"') => &rest[1..],
            Some(b'}') => return Ok(None),
            Some(_) => return Err(OPEN_OBJECT),
            None => return Err(OPEN_ARRAY),
        };
        let end = closing_quote(rest).ok_or(MALFORMED)?;
        let (key, rest) = (&rest[..end], &rest[end + 1..]);
        let rest = trim_start(rest).strip_prefix(':').ok_or(MALFORMED)?;
        Ok(Some((key, rest)))
    }

    /// The value that stands here.
    fn value(&mut self, rest: &'l str) -> Result<Value<'l>, &'static str> {
        let (value, rest) = read_value(trim_start(rest))?;
        let rest = trim_start(rest);
        // The value is whole; what else is wrong is told next.
        self.rest = Some(match rest.as_bytes().first() {
            Some(b',') => trim_start(&rest[1..]),
            Some(b'}') | None => rest,
            Some(_) => "?",
        });
        Ok(value)
    }
}

impl<'l> Iterator for Members<'l> {
    type Item = Result<(&'l str, Value<'l>), &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        match Self::key(rest) {
            Ok(Some((key, rest))) => Some(self.value(rest).map(|value| (key, value))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The value that a text starts with, and what follows it.
fn read_value(text: &str) -> Result<(Value<'_>, &str), &'static str> {
    match text.as_bytes().first() {
        Some(b'"') => {
            let inner = &text[1..];
            let end = closing_quote(inner).ok_or(OPEN_STRING)?;
            Ok((Value::Text(&inner[..end]), &inner[end + 1..]))
        }
        Some(b'{') => {
            let end = closing_bracket(text, b'{', b'}').ok_or(OPEN_OBJECT)?;
            Ok((Value::Object(&text[..=end]), &text[end + 1..]))
        }
        Some(b'[') => {
            let end = closing_bracket(text, b'[', b']').ok_or(OPEN_ARRAY)?;
            Ok((Value::Array(&text[..=end]), &text[end + 1..]))
        }
        _ => {
            let is_end =
                |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']');
            let end = text.as_bytes().iter().position(is_end);
            let (word, rest) = text.split_at(end.unwrap_or(text.len()));
            match word {
                "null" => Ok((Value::Null, rest)),
                "true" | "false" => Ok((Value::Plain(word), rest)),
                _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    Ok((Value::Plain(word), rest))
                }
                _ if text.is_empty() => Err(MALFORMED),
                _ => Err(UNKNOWN),
            }
        }
    }
}

/// Where the quote is that ends a text.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        // The escaped byte is no quote.
        at += 2;
        if at > bytes.len() {
            return None;
        }
    }
}

/// Where the bracket is that closes the one at the start.
fn closing_bracket(text: &str, open: u8, close: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'"', open, close, &bytes[at..])?;
        if bytes[at] == b'"' {
            at += 1 + closing_quote(&text[at + 1..])?;
        } else if bytes[at] == open {
            depth += 1;
        } else {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
        at += 1;
    }
}

/// A text without its escapes; `None` if one of them is none.
pub(super) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    // Go's readers take raw control characters, which JSON forbids.
    let has_control = text.bytes().any(|byte| byte < b' ');
    let quoted = if has_control {
        let escape = |c: char| {
            if c < ' ' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
        };
        format!("\"{}\"", text.chars().map(escape).collect::<String>())
    } else {
        format!("\"{text}\"")
    };
    serde_json::from_str(&quoted).ok().map(Cow::Owned)
}
