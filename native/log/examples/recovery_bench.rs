//! How long a start takes on 1 GiB of journal that a killed process left: nothing was closed, trimmed
//! or sealed. By phase: opening (files, epochs, producers), then reading all of it, as views do.
//!
//! `cargo run --release -p varve-log --example recovery_bench -- <folder on the disk to measure>`
//! Cold runs need GNU dd, which drops the files from the page cache.
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]
#![expect(clippy::disallowed_methods, reason = "it looks at the files as an outsider")]

use bytes::Bytes;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::mpsc,
    time::Duration,
};
use varve_log::{
    Append, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime, part_key,
    runtime::{Clock, RealClock},
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

const MIB: u64 = 1 << 20;
const PARTITIONS: u32 = 10;
const JOURNAL_BYTES: u64 = 1024 * MIB;
/// A batch of 1,000 records of 200 bytes; and small requests, of which there are many more.
const PAYLOADS_BYTES: [usize; 2] = [200_000, 2_000];
/// Before more are appended.
const IN_FLIGHT: usize = 64;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [role, dir, payload_bytes] = arguments.as_slice()
        && role == "fill"
    {
        return fill(Path::new(dir), payload_bytes.parse().unwrap());
    }
    let dir = arguments.first().map_or_else(env::temp_dir, PathBuf::from);
    println!("record bytes   records  journal MiB  cache   open ms  read ms  together ms");
    for payload_bytes in PAYLOADS_BYTES {
        for is_cold in [true, false] {
            measure(&dir, payload_bytes, is_cold);
        }
    }
}

fn measure(dir: &Path, payload_bytes: usize, is_cold: bool) {
    let home = tempfile::tempdir_in(dir).unwrap();
    let mut victim = Command::new(env::current_exe().unwrap());
    victim.arg("fill").arg(home.path()).arg(payload_bytes.to_string());
    assert!(!victim.status().unwrap().success(), "it is killed, not stopped");
    let mut journal_bytes = 0;
    for entry in fs::read_dir(home.path().join("journal")).unwrap() {
        let entry = entry.unwrap();
        journal_bytes += entry.metadata().unwrap().len();
        if is_cold {
            let mut dropping = Command::new("dd");
            dropping.arg(format!("if={}", entry.path().display()));
            let output = dropping.args(["iflag=nocache", "count=0"]).output().unwrap();
            assert!(output.status.success());
        }
    }
    let clock = RealClock::default();
    let started = clock.elapsed();
    let journal = open(home.path());
    let opened = clock.elapsed();
    let records = read_all(&journal);
    let read = clock.elapsed();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{payload_bytes:>12} {records:>9} {:>12} {:>6} {:>9.0} {:>8.0} {:>12.0}",
        journal_bytes / MIB,
        if is_cold { "cold" } else { "warm" },
        ms(opened.saturating_sub(started)),
        ms(read.saturating_sub(opened)),
        ms(read.saturating_sub(started)),
    );
}

fn open(dir: &Path) -> Journal {
    let settings = JournalSettings {
        dir: dir.to_owned(),
        partitions: PARTITIONS,
        file_bytes: 256 * MIB,
        write_buffer_max_bytes: 64 * MIB,
        epoch_timeout_ms: 5_000,
        coordinator_count: 1_024,
        disk_reserve: DiskReserve::NONE,
        hold_max_age_ms: 3_600_000,
        producers: ProducerSettings::default(),
    };
    Journal::open(settings, Runtime::real()).unwrap()
}

/// The process that is killed.
fn fill(dir: &Path, payload_bytes: usize) {
    let journal = open(dir);
    let tenant = TenantId::parse("bench").unwrap();
    let payload = Bytes::from(vec![b'x'; payload_bytes]);
    let (told, answers) = mpsc::channel();
    let (mut number, mut under_way) = (0u32, 0);
    while journal.status().group_bytes_total < JOURNAL_BYTES {
        while under_way < IN_FLIGHT {
            let told = told.clone();
            number += 1;
            let record = Append {
                partition: PartitionId { log: LogId::Logs, number: number % PARTITIONS },
                tenant: tenant.clone(),
                schema_id: 1,
                rows: 1_000,
                session: None,
                idempotency_key: part_key(u128::from(number), 1),
                payload: payload.clone(),
                done: Box::new(move |stored| told.send(stored.is_ok()).unwrap()),
            };
            journal.append(vec![record]).unwrap();
            under_way += 1;
        }
        for _ in 0..IN_FLIGHT {
            assert!(answers.recv().unwrap());
            under_way -= 1;
        }
    }
    process::abort();
}

fn read_all(journal: &Journal) -> usize {
    let mut count = 0;
    for partition in journal.partitions() {
        let mut from = Lsn::default();
        loop {
            let records = journal.read(partition, from, 8 * MIB).unwrap();
            let Some(last) = records.last() else { break };
            from = Lsn::new(last.lsn.epoch.0, last.lsn.offset.0 + 1);
            count += records.len();
        }
    }
    count
}
