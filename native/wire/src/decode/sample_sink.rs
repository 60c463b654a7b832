//! Where samples of every format end: series as canonical texts, rows, metadata.

use std::collections::HashSet;

use varve_columnar::{
    builders::{MetadataBuilder, SampleRow, SamplesBuilder},
    labels::write_canonical,
};
use varve_types::Table;

use super::{DecodeError, Decoded, Gate, Refusals, Untimely};

/// The name of a series among its labels.
pub(super) const NAME_LABEL: &str = "__name__";

/// Collects the samples and metadata of one body.
#[derive(Debug)]
pub(super) struct SampleSink<'l> {
    pub(super) samples: SamplesBuilder,
    pub(super) refusals: Refusals,
    /// Samples or data points, as the format counts.
    pub(super) accepted: u64,
    pub(super) gate: Gate<'l>,
    /// By number of a series: too many others are active.
    is_denied: Vec<bool>,
    metadata: MetadataBuilder,
    metadata_names: HashSet<String>,
    /// The canonical text of the series at hand; kept for its memory.
    text: String,
}

impl<'l> SampleSink<'l> {
    pub(super) fn new(gate: Gate<'l>) -> Self {
        Self {
            samples: SamplesBuilder::default(),
            refusals: Refusals::default(),
            accepted: 0,
            gate,
            is_denied: Vec::new(),
            metadata: MetadataBuilder::default(),
            metadata_names: HashSet::new(),
            text: String::new(),
        }
    }

    /// The number of a series, given its labels sorted by name, names unique, no value empty.
    pub(super) fn series<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) -> i32 {
        self.text.clear();
        write_canonical(&mut self.text, labels);
        let series = self.samples.intern_series(&self.text);
        if series as usize == self.is_denied.len() {
            self.is_denied.push(!self.gate.admits_series(&self.text));
        }
        series
    }

    /// Appends a number; false if its series may have none, as too many others are active.
    #[must_use]
    pub(super) fn append(&mut self, series: i32, time_unix_ms: i64, value: f64) -> bool {
        if self.is_denied(series) {
            return false;
        }
        self.samples.append(&SampleRow { series, time_unix_ms, value, histogram: None });
        true
    }

    /// Appends a native histogram; false as for [`Self::append`].
    #[must_use]
    pub(super) fn append_histogram(
        &mut self,
        series: i32,
        time_unix_ms: i64,
        histogram: &[u8],
    ) -> bool {
        if self.is_denied(series) {
            return false;
        }
        let histogram = Some(histogram);
        self.samples.append(&SampleRow { series, time_unix_ms, value: 0.0, histogram });
        true
    }

    fn is_denied(&self, series: i32) -> bool {
        self.is_denied.get(series as usize).copied().unwrap_or_default()
    }

    /// Counts what has a series that may have no samples now.
    pub(super) fn refuse_series(&mut self, whose: impl FnOnce() -> String) {
        let series_max = self.gate.limits.series_max;
        self.refusals.add("seriesTooMany", 1, || {
            format!(
                "{} would be one active series too many; send fewer or raise limits.series_max = \
                 {series_max}",
                whose()
            )
        });
    }

    /// Notes what a metric is; of a name that comes again in the body, the first counts.
    pub(super) fn note_metadata(&mut self, name: &str, kind: &str, help: &str, unit: &str) {
        if !name.is_empty() && !self.metadata_names.contains(name) {
            self.metadata_names.insert(name.to_owned());
            self.metadata.append(name, kind, help, unit);
        }
    }

    /// Whether a time is one that is taken.
    pub(super) fn check_time(&self, time_unix_ms: i64) -> Result<(), Untimely> {
        self.gate.check_time(time_unix_ms.saturating_mul(1_000_000))
    }

    /// Counts what has a time that is not taken.
    pub(super) fn refuse_time(
        &mut self,
        why: Untimely,
        time_unix_ms: i64,
        whose: impl FnOnce() -> String,
    ) {
        let gate = self.gate;
        self.refusals.add(why.reason(), 1, || {
            gate.time_message(why, &whose(), time_unix_ms.saturating_mul(1_000_000))
        });
    }

    pub(super) fn finish(self) -> Result<Decoded, DecodeError> {
        let mut batches = Vec::new();
        if self.samples.rows() > 0 {
            batches.push((Table::Samples, self.samples.finish()?));
        }
        if self.metadata.rows() > 0 {
            batches.push((Table::Metadata, self.metadata.finish()?));
        }
        Ok(Decoded { batches, accepted: self.accepted, refused: self.refusals.0 })
    }
}
