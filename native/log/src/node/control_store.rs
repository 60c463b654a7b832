//! Control of a node that is alone: the epoch lists of all partitions and the holds, in one small file. It answers as
//! a control group of many nodes would: commands are applied one after another, each only to the
//! version it was made for, and told after they are durable.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    fields::Fields,
    meta::{Meta, MetaError},
    protocol::{
        Command, CommandRefused, Control, EpochEntry, EpochList, Hold, HoldError, HoldTerms,
        Holder, HolderName, Incarnation, NodeId, Nodeset,
    },
    runtime::Disk,
};

const NAME: &str = "control";
const MAGIC: [u8; 8] = *b"VARVECTL";
/// Of an epoch that is open.
const NO_END: u64 = u64::MAX;

/// The epoch lists of this node's partitions, and the holds.
pub(super) struct ControlStore {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    control: Control,
}

impl ControlStore {
    /// Reads the lists; none if there is no file.
    pub(super) fn open(disk: Arc<dyn Disk>, data_dir: PathBuf) -> Result<Self, MetaError> {
        let meta = Meta::of(&*disk, &data_dir);
        let control = match meta.read(NAME, MAGIC)? {
            Some(body) => {
                decode(&body).ok_or_else(|| meta.damaged(NAME, &"its lists do not add up"))?
            }
            None => Control::default(),
        };
        Ok(Self { disk, data_dir, control })
    }

    /// All of it.
    pub(super) const fn control(&self) -> &Control {
        &self.control
    }

    /// A partition's list, if it has one.
    pub(super) fn list(&self, partition: PartitionId) -> Option<&Arc<EpochList>> {
        self.control.list(partition)
    }

    /// All partitions that have a list.
    pub(super) fn partitions(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.control.lists().keys().copied()
    }

    /// The newest life of this node that led anything.
    pub(super) fn newest_incarnation(&self) -> u64 {
        let lists = self.control.lists().values();
        let leaders = lists.flat_map(|list| list.epochs().map(|it| it.leader.number));
        leaders.max().unwrap_or_default()
    }

    /// Takes lists of partitions that have none here, as if they had been here before.
    pub(super) fn restore(
        &mut self,
        restored: Vec<(PartitionId, EpochList)>,
    ) -> Result<(), MetaError> {
        if restored.is_empty() {
            return Ok(());
        }
        let mut control = self.control.clone();
        for (partition, list) in restored {
            control.restore(partition, list);
        }
        self.replace(control)
    }

    /// Gives new partitions their first epoch; durable when it answers.
    pub(super) fn create(
        &mut self,
        partitions: &[PartitionId],
        leader: Incarnation,
        nodeset: &Nodeset,
    ) -> Result<(), MetaError> {
        let mut control = self.control.clone();
        for partition in partitions {
            control.create(*partition, leader, nodeset);
        }
        self.replace(control)
    }

    /// Applies commands, each to its partition's list: all that are applied are durable when it
    /// answers, together. On an error none is.
    pub(super) fn apply(
        &mut self,
        commands: &[(PartitionId, Command)],
    ) -> Result<Vec<Result<(), CommandRefused>>, MetaError> {
        let mut control = self.control.clone();
        let outcomes: Vec<_> = commands
            .iter()
            .filter_map(|(partition, command)| control.apply(*partition, command))
            .collect();
        if outcomes.iter().any(Result::is_ok) {
            self.replace(control)?;
        }
        Ok(outcomes)
    }

    /// Sets a hold; durable when it answers.
    pub(super) fn hold(
        &mut self,
        hold: &Hold,
        now_ms: i64,
    ) -> Result<Result<(), HoldError>, MetaError> {
        let mut control = self.control.clone();
        if let Err(refused) = control.hold(hold, now_ms) {
            return Ok(Err(refused));
        }
        self.replace(control).map(Ok)
    }

    /// Lets a hold go; answers whether there was one.
    pub(super) fn release(&mut self, name: &str) -> Result<bool, MetaError> {
        let mut control = self.control.clone();
        let released = control.release(name);
        if released {
            self.replace(control)?;
        }
        Ok(released)
    }

    /// Lets go the holds that are too old; answers whether there were any.
    pub(super) fn expire(&mut self, now_ms: i64) -> Result<bool, MetaError> {
        if self.control.next_expiry_ms(now_ms) != Some(0) {
            return Ok(false);
        }
        let mut control = self.control.clone();
        control.expire(now_ms);
        self.replace(control)?;
        Ok(true)
    }

    fn replace(&mut self, control: Control) -> Result<(), MetaError> {
        Meta::of(&*self.disk, &self.data_dir).write(NAME, MAGIC, &encode(&control))?;
        self.control = control;
        Ok(())
    }
}

fn encode(control: &Control) -> Vec<u8> {
    let mut body = Vec::new();
    put_len(&mut body, control.lists().len());
    for (partition, list) in control.lists() {
        body.extend_from_slice(&partition.to_u64().to_le_bytes());
        body.extend_from_slice(&list.version().to_le_bytes());
        put_lsn(&mut body, list.trim_point());
        put_len(&mut body, list.holders().len());
        for (name, holder) in list.holders() {
            put_text(&mut body, name);
            put_lsn(&mut body, holder.place);
        }
        put_len(&mut body, list.epochs().count());
        for EpochEntry { epoch, leader, nodeset, end } in list.epochs() {
            put_lsn(&mut body, Lsn { epoch: *epoch, offset: end.unwrap_or(Offset(NO_END)) });
            body.extend_from_slice(&leader.node.0.to_le_bytes());
            body.extend_from_slice(&leader.number.to_le_bytes());
            put_len(&mut body, nodeset.write_quorum());
            put_len(&mut body, nodeset.replication_factor());
            put_len(&mut body, nodeset.n());
            for store in nodeset.stores() {
                body.extend_from_slice(&store.0.to_le_bytes());
            }
        }
    }
    let locations = locations(control);
    put_len(&mut body, locations.len());
    for (name, location) in locations {
        put_text(&mut body, name);
        put_text(&mut body, location);
    }
    put_len(&mut body, control.holds().len());
    for (name, terms) in control.holds() {
        put_text(&mut body, name);
        put_text(&mut body, &terms.owner);
        body.extend_from_slice(&terms.set_at_ms.to_le_bytes());
        body.extend_from_slice(&terms.max_age_ms.to_le_bytes());
        put_len(&mut body, usize::from(terms.expired));
    }
    body
}

/// Where each snapshot is: the same in all lists.
fn locations(control: &Control) -> BTreeMap<&HolderName, &Arc<str>> {
    let holders = control.lists().values().flat_map(|list| list.holders());
    holders.filter_map(|(name, holder)| Some((name, holder.snapshot.as_ref()?))).collect()
}

/// All of it, or `None` for what [`encode`] never wrote. The file's checksum has been looked at.
fn decode(body: &[u8]) -> Option<Control> {
    let mut fields = Fields(body);
    let mut parts = Vec::new();
    for _ in 0..fields.u32() {
        parts.push((fields.u64(), decode_list(&mut fields)?));
    }
    let mut locations = BTreeMap::new();
    for _ in 0..fields.u32() {
        locations.insert(take_text(&mut fields)?, take_text(&mut fields)?);
    }
    let mut holds = BTreeMap::new();
    for _ in 0..fields.u32() {
        let (name, owner) = (take_text(&mut fields)?, take_text(&mut fields)?);
        let (set_at_ms, max_age_ms) = (fields.u64().cast_signed(), fields.u64());
        let expired = fields.u32() == 1;
        holds.insert(name, HoldTerms { owner, set_at_ms, max_age_ms, expired });
    }
    let mut lists = BTreeMap::new();
    for (partition, ListParts { version, trim_point, mut holders, epochs }) in parts {
        for (name, holder) in &mut holders {
            holder.snapshot = locations.get(name).cloned();
        }
        let list = EpochList::from_parts(version, epochs, holders, trim_point)?;
        // A log of a later version: its records are not read either.
        if let Some(partition) = PartitionId::from_u64(partition) {
            lists.insert(partition, Arc::new(list));
        }
    }
    fields.0.is_empty().then(|| Control::from_parts(lists, holds))
}

/// What [`EpochList::from_parts`] takes, but where its snapshots are.
struct ListParts {
    version: u64,
    trim_point: Lsn,
    holders: BTreeMap<HolderName, Holder>,
    epochs: Vec<EpochEntry>,
}

fn decode_list(fields: &mut Fields<'_>) -> Option<ListParts> {
    let (version, trim_point) = (fields.u64(), take_lsn(fields));
    let mut holders = BTreeMap::new();
    for _ in 0..fields.u32() {
        let name = take_text(fields)?;
        holders.insert(name, Holder { place: take_lsn(fields), snapshot: None });
    }
    let mut epochs = Vec::new();
    for _ in 0..fields.u32() {
        let Lsn { epoch, offset } = take_lsn(fields);
        let leader = Incarnation { node: NodeId(fields.u32()), number: fields.u64() };
        let (write_quorum, replication_factor, n) = (fields.u32(), fields.u32(), fields.u32());
        if n as usize > Nodeset::STORES_MAX {
            return None;
        }
        let stores: Vec<_> = (0..n).map(|_| NodeId(fields.u32())).collect();
        let nodeset = Nodeset::new(&stores, write_quorum, replication_factor).ok()?;
        let end = (offset != Offset(NO_END)).then_some(offset);
        epochs.push(EpochEntry { epoch, leader, nodeset, end });
    }
    Some(ListParts { version, trim_point, holders, epochs })
}

fn put_len(body: &mut Vec<u8>, len: usize) {
    body.extend_from_slice(&(len as u32).to_le_bytes());
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    put_len(body, text.len());
    body.extend_from_slice(text.as_bytes());
}

fn take_text(fields: &mut Fields<'_>) -> Option<Arc<str>> {
    let len_bytes = fields.u32() as usize;
    let (text, rest) = fields.0.split_at_checked(len_bytes)?;
    *fields = Fields(rest);
    Some(std::str::from_utf8(text).ok()?.into())
}

fn put_lsn(body: &mut Vec<u8>, lsn: Lsn) {
    body.extend_from_slice(&lsn.epoch.0.to_le_bytes());
    body.extend_from_slice(&lsn.offset.0.to_le_bytes());
}

fn take_lsn(fields: &mut Fields<'_>) -> Lsn {
    Lsn { epoch: Epoch(fields.u32()), offset: Offset(fields.u64()) }
}

#[cfg(test)]
mod tests;
