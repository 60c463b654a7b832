//! The protocol under faults: many seeds, and the same seed twice.

use varve_sim::{
    dlog::{Dlog, Mutant},
    run::{run, run_seeds},
    trace::Keep,
};

const SEEDS: u64 = 500;

#[test]
fn no_seed_breaks_an_invariant_and_every_fault_and_branch_is_met() {
    let summary =
        run_seeds::<Dlog>(Mutant::None, 0, SEEDS).unwrap_or_else(|outcome| panic!("{outcome}"));
    assert_eq!(summary.missing(), Vec::<String>::new());
    assert!(summary.acknowledged > 100 * SEEDS, "{} appends", summary.acknowledged);
}

#[test]
fn the_same_seed_gives_the_same_run_to_the_letter() {
    for seed in 0..10 {
        let [first, second] = [(), ()].map(|()| run::<Dlog>(Mutant::None, seed, Keep::Whole));
        assert_eq!(first.text, second.text, "seed {seed}");
        assert_eq!((first.hash, first.fired), (second.hash, second.fired), "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_run() {
    let hashes: std::collections::BTreeSet<u64> =
        (0..10).map(|seed| run::<Dlog>(Mutant::None, seed, Keep::Hash).hash).collect();
    assert_eq!(hashes.len(), 10);
}

#[test]
fn a_failure_names_the_seed_the_command_the_invariant_and_the_last_events() {
    let Err(outcome) = run_seeds::<Dlog>(Mutant::ServesUnreleased, 0, SEEDS) else {
        panic!("serving unreleased records passed")
    };
    let report = outcome.to_string();
    assert!(report.starts_with(&format!("seed {}: ", outcome.seed)), "{report}");
    assert!(report.contains("\nbroken: I6: reader "), "{report}");
    let command = format!("\nagain: npm run sim -- --seed {} --trace\n", outcome.seed);
    assert!(report.ends_with(&command), "{report}");
    assert!(report.lines().count() > 20, "{report}");
}
