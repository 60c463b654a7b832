//! What happens to a partition on a node, and what it wants done.

use std::{fmt, sync::Arc};
use varve_types::{Epoch, Lsn, Offset};

use super::{
    control::{Command, EpochList},
    known_producers::KnownProducers,
    message::{Asker, Frame, Message, ReaderId},
    quorum::{Incarnation, NodeId, Nodeset},
    record::Record,
};

/// A request of a client, named by whoever drives the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A write; they count up, and become durable in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteToken(pub u64);

/// A read of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadToken(pub u64);

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The node came up. The first event.
    Started,
    /// A message arrived; also one to itself.
    Received(NodeId, Message),
    /// The write with this token, and all before it, are durable.
    Written(WriteToken),
    /// The write with this token was refused, or its sync failed: it is stored, or not. The store takes
    /// no more writes before a restart has looked.
    WriteFailed(WriteToken),
    /// The journal's answer to [`Effect::Read`]: records from there on without a gap, at least one
    /// unless the first one is damaged.
    Read(ReadToken, Vec<Record>),
    /// The record there turned out to be damaged.
    Damaged(Lsn),
    /// A timer ran out.
    Timer(Timer),
    /// A client wants to append. The record's append time is set by the leader.
    Append(RequestId, Record),
    /// A client asks for the linearizable tail.
    Tail(RequestId),
    /// Control's list now, in answer to [`Effect::ReadControl`] or [`Effect::Propose`], or since it
    /// changed.
    Control(Arc<EpochList>),
    /// The leader is suspected, or shall move: recover the last epoch and lead the next one on these
    /// stores.
    Recover(Nodeset),
    /// Begin to read, or begin again elsewhere; no more than so many bytes ahead.
    Subscribe {
        /// Its name.
        reader: ReaderId,
        /// The first place wanted.
        from: Lsn,
        /// Bytes of records that may be given before more are granted.
        credit_bytes: u64,
    },
    /// A subscription may be given so many bytes more.
    Grant(ReaderId, u64),
    /// End of a subscription.
    Unsubscribe(ReaderId),
    /// The newest snapshot of the producers, in answer to [`Effect::NeedProducers`].
    Producers(Box<KnownProducers>),
    /// The node has too many keys of requests: the newest stay, so many.
    ForgetKeys {
        /// How many.
        keep: u32,
    },
}

/// What is to be done, in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a message; it may be lost. One to the own node must come back as an event, in order.
    Send(NodeId, Message),
    /// Write a frame, and tell by this token when it is durable.
    Write(WriteToken, Frame),
    /// Read records of [from, to) from the journal: all of them are durable there. No more once
    /// `max_bytes` are gathered, but at least one.
    Read {
        /// By which the answer is known.
        token: ReadToken,
        /// Of which epoch.
        epoch: Epoch,
        /// The first.
        from: Offset,
        /// The first that is not wanted.
        to: Offset,
        /// Bytes of payload.
        max_bytes: u64,
    },
    /// Wake me in so many milliseconds.
    SetTimer(u64, Timer),
    /// A client's append came to an end.
    Complete(RequestId, Outcome),
    /// Answer a client's question for the tail; `None`: this node cannot tell, ask another.
    CompleteTail(RequestId, Option<Lsn>),
    /// Read control's list.
    ReadControl,
    /// Propose a command to control. Answered with the list as it is then.
    Propose(Command),
    /// Drop records before this place from the journal. What must outlive them is written anew.
    DropBelow(Lsn),
    /// Records for a subscription, from this place on without a gap.
    Given(ReaderId, Lsn, Vec<Record>),
    /// No store has the records from and up to here any more, though they were committed: for a
    /// subscription, or a new leader that did not learn their producers. Reading goes on behind them.
    Lost(Asker, Lsn, Lsn),
    /// What a subscription asks for is trimmed up to here: take a snapshot, and subscribe from its place.
    Trimmed(ReaderId, Lsn),
    /// A new leader's producers end before the trim point, given here: answer with the newest snapshot
    /// of them.
    NeedProducers(Lsn),
    /// It leads this epoch from now on.
    Leads(Epoch),
    /// It does not lead any more.
    SteppedDown(Epoch),
    /// Everything of the epoch it leads below this offset is committed.
    Committed(Epoch, Offset),
    /// A recovery found where this epoch ends. It brings what is kept to W copies, then asks control.
    Closing {
        /// Which.
        epoch: Epoch,
        /// What is before was known as committed.
        committed: Offset,
        /// Its end.
        end: Offset,
    },
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored there now.
    Stored(Lsn),
    /// It was stored before, there.
    Duplicate(Lsn),
    /// It was stored and acknowledged, too long ago to know where. Safe to drop.
    DuplicateTooOld,
    /// Records of the session before it are missing. Nothing is stored.
    OutOfSequence {
        /// The number that comes next.
        expected: u64,
    },
    /// The session is not known here, and this is not its first record. Nothing is stored.
    UnknownSession,
    /// Another node leads, as far as this one knows. Nothing is stored.
    NotLeader(Option<Incarnation>),
    /// The window is full. Nothing is stored.
    Overloaded(TooMuch),
    /// The leader stopped: it may be stored or not. Send it again, with the same session and number or
    /// the same key, to the new leader.
    Unknown,
}

/// Why an append was refused for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// In flight now.
    pub in_flight_bytes: u64,
    /// When room is likely.
    pub retry_after_ms: u64,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A leader says its committed tail alone.
    Announce(Epoch),
    /// A leader looks at what is in flight.
    Resend(Epoch),
    /// A leader repeats its committed tail, for stores that missed it.
    Idle(Epoch),
    /// A recovery asks again.
    Recovery(Epoch),
    /// A reader asks again.
    Reader(Asker),
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(lsn) => write!(formatter, "stored at {lsn}"),
            Self::Duplicate(lsn) => write!(formatter, "stored before, at {lsn}"),
            Self::DuplicateTooOld => {
                formatter.write_str("stored before, too long ago to know where")
            }
            Self::OutOfSequence { expected } => {
                write!(formatter, "out of sequence: {expected} comes next")
            }
            Self::UnknownSession => formatter.write_str("the session is not known"),
            Self::NotLeader(Some(leader)) => write!(formatter, "{} leads", leader.node),
            Self::NotLeader(None) => formatter.write_str("not the leader"),
            Self::Overloaded(TooMuch { in_flight_bytes, retry_after_ms }) => write!(
                formatter,
                "{in_flight_bytes} bytes are in flight; send again in {retry_after_ms} ms"
            ),
            Self::Unknown => formatter.write_str("the leader stopped; stored or not"),
        }
    }
}
