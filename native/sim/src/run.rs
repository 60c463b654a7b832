//! Runs seeds and says what came of them.

use crate::{
    counts::{Counted, Counts},
    coverage::Branch,
    faults::Fault,
    invariants::Violation,
    node::Node,
    trace::Keep,
    world::World,
};
use std::fmt;

/// What one seed came to.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What it decided, in words.
    pub plan: String,
    /// The hash of its trace.
    pub hash: u64,
    /// Steps of its trace.
    pub steps: u64,
    /// Appends that were acknowledged.
    pub acknowledged: u64,
    /// Faults, by how often they came.
    pub fired: Counts<Fault>,
    /// Branches, by how often they were reached.
    pub covered: Counts<Branch>,
    /// What was broken.
    pub violation: Option<Violation>,
    /// The trace, as far as it was kept.
    pub text: String,
}

/// Runs one seed.
#[must_use]
pub fn run<N: Node>(rules: N::Rules, seed: u64, keep: Keep) -> Outcome {
    let mut world = World::<N>::new(rules, seed, keep);
    let plan = world.plan.to_string();
    world.run();
    Outcome {
        seed,
        plan,
        hash: world.trace.hash(),
        steps: world.trace.steps(),
        acknowledged: world.clients.iter().map(crate::client::Client::acknowledged).sum(),
        text: world.trace.text(),
        fired: world.fired,
        covered: world.covered,
        violation: world.auditor.violation().cloned(),
    }
}

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many.
    pub seeds: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Appends acknowledged in all of them.
    pub acknowledged: u64,
    /// Faults, by how often they came.
    pub fired: Counts<Fault>,
    /// Branches, by how often they were reached.
    pub covered: Counts<Branch>,
}

/// Runs seeds from `first` on. Stops at the first that breaks an invariant, and runs that one again
/// for its last lines.
pub fn run_seeds<N: Node>(
    rules: N::Rules,
    first: u64,
    seeds: u64,
) -> Result<Summary, Box<Outcome>> {
    let mut summary = Summary::default();
    for seed in first..first + seeds {
        let outcome = run::<N>(rules, seed, Keep::Hash);
        if outcome.violation.is_some() {
            return Err(Box::new(run::<N>(rules, seed, Keep::Last)));
        }
        summary.seeds += 1;
        summary.steps += outcome.steps;
        summary.acknowledged += outcome.acknowledged;
        summary.fired.merge(&outcome.fired);
        summary.covered.merge(&outcome.covered);
    }
    Ok(summary)
}

impl Summary {
    /// Faults that never came and branches that were never reached, in words.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let faults = self.fired.missing().into_iter().map(|fault| format!("fault: {fault}"));
        let branches = self.covered.missing().into_iter().map(|b| format!("branch: {b}"));
        faults.chain(branches).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} seeds, {} steps, {} appends acknowledged",
            self.seeds, self.steps, self.acknowledged
        )?;
        list(formatter, "faults", &self.fired)?;
        list(formatter, "branches", &self.covered)
    }
}

fn list<T: Counted>(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &Counts<T>,
) -> fmt::Result {
    writeln!(formatter, "{title}")?;
    for (member, times) in counts.iter() {
        writeln!(formatter, "  {times:>9}  {member}")?;
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "seed {}: {}", self.seed, self.plan)?;
        write!(formatter, "{}", self.text)?;
        match &self.violation {
            Some(violation) => {
                writeln!(formatter, "broken: {violation}")?;
                writeln!(formatter, "again: npm run sim -- --seed {} --trace", self.seed)
            }
            None => writeln!(formatter, "{} steps, trace {:016x}", self.steps, self.hash),
        }
    }
}
