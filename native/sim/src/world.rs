//! The world of one run: a queue of events in virtual time, and everything they happen to.

use crate::{
    client::{Answer, AppendRequest, Client, Request},
    counts::Counts,
    coverage::Branch,
    faults::{Fault, Mix},
    host::{Host, Read},
    invariants::{Auditor, Invariant},
    network::{Network, Node as Number},
    node::{Control, Node},
    numbers::Coordination,
    plan::Plan,
    queue::Queue,
    random::Random,
    trace::{Keep, Trace},
};
use std::collections::{BTreeMap, BTreeSet};
use varve_types::{Epoch, Lsn};

/// How long the cluster may take to serve everybody after the faults have stopped, in microseconds.
pub(crate) const SERVE_AGAIN_US: u64 = 20_000_000;

/// What may be on its way from one end to another.
#[derive(Clone, Debug)]
pub(crate) enum Wire<M> {
    /// Between two nodes' machines.
    Message(M),
    /// Are you there?
    Ping,
    /// I am this incarnation, and lead this epoch.
    Pong(u64, Option<Epoch>),
    /// From a client.
    Append(AppendRequest),
    /// From a client.
    Tail(Request),
    /// To a client.
    Answer(Request, Answer),
    /// To a client.
    AnswerTail(Request, Lsn),
}

/// What happens at a time.
#[derive(Clone, Debug)]
pub(crate) enum Happening<N: Node> {
    /// A message arrives at one end of a link.
    Arrival { from: Number, to: Number, wire: Wire<N::Message> },
    /// A node's running sync ends.
    SyncEnd { node: Number, incarnation: u64 },
    /// A node's read of its disk ends.
    ReadEnd { node: Number, incarnation: u64, read: Read },
    /// A node's timer runs out.
    Timer { node: Number, incarnation: u64, timer: N::Timer },
    /// A node's question reaches control.
    ControlAsked {
        node: Number,
        incarnation: u64,
        command: Option<<N::Control as Control>::Command>,
    },
    /// Control's answer reaches the node.
    ControlAnswer { node: Number, incarnation: u64, list: N::Control },
    /// A client goes on.
    ClientTurn(usize),
    /// A client gives up waiting.
    ClientTimeout(usize, Request),
    /// Somebody asks for the tail.
    TailTurn,
    /// A node's coordinator is asked for numbers.
    NumbersTurn(Number),
    /// Faults may come.
    FaultTurn,
    /// A node looks whether its leader is well.
    Detect(Number),
    /// A node that is down comes up.
    Restart(Number),
    /// A paused node goes on.
    Resume(Number),
    /// Faults stop.
    Heal,
}

/// Whether faults still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They do.
    Faults,
    /// They stopped at this time; the cluster must serve again.
    Healed { at_us: u64 },
    /// Everybody was served again.
    Served,
}

/// One run.
pub struct World<N: Node> {
    pub(crate) rules: N::Rules,
    pub(crate) now_us: u64,
    queue: Queue<Happening<N>>,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    /// The plan's, until faults stop.
    pub(crate) mix: Mix,
    pub(crate) network: Network,
    pub(crate) hosts: Vec<Host<N>>,
    pub(crate) control: N::Control,
    pub(crate) clients: Vec<Client>,
    /// Acknowledgements of each client when faults stopped.
    pub(crate) acknowledged_before: Vec<u64>,
    /// Stores whose data faults have destroyed.
    pub(crate) destroyed: BTreeSet<Number>,
    pub(crate) tails_asked: u64,
    pub(crate) tails: BTreeMap<Request, (u64, Option<Lsn>)>,
    pub(crate) coordination: Coordination,
    pub(crate) auditor: Auditor,
    pub(crate) trace: Trace,
    pub(crate) fired: Counts<Fault>,
    pub(crate) covered: Counts<Branch>,
    pub(crate) phase: Phase,
    /// What everybody must have read once faults have stopped.
    pub(crate) read_up_to: Option<Lsn>,
}

impl<N: Node> World<N> {
    /// The world of `seed` before anything happened.
    #[must_use]
    pub fn new(rules: N::Rules, seed: u64, keep: Keep) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let nodes = plan.settings.nodes;
        let mut fired = Counts::default();
        let hosts: Vec<Host<N>> =
            (0..nodes).map(|_| Host::new(&plan.mix, &mut random, &mut fired)).collect();
        let first = usize::from(!plan.settings.leader_stores_data);
        let healthy = (first..nodes).collect();
        let stores = plan.draw_stores(healthy, &mut random).unwrap_or_default();
        let control = N::first_control(rules, &plan.settings, (0, 1), &stores);
        let mut world = Self {
            rules,
            now_us: 0,
            queue: Queue::default(),
            mix: plan.mix.clone(),
            network: Network::default(),
            hosts,
            control,
            clients: (0..plan.clients).map(|client| Client::new(client as u64)).collect(),
            acknowledged_before: Vec::new(),
            destroyed: BTreeSet::new(),
            tails_asked: 0,
            tails: BTreeMap::new(),
            coordination: Coordination::new(seed),
            auditor: Auditor::default(),
            trace: Trace::new(keep),
            fired,
            covered: Counts::default(),
            phase: Phase::Faults,
            read_up_to: None,
            random,
            plan,
        };
        world.audit_control();
        world.set_out();
        world
    }

    fn set_out(&mut self) {
        for node in 0..self.hosts.len() {
            self.at(0, Happening::Restart(node));
            let detect_us = self.random.between(50_000, 150_000);
            self.at(detect_us, Happening::Detect(node));
        }
        for client in 0..self.clients.len() {
            let turn_us = self.random.between(1_000, 50_000);
            self.at(turn_us, Happening::ClientTurn(client));
        }
        self.begin_numbers();
        self.at(60_000, Happening::TailTurn);
        self.at(50_000, Happening::FaultTurn);
        self.at(self.plan.faults_us, Happening::Heal);
    }

    /// Lets everything happen, until everybody was served again after the faults, or an invariant
    /// broke.
    pub fn run(&mut self) {
        while self.phase != Phase::Served && self.auditor.violation().is_none() {
            let Some((at_us, happening)) = self.queue.take() else { break };
            debug_assert!(at_us >= self.now_us, "time goes on");
            self.now_us = at_us;
            self.happen(happening);
            self.check_served();
        }
        self.auditor.check_all_copies();
    }

    /// Puts something into the queue. What is put first happens first at equal times.
    pub(crate) fn at(&mut self, at_us: u64, happening: Happening<N>) {
        self.queue.put(at_us.max(self.now_us), happening);
    }

    /// Puts something into the queue, so many microseconds from now.
    pub(crate) fn after(&mut self, delay_us: u64, happening: Happening<N>) {
        self.at(self.now_us + delay_us, happening);
    }

    fn happen(&mut self, happening: Happening<N>) {
        match happening {
            Happening::Arrival { from, to, wire } if to >= self.hosts.len() => {
                self.client_received(from, to - self.hosts.len(), &wire);
            }
            Happening::Arrival { from, to, wire } => self.received(from, to, wire),
            Happening::SyncEnd { node, incarnation } => self.sync_ended(node, incarnation),
            Happening::ReadEnd { node, incarnation, read } => {
                self.read_ended(node, incarnation, read);
            }
            Happening::Timer { node, incarnation, timer } => {
                self.timer_ran_out(node, incarnation, timer);
            }
            Happening::ControlAsked { node, incarnation, command } => {
                self.control_asked(node, incarnation, command.as_ref());
            }
            Happening::ControlAnswer { node, incarnation, list } => {
                self.control_answered(node, incarnation, list);
            }
            Happening::ClientTurn(client) => self.client_turn(client),
            Happening::ClientTimeout(client, request) => {
                self.client_answered(client, request, Answer::Unknown);
            }
            Happening::TailTurn => self.tail_turn(),
            Happening::NumbersTurn(node) => self.numbers_turn(node),
            Happening::FaultTurn => self.fault_turn(),
            Happening::Detect(node) => self.detect(node),
            Happening::Restart(node) => self.restart(node),
            Happening::Resume(node) => self.resume(node),
            Happening::Heal => self.heal(),
        }
    }

    /// Sends over the network: from and to are nodes, or clients behind them.
    pub(crate) fn send(&mut self, from: Number, to: Number, wire: Wire<N::Message>) {
        let arrivals = self.network.send(
            self.now_us,
            (from, to),
            &self.mix,
            &mut self.random,
            &mut self.fired,
        );
        let [first, second] = arrivals;
        if let Some(at_us) = second {
            self.at(at_us, Happening::Arrival { from, to, wire: wire.clone() });
        }
        if let Some(at_us) = first {
            self.at(at_us, Happening::Arrival { from, to, wire });
        }
    }

    /// Ends the run once everybody was served again; calls it a violation if that takes too long.
    fn check_served(&mut self) {
        let Phase::Healed { at_us } = self.phase else { return };
        let appended = self
            .clients
            .iter()
            .zip(&self.acknowledged_before)
            .all(|(client, &before)| client.acknowledged() >= before + 3);
        let read = self.hosts.iter().all(|host| Some(host.reader_at) > self.read_up_to);
        if appended && read {
            self.phase = Phase::Served;
        } else if self.now_us > at_us + SERVE_AGAIN_US {
            let what = self.what_stands();
            self.auditor.broken(Invariant::Liveness, what);
        }
    }

    fn what_stands(&self) -> String {
        let acknowledged: Vec<u64> = self
            .clients
            .iter()
            .zip(&self.acknowledged_before)
            .map(|(client, before)| client.acknowledged() - before)
            .collect();
        let readers: Vec<Lsn> = self.hosts.iter().map(|host| host.reader_at).collect();
        let leaders: Vec<Option<Epoch>> = self.hosts.iter().map(|host| host.leads).collect();
        format!(
            "{} ms after the last fault, clients had {acknowledged:?} appends acknowledged; readers are at {readers:?} of {:?}; nodes lead {leaders:?}; control: {:?}",
            SERVE_AGAIN_US / 1_000,
            self.read_up_to,
            self.control.epochs().last()
        )
    }
}
