//! A checker that cannot fail is worth nothing: each rule left out has to be noticed.

use varve_sim::{
    dlog::{Dlog, Mutant},
    invariants::{Invariant, Violation},
    run::run_seeds,
};

/// As many seeds as the right protocol has to pass in every test run.
const SEEDS: u64 = 500;
/// For what takes three faults in the right order within a few milliseconds.
const SEEDS_FOR_RARE: u64 = 3_000;

/// Runs the mutant until it is caught. Answers what was broken.
fn caught(mutant: Mutant, seeds: u64) -> Violation {
    let Err(outcome) = run_seeds::<Dlog>(mutant, 0, seeds) else {
        panic!("{mutant} passed {seeds} seeds");
    };
    outcome.violation.expect("a run that ends early has broken something")
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident breaks $($invariant:ident)|+ within $seeds:ident;)+) => {
        $(
            #[test]
            fn $name() {
                let violation = caught(Mutant::$mutant, $seeds);
                assert!(matches!(violation.invariant, $(Invariant::$invariant)|+), "{violation}");
            }
        )+
    };
}

mutants! {
    an_acknowledgement_before_the_sync_is_noticed: AcknowledgesBeforeSync breaks I4 within SEEDS;
    a_digest_without_its_seal_is_noticed: DigestsUnsealed breaks I1 | I4 within SEEDS;
    a_fence_quorum_one_too_small_is_noticed: FenceTooSmall breaks I1 | I4 within SEEDS;
    an_acknowledgement_out_of_order_is_noticed: AcknowledgesOutOfOrder breaks I1 | I7 within SEEDS;
    a_close_before_the_repair_is_noticed: ClosesBeforeRepair breaks I4 within SEEDS;
    a_lost_disk_that_answers_absent_is_noticed: LostAnswersAbsent breaks I1 | I4 within SEEDS_FOR_RARE;
    a_damaged_frame_taken_for_absent_is_noticed: DamagedIsAbsent breaks I1 | I4 within SEEDS_FOR_RARE;
    an_unreadable_frame_that_is_passed_over_is_noticed: ForgetsUnreadable breaks I1 | I4 within SEEDS_FOR_RARE;
    a_leader_that_goes_on_after_a_restart_is_noticed: LeadsAfterRestart breaks I2 within SEEDS;
    a_sealed_store_that_takes_appends_is_noticed: TakesAfterSeal breaks I1 | I4 | I5 within SEEDS;
    a_trim_past_what_a_view_needs_is_noticed: TrimsForOneView breaks I8 within SEEDS;
    a_trim_past_what_is_held_is_noticed: TrimsPastHolds breaks I8 within SEEDS;
    a_digest_that_takes_trimmed_for_absent_is_noticed: DigestForgetsTrim breaks I1 within SEEDS_FOR_RARE;
    a_store_that_serves_what_is_not_released_is_noticed: ServesUnreleased breaks I6 within SEEDS;
    a_repair_that_acknowledges_an_append_is_noticed: RepairAcknowledgesAppend breaks I1 within SEEDS_FOR_RARE;
    a_control_that_ignores_the_version_is_noticed: ControlIgnoresVersion breaks I2 within SEEDS;
    a_retry_that_is_taken_for_new_is_noticed: ForgetsRetries breaks Once within SEEDS;
    append_times_that_follow_a_clock_that_jumps_are_noticed: FollowsJumps breaks Once within SEEDS;
    a_new_leader_that_forgets_producers_is_noticed: ForgetsProducers breaks Once within SEEDS;
    a_fence_that_is_not_synced_is_noticed: FenceUnsynced breaks Numbers within SEEDS;
    a_fence_that_a_restart_forgets_is_noticed: FenceForgotten breaks Numbers within SEEDS;
    a_coordinator_that_is_two_nodes_is_noticed: CoordinatorShared breaks Numbers within SEEDS;
    a_tail_that_no_store_confirmed_is_noticed: TailUnconfirmed breaks I7 within SEEDS;
}
