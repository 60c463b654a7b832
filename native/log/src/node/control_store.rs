//! Control of a node that is alone: the epoch lists of all partitions, in one small file. It answers as
//! a control group of many nodes would: commands are applied one after another, each only to the
//! version it was made for, and told after they are durable.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    fields::Fields,
    meta::{Meta, MetaError},
    protocol::{
        Command, CommandRefused, EpochEntry, EpochList, HolderName, Incarnation, NodeId, Nodeset,
    },
    runtime::Disk,
};

const NAME: &str = "control";
const MAGIC: [u8; 8] = *b"VARVECTL";
/// Of an epoch that is open.
const NO_END: u64 = u64::MAX;

/// The epoch lists of this node's partitions.
pub(super) struct ControlStore {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    lists: BTreeMap<PartitionId, Arc<EpochList>>,
}

impl ControlStore {
    /// Reads the lists; none if there is no file.
    pub(super) fn open(disk: Arc<dyn Disk>, data_dir: PathBuf) -> Result<Self, MetaError> {
        let meta = Meta::of(&*disk, &data_dir);
        let lists = match meta.read(NAME, MAGIC)? {
            Some(body) => {
                decode(&body).ok_or_else(|| meta.damaged(NAME, &"its lists do not add up"))?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { disk, data_dir, lists })
    }

    /// A partition's list, if it has one.
    pub(super) fn list(&self, partition: PartitionId) -> Option<&Arc<EpochList>> {
        self.lists.get(&partition)
    }

    /// All partitions that have a list.
    pub(super) fn partitions(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.lists.keys().copied()
    }

    /// The newest life of this node that led anything.
    pub(super) fn newest_incarnation(&self) -> u64 {
        let leaders = self.lists.values().flat_map(|list| list.epochs().map(|it| it.leader.number));
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
        let mut lists = self.lists.clone();
        lists.extend(restored.into_iter().map(|(partition, list)| (partition, Arc::new(list))));
        self.replace(lists)
    }

    /// Gives new partitions their first epoch; durable when it answers.
    pub(super) fn create(
        &mut self,
        partitions: &[PartitionId],
        leader: Incarnation,
        nodeset: &Nodeset,
    ) -> Result<(), MetaError> {
        let mut lists = self.lists.clone();
        for partition in partitions {
            lists
                .entry(*partition)
                .or_insert_with(|| Arc::new(EpochList::first(leader, nodeset.clone())));
        }
        self.replace(lists)
    }

    /// Applies commands, each to its partition's list: all that are applied are durable when it
    /// answers, together. On an error none is.
    pub(super) fn apply(
        &mut self,
        commands: &[(PartitionId, Command)],
    ) -> Result<Vec<Result<(), CommandRefused>>, MetaError> {
        let mut lists = self.lists.clone();
        let outcomes: Vec<_> = commands
            .iter()
            .filter_map(|(partition, command)| {
                Some(Arc::make_mut(lists.get_mut(partition)?).apply(command))
            })
            .collect();
        if outcomes.iter().any(Result::is_ok) {
            self.replace(lists)?;
        }
        Ok(outcomes)
    }

    fn replace(&mut self, lists: BTreeMap<PartitionId, Arc<EpochList>>) -> Result<(), MetaError> {
        Meta::of(&*self.disk, &self.data_dir).write(NAME, MAGIC, &encode(&lists))?;
        self.lists = lists;
        Ok(())
    }
}

fn encode(lists: &BTreeMap<PartitionId, Arc<EpochList>>) -> Vec<u8> {
    let mut body = Vec::new();
    put_len(&mut body, lists.len());
    for (partition, list) in lists {
        body.extend_from_slice(&partition.to_u64().to_le_bytes());
        body.extend_from_slice(&list.version().to_le_bytes());
        put_lsn(&mut body, list.trim_point());
        put_len(&mut body, list.holders().len());
        for (holder, lsn) in list.holders() {
            put_len(&mut body, holder.len());
            body.extend_from_slice(holder.as_bytes());
            put_lsn(&mut body, *lsn);
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
    body
}

/// The lists, or `None` for what [`encode`] never wrote. The file's checksum has been looked at.
fn decode(body: &[u8]) -> Option<BTreeMap<PartitionId, Arc<EpochList>>> {
    let mut fields = Fields(body);
    let mut lists = BTreeMap::new();
    for _ in 0..fields.u32() {
        let partition = fields.u64();
        let list = decode_list(&mut fields)?;
        // A log of a later version: its records are not read either.
        if let Some(partition) = PartitionId::from_u64(partition) {
            lists.insert(partition, Arc::new(list));
        }
    }
    fields.0.is_empty().then_some(lists)
}

fn decode_list(fields: &mut Fields<'_>) -> Option<EpochList> {
    let (version, trim_point) = (fields.u64(), take_lsn(fields));
    let mut holders = BTreeMap::new();
    for _ in 0..fields.u32() {
        let len_bytes = fields.u32() as usize;
        let (name, rest) = fields.0.split_at_checked(len_bytes)?;
        *fields = Fields(rest);
        let name: HolderName = std::str::from_utf8(name).ok()?.into();
        holders.insert(name, take_lsn(fields));
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
    EpochList::from_parts(version, epochs, holders, trim_point)
}

fn put_len(body: &mut Vec<u8>, len: usize) {
    body.extend_from_slice(&(len as u32).to_le_bytes());
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
