//! When faults come, what they do, and when they stop.

use crate::{
    client::Client,
    disk::Damage,
    faults::{Fault, Mix},
    network::Node as Number,
    node::{Event, Frame, Node},
    world::{Happening, Phase, Wire, World},
};

/// Virtual time between two occasions for the faults that come by themselves, in microseconds.
const FAULT_TURN_US: u64 = 50_000;
/// A view makes a snapshot every so many occasions for faults.
const SNAPSHOT_TURNS: u64 = 10;
/// Virtual time between two looks of a node at its leader, in microseconds.
const DETECT_US: u64 = 100_000;
/// A leader not heard of for so long is suspected (log-core, section 12), in microseconds.
const SUSPECT_US: u64 = 300_000;
/// A node that tried to become leader leaves it be for so long, in microseconds.
const RECOVER_AGAIN_US: u64 = 400_000;
/// An operator starts a node anew whose disk refused a write, after this, in microseconds.
const REPLACED_US: u64 = 1_000_000;

impl<N: Node> World<N> {
    /// Whether a fault comes now, which is then counted.
    fn comes(&mut self, fault: Fault) -> bool {
        let comes = self.plan.allows(fault) && self.random.chance(self.mix.rate(fault));
        if comes {
            self.fired.add(fault);
        }
        comes
    }

    /// Gives every fault that comes by itself its chance.
    pub(crate) fn fault_turn(&mut self) {
        if self.phase != Phase::Faults {
            return;
        }
        let nodes = self.hosts.len();
        if self.comes(Fault::LinkCutOneWay) {
            let (from, to) = self.network.cut_one_way(self.now_us, nodes, &mut self.random);
            self.note(10, from, format_args!("link n{from} -> n{to} cut"));
        }
        if self.comes(Fault::NetworkPartitioned) {
            let group = self.network.partition(self.now_us, nodes, &mut self.random);
            self.note(11, group as Number, format_args!("group {group:b} cut off"));
        }
        let power_failed = self.comes(Fault::PowerFailed);
        for node in 0..nodes {
            if self.hosts[node].node.is_none() {
                continue;
            }
            if power_failed {
                self.crash(node);
            } else {
                self.fault_turn_of(node);
            }
        }
        self.after(FAULT_TURN_US, Happening::FaultTurn);
    }

    fn fault_turn_of(&mut self, node: Number) {
        if self.comes(Fault::ControlUnreachable) {
            let until_us = self.now_us + self.random.between(50_000, 1_000_000);
            self.hosts[node].control_cut_until_us = until_us;
        }
        if self.comes(Fault::ClockJumped) {
            let by_ms = self.hosts[node].clock.jump(&mut self.random);
            self.note(12, node, format_args!("n{node} clock jumps {by_ms} ms"));
        }
        if self.comes(Fault::DiskFull) {
            let until_us = self.now_us + self.random.between(50_000, 1_000_000);
            self.hosts[node].disk.fill_until(until_us);
            self.note(13, node, format_args!("n{node} disk full"));
        }
        if self.random.below(SNAPSHOT_TURNS) == 0 && self.hosts[node].paused.is_none() {
            self.step(node, Event::Snapshot);
        }
        if self.comes(Fault::LeaderMoved) {
            self.recover(node);
        }
        if self.comes(Fault::SuspectedWrongly) {
            // By two at once: what one recovery does must not mislead the other, nor the leader,
            // which may be one of the two.
            self.recover(node);
            let other = self.random.below(self.hosts.len() as u64) as Number;
            self.recover(other);
        }
        if self.hosts[node].paused.is_none() && self.comes(Fault::NodePaused) {
            self.hosts[node].paused = Some(Vec::new());
            self.note(14, node, format_args!("n{node} pauses"));
            let for_us = self.random.between(10_000, 1_500_000);
            self.after(for_us, Happening::Resume(node));
        }
        let broken =
            self.hosts[node].write_failed && self.random.below(REPLACED_US / FAULT_TURN_US) == 0;
        if broken || self.comes(Fault::NodeCrashed) {
            self.crash(node);
        }
    }

    fn note(&mut self, kind: u64, node: Number, what: std::fmt::Arguments<'_>) {
        self.trace.step(self.now_us, [kind, node as u64, 0], what);
    }

    /// What a crash may do to a disk besides. No more stores than W - 1 are hit in a run: the log
    /// promises to bear that, and no more.
    pub(crate) fn damage(&mut self, node: Number) {
        let hit_before = self.destroyed.contains(&node);
        if !hit_before && self.destroyed.len() >= self.plan.destroyed_max {
            return;
        }
        if self.comes(Fault::DiskLost) {
            self.destroyed.insert(node);
            self.auditor.disk_lost(node);
            self.hosts[node].disk.lose();
            self.hosts[node].disk_lost = true;
            self.note(15, node, format_args!("n{node} disk lost"));
        } else if self.random.chance(self.mix.rate(Fault::PayloadRotted)) {
            self.rot(node, Damage::Payload, Fault::PayloadRotted);
        } else if self.random.chance(self.mix.rate(Fault::HeaderRotted)) {
            self.rot(node, Damage::Header, Fault::HeaderRotted);
        } else if self.random.chance(self.mix.rate(Fault::WriteMisdirected)) {
            self.misdirect(node);
        }
    }

    fn misdirect(&mut self, node: Number) {
        let Some(frames) = self.hosts[node].disk.misdirect(&mut self.random) else { return };
        let records = frames.map(Frame::record);
        self.fired.add(Fault::WriteMisdirected);
        self.destroyed.insert(node);
        for (lsn, _) in records.into_iter().flatten() {
            self.auditor.destroyed(node, lsn);
        }
        self.note(30, node, format_args!("n{node} wrote {:?} over {:?}", records[1], records[0]));
    }

    fn rot(&mut self, node: Number, damage: Damage, fault: Fault) {
        let Some(frame) = self.hosts[node].disk.rot(damage, &mut self.random) else { return };
        let record = frame.record();
        self.fired.add(fault);
        self.destroyed.insert(node);
        if let Some((lsn, _)) = record {
            self.auditor.destroyed(node, lsn);
        }
        self.note(16, node, format_args!("n{node} {damage:?} of {record:?} rotted"));
    }

    /// Ends all faults. What is on its way still arrives.
    pub(crate) fn heal(&mut self) {
        self.note(17, 0, format_args!("faults stop"));
        self.phase = Phase::Healed { at_us: self.now_us };
        self.mix = Mix::none();
        self.network.heal();
        for node in 0..self.hosts.len() {
            self.resume(node);
            self.hosts[node].control_cut_until_us = 0;
            self.hosts[node].disk.fill_until(0);
            if self.hosts[node].write_failed || self.hosts[node].coordinator.is_failing() {
                self.crash(node);
            }
            // Everything that was promised is read once more, by everybody, from the beginning.
            self.step(node, Event::ReadFromStart);
        }
        self.read_up_to = self.auditor.promised_up_to();
        self.acknowledged_before = self.clients.iter().map(Client::acknowledged).collect();
    }

    /// A node looks after the leader it knows: pings it, and suspects it when it has not answered.
    pub(crate) fn detect(&mut self, node: Number) {
        let again_us = DETECT_US + self.random.below(DETECT_US / 2);
        self.after(again_us, Happening::Detect(node));
        let host = &self.hosts[node];
        if host.node.is_none() || host.paused.is_some() {
            return;
        }
        self.ask_control(node, None);
        let Some(leader) = self.hosts[node].knows.as_ref().map(|view| view.leader.0) else {
            return;
        };
        self.send(node, leader, Wire::Ping);
        let host = &self.hosts[node];
        let silent = self.now_us > host.leader_well_us + SUSPECT_US;
        let tried = self.now_us < host.recovered_us + RECOVER_AGAIN_US;
        // Not everybody at once: who comes first has mostly finished before the next begins.
        if silent && !tried && self.random.below(3) == 0 {
            self.recover(node);
        }
    }

    /// A ping was answered. The leader is well if it is the incarnation that leads, and knows it.
    pub(crate) fn heard_from(
        &mut self,
        node: Number,
        from: (Number, u64),
        leads: Option<varve_types::Epoch>,
    ) {
        let host = &mut self.hosts[node];
        let well = host
            .knows
            .as_ref()
            .is_some_and(|view| view.leader == from && leads == Some(view.epoch));
        if well {
            host.leader_well_us = self.now_us;
        }
    }

    /// Tells a node to become leader, with stores that are well.
    fn recover(&mut self, node: Number) {
        let alone = self.plan.settings.leader_stores_data;
        let healthy = (0..self.hosts.len())
            .filter(|&store| alone || store != node)
            .filter(|&store| self.hosts[store].is_healthy(self.now_us))
            .collect();
        let Some(stores) = self.plan.draw_stores(healthy, &mut self.random) else { return };
        self.hosts[node].recovered_us = self.now_us;
        self.note(18, node, format_args!("n{node} recovers, for stores {stores:?}"));
        if self.hosts[node].paused.is_none() {
            self.step(node, Event::Recover(stores));
        }
    }
}
