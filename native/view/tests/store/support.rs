//! A store in a folder of its own, batches to append, and all rows that it shows.

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use arrow::{
    array::{ArrayAccessor as _, AsArray, RecordBatch, StringArray},
    datatypes::{Float64Type, Int32Type, Int64Type},
    util::display::{ArrayFormatter, FormatOptions},
};
use tempfile::TempDir;
use varve_columnar::{
    attributes::AttributeType,
    builders::{
        LogRow, LogsBuilder, MetadataBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder,
    },
    schema::schema_of,
};
use varve_log::{Log, MemoryLog};
use varve_types::{Table, TenantId};
use varve_view::{
    AppendError, FilterAttributes, OpenError, RetentionSettings, Segment, SegmentReadError,
    Snapshot, Store, StoreSettings, UpkeepSettings,
};

pub(crate) const PARTITIONS: u32 = 4;

/// A data directory with its log; the store in it can be closed and opened again.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) log: Arc<MemoryLog>,
    store: Option<Store>,
    pub(crate) delete_cancel_period_ms: u64,
    pub(crate) retention: RetentionSettings,
    pub(crate) filter_attributes: FilterAttributes,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut home = Self {
            folder,
            log: Arc::new(MemoryLog::new(PARTITIONS)),
            store: None,
            delete_cancel_period_ms: 3_600_000,
            retention: RetentionSettings::default(),
            filter_attributes: FilterAttributes::default(),
        };
        home.store = Some(home.open().unwrap());
        home
    }

    pub(crate) fn settings(&self) -> StoreSettings {
        StoreSettings {
            partitions: PARTITIONS,
            tenant_partitions: 2,
            filter_attributes: self.filter_attributes.clone(),
            upkeep: UpkeepSettings {
                delete_cancel_period_ms: self.delete_cancel_period_ms,
                retention: self.retention.clone(),
                ..UpkeepSettings::OFF
            },
            ..StoreSettings::quiet(self.folder.path())
        }
    }

    pub(crate) fn open(&self) -> Result<Store, OpenError> {
        Store::open(self.log.clone(), self.settings())
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.log.close();
        self.store = None;
        self.log.restart();
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        self.store = Some(self.open().unwrap());
    }

    pub(crate) fn append(&self, tenant: &TenantId, batches: Vec<(Table, RecordBatch)>) {
        append(self.store(), tenant, batches).unwrap();
    }

    /// Every file of segments with this extension.
    pub(crate) fn files(&self, extension: &str) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        collect(&self.folder.path().join("segments"), &mut found);
        found.retain(|path| path.extension().is_some_and(|one| one == extension));
        found.sort();
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

pub(crate) fn append(
    store: &Store,
    tenant: &TenantId,
    batches: Vec<(Table, RecordBatch)>,
) -> Result<(), AppendError> {
    let (told, fate) = mpsc::channel();
    store.append(tenant, batches, 0, Box::new(move |fate| told.send(fate).unwrap()));
    fate.recv().unwrap()
}

/// Waits for what another thread does.
pub(crate) fn wait_until(is_done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_done() {
        assert!(Instant::now() < deadline, "it did not happen within 20 seconds");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// A log line: stream, time, body.
pub(crate) type Line = (u8, i64, String);

pub(crate) fn logs(lines: &[Line]) -> RecordBatch {
    let mut logs = LogsBuilder::default();
    for (stream, time_unix_nano, body) in lines {
        let stream_number = logs.intern_stream(&format!(r#"{{"app":"s{stream}"}}"#));
        if stream % 2 == 0 {
            logs.attributes.push("pod", AttributeType::String, &format!("pod-{stream}"));
        }
        logs.append(&LogRow {
            time_unix_nano: *time_unix_nano,
            stream: stream_number,
            severity_number: 9,
            severity_text: "INFO",
            detected_level: Some("info"),
            body,
            body_type: AttributeType::String,
            trace_id: (time_unix_nano % 3 == 0).then_some([*stream; 16]),
            ..LogRow::default()
        });
    }
    logs.finish().unwrap()
}

/// A span: trace, start, name.
pub(crate) type Span = (u8, i64, u8);

pub(crate) fn spans(rows: &[Span]) -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let (resource, scope) = (spans.intern_resource("{}"), spans.intern_scope("{}"));
    for &(trace, start_unix_nano, name) in rows {
        spans.attributes.push("n", AttributeType::Int, &name.to_string());
        spans.append(&SpanRow {
            trace_id: trace_id(trace),
            span_id: [name; 8],
            parent_span_id: (name > 0).then_some([0; 8]),
            name: &format!("op-{name}"),
            kind: 1,
            start_unix_nano,
            end_unix_nano: start_unix_nano + 5,
            service_name: "shop",
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

pub(crate) fn trace_id(trace: u8) -> [u8; 16] {
    let mut id = [trace.wrapping_mul(37); 16];
    id[15] = trace;
    id
}

/// A sample: series, time, bits of the value.
pub(crate) type Sample = (u8, i64, u64);

pub(crate) fn samples(rows: &[Sample]) -> RecordBatch {
    let mut samples = SamplesBuilder::default();
    for &(series, time_unix_ms, bits) in rows {
        let series = samples.intern_series(&series_text(series));
        let value = f64::from_bits(bits);
        samples.append(&SampleRow { series, time_unix_ms, value, histogram: None });
    }
    samples.finish().unwrap()
}

pub(crate) fn series_text(series: u8) -> String {
    format!(r#"{{"__name__":"m{series}"}}"#)
}

pub(crate) fn metadata(rows: &[(u8, u8)]) -> RecordBatch {
    let mut metadata = MetadataBuilder::default();
    for (name, help) in rows {
        metadata.append(&format!("m{name}"), "counter", &format!("help {help}"), "s");
    }
    metadata.finish().unwrap()
}

/// Rows as text, one per row, with all columns of the table.
pub(crate) fn texts(table: Table, batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<_> = schema_of(table)
        .fields()
        .iter()
        .map(|field| batch.column_by_name(field.name()).unwrap())
        .collect();
    let columns: Vec<_> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let fields: Vec<_> =
                columns.iter().map(|column| column.value(row).to_string()).collect();
            fields.join("|")
        })
        .collect()
}

/// All rows of a snapshot as text, sorted.
pub(crate) fn rows(table: Table, snapshot: &Snapshot) -> Vec<String> {
    let schema = schema_of(table);
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let sealed = snapshot.segments.iter().flat_map(|one| {
        let all = 0..one.rows();
        let there = one.is_divided().then(|| there(one, std::slice::from_ref(&all)));
        one.read(&columns, there.as_deref()).unwrap()
    });
    let fresh = snapshot.memtable.iter().map(|one| one.batch.clone());
    let mut rows: Vec<_> = sealed.chain(fresh).flat_map(|batch| texts(table, &batch)).collect();
    rows.sort();
    rows
}

/// Those of a segment's rows that were there as of the snapshot's position.
pub(crate) fn there(segment: &Segment, rows: &[Range<u32>]) -> Vec<Range<u32>> {
    let each = |_: &RecordBatch, _| Ok::<_, SegmentReadError>(());
    segment.rows_as_of(rows, each).unwrap().into_owned()
}

/// All samples of a snapshot in a range, sorted by series, time and bits.
pub(crate) fn all_samples(
    snapshot: &Snapshot,
    from_ms: i64,
    to_ms: i64,
) -> Vec<(String, i64, u64)> {
    let mut all = Vec::new();
    for segment in &snapshot.segments {
        let sets: Vec<usize> = (0..segment.label_sets().len()).collect();
        for run in segment.samples(&sets, from_ms, to_ms).unwrap() {
            let text = segment.label_sets()[run.label_set].text.to_string();
            assert!(run.times_ms.is_sorted());
            let points = run.times_ms.iter().zip(&run.values);
            all.extend(points.map(|(&time, value)| (text.clone(), time, value.to_bits())));
        }
    }
    for one in &snapshot.memtable {
        let series = one.batch.column(0).as_dictionary::<Int32Type>();
        let series = series.downcast_dict::<StringArray>().unwrap();
        let times = one.batch.column(1).as_primitive::<Int64Type>();
        let values = one.batch.column(2).as_primitive::<Float64Type>();
        for row in 0..one.batch.num_rows() {
            let time = times.value(row);
            if (from_ms..=to_ms).contains(&time) {
                all.push((series.value(row).to_owned(), time, values.value(row).to_bits()));
            }
        }
    }
    all.sort();
    all
}
