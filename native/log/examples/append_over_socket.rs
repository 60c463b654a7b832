//! What appending costs behind a socket, as a broker does it: 200-byte records in batches of 1,000 come
//! over TCP on loopback, and each batch is answered with its place once it is synced. The sender is a
//! process of its own, so the CPU seconds are the log's alone.
//!
//! `cargo run --release -p varve-log --example append_over_socket -- <folder on the disk to measure>`
//! CPU time is read from `/proc`, as Linux has it.
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to report")]
#![expect(clippy::print_stdout, reason = "the figures are its answer")]
#![expect(clippy::disallowed_types, reason = "a real socket is what is measured")]
#![expect(clippy::disallowed_methods, reason = "a thread per connection, as a server has them")]

use bytes::Bytes;
use std::{
    env, fs,
    io::{BufWriter, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use varve_log::{
    Append, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime, Snapshot,
    part_key,
    runtime::{Clock, RealClock},
};
use varve_types::{LogId, PartitionId, TenantId};

const MIB: u64 = 1 << 20;
const PARTITIONS: u32 = 10;
const RECORD_BYTES: usize = 200;
const BATCH_RECORDS: usize = 1_000;
const BATCH_BYTES: usize = RECORD_BYTES * BATCH_RECORDS;
const CONNECTIONS: usize = 4;
/// Batches under way on each connection at full load.
const IN_FLIGHT: usize = 8;
const LASTS: Duration = Duration::from_secs(8);
const TRIM_EVERY: Duration = Duration::from_secs(1);
/// Of the times in `/proc/self/stat`.
const TICKS_PER_SECOND: f64 = 100.0;
/// Of an answer: epoch and offset.
const ANSWER_BYTES: usize = 12;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [role, address, every_us] = arguments.as_slice()
        && role == "send"
    {
        return send_all(address, Duration::from_micros(every_us.parse().unwrap()));
    }
    let dir = arguments.first().map_or_else(env::temp_dir, PathBuf::from);
    println!("load   records/s  per CPU second  MB/s  MB per CPU s  p50 us  p99 us  p99.9 us");
    let full = measure(&dir, Duration::ZERO);
    show("full", &full);
    let batches = u32::try_from(full.latencies_us.len()).unwrap();
    show("half", &measure(&dir, 2 * full.took / batches));
}

/// One load, measured.
struct Measured {
    took: Duration,
    cpu_seconds: f64,
    /// Of each batch, from when it was due until it was answered; ascending.
    latencies_us: Vec<u64>,
}

/// Takes batches for a while: one each `every` over all connections, or as many as come.
fn measure(dir: &Path, every: Duration) -> Measured {
    let home = tempfile::tempdir_in(dir).unwrap();
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
    let journal = Journal::open(settings, Runtime::real()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let clock = RealClock::default();
    let (cpu_before, started) = (cpu_seconds(), clock.elapsed());
    let sender = Command::new(env::current_exe().unwrap())
        .args(["send", &address, &every.as_micros().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
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
        let connections: Vec<_> = (0..CONNECTIONS as u32)
            .map(|number| {
                let stream = listener.accept().unwrap().0;
                let journal = &journal;
                scope.spawn(move || serve(journal, stream, number))
            })
            .collect();
        for connection in connections {
            connection.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let took = clock.elapsed().saturating_sub(started);
    let cpu_seconds = cpu_seconds() - cpu_before;
    let told = sender.wait_with_output().unwrap().stdout;
    let mut latencies_us: Vec<u64> =
        told.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect();
    latencies_us.sort_unstable();
    Measured { took, cpu_seconds, latencies_us }
}

/// One connection's batches, until the sender has no more.
fn serve(journal: &Journal, mut stream: TcpStream, connection: u32) {
    stream.set_nodelay(true).unwrap();
    let mut answers_to = stream.try_clone().unwrap();
    let (told, answers) = mpsc::channel::<[u8; ANSWER_BYTES]>();
    let answering = thread::spawn(move || {
        while let Ok(answer) = answers.recv() {
            answers_to.write_all(&answer).unwrap();
        }
    });
    let tenant = TenantId::parse("bench").unwrap();
    let mut number = 0;
    loop {
        let mut payload = vec![0; BATCH_BYTES];
        if stream.read_exact(&mut payload).is_err() {
            break;
        }
        number += 1;
        let told = told.clone();
        let record = Append {
            partition: PartitionId { log: LogId::Logs, number: number % PARTITIONS },
            tenant: tenant.clone(),
            schema_id: 1,
            rows: BATCH_RECORDS as u32,
            session: None,
            idempotency_key: part_key(u128::from(connection) << 64 | u128::from(number), 1),
            payload: Bytes::from(payload),
            done: Box::new(move |stored| {
                let lsn = stored.unwrap().lsn().unwrap();
                let mut answer = [0; ANSWER_BYTES];
                let (epoch, offset) = answer.split_at_mut(4);
                epoch.copy_from_slice(&lsn.epoch.0.to_le_bytes());
                offset.copy_from_slice(&lsn.offset.0.to_le_bytes());
                told.send(answer).unwrap();
            }),
        };
        journal.append(vec![record]).unwrap();
    }
    drop(told);
    answering.join().unwrap();
}

/// The sender's process: prints each batch's latency, 8 bytes each, when all are answered.
fn send_all(address: &str, every: Duration) {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            thread::spawn(move || send(&stream, every * CONNECTIONS as u32))
        })
        .collect();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for latency in connections.into_iter().flat_map(|it| it.join().unwrap()) {
        out.write_all(&(latency.as_micros() as u64).to_le_bytes()).unwrap();
    }
}

fn send(stream: &TcpStream, every: Duration) -> Vec<Duration> {
    stream.set_nodelay(true).unwrap();
    let clock = Arc::new(RealClock::default());
    let (under_way, dues) = mpsc::sync_channel::<Duration>(IN_FLIGHT);
    let mut answers_from = stream.try_clone().unwrap();
    let answered_at = Arc::clone(&clock);
    let answers = thread::spawn(move || {
        let mut latencies = Vec::new();
        while let Ok(due) = dues.recv() {
            answers_from.read_exact(&mut [0; ANSWER_BYTES]).unwrap();
            latencies.push(answered_at.elapsed().saturating_sub(due));
        }
        latencies
    });
    let batch = vec![b'x'; BATCH_BYTES];
    let (mut out, started, mut sent) = (stream, clock.elapsed(), 0);
    while clock.elapsed().saturating_sub(started) < LASTS {
        let due = if every.is_zero() { clock.elapsed() } else { started + every * sent };
        thread::sleep(due.saturating_sub(clock.elapsed()));
        under_way.send(due).unwrap();
        out.write_all(&batch).unwrap();
        sent += 1;
    }
    drop(under_way);
    let latencies = answers.join().unwrap();
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    latencies
}

/// What this process has used so far, in user and kernel mode.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Fields are counted behind the name, which may have blanks: proc(5).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn show(load: &str, Measured { took, cpu_seconds, latencies_us }: &Measured) {
    let records = (latencies_us.len() * BATCH_RECORDS) as f64;
    let megabytes = records * RECORD_BYTES as f64 / 1e6;
    let percentile =
        |share: f64| latencies_us.get((share * (latencies_us.len() - 1) as f64) as usize).unwrap();
    println!(
        "{load:>4} {:>11.0} {:>15.0} {:>5.0} {:>13.0} {:>7} {:>7} {:>9}",
        records / took.as_secs_f64(),
        records / cpu_seconds,
        megabytes / took.as_secs_f64(),
        megabytes / cpu_seconds,
        percentile(0.5),
        percentile(0.99),
        percentile(0.999),
    );
}
