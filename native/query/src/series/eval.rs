//! Evaluation of series expressions, node by node, all steps of a node at once.

use rayon::prelude::*;
use varve_columnar::{answer::ABSENT, labels::LabelSet};

use super::{
    aggregate, binary, extended, functions, info,
    instants::{Lookback, floor_ms},
    label_functions, native,
    requests::LoadedSelectors,
    value::{EvalSeries, Value, Vector},
    window::{Shown, newest},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    logs::{LogWindow, log_window},
    plan::{BinaryOp, Dialect, Function, Label, NotePlace, SampleSelect, SeriesExpr},
};

/// Series whose windows one task computes at least.
const SERIES_PER_TASK_MIN: usize = 8;

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
    /// The samples of all selectors.
    pub(super) loaded: &'s LoadedSelectors<'a, 's>,
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
        let value = self.node(expr)?;
        if let Some(place) = place_of(expr) {
            self.context.place_notes(place);
        }
        Ok(value)
    }

    fn node(&self, expr: &SeriesExpr) -> Result<Value<'a>, QueryError> {
        match expr {
            SeriesExpr::Number { value } => Ok(Value::Scalar(self.repeat(parse_number(value)?))),
            SeriesExpr::Text { value } => Err(QueryError::invalid(format!(
                "the string '{value}' stands where a scalar or series must be"
            ))),
            SeriesExpr::Selector { select, lookback, .. } => {
                self.select(select, lookback.0, Shown::Value).map(Value::Vector)
            }
            SeriesExpr::Window { select, range, function, args, .. } => {
                self.window(select, range.0, *function, args)
            }
            SeriesExpr::Subquery { input, range, step, offset, at, function, args, .. } => {
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
            SeriesExpr::Aggregate { op, input, grouping, param, .. } => {
                aggregate::eval(self, *op, input, grouping.as_ref(), param.as_deref())
            }
            SeriesExpr::Binary { op, left, right, return_bool, matching, .. } => {
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
            SeriesExpr::Call { function: Function::Timestamp, args, .. } => self.timestamp(args),
            SeriesExpr::Call { function, args, .. } => functions::eval(self, *function, args),
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
            SeriesExpr::Info { input, select, lookback } => {
                info::eval(self, input, select, lookback.0)
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

    pub(super) fn span_ns(&self) -> (i64, i64) {
        // There is at least one step.
        (self.steps_ns[0], self.steps_ns[self.steps_ns.len() - 1])
    }

    /// The newest sample of each series.
    pub(super) fn select(
        &self,
        select: &SampleSelect,
        lookback_ns: i64,
        shown: Shown,
    ) -> Result<Vector<'a>, QueryError> {
        let lookback = Lookback::of(select, lookback_ns);
        let loaded = self.loaded.of(select, &lookback, self.span_ns())?;
        let bounds = lookback.bounds(self.steps_ns);
        if let Some(extension) = select.extension.filter(|_| shown == Shown::Value) {
            let series = self.each_series(&loaded.series, |series| {
                extended::points(self.context, series, &bounds, &extension)
            })?;
            return Vector::of(&self.context.budget, series);
        }
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

    /// Computes every series on rayon's threads; ends early when the query is to end.
    pub(super) fn each_series<I: Sync>(
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

    fn timestamp(&self, args: &[SeriesExpr]) -> Result<Value<'a>, QueryError> {
        let [input] = args else {
            return Err(functions::wrong_args("timestamp", 1, args.len()));
        };
        if let SeriesExpr::Selector { select, lookback, .. } = input {
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

/// Where in the query's text what a node tells points to.
fn place_of(expr: &SeriesExpr) -> Option<&NotePlace> {
    match expr {
        SeriesExpr::Selector { place, .. }
        | SeriesExpr::Window { place, .. }
        | SeriesExpr::Subquery { place, .. }
        | SeriesExpr::Aggregate { place, .. }
        | SeriesExpr::Binary { place, .. }
        | SeriesExpr::Call { place, .. } => place.as_ref(),
        _ => None,
    }
}

/// A step as the languages see it.
pub(super) fn seconds(step_ns: i64) -> f64 {
    floor_ms(step_ns) as f64 / 1e3
}

fn parse_number(text: &str) -> Result<f64, QueryError> {
    text.parse().map_err(|_| QueryError::invalid(format!("'{text}' is not a number")))
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
