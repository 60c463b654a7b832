//! What it costs to open many partitions: the first record of each of 10,000, one after another and
//! many at once, then a start that finds them all.
//!
//! `cargo run --release -p varve-log --example partitions_bench -- <folder on the disk to measure> [partitions]`
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]

use bytes::Bytes;
use std::{
    env,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};
use varve_log::{
    Append, AppendError, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime,
    runtime::{
        Clock, RealClock,
        faults::{Faults, FaultyDisk},
    },
};
use varve_types::{LogId, PartitionId, TenantId};

const MIB: u64 = 1 << 20;
/// The most that a log may have.
const PARTITIONS: u32 = 10_000;
/// Appends under way at once.
const IN_FLIGHT: [u32; 2] = [1, 64];
/// Of the first and the last of the appends, to see whether they become dearer.
const SAMPLE: usize = 500;

fn main() {
    let dir = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let partitions = env::args().nth(2).map_or(PARTITIONS, |number| number.parse().unwrap());
    println!(
        "{:>10} {:>9} {:>8} {:>14} {:>13} {:>10} {:>8}",
        "partitions", "in flight", "s", "us, first 500", "us, last 500", "MB written", "start s"
    );
    for in_flight in IN_FLIGHT {
        measure(&dir, partitions, in_flight);
    }
}

fn measure(dir: &Path, partitions: u32, in_flight: u32) {
    let home = tempfile::tempdir_in(dir).unwrap();
    let clock = RealClock::default();
    let faults = Arc::new(Faults::default());
    let mut runtime = Runtime::real();
    runtime.disk = Arc::new(FaultyDisk::new(runtime.disk, Arc::clone(&faults)));
    let journal = Journal::open(settings(home.path(), partitions), runtime).unwrap();
    let begun = clock.elapsed();
    let (told, answers) = mpsc::channel();
    let mut ended = Vec::new();
    for number in 0..partitions {
        append(&journal, number, told.clone());
        if number + 1 >= in_flight {
            answers.recv().unwrap().unwrap();
            ended.push(clock.elapsed());
        }
    }
    while ended.len() < partitions as usize {
        answers.recv().unwrap().unwrap();
        ended.push(clock.elapsed());
    }
    let took = clock.elapsed().saturating_sub(begun);
    let between = |from: usize, to: usize| {
        let span = ended.get(to).unwrap().saturating_sub(*ended.get(from).unwrap());
        span.as_micros() / (to - from) as u128
    };
    let last = ended.len() - 1;
    let sample = SAMPLE.min(last);
    let (first_us, last_us) = (between(0, sample), between(last - sample, last));
    let written = faults.written_bytes();
    drop(journal);
    let begun = clock.elapsed();
    drop(Journal::open(settings(home.path(), partitions), Runtime::real()).unwrap());
    let start: Duration = clock.elapsed().saturating_sub(begun);
    println!(
        "{partitions:>10} {in_flight:>9} {:>8.2} {first_us:>14} {last_us:>13} {:>10.1} {:>8.2}",
        took.as_secs_f64(),
        written as f64 / 1e6,
        start.as_secs_f64(),
    );
}

fn settings(dir: &Path, partitions: u32) -> JournalSettings {
    JournalSettings {
        dir: dir.to_owned(),
        partitions,
        file_bytes: 128 * MIB,
        write_buffer_max_bytes: 64 * MIB,
        epoch_timeout_ms: 5_000,
        coordinator_count: 1_024,
        disk_reserve: DiskReserve::NONE,
        producers: ProducerSettings::default(),
        hold_max_age_ms: 3_600_000,
    }
}

fn append(journal: &Journal, number: u32, told: mpsc::Sender<Result<(), AppendError>>) {
    let record = Append {
        partition: PartitionId { log: LogId::Logs, number },
        tenant: TenantId::parse("bench").unwrap(),
        schema_id: 1,
        rows: 1,
        session: None,
        idempotency_key: u128::from(number) + 1,
        payload: Bytes::from_static(&[b'x'; 200]),
        done: Box::new(move |stored| told.send(stored.map(drop)).unwrap()),
    };
    journal.append(vec![record]).unwrap();
}
