//! Functions of instant vectors and scalars.

use varve_columnar::{answer::is_absent, labels::LabelSet};

use super::{
    annotations,
    calendar::{self, CalendarField},
    eval::{Evaluator, seconds},
    histogram,
    invariant::is_invariant,
    native,
    order::{self, Way},
    value::{EvalSeries, Value, Vector},
};
use crate::{
    error::QueryError,
    plan::{Function, SeriesExpr},
};

/// Evaluates a call. `timestamp` looks at more than values and is evaluated elsewhere.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    function: Function,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    if let Some(change) = value_function(function) {
        let [input] = args else { return Err(wrong_args(name_of(function), 1, args.len())) };
        return Ok(Value::Vector(evaluator.eval_vector(input, name_of(function))?.map(change)));
    }
    if let Some(field) = calendar_field(function) {
        return eval_calendar(evaluator, function, field, args);
    }
    if native::reads_histograms(function) {
        return native::eval(evaluator, function, args);
    }
    match function {
        Function::HistogramQuantile => histogram::eval_quantile(evaluator, args),
        Function::HistogramQuantiles => histogram::eval_quantiles(evaluator, args),
        Function::HistogramFraction => histogram::eval_fraction(evaluator, args),
        Function::Pi => Ok(Value::Scalar(evaluator.repeat(std::f64::consts::PI))),
        Function::Time => {
            Ok(Value::Scalar(evaluator.steps_ns.iter().map(|&step| seconds(step)).collect()))
        }
        Function::Scalar => {
            let [input] = args else { return Err(wrong_args("scalar", 1, args.len())) };
            Ok(Value::Scalar(scalar(evaluator, &evaluator.eval_vector(input, "scalar")?)))
        }
        Function::Vector => {
            let [input] = args else { return Err(wrong_args("vector", 1, args.len())) };
            let values = evaluator.eval_scalar(input, "vector")?;
            evaluator.vector([EvalSeries::of(LabelSet::default(), false, values)])
        }
        Function::Sort | Function::SortDesc => {
            tell_of_sorting(evaluator, args);
            let [input] = args else { return Err(wrong_args(name_of(function), 1, args.len())) };
            let way = if function == Function::Sort { Way::Ascending } else { Way::Descending };
            Ok(order::by_value(evaluator, evaluator.eval_vector(input, "sort")?, way))
        }
        Function::SortByLabel | Function::SortByLabelDesc => {
            tell_of_sorting(evaluator, args);
            sort_by_labels(evaluator, function, args)
        }
        _ => eval_bounded(evaluator, function, args),
    }
}

/// Several steps are shown by labels, so that their order says nothing; what is the same at all of them is
/// sorted once.
fn tell_of_sorting(evaluator: &Evaluator<'_, '_>, args: &[SeriesExpr]) {
    if evaluator.steps_ns.len() > 1 && !args.iter().all(is_invariant) {
        annotations::sorted_in_vain(evaluator.context);
    }
}

/// `round` and `clamp…`: values changed with scalar arguments.
fn eval_bounded<'a>(
    evaluator: &Evaluator<'a, '_>,
    function: Function,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let name = name_of(function);
    let vector = |input| evaluator.eval_vector(input, name).map(Vector::without_names);
    let scalar = |input| evaluator.eval_scalar(input, name);
    let bounded = match (function, args) {
        (Function::Round, [input]) => vector(input)?.map(|value| round_to(value, 1.0)),
        (Function::Round, [input, nearest]) => vector(input)?
            .map_steps(&scalar(nearest)?, |value, nearest| Some(round_to(value, nearest))),
        (Function::ClampMin, [input, min]) => {
            vector(input)?.map_steps(&scalar(min)?, |value, min| Some(greater(min, value)))
        }
        (Function::ClampMax, [input, max]) => {
            vector(input)?.map_steps(&scalar(max)?, |value, max| Some(lesser(max, value)))
        }
        (Function::Clamp, [input, min, max]) => {
            let (min, max) = (scalar(min)?, scalar(max)?);
            // No value is between bounds that are the wrong way round.
            let possible: Vec<f64> = min
                .iter()
                .zip(&max)
                .map(|(min, max)| f64::from(u8::from(max >= min || min.is_nan() || max.is_nan())))
                .collect();
            vector(input)?
                .map_steps(&possible, |value, possible| (possible > 0.0).then_some(value))
                .map_steps(&max, |value, max| Some(lesser(max, value)))
                .map_steps(&min, |value, min| Some(greater(min, value)))
        }
        (_, _) => {
            return Err(QueryError::invalid(format!(
                "{name} does not take {} arguments",
                args.len()
            )));
        }
    };
    Ok(Value::Vector(bounded))
}

fn eval_calendar<'a>(
    evaluator: &Evaluator<'a, '_>,
    function: Function,
    field: CalendarField,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let read = |time_s: f64| calendar::read(field, time_s);
    match args {
        [] => {
            let values = evaluator.steps_ns.iter().map(|&step| read(seconds(step))).collect();
            evaluator.vector([EvalSeries::of(LabelSet::default(), false, values)])
        }
        [input] => Ok(Value::Vector(evaluator.eval_vector(input, name_of(function))?.map(read))),
        _ => Err(wrong_args(name_of(function), 1, args.len())),
    }
}

fn sort_by_labels<'a>(
    evaluator: &Evaluator<'a, '_>,
    function: Function,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let name = name_of(function);
    let [input, labels @ ..] = args else { return Err(wrong_args(name, 2, args.len())) };
    let labels: Vec<&str> = labels
        .iter()
        .map(|label| match label {
            SeriesExpr::Text { value } => Ok(value.as_str()),
            _ => Err(QueryError::invalid(format!("{name} takes label names as strings"))),
        })
        .collect::<Result<_, _>>()?;
    let way = if function == Function::SortByLabel { Way::Ascending } else { Way::Descending };
    Ok(order::by_labels(evaluator, evaluator.eval_vector(input, name)?, &labels, way))
}

/// The value of the only series at each step; NaN where there is none or more than one.
fn scalar(evaluator: &Evaluator<'_, '_>, vector: &Vector<'_>) -> Vec<f64> {
    let at_step = |step: usize| {
        let mut present =
            vector.series.iter().map(|series| series.values[step]).filter(|&v| !is_absent(v));
        match (present.next(), present.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    (0..evaluator.steps_ns.len()).map(at_step).collect()
}

/// The error for a call that no parser gives.
pub(super) fn wrong_args(name: &str, takes: usize, given: usize) -> QueryError {
    QueryError::invalid(format!("{name} takes {takes} arguments but was given {given}"))
}

fn name_of(function: Function) -> &'static str {
    match function {
        Function::Round => "round",
        Function::Clamp => "clamp",
        Function::ClampMin => "clamp_min",
        Function::ClampMax => "clamp_max",
        Function::Sort => "sort",
        Function::SortDesc => "sort_desc",
        Function::SortByLabel => "sort_by_label",
        Function::SortByLabelDesc => "sort_by_label_desc",
        _ => "the function",
    }
}

/// Functions of one value.
fn value_function(function: Function) -> Option<fn(f64) -> f64> {
    Some(match function {
        Function::Abs => f64::abs,
        Function::Ceil => f64::ceil,
        Function::Floor => f64::floor,
        Function::Exp => f64::exp,
        Function::Ln => f64::ln,
        Function::Log2 => f64::log2,
        Function::Log10 => f64::log10,
        Function::Sqrt => f64::sqrt,
        Function::Sgn => sign,
        Function::Sin => f64::sin,
        Function::Cos => f64::cos,
        Function::Tan => f64::tan,
        Function::Asin => f64::asin,
        Function::Acos => f64::acos,
        Function::Atan => f64::atan,
        Function::Sinh => f64::sinh,
        Function::Cosh => f64::cosh,
        Function::Tanh => f64::tanh,
        Function::Asinh => f64::asinh,
        Function::Acosh => f64::acosh,
        Function::Atanh => f64::atanh,
        Function::Deg => |radians| radians * 180.0 / std::f64::consts::PI,
        Function::Rad => |degrees| degrees * std::f64::consts::PI / 180.0,
        _ => return None,
    })
}

fn calendar_field(function: Function) -> Option<CalendarField> {
    Some(match function {
        Function::Minute => CalendarField::Minute,
        Function::Hour => CalendarField::Hour,
        Function::DayOfMonth => CalendarField::DayOfMonth,
        Function::DayOfWeek => CalendarField::DayOfWeek,
        Function::DayOfYear => CalendarField::DayOfYear,
        Function::DaysInMonth => CalendarField::DaysInMonth,
        Function::Month => CalendarField::Month,
        Function::Year => CalendarField::Year,
        _ => return None,
    })
}

fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        value
    }
}

/// The nearest multiple, halves upwards. Dividing by the inverse keeps decimal fractions exact.
fn round_to(value: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// The greater of two; NaN if one is.
fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The lesser of two; NaN if one is.
fn lesser(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_upwards() {
        assert_eq!(round_to(2.5, 1.0).to_string(), "3");
        assert_eq!(round_to(-2.5, 1.0).to_string(), "-2");
        assert_eq!(round_to(0.37, 0.1).to_string(), "0.4");
        assert!(round_to(f64::NAN, 1.0).is_nan());
    }

    #[test]
    fn bounds_that_are_no_number_bound_nothing_to_a_number() {
        assert!(greater(f64::NAN, 1.0).is_nan());
        assert!(lesser(1.0, f64::NAN).is_nan());
        assert_eq!(sign(-0.0).to_string(), "-0");
    }
}
