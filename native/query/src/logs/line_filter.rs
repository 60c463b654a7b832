//! Filters of lines by their text.

use memchr::memmem::Finder;
use regex::Regex;

use crate::{
    error::QueryError,
    matcher::compile_regex,
    plan::{LineFilterOp, Stage},
};

/// One filter.
pub(super) struct LineFilter {
    patterns: Patterns,
    negated: bool,
}

enum Patterns {
    Texts(Vec<Finder<'static>>),
    Regexes(Vec<Regex>),
}

impl LineFilter {
    /// Compiles a filter.
    pub(super) fn compile(op: LineFilterOp, patterns: &[String]) -> Result<Self, QueryError> {
        let negated = matches!(op, LineFilterOp::NotContains | LineFilterOp::NotRegex);
        let patterns = match op {
            LineFilterOp::Contains | LineFilterOp::NotContains => {
                let texts = patterns.iter().map(|text| Finder::new(text.as_bytes()).into_owned());
                Patterns::Texts(texts.collect())
            }
            LineFilterOp::Regex | LineFilterOp::NotRegex => {
                let compiled = patterns.iter().map(|pattern| compile_regex(pattern, pattern));
                Patterns::Regexes(compiled.collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { patterns, negated })
    }

    /// Whether the line stays.
    pub(super) fn keeps(&self, line: &str) -> bool {
        let found = match &self.patterns {
            Patterns::Texts(texts) => texts.iter().any(|text| text.find(line.as_bytes()).is_some()),
            Patterns::Regexes(regexes) => regexes.iter().any(|regex| regex.is_match(line)),
        };
        found != self.negated
    }
}

/// Texts of which each line of the answer holds one, for each filter that says so: what a text index
/// can be asked. No stage changes the line, so every filter is about the line as it was sent.
pub(super) fn needles(stages: &[Stage]) -> Vec<&[String]> {
    stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::LineFilter { op: LineFilterOp::Contains, patterns } => Some(patterns.as_slice()),
            _ => None,
        })
        .filter(|patterns| patterns.iter().all(|pattern| !pattern.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(op: LineFilterOp, patterns: &[&str], line: &str) -> bool {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        LineFilter::compile(op, &patterns).unwrap().keeps(line)
    }

    #[test]
    fn a_line_contains_one_of_the_texts() {
        assert!(keeps(LineFilterOp::Contains, &["panic", "time.out"], "a time.out"));
        assert!(!keeps(LineFilterOp::Contains, &["panic", "time.out"], "a timeout"));
        assert!(keeps(LineFilterOp::Contains, &[""], "anything"));
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
