//! Go's RE2 patterns in the words of the `regex` crate.
//!
//! Both read most patterns alike. Where they differ, a user means Go: `\w`, `\d`, `\s` and `\b` are of
//! ASCII; a brace that is no repetition and a bracket within a class stand for themselves; `\Q…\E` is
//! literal text; `\<` and `\>` are signs, not borders of words; a class has no operators.

/// The pattern, so that the crate matches what Go would.
pub(super) fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\\' => escape(rest, &mut out),
            '[' => class(rest, &mut out),
            '{' if repetition(rest).is_none() => {
                out.push_str("\\{");
                &rest[1..]
            }
            '{' => {
                let end = repetition(rest).unwrap_or(rest.len());
                out.push_str(&rest[..end]);
                &rest[end..]
            }
            '}' => {
                out.push_str("\\}");
                &rest[1..]
            }
            _ => {
                out.push(first);
                &rest[first.len_utf8()..]
            }
        };
    }
    out
}

/// How long the repetition is that the text starts with: `{2}`, `{2,}`, `{2,5}`.
fn repetition(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (least, most) = match text[1..end].split_once(',') {
        Some((least, most)) => (least, most),
        None => (&text[1..end], ""),
    };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && are_digits(least) && are_digits(most)).then_some(end + 1)
}

/// An escape outside of a class; what follows it.
fn escape<'p>(text: &'p str, out: &mut String) -> &'p str {
    let Some(letter) = text[1..].chars().next() else {
        out.push('\\');
        return "";
    };
    let rest = &text[1 + letter.len_utf8()..];
    match letter {
        'Q' => {
            let (literal, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            out.push_str(&regex::escape(literal));
            return rest;
        }
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' => out.push_str("(?-u:\\b)"),
        'B' => out.push_str("(?-u:\\B)"),
        '<' | '>' => out.push(letter),
        // The braces hold a name or a number: `\p{Greek}`, `\x{41}`.
        'p' | 'P' | 'x' if rest.starts_with('{') => {
            let (inside, rest) = rest.split_at(rest.find('}').map_or(rest.len(), |end| end + 1));
            out.push('\\');
            out.push(letter);
            out.push_str(inside);
            return rest;
        }
        _ => {
            out.push('\\');
            out.push(letter);
        }
    }
    rest
}

/// A class with its brackets; what follows it.
fn class<'p>(text: &'p str, out: &mut String) -> &'p str {
    out.push('[');
    let mut rest = &text[1..];
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    // A bracket that comes first closes nothing.
    if let Some(after) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = after;
    }
    while let Some(first) = rest.chars().next() {
        match first {
            ']' => {
                out.push(']');
                return &rest[1..];
            }
            '[' => {
                let named = rest.strip_prefix("[:").and_then(|name| name.find(":]"));
                let Some(end) = named else {
                    out.push_str("\\[");
                    rest = &rest[1..];
                    continue;
                };
                out.push_str(&rest[..end + 4]);
                rest = &rest[end + 4..];
            }
            '\\' => rest = escape_in_class(rest, out),
            '&' | '~' => {
                out.push('\\');
                out.push(first);
                rest = &rest[1..];
            }
            // Two of them would take one class from another.
            '-' if out.ends_with('-') => {
                out.push_str("\\-");
                rest = &rest[1..];
            }
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    rest
}

fn escape_in_class<'p>(text: &'p str, out: &mut String) -> &'p str {
    match text.as_bytes().get(1) {
        Some(b'd') => out.push_str("0-9"),
        Some(b'w') => out.push_str("0-9A-Za-z_"),
        Some(b's') => out.push_str("\\t\\n\\f\\r "),
        Some(b'<' | b'>') => out.push_str(&text[1..2]),
        // The rest is the same in a class, which a class may hold.
        _ => return escape(text, out),
    }
    &text[2..]
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn finds(pattern: &str, text: &str) -> bool {
        Regex::new(&translated(pattern)).unwrap().is_match(text)
    }

    #[test]
    fn classes_by_letter_are_of_ascii() {
        for (pattern, is_found) in
            [(r"^\w+$", false), (r"^\W+$", true), (r"^[\W]+$", true), (r"^[\w-]+$", false)]
        {
            assert_eq!(finds(pattern, "é"), is_found, "{pattern}");
        }
        assert!(!finds(r"\d|[\d]", "٣"));
        assert!(!finds(r"\s|[\s]", "\u{a0}\u{b}"));
        assert!(finds(r"\bn", "ün"));
        assert!(finds(r"^[\w\-.]+$", "a-b.c_9"));
        assert!(finds("(?i)^É$", "é"));
        assert!(finds(r"^\p{Greek}+\P{Greek}[\p{Greek}]\x{41}{2}$", "αβzγAA"));
    }

    #[test]
    fn braces_and_brackets_that_mean_nothing_are_text() {
        assert!(finds(r#"^{"a":.}$"#, r#"{"a":1}"#));
        assert!(finds("^a{2}b{,3}c{1,2}d{x}$", "aab{,3}ccd{x}"));
        assert!(finds("^[[]x[]a]$", "[x]"));
        assert!(finds("^[[:alpha:]_[]+$", "a_["));
        assert!(finds("^[a&&b~~c]+$", "&~abc"));
        assert!(finds("^[+--]+$", "+,-"));
    }

    #[test]
    fn quotes_are_literal_text() {
        assert!(finds(r"^\Qa.b\E.$", "a.bc"));
        assert!(!finds(r"^\Qa.b\E.$", "axbc"));
        assert!(finds(r"^a\\Q.$", r"a\Qx"));
        assert!(finds(r"^\<a\>[\<]$", "<a><"));
    }

    #[test]
    fn what_both_read_alike_stays() {
        for pattern in [r"(?P<name>\.+)|\pL{1,3}?", r"(?:a|b)*\x41\n", "^$", "(?s:a.*b)$"] {
            assert_eq!(translated(pattern), pattern);
        }
    }
}
