//! Control as bytes (`docs/format.md`, "Control").

use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    fields::Fields,
    protocol::{
        Control, EpochEntry, EpochList, HoldTerms, Holder, HolderName, Incarnation, NodeId, Nodeset,
    },
};

/// Of an epoch that is open.
const NO_END: u64 = u64::MAX;

/// All of it, and its number.
pub(super) fn encode(control: &Control, generation: u64) -> Vec<u8> {
    let mut body = encode_lists(control.lists().iter());
    put_len(&mut body, control.holds().len());
    for (name, terms) in control.holds() {
        put_text(&mut body, name);
        put_text(&mut body, &terms.owner);
        body.extend_from_slice(&terms.set_at_ms.to_le_bytes());
        body.extend_from_slice(&terms.max_age_ms.to_le_bytes());
        put_len(&mut body, usize::from(terms.expired));
    }
    body.extend_from_slice(&generation.to_le_bytes());
    body
}

/// All of it and its number, or `None` for what [`encode`] never wrote. The file's checksum has been
/// looked at.
pub(super) fn decode(body: &[u8]) -> Option<(Control, u64)> {
    let mut fields = Fields(body);
    let lists = take_lists(&mut fields)?.into_iter().collect();
    let mut holds = BTreeMap::new();
    for _ in 0..fields.u32() {
        let (name, owner) = (take_text(&mut fields)?, take_text(&mut fields)?);
        let (set_at_ms, max_age_ms) = (fields.u64().cast_signed(), fields.u64());
        let expired = fields.u32() == 1;
        holds.insert(name, HoldTerms { owner, set_at_ms, max_age_ms, expired });
    }
    let generation = fields.u64();
    fields.0.is_empty().then(|| (Control::from_parts(lists, holds), generation))
}

/// Lists of partitions, and where the snapshots are that they name.
pub(super) fn encode_lists<'a>(
    lists: impl ExactSizeIterator<Item = (&'a PartitionId, &'a Arc<EpochList>)> + Clone,
) -> Vec<u8> {
    let mut body = Vec::new();
    put_len(&mut body, lists.len());
    for (partition, list) in lists.clone() {
        body.extend_from_slice(&partition.to_u64().to_le_bytes());
        put_list(&mut body, list);
    }
    // The same in all lists.
    let holders = lists.flat_map(|(_, list)| list.holders());
    let locations: BTreeMap<_, _> =
        holders.filter_map(|(name, holder)| Some((name, holder.snapshot.as_ref()?))).collect();
    put_len(&mut body, locations.len());
    for (name, location) in locations {
        put_text(&mut body, name);
        put_text(&mut body, location);
    }
    body
}

/// The lists of [`encode_lists`], if there is nothing else.
pub(super) fn decode_lists(body: &[u8]) -> Option<Vec<(PartitionId, Arc<EpochList>)>> {
    let mut fields = Fields(body);
    let lists = take_lists(&mut fields)?;
    fields.0.is_empty().then_some(lists)
}

fn put_list(body: &mut Vec<u8>, list: &EpochList) {
    body.extend_from_slice(&list.version().to_le_bytes());
    put_lsn(body, list.trim_point());
    put_len(body, list.holders().len());
    for (name, holder) in list.holders() {
        put_text(body, name);
        put_lsn(body, holder.place);
    }
    put_len(body, list.epochs().count());
    for EpochEntry { epoch, leader, nodeset, end } in list.epochs() {
        put_lsn(body, Lsn { epoch: *epoch, offset: end.unwrap_or(Offset(NO_END)) });
        body.extend_from_slice(&leader.node.0.to_le_bytes());
        body.extend_from_slice(&leader.number.to_le_bytes());
        put_len(body, nodeset.write_quorum());
        put_len(body, nodeset.replication_factor());
        put_len(body, nodeset.n());
        for store in nodeset.stores() {
            body.extend_from_slice(&store.0.to_le_bytes());
        }
    }
}

/// What [`EpochList::from_parts`] takes, but where its snapshots are.
struct ListParts {
    version: u64,
    trim_point: Lsn,
    holders: BTreeMap<HolderName, Holder>,
    epochs: Vec<EpochEntry>,
}

fn take_lists(fields: &mut Fields<'_>) -> Option<Vec<(PartitionId, Arc<EpochList>)>> {
    let mut parts = Vec::new();
    for _ in 0..fields.u32() {
        parts.push((fields.u64(), take_list(fields)?));
    }
    let mut locations = BTreeMap::new();
    for _ in 0..fields.u32() {
        locations.insert(take_text(fields)?, take_text(fields)?);
    }
    let mut lists = Vec::with_capacity(parts.len());
    for (partition, ListParts { version, trim_point, mut holders, epochs }) in parts {
        for (name, holder) in &mut holders {
            holder.snapshot = locations.get(name).cloned();
        }
        let list = EpochList::from_parts(version, epochs, holders, trim_point)?;
        // A log of a later version: its records are not read either.
        if let Some(partition) = PartitionId::from_u64(partition) {
            lists.push((partition, Arc::new(list)));
        }
    }
    Some(lists)
}

fn take_list(fields: &mut Fields<'_>) -> Option<ListParts> {
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
