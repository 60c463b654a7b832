//! Which rows a request is about.

use regex::Regex;
use serde::{Deserialize, Serialize};
use varve_columnar::labels::LabelSet;

/// How a text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchKind {
    /// Labels: the same text. Lines: it is in the line.
    Equal,
    /// The opposite.
    NotEqual,
    /// Labels: the whole text matches the pattern. Lines: a part of the line does.
    Regex,
    /// The opposite.
    NotRegex,
}

/// A condition on a label; a label that is not there is the empty text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelMatch {
    /// Its name.
    pub name: String,
    /// How it is compared …
    pub kind: MatchKind,
    /// … with what.
    pub value: String,
}

/// A condition on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMatch {
    /// How it is compared …
    pub kind: MatchKind,
    /// … with what.
    pub value: String,
}

/// A pattern that does not compile.
#[derive(Debug, thiserror::Error)]
#[error("the pattern '{pattern}' does not compile: {reason}")]
pub(crate) struct InvalidPattern {
    pub(crate) pattern: String,
    pub(crate) reason: String,
}

#[derive(Debug)]
enum Test {
    Equal(String),
    Contains(String),
    Regex(Regex),
}

impl Test {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equal(value) => text == value,
            Self::Contains(value) => text.contains(value.as_str()),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

#[derive(Debug)]
pub(super) struct Condition {
    test: Test,
    negated: bool,
}

impl Condition {
    pub(super) fn holds(&self, text: &str) -> bool {
        self.test.holds(text) != self.negated
    }
}

/// Compiled conditions.
#[derive(Debug)]
pub(crate) struct Selector {
    labels: Vec<(String, Condition)>,
    lines: Vec<Condition>,
}

impl Selector {
    pub(crate) fn compile(
        labels: &[LabelMatch],
        lines: &[LineMatch],
    ) -> Result<Self, InvalidPattern> {
        let label =
            |one: &LabelMatch| Ok((one.name.clone(), label_condition(one.kind, &one.value)?));
        let line = |one: &LineMatch| condition(one.kind, &one.value, &one.value, Test::Contains);
        Ok(Self {
            labels: labels.iter().map(label).collect::<Result<_, _>>()?,
            lines: lines.iter().map(line).collect::<Result<_, _>>()?,
        })
    }

    /// Whether it says nothing about labels: such a request would be about everything.
    pub(super) fn matches_without_labels(&self) -> bool {
        self.labels.iter().all(|(_, condition)| condition.holds(""))
    }

    /// Whether a label set, given by its canonical text, is meant.
    pub(crate) fn matches_labels(&self, text: &str) -> bool {
        // A text that is not one is of no stream that could be named.
        LabelSet::from_json(text).is_ok_and(|labels| {
            self.labels.iter().all(|(name, condition)| condition.holds(labels.get(name)))
        })
    }

    pub(super) fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    pub(super) fn matches_line(&self, line: &str) -> bool {
        self.lines.iter().all(|condition| condition.holds(line))
    }
}

/// A condition on a whole text.
pub(super) fn label_condition(kind: MatchKind, value: &str) -> Result<Condition, InvalidPattern> {
    condition(kind, value, &format!("^(?s:{value})$"), Test::Equal)
}

fn condition(
    kind: MatchKind,
    value: &str,
    pattern: &str,
    literal: fn(String) -> Test,
) -> Result<Condition, InvalidPattern> {
    let test = match kind {
        MatchKind::Equal | MatchKind::NotEqual => literal(value.to_owned()),
        MatchKind::Regex | MatchKind::NotRegex => {
            Test::Regex(Regex::new(pattern).map_err(|error| InvalidPattern {
                pattern: value.to_owned(),
                reason: error.to_string().lines().last().unwrap_or_default().to_owned(),
            })?)
        }
    };
    let negated = matches!(kind, MatchKind::NotEqual | MatchKind::NotRegex);
    Ok(Condition { test, negated })
}
