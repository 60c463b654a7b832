//! The epoch list as the world keeps it.

use super::{Mutant, incarnation, node_id};
use crate::{
    network::Node as Number,
    node::{Control, EpochView},
    plan::Settings,
};
use std::{collections::BTreeMap, sync::Arc};
use varve_log::protocol::{
    Advance, Command, CommandRefused, EpochEntry, EpochList, HolderName, NodeId, Nodeset, Snapshot,
};
use varve_types::Lsn;

/// The log's list behind one register.
#[derive(Clone, Debug)]
pub struct DlogControl {
    mutant: Mutant,
    pub(super) list: Arc<EpochList>,
    /// What was held and is not released: noted apart from the list, which is what is checked.
    held: BTreeMap<HolderName, Lsn>,
}

/// What a node's view keeps elsewhere.
pub(super) fn snapshot(node: Number) -> Snapshot {
    Snapshot { holder: format!("view of n{node}").into(), location: "kept".into() }
}

/// A copy that a node makes, for which records have to stay.
pub(super) fn copy(node: Number) -> HolderName {
    format!("copy of n{node}").into()
}

/// Stores of an epoch: N of them get a copy, or all where there are fewer.
pub(super) fn nodeset(settings: &Settings, stores: &[Number]) -> Option<Nodeset> {
    let ids: Vec<NodeId> = stores.iter().map(|&store| node_id(store)).collect();
    let replication_factor = settings.replication_factor.min(ids.len()) as u32;
    Nodeset::new(&ids, settings.write_quorum as u32, replication_factor).ok()
}

impl DlogControl {
    /// The list with its first epoch open; every node's view holds all of the log.
    pub(super) fn first(
        mutant: Mutant,
        settings: &Settings,
        leader: (Number, u64),
        stores: &[Number],
    ) -> Self {
        let nodeset = nodeset(settings, stores).expect("a plan's first stores are enough");
        let mut list = EpochList::first(incarnation(leader), nodeset);
        for node in 0..settings.nodes {
            let held = Command::Covered(snapshot(node), Lsn::new(1, 0));
            list.apply(&held).expect("nothing is trimmed yet");
        }
        Self { mutant, list: Arc::new(list), held: BTreeMap::new() }
    }
}

impl DlogControl {
    fn note_hold(&mut self, command: &Command) {
        match command {
            Command::Hold(name, from) => drop(self.held.insert(name.clone(), *from)),
            Command::Release(name) => drop(self.held.remove(name)),
            Command::Advance(_) | Command::Covered(..) => {}
        }
    }
}

impl Control for DlogControl {
    type Command = Command;

    fn apply(&mut self, command: &Command) -> Result<(), String> {
        let list = Arc::make_mut(&mut self.list);
        let applied = match command {
            Command::Covered(_, up_to) if self.mutant == Mutant::TrimsForOneView => {
                let holders: Vec<HolderName> = list.holders().keys().cloned().collect();
                holders.into_iter().try_for_each(|holder| {
                    let location = "kept".into();
                    list.apply(&Command::Covered(Snapshot { holder, location }, *up_to))
                })
            }
            Command::Covered(..) if self.mutant == Mutant::TrimsPastHolds => {
                let holds = self.held.keys();
                let mut released = holds.cloned().map(Command::Release);
                let forgotten = released.try_for_each(|it| list.apply(&it));
                forgotten.and_then(|()| list.apply(command))
            }
            _ => list.apply(command),
        };
        let refused = match applied {
            Ok(()) => {
                self.note_hold(command);
                return Ok(());
            }
            Err(refused) => refused,
        };
        match (command, &refused) {
            (Command::Advance(late), CommandRefused::NotOpen { .. })
                if self.mutant == Mutant::ControlIgnoresVersion =>
            {
                self.list = Arc::new(overwritten(list, late));
                Ok(())
            }
            _ => Err(refused.to_string()),
        }
    }

    fn trim_point(&self) -> Lsn {
        self.list.trim_point()
    }

    fn held_from(&self) -> Option<Lsn> {
        self.held.values().copied().min()
    }

    fn epochs(&self) -> Vec<EpochView> {
        self.list.epochs().map(view).collect()
    }
}

fn view(entry: &EpochEntry) -> EpochView {
    EpochView {
        epoch: entry.epoch,
        leader: (entry.leader.node.0 as Number, entry.leader.number),
        stores: entry.nodeset.stores().iter().map(|store| store.0 as Number).collect(),
        write_quorum: entry.nodeset.write_quorum() as u32,
        end: entry.end,
    }
}

/// The list with an epoch's end as whoever came too late would have it.
fn overwritten(list: &EpochList, late: &Advance) -> EpochList {
    let with_end = |mut entry: EpochEntry| {
        if entry.epoch == late.close {
            entry.end = Some(late.end);
        }
        entry
    };
    rebuilt(list, with_end)
}

/// The list with changed entries.
pub(super) fn rebuilt(list: &EpochList, change: impl Fn(EpochEntry) -> EpochEntry) -> EpochList {
    let epochs = list.epochs().cloned().map(change).collect();
    let (version, holders, trim_point) =
        (list.version(), list.holders().clone(), list.trim_point());
    EpochList::from_parts(version, epochs, holders, trim_point).expect("a list with other entries")
}
