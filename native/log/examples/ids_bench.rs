//! What a durable number costs: counters with and without reservation, and Snowflake ids.
//!
//! `cargo run --release -p varve-log --example ids_bench -- <folder on the disk to measure>`
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]

use std::{env, fs, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};
use varve_log::{
    ids::{Counter, CounterSettings, SnowflakeIds},
    runtime::{Clock, Disk as _, RealClock, RealDisk},
};

/// Values made durable by one sync, and how many are taken.
const COUNTERS: [(u64, u64); 4] =
    [(1, 2_000), (1_000, 1_000_000), (1_000_000, 50_000_000), (1_000_000, 1_000_000_000)];
const SNOWFLAKES: u64 = 20_000_000;

fn main() {
    let dir = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let clock = Arc::new(RealClock::default());
    println!(
        "{:>10} {:>11} {:>13} {:>10} {:>14} {:>12}",
        "what", "block", "taken", "ns each", "file bytes", "disk bytes"
    );
    for (block, taken) in COUNTERS {
        let home = tempfile::tempdir_in(&dir).unwrap();
        let settings = CounterSettings { block, file_bytes_max: 1 << 43 };
        let counter = Counter::open(Arc::new(RealDisk), home.path(), "bench", settings).unwrap();
        let started = clock.elapsed();
        for _ in 0..taken {
            counter.take(1).unwrap();
        }
        let took = clock.elapsed().saturating_sub(started);
        let path = RealDisk.list(home.path()).unwrap().pop().unwrap();
        let file = fs::metadata(path).unwrap();
        let (file_bytes, disk_bytes) = (file.len(), file.blocks() * 512);
        let each = took.as_nanos() / u128::from(taken);
        println!(
            "{:>10} {block:>11} {taken:>13} {each:>10} {file_bytes:>14} {disk_bytes:>12}",
            "counter"
        );
    }
    let home = tempfile::tempdir_in(&dir).unwrap();
    let settings = CounterSettings { block: 1, file_bytes_max: 1 << 30 };
    let fence = Counter::open(Arc::new(RealDisk), home.path(), "fence", settings).unwrap();
    let ids = SnowflakeIds::new(1, clock.clone(), fence);
    let started = clock.elapsed();
    let mut refused = 0;
    for _ in 0..SNOWFLAKES {
        refused += u64::from(ids.next_id().is_err());
    }
    let took = clock.elapsed().saturating_sub(started);
    let each = took.as_nanos() / u128::from(SNOWFLAKES);
    println!(
        "{:>10} {:>11} {SNOWFLAKES:>13} {each:>10}   {refused} refused: over 8192 in a millisecond, 10 s ahead",
        "snowflake", ""
    );
}
