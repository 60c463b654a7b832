//! Evaluation of series expressions, node by node, all steps of a node at once.

use rayon::prelude::*;
use varve_columnar::{
    answer::{ABSENT, is_absent},
    labels::LabelSet,
};

use super::{
    aggregate, annotations, binary, functions,
    instants::{self, Lookback, WindowBounds, floor_ms},
    label_functions,
    native::{self, HistogramWindows},
    requests::{LoadedSelectors, SUBQUERY_STEP},
    value::{EvalSeries, Held, NAME, Value, Vector},
    window::{Samples, Shown, WindowCall, newest},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    logs::{LogWindow, log_window},
    plan::{BinaryOp, Dialect, Function, Label, SampleSelect, SeriesExpr, WindowFunction},
};

/// Series whose windows one task computes at least.
const SERIES_PER_TASK_MIN: usize = 8;

/// Endings of a counter's name.
const COUNTER_ENDINGS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// What is the same for all parts of one expression that are evaluated at the same steps.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a, 's> {
    /// The query.
    pub(super) context: &'a ExecContext,
    /// Whose rules.
    pub(super) dialect: Dialect,
    /// The query's steps are one instant, so that the order of series is part of the answer.
    pub(super) instant: bool,
    /// Nanoseconds since the epoch, ascending, at least one.
    pub(super) steps_ns: &'s [i64],
    loaded: &'s LoadedSelectors<'a, 's>,
}

impl<'a, 's> Evaluator<'a, 's> {
    /// An evaluator of the expression whose samples were loaded.
    pub(super) fn new(
        context: &'a ExecContext,
        dialect: Dialect,
        steps_ns: &'s [i64],
        loaded: &'s LoadedSelectors<'a, 's>,
        instant: bool,
    ) -> Self {
        Self { context, dialect, instant, steps_ns, loaded }
    }

    /// The value of an expression at every step.
    pub(super) fn eval(&self, expr: &SeriesExpr) -> Result<Value<'a>, QueryError> {
        self.context.budget.check()?;
        match expr {
            SeriesExpr::Number { value } => Ok(Value::Scalar(self.repeat(parse_number(value)?))),
            SeriesExpr::Text { value } => Err(QueryError::invalid(format!(
                "the string '{value}' stands where a scalar or series must be"
            ))),
            SeriesExpr::Selector { select, lookback } => {
                self.select(select, lookback.0, Shown::Value).map(Value::Vector)
            }
            SeriesExpr::Window { select, range, function, args } => {
                self.window(select, range.0, *function, args)
            }
            SeriesExpr::Subquery { input, range, step, offset, at, function, args } => {
                let lookback = Lookback { offset_ns: offset.0, at: *at, length_ns: range.0 };
                self.subquery(input, &lookback, step.0, *function, args)
            }
            SeriesExpr::LogWindow { input, function, range, offset, grouping, unwrap, param } => {
                let window = LogWindow {
                    function: *function,
                    range_ns: range.0,
                    offset_ns: offset.0,
                    grouping: grouping.as_ref(),
                    unwrap: unwrap.as_ref(),
                    param: *param,
                };
                let series = log_window(self.context, input, &window, self.steps_ns)?;
                self.vector(
                    series
                        .into_iter()
                        .map(|series| EvalSeries::of(series.labels, false, series.values)),
                )
            }
            SeriesExpr::Aggregate { op, input, grouping, param } => {
                aggregate::eval(self, *op, input, grouping.as_ref(), param.as_deref())
            }
            SeriesExpr::Binary { op, left, right, return_bool, matching } => {
                let sides = (self.eval(left)?, self.eval(right)?);
                binary::eval(self, *op, sides, *return_bool, matching.as_ref())
            }
            SeriesExpr::Negate { input } => Ok(match self.eval(input)? {
                Value::Scalar(values) => Value::Scalar(values.into_iter().map(|v| -v).collect()),
                Value::Vector(vector) => {
                    let minus = Value::Scalar(self.repeat(-1.0));
                    let sides = (Value::Vector(vector), minus);
                    return binary::eval(self, BinaryOp::Multiply, sides, false, None);
                }
            }),
            SeriesExpr::Call { function: Function::Timestamp, args } => self.timestamp(args),
            SeriesExpr::Call { function, args } => functions::eval(self, *function, args),
            SeriesExpr::LabelReplace { input, to, replacement, from, regex } => {
                label_functions::replace(
                    self.eval_vector(input, "label_replace")?,
                    &label_functions::Replacement { to, template: replacement, from, regex },
                )
                .and_then(|series| self.vector(series))
            }
            SeriesExpr::LabelJoin { input, to, separator, from } => {
                label_functions::join(self.eval_vector(input, "label_join")?, to, separator, from)
                    .and_then(|series| self.vector(series))
            }
            SeriesExpr::Absent { input, labels } => self.absent(input, labels),
        }
    }

    /// The series of an expression.
    pub(super) fn eval_vector(
        &self,
        expr: &SeriesExpr,
        what: &str,
    ) -> Result<Vector<'a>, QueryError> {
        self.eval(expr)?.into_vector(what)
    }

    /// The value per step of an expression.
    pub(super) fn eval_scalar(
        &self,
        expr: &SeriesExpr,
        what: &str,
    ) -> Result<Vec<f64>, QueryError> {
        self.eval(expr)?.into_scalar(what)
    }

    /// A node's answer.
    pub(super) fn vector(
        &self,
        series: impl IntoIterator<Item = EvalSeries>,
    ) -> Result<Value<'a>, QueryError> {
        let series = series.into_iter().collect();
        Vector::of(&self.context.budget, series).map(Value::Vector)
    }

    /// The same value at every step.
    pub(super) fn repeat(&self, value: f64) -> Vec<f64> {
        vec![value; self.steps_ns.len()]
    }

    fn span_ns(&self) -> (i64, i64) {
        // There is at least one step.
        (self.steps_ns[0], self.steps_ns[self.steps_ns.len() - 1])
    }

    fn select(
        &self,
        select: &SampleSelect,
        lookback_ns: i64,
        shown: Shown,
    ) -> Result<Vector<'a>, QueryError> {
        let lookback = Lookback::of(select, lookback_ns);
        let loaded = self.loaded.of(select, &lookback, self.span_ns())?;
        let bounds = lookback.bounds(self.steps_ns);
        let series = self.each_series(&loaded.series, |series| {
            let values = newest(series.samples(), &bounds, shown);
            let mut one = EvalSeries::of(series.labels.clone(), shown == Shown::Time, values);
            if !series.histograms.is_empty() {
                let (floats, histograms) = (series.samples(), &series.histograms);
                native::newest(&mut one, floats, histograms, &bounds, shown);
            }
            one
        })?;
        Vector::of(&self.context.budget, series)
    }

    fn window(
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
        let bounds = lookback.bounds(self.steps_ns);
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

    fn subquery(
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

    /// Computes every series on rayon's threads; ends early when the query is to end.
    fn each_series<I: Sync>(
        &self,
        input: &[I],
        each: impl Fn(&I) -> EvalSeries + Sync,
    ) -> Result<Vec<EvalSeries>, QueryError> {
        input
            .par_iter()
            .with_min_len(SERIES_PER_TASK_MIN)
            .map(|one| {
                self.context.budget.check()?;
                Ok(each(one))
            })
            .filter(|done| done.as_ref().map_or(true, EvalSeries::has_values))
            .collect()
    }

    /// Says where `rate` was asked of something whose name is not a counter's, and which quantiles
    /// are none.
    fn annotate(&self, function: WindowFunction, args: &[Vec<f64>], series: &[EvalSeries]) {
        if function == WindowFunction::QuantileOverTime && !series.is_empty() {
            for values in args {
                annotations::bad_quantiles(self.context, values);
            }
        }
        if !matches!(function, WindowFunction::Rate | WindowFunction::Increase) {
            return;
        }
        let mut told = "";
        // The type of a native histogram tells whether it counts, not its name.
        let floats = series.iter().filter(|series| series.histograms.is_empty());
        for name in floats.map(|series| series.labels.get(NAME)) {
            if name != told
                && !name.is_empty()
                && !COUNTER_ENDINGS.iter().any(|end| name.ends_with(end))
            {
                self.context.inform(format!(
                    "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"{name}\""
                ));
            }
            told = name;
        }
    }

    fn timestamp(&self, args: &[SeriesExpr]) -> Result<Value<'a>, QueryError> {
        let [input] = args else {
            return Err(functions::wrong_args("timestamp", 1, args.len()));
        };
        if let SeriesExpr::Selector { select, lookback } = input {
            return self.select(select, lookback.0, Shown::Time).map(Value::Vector);
        }
        let vector = self.eval_vector(input, "timestamp")?;
        let times_s: Vec<f64> = self.steps_ns.iter().map(|&step| seconds(step)).collect();
        let series = vector.series.into_iter().map(|one| {
            let at_step = |(step, &time_s)| if one.is_present(step) { time_s } else { ABSENT };
            let values = times_s.iter().enumerate().map(at_step).collect();
            EvalSeries::of(one.labels, true, values)
        });
        self.vector(series)
    }

    fn absent(&self, input: &SeriesExpr, labels: &[Label]) -> Result<Value<'a>, QueryError> {
        let present = self.eval_vector(input, "absent")?;
        let mut values = self.repeat(1.0);
        for series in &present.series {
            for (step, value) in values.iter_mut().enumerate() {
                if series.is_present(step) {
                    *value = ABSENT;
                }
            }
        }
        let labels =
            LabelSet::new(labels.iter().map(|label| (label.name.as_str(), label.value.as_str())));
        self.vector([EvalSeries::of(labels, false, values)])
    }
}

/// A step as the languages see it.
pub(super) fn seconds(step_ns: i64) -> f64 {
    floor_ms(step_ns) as f64 / 1e3
}

fn parse_number(text: &str) -> Result<f64, QueryError> {
    text.parse().map_err(|_| QueryError::invalid(format!("'{text}' is not a number")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_special_values() {
        assert_eq!(parse_number("1e3").unwrap().to_string(), "1000");
        assert!(parse_number("NaN").unwrap().is_nan());
        assert_eq!(parse_number("-inf").unwrap().to_string(), "-inf");
        assert_eq!(parse_number("x").unwrap_err().to_string(), "'x' is not a number");
    }
}
