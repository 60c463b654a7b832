//! Bodies that no sender should send, made of good ones: whatever comes, a decoder answers, within a
//! time and within a memory that its limits bound.
//!
//! `FUZZ_SECONDS` says how long each format is tried (1), `FUZZ_SEED` repeats a run. What fails is left
//! as a file, which the failure names.

mod corpus;
mod memory;
mod mutate;
mod random;

use std::{
    collections::HashSet,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use varve_wire::decode::{DecodeError, Decoded, Encoding, Format, Limits, decode};

use corpus::Syntax;
use memory::peak_bytes_of;
use random::Random;

/// Longest body, before and after decompression.
const BODY_MAX_BYTES: usize = 1 << 20;

const LIMITS: Limits = Limits {
    body_decompressed_max_bytes: BODY_MAX_BYTES,
    body_records_max: 10_000,
    attributes_max: 100,
    attributes_max_bytes: 64 << 10,
    ..Limits::for_tests(64 << 10, 3_600_000)
};

/// What a body of the longest may take while it is decoded: what tables cost at first, and some thirty
/// times its length, as a tree of values takes that.
const PEAK_MAX_BYTES: usize = (32 << 20) + 32 * BODY_MAX_BYTES;

/// Far more than the slowest body of that length takes, also where others use the machine.
const ELAPSED_MAX: Duration = Duration::from_secs(5);

/// Bodies that were answered in a new way, from which others are made.
const POOL_MAX: usize = 1_000;

#[test]
fn whatever_comes_is_answered_within_time_and_memory() {
    let seconds = number("FUZZ_SECONDS").unwrap_or(1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = number("FUZZ_SEED").unwrap_or(since.as_nanos() as u64);
    for (name, format, syntax, good) in corpus::all() {
        for body in &good {
            let decoded = decode(format, Encoding::Identity, body, &LIMITS, corpus::NOW_NS);
            assert!(decoded.as_ref().is_ok_and(|it| it.accepted > 0), "{name}: {decoded:?}");
        }
        let mut fuzz = Fuzz { name, format, seed, random: Random(seed), seen: HashSet::new() };
        let tried = fuzz.run(syntax, good, Duration::from_secs(seconds));
        println!("{name}: {tried} bodies, {} ways of answering", fuzz.seen.len());
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

struct Fuzz {
    name: &'static str,
    format: Format,
    seed: u64,
    random: Random,
    /// Ways of answering: there is no telling on stable Rust which code ran, but a body that is
    /// answered in a new way came somewhere new.
    seen: HashSet<String>,
}

impl Fuzz {
    fn run(&mut self, syntax: Syntax, good: Vec<Vec<u8>>, long: Duration) -> u64 {
        let (mut pool, mut tried, start) = (good, 0, Instant::now());
        while start.elapsed() < long {
            let body = self.worse(&pool, syntax);
            let (encoding, sent) = self.packed(&body);
            let answer = self.try_one(encoding, &sent);
            tried += 1;
            if self.seen.insert(answer) && pool.len() < POOL_MAX {
                pool.push(body);
            }
        }
        tried
    }

    fn worse(&mut self, pool: &[Vec<u8>], syntax: Syntax) -> Vec<u8> {
        let random = &mut self.random;
        let (Some(body), Some(other)) = (random.pick(pool), random.pick(pool)) else {
            return Vec::new();
        };
        let formed = match syntax {
            _ if random.one_in(3) => None,
            Syntax::Protobuf => mutate::protobuf(body, BODY_MAX_BYTES, random),
            Syntax::Json => mutate::json(body, BODY_MAX_BYTES, random),
            Syntax::Other => None,
        };
        formed
            .filter(|formed| formed.len() <= BODY_MAX_BYTES)
            .unwrap_or_else(|| mutate::bytes(body, other, BODY_MAX_BYTES, random))
    }

    /// Mostly as it is; sometimes compressed, and then perhaps damaged, or said to be.
    fn packed(&mut self, body: &[u8]) -> (Encoding, Vec<u8>) {
        const ENCODINGS: [Encoding; 5] = [
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::RawDeflate,
            Encoding::Zstd,
            Encoding::Snappy,
        ];
        let random = &mut self.random;
        let encoding = random.pick(&ENCODINGS).copied().filter(|_| random.one_in(8));
        let Some(encoding) = encoding else { return (Encoding::Identity, body.to_vec()) };
        let level = flate2::Compression::fast();
        let packed = match encoding {
            Encoding::Zstd => zstd::encode_all(body, 1).unwrap_or_default(),
            Encoding::Snappy => snap::raw::Encoder::new().compress_vec(body).unwrap_or_default(),
            Encoding::Gzip => read_all(flate2::read::GzEncoder::new(body, level)),
            Encoding::Deflate => read_all(flate2::read::ZlibEncoder::new(body, level)),
            _ => read_all(flate2::read::DeflateEncoder::new(body, level)),
        };
        if random.one_in(2) {
            return (encoding, packed);
        }
        (encoding, mutate::bytes(&packed, body, BODY_MAX_BYTES, random))
    }

    /// What was answered, without its numbers.
    fn try_one(&self, encoding: Encoding, body: &[u8]) -> String {
        let start = Instant::now();
        let work = || decode(self.format, encoding, body, &LIMITS, corpus::NOW_NS);
        let (outcome, peak_bytes) = peak_bytes_of(|| catch_unwind(AssertUnwindSafe(work)));
        let elapsed = start.elapsed();
        let Ok(answer) = outcome else { self.fail(body, "it panicked") };
        if peak_bytes > PEAK_MAX_BYTES {
            self.fail(body, &format!("it took {peak_bytes} bytes, over {PEAK_MAX_BYTES}"));
        }
        if elapsed > ELAPSED_MAX {
            self.fail(body, &format!("it took {elapsed:?}"));
        }
        shape(&answer)
    }

    fn fail(&self, body: &[u8], why: &str) -> ! {
        let file: PathBuf = env::temp_dir().join(format!("fuzz-{}.body", process::id()));
        let kept = fs::write(&file, body)
            .map_or_else(|error| error.to_string(), |()| file.display().to_string());
        panic!(
            "{}: {why}; FUZZ_SEED={}; body of {} bytes: {kept}",
            self.name,
            self.seed,
            body.len()
        );
    }
}

fn read_all(mut reader: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    // Reading from memory cannot fail.
    let _ = reader.read_to_end(&mut out);
    out
}

fn shape(answer: &Result<Decoded, DecodeError>) -> String {
    let text = match answer {
        Err(error) => error.to_string(),
        Ok(decoded) => {
            let reasons: Vec<&str> = decoded.refused.iter().map(|it| it.reason).collect();
            let tables: Vec<_> = decoded.batches.iter().map(|(table, _)| table).collect();
            let magnitude = decoded.accepted.checked_ilog10();
            format!("{magnitude:?} {reasons:?} {tables:?} {}", decoded.exemplars.min(1))
        }
    };
    text.chars().filter(|c| !c.is_ascii_digit()).take(80).collect()
}
