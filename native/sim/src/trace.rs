//! What a run did: a hash of all of it, by which two runs are compared, and its last lines, for
//! whoever reads a failure.

use std::{collections::VecDeque, fmt};

/// Lines kept for a failure's report.
const LINES_KEPT: usize = 80;

/// Records what happens. Numbers are hashed always; text is written only if somebody wants it, since
/// it costs more than the rest of the run.
#[derive(Debug)]
pub struct Trace {
    keep: Keep,
    hash: Fnv1a,
    steps: u64,
    lines: VecDeque<(u64, String)>,
}

/// How much text a trace keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: the hash only.
    Hash,
    /// The last lines, enough for a report.
    Last,
    /// All of it: megabytes for a long run.
    Whole,
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self { keep, hash: Fnv1a::default(), steps: 0, lines: VecDeque::new() }
    }

    /// Adds a step: the virtual time in microseconds, numbers that tell it from another at the same
    /// time, and its text.
    pub fn step(&mut self, now_us: u64, numbers: [u64; 3], text: fmt::Arguments<'_>) {
        self.steps += 1;
        self.hash.write(now_us);
        for number in numbers {
            self.hash.write(number);
        }
        if self.keep == Keep::Hash {
            return;
        }
        let text = text.to_string();
        for byte in text.bytes() {
            self.hash.write(u64::from(byte));
        }
        if self.keep == Keep::Last && self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((now_us, text));
    }

    /// A number for the whole run so far: equal runs have equal ones. Runs that keep text have
    /// other ones than runs that do not.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.0
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The lines that were kept.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = String::new();
        for (at_us, text) in &self.lines {
            lines.push_str(&Time(*at_us).to_string());
            lines.push(' ');
            lines.push_str(text);
            lines.push('\n');
        }
        lines
    }
}

/// Virtual time, as milliseconds with three digits behind the point.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:>6}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// FNV-1a over 64-bit numbers: the same on every machine and compiler, which the standard hasher
/// does not promise.
#[derive(Debug)]
struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv1a {
    fn write(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0100_0000_01B3);
        self.0 ^= self.0 >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_at_equal_times_have_equal_hashes_and_others_have_not() {
        let hash = |at_us, numbers| {
            let mut trace = Trace::new(Keep::Hash);
            trace.step(at_us, numbers, format_args!("sent"));
            trace.hash()
        };
        assert_eq!(hash(1, [1, 2, 3]), hash(1, [1, 2, 3]));
        assert_ne!(hash(1, [1, 2, 3]), hash(2, [1, 2, 3]));
        assert_ne!(hash(1, [1, 2, 3]), hash(1, [1, 3, 2]));
    }

    #[test]
    fn only_the_last_lines_are_kept_unless_all_are_asked_for() {
        let [none, last, whole] = [Keep::Hash, Keep::Last, Keep::Whole].map(|keep| {
            let mut trace = Trace::new(keep);
            (0..100).for_each(|n| trace.step(n, [n, 0, 0], format_args!("line {n}")));
            trace.text()
        });
        assert_eq!(none, "");
        assert_eq!(last.lines().count(), LINES_KEPT);
        assert!(last.ends_with("     0.099 line 99\n"));
        assert_eq!(whole.lines().count(), 100);
        assert!(whole.ends_with(&last));
    }
}
