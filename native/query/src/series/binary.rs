//! Binary operators: arithmetic and comparisons of scalars and series, and set operators.

use varve_columnar::answer::{ABSENT, is_absent};

use super::{
    annotations,
    eval::Evaluator,
    join::join,
    matching::combine_sets,
    native,
    value::{EvalSeries, Value, Vector},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{BinaryOp, Dialect, Matching},
};

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
            if operation.trims() {
                return Err(QueryError::execution(format!(
                    "operator \"{}\" not allowed for Scalar operations",
                    op.symbol()
                )));
            }
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
            let default = Matching::default();
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
        one.drop_name |= !operation.keeps_name();
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
pub(super) struct Operation {
    pub(super) op: BinaryOp,
    /// Comparisons give 0 or 1.
    pub(super) return_bool: bool,
    pub(super) dialect: Dialect,
}

impl Operation {
    pub(super) fn compares(self) -> bool {
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

    /// Whether what it gives is still of the metric.
    pub(super) fn keeps_name(self) -> bool {
        self.filters() || self.trims()
    }

    /// Whether it cuts histograms, and has no meaning for floats.
    pub(super) fn trims(self) -> bool {
        matches!(self.op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
    }

    /// The value; none where a comparison filters it out.
    #[expect(clippy::float_cmp, reason = "the languages compare floats exactly")]
    pub(super) fn apply(self, left: f64, right: f64) -> Option<f64> {
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
    fn cutting_a_histogram_keeps_its_name_as_filtering_does() {
        let keeps = |op, return_bool| {
            Operation { op, return_bool, dialect: Dialect::Prometheus }.keeps_name()
        };
        assert!(keeps(BinaryOp::TrimUpper, false) && keeps(BinaryOp::Less, false));
        assert!(!keeps(BinaryOp::Less, true) && !keeps(BinaryOp::Add, false));
    }
}
