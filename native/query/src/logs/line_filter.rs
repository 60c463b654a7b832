//! Filters of lines by their text.

use memchr::memmem::Finder;
use regex::Regex;

use super::{ip_range::IpRange, line_pattern::LinePattern};
use crate::{
    error::QueryError,
    matcher::compile_regex,
    plan::{self, LineFilterOp},
};

/// One filter.
pub(super) struct LineFilter {
    tests: Vec<Test>,
    negated: bool,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a query has a few; a pointer more would be followed for each line"
)]
enum Test {
    Text(Finder<'static>),
    Regex(Regex),
    Pattern(LinePattern),
    Address(IpRange),
}

impl Test {
    fn compile(op: LineFilterOp, pattern: &plan::LinePattern) -> Result<Self, QueryError> {
        let text = pattern.text.as_str();
        Ok(match op {
            LineFilterOp::Contains | LineFilterOp::NotContains if pattern.ip => {
                Self::Address(IpRange::parse(text)?)
            }
            _ if pattern.ip => {
                return Err(QueryError::invalid("parse error : ip: invalid operation"));
            }
            LineFilterOp::Contains | LineFilterOp::NotContains => {
                Self::Text(Finder::new(text.as_bytes()).into_owned())
            }
            LineFilterOp::Regex | LineFilterOp::NotRegex => Self::Regex(compile_regex(text, text)?),
            LineFilterOp::Pattern | LineFilterOp::NotPattern => {
                Self::Pattern(LinePattern::parse(text))
            }
        })
    }

    fn holds(&self, line: &str) -> bool {
        match self {
            Self::Text(text) => text.find(line.as_bytes()).is_some(),
            Self::Regex(regex) => regex.is_match(line),
            Self::Pattern(pattern) => pattern.fits(line),
            Self::Address(range) => range.is_in(line),
        }
    }
}

impl LineFilter {
    /// Compiles a filter.
    pub(super) fn compile(
        op: LineFilterOp,
        patterns: &[plan::LinePattern],
    ) -> Result<Self, QueryError> {
        let negated = match op {
            LineFilterOp::Contains | LineFilterOp::Regex | LineFilterOp::Pattern => false,
            LineFilterOp::NotContains | LineFilterOp::NotRegex | LineFilterOp::NotPattern => true,
        };
        // As in Loki, an alternative that holds for every line is none where there are others.
        let some_matter = patterns.iter().any(|pattern| !holds_always(op, pattern));
        let tests = patterns
            .iter()
            .filter(|pattern| !some_matter || !holds_always(op, pattern))
            .map(|pattern| Test::compile(op, pattern));
        Ok(Self { tests: tests.collect::<Result<_, _>>()?, negated })
    }

    /// Whether the line stays.
    pub(super) fn keeps(&self, line: &str) -> bool {
        self.tests.iter().any(|test| test.holds(line)) != self.negated
    }
}

fn holds_always(op: LineFilterOp, pattern: &plan::LinePattern) -> bool {
    match op {
        LineFilterOp::Contains => pattern.text.is_empty() && !pattern.ip,
        LineFilterOp::Regex => matches!(pattern.text.as_str(), "" | ".*"),
        LineFilterOp::Pattern
        | LineFilterOp::NotContains
        | LineFilterOp::NotRegex
        | LineFilterOp::NotPattern => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(op: LineFilterOp, patterns: &[&str], line: &str) -> bool {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|&text| plan::LinePattern { text: text.to_owned(), ip: false })
            .collect();
        LineFilter::compile(op, &patterns).unwrap().keeps(line)
    }

    #[test]
    fn a_line_contains_one_of_the_texts() {
        assert!(keeps(LineFilterOp::Contains, &["panic", "time.out"], "a time.out"));
        assert!(!keeps(LineFilterOp::Contains, &["panic", "time.out"], "a timeout"));
        assert!(keeps(LineFilterOp::Contains, &[""], "anything"));
        assert!(keeps(LineFilterOp::Contains, &["", ""], "anything"));
        assert!(!keeps(LineFilterOp::Contains, &["panic", ""], "anything"));
        assert!(!keeps(LineFilterOp::Regex, &[".*", "pa.ic"], "anything"));
    }

    #[test]
    fn negated_filters_want_none_of_the_texts() {
        assert!(keeps(LineFilterOp::NotContains, &["a", "b"], "xyz"));
        assert!(!keeps(LineFilterOp::NotContains, &["a", "b"], "xbz"));
        assert!(!keeps(LineFilterOp::NotRegex, &["a.c", "b"], "abc"));
    }

    #[test]
    fn an_expression_is_found_anywhere_within_one_line_of_the_text() {
        assert!(keeps(LineFilterOp::Regex, &["ERROR.*main"], "an ERROR at main()"));
        assert!(!keeps(LineFilterOp::Regex, &["ERROR.*main"], "an ERROR\n at main()"));
        assert!(!keeps(LineFilterOp::Regex, &["^ERROR"], "an ERROR"));
    }
}
