//! Binary operators: arithmetic and comparisons of scalars and series, and set operators.

use varve_columnar::{
    answer::{ABSENT, is_absent},
    labels::LabelSet,
};

use super::{
    eval::Evaluator,
    value::{EvalSeries, LabelGroups, NAME, SAME_LABELS, Value, Vector, merge_same_labels},
};
use crate::{
    error::QueryError,
    plan::{BinaryOp, Dialect, MatchCardinality, Matching},
};

const MANY_TO_ONE: &str =
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const NOT_UNIQUE: &str = "multiple matches for labels: grouping labels must ensure unique matches";

/// Evaluates an operator on its two sides.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    op: BinaryOp,
    sides: (Value<'a>, Value<'a>),
    return_bool: bool,
    matching: Option<&Matching>,
) -> Result<Value<'a>, QueryError> {
    let operation = Operation { op, return_bool, dialect: evaluator.dialect };
    match sides {
        (Value::Scalar(left), Value::Scalar(right)) => {
            // Languages let scalars be compared only to 0 or 1.
            let operation = Operation { return_bool: true, ..operation };
            let pairs = left.into_iter().zip(right);
            Ok(Value::Scalar(pairs.map(|(l, r)| operation.apply(l, r).unwrap_or(ABSENT)).collect()))
        }
        (Value::Vector(left), Value::Scalar(right)) => {
            let vector = operation.rename(left);
            Ok(Value::Vector(vector.map_steps(&right, |l, r| operation.apply(l, r))))
        }
        (Value::Scalar(left), Value::Vector(right)) => {
            let vector = operation.rename(right);
            let keeps_right = operation.filters();
            Ok(Value::Vector(vector.map_steps(&left, |r, l| {
                let value = operation.apply(l, r)?;
                Some(if keeps_right { r } else { value })
            })))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let default = Matching {
                on: false,
                labels: Vec::new(),
                cardinality: MatchCardinality::OneToOne,
                include: Vec::new(),
            };
            let matching = matching.unwrap_or(&default);
            let series = match op {
                BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                    combine_sets(op, left, right, matching)?
                }
                _ => join(operation, &left, &right, matching)?,
            };
            evaluator.vector(series)
        }
    }
}

/// An operator with all that decides its values.
#[derive(Clone, Copy)]
struct Operation {
    op: BinaryOp,
    return_bool: bool,
    dialect: Dialect,
}

impl Operation {
    fn compares(self) -> bool {
        use BinaryOp as B;
        matches!(
            self.op,
            B::Equal | B::NotEqual | B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual
        )
    }

    /// Whether it keeps or drops values instead of changing them.
    fn filters(self) -> bool {
        self.compares() && !self.return_bool
    }

    fn rename(self, vector: Vector<'_>) -> Vector<'_> {
        if self.filters() { vector } else { vector.without_names() }
    }

    /// The value; none where a comparison filters it out.
    #[expect(clippy::float_cmp, reason = "the languages compare floats exactly")]
    fn apply(self, left: f64, right: f64) -> Option<f64> {
        use BinaryOp as B;
        let nan_for_zero = self.dialect == Dialect::Loki && right == 0.0;
        let holds = match self.op {
            B::Add => return Some(left + right),
            B::Subtract => return Some(left - right),
            B::Multiply => return Some(left * right),
            // Loki answers NaN for a division by zero, where Prometheus answers an infinity.
            B::Divide | B::Modulo if nan_for_zero => return Some(f64::NAN),
            B::Divide => return Some(left / right),
            B::Modulo => return Some(left % right),
            B::Power => return Some(left.powf(right)),
            B::Atan2 => return Some(left.atan2(right)),
            B::Equal => left == right,
            B::NotEqual => left != right,
            B::Less => left < right,
            B::LessOrEqual => left <= right,
            B::Greater => left > right,
            B::GreaterOrEqual => left >= right,
            // Set operators have no values; they never come here.
            B::And | B::Or | B::Unless => return None,
        };
        match (self.return_bool, holds) {
            (true, _) => Some(f64::from(u8::from(holds))),
            (false, true) => Some(left),
            (false, false) => None,
        }
    }
}

/// The labels by which series of both sides find each other.
fn signature(labels: &LabelSet, matching: &Matching) -> LabelSet {
    let mut signature = labels.clone();
    let is_named = |name: &str| matching.labels.iter().any(|named| named == name);
    if matching.on {
        signature.retain(|name, _| is_named(name));
    } else {
        signature.retain(|name, _| name != NAME && !is_named(name));
    }
    signature
}

/// Both sides by signature.
struct Matched {
    signatures: Vec<LabelSet>,
    /// By signature: indexes of the left side's series.
    left: Vec<Vec<usize>>,
    /// Likewise of the right side's.
    right: Vec<Vec<usize>>,
}

impl Matched {
    fn of(left: &[EvalSeries], right: &[EvalSeries], matching: &Matching) -> Self {
        let mut groups = LabelGroups::default();
        let mut numbers = |side: &[EvalSeries]| -> Vec<usize> {
            side.iter().map(|one| groups.number_of(signature(&one.labels, matching))).collect()
        };
        let (left, right) = (numbers(left), numbers(right));
        let signatures = groups.into_labels();
        let by_number = |numbers: Vec<usize>| {
            let mut members = vec![Vec::new(); signatures.len()];
            for (at, number) in numbers.into_iter().enumerate() {
                members[number].push(at);
            }
            members
        };
        Self { left: by_number(left), right: by_number(right), signatures }
    }
}

/// `and`, `or`, `unless`.
fn combine_sets(
    op: BinaryOp,
    left: Vector<'_>,
    right: Vector<'_>,
    matching: &Matching,
) -> Result<Vec<EvalSeries>, QueryError> {
    let matched = Matched::of(&left.series, &right.series, matching);
    // `or` keeps all of the left side and filters the right one, the others the other way round.
    let (mut kept, mut filtered, filtered_members, others, other_members, keep_seen) = match op {
        BinaryOp::Or => {
            let others = left.series.clone();
            (left.series, right.series, &matched.right, others, &matched.left, false)
        }
        _ => (
            Vec::new(),
            left.series,
            &matched.left,
            right.series,
            &matched.right,
            op == BinaryOp::And,
        ),
    };
    for (members, others_here) in filtered_members.iter().zip(other_members) {
        let Some(&first) = members.first() else { continue };
        let mut seen = vec![false; filtered[first].values.len()];
        for &other in others_here {
            for (seen, &value) in seen.iter_mut().zip(&others[other].values) {
                *seen |= !is_absent(value);
            }
        }
        for &at in members {
            for (value, &seen) in filtered[at].values.iter_mut().zip(&seen) {
                if seen != keep_seen {
                    *value = ABSENT;
                }
            }
        }
    }
    filtered.retain(EvalSeries::has_values);
    kept.append(&mut filtered);
    // At different steps a series may come from different sides.
    merge_same_labels(kept, SAME_LABELS)
}

/// Arithmetic and comparisons of two sides.
fn join(
    operation: Operation,
    left: &Vector<'_>,
    right: &Vector<'_>,
    matching: &Matching,
) -> Result<Vec<EvalSeries>, QueryError> {
    let matched = Matched::of(&left.series, &right.series, matching);
    let swapped = matching.cardinality == MatchCardinality::OneToMany;
    let (many, one, many_members, one_members) = if swapped {
        (&right.series, &left.series, &matched.right, &matched.left)
    } else {
        (&left.series, &right.series, &matched.left, &matched.right)
    };
    let join = Join { operation, matching, swapped, many, one };
    let mut joined = Vec::new();
    for ((signature, many_here), one_here) in
        matched.signatures.iter().zip(many_members).zip(one_members)
    {
        join.check_one_side(signature, one_here)?;
        let before = joined.len();
        for &many_at in many_here {
            for &one_at in one_here {
                joined.push(join.pair(many_at, one_at));
            }
        }
        if matching.cardinality == MatchCardinality::OneToOne && many_here.len() > 1 {
            refuse_overlaps(&joined[before..])?;
        }
    }
    joined.retain(EvalSeries::has_values);
    merge_same_labels(joined, NOT_UNIQUE)
}

struct Join<'j> {
    operation: Operation,
    matching: &'j Matching,
    /// The left side is the one with one series per match.
    swapped: bool,
    many: &'j [EvalSeries],
    one: &'j [EvalSeries],
}

impl Join<'_> {
    /// Refuses two series with a value at the same step on the side that may have one. A step at
    /// which the other side is empty matches nothing and is not looked at.
    fn check_one_side(&self, signature: &LabelSet, members: &[usize]) -> Result<(), QueryError> {
        for (at, &second) in members.iter().enumerate() {
            for &first in &members[..at] {
                let values = self.one[first].values.iter().zip(&self.one[second].values);
                let clash = values.enumerate().any(|(step, (&a, &b))| {
                    !is_absent(a)
                        && !is_absent(b)
                        && self.many.iter().any(|series| !is_absent(series.values[step]))
                });
                if clash {
                    return Err(self.too_many(signature, [first, second]));
                }
            }
        }
        Ok(())
    }

    /// The error for two series where one may be, in the peer's words.
    fn too_many(&self, signature: &LabelSet, duplicates: [usize; 2]) -> QueryError {
        let side = if self.swapped { "left" } else { "right" };
        let [first, second] = duplicates.map(|at| shown(&self.one[at].labels));
        let found = match self.operation.dialect {
            Dialect::Loki => format!("found duplicate series on the {side} hand-side"),
            Dialect::Prometheus => format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{first}, {second}]",
                shown(signature)
            ),
        };
        QueryError::execution(format!(
            "{found};many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }

    /// The series that two matching ones give.
    fn pair(&self, many_at: usize, one_at: usize) -> EvalSeries {
        let (many, one) = (&self.many[many_at], &self.one[one_at]);
        let value = |(&many, &one): (&f64, &f64)| {
            if is_absent(many) || is_absent(one) {
                return ABSENT;
            }
            let (left, right) = if self.swapped { (one, many) } else { (many, one) };
            self.operation.apply(left, right).unwrap_or(ABSENT)
        };
        EvalSeries {
            labels: self.labels(&many.labels, &one.labels),
            drop_name: many.drop_name || !self.operation.filters(),
            values: many.values.iter().zip(&one.values).map(value).collect(),
        }
    }

    fn labels(&self, many: &LabelSet, one: &LabelSet) -> LabelSet {
        let mut labels = many.clone();
        if !self.operation.compares() {
            labels.remove(NAME);
        }
        if self.matching.cardinality == MatchCardinality::OneToOne {
            let is_named = |name: &str| self.matching.labels.iter().any(|named| named == name);
            labels.retain(|name, _| is_named(name) == self.matching.on);
        }
        for name in &self.matching.include {
            labels.set(name.as_str(), one.get(name));
        }
        labels
    }
}

/// Refuses two results of one match at the same step.
fn refuse_overlaps(results: &[EvalSeries]) -> Result<(), QueryError> {
    let steps = results.first().map_or(0, |series| series.values.len());
    let overlaps = |step: usize| {
        results.iter().filter(|series| !is_absent(series.values[step])).nth(1).is_some()
    };
    if (0..steps).any(overlaps) { Err(QueryError::execution(MANY_TO_ONE)) } else { Ok(()) }
}

/// A label set as Prometheus writes it in errors.
fn shown(labels: &LabelSet) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(op: BinaryOp, dialect: Dialect, left: f64, right: f64) -> String {
        let operation = Operation { op, return_bool: false, dialect };
        operation.apply(left, right).map_or("none".to_owned(), |value| value.to_string())
    }

    #[test]
    fn only_loki_answers_nan_for_a_division_by_zero() {
        assert_eq!(apply(BinaryOp::Divide, Dialect::Prometheus, 1.0, 0.0), "inf");
        assert_eq!(apply(BinaryOp::Divide, Dialect::Loki, 1.0, 0.0), "NaN");
        assert_eq!(apply(BinaryOp::Modulo, Dialect::Prometheus, 7.5, -2.0), "1.5");
    }

    #[test]
    fn a_comparison_keeps_the_left_value_or_nothing() {
        assert_eq!(apply(BinaryOp::Greater, Dialect::Prometheus, 2.0, 1.0), "2");
        assert_eq!(apply(BinaryOp::Greater, Dialect::Prometheus, 1.0, 2.0), "none");
        assert_eq!(apply(BinaryOp::NotEqual, Dialect::Prometheus, f64::NAN, f64::NAN), "NaN");
    }

    #[test]
    fn errors_show_labels_as_prometheus_writes_them() {
        let labels = LabelSet::new([("job", "a\"b"), ("a", "1")]);
        assert_eq!(shown(&labels), r#"{a="1", job="a\"b"}"#);
    }
}
