//! What clients do, and what they are answered.

use crate::{
    client::{Answer, Client, Request, Turn},
    coverage::Branch,
    network::Node as Number,
    node::Node,
    world::{Happening, Phase, Wire, World},
};

/// Virtual time between two questions for the tail, in microseconds.
const TAIL_TURN_US: (u64, u64) = (5_000, 80_000);
/// The client that asks for tails; it appends nothing.
const TAIL_CLIENT: u64 = 1_000;

impl<N: Node> World<N> {
    /// A client sends its next append.
    pub(crate) fn client_turn(&mut self, client: usize) {
        let again = self.clients[client].sends_again();
        let after = self.auditor.acknowledged_up_to();
        let bytes = self.plan.payload_max_bytes;
        match self.clients[client].turn(self.now_us, after, bytes, &mut self.random) {
            Turn::Wait(until_us) => self.at(until_us, Happening::ClientTurn(client)),
            Turn::Send(to, append, until_us) => {
                if again {
                    self.covered.add(Branch::AppendRetried);
                }
                self.at(until_us, Happening::ClientTimeout(client, append.request));
                self.send(self.hosts.len() + client, to, Wire::Append(append));
            }
        }
    }

    /// Something reached a client.
    pub(crate) fn client_received(&mut self, from: Number, client: usize, wire: &Wire<N::Message>) {
        match *wire {
            Wire::Answer(request, answer) => {
                self.trace.step(
                    self.now_us,
                    [20, client as u64, request.0],
                    format_args!("client {client} <- n{from} {request:?} {answer:?}"),
                );
                self.client_answered(client, request, answer);
            }
            Wire::AnswerTail(request, tail) => {
                if let Some((began_us, after)) = self.tails.remove(&request) {
                    self.covered.add(Branch::TailAnswered);
                    self.auditor.tail_answered(tail, began_us, after);
                }
            }
            _ => {}
        }
    }

    /// A client's append ended, one way or another.
    pub(crate) fn client_answered(&mut self, client: usize, request: Request, answer: Answer) {
        let nodes = self.hosts.len();
        let sender = &mut self.clients[client];
        let Some(ended) = sender.answered(request, answer, nodes, &mut self.random) else { return };
        if answer == Answer::Overloaded {
            self.covered.add(Branch::Overloaded);
        }
        if ended.unknown {
            self.covered.add(Branch::AppendUnknown);
        }
        if let Some(lsn) = ended.stored {
            self.auditor.appended(lsn, ended.fingerprint, ended.began_us, ended.after);
        }
        let pause_us = Client::pause_us(&ended, &mut self.random);
        self.after(pause_us, Happening::ClientTurn(client));
    }

    /// Somebody asks a node for the tail.
    pub(crate) fn tail_turn(&mut self) {
        if self.phase == Phase::Faults {
            let wait_us = self.random.between(TAIL_TURN_US.0, TAIL_TURN_US.1);
            self.after(wait_us, Happening::TailTurn);
        }
        self.tails_asked += 1;
        let request = Request(TAIL_CLIENT << 32 | self.tails_asked);
        let to = self.random.below(self.hosts.len() as u64) as Number;
        self.tails.insert(request, (self.now_us, self.auditor.acknowledged_up_to()));
        self.send(self.hosts.len() + TAIL_CLIENT as usize, to, Wire::Tail(request));
    }
}
