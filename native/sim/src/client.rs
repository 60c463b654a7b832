//! A client of the log: sends an append to the leader it knows, goes elsewhere when it is refused,
//! and sends the same record again when it does not know what became of it.

use crate::{network::Node, random::Random};
use bytes::Bytes;
use std::fmt;
use varve_types::Lsn;

/// How long a client waits for an answer before the append counts as unknown, in microseconds.
const ANSWER_TIMEOUT_US: (u64, u64) = (300_000, 1_500_000);
/// How long it waits between two appends, in microseconds.
const PAUSE_US: (u64, u64) = (0, 30_000);
/// How long it waits after a refusal, in microseconds.
const REFUSED_PAUSE_US: (u64, u64) = (5_000, 50_000);

/// One sending of one append. A record that is sent again is another request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(pub u64);

/// What a client sends.
#[derive(Clone, PartialEq, Eq)]
pub struct AppendRequest {
    /// By which the answer is known.
    pub request: Request,
    /// The client's session.
    pub session: u64,
    /// The record's number in it.
    pub seq: u64,
    /// The record's bytes, different for every (session, seq).
    pub payload: Bytes,
}

impl fmt::Debug for AppendRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {}#{}", self.request, self.session, self.seq)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "r{}.{}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// A number for a record's content; different for all records of a run, but for chance.
#[must_use]
pub fn fingerprint(payload: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    for &byte in payload {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    hash
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Stored at this place.
    Stored(Lsn),
    /// Another node leads, as far as the answering one knows.
    NotLeader(Option<Node>),
    /// The leader's window is full. Nothing is stored.
    Overloaded,
    /// It may be stored or not.
    Unknown,
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this to that node, and give up on the answer at that time.
    Send(Node, AppendRequest, u64),
    /// Wake it then.
    Wait(u64),
}

/// An append whose end its client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When the first sending began that may have stored it.
    pub began_us: u64,
    /// The highest place that had been acknowledged to anybody then.
    pub after: Option<Lsn>,
    /// Where it is stored; `None`: refused, or unknown.
    pub stored: Option<Lsn>,
    /// Its content.
    pub fingerprint: u64,
    /// Whether the client cannot tell.
    pub unknown: bool,
}

#[derive(Debug)]
struct Sent {
    request: Request,
    began_us: u64,
    after: Option<Lsn>,
    fingerprint: u64,
}

/// A client with at most one append on its way.
#[derive(Debug)]
pub struct Client {
    session: u64,
    seq: u64,
    requests: u64,
    leader: Node,
    sent: Option<Sent>,
    /// The record is sent again, since an earlier sending ended unknown.
    again: bool,
    /// When the record was sent first, and the highest place acknowledged to anybody then. A sending
    /// that was refused counts, too: a copy of it may still be on its way.
    first_sent: Option<(u64, Option<Lsn>)>,
    acknowledged: u64,
}

impl Client {
    /// A client that has sent nothing yet and believes node 0 to lead.
    #[must_use]
    pub fn new(session: u64) -> Self {
        let (seq, requests, leader, acknowledged) = (0, 0, 0, 0);
        let (sent, again, first_sent) = (None, false, None);
        Self { session, seq, requests, leader, sent, again, first_sent, acknowledged }
    }

    /// Appends it was told are stored.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether its next sending repeats an append that ended unknown.
    #[must_use]
    pub fn sends_again(&self) -> bool {
        self.again
    }

    /// Sends the next append, or the last one again. `after`: the highest place acknowledged to
    /// anybody so far.
    pub fn turn(
        &mut self,
        now_us: u64,
        after: Option<Lsn>,
        payload_max_bytes: u64,
        random: &mut Random,
    ) -> Turn {
        if self.sent.is_some() {
            return Turn::Wait(now_us + PAUSE_US.1);
        }
        self.requests += 1;
        let request = Request(self.session << 32 | self.requests);
        let (session, seq) = (self.session, self.seq);
        let payload = self.payload(payload_max_bytes);
        let fingerprint = fingerprint(&payload);
        let (began_us, after) = *self.first_sent.get_or_insert((now_us, after));
        self.sent = Some(Sent { request, began_us, after, fingerprint });
        let timeout_us = random.between(ANSWER_TIMEOUT_US.0, ANSWER_TIMEOUT_US.1);
        let append = AppendRequest { request, session, seq, payload };
        Turn::Send(self.leader, append, now_us + timeout_us)
    }

    /// The record's bytes: a function of (session, seq), so that the record sent again is the same.
    fn payload(&self, max_bytes: u64) -> Bytes {
        let mut random = Random::new(self.session << 32 | self.seq);
        let length = 16 + random.below(max_bytes.saturating_sub(15)) as usize;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&self.session.to_le_bytes());
        bytes.extend_from_slice(&self.seq.to_le_bytes());
        bytes.resize(length, self.seq as u8);
        Bytes::from(bytes)
    }

    /// Takes an answer. `None` if it is for a sending that was given up: late answers are dropped,
    /// as the connection they would come on is closed.
    pub fn answered(
        &mut self,
        request: Request,
        answer: Answer,
        nodes: usize,
        random: &mut Random,
    ) -> Option<Ended> {
        let sent = self.sent.take_if(|sent| sent.request == request)?;
        let Sent { began_us, after, fingerprint, .. } = sent;
        let mut ended = Ended { began_us, after, stored: None, fingerprint, unknown: false };
        match answer {
            Answer::Stored(lsn) => {
                ended.stored = Some(lsn);
                self.acknowledged += 1;
                self.seq += 1;
                self.again = false;
                self.first_sent = None;
            }
            Answer::NotLeader(leader) => self.go_to(leader, nodes, random),
            Answer::Overloaded => {}
            Answer::Unknown => {
                ended.unknown = true;
                self.again = true;
                self.go_to(None, nodes, random);
            }
        }
        Some(ended)
    }

    fn go_to(&mut self, leader: Option<Node>, nodes: usize, random: &mut Random) {
        let elsewhere = random.below(nodes as u64) as Node;
        self.leader = leader.filter(|&leader| leader != self.leader).unwrap_or(elsewhere);
    }

    /// When it goes on after the end of an append, in microseconds from then.
    pub fn pause_us(ended: &Ended, random: &mut Random) -> u64 {
        let (low, high) = if ended.stored.is_some() { PAUSE_US } else { REFUSED_PAUSE_US };
        random.between(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(turn: Turn) -> AppendRequest {
        match turn {
            Turn::Send(_, append, _) => append,
            Turn::Wait(until_us) => panic!("waits until {until_us} us"),
        }
    }

    #[test]
    fn an_append_that_ended_unknown_is_sent_again_with_the_same_bytes_as_another_request() {
        let (mut client, mut random) = (Client::new(3), Random::new(1));
        let first = sent(client.turn(0, None, 100, &mut random));
        let ended = client.answered(first.request, Answer::Unknown, 3, &mut random).unwrap();
        assert!(ended.unknown && client.sends_again());
        let second = sent(client.turn(9, None, 100, &mut random));
        assert_ne!(first.request, second.request);
        assert_eq!((first.seq, first.payload), (second.seq, second.payload));
    }

    #[test]
    fn an_answer_to_a_sending_that_was_given_up_is_dropped() {
        let (mut client, mut random) = (Client::new(3), Random::new(1));
        let first = sent(client.turn(0, None, 100, &mut random));
        client.answered(first.request, Answer::Unknown, 3, &mut random).unwrap();
        client.turn(9, None, 100, &mut random);
        let late = Answer::Stored(Lsn::new(1, 0));
        assert_eq!(client.answered(first.request, late, 3, &mut random), None);
        assert_eq!(client.acknowledged(), 0);
    }

    #[test]
    fn a_refused_append_goes_to_the_leader_that_was_named() {
        let (mut client, mut random) = (Client::new(3), Random::new(1));
        let first = sent(client.turn(0, None, 100, &mut random));
        client.answered(first.request, Answer::NotLeader(Some(2)), 3, &mut random).unwrap();
        let turn = client.turn(9, None, 100, &mut random);
        assert!(matches!(turn, Turn::Send(2, _, _)), "{turn:?}");
    }
}
