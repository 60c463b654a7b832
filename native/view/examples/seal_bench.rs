//! How fast memtables become segments, how large those are, and how fast a text is found in them.
//!
//! `cargo run --release -p varve-view --example seal_bench -- <empty folder on the disk to measure>`
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]

use std::{
    env,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Instant,
};

use arrow::array::{AsArray as _, RecordBatch};
use varve_columnar::{
    attributes::AttributeType::{Int, String as Text},
    builders::{LogRow, LogsBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder},
};
use varve_log::MemoryLog;
use varve_types::{Table, TenantId};
use varve_view::{Store, StoreSettings};

const BATCH_ROWS: usize = 1_000;
const LOG_RECORDS: usize = 500_000;
const SPANS: usize = 300_000;
const SERIES: usize = 20_000;
const SCRAPES: [usize; 2] = [40, 240];
const START_NS: i64 = 1_790_000_000_000_000_000;
const SERVICES: [&str; 8] =
    ["frontend", "cart", "checkout", "payment", "catalog", "shipping", "search", "auth"];

fn main() {
    let folder = PathBuf::from(env::args().nth(1).expect("a folder to measure in"));
    let mut random = Random(1);
    let logs = batches(LOG_RECORDS, |from, rows| log_batch(&mut random, from, rows));
    measure(&folder.join("logs"), Table::Logs, LOG_RECORDS, logs);
    let spans = batches(SPANS, |from, rows| span_batch(&mut random, from, rows));
    measure(&folder.join("spans"), Table::Spans, SPANS, spans);
    for scrapes in SCRAPES {
        let mut series: Vec<Series> = (0..SERIES).map(Series::new).collect();
        let count = SERIES * scrapes;
        let samples =
            batches(count, |from, rows| sample_batch(&mut random, &mut series, from, rows));
        measure(&folder.join(format!("samples-{scrapes}")), Table::Samples, count, samples);
    }
}

fn batches(count: usize, mut make: impl FnMut(usize, usize) -> RecordBatch) -> Vec<RecordBatch> {
    (0..count).step_by(BATCH_ROWS).map(|from| make(from, BATCH_ROWS.min(count - from))).collect()
}

/// Appends the batches to a new store, seals them, prints what it took and what is on disk.
fn measure(folder: &Path, table: Table, records: usize, batches: Vec<RecordBatch>) {
    let settings = StoreSettings {
        partitions: 4,
        tenant_partitions: 4,
        memtable_max_bytes: 16 << 30,
        text_block_rows: 256,
        ..StoreSettings::quiet(folder)
    };
    let store = Store::open(Arc::new(MemoryLog::new(4)), settings).unwrap();
    let tenant = TenantId::parse("bench").unwrap();
    let started = Instant::now();
    for batch in batches {
        let (told, fate) = mpsc::channel();
        let done = Box::new(move |outcome| told.send(outcome).unwrap());
        store.append(&tenant, vec![(table, batch)], 0, done);
        fate.recv().unwrap().unwrap();
    }
    let append = started.elapsed().as_secs_f64();
    let memtable_mib = store.status().memtable_bytes >> 20;
    let started = Instant::now();
    store.seal_now().unwrap();
    let seal = started.elapsed().as_secs_f64();
    let per_record = |bytes: u64| bytes as f64 / records as f64;
    println!(
        "{}: {records} records, {memtable_mib} MiB in memtables; route and append {:.2} M/s; \
         seal {:.0} k/s; peak RSS {} MiB",
        table.name(),
        records as f64 / append / 1e6,
        records as f64 / seal / 1e3,
        peak_rss_mib(),
    );
    for extension in ["parquet", "directory", "text"] {
        println!("  {extension}: {:.2} bytes/record", per_record(size_of(folder, extension)));
    }
    match table {
        Table::Logs => {
            for needle in ["trace-b1e55edfacade", "level=error", "u49999 ", "declined by", "rr"] {
                find(&store, &tenant, needle, records);
            }
        }
        Table::Spans => read_traces(&store, &tenant),
        Table::Samples => read_samples(&store, &tenant),
        Table::Metadata | Table::Exemplars => {}
    }
}

/// Prints how long it takes to read all series, and one.
fn read_samples(store: &Store, tenant: &TenantId) {
    let snapshot = store.snapshot(tenant, Table::Samples);
    for (name, series) in [("all series", 0..SERIES), ("one series", 77..78), ("it again", 77..78)]
    {
        let started = Instant::now();
        let label_sets: Vec<usize> = series.collect();
        let runs = snapshot
            .segments
            .iter()
            .flat_map(|segment| segment.samples(&label_sets, i64::MIN, i64::MAX).unwrap());
        let samples: usize = runs.map(|run| run.times_ms.len()).sum();
        println!("  {name}: {samples} samples in {} µs", started.elapsed().as_micros());
    }
}

/// Prints how long a trace takes that is not there, and one that is.
fn read_traces(store: &Store, tenant: &TenantId) {
    let snapshot = store.snapshot(tenant, Table::Spans);
    let segment = &snapshot.segments[0];
    let first = segment.read(&["trace_id"], Some(std::slice::from_ref(&(4_000..4_001)))).unwrap();
    let mut there = [0; 16];
    there.copy_from_slice(first[0].column(0).as_fixed_size_binary().value(0));
    for (name, id) in [("absent", [7; 16]), ("absent again", [8; 16]), ("there", there)] {
        let started = Instant::now();
        let mut rows = 0;
        if snapshot.segments_with_trace(&id).next().is_some() {
            let ranges = segment.rows_of_traces(&[id]);
            let columns = ["trace_id", "span_id", "name", "start_unix_nano", "attributes"];
            let batches = segment.read(&columns, Some(&ranges)).unwrap();
            rows = batches.iter().map(RecordBatch::num_rows).sum();
        }
        println!("  trace {name}: {rows} rows read in {} µs", started.elapsed().as_micros());
    }
}

/// Prints how long a look-up in the text index takes, and which share of the rows it leaves.
fn find(store: &Store, tenant: &TenantId, needle: &str, records: usize) {
    let snapshot = store.snapshot(tenant, Table::Logs);
    for attempt in ["first", "again"] {
        let started = Instant::now();
        let mut left = 0;
        for segment in &snapshot.segments {
            let ranges = segment.rows_with_text(needle).unwrap();
            left += ranges
                .map_or(segment.rows(), |all| all.iter().map(|one| one.end - one.start).sum());
        }
        let took_us = started.elapsed().as_micros();
        let share = 100.0 * f64::from(left) / records as f64;
        println!("  {needle:?} {attempt}: {took_us} µs, {share:.2} % of the rows are left");
    }
}

fn size_of(folder: &Path, extension: &str) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                size_of(&path, extension)
            } else if path.extension().is_some_and(|one| one == extension) {
                path.metadata().unwrap().len()
            } else {
                0
            }
        })
        .sum()
}

/// Of the process, from `/proc`; 0 where there is none.
fn peak_rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

/// The same numbers in every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    fn id(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }
}

fn log_batch(random: &mut Random, from: usize, rows: usize) -> RecordBatch {
    let mut logs = LogsBuilder::default();
    for row in from..from + rows {
        let service = random.pick(&SERVICES);
        let pod = random.below(4);
        let time_unix_nano = START_NS + row as i64 * 1_000_000;
        let stream = logs.intern_stream(&format!(
            r#"{{"k8s_namespace_name":"shop","k8s_pod_name":"{service}-{pod}","service_name":"{service}"}}"#
        ));
        let resource = logs.intern_resource(&format!(
            r#"{{"attributes":[["service.name",1,"{service}"],["k8s.pod.name",1,"{service}-{pod}"]]}}"#
        ));
        let user = random.below(50_000);
        let status = random.pick(&["200", "200", "200", "200", "200", "302", "404", "500"]);
        let route = random.pick(&["/api/v1/cart", "/api/v1/orders", "/api/v1/users", "/healthz"]);
        let mut body = line(random, row, user, status, route);
        if row == LOG_RECORDS / 3 {
            body.push_str(" trace-b1e55edfacade");
        }
        for (key, kind, value) in [
            ("http.request.method", Text, "GET".to_owned()),
            ("http.route", Text, route.to_owned()),
            ("http.response.status_code", Int, status.to_owned()),
            ("user.id", Text, format!("u{user}")),
            ("thread.name", Text, format!("worker-{}", random.below(16))),
        ] {
            logs.attributes.push(key, kind, &value);
        }
        let (level, severity_number) = if status == "500" { ("error", 17) } else { ("info", 9) };
        let mut span_id = [0; 8];
        span_id.copy_from_slice(&random.id()[..8]);
        logs.append(&LogRow {
            time_unix_nano,
            observed_time_unix_nano: time_unix_nano + 1_000_000,
            stream,
            severity_number,
            severity_text: level,
            detected_level: Some(level),
            body: &body,
            body_type: Text,
            trace_id: Some(random.id()),
            span_id: Some(span_id),
            resource: Some(resource),
            ..LogRow::default()
        });
    }
    logs.finish().unwrap()
}

/// About 200 bytes, as an access log, logfmt or JSON.
fn line(random: &mut Random, row: usize, user: u64, status: &str, route: &str) -> String {
    let (order, took) = (random.below(1 << 32), random.below(100_000));
    let (minute, milli) = (row / 60_000 % 60, row % 60_000);
    let time = format!("2026-09-22T10:{minute:02}:{:02}.{:03}Z", milli / 1_000, milli % 1_000);
    match random.below(3) {
        0 => format!(
            "10.{}.{}.{} - u{user} [{time}] \"GET {route}/{} HTTP/1.1\" {status} {} \
             \"https://shop.example.com{route}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\" rt={}",
            random.below(4),
            random.below(256),
            random.below(256),
            random.below(100_000),
            random.below(20_000),
            took as f64 / 1e4
        ),
        1 => format!(
            "ts={time} level={} caller=handler.go:{} msg=\"{}\" method=GET path={route} \
             status={status} duration={}ms user=u{user} order=ord-{order:08x} attempt={}",
            if status == "500" { "error" } else { "info" },
            random.below(400),
            random.pick(&["request finished", "order stored", "cache refreshed after miss"]),
            took as f64 / 100.0,
            random.below(3)
        ),
        _ => format!(
            "{{\"level\":\"info\",\"msg\":\"{}\",\"path\":\"{route}\",\"status\":{status},\
             \"user\":\"u{user}\",\"order\":\"ord-{order:08x}\",\"amount\":{},\"currency\":\"{}\",\
             \"duration_ms\":{}}}",
            if status == "500" { "payment declined by the acquirer" } else { "payment accepted" },
            random.below(100_000) as f64 / 100.0,
            random.pick(&["EUR", "USD", "GBP", "JPY"]),
            took as f64 / 100.0
        ),
    }
}

/// Traces of eight spans.
fn span_batch(random: &mut Random, from: usize, rows: usize) -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let scope = spans.intern_scope("{}");
    let mut trace_id = random.id();
    for row in from..from + rows {
        if row % 8 == 0 {
            trace_id = random.id();
        }
        let service = random.pick(&SERVICES);
        let resource = spans.intern_resource(&format!(
            r#"{{"attributes":[["service.name",1,"{service}"],["k8s.pod.name",1,"{service}-{}"]]}}"#,
            random.below(4)
        ));
        let route = random.pick(&["/api/v1/cart", "/api/v1/orders", "/api/v1/users", "/healthz"]);
        for (key, kind, value) in [
            ("http.request.method", Text, "GET".to_owned()),
            ("http.route", Text, route.to_owned()),
            ("http.response.status_code", Int, random.pick(&["200", "404", "500"]).to_owned()),
            ("server.address", Text, format!("{service}.shop.svc")),
            ("server.port", Int, "8080".to_owned()),
            ("user.id", Text, format!("u{}", random.below(50_000))),
            ("thread.id", Int, random.below(64).to_string()),
            ("network.protocol.version", Text, "1.1".to_owned()),
        ] {
            spans.attributes.push(key, kind, &value);
        }
        let (mut span_id, mut parent) = ([0; 8], [0; 8]);
        span_id.copy_from_slice(&random.id()[..8]);
        parent.copy_from_slice(&random.id()[..8]);
        let start_unix_nano = START_NS + row as i64 * 250_000 + random.below(200_000) as i64;
        spans.append(&SpanRow {
            trace_id,
            span_id,
            parent_span_id: (row % 8 != 0).then_some(parent),
            name: &format!("GET {route}"),
            kind: 2,
            start_unix_nano,
            end_unix_nano: start_unix_nano + random.below(50_000_000) as i64,
            flags: 257,
            service_name: service,
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

struct Series {
    text: String,
    is_counter: bool,
    value: f64,
}

impl Series {
    fn new(number: usize) -> Self {
        let service = SERVICES[number % SERVICES.len()];
        let text = format!(
            r#"{{"__name__":"http_requests_{}","instance":"10.0.{}.{}:8080","job":"{service}","route":"/r{}"}}"#,
            number % 4,
            number / 4_096,
            number / 16 % 256,
            number % 16
        );
        let is_counter = !number.is_multiple_of(4);
        Self { text, is_counter, value: if is_counter { 0.0 } else { 2e8 } }
    }

    fn advance(&mut self, random: &mut Random) -> f64 {
        let step = random.below(50) as f64;
        self.value += if self.is_counter { step } else { (step - 24.5) * 1e5 };
        self.value
    }
}

/// All series once each 15 seconds.
fn sample_batch(random: &mut Random, all: &mut [Series], from: usize, rows: usize) -> RecordBatch {
    let mut samples = SamplesBuilder::default();
    for row in from..from + rows {
        let series = &mut all[row % SERIES];
        let value = series.advance(random);
        let series = samples.intern_series(&series.text);
        samples.append(&SampleRow {
            series,
            time_unix_ms: START_NS / 1_000_000 + (row / SERIES) as i64 * 15_000,
            value,
            histogram: None,
        });
    }
    samples.finish().unwrap()
}
