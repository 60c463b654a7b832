//! How fast the journal appends and replays on this machine.
//!
//! `cargo run --release -p varve-log --example journal_bench -- <folder on the disk to measure>`
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]

use bytes::Bytes;
use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};
use varve_log::{
    Append, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime,
    runtime::{Clock, RealClock},
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

const MIB: u64 = 1 << 20;
const PARTITIONS: u32 = 4;
const APPENDS_FOR: Duration = Duration::from_secs(3);
const APPENDED_MAX_BYTES: u64 = 4 << 30;

/// A load: requests of one record, so many of them under way at once.
struct Load {
    payload_bytes: usize,
    in_flight: usize,
}

const LOADS: [Load; 6] = [
    Load { payload_bytes: 1, in_flight: 1 },
    Load { payload_bytes: 1 << 10, in_flight: 1 },
    Load { payload_bytes: 1 << 10, in_flight: 256 },
    Load { payload_bytes: 16 << 10, in_flight: 64 },
    Load { payload_bytes: 128 << 10, in_flight: 32 },
    Load { payload_bytes: 1 << 20, in_flight: 16 },
];

fn main() {
    let dir = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:>9} {:>9} {:>9} {:>10} {:>8} {:>8} {:>8} {:>9} {:>11} {:>9}",
        "payload",
        "in flight",
        "MB/s",
        "records/s",
        "p50 us",
        "p99 us",
        "max us",
        "fsyncs",
        "replay MB/s",
        "reopen ms"
    )
    .unwrap();
    for load in LOADS {
        let home = tempfile::tempdir_in(&dir).unwrap();
        let settings = JournalSettings {
            dir: home.path().to_owned(),
            partitions: PARTITIONS,
            file_bytes: 128 * MIB,
            write_buffer_max_bytes: 64 * MIB,
            epoch_timeout_ms: 5_000,
            coordinator_count: 1_024,
            disk_reserve: DiskReserve::NONE,
            hold_max_age_ms: 3_600_000,
            producers: ProducerSettings::default(),
        };
        let journal = Journal::open(settings.clone(), Runtime::real()).unwrap();
        let clock = Arc::new(RealClock::default());
        let mut latencies = append_all(&journal, &load, &clock);
        latencies.0.sort_unstable();
        let (latencies, took) = latencies;
        let appended_bytes = latencies.len() as f64 * load.payload_bytes as f64;
        let percentile = |share: f64| {
            latencies.get((share * (latencies.len() - 1) as f64) as usize).unwrap().as_micros()
        };
        let syncs = journal.status().syncs_total;
        let replay = replay_mb_per_second(&journal, &clock);
        drop(journal);
        let reopening = clock.elapsed();
        drop(Journal::open(settings, Runtime::real()).unwrap());
        writeln!(
            out,
            "{:>9} {:>9} {:>9.1} {:>10.0} {:>8} {:>8} {:>8} {:>9} {:>11.0} {:>9}",
            load.payload_bytes,
            load.in_flight,
            appended_bytes / took.as_secs_f64() / 1e6,
            latencies.len() as f64 / took.as_secs_f64(),
            percentile(0.5),
            percentile(0.99),
            percentile(1.0),
            syncs,
            replay,
            since(&clock, reopening).as_millis(),
        )
        .unwrap();
    }
}

/// Appends for a while. Answers each request's time until it was durable, and the whole time.
fn append_all(journal: &Journal, load: &Load, clock: &Arc<RealClock>) -> (Vec<Duration>, Duration) {
    let tenant = TenantId::parse("bench").unwrap();
    let payload = Bytes::from(vec![b'x'; load.payload_bytes]);
    let (told, answers) = mpsc::channel();
    let started = clock.elapsed();
    let mut latencies = Vec::new();
    let mut under_way = 0;
    let mut number = 0;
    loop {
        let is_over = since(clock, started) > APPENDS_FOR
            || number * load.payload_bytes as u64 > APPENDED_MAX_BYTES;
        if !is_over && under_way < load.in_flight {
            let (appended_at, clock, told) = (clock.elapsed(), Arc::clone(clock), told.clone());
            let partition =
                PartitionId { log: LogId::Logs, number: (number % u64::from(PARTITIONS)) as u32 };
            journal
                .append(vec![Append {
                    partition,
                    tenant: tenant.clone(),
                    schema_id: 1,
                    rows: 1,
                    session: None,
                    idempotency_key: 0,
                    payload: payload.clone(),
                    done: Box::new(move |place| {
                        place.unwrap();
                        told.send(since(&clock, appended_at)).unwrap();
                    }),
                }])
                .unwrap();
            number += 1;
            under_way += 1;
        } else if under_way > 0 {
            latencies.push(answers.recv().unwrap());
            under_way -= 1;
        } else {
            return (latencies, since(clock, started));
        }
    }
}

/// Reads everything back, from the page cache.
fn replay_mb_per_second(journal: &Journal, clock: &RealClock) -> f64 {
    let started = clock.elapsed();
    let mut read_bytes = 0;
    for partition in journal.partitions() {
        let mut from = Lsn::default();
        loop {
            let records = journal.read(partition, from, 8 * MIB).unwrap();
            let Some(last) = records.last() else { break };
            from = Lsn::new(last.lsn.epoch.0, last.lsn.offset.0 + 1);
            read_bytes += records.iter().map(|record| record.payload.len()).sum::<usize>();
        }
    }
    read_bytes as f64 / since(clock, started).as_secs_f64() / 1e6
}

fn since(clock: &RealClock, instant: Duration) -> Duration {
    clock.elapsed().saturating_sub(instant)
}
