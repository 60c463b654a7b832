//! Filters of rows by their labels.

use super::{ip_range::IpRange, numbers::read_number, row_labels::RowLabels};
use crate::{
    error::QueryError,
    matcher::{Test, TextMatcher},
    plan::{CompareOp, LabelFilterExpr, NumberUnit, WordTest},
};

/// A compiled condition.
pub(super) enum LabelFilter {
    And(Box<LabelFilter>, Box<LabelFilter>),
    Or(Box<LabelFilter>, Box<LabelFilter>),
    Text { name: String, test: TextMatcher },
    Words { name: String, words: Words },
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
            LabelFilterExpr::Text { matcher } => Self::Text {
                name: matcher.name.clone(),
                test: TextMatcher::compile(matcher.op, &matcher.value)?,
            },
            LabelFilterExpr::Words { name, negated, ignores_case, tests } => Self::Words {
                name: name.clone(),
                words: Words::compile(tests, *negated, *ignores_case),
            },
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
            Self::Text { name, .. }
            | Self::Words { name, .. }
            | Self::Number { name, .. }
            | Self::Address { name, .. } => {
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
            Self::Words { name, words } => words.hold(labels.get(name).unwrap_or_default()),
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

/// Words that are looked for.
pub(super) struct Words {
    tests: Vec<Test>,
    negated: bool,
    ignores_case: bool,
}

impl Words {
    fn compile(tests: &[WordTest], negated: bool, ignores_case: bool) -> Self {
        let cased = |text: &str| if ignores_case { text.to_lowercase() } else { text.to_owned() };
        let test = |test: &WordTest| match test {
            WordTest::Any => Test::Any,
            WordTest::NotEmpty => Test::NotEmpty,
            WordTest::Equal { text } => Test::Equal(cased(text)),
            WordTest::Contains { text } => Test::Contains(cased(text)),
        };
        Self { tests: tests.iter().map(test).collect(), negated, ignores_case }
    }

    fn hold(&self, value: &str) -> bool {
        let one_holds = |value: &str| self.tests.iter().any(|test| test.holds(value));
        let holds =
            if self.ignores_case { one_holds(&value.to_lowercase()) } else { one_holds(value) };
        holds != self.negated
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(tests: &[WordTest], ignores_case: bool, value: &str) -> bool {
        Words::compile(tests, false, ignores_case).hold(value)
    }

    fn equal(text: &str) -> WordTest {
        WordTest::Equal { text: text.to_owned() }
    }

    fn contains(text: &str) -> WordTest {
        WordTest::Contains { text: text.to_owned() }
    }

    #[test]
    fn one_of_the_words_is_the_value_or_in_it() {
        let tests = [equal("warn"), contains("err")];
        assert!(holds(&tests, false, "warn"));
        assert!(holds(&tests, false, "an error"));
        assert!(!holds(&tests, false, "warning"));
        assert!(!Words::compile(&tests, true, false).hold("warn"));
    }

    #[test]
    fn words_may_be_of_any_case() {
        assert!(holds(&[equal("ERROR")], true, "Error"));
        assert!(holds(&[contains("BU")], true, "debug"));
        assert!(!holds(&[contains("BU")], false, "debug"));
    }

    #[test]
    fn a_test_may_hold_of_everything_or_of_all_but_nothing() {
        assert!(holds(&[WordTest::Any], false, ""));
        assert!(holds(&[WordTest::NotEmpty], false, "x"));
        assert!(!holds(&[WordTest::NotEmpty], false, ""));
    }
}
