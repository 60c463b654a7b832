//! Memtables from text.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use varve_columnar::{
    answer::ABSENT,
    builders::{MetadataBuilder, SampleRow, SamplesBuilder},
    histogram::NativeHistogram,
    labels::LabelSet,
};
use varve_types::{LogId, Lsn, PartitionId, Table, TenantId};
use varve_view::{MemtableBatch, Snapshot};

use crate::context::Sources;

/// Samples by tenant, and descriptions of metrics for all of them, in memtables.
#[derive(Default)]
pub(super) struct Store {
    tenants: BTreeMap<String, Vec<MemtableBatch>>,
    metadata: Vec<MemtableBatch>,
}

impl Store {
    /// Samples of the tenant `test`, as Prometheus' tests write them: one series a line, then its
    /// values `every_s` seconds apart from time 0 on. `_` is no sample, `stale` a stale marker,
    /// `1+2x3` is `1 3 5 7`, `4x2` is `4 4 4`.
    pub(super) fn load(every_s: i64, text: &str) -> Self {
        let mut store = Self::default();
        store.append(every_s, text);
        store
    }

    /// Adds another batch.
    pub(super) fn append(&mut self, every_s: i64, text: &str) {
        self.append_for("test", every_s, text);
    }

    /// Adds another batch of a tenant.
    pub(super) fn append_for(&mut self, tenant: &str, every_s: i64, text: &str) {
        let mut builder = SamplesBuilder::default();
        let mut last_ms = 0;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (labels, values) = split_series(line);
            let series = builder.intern_series(&labels.to_json());
            for (at, value) in values.into_iter().enumerate() {
                let time_unix_ms = at as i64 * every_s * 1_000;
                last_ms = last_ms.max(time_unix_ms);
                if let Some(value) = value {
                    builder.append(&SampleRow { series, time_unix_ms, value, histogram: None });
                }
            }
        }
        let batches = self.tenants.entry(tenant.to_owned()).or_default();
        batches.push(appended(batches.len(), builder.finish().unwrap(), last_ms));
    }

    /// Adds native histograms of a series of the tenant `test`, one a minute from time 0 on.
    pub(super) fn append_histograms(&mut self, name: &str, histograms: &[NativeHistogram]) {
        let mut builder = SamplesBuilder::default();
        let series = builder.intern_series(&LabelSet::new([("__name__", name)]).to_json());
        let mut last_ms = 0;
        for (time_unix_ms, histogram) in (0..).step_by(60_000).zip(histograms) {
            let bytes = histogram.to_protobuf(time_unix_ms);
            let histogram = Some(bytes.as_slice());
            builder.append(&SampleRow { series, time_unix_ms, value: 0.0, histogram });
            last_ms = time_unix_ms;
        }
        let batches = self.tenants.entry("test".to_owned()).or_default();
        batches.push(appended(batches.len(), builder.finish().unwrap(), last_ms));
    }

    /// Adds a description of a metric.
    pub(super) fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let mut builder = MetadataBuilder::default();
        builder.append(name, kind, help, "");
        self.metadata.push(appended(self.metadata.len(), builder.finish().unwrap(), 0));
    }

    /// All tenants.
    pub(super) fn tenants(&self) -> Vec<String> {
        self.tenants.keys().cloned().collect()
    }
}

impl Sources for Store {
    fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot {
        let memtable = match table {
            Table::Samples => self.tenants.get(tenant.as_str()).cloned().unwrap_or_default(),
            Table::Metadata => self.metadata.clone(),
            _ => Vec::new(),
        };
        Snapshot { memtable, ..Snapshot::default() }
    }
}

/// The batch that is appended after so many others.
fn appended(before: usize, batch: RecordBatch, last_ms: i64) -> MemtableBatch {
    MemtableBatch {
        partition: PartitionId { log: LogId::Samples, number: 0 },
        lsn: Lsn::new(1, before as u64),
        batch,
        time_range: (0, last_ms),
    }
}

fn split_series(line: &str) -> (LabelSet, Vec<Option<f64>>) {
    let name_end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(name_end);
    let mut labels = LabelSet::new([("__name__", name)]);
    let values = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((pairs, values)) => {
            for pair in pairs.split(',') {
                let (name, value) = pair.split_once('=').unwrap();
                labels.set(name, value.trim_matches('"'));
            }
            values
        }
        None => rest,
    };
    (labels, values.split_whitespace().flat_map(read_values).collect())
}

fn read_values(text: &str) -> Vec<Option<f64>> {
    let number = |text: &str| text.parse::<f64>().unwrap();
    match text {
        "_" => vec![None],
        "stale" => vec![Some(ABSENT)],
        _ => match text.split_once('x') {
            None => vec![Some(number(text))],
            Some((line, times)) => {
                let (start, step) = line.split_once('+').unwrap_or((line, "0"));
                let times: u32 = times.parse().unwrap();
                (0..=times).map(|at| Some(number(start) + f64::from(at) * number(step))).collect()
            }
        },
    }
}
