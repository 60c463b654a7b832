//! Window functions over samples and over the points of subqueries.

use varve_columnar::{answer::is_absent, labels::LabelSet};

use super::{
    annotations,
    eval::Evaluator,
    extended::ExtendedWindows,
    instants::{self, Lookback, WindowBounds, floor_ms},
    native::{self, HistogramWindows},
    requests::SUBQUERY_STEP,
    value::{EvalSeries, NAME, Value, Vector},
    window::{Samples, WindowCall},
};
use crate::{
    budget::Held,
    error::QueryError,
    plan::{SampleSelect, SeriesExpr, WindowFunction},
};

impl<'a> Evaluator<'a, '_> {
    /// A function over the samples of each series.
    pub(super) fn window(
        &self,
        select: &SampleSelect,
        range_ns: i64,
        function: WindowFunction,
        args: &[SeriesExpr],
    ) -> Result<Value<'a>, QueryError> {
        let lookback = Lookback::of(select, range_ns);
        let loaded = self.loaded.of(select, &lookback, self.span_ns())?;
        let args = self.window_args(args)?;
        let steps_ms: Vec<i64> = self.steps_ns.iter().map(|&step| floor_ms(step)).collect();
        let call = WindowCall { function, args: &args, steps_ms: &steps_ms };
        call.check()?;
        if !loaded.series.is_empty() {
            call.check_factors()?;
        }
        let bounds = lookback.bounds(self.steps_ns);
        if let Some(extension) = &select.extension {
            let extended = ExtendedWindows::of(self.context, function, extension)?;
            let series =
                self.each_series(&loaded.series, |series| extended.values(series, &bounds))?;
            self.annotate(function, &args, &series);
            return self.vector(series);
        }
        let series = self.each_series(&loaded.series, |series| {
            let floats = series.fresh_samples();
            let values = windowed(&call, floats, &bounds);
            let mut one = EvalSeries::of(series.labels.clone(), !keeps_name(function), values);
            if !series.histograms.is_empty() {
                let mut histograms = series.histograms.clone();
                histograms.retain(|(_, histogram)| !histogram.is_stale());
                let metric = series.labels.get(NAME);
                let (context, histograms) = (self.context, histograms.as_slice());
                HistogramWindows { context, function, metric, floats, histograms }
                    .complete(&mut one, &bounds);
            }
            one
        })?;
        self.annotate(function, &args, &series);
        self.vector(series)
    }

    /// A function over the points of each series of an expression.
    pub(super) fn subquery(
        &self,
        input: &SeriesExpr,
        lookback: &Lookback,
        step_ns: i64,
        function: WindowFunction,
        args: &[SeriesExpr],
    ) -> Result<Value<'a>, QueryError> {
        if step_ns <= 0 {
            return Err(QueryError::invalid(SUBQUERY_STEP));
        }
        let args = self.window_args(args)?;
        let steps_ms: Vec<i64> = self.steps_ns.iter().map(|&step| floor_ms(step)).collect();
        let call = WindowCall { function, args: &args, steps_ms: &steps_ms };
        call.check()?;
        let (first, last) = instants::subquery_span(lookback, self.span_ns(), step_ns);
        let count = instants::count(first, last, step_ns);
        if count == 0 {
            return self.vector([]);
        }
        // Two columns: the inner steps, and the same in milliseconds.
        let _held = Held::charge(&self.context.budget, count.saturating_mul(16))?;
        let inner_steps_ns: Vec<i64> = (0..count as i64).map(|at| first + at * step_ns).collect();
        let times_inner_ms: Vec<i64> = inner_steps_ns.iter().map(|&step| floor_ms(step)).collect();
        // Inside of a subquery the order of series is never part of an answer.
        let inner = Evaluator { steps_ns: &inner_steps_ns, instant: false, ..*self };
        let points = match inner.eval(input)? {
            Value::Vector(points) => points,
            Value::Scalar(values) => {
                let series = EvalSeries::of(LabelSet::default(), false, values);
                Vector::of(&self.context.budget, vec![series])?
            }
        };
        let bounds = lookback.bounds(self.steps_ns);
        let series = self.each_series(&points.series, |series| {
            let (times_ms, values): (Vec<i64>, Vec<f64>) = times_inner_ms
                .iter()
                .zip(&series.values)
                .filter(|(_, value)| !is_absent(**value))
                .unzip();
            let samples = Samples { times_ms: &times_ms, values: &values };
            let drop_name = series.drop_name || !keeps_name(function);
            let values = windowed(&call, samples, &bounds);
            let mut one = EvalSeries::of(series.labels.clone(), drop_name, values);
            if !series.histograms.is_empty() {
                let histograms: Vec<_> = times_inner_ms
                    .iter()
                    .zip(&series.histograms)
                    .filter_map(|(&time_ms, at)| {
                        Some((time_ms, native::without_hint(at.as_ref()?)))
                    })
                    .collect();
                let metric = series.labels.get(NAME);
                let (context, histograms) = (self.context, histograms.as_slice());
                HistogramWindows { context, function, metric, floats: samples, histograms }
                    .complete(&mut one, &bounds);
            }
            one
        })?;
        self.annotate(function, &args, &series);
        self.vector(series)
    }

    fn window_args(&self, args: &[SeriesExpr]) -> Result<Vec<Vec<f64>>, QueryError> {
        let args: Vec<_> = args
            .iter()
            .map(|arg| self.eval_scalar(arg, "a window function's argument"))
            .collect::<Result<_, _>>()?;
        Ok(args)
    }

    /// Says where `rate` was asked of something whose name is not a counter's, and which quantiles
    /// are none.
    fn annotate(&self, function: WindowFunction, args: &[Vec<f64>], series: &[EvalSeries]) {
        if function == WindowFunction::QuantileOverTime && !series.is_empty() {
            for values in args {
                annotations::bad_quantiles(self.context, values);
            }
        }
        if matches!(function, WindowFunction::Rate | WindowFunction::Increase) {
            // The type of a native histogram tells whether it counts, not its name.
            let floats = series.iter().filter(|series| series.histograms.is_empty());
            let names = floats.map(|series| series.labels.get(NAME));
            annotations::possible_non_counters(self.context, names);
        }
    }
}

/// Functions that give back samples as they are.
fn keeps_name(function: WindowFunction) -> bool {
    matches!(function, WindowFunction::LastOverTime | WindowFunction::FirstOverTime)
}

/// A function's value at every step; once for all of them where all have the same window (`@`).
fn windowed(call: &WindowCall<'_>, samples: Samples<'_>, bounds: &[WindowBounds]) -> Vec<f64> {
    if call.depends_on_window_only() && bounds.first() == bounds.last() {
        let value = call.values(samples, &bounds[..1]);
        return vec![value[0]; bounds.len()];
    }
    call.values(samples, bounds)
}
