//! Functions of texts.

#![expect(clippy::unnecessary_wraps, reason = "what the table of functions calls has one shape")]

use std::{borrow::Cow, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::Regex;

use super::{
    function::{
        Args, Function,
        Param::{Any, Int, Text},
        plain, variadic,
    },
    value::{OUTPUT_MAX_BYTES, Value},
};
use crate::matcher::compile_regex;

pub(super) const FUNCTIONS: &[Function] = &[
    plain("ToLower", &[Text], |args| text(lower(args.text(0)))),
    plain("ToUpper", &[Text], |args| text(upper(args.text(0)))),
    plain("lower", &[Text], |args| text(lower(args.text(0)))),
    plain("upper", &[Text], |args| text(upper(args.text(0)))),
    plain("title", &[Text], |args| text(title(args.text(0)))),
    plain("Replace", &[Text, Text, Text, Int], |args| {
        replace(args.text(0), args.text(1), args.text(2), args.int(3))
    }),
    plain("replace", &[Text, Text, Text], |args| {
        replace(args.text(2), args.text(0), args.text(1), -1)
    }),
    plain("Trim", &[Text, Text], |args| text(args.text(0).trim_matches(one_of(args.text(1))))),
    plain("TrimLeft", &[Text, Text], |args| {
        text(args.text(0).trim_start_matches(one_of(args.text(1))))
    }),
    plain("TrimRight", &[Text, Text], |args| {
        text(args.text(0).trim_end_matches(one_of(args.text(1))))
    }),
    plain("trimAll", &[Text, Text], |args| text(args.text(1).trim_matches(one_of(args.text(0))))),
    plain("TrimPrefix", &[Text, Text], |args| text(without_prefix(args.text(0), args.text(1)))),
    plain("trimPrefix", &[Text, Text], |args| text(without_prefix(args.text(1), args.text(0)))),
    plain("TrimSuffix", &[Text, Text], |args| text(without_suffix(args.text(0), args.text(1)))),
    plain("trimSuffix", &[Text, Text], |args| text(without_suffix(args.text(1), args.text(0)))),
    plain("TrimSpace", &[Text], |args| text(args.text(0).trim())),
    plain("trim", &[Text], |args| text(args.text(0).trim())),
    plain("trunc", &[Int, Text], |args| text(truncated(args.text(1), args.int(0)))),
    plain("substr", &[Int, Int, Text], substring),
    plain("contains", &[Text, Text], |args| Ok(Value::Bool(args.text(1).contains(args.text(0))))),
    plain("hasPrefix", &[Text, Text], |args| {
        Ok(Value::Bool(args.text(1).starts_with(args.text(0))))
    }),
    plain("hasSuffix", &[Text, Text], |args| Ok(Value::Bool(args.text(1).ends_with(args.text(0))))),
    plain("indent", &[Int, Text], |args| text(indented(args.text(1), args.int(0))?)),
    plain("nindent", &[Int, Text], |args| {
        text(format!("\n{}", indented(args.text(1), args.int(0))?))
    }),
    plain("repeat", &[Int, Text], |args| text(repeated(args.text(1), args.int(0))?)),
    plain("alignLeft", &[Int, Text], |args| aligned(args, Side::Left)),
    plain("alignRight", &[Int, Text], |args| aligned(args, Side::Right)),
    plain("b64enc", &[Text], |args| text(STANDARD.encode(args.text(0)))),
    plain("b64dec", &[Text], |args| {
        let padded = padded_base64(args.text(0));
        text(match STANDARD.decode(padded.as_ref()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => format!("illegal base64 data at input byte {}", bad_base64(&padded)),
        })
    }),
    plain("regexReplaceAll", &[Text, Text, Text], |args| {
        bounded(regex(args)?.replace_all(args.text(1), args.text(2)).into_owned())
    }),
    plain("regexReplaceAllLiteral", &[Text, Text, Text], |args| {
        let literal = regex::NoExpand(args.text(2));
        bounded(regex(args)?.replace_all(args.text(1), literal).into_owned())
    }),
    plain("count", &[Text, Text], |args| {
        Ok(Value::Int(regex(args)?.find_iter(args.text(1)).count() as i64))
    }),
    plain("urlencode", &[Text], |args| text(url_encode(args.text(0)))),
    plain("urldecode", &[Text], |args| text(url_decode(args.text(0))?)),
    plain("fromJson", &[Text], |args| {
        let json = serde_json::from_str::<serde_json::Value>(args.text(0));
        Ok(json.map_or(Value::Nil, |json| Value::of_json(&json)))
    }),
    variadic("default", &[Any], |args| {
        let given = args.0.get(1).filter(|given| given.is_true());
        Ok(given.unwrap_or(args.any(0)).clone())
    }),
];

fn text<'r>(text: impl Into<String>) -> Result<Value<'r>, String> {
    Ok(Value::text(text))
}

fn bounded<'r>(text: String) -> Result<Value<'r>, String> {
    if text.len() > OUTPUT_MAX_BYTES {
        return Err(too_long());
    }
    Ok(Value::text(text))
}

fn too_long() -> String {
    format!("the text would be longer than {OUTPUT_MAX_BYTES} bytes")
}

fn one_of(set: &str) -> impl Fn(char) -> bool {
    move |c| set.contains(c)
}

fn without_prefix<'t>(text: &'t str, prefix: &str) -> &'t str {
    text.strip_prefix(prefix).unwrap_or(text)
}

fn without_suffix<'t>(text: &'t str, suffix: &str) -> &'t str {
    text.strip_suffix(suffix).unwrap_or(text)
}

fn replace<'r>(of: &str, old: &str, new: &str, most: i64) -> Result<Value<'r>, String> {
    let found = if old.is_empty() { of.chars().count() + 1 } else { of.matches(old).count() };
    let times = usize::try_from(most).map_or(found, |most| most.min(found));
    if times.saturating_mul(new.len()) > OUTPUT_MAX_BYTES {
        return Err(too_long());
    }
    bounded(of.replacen(old, new, times))
}

/// Letters for letters, as in Go: where a large one would be two, the small one stays.
fn upper(text: &str) -> String {
    let upper = |c: char| {
        let mut large = c.to_uppercase();
        large.next().filter(|_| large.next().is_none()).unwrap_or(c)
    };
    text.chars().map(upper).collect()
}

/// Letters for letters, as in Go.
fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// The first letter of each word large.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let starts = if before.is_ascii() {
            !before.is_ascii_alphanumeric() && before != '_'
        } else {
            !before.is_alphanumeric() && before.is_whitespace()
        };
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

/// Bytes of a text; a character that is cut becomes U+FFFD.
pub(super) fn slice_text(text: &str, from: usize, to: usize) -> String {
    String::from_utf8_lossy(text.as_bytes().get(from..to).unwrap_or_default()).into_owned()
}

/// The first bytes, or for negative lengths the last ones.
fn truncated(text: &str, length: i64) -> String {
    let wanted = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted >= text.len() {
        text.to_owned()
    } else if length < 0 {
        slice_text(text, text.len() - wanted, text.len())
    } else {
        slice_text(text, 0, wanted)
    }
}

fn substring<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let (start, end, of) = (args.int(0), args.int(1), args.text(2));
    let outside = |at: i64| {
        format!("runtime error: slice bounds out of range [:{at}] with length {}", of.len())
    };
    let (from, to) = match (usize::try_from(start), usize::try_from(end)) {
        (Err(_), Ok(end)) => (0, end),
        (Err(_), Err(_)) => return Err(outside(end)),
        (Ok(start), Ok(end)) if end <= of.len() => (start, end),
        (Ok(start), _) => (start, of.len()),
    };
    if to > of.len() {
        return Err(outside(end));
    }
    if from > to {
        return Err(format!("runtime error: slice bounds out of range [{from}:{to}]"));
    }
    text(slice_text(of, from, to))
}

fn repeated(text: &str, times: i64) -> Result<String, String> {
    let times = usize::try_from(times).map_err(|_| "strings: negative Repeat count".to_owned())?;
    if text.len().saturating_mul(times) > OUTPUT_MAX_BYTES {
        return Err(too_long());
    }
    Ok(text.repeat(times))
}

fn indented(text: &str, spaces: i64) -> Result<String, String> {
    let pad = repeated(" ", spaces)?;
    if pad.len().saturating_mul(text.matches('\n').count() + 1) > OUTPUT_MAX_BYTES {
        return Err(too_long());
    }
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The text in a column of so many characters.
fn aligned<'r>(args: &Args<'_, 'r>, side: Side) -> Result<Value<'r>, String> {
    let (width, of) = (args.int(0), args.text(1));
    let length = of.chars().count();
    let Ok(width) = usize::try_from(width) else { return text(of) };
    if width >= length {
        let pad = repeated(" ", (width - length) as i64)?;
        return text(if side == Side::Left { format!("{of}{pad}") } else { format!("{pad}{of}") });
    }
    let skipped = if side == Side::Left { 0 } else { length - width };
    text(of.chars().skip(skipped).take(width).collect::<String>())
}

fn regex(args: &Args<'_, '_>) -> Result<Regex, String> {
    compile_regex(args.text(0), args.text(0)).map_err(|error| error.to_string())
}

/// Where the first byte is that is not of the alphabet.
/// The text with the signs that fill its last group of four; one left over is no group.
fn padded_base64(text: &str) -> Cow<'_, str> {
    match text.len() % 4 {
        2 => format!("{text}==").into(),
        3 => format!("{text}=").into(),
        _ => text.into(),
    }
}

fn bad_base64(text: &str) -> usize {
    let is_known =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\n' | b'\r');
    text.bytes().position(|byte| !is_known(byte)).unwrap_or(text.len())
}

/// As in a URL's query: a blank is `+`.
pub(super) fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

fn url_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
                let is_hex = |code: &&str| code.bytes().all(|byte| byte.is_ascii_hexdigit());
                let Some(byte) =
                    code.filter(is_hex).and_then(|code| u8::from_str_radix(code, 16).ok())
                else {
                    let shown = &after[..after.len().min(2)];
                    return Err(format!(
                        "invalid URL escape \"%{}\"",
                        String::from_utf8_lossy(shown)
                    ));
                };
                rest = &after[2..];
                byte
            }
            other => other,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
