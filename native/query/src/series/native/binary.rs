//! Binary operators where one side or both are native histograms.

use std::sync::Arc;

use varve_columnar::{
    answer::is_absent,
    histogram::{NativeHistogram, ResetHint},
};

use super::{
    math::{add, are_equal, divide},
    sums::scaled,
    trim::{Keep, trim},
};
use crate::{
    context::ExecContext,
    plan::BinaryOp,
    series::{
        annotations::{self, HistogramOperation},
        value::EvalSeries,
    },
};

/// What stands on one side at one step.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'h> {
    Float(f64),
    Histogram(&'h Arc<NativeHistogram>),
}

/// What comes of it.
pub(crate) enum Outcome {
    /// Nothing: the sides have no meaning together, of which the user was told.
    Refused,
    /// Nothing: a comparison that does not hold.
    Filtered,
    Float(f64),
    Histogram(Arc<NativeHistogram>),
}

impl<'h> Operand<'h> {
    /// What a series has at a step.
    pub(crate) fn of(series: &'h EvalSeries, step: usize) -> Option<Self> {
        match series.histogram(step) {
            Some(histogram) => Some(Self::Histogram(histogram)),
            None => Some(series.values[step]).filter(|&value| !is_absent(value)).map(Self::Float),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// An operator of which one operand at least is a histogram, or one that is of histograms only.
pub(crate) fn apply(
    context: &ExecContext,
    (op, return_bool): (BinaryOp, bool),
    left: Operand<'_>,
    right: Operand<'_>,
) -> Outcome {
    match (op, left, right) {
        (BinaryOp::Multiply, Operand::Histogram(histogram), Operand::Float(factor))
        | (BinaryOp::Multiply, Operand::Float(factor), Operand::Histogram(histogram)) => {
            Outcome::Histogram(Arc::new(scaled(histogram, factor)))
        }
        (BinaryOp::Divide, Operand::Histogram(histogram), Operand::Float(divisor)) => {
            let mut divided = NativeHistogram::clone(histogram);
            divide(&mut divided, divisor);
            Outcome::Histogram(Arc::new(divided))
        }
        (BinaryOp::TrimUpper, Operand::Histogram(histogram), Operand::Float(value)) => {
            trimmed(histogram, Keep::Below, value)
        }
        (BinaryOp::TrimLower, Operand::Histogram(histogram), Operand::Float(value)) => {
            trimmed(histogram, Keep::Above, value)
        }
        (BinaryOp::Add | BinaryOp::Subtract, Operand::Histogram(a), Operand::Histogram(b)) => {
            combine(context, op, a, b)
        }
        (BinaryOp::Equal | BinaryOp::NotEqual, Operand::Histogram(a), Operand::Histogram(b)) => {
            let holds = are_equal(a, b) == (op == BinaryOp::Equal);
            match (return_bool, holds) {
                (true, _) => Outcome::Float(f64::from(u8::from(holds))),
                (false, true) => Outcome::Histogram(Arc::clone(a)),
                (false, false) => Outcome::Filtered,
            }
        }
        _ => {
            let kinds = (left.kind(), right.kind());
            annotations::incompatible_sides(context, op.symbol(), kinds);
            Outcome::Refused
        }
    }
}

/// Whether an operator has a meaning for its sides.
pub(crate) fn fits(op: BinaryOp, left: Operand<'_>, right: Operand<'_>) -> bool {
    use Operand::{Float, Histogram};
    match (left, right) {
        (Float(_), Float(_)) => !matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower),
        (Float(_), Histogram(_)) => op == BinaryOp::Multiply,
        (Histogram(_), Float(_)) => matches!(
            op,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::TrimUpper | BinaryOp::TrimLower
        ),
        (Histogram(_), Histogram(_)) => {
            matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Equal | BinaryOp::NotEqual)
        }
    }
}

fn trimmed(histogram: &NativeHistogram, keep: Keep, value: f64) -> Outcome {
    let mut trimmed = histogram.clone();
    trim(&mut trimmed, keep, value);
    Outcome::Histogram(Arc::new(trimmed))
}

/// The sum or difference of two histograms.
fn combine(
    context: &ExecContext,
    op: BinaryOp,
    a: &NativeHistogram,
    b: &NativeHistogram,
) -> Outcome {
    let (factor, operation) = match op {
        BinaryOp::Subtract => (-1.0, HistogramOperation::Subtract),
        _ => (1.0, HistogramOperation::Add),
    };
    let mut result = a.clone();
    let Ok(added) = add(&mut result, b, factor) else {
        annotations::mixed_schemas_of_operator(context, op.symbol());
        return Outcome::Refused;
    };
    if added.resets_collide {
        annotations::resets_collide(context, operation);
        return Outcome::Refused;
    }
    if added.bounds_differ {
        annotations::bounds_differ(context, operation);
    }
    if op == BinaryOp::Subtract {
        result.reset = ResetHint::Gauge;
    }
    Outcome::Histogram(Arc::new(result))
}

/// Puts at each step what an operator makes of the histogram and the scalar of that step.
pub(crate) fn apply_scalars(
    context: &ExecContext,
    op: (BinaryOp, bool),
    series: &mut EvalSeries,
    scalars: &[f64],
    scalar_is_left: bool,
) {
    let histograms = std::mem::take(&mut series.histograms);
    for (step, (histogram, &scalar)) in histograms.iter().zip(scalars).enumerate() {
        let Some(histogram) = histogram else { continue };
        let (histogram, scalar) = (Operand::Histogram(histogram), Operand::Float(scalar));
        let (left, right) = if scalar_is_left { (scalar, histogram) } else { (histogram, scalar) };
        set(series, step, apply(context, op, left, right));
    }
}

/// Puts an outcome at a step.
pub(crate) fn set(series: &mut EvalSeries, step: usize, outcome: Outcome) {
    match outcome {
        Outcome::Refused | Outcome::Filtered => {}
        Outcome::Float(value) => series.values[step] = value,
        Outcome::Histogram(histogram) => series.put_histogram(step, histogram),
    }
}
