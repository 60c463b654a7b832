//! Patterns of lines: literal text and captures, `<ip> - <_> "<method> `.

use memchr::memmem::Finder;

/// A compiled pattern.
pub(super) struct LinePattern(Vec<Part>);

#[expect(
    clippy::large_enum_variant,
    reason = "a query has a few; a pointer more would be followed for each line"
)]
enum Part {
    Literal(Finder<'static>),
    /// Its name; `None` for `<_>`.
    Capture(Option<String>),
}

impl LinePattern {
    /// Reads a pattern. Whether its captures make sense is known to those who wrote the plan.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let Some((name, after)) = capture(rest) else {
                literal.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Capture((name != "_").then(|| name.to_owned())));
            rest = after;
        }
        push_literal(&mut parts, &mut literal);
        Self(parts)
    }

    /// Whether the whole line is the literals in their order, with something in place of each capture.
    pub(super) fn fits(&self, line: &str) -> bool {
        if line.is_empty() || self.0.is_empty() {
            return line.is_empty() && self.0.is_empty();
        }
        let mut rest = line.as_bytes();
        for (at, part) in self.0.iter().enumerate() {
            let Part::Literal(literal) = part else { continue };
            let Some(found) = literal.find(rest) else { return false };
            // A capture before it would be empty; and the first literal may stand anywhere, as in Loki.
            if at != 0 && found == 0 {
                return false;
            }
            rest = &rest[found + literal.needle().len()..];
        }
        matches!(self.0.last(), Some(Part::Capture(_))) != rest.is_empty()
    }

    /// Calls `each` with the name and text of each capture, up to the first literal that is not there:
    /// the capture before that takes the rest of the line.
    pub(super) fn captures<'l>(&self, line: &'l str, mut each: impl FnMut(&str, &'l str)) {
        let mut parts = self.0.as_slice();
        let mut rest = line;
        if let [Part::Literal(literal), after @ ..] = parts {
            let Some(stripped) = line.as_bytes().strip_prefix(literal.needle()) else { return };
            rest = &line[line.len() - stripped.len()..];
            parts = after;
        }
        if line.is_empty() {
            return;
        }
        while let [Part::Capture(name), after @ ..] = parts {
            let found = match after.first() {
                Some(Part::Literal(literal)) => {
                    literal.find(rest.as_bytes()).map(|at| (at, at + literal.needle().len()))
                }
                Some(Part::Capture(_)) | None => None,
            };
            let text = found.map_or(rest, |(end, _)| &rest[..end]);
            if let Some(name) = name {
                each(name, text);
            }
            let Some((_, next)) = found else { return };
            rest = &rest[next..];
            parts = after.get(1..).unwrap_or_default();
        }
    }
}

/// The name of a capture that the text starts with, and what follows it.
fn capture(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, after) = inner.split_at(end);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    Some((is_name.then_some(name)?, after.strip_prefix('>')?))
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(Finder::new(literal.as_bytes()).into_owned()));
        literal.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, line: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        LinePattern::parse(pattern)
            .captures(line, |name, text| found.push((name.into(), text.into())));
        found
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, text)| (name.into(), text.into())).collect()
    }

    #[test]
    fn captures_are_what_stands_between_literals() {
        let line = r#"10.0.0.1 - ada [10/Oct] "GET /x HTTP/1.1" 200"#;
        assert_eq!(
            captures(r#"<ip> - <user> [<_>] "<method> <path> <_>" <status>"#, line),
            pairs(&[
                ("ip", "10.0.0.1"),
                ("user", "ada"),
                ("method", "GET"),
                ("path", "/x"),
                ("status", "200")
            ])
        );
        assert_eq!(captures("ERR <code>", "WARN 7"), []);
    }

    #[test]
    fn the_rest_of_the_line_is_the_capture_before_a_literal_that_is_missing() {
        assert_eq!(captures("<a> took <b>ms", "x took 12 s"), pairs(&[("a", "x"), ("b", "12 s")]));
        assert_eq!(captures("<a> took <b>", "nothing"), pairs(&[("a", "nothing")]));
    }

    #[test]
    fn a_line_fits_only_whole_and_with_something_in_each_place() {
        let fits = |pattern: &str, line: &str| LinePattern::parse(pattern).fits(line);
        assert!(fits("<_> baz", "foo bar baz"));
        assert!(!fits("<_> bar", "foo bar baz"));
        assert!(fits("foo <_>", "foo bar baz"));
        assert!(!fits("<_> bar <_>", " bar "));
        assert!(fits("<_>bar<_>", " bar "));
        assert!(fits("größe <_>", "größe 7"));
        assert!(!fits("<_>", ""));
        assert!(fits("", ""));
    }
}
