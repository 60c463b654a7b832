//! One simulated machine: a node's process, clock and disk, and what becomes of the node's effects.

use crate::{
    client::Answer,
    clock::NodeClock,
    counts::Counts,
    coverage::Branch,
    disk::Disk,
    faults::{Fault, Mix},
    invariants::Invariant,
    network::Node as Number,
    node::{DiskFound, Effect, EpochView, Event, Node, Sight, Start},
    numbers::Coordinator,
    random::Random,
    world::{Happening, Wire, World},
};
use varve_types::{Epoch, Lsn, Offset};

/// How long a read takes, in microseconds.
const READ_US: (u64, u64) = (10, 400);

/// A read of a disk on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    token: u64,
    from: Lsn,
    to: Lsn,
    max_bytes: u64,
}

/// A machine with its node.
#[derive(Debug)]
pub(crate) struct Host<N: Node> {
    /// `None` while it is down.
    pub(crate) node: Option<N>,
    pub(crate) incarnation: u64,
    pub(crate) clock: NodeClock,
    pub(crate) disk: Disk<N::Frame, u64>,
    /// The disk was lost at some time: the store is registered as *data-loss*.
    pub(crate) disk_lost: bool,
    /// It has a disk of its own, which is not what a lost disk is.
    pub(crate) coordinator: Coordinator,
    /// A write was refused or failed since the node came up.
    pub(crate) write_failed: bool,
    /// Stopped, with all that would have happened to it.
    pub(crate) paused: Option<Vec<Happening<N>>>,
    /// Control does not answer it until then.
    pub(crate) control_cut_until_us: u64,
    /// The epoch it leads, as it believes.
    pub(crate) leads: Option<Epoch>,
    /// The newest epoch it has heard of.
    pub(crate) knows: Option<EpochView>,
    /// When it last heard that this epoch's leader is well.
    pub(crate) leader_well_us: u64,
    /// When it last tried to become leader itself.
    pub(crate) recovered_us: u64,
    /// Where its reader stands: everything before was given, or is in the snapshot, or trimmed.
    pub(crate) reader_at: Lsn,
    /// Its view's newest snapshot covers everything before. It survives crashes and lost disks, since
    /// snapshots are kept elsewhere.
    pub(crate) snapshot: Lsn,
    /// What the node keeps with it.
    pub(crate) kept: Option<N::Snapshot>,
}

impl<N: Node> Host<N> {
    pub(crate) fn new(mix: &Mix, random: &mut Random, fired: &mut Counts<Fault>) -> Self {
        let (clock, drifted) = NodeClock::draw(mix, random);
        if let Some(fault) = drifted {
            fired.add(fault);
        }
        Self {
            node: None,
            incarnation: 0,
            clock,
            disk: Disk::default(),
            disk_lost: false,
            coordinator: Coordinator::default(),
            write_failed: false,
            paused: None,
            control_cut_until_us: 0,
            leads: None,
            knows: None,
            leader_well_us: 0,
            recovered_us: 0,
            reader_at: Lsn::new(1, 0),
            snapshot: Lsn::new(1, 0),
            kept: None,
        }
    }

    /// Whether a new epoch may be put on its store.
    pub(crate) fn is_healthy(&self, now_us: u64) -> bool {
        self.node.is_some()
            && !self.disk_lost
            && !self.write_failed
            && self.disk.takes_writes(now_us)
    }
}

impl<N: Node> World<N> {
    /// Something reached a node. What reaches a node that is down is lost; what reaches a paused one
    /// waits.
    pub(crate) fn received(&mut self, from: Number, to: Number, wire: Wire<N::Message>) {
        if let Some(waiting) = &mut self.hosts[to].paused {
            waiting.push(Happening::Arrival { from, to, wire });
            return;
        }
        self.trace.step(
            self.now_us,
            [1, to as u64, from as u64],
            format_args!("n{to} <- n{from} {wire:?}"),
        );
        if self.hosts[to].node.is_none() {
            if let Wire::Append(append) = wire {
                self.send(to, from, Wire::Answer(append.request, Answer::NotLeader(None)));
            }
            return;
        }
        match wire {
            Wire::Message(message) => self.step(to, Event::Received(from, message)),
            Wire::Append(append) => self.step(to, Event::Append(append)),
            Wire::Tail(request) => self.step(to, Event::Tail(request)),
            Wire::Ping => {
                let pong = Wire::Pong(self.hosts[to].incarnation, self.hosts[to].leads);
                self.send(to, from, pong);
            }
            Wire::Pong(incarnation, leads) => self.heard_from(to, (from, incarnation), leads),
            Wire::Answer(..) | Wire::AnswerTail(..) => {}
        }
    }

    /// Hands an event to a node and does what it wants done. A crash may come between two effects.
    pub(crate) fn step(&mut self, node: Number, event: Event<N>) {
        let host = &mut self.hosts[node];
        let now = host.clock.read(self.now_us);
        let Some(machine) = &mut host.node else { return };
        let mut effects = Vec::new();
        machine.step(now, event, &mut effects);
        for effect in effects {
            if self.random.chance(self.mix.rate(Fault::NodeCrashedMidStep)) {
                self.fired.add(Fault::NodeCrashedMidStep);
                self.crash(node);
            }
            if self.hosts[node].node.is_none() {
                return;
            }
            self.apply(node, effect);
        }
        self.begin_sync(node);
    }

    fn apply(&mut self, node: Number, effect: Effect<N>) {
        let incarnation = self.hosts[node].incarnation;
        match effect {
            Effect::Send(to, message) => self.send(node, to, Wire::Message(message)),
            Effect::Write(token, frame) => self.write(node, token, frame),
            Effect::Read { token, from, to, max_bytes } => {
                let read = Read { token, from, to, max_bytes };
                let delay_us = self.random.between(READ_US.0, READ_US.1);
                self.after(delay_us, Happening::ReadEnd { node, incarnation, read });
            }
            Effect::SetTimer(delay_ms, timer) => {
                let at_us = self.hosts[node].clock.after_ms(self.now_us, delay_ms);
                self.at(at_us, Happening::Timer { node, incarnation, timer });
            }
            Effect::Answer(request, answer) => {
                let client = self.hosts.len() + (request.0 >> 32) as usize;
                self.send(node, client, Wire::Answer(request, answer));
            }
            Effect::AnswerTail(request, tail) => {
                let client = self.hosts.len() + (request.0 >> 32) as usize;
                self.send(node, client, Wire::AnswerTail(request, tail));
            }
            Effect::ReadControl => self.ask_control(node, None),
            Effect::Propose(command) => self.ask_control(node, Some(command)),
            Effect::DropBelow(trim_point) => self.drop_below(node, trim_point),
            Effect::Keep(covered, kept) => {
                let host = &mut self.hosts[node];
                debug_assert!(covered <= host.reader_at, "a view covers what it has read");
                // A view that reads anew covers less for a while, but has what it had.
                if covered >= host.snapshot {
                    host.snapshot = covered;
                    host.kept = Some(kept);
                }
            }
            Effect::Saw(sight) => self.saw(node, sight),
        }
    }

    /// A read of the disk ends. It finds what is there by now.
    pub(crate) fn read_ended(&mut self, node: Number, incarnation: u64, read: Read) {
        let host = &mut self.hosts[node];
        if host.incarnation != incarnation || host.node.is_none() {
            return;
        }
        if let Some(waiting) = &mut host.paused {
            waiting.push(Happening::ReadEnd { node, incarnation, read });
            return;
        }
        let frames = host.disk.read(read.from, read.to, read.max_bytes);
        self.trace.step(
            self.now_us,
            [9, node as u64, read.token],
            format_args!("n{node} read {} records from {}", frames.len(), read.from),
        );
        self.step(node, Event::Read(read.token, frames));
    }

    fn write(&mut self, node: Number, token: u64, frame: N::Frame) {
        if self.hosts[node].disk.write(self.now_us, token, frame).is_err() {
            self.hosts[node].write_failed = true;
            self.step(node, Event::WriteFailed(token));
        }
    }

    fn drop_below(&mut self, node: Number, trim_point: Lsn) {
        if self.hosts[node].disk.drop_below(trim_point) > 0 {
            self.covered.add(Branch::Trimmed);
        }
        if trim_point > self.auditor.trim_point() {
            let what = format!("node {node} dropped records below {trim_point}, not trimmed");
            self.auditor.broken(Invariant::I8, what);
        }
    }

    fn begin_sync(&mut self, node: Number) {
        let host = &mut self.hosts[node];
        let incarnation = host.incarnation;
        let ends = host.disk.begin_sync(self.now_us, &self.mix, &mut self.random, &mut self.fired);
        if let Some(at_us) = ends {
            self.at(at_us, Happening::SyncEnd { node, incarnation });
        }
    }

    pub(crate) fn sync_ended(&mut self, node: Number, incarnation: u64) {
        let host = &mut self.hosts[node];
        if host.incarnation != incarnation || host.node.is_none() {
            return;
        }
        if let Some(waiting) = &mut host.paused {
            waiting.push(Happening::SyncEnd { node, incarnation });
            return;
        }
        let durable_before = host.disk.synced().len();
        self.trace.step(self.now_us, [2, node as u64, incarnation], format_args!("n{node} synced"));
        match host.disk.end_sync(&self.mix, &mut self.random, &mut self.fired) {
            Ok(tokens) => {
                self.audit_durable(node, durable_before);
                for token in tokens {
                    self.step(node, Event::Written(token));
                }
            }
            Err(failed) => {
                host.write_failed = true;
                for token in failed.0 {
                    self.step(node, Event::WriteFailed(token));
                }
            }
        }
        self.begin_sync(node);
    }

    /// Tells the auditor of frames that have become durable, from the given one on.
    fn audit_durable(&mut self, node: Number, from: usize) {
        for (lsn, fingerprint) in self.hosts[node].disk.records_from(from) {
            self.auditor.durable(node, lsn, fingerprint);
        }
    }

    pub(crate) fn timer_ran_out(&mut self, node: Number, incarnation: u64, timer: N::Timer) {
        let host = &mut self.hosts[node];
        if host.incarnation != incarnation {
            return;
        }
        if let Some(waiting) = &mut host.paused {
            waiting.push(Happening::Timer { node, incarnation, timer });
            return;
        }
        self.trace.step(self.now_us, [3, node as u64, 0], format_args!("n{node} timer {timer:?}"));
        self.step(node, Event::Timer(timer));
    }

    fn saw(&mut self, node: Number, sight: Sight) {
        match sight {
            Sight::Leads(epoch) => {
                let incarnation = self.hosts[node].incarnation;
                self.auditor.leads(epoch, (node, incarnation));
                if self.hosts.iter().any(|host| host.leads.is_some_and(|other| other < epoch)) {
                    self.covered.add(Branch::TwoLeaders);
                }
                self.hosts[node].leads = Some(epoch);
            }
            Sight::SteppedDown(epoch) => {
                let host = &mut self.hosts[node];
                host.leads.take_if(|led| *led == epoch);
            }
            Sight::Announced(epoch, tail) => self.auditor.announced(epoch, tail),
            Sight::Given(lsn, fingerprint) => {
                let next = Lsn { epoch: lsn.epoch, offset: Offset(lsn.offset.0 + 1) };
                let place = std::mem::replace(&mut self.hosts[node].reader_at, next);
                self.auditor.given(node, place, lsn, fingerprint);
            }
            Sight::GoesTo(place) => {
                self.hosts[node].reader_at = place;
                self.auditor.goes_to(node, place, self.hosts[node].snapshot);
            }
            Sight::Lost(from, to) => self.auditor.told_lost(node, from, to),
            Sight::Branch(branch) => self.covered.add(branch),
        }
    }

    /// Stops a node's process at once. It comes up again by itself.
    pub(crate) fn crash(&mut self, node: Number) {
        self.trace.step(self.now_us, [6, node as u64, 0], format_args!("n{node} crashes"));
        let host = &mut self.hosts[node];
        let durable_before = host.disk.synced().len();
        host.node = None;
        host.leads = None;
        host.paused = None;
        host.disk.crash(&self.mix, &mut self.random, &mut self.fired);
        host.coordinator.crash(self.coordination.crash_seed());
        self.audit_durable(node, durable_before);
        self.damage(node);
        let down_us = self.random.between(5_000, 800_000);
        self.after(down_us, Happening::Restart(node));
    }

    /// Starts a node that is down, as a new incarnation.
    pub(crate) fn restart(&mut self, node: Number) {
        let host = &mut self.hosts[node];
        if host.node.is_some() {
            return;
        }
        host.incarnation += 1;
        host.write_failed = false;
        host.reader_at = host.snapshot;
        host.leader_well_us = self.now_us;
        let was_leader = host.knows.take().is_some_and(|view| view.leader.0 == node);
        if was_leader {
            self.covered.add(Branch::LeaderRestarted);
        }
        let disk = if host.disk_lost { DiskFound::Lost } else { DiskFound::Registered };
        let (incarnation, settings, snapshot) =
            (host.incarnation, &self.plan.settings, host.snapshot);
        self.trace.step(
            self.now_us,
            [7, node as u64, incarnation],
            format_args!("n{node} starts as incarnation {incarnation}, disk {disk:?}"),
        );
        let (frames, kept) = (host.disk.synced(), host.kept.as_ref());
        let rules = self.rules;
        let start = Start { rules, node, incarnation, settings, disk, frames, snapshot, kept };
        host.node = Some(N::start(&start));
        self.step(node, Event::Started);
    }

    /// Lets a paused node go on with all that waited for it.
    pub(crate) fn resume(&mut self, node: Number) {
        if let Some(waiting) = self.hosts[node].paused.take() {
            self.trace.step(self.now_us, [8, node as u64, 0], format_args!("n{node} goes on"));
            for happening in waiting {
                self.at(self.now_us, happening);
            }
        }
    }
}
