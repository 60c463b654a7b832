//! Spans by group and interval, and what a function computes of them.

use std::fmt::Write as _;

use hashbrown::HashMap;
use varve_columnar::answer::{SpanExemplar, SpanSeries, Value};

use super::{
    NAME_LABEL,
    clock::Clock,
    exemplars::Exemplars,
    number,
    quantile::{Buckets, edge, quantile},
    scan::Found,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Field, Intrinsic, SpanFunction, SpanGroup},
    traces::{absent::single, operand::Operand},
};

/// The upper edge of a histogram's bucket.
const BUCKET_LABEL: &str = "__bucket";

/// Which quantile a series is.
const QUANTILE_LABEL: &str = "p";

/// The field whose values a function takes.
pub(super) fn measured(function: &SpanFunction) -> Option<&Field> {
    match function {
        SpanFunction::Rate | SpanFunction::CountOverTime => None,
        SpanFunction::MinOverTime { of }
        | SpanFunction::MaxOverTime { of }
        | SpanFunction::SumOverTime { of }
        | SpanFunction::AvgOverTime { of }
        | SpanFunction::QuantileOverTime { of, .. }
        | SpanFunction::HistogramOverTime { of } => Some(of),
    }
}

fn name_of(function: &SpanFunction) -> &'static str {
    match function {
        SpanFunction::Rate => "rate",
        SpanFunction::CountOverTime => "count_over_time",
        SpanFunction::MinOverTime { .. } => "min_over_time",
        SpanFunction::MaxOverTime { .. } => "max_over_time",
        SpanFunction::SumOverTime { .. } => "sum_over_time",
        SpanFunction::AvgOverTime { .. } => "avg_over_time",
        SpanFunction::QuantileOverTime { .. } => "quantile_over_time",
        SpanFunction::HistogramOverTime { .. } => "histogram_over_time",
    }
}

/// All groups of one window function.
pub(super) struct Groups<'q> {
    context: &'q ExecContext,
    clock: &'q Clock,
    function: &'q SpanFunction,
    by: &'q [SpanGroup],
    exemplars: Exemplars,
    places: HashMap<String, usize>,
    all: Vec<Group>,
    /// The text of the group of the span at hand.
    key: String,
}

struct Group {
    labels: Vec<(String, Value)>,
    cells: Cells,
    exemplars: Vec<SpanExemplar>,
}

/// What is held per interval.
enum Cells {
    Counts(Vec<f64>),
    /// NaN where no value came.
    Values(Vec<f64>),
    Means {
        sums: Vec<f64>,
        counts: Vec<f64>,
    },
    Buckets(Buckets<Vec<u64>>),
}

impl<'q> Groups<'q> {
    pub(super) fn new(
        context: &'q ExecContext,
        clock: &'q Clock,
        function: &'q SpanFunction,
        by: &'q [SpanGroup],
        exemplars_max: usize,
    ) -> Self {
        let mut groups = Self {
            context,
            clock,
            function,
            by,
            exemplars: Exemplars::new(clock, exemplars_max),
            places: HashMap::new(),
            all: Vec::new(),
            key: String::new(),
        };
        // One group that is not of anything is there also when no span is.
        if by.is_empty() && !groups.is_bucketed() {
            groups.places.insert(String::new(), 0);
            let name = Value::String(name_of(function).to_owned());
            groups.all.push(groups.group(vec![(NAME_LABEL.to_owned(), name)]));
        }
        groups
    }

    fn is_bucketed(&self) -> bool {
        matches!(
            self.function,
            SpanFunction::QuantileOverTime { .. } | SpanFunction::HistogramOverTime { .. }
        )
    }

    fn group(&self, labels: Vec<(String, Value)>) -> Group {
        let count = self.clock.count();
        let cells = match self.function {
            SpanFunction::Rate | SpanFunction::CountOverTime => Cells::Counts(vec![0.0; count]),
            SpanFunction::MinOverTime { .. }
            | SpanFunction::MaxOverTime { .. }
            | SpanFunction::SumOverTime { .. } => Cells::Values(vec![f64::NAN; count]),
            SpanFunction::AvgOverTime { .. } => {
                Cells::Means { sums: vec![0.0; count], counts: vec![0.0; count] }
            }
            SpanFunction::QuantileOverTime { .. } | SpanFunction::HistogramOverTime { .. } => {
                Cells::Buckets(Buckets::new())
            }
        };
        Group { labels, cells, exemplars: Vec::new() }
    }

    pub(super) fn add(&mut self, found: &Found<'_>) -> Result<(), QueryError> {
        let value = measured(self.function).map(|of| single(of, found.field(of)));
        let bucket = match (&value, self.is_bucketed()) {
            (Some(value), true) => match bucket_of(value) {
                Some(bucket) => Some(bucket),
                // What has no bucket is not counted.
                None => return Ok(()),
            },
            _ => None,
        };
        let place = self.place(found)?;
        let number = value.as_ref().and_then(|value| as_number(self.function, value));
        let clock = self.clock;
        let group = &mut self.all[place];
        if let Some(charge) = group.cells.add(self.function, clock, found.interval, number, bucket)
        {
            self.context.budget.charge(charge)?;
        }
        if let Some(exemplar) = self.exemplars.take(found, number.unwrap_or(f64::NAN))? {
            group.exemplars.push(exemplar);
        }
        Ok(())
    }

    /// The group of a span.
    fn place(&mut self, found: &Found<'_>) -> Result<usize, QueryError> {
        if self.by.is_empty() && !self.is_bucketed() {
            return Ok(0);
        }
        self.key.clear();
        for group in self.by {
            write_key(&mut self.key, &grouping_value(found, &group.field));
        }
        if let Some(&place) = self.places.get(self.key.as_str()) {
            return Ok(place);
        }
        let mut labels = Vec::with_capacity(self.by.len());
        for group in self.by {
            let value = grouping_value(found, &group.field);
            if value != Operand::Nil {
                labels.push((group.label.clone(), value.to_value()));
            }
        }
        if let (true, false, Some(first)) = (labels.is_empty(), self.is_bucketed(), self.by.first())
        {
            labels.push((first.label.clone(), Operand::Nil.to_value()));
        }
        self.context.budget.add_series(1)?;
        self.context.budget.charge((self.clock.count() * 16 + self.key.len() + 256) as u64)?;
        let place = self.all.len();
        self.all.push(self.group(labels));
        self.places.insert(self.key.clone(), place);
        Ok(place)
    }

    pub(super) fn into_series(self) -> Result<Vec<SpanSeries>, QueryError> {
        let Self { clock, function, all: groups, .. } = self;
        match function {
            SpanFunction::QuantileOverTime { quantiles, .. } => {
                let quantiles = quantiles.iter().map(|text| number(text));
                let quantiles: Vec<f64> = quantiles.collect::<Result<_, _>>()?;
                let groups = groups.into_iter();
                Ok(groups.flat_map(|group| group.quantiles(clock, &quantiles)).collect())
            }
            SpanFunction::HistogramOverTime { .. } => {
                Ok(groups.into_iter().flat_map(Group::histogram).collect())
            }
            _ => Ok(groups.into_iter().map(|group| group.plain(function, clock)).collect()),
        }
    }
}

impl Cells {
    /// Adds a span; gives the bytes it now holds more, if it grew.
    fn add(
        &mut self,
        function: &SpanFunction,
        clock: &Clock,
        interval: usize,
        number: Option<f64>,
        bucket: Option<u64>,
    ) -> Option<u64> {
        match (self, number) {
            (Self::Counts(counts), _) => counts[interval] += 1.0,
            (Self::Values(values), Some(number)) => {
                let value = &mut values[interval];
                *value = match function {
                    _ if value.is_nan() => number,
                    SpanFunction::MinOverTime { .. } => value.min(number),
                    SpanFunction::MaxOverTime { .. } => value.max(number),
                    _ => *value + number,
                };
            }
            (Self::Means { sums, counts }, Some(number)) => {
                sums[interval] += number;
                counts[interval] += 1.0;
            }
            (Self::Buckets(buckets), _) => {
                let bucket = bucket?;
                let known = buckets.len();
                let counts = buckets.entry(bucket).or_insert_with(|| vec![0; clock.count()]);
                counts[interval] += 1;
                return (buckets.len() > known).then_some(clock.count() as u64 * 8);
            }
            (Self::Values(_) | Self::Means { .. }, None) => {}
        }
        None
    }
}

impl Group {
    fn plain(self, function: &SpanFunction, clock: &Clock) -> SpanSeries {
        let per_second = 1.0 / clock.step_seconds();
        let values = match (self.cells, function) {
            (Cells::Counts(counts), SpanFunction::Rate) => {
                counts.into_iter().map(|count| count * per_second).collect()
            }
            (Cells::Means { sums, counts }, _) => {
                sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect()
            }
            (Cells::Counts(values) | Cells::Values(values), _) => values,
            (Cells::Buckets(_), _) => Vec::new(),
        };
        let mut series = SpanSeries { labels: self.labels, values, exemplars: self.exemplars };
        // Where spans are counted, an exemplar stands on the line.
        for exemplar in series.exemplars.iter_mut().filter(|exemplar| exemplar.value.is_nan()) {
            let interval = clock.interval(exemplar.time_unix_ms.saturating_mul(1_000_000));
            exemplar.value =
                interval.and_then(|at| series.values.get(at)).copied().unwrap_or(f64::NAN);
        }
        series
    }

    fn quantiles(self, clock: &Clock, quantiles: &[f64]) -> Vec<SpanSeries> {
        let Cells::Buckets(buckets) = &self.cells else { return Vec::new() };
        let edges = || buckets.keys().map(|&edge| f64::from_bits(edge));
        let at = |interval: usize| -> Vec<(f64, u64)> {
            let counts = edges().zip(buckets.values().map(|counts| counts[interval]));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        let totals: Vec<_> =
            edges().zip(buckets.values().map(|counts| counts.iter().sum())).collect();
        let means: Vec<_> = quantiles.iter().map(|&p| quantile(p, &totals)).collect();
        let mut series: Vec<_> = quantiles
            .iter()
            .map(|&p| {
                let mut labels = self.labels.clone();
                labels.push((QUANTILE_LABEL.to_owned(), Value::Double(p)));
                let values = (0..clock.count()).map(|interval| quantile(p, &at(interval)));
                SpanSeries { labels, values: values.collect(), exemplars: Vec::new() }
            })
            .collect();
        for exemplar in self.exemplars {
            let distance = |place: &usize| (exemplar.value - means[*place]).abs();
            let nearest =
                (0..means.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)));
            if let Some(series) = nearest.and_then(|place| series.get_mut(place)) {
                series.exemplars.push(exemplar);
            }
        }
        series
    }

    fn histogram(self) -> Vec<SpanSeries> {
        let Cells::Buckets(buckets) = self.cells else { return Vec::new() };
        let mut exemplars = self.exemplars;
        buckets
            .into_iter()
            .map(|(edge, counts)| {
                let edge = f64::from_bits(edge);
                let mut labels = self.labels.clone();
                labels.push((BUCKET_LABEL.to_owned(), Value::Double(edge)));
                let (inside, above) =
                    std::mem::take(&mut exemplars).into_iter().partition(|one| one.value <= edge);
                exemplars = above;
                let values = counts.into_iter().map(|count| count as f64).collect();
                SpanSeries { labels, values, exemplars: inside }
            })
            .collect()
    }
}

/// The upper edge of a value's bucket, in seconds for lengths of time; as bits.
fn bucket_of(value: &Operand<'_>) -> Option<u64> {
    let edge = match *value {
        Operand::Int(value) => edge(value as f64)?,
        Operand::Duration(value) => edge(value as f64)? / 1e9,
        _ => return None,
    };
    Some(edge.to_bits())
}

/// A value as a function takes it. The duration of a span is in seconds; other lengths of time are in
/// nanoseconds where they are values, but in seconds where they are in buckets, as in Tempo.
fn as_number(function: &SpanFunction, value: &Operand<'_>) -> Option<f64> {
    let bucketed = matches!(
        function,
        SpanFunction::QuantileOverTime { .. } | SpanFunction::HistogramOverTime { .. }
    );
    let of_span = measured(function) == Some(&Field::Intrinsic { name: Intrinsic::Duration });
    let number = value.as_f64()?;
    let in_seconds = matches!(value, Operand::Duration(_)) && (bucketed || of_span);
    Some(if in_seconds { number / 1e9 } else { number })
}

/// What a span is grouped by: one value, lists have none.
fn grouping_value<'t>(found: &Found<'t>, field: &Field) -> Operand<'t> {
    match single(field, found.field(field)) {
        Operand::Many(_) => Operand::Nil,
        one => one,
    }
}

/// A text that is the same only for the same value. Writing to a String cannot fail.
fn write_key(key: &mut String, value: &Operand<'_>) {
    let _ = match value {
        Operand::Nil => write!(key, "-"),
        Operand::String(text) => write!(key, "s{}:{text}", text.len()),
        Operand::Int(value) => write!(key, "i{value};"),
        Operand::Float(value) => write!(key, "f{:x};", value.to_bits()),
        Operand::Bool(value) => write!(key, "b{};", u8::from(*value)),
        Operand::Duration(value) => write!(key, "d{value};"),
        Operand::Status(value) => write!(key, "t{value};"),
        Operand::Kind(value) => write!(key, "k{value};"),
        Operand::Many(items) => {
            key.push('[');
            for item in items {
                write_key(key, item);
            }
            write!(key, "]")
        }
    };
}
