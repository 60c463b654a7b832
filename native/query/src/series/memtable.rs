//! Samples that are still in memtables: rows of many small batches, gathered by series.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use arrow::{
    array::{Array as _, AsArray as _, BinaryArray, RecordBatch, StringArray},
    datatypes::{Float64Type, Int32Type, Int64Type},
};
use rayon::prelude::*;
use varve_columnar::{histogram::NativeHistogram, protobuf::Message};

use crate::error::QueryError;

/// A histogram as it was stored, checked when it came.
pub(super) fn read_histogram(bytes: &[u8]) -> Result<NativeHistogram, QueryError> {
    let read = NativeHistogram::from_protobuf(Message::new(bytes));
    match read {
        Ok(Ok(read)) => Ok(read.histogram),
        Ok(Err(rule)) => Err(QueryError::invalid(format!("a stored histogram is broken: {rule}"))),
        Err(error) => {
            Err(QueryError::invalid(format!("a stored histogram is no message: {error}")))
        }
    }
}

/// Samples of one series from one place.
#[derive(Default)]
pub(super) struct Run {
    /// Milliseconds since the epoch.
    pub(super) times_ms: Vec<i64>,
    /// As many.
    pub(super) values: Vec<f64>,
    /// Native histograms with their times.
    pub(super) histograms: Vec<(i64, Arc<NativeHistogram>)>,
}

/// The columns of a batch of the samples table.
pub(super) struct SampleColumns<'a> {
    /// Label sets, by key.
    pub(super) texts: &'a StringArray,
    /// By row.
    pub(super) keys: &'a [i32],
    /// By row.
    pub(super) times_ms: &'a [i64],
    values: &'a [f64],
    /// Null for the rows of floats.
    histograms: &'a BinaryArray,
}

impl<'a> SampleColumns<'a> {
    /// The columns; they are those of the table's schema.
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, QueryError> {
        Self::find(batch).ok_or_else(|| {
            QueryError::invalid(format!(
                "a batch of samples has the columns {:?}, which is not the schema of the samples table",
                batch.schema().fields()
            ))
        })
    }

    fn find(batch: &'a RecordBatch) -> Option<Self> {
        let series = batch.column_by_name("series")?.as_dictionary_opt::<Int32Type>()?;
        Some(Self {
            texts: series.values().as_string_opt::<i32>()?,
            keys: series.keys().values(),
            times_ms: batch
                .column_by_name("time_unix_ms")?
                .as_primitive_opt::<Int64Type>()?
                .values(),
            values: batch.column_by_name("value")?.as_primitive_opt::<Float64Type>()?.values(),
            histograms: batch.column_by_name("histogram")?.as_binary_opt::<i32>()?,
        })
    }

    fn is_histogram(&self, row: usize) -> bool {
        self.histograms.is_valid(row)
    }
}

/// What stands for a row that is not wanted.
const NONE: u32 = u32::MAX;

/// Series whose samples one task copies at least.
const SERIES_PER_TASK_MIN: usize = 256;

/// Rows on their way into one run per series.
///
/// A batch mostly holds one sample of each of many series. Growing a column per series row by row
/// would reach for two places in memory, and sometimes allocate, for each; so rows are counted
/// first and then written once, time and value side by side, to where their series' samples are.
#[derive(Default)]
pub(super) struct Gathering<'b> {
    /// Each batch with the number of each row's series; [`NONE`] for those not wanted.
    batches: Vec<(SampleColumns<'b>, Vec<u32>)>,
    /// How many rows each series has.
    counts: Vec<usize>,
    /// Each histogram with the number of its series.
    histograms: Vec<(usize, i64, Arc<NativeHistogram>)>,
}

impl<'b> Gathering<'b> {
    /// Adds a batch's rows in the range and says how many they are. `numbers`: by key, the number
    /// of its series; `None` for a series that is not wanted.
    pub(super) fn add(
        &mut self,
        columns: SampleColumns<'b>,
        numbers: &[Option<usize>],
        range_ms: &RangeInclusive<i64>,
    ) -> Result<u64, QueryError> {
        let most = numbers.iter().flatten().max().map_or(0, |&most| most + 1);
        self.counts.resize(self.counts.len().max(most), 0);
        let mut taken = 0;
        let mut histograms = Vec::new();
        let mut number_of = |(row, &key): (usize, &i32)| {
            let number =
                numbers[key as usize].filter(|_| range_ms.contains(&columns.times_ms[row]));
            let Some(number) = number else { return NONE };
            if columns.is_histogram(row) {
                histograms.push((number, row));
                return NONE;
            }
            self.counts[number] += 1;
            taken += 1;
            number as u32
        };
        let rows = columns.keys.iter().enumerate().map(&mut number_of).collect();
        for (number, row) in histograms {
            let histogram = read_histogram(columns.histograms.value(row))?;
            self.histograms.push((number, columns.times_ms[row], Arc::new(histogram)));
            taken += 1;
        }
        self.batches.push((columns, rows));
        Ok(taken)
    }

    /// How many rows were taken.
    pub(super) fn samples(&self) -> u64 {
        (self.counts.iter().sum::<usize>() + self.histograms.len()) as u64
    }

    /// Each series' number and rows, in the order in which they were added.
    pub(super) fn into_runs(self) -> Vec<(usize, Run)> {
        let mut ends = Vec::with_capacity(self.counts.len());
        let mut total = 0;
        for &count in &self.counts {
            ends.push(total);
            total += count;
        }
        let mut samples = vec![(0_i64, 0_f64); total];
        for (columns, numbers) in &self.batches {
            let rows = columns.times_ms.iter().zip(columns.values).zip(numbers);
            for ((&time_ms, &value), &number) in rows.filter(|(_, number)| **number != NONE) {
                let end = &mut ends[number as usize];
                samples[*end] = (time_ms, value);
                *end += 1;
            }
        }
        let runs = self.counts.par_iter().zip(ends).enumerate().with_min_len(SERIES_PER_TASK_MIN);
        let mut runs: Vec<(usize, Run)> = runs
            .filter(|(_, (count, _))| **count > 0)
            .map(|(number, (&count, end))| {
                let (times_ms, values) = samples[end - count..end].iter().copied().unzip();
                (number, Run { times_ms, values, histograms: Vec::new() })
            })
            .collect();
        let mut by_series: BTreeMap<usize, Run> = BTreeMap::new();
        for (number, time_ms, histogram) in self.histograms {
            by_series.entry(number).or_default().histograms.push((time_ms, histogram));
        }
        runs.extend(by_series);
        runs
    }
}
