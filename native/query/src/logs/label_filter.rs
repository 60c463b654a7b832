//! Filters of rows by their labels.

use super::{
    ip_range::IpRange,
    label_pattern::{LabelPattern, LabelTest},
    numbers::read_number,
    row_labels::RowLabels,
};
use crate::{
    error::QueryError,
    matcher::TextMatcher,
    plan::{CompareOp, LabelFilterExpr, LabelMatcher, MatchOp, NumberUnit},
};

/// A compiled condition.
pub(super) enum LabelFilter {
    And(Box<LabelFilter>, Box<LabelFilter>),
    Or(Box<LabelFilter>, Box<LabelFilter>),
    Text { name: String, test: LabelTest },
    Number { name: String, op: CompareOp, unit: NumberUnit, value: f64 },
    Address { name: String, range: IpRange, negated: bool },
}

impl LabelFilter {
    /// Compiles a condition.
    pub(super) fn compile(expr: &LabelFilterExpr) -> Result<Self, QueryError> {
        Ok(match expr {
            LabelFilterExpr::And { left, right } => {
                Self::And(Box::new(Self::compile(left)?), Box::new(Self::compile(right)?))
            }
            LabelFilterExpr::Or { left, right } => {
                Self::Or(Box::new(Self::compile(left)?), Box::new(Self::compile(right)?))
            }
            LabelFilterExpr::Text { matcher } => {
                Self::Text { name: matcher.name.clone(), test: compile_text(matcher)? }
            }
            LabelFilterExpr::Number { name, op, unit, value } => {
                Self::Number { name: name.clone(), op: *op, unit: *unit, value: *value }
            }
            LabelFilterExpr::Ip { name, negated, range } => Self::Address {
                name: name.clone(),
                range: IpRange::parse(range)?,
                negated: *negated,
            },
        })
    }

    /// Calls `each` with the names of the labels that it looks at.
    pub(super) fn visit_names<'f>(&'f self, each: &mut impl FnMut(&'f str)) {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.visit_names(each);
                right.visit_names(each);
            }
            Self::Text { name, .. } | Self::Number { name, .. } | Self::Address { name, .. } => {
                each(name);
            }
        }
    }

    /// Whether the row stays. A value that is no number is noted as the row's error, and the row
    /// stays.
    pub(super) fn keeps(&self, labels: &mut RowLabels) -> bool {
        match self {
            // The right side is asked in any case: it may note an error.
            Self::And(left, right) => left.keeps(labels) & right.keeps(labels),
            Self::Or(left, right) => left.keeps(labels) || right.keeps(labels),
            Self::Text { name, test } => test.matches(labels.get(name).unwrap_or_default()),
            Self::Number { name, op, unit, value } => {
                let Some(text) = labels.get(name) else { return false };
                match read_number(text, *unit) {
                    Ok(number) => compare(*op, number, *value),
                    Err(details) => {
                        // What went wrong before says more.
                        if !labels.has_error() {
                            labels.set_error("LabelFilterErr", &details);
                        }
                        true
                    }
                }
            }
            Self::Address { name, range, negated } => {
                // A row with an error passes, so that the error is seen.
                labels.has_error()
                    || labels.get(name).is_some_and(|text| range.is_in(text) != *negated)
            }
        }
    }
}

fn compile_text(matcher: &LabelMatcher) -> Result<LabelTest, QueryError> {
    let words = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => None,
        MatchOp::Regex => LabelPattern::of_words(&matcher.value, false),
        MatchOp::NotRegex => LabelPattern::of_words(&matcher.value, true),
    };
    Ok(match words {
        Some(pattern) => LabelTest::Words(pattern),
        None => LabelTest::Other(TextMatcher::compile(matcher.op, &matcher.value)?),
    })
}

#[expect(clippy::float_cmp, reason = "LogQL compares floats exactly")]
fn compare(op: CompareOp, left: f64, right: f64) -> bool {
    match op {
        CompareOp::Equal => left == right,
        CompareOp::NotEqual => left != right,
        CompareOp::Less => left < right,
        CompareOp::LessOrEqual => left <= right,
        CompareOp::Greater => left > right,
        CompareOp::GreaterOrEqual => left >= right,
    }
}
