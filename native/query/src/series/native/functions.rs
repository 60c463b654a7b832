//! Functions that look into native histograms.

use varve_columnar::{answer::ABSENT, histogram::NativeHistogram};

use super::quantile::variance;
use crate::{
    error::QueryError,
    plan::{Function, SeriesExpr},
    series::{
        eval::Evaluator,
        functions::wrong_args,
        value::{EvalSeries, Value},
    },
};

/// Whether a function is one of native histograms alone.
pub(crate) fn reads_histograms(function: Function) -> bool {
    reader(function).is_some()
}

/// What a function reads out of one histogram.
fn reader(function: Function) -> Option<fn(&NativeHistogram) -> f64> {
    Some(match function {
        Function::HistogramCount => |histogram| histogram.count,
        Function::HistogramSum => |histogram| histogram.sum,
        Function::HistogramAvg => |histogram| histogram.sum / histogram.count,
        Function::HistogramStddev => |histogram| variance(histogram).sqrt(),
        Function::HistogramStdvar => variance,
        _ => return None,
    })
}

/// Evaluates a function of histograms; floats give nothing.
pub(crate) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    function: Function,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let name = "a function of histograms";
    let ([input], Some(read)) = (args, reader(function)) else {
        return Err(wrong_args(name, 1, args.len()));
    };
    let vector = evaluator.eval_vector(input, name)?;
    let series = vector.series.iter().map(|series| {
        let at_step = |step| series.histogram(step).map_or(ABSENT, |histogram| read(histogram));
        let values = (0..series.values.len()).map(at_step).collect();
        EvalSeries::of(series.labels.clone(), true, values)
    });
    evaluator.vector(series)
}
