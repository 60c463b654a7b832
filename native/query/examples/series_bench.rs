//! Measures `sum by (job) (rate(m_total[5m]))` over an hour of samples that are all in memtables.
//!
//! `cargo run --release -p varve-query --example series_bench [series]`; 1,000 series unless said
//! otherwise, a sample each every 15 s, one batch per scrape, steps of 15 s.
#![expect(clippy::print_stdout, reason = "the figures are its answer")]

use std::{error::Error, time::Instant};

use varve_columnar::{
    answer::Answer,
    builders::{SampleRow, SamplesBuilder},
    labels::LabelSet,
};
use varve_query::{
    CancelToken, Sources,
    plan::{AnswerFormat, Budget, Dialect, Nanos, Plan, Query, SeriesExpr, Steps},
    run,
};
use varve_types::{LogId, Lsn, PartitionId, Table, TenantId};
use varve_view::{MemtableBatch, Snapshot};

const SCRAPES: i64 = 240;
const SCRAPE_MS: i64 = 15_000;
const RUNS: usize = 15;

const EXPR: &str = r#"{
  "node": "aggregate", "op": "sum", "grouping": {"without": false, "labels": ["job"]}, "param": null,
  "input": {
    "node": "window", "function": "rate", "range": "300000000000", "args": [],
    "select": {"matchers": [{"name": "__name__", "op": "=", "value": "m_total"}], "offset": "0", "at": null}
  }
}"#;

struct Memtable(Vec<MemtableBatch>);

impl Sources for Memtable {
    fn snapshot(&self, _tenant: &TenantId, table: Table) -> Snapshot {
        let memtable = if table == Table::Samples { self.0.clone() } else { Vec::new() };
        Snapshot { memtable, ..Snapshot::default() }
    }
}

fn scrape(number: i64, series_count: u32) -> Result<MemtableBatch, Box<dyn Error>> {
    let mut builder = SamplesBuilder::default();
    let time_unix_ms = number * SCRAPE_MS;
    for at in 0..series_count {
        let labels = LabelSet::new([
            ("__name__", "m_total".to_owned()),
            ("job", format!("job-{}", at % 10)),
            ("instance", format!("host-{at}.example.org:9100")),
            ("method", "GET".to_owned()),
        ]);
        let series = builder.intern_series(&labels.to_json());
        let value = number as f64 * f64::from(at % 7 + 1);
        builder.append(&SampleRow { series, time_unix_ms, value, histogram: None });
    }
    Ok(MemtableBatch {
        partition: PartitionId { log: LogId::Samples, number: 0 },
        lsn: Lsn::new(1, number.unsigned_abs()),
        batch: builder.finish()?,
        time_range: (time_unix_ms, time_unix_ms),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let series_count = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse())?;
    let batches =
        (0..SCRAPES).map(|number| scrape(number, series_count)).collect::<Result<_, _>>()?;
    let memtable = Memtable(batches);
    let expr: SeriesExpr = serde_json::from_str(EXPR)?;
    let steps = Steps {
        start: Nanos(0),
        end: Nanos(SCRAPES * SCRAPE_MS * 1_000_000),
        step: Nanos(SCRAPE_MS * 1_000_000),
    };
    let query = Query {
        tenants: vec!["bench".to_owned()],
        plan: Plan::Series { expr, steps, dialect: Dialect::Prometheus },
        answer: AnswerFormat::Prometheus,
        budget: Budget {
            deadline_ms: 60_000,
            memory_max_bytes: 4 << 30,
            series_max: 1_000_000,
            samples_max: 1_000_000_000,
        },
        as_of: None,
        series_limit: None,
        queued_us: 0,
    };
    let mut walls_ms = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        let outcome = run(&query, &memtable, &CancelToken::default())?;
        walls_ms.push(started.elapsed().as_secs_f64() * 1e3);
        let Answer::Matrix(matrix) = outcome.answer else { return Err("not a matrix".into()) };
        if matrix.series.len() != 10 {
            return Err(format!("{} series instead of 10", matrix.series.len()).into());
        }
    }
    walls_ms.sort_by(f64::total_cmp);
    let samples = i64::from(series_count) * SCRAPES;
    let median_ms = walls_ms[RUNS / 2];
    println!(
        "{series_count} series, {samples} samples: median {median_ms:.1} ms, best {:.1} ms, {:.1} M samples/s",
        walls_ms[0],
        samples as f64 / median_ms / 1e3
    );
    Ok(())
}
