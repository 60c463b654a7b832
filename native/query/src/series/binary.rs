//! Binary operators: arithmetic and comparisons of scalars and series, and set operators.

use varve_columnar::{
    answer::{ABSENT, is_absent},
    labels::LabelSet,
};

use super::{
    annotations,
    eval::Evaluator,
    matching::{Matched, combine_sets},
    native::{self, Operand},
    value::{EvalSeries, NAME, Value, Vector, merge_same_labels},
};
use crate::{
    context::ExecContext,
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
            Ok(Value::Vector(with_scalars(evaluator.context, operation, left, &right, Side::Left)))
        }
        (Value::Scalar(left), Value::Vector(right)) => {
            Ok(Value::Vector(with_scalars(evaluator.context, operation, right, &left, Side::Right)))
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
                _ => join(evaluator.context, operation, &left, &right, matching)?,
            };
            evaluator.vector(series)
        }
    }
}

/// On which side of an operator a vector stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// An operator of series on one side and a scalar per step on the other.
fn with_scalars<'a>(
    context: &ExecContext,
    operation: Operation,
    mut vector: Vector<'a>,
    scalars: &[f64],
    side: Side,
) -> Vector<'a> {
    let of_histograms = operation.trims();
    for one in &mut vector.series {
        one.drop_name |= !operation.filters();
        for (value, &scalar) in one.values.iter_mut().zip(scalars) {
            if is_absent(*value) {
                continue;
            }
            let (left, right) =
                if side == Side::Left { (*value, scalar) } else { (scalar, *value) };
            *value = match operation.apply(left, right) {
                // The scalar may be on the left, but what is kept is the sample.
                Some(_) if operation.filters() => *value,
                Some(made) => made,
                None => ABSENT,
            };
            if of_histograms {
                annotations::incompatible_sides(context, operation.op.symbol(), ("float", "float"));
            }
        }
        if !one.histograms.is_empty() {
            let op = (operation.op, operation.return_bool);
            native::apply_scalars(context, op, one, scalars, side == Side::Right);
        }
    }
    vector.series.retain(EvalSeries::has_values);
    vector
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

    /// Whether it cuts histograms, and has no meaning for floats.
    fn trims(self) -> bool {
        matches!(self.op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
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
            // Set operators have no values, and floats nothing that could be trimmed.
            B::And | B::Or | B::Unless | B::TrimUpper | B::TrimLower => return None,
        };
        match (self.return_bool, holds) {
            (true, _) => Some(f64::from(u8::from(holds))),
            (false, true) => Some(left),
            (false, false) => None,
        }
    }
}

/// Arithmetic and comparisons of two sides.
fn join(
    context: &ExecContext,
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
    let join = Join { context, operation, matching, swapped, many, one };
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
    context: &'j ExecContext,
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
                let (one, other) = (&self.one[first], &self.one[second]);
                let clash = (0..one.values.len()).any(|step| {
                    one.is_present(step)
                        && other.is_present(step)
                        && self.many.iter().any(|series| series.is_present(step))
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
        let mut paired = EvalSeries::of(
            self.labels(&many.labels, &one.labels),
            many.drop_name || !self.operation.filters(),
            many.values.iter().zip(&one.values).map(value).collect(),
        );
        if !many.histograms.is_empty() || !one.histograms.is_empty() {
            self.pair_histograms(&mut paired, many, one);
        }
        paired
    }

    fn pair_histograms(&self, paired: &mut EvalSeries, many: &EvalSeries, one: &EvalSeries) {
        let op = (self.operation.op, self.operation.return_bool);
        for step in 0..paired.values.len() {
            if many.histogram(step).is_none() && one.histogram(step).is_none() {
                continue;
            }
            let operands = (Operand::of(many, step), Operand::of(one, step));
            let (Some(many), Some(one)) = operands else { continue };
            let (left, right) = if self.swapped { (one, many) } else { (many, one) };
            native::set(paired, step, native::apply(self.context, op, left, right));
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
    let overlaps =
        |step: usize| results.iter().filter(|series| series.is_present(step)).nth(1).is_some();
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
