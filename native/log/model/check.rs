//! Visits the states of a configuration and tells what it found.

use crate::{actions::Action, protocol::Protocol, state::State, witnesses};
use stateright::{Checker, HasDiscoveries, Model, Path};
use std::{collections::BTreeSet, fmt, time::Duration};
use varve_log::runtime::{Clock, RealClock};

/// A search's threads. The figures of the checks are for a machine with as many cores.
const THREADS: usize = 2;

/// What a search found. Stores and recoverers are numbered anew after every action of a path.
pub(crate) struct Found {
    protocol: Protocol,
    states: usize,
    depth: usize,
    took: Duration,
    /// Properties that showed themselves, each with the actions that lead there.
    discoveries: Vec<(&'static str, Vec<Action>)>,
}

impl Found {
    fn new(checker: &impl Checker<Protocol>, took: Duration) -> Self {
        let actions = |(name, path): (_, Path<State, Action>)| (name, path.into_actions());
        Self {
            protocol: *checker.model(),
            states: checker.unique_state_count(),
            depth: checker.max_depth(),
            took,
            discoveries: checker.discoveries().into_iter().map(actions).collect(),
        }
    }

    /// Whether `property` showed itself: an invariant by being broken.
    pub(crate) fn shows(&self, property: &str) -> bool {
        self.discoveries.iter().any(|(name, _)| *name == property)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{}: {} states, ", self.protocol, self.states)?;
        write!(f, "depth {}, {seconds:.1} s", self.depth)?;
        for (name, actions) in &self.discoveries {
            write!(f, "\n    {name}: after {} steps, {actions:?}", actions.len())?;
        }
        Ok(())
    }
}

/// Visits every state. Panics when an invariant does not hold in one of them, with the way there,
/// and when a situation that the protocol exists for is in none.
#[track_caller]
pub(crate) fn assert_safe(protocol: Protocol) -> Found {
    let clock = RealClock::default();
    let checker = protocol.checker().threads(THREADS);
    // Depth first needs the least memory.
    let checker = checker.finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let found = Found::new(&checker, clock.elapsed());
    assert!(found.discoveries.is_empty(), "{found}");
    let unreached = unreached(protocol);
    assert!(unreached.is_empty(), "{protocol}: it never happens that {unreached:?}");
    found
}

/// Visits states in the order of their distance from the first one until `invariant` breaks, so
/// that the way there is among the shortest.
pub(crate) fn visit_until_broken(protocol: Protocol, invariant: &'static str) -> Found {
    let clock = RealClock::default();
    let broken = HasDiscoveries::AllOf(BTreeSet::from([invariant]));
    let checker = protocol.checker().finish_when(broken).spawn_bfs().join();
    let mut found = Found::new(&checker, clock.elapsed());
    found.discoveries.retain(|(name, _)| *name == invariant);
    found
}

/// Visits states until every witness is seen, and names those that are nowhere.
fn unreached(protocol: Protocol) -> Vec<&'static str> {
    let asked = Protocol { properties: witnesses::all, ..protocol };
    let seen = asked.checker().threads(THREADS).spawn_dfs().join().discoveries();
    let names = asked.properties().into_iter().map(|witness| witness.name);
    names.filter(|name| !seen.contains_key(name)).collect()
}
