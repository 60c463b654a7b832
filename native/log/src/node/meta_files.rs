//! What this node keeps beside its journal: who it is and how often it started, and what is known of
//! producers from records whose files are gone.

use bytes::Bytes;
use varve_types::PartitionId;

use super::JournalSettings;
use crate::{
    OpenError,
    fields::Fields,
    meta::{Meta, MetaError},
};

const NODE_MAGIC: [u8; 8] = *b"VARVENOD";
const PRODUCERS_MAGIC: [u8; 8] = *b"VARVEPRO";

/// Who this store is, in which of its lives, and what it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) store_id: u128,
    /// Counts starts: a leader is bound to one, so that a node that comes back never leads on in an
    /// epoch of its former life.
    pub(super) incarnation: u64,
    pub(super) made_with: MadeWith,
}

/// Settings that say where a key belongs, which stays as it is for as long as there are records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MadeWith {
    pub(super) partitions: u32,
    pub(super) coordinator_count: u32,
}

impl MadeWith {
    pub(super) fn of(settings: &JournalSettings) -> Self {
        let JournalSettings { partitions, coordinator_count, .. } = *settings;
        Self { partitions, coordinator_count }
    }

    /// Refuses other settings than those of this store. A file of an earlier version has none (0), and
    /// from now on those of this start.
    pub(super) fn check(self, settings: &JournalSettings) -> Result<(), OpenError> {
        let asked = Self::of(settings);
        let pairs = [
            ("log.partitions", self.partitions, asked.partitions),
            ("log.coordinator_count", self.coordinator_count, asked.coordinator_count),
        ];
        let differs = |(_, made_with, asked): &(_, u32, u32)| *made_with != 0 && made_with != asked;
        match pairs.into_iter().find(differs) {
            None => Ok(()),
            Some((setting, made_with, asked)) => {
                Err(OpenError::Fixed { setting, dir: settings.dir.clone(), made_with, asked })
            }
        }
    }
}

pub(super) fn read_identity(meta: &Meta<'_>) -> Result<Option<Identity>, MetaError> {
    let Some(body) = meta.read("node", NODE_MAGIC)? else { return Ok(None) };
    let mut fields = Fields(&body);
    let (incarnation, store_id) = (fields.u64(), fields.u128());
    let made_with = MadeWith { partitions: fields.u32(), coordinator_count: fields.u32() };
    Ok(Some(Identity { store_id, incarnation, made_with }))
}

pub(super) fn write_identity(meta: &Meta<'_>, identity: Identity) -> Result<(), MetaError> {
    let mut body = identity.incarnation.to_le_bytes().to_vec();
    body.extend_from_slice(&identity.store_id.to_le_bytes());
    body.extend_from_slice(&identity.made_with.partitions.to_le_bytes());
    body.extend_from_slice(&identity.made_with.coordinator_count.to_le_bytes());
    meta.write("node", NODE_MAGIC, &body)
}

/// Snapshots of producers, by partition.
pub(super) fn read_producers(meta: &Meta<'_>) -> Result<Vec<(PartitionId, Vec<u8>)>, MetaError> {
    let Some(body) = meta.read("producers", PRODUCERS_MAGIC)? else { return Ok(Vec::new()) };
    let mut fields = Fields(&body);
    let mut snapshots = Vec::new();
    for _ in 0..fields.u32() {
        let (partition, len_bytes) = (fields.u64(), fields.u64() as usize);
        let (snapshot, rest) = fields.0.split_at_checked(len_bytes).unwrap_or_default();
        fields = Fields(rest);
        let Some(partition) = PartitionId::from_u64(partition) else { continue };
        snapshots.push((partition, snapshot.to_vec()));
    }
    Ok(snapshots)
}

pub(super) fn write_producers(
    meta: &Meta<'_>,
    snapshots: &[(PartitionId, Bytes)],
) -> Result<(), MetaError> {
    let mut body = (snapshots.len() as u32).to_le_bytes().to_vec();
    for (partition, snapshot) in snapshots {
        body.extend_from_slice(&partition.to_u64().to_le_bytes());
        body.extend_from_slice(&(snapshot.len() as u64).to_le_bytes());
        body.extend_from_slice(snapshot);
    }
    meta.write("producers", PRODUCERS_MAGIC, &body)
}
