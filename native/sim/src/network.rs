//! Links between nodes: when, whether and how often a message arrives.

use crate::{
    counts::Counts,
    faults::{Fault, Mix},
    random::Random,
};
use std::collections::BTreeMap;

/// A node's number in the run, from 0.
pub type Node = usize;

/// The shortest and the longest way of a message on a healthy link, in microseconds.
const DELAY_US: (u64, u64) = (50, 1_500);
/// The longest way of a delayed message, in microseconds.
const DELAY_FAULTY_MAX_US: u64 = 1_000_000;
/// How long a cut lasts at least and at most, in microseconds.
const CUT_US: (u64, u64) = (50_000, 2_000_000);

/// All links of a run. A link is a pair (from, to); the way back is another link.
///
/// A healthy link keeps the order of its messages, as a connection does; a reordered message is let
/// out of that order.
#[derive(Debug, Default)]
pub struct Network {
    /// Until when a link is cut.
    cut_until_us: BTreeMap<(Node, Node), u64>,
    /// When the last message in order arrives.
    busy_until_us: BTreeMap<(Node, Node), u64>,
}

/// The times at which one message arrives: none, one or two.
pub type Arrivals = [Option<u64>; 2];

impl Network {
    /// Decides the fate of one message sent now. A node reaches itself at once and always.
    pub fn send(
        &mut self,
        now_us: u64,
        (from, to): (Node, Node),
        mix: &Mix,
        random: &mut Random,
        fired: &mut Counts<Fault>,
    ) -> Arrivals {
        if from == to {
            return [Some(now_us + 1), None];
        }
        if self.is_cut(now_us, from, to) {
            return [None, None];
        }
        if random.chance(mix.rate(Fault::MessageLost)) {
            fired.add(Fault::MessageLost);
            return [None, None];
        }
        let first = self.arrival(now_us, (from, to), mix, random, fired);
        if !random.chance(mix.rate(Fault::MessageDuplicated)) {
            return [Some(first), None];
        }
        fired.add(Fault::MessageDuplicated);
        [Some(first), Some(now_us + random.between(DELAY_US.0, DELAY_FAULTY_MAX_US))]
    }

    fn arrival(
        &mut self,
        now_us: u64,
        link: (Node, Node),
        mix: &Mix,
        random: &mut Random,
        fired: &mut Counts<Fault>,
    ) -> u64 {
        let mut delay_us = random.between(DELAY_US.0, DELAY_US.1);
        if random.chance(mix.rate(Fault::MessageDelayed)) {
            fired.add(Fault::MessageDelayed);
            delay_us = random.between(DELAY_US.1, DELAY_FAULTY_MAX_US);
        }
        let busy_until_us = self.busy_until_us.entry(link).or_default();
        let alone_us = now_us + delay_us;
        if alone_us < *busy_until_us && random.chance(mix.rate(Fault::MessageReordered)) {
            fired.add(Fault::MessageReordered);
            return alone_us;
        }
        *busy_until_us = alone_us.max(*busy_until_us + 1);
        *busy_until_us
    }

    /// Whether messages of this link are lost now.
    #[must_use]
    pub fn is_cut(&self, now_us: u64, from: Node, to: Node) -> bool {
        self.cut_until_us.get(&(from, to)).is_some_and(|&until_us| now_us < until_us)
    }

    /// Cuts one direction between two nodes for a while.
    pub fn cut_one_way(&mut self, now_us: u64, nodes: usize, random: &mut Random) -> (Node, Node) {
        let from = random.below(nodes as u64) as Node;
        let to = (from + 1 + random.below(nodes as u64 - 1) as usize) % nodes;
        let until_us = now_us + random.between(CUT_US.0, CUT_US.1);
        self.cut_until_us.insert((from, to), until_us);
        (from, to)
    }

    /// Splits the nodes into two groups for a while. Answers the first group, as bits by node.
    pub fn partition(&mut self, now_us: u64, nodes: usize, random: &mut Random) -> u64 {
        let group = random.between(1, (1 << nodes) - 2);
        let until_us = now_us + random.between(CUT_US.0, CUT_US.1);
        for from in 0..nodes {
            for to in 0..nodes {
                if (group >> from & 1) != (group >> to & 1) {
                    self.cut_until_us.insert((from, to), until_us);
                }
            }
        }
        group
    }

    /// Mends every link. What is on its way still arrives.
    pub fn heal(&mut self) {
        self.cut_until_us.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(network: &mut Network, now_us: u64, link: (Node, Node)) -> Arrivals {
        network.send(now_us, link, &Mix::none(), &mut Random::new(now_us), &mut Counts::default())
    }

    #[test]
    fn a_healthy_link_delivers_each_message_once_and_in_order() {
        let mut network = Network::default();
        let mut last_us = 0;
        for now_us in 0..1_000 {
            let [Some(at_us), None] = times(&mut network, now_us, (0, 1)) else {
                panic!("not delivered once");
            };
            assert!(at_us > last_us && at_us > now_us);
            last_us = at_us;
        }
    }

    #[test]
    fn a_cut_is_one_way_and_ends() {
        let mut network = Network::default();
        let (from, to) = network.cut_one_way(0, 3, &mut Random::new(4));
        assert_ne!(from, to);
        assert_eq!(times(&mut network, 1, (from, to)), [None, None]);
        assert!(times(&mut network, 1, (to, from))[0].is_some());
        assert!(times(&mut network, CUT_US.1 + 1, (from, to))[0].is_some());
    }

    #[test]
    fn a_partition_separates_two_groups_and_no_more() {
        let mut network = Network::default();
        let group = network.partition(0, 5, &mut Random::new(9));
        for from in 0..5 {
            for to in 0..5 {
                let apart = (group >> from & 1) != (group >> to & 1);
                assert_eq!(network.is_cut(1, from, to), apart);
            }
        }
        network.heal();
        assert!(!(0..5).any(|to| network.is_cut(1, 0, to)));
    }
}
