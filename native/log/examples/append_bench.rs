//! What appending costs by itself: 200-byte records in batches of 1,000, each batch acknowledged
//! after its sync, at full load and at half of it.
//!
//! `cargo run --release -p varve-log --example append_bench -- <folder on the disk to measure>`
//! With `dedupe` behind the folder: what knowing retries costs, in runs with and without it by turns.
//! CPU time is read from `/proc`, as Linux has it.
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]

use bytes::Bytes;
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use varve_log::{
    Append, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, RequestIdentity, Runtime,
    Snapshot, request_key,
    runtime::{Clock, RealClock},
};
use varve_types::{LogId, PartitionId, TenantId};

const MIB: u64 = 1 << 20;
const PARTITIONS: u32 = 10;
const RECORD_BYTES: usize = 200;
const BATCH_RECORDS: usize = 1_000;
/// Batches under way at full load.
const IN_FLIGHT: usize = 32;
const LASTS: Duration = Duration::from_secs(8);
/// Of the comparison with and without the window.
const PAIRS: u32 = 8;
const TURN_LASTS: Duration = Duration::from_secs(2);
const TRIM_EVERY: Duration = Duration::from_secs(1);
/// Of the times in `/proc/self/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is appended, and how.
#[derive(Clone, Copy)]
struct Load {
    /// One batch each so often, or as many as can be.
    every: Option<Duration>,
    lasts: Duration,
    batch_records: usize,
    /// Whether a retry would be known.
    dedupes: bool,
}

/// One load, measured.
struct Measured {
    took: Duration,
    cpu_seconds: f64,
    syncs: u64,
    /// Of each batch, from when it was due until it was durable; ascending.
    latencies: Vec<Duration>,
}

fn main() {
    let dir = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    if env::args().nth(2).is_some_and(|what| what == "dedupe") {
        return compare_dedupe(&dir);
    }
    println!(
        "{:>5} {:>11} {:>15} {:>8} {:>12} {:>8} {:>8} {:>8} {:>7}",
        "load",
        "records/s",
        "per CPU second",
        "MB/s",
        "MB per CPU s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "syncs"
    );
    let load = Load { every: None, lasts: LASTS, batch_records: BATCH_RECORDS, dedupes: true };
    let full = measure(&dir, load);
    show("full", &full);
    let batches = u32::try_from(full.latencies.len()).unwrap();
    show("half", &measure(&dir, Load { every: Some(2 * full.took / batches), ..load }));
}

/// CPU time of a batch with the window and without, at full load.
fn compare_dedupe(dir: &Path) {
    println!("{:>13} {:>14} {:>12} {:>9}", "records/batch", "us of CPU with", "without", "costs %");
    for batch_records in [BATCH_RECORDS, 10] {
        let mut cpu_us = [0.0, 0.0];
        // By turns, and in both orders: what else the machine does falls on both.
        for turn in 0..2 * PAIRS {
            let dedupes = (turn % 4) % 3 == 0;
            let load = Load { every: None, lasts: TURN_LASTS, batch_records, dedupes };
            let measured = measure(dir, load);
            let batch_us = measured.cpu_seconds * 1e6 / measured.latencies.len() as f64;
            *cpu_us.get_mut(usize::from(!dedupes)).unwrap() += batch_us / f64::from(PAIRS);
        }
        let [with, without] = cpu_us;
        let costs = (with / without - 1.0) * 100.0;
        println!("{batch_records:>13} {with:>14.2} {without:>12.2} {costs:>9.1}");
    }
}

fn measure(dir: &Path, load: Load) -> Measured {
    let home = tempfile::tempdir_in(dir).unwrap();
    let settings = JournalSettings {
        dir: home.path().to_owned(),
        partitions: PARTITIONS,
        file_bytes: 128 * MIB,
        write_buffer_max_bytes: 64 * MIB,
        epoch_timeout_ms: 5_000,
        coordinator_count: 1_024,
        disk_reserve: DiskReserve::NONE,
        producers: if load.dedupes {
            ProducerSettings::default()
        } else {
            ProducerSettings { dedupe_window_ms: 0, ..ProducerSettings::default() }
        },
        hold_max_age_ms: 3_600_000,
    };
    let journal = Journal::open(settings, Runtime::real()).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // As views do that seal: the disk holds a second's records.
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(TRIM_EVERY);
                let tails = journal.partitions().into_iter().map(|at| (at, journal.tail(at)));
                journal.trim(
                    &Snapshot { holder: "views".into(), location: "nowhere".into() },
                    &tails.collect::<Vec<_>>(),
                );
            }
        });
        let measured = append_all(&journal, load);
        is_over.store(true, Ordering::Relaxed);
        measured
    })
}

fn append_all(journal: &Journal, load: Load) -> Measured {
    let Load { every, lasts, batch_records, .. } = load;
    let clock = Arc::new(RealClock::default());
    let payload = Bytes::from(vec![b'x'; RECORD_BYTES * batch_records]);
    let (told, answers) = mpsc::channel();
    let mut latencies = Vec::new();
    let (cpu_before, started) = (cpu_seconds(), clock.elapsed());
    let (mut sent, mut under_way) = (0, 0);
    loop {
        let now = clock.elapsed();
        let due = every.map_or(now, |every| started + every * sent);
        if now.saturating_sub(started) < lasts && (every.is_some() || under_way < IN_FLIGHT) {
            thread::sleep(due.saturating_sub(now));
            append(journal, sent, &payload, &clock, due, told.clone());
            (sent, under_way) = (sent + 1, under_way + 1);
            while every.is_some()
                && let Ok(latency) = answers.try_recv()
            {
                latencies.push(latency);
                under_way -= 1;
            }
        } else if under_way > 0 {
            latencies.push(answers.recv().unwrap());
            under_way -= 1;
        } else {
            break;
        }
    }
    let (took, cpu_seconds) = (since(&clock, started), cpu_seconds() - cpu_before);
    latencies.sort_unstable();
    Measured { took, cpu_seconds, syncs: journal.status().syncs_total, latencies }
}

fn append(
    journal: &Journal,
    number: u32,
    payload: &Bytes,
    clock: &Arc<RealClock>,
    due: Duration,
    told: mpsc::Sender<Duration>,
) {
    let clock = Arc::clone(clock);
    let tenant = TenantId::parse("bench").unwrap();
    let record = Append {
        partition: PartitionId { log: LogId::Logs, number: number % PARTITIONS },
        schema_id: 1,
        rows: BATCH_RECORDS as u32,
        // As ingest gives them: each batch has its own.
        session: None,
        idempotency_key: request_key(&tenant, RequestIdentity::Named(&number.to_string())),
        tenant,
        payload: payload.clone(),
        done: Box::new(move |place| {
            place.unwrap();
            told.send(since(&clock, due)).unwrap();
        }),
    };
    journal.append(vec![record]).unwrap();
}

/// What this process has used so far, in user and kernel mode.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Fields are counted behind the name, which may have blanks: proc(5).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn show(load: &str, Measured { took, cpu_seconds, syncs, latencies }: &Measured) {
    let records = (latencies.len() * BATCH_RECORDS) as f64;
    let megabytes = records * RECORD_BYTES as f64 / 1e6;
    let percentile = |share: f64| {
        latencies.get((share * (latencies.len() - 1) as f64) as usize).unwrap().as_micros()
    };
    println!(
        "{load:>5} {:>11.0} {:>15.0} {:>8.0} {:>12.0} {:>8} {:>8} {:>8} {syncs:>7}",
        records / took.as_secs_f64(),
        records / cpu_seconds,
        megabytes / took.as_secs_f64(),
        megabytes / cpu_seconds,
        percentile(0.5),
        percentile(0.99),
        percentile(0.999),
    );
}

fn since(clock: &RealClock, instant: Duration) -> Duration {
    clock.elapsed().saturating_sub(instant)
}
