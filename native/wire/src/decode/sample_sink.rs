//! Where samples of every format end: series as canonical texts, rows, exemplars, metadata.

use std::collections::HashSet;

use varve_columnar::{
    builders::{ExemplarsBuilder, MetadataBuilder, SampleRow, SamplesBuilder},
    labels::write_canonical,
};
use varve_types::Table;

use super::{DecodeError, Decoded, Gate, Limits, Refusals, Untimely};

/// The name of a series among its labels.
pub(super) const NAME_LABEL: &str = "__name__";

/// The longest names and values of an exemplar together (`OpenMetrics` 1.0, "Exemplars").
pub(super) const EXEMPLAR_LABELS_MAX_CHARS: usize = 128;

/// The reason of exemplars that are left out.
const EXEMPLAR_INVALID: &str = "exemplarInvalid";

/// Collects the samples and metadata of one body.
#[derive(Debug)]
pub(super) struct SampleSink<'l> {
    pub(super) samples: SamplesBuilder,
    pub(super) refusals: Refusals,
    /// Samples or data points, as the format counts.
    pub(super) accepted: u64,
    /// Native histograms among the samples.
    histograms: u64,
    exemplars: ExemplarsBuilder,
    pub(super) gate: Gate<'l>,
    /// By number of a series: too many others are active.
    is_denied: Vec<bool>,
    metadata: MetadataBuilder,
    metadata_names: HashSet<String>,
    /// The canonical text of the series at hand; kept for its memory.
    text: String,
    /// Of the texts of all series, which may be much longer than the body: what is sent once is in
    /// each of them.
    text_bytes: usize,
}

impl<'l> SampleSink<'l> {
    pub(super) fn new(gate: Gate<'l>) -> Self {
        Self {
            samples: SamplesBuilder::default(),
            refusals: Refusals::default(),
            accepted: 0,
            histograms: 0,
            exemplars: ExemplarsBuilder::default(),
            gate,
            is_denied: Vec::new(),
            metadata: MetadataBuilder::default(),
            metadata_names: HashSet::new(),
            text: String::new(),
            text_bytes: 0,
        }
    }

    /// The number of a series, given its labels sorted by name, names unique, no value empty.
    pub(super) fn series<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) -> i32 {
        if self.is_over().is_some() {
            return 0;
        }
        self.text.clear();
        write_canonical(&mut self.text, labels);
        let series = self.samples.intern_series(&self.text);
        if series as usize == self.is_denied.len() {
            self.text_bytes += self.text.len();
            self.is_denied.push(!self.gate.admits_series(&self.text));
        }
        series
    }

    /// Why nothing of the body will be kept, so that no more is made of it.
    fn is_over(&self) -> Option<DecodeError> {
        let max_bytes = self.gate.limits.body_decompressed_max_bytes;
        if self.text_bytes > max_bytes {
            return Some(DecodeError::LabelsTooLarge { max_bytes });
        }
        let rows = self.samples.rows().max(self.exemplars.rows());
        self.gate.check_rows(rows).err()
    }

    /// The rule that the labels of a series break by their number or length.
    pub(super) fn labels_rule(&self, count: usize, bytes: usize) -> Option<(&'static str, String)> {
        let Limits { attributes_max, attributes_max_bytes, .. } = *self.gate.limits;
        let (reason, message) = if count > attributes_max {
            let message = format!("{count} labels, over limits.attributes_max = {attributes_max}");
            ("labelsTooMany", message)
        } else if bytes > attributes_max_bytes {
            let message = format!(
                "labels of {bytes} bytes, over limits.attributes_max_bytes = {attributes_max_bytes}"
            );
            ("labelsTooLarge", message)
        } else {
            return None;
        };
        Some((reason, message))
    }

    /// Appends a number; false if its series may have none, as too many others are active.
    #[must_use]
    pub(super) fn append(&mut self, series: i32, time_unix_ms: i64, value: f64) -> bool {
        if self.is_denied(series) {
            return false;
        }
        if self.is_over().is_none() {
            self.samples.append(&SampleRow { series, time_unix_ms, value, histogram: None });
        }
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
        self.histograms += 1;
        if self.is_over().is_none() {
            let histogram = Some(histogram);
            self.samples.append(&SampleRow { series, time_unix_ms, value: 0.0, histogram });
        }
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

    /// Appends an exemplar of the series that [`Self::series`] was asked for last. `labels` are sorted
    /// by name, names unique. What breaks a rule is counted and left out: it costs no samples.
    pub(super) fn append_exemplar<'a>(
        &mut self,
        time_unix_ms: i64,
        value: f64,
        labels: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) {
        let characters: usize =
            labels.clone().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        if self.is_over().is_some() {
            return;
        }
        let rule = if characters > EXEMPLAR_LABELS_MAX_CHARS {
            "has labels of more than 128 characters"
        } else if self.check_time(time_unix_ms).is_err() {
            "has a time that is not taken"
        } else {
            let mut text = String::new();
            write_canonical(&mut text, labels);
            self.exemplars.append(&self.text, time_unix_ms, value, &text);
            return;
        };
        let series = &self.text;
        self.refusals.add(EXEMPLAR_INVALID, 1, || format!("an exemplar of series {series} {rule}"));
    }

    /// Counts an exemplar that cannot be read.
    pub(super) fn refuse_exemplar(&mut self, message: impl FnOnce() -> String) {
        self.refusals.add(EXEMPLAR_INVALID, 1, message);
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
        if let Some(error) = self.is_over() {
            return Err(error);
        }
        let mut batches = Vec::new();
        if self.samples.rows() > 0 {
            batches.push((Table::Samples, self.samples.finish()?));
        }
        if self.metadata.rows() > 0 {
            batches.push((Table::Metadata, self.metadata.finish()?));
        }
        let exemplars = self.exemplars.rows() as u64;
        if exemplars > 0 {
            batches.push((Table::Exemplars, self.exemplars.finish()?));
        }
        Ok(Decoded {
            batches,
            accepted: self.accepted,
            histograms: self.histograms,
            exemplars,
            refused: self.refusals.0,
            answer: Vec::new(),
            is_timed: true,
        })
    }
}
