//! What a seed decides before anything runs: the cluster, the load, the faults.

use crate::{
    faults::{Fault, Mix},
    network::Node,
    random::Random,
};
use std::fmt;

/// The most nodes a run has.
pub const NODES_MAX: u64 = 7;

/// Which stores get a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copysets {
    /// All stores of the epoch.
    All,
    /// The first N in rendezvous order, by stripes of so many offsets.
    PerStripe(u64),
}

/// The log's settings, as an operator would write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Nodes in the cluster; each has one store.
    pub nodes: usize,
    /// N, copies aimed at.
    pub replication_factor: usize,
    /// W, durable copies before a record counts as stored.
    pub write_quorum: usize,
    /// Which stores get a record.
    pub copysets: Copysets,
    /// Whether the leader's own store takes part.
    pub leader_stores_data: bool,
    /// Bytes a leader may have in flight.
    pub window_bytes: u64,
    /// How long a leader waits for W acknowledgements before it gives up its epoch.
    pub epoch_timeout_ms: u64,
}

/// A run's plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The log's settings.
    pub settings: Settings,
    /// Clients that append, each one record at a time.
    pub clients: usize,
    /// The longest record.
    pub payload_max_bytes: u64,
    /// For how long faults come, in microseconds.
    pub faults_us: u64,
    /// Which faults come how often.
    pub mix: Mix,
    /// Stores whose data may be destroyed: as many as the log promises to bear, W - 1.
    pub destroyed_max: usize,
}

impl Plan {
    /// Draws one.
    pub fn draw(random: &mut Random) -> Self {
        let alone = random.below(16) == 0;
        let nodes = if alone { 1 } else { random.between(2, NODES_MAX) as usize };
        // One copy is a cluster that people run, but has nothing to lose: two or more are drawn twice
        // as often.
        let draw_twice = |random: &mut Random, most: usize| {
            random.between(1, most as u64).max(random.between(1, most as u64)) as usize
        };
        let replication_factor = draw_twice(random, nodes.min(5));
        let write_quorum = draw_twice(random, replication_factor);
        let copysets = if random.below(2) == 0 {
            Copysets::All
        } else {
            Copysets::PerStripe(random.between(1, 4))
        };
        let settings = Settings {
            nodes,
            replication_factor,
            write_quorum,
            copysets,
            leader_stores_data: nodes == replication_factor || random.below(4) > 0,
            window_bytes: if random.below(4) == 0 { 600 } else { 1 << 20 },
            epoch_timeout_ms: random.between(200, 1_000),
        };
        Self {
            // A store that lost its data takes no part in new epochs: enough others must be left.
            destroyed_max: (write_quorum - 1)
                .min(nodes - replication_factor - usize::from(!settings.leader_stores_data)),
            settings,
            clients: random.between(1, 8) as usize,
            payload_max_bytes: random.between(16, 400),
            faults_us: random.between(2_000_000, 12_000_000),
            mix: Mix::draw(random),
        }
    }

    /// Stores of a new epoch: at least N of those that take writes, or all of them if there are
    /// fewer; `None` if there are fewer than W.
    pub fn draw_stores(&self, mut healthy: Vec<Node>, random: &mut Random) -> Option<Vec<Node>> {
        if healthy.len() < self.settings.write_quorum {
            return None;
        }
        random.shuffle(&mut healthy);
        let least = self.settings.replication_factor.min(healthy.len());
        healthy.truncate(random.between(least as u64, healthy.len() as u64) as usize);
        healthy.sort_unstable();
        Some(healthy)
    }

    /// Whether the fault makes sense in this cluster.
    #[must_use]
    pub fn allows(&self, fault: Fault) -> bool {
        let alone = self.settings.nodes == 1;
        !(alone && matches!(fault, Fault::LinkCutOneWay | Fault::NetworkPartitioned))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { nodes, replication_factor, write_quorum, .. } = self.settings;
        write!(
            formatter,
            "{nodes} nodes, N = {replication_factor}, W = {write_quorum}, {:?}, {} clients, {} ms; {}",
            self.settings.copysets,
            self.clients,
            self.faults_us / 1_000,
            self.mix
        )
    }
}
