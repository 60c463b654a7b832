//! What a node is to the world: events in, effects out, nothing else. The world knows no protocol;
//! whoever implements [`Node`] composes one out of the machines that run on a node.

use crate::{
    client::{Answer, AppendRequest, Request},
    clock::Reading,
    coverage::Branch,
    disk::Slot,
    network::Node as Number,
    numbers::Numbering,
    plan::Settings,
};
use std::fmt;
use varve_types::{Epoch, Lsn, Offset};

/// A node of the simulated cluster: a store, and a leader, recoveries and a reader when it is time.
pub trait Node: Sized {
    /// What nodes send each other.
    type Message: Clone + fmt::Debug;
    /// What a store writes to its journal.
    type Frame: Frame;
    /// What a timer is set for.
    type Timer: Clone + fmt::Debug;
    /// The partition's list of epochs.
    type Control: Control;
    /// By which rules a run's nodes go: a right one, or one that is broken.
    type Rules: Copy + fmt::Debug;
    /// What a node keeps with its view's snapshot, elsewhere than on its disk.
    type Snapshot: Clone + fmt::Debug;

    /// Control's list with its first epoch open.
    fn first_control(
        rules: Self::Rules,
        settings: &Settings,
        leader: (Number, u64),
        stores: &[Number],
    ) -> Self::Control;

    /// By which rules its coordinator goes.
    fn numbering(rules: Self::Rules) -> Numbering;

    /// A node as it comes up: nothing in memory but what the disk held.
    fn start(start: &Start<'_, Self>) -> Self;

    /// Takes one event, and adds what is to be done about it.
    fn step(&mut self, now: Reading, event: Event<Self>, effects: &mut Vec<Effect<Self>>);
}

/// A frame as the world sees it.
pub trait Frame: Clone {
    /// Which record it holds, with [`crate::client::fingerprint`] of it; `None` for a frame that
    /// holds no record.
    fn record(&self) -> Option<(Lsn, u64)>;

    /// What it takes on the disk.
    fn size_bytes(&self) -> u64;
}

/// The epoch list, as one linearizable register that applies commands by compare-and-set.
pub trait Control: Clone + fmt::Debug {
    /// What is proposed.
    type Command: Clone + fmt::Debug;

    /// Applies a command, or leaves the list as it was and says why.
    fn apply(&mut self, command: &Self::Command) -> Result<(), String>;

    /// Everything before is covered by the snapshots of all views.
    fn trim_point(&self) -> Lsn;

    /// Everything from there on was asked to be kept, and not released; `None` if nobody asks.
    fn held_from(&self) -> Option<Lsn>;

    /// The epochs so far, in order. The last one is open.
    fn epochs(&self) -> Vec<EpochView>;
}

/// One epoch of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochView {
    /// Its number.
    pub epoch: Epoch,
    /// Its leader: node and incarnation.
    pub leader: (Number, u64),
    /// Its stores.
    pub stores: Vec<Number>,
    /// Durable copies before a record counts as stored.
    pub write_quorum: u32,
    /// Its length, once closed.
    pub end: Option<Offset>,
}

/// What a node is started with.
#[derive(Debug)]
pub struct Start<'a, N: Node> {
    /// The run's.
    pub rules: N::Rules,
    /// Its number.
    pub node: Number,
    /// Higher than all before.
    pub incarnation: u64,
    /// The cluster's.
    pub settings: &'a Settings,
    /// Whether the disk is the one that was registered.
    pub disk: DiskFound,
    /// What is on it.
    pub frames: &'a [Slot<N::Frame>],
    /// Its view's newest snapshot covers everything before.
    pub snapshot: Lsn,
    /// What was kept with that.
    pub kept: Option<&'a N::Snapshot>,
}

/// Whether a registered store found its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFound {
    /// It carries the store's id.
    Registered,
    /// It is empty, though the store was registered before: *data-loss* (log-core, section 6).
    Lost,
}

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Event<N: Node> {
    /// It came up. The first event.
    Started,
    /// A message arrived.
    Received(Number, N::Message),
    /// The write with this token, and all before it, are durable.
    Written(u64),
    /// The write with this token was refused, or its sync failed: it is stored, or not.
    WriteFailed(u64),
    /// The answer to [`Effect::Read`] with this token: records from there on, as far as they are there.
    Read(u64, Vec<N::Frame>),
    /// A timer ran out.
    Timer(N::Timer),
    /// A client wants to append.
    Append(AppendRequest),
    /// A client asks for the linearizable tail.
    Tail(Request),
    /// Control's list now, in answer to [`Effect::ReadControl`] or [`Effect::Propose`].
    Control(N::Control),
    /// The leader is suspected, or shall move: recover the last epoch and lead the next one with
    /// these stores.
    Recover(Vec<Number>),
    /// Its reader begins again, at the trim point.
    ReadFromStart,
    /// Its view makes a snapshot of all that it has read.
    Snapshot,
}

/// What a node wants done, in order.
#[derive(Clone, Debug)]
pub enum Effect<N: Node> {
    /// Send a message; it may be lost.
    Send(Number, N::Message),
    /// Write a frame, and tell by this token when it is durable.
    Write(u64, N::Frame),
    /// Read records from the disk.
    Read {
        /// By which the answer is known.
        token: u64,
        /// The first.
        from: Lsn,
        /// The first that is not wanted.
        to: Lsn,
        /// No more once so many bytes are gathered, but one.
        max_bytes: u64,
    },
    /// Wake me in so many milliseconds, by my own clock.
    SetTimer(u64, N::Timer),
    /// Answer a client's append.
    Answer(Request, Answer),
    /// Answer a client's question for the tail.
    AnswerTail(Request, Lsn),
    /// Read control's list.
    ReadControl,
    /// Propose a command to control. Answered with the list as it is then.
    Propose(<N::Control as Control>::Command),
    /// Drop records before this place from the disk.
    DropBelow(Lsn),
    /// The view has a snapshot that covers everything before: keep this with it.
    Keep(Lsn, N::Snapshot),
    /// Nothing to do; for the world to know.
    Saw(Sight),
}

/// What a node did, told to whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It leads this epoch from now on.
    Leads(Epoch),
    /// It does not lead any more.
    SteppedDown(Epoch),
    /// It says that everything below is committed.
    Announced(Epoch, Offset),
    /// Its reader was given a record, with the record's fingerprint.
    Given(Lsn, u64),
    /// Its reader goes on at another place, for what is before is trimmed, or is to be read again.
    GoesTo(Lsn),
    /// Its reader was told that records are lost, from and up to.
    Lost(Lsn, Lsn),
    /// It went through a branch that shall be covered.
    Branch(Branch),
}
