//! Control: one linearizable register that nodes read and propose to. It may not answer.

use crate::{
    coverage::Branch,
    faults::Fault,
    network::Node as Number,
    node::{Control, EpochView, Event, Node},
    world::{Happening, World},
};

/// How long control takes for an answer, in microseconds.
const CONTROL_US: (u64, u64) = (500, 8_000);

impl<N: Node> World<N> {
    /// Sends a read, or a command, to control.
    pub(crate) fn ask_control(
        &mut self,
        node: Number,
        command: Option<<N::Control as Control>::Command>,
    ) {
        let incarnation = self.hosts[node].incarnation;
        let delay_us = self.random.between(CONTROL_US.0, CONTROL_US.1);
        self.after(delay_us, Happening::ControlAsked { node, incarnation, command });
    }

    pub(crate) fn control_asked(
        &mut self,
        node: Number,
        incarnation: u64,
        command: Option<&<N::Control as Control>::Command>,
    ) {
        if self.now_us < self.hosts[node].control_cut_until_us {
            return;
        }
        if let Some(command) = command {
            let applied = self.control.apply(command);
            self.trace.step(
                self.now_us,
                [4, node as u64, u64::from(applied.is_ok())],
                format_args!("control <- n{node} {command:?}: {applied:?}"),
            );
            self.audit_control();
            if self.random.chance(self.mix.rate(Fault::ControlAnswerLost)) {
                self.fired.add(Fault::ControlAnswerLost);
                return;
            }
        }
        let delay_us = self.random.between(CONTROL_US.0, CONTROL_US.1);
        let list = self.control.clone();
        self.after(delay_us, Happening::ControlAnswer { node, incarnation, list });
    }

    pub(crate) fn control_answered(&mut self, node: Number, incarnation: u64, list: N::Control) {
        let host = &mut self.hosts[node];
        if host.incarnation != incarnation || host.node.is_none() {
            return;
        }
        if let Some(waiting) = &mut host.paused {
            waiting.push(Happening::ControlAnswer { node, incarnation, list });
            return;
        }
        let newest = list.epochs().pop();
        if host.knows.as_ref().map(|view| view.epoch) < newest.as_ref().map(|view| view.epoch) {
            host.knows = newest;
            host.leader_well_us = self.now_us;
        }
        self.trace.step(
            self.now_us,
            [5, node as u64, 0],
            format_args!("n{node} <- control {:?}", list.epochs().last()),
        );
        self.step(node, Event::Control(list));
    }

    /// Compares control's list with what was seen of it before.
    pub(crate) fn audit_control(&mut self) {
        let mut before: Option<EpochView> = None;
        for view in self.control.epochs() {
            if self.auditor.epoch(view.epoch).is_none() {
                let stores = view.stores.iter().fold(0, |bits, store| bits | 1 << store);
                self.auditor.opened(view.epoch, view.leader, stores, view.write_quorum);
                if let Some(before) = before {
                    self.covered.add(Branch::EpochOpened);
                    if before.stores != view.stores {
                        self.covered.add(Branch::StoresChanged);
                    }
                }
            }
            if let Some(end) = view.end {
                self.auditor.closed(self.now_us, view.epoch, end);
            }
            before = Some(view);
        }
        let covered = self.hosts.iter().map(|host| host.snapshot).min().unwrap_or_default();
        let held = self.control.held_from();
        if held.is_some_and(|held| held < covered) {
            self.covered.add(Branch::HeldBack);
        }
        let needed = held.map_or(covered, |held| held.min(covered));
        self.auditor.trimmed(self.control.trim_point(), needed);
    }
}
