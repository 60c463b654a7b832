//! `varve-sim --seeds N [--first-seed S]` runs many seeds; `varve-sim --seed S [--trace]` runs one.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};
use varve_sim::{
    dlog::{Dlog, Mutant},
    run::{run, run_seeds},
    trace::Keep,
};

/// As many seeds as reach every fault and branch; with fewer, a missing one says nothing.
const SEEDS_THAT_COVER: u64 = 500;

const USAGE: &str = "usage: varve-sim --seeds N [--first-seed S]   run N seeds, from S on (0)
       varve-sim --seed S [--trace]           run one seed; --trace prints every step";

enum Asked {
    Many { first: u64, seeds: u64 },
    One { seed: u64, keep: Keep },
}

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match asked(env::args().skip(1)) {
        Ok(Asked::One { seed, keep }) => {
            let outcome = run::<Dlog>(Mutant::None, seed, keep);
            write!(out, "{outcome}")?;
            Ok(if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Ok(Asked::Many { first, seeds }) => many(first, seeds, &mut out),
        Err(wrong) => {
            writeln!(out, "{wrong}\n{USAGE}")?;
            Ok(ExitCode::from(2))
        }
    }
}

fn many(first: u64, seeds: u64, out: &mut impl io::Write) -> io::Result<ExitCode> {
    match run_seeds::<Dlog>(Mutant::None, first, seeds) {
        Err(outcome) => {
            write!(out, "{outcome}")?;
            Ok(ExitCode::FAILURE)
        }
        Ok(summary) => {
            write!(out, "{summary}")?;
            let missing = summary.missing();
            if missing.is_empty() || seeds < SEEDS_THAT_COVER {
                return Ok(ExitCode::SUCCESS);
            }
            writeln!(out, "never happened: {}", missing.join("; "))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Reads the command line.
fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut first, mut seeds, mut seed, mut keep) = (0, None, None, Keep::Last);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{word} {value}: not a number"))
        };
        match word.as_str() {
            "--seeds" => seeds = Some(number()?),
            "--first-seed" => first = number()?,
            "--seed" => seed = Some(number()?),
            "--trace" => keep = Keep::Whole,
            _ => return Err(format!("{word}: not known")),
        }
    }
    match (seeds, seed) {
        (Some(seeds), None) => Ok(Asked::Many { first, seeds }),
        (None, Some(seed)) => Ok(Asked::One { seed, keep }),
        _ => Err("one of --seeds and --seed is needed".to_owned()),
    }
}
