//! RFC 5424's structured data: `[id key="value" …]…`, with `\"`, `\\` and `\]` in values.

use std::borrow::Cow;

/// Splits the structured data, empty for `-` or where there is none, from the text behind it; `None`
/// if an element is not well-formed.
pub(super) fn split(rest: &str) -> Option<(&str, &str)> {
    if !rest.starts_with('[') {
        let behind = rest.strip_prefix('-').filter(|it| it.is_empty() || it.starts_with(' '));
        return Some(("", behind.map_or(rest, |it| it.strip_prefix(' ').unwrap_or(it))));
    }
    let mut end = rest;
    while end.starts_with('[') {
        end = element(end, &mut |_, _, _| {})?;
    }
    let data = rest.get(..rest.len() - end.len())?;
    match end.strip_prefix(' ') {
        Some(text) => Some((data, text)),
        None if end.is_empty() => Some((data, "")),
        None => None,
    }
}

/// Calls `each` with a name, `sd_<id>_<key>`, and a value of well-formed structured data.
///
/// An element without parameters says something by being there: it is `sd_<id>` = `true`.
pub(super) fn visit(data: &str, each: &mut impl FnMut(&str, &str)) {
    let (mut rest, mut name) = (data, String::new());
    while rest.starts_with('[') {
        let behind = element(rest, &mut |id, key, value| {
            name.clear();
            name.push_str("sd_");
            name.push_str(id);
            if key.is_empty() {
                each(&name, "true");
            } else {
                name.push('_');
                name.push_str(key);
                each(&name, &unescaped(value));
            }
        });
        rest = behind.unwrap_or_default();
    }
}

/// Reads one element: calls `each` with id, key and value as written, and answers with what is behind.
fn element<'a>(text: &'a str, each: &mut impl FnMut(&'a str, &'a str, &'a str)) -> Option<&'a str> {
    let (id, mut rest) = name(text.strip_prefix('[')?)?;
    if let Some(behind) = rest.strip_prefix(']') {
        each(id, "", "");
        return Some(behind);
    }
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(behind) = rest.strip_prefix(']') {
            return Some(behind);
        }
        let (key, behind) = name(rest)?;
        let (value, behind) = quoted(behind.strip_prefix("=\"")?)?;
        each(id, key, value);
        rest = behind;
    }
}

/// A name ends before a blank, `=`, `]` or `"`.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', '=', ']', '"'])?;
    (end > 0).then(|| text.split_at_checked(end))?
}

/// The value up to its closing quote.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// A backslash before anything but `"`, `\` and `]` stands for itself (RFC 5424, 6.3.3).
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return value.into();
    }
    let (mut out, mut characters) = (String::with_capacity(value.len()), value.chars().peekable());
    while let Some(character) = characters.next() {
        let escaped =
            characters.next_if(|next| character == '\\' && matches!(next, '"' | '\\' | ']'));
        out.push(escaped.unwrap_or(character));
    }
    out.into()
}
