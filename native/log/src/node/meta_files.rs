//! What this node keeps beside its journal: who it is and how often it started, and what is known of
//! producers from records whose files are gone.

use bytes::Bytes;
use varve_types::PartitionId;

use crate::{
    fields::Fields,
    meta::{Meta, MetaError},
};

const NODE_MAGIC: [u8; 8] = *b"VARVENOD";
const PRODUCERS_MAGIC: [u8; 8] = *b"VARVEPRO";

/// Who this store is, and in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) store_id: u128,
    /// Counts starts: a leader is bound to one, so that a node that comes back never leads on in an
    /// epoch of its former life.
    pub(super) incarnation: u64,
}

pub(super) fn read_identity(meta: &Meta<'_>) -> Result<Option<Identity>, MetaError> {
    let Some(body) = meta.read("node", NODE_MAGIC)? else { return Ok(None) };
    let mut fields = Fields(&body);
    Ok(Some(Identity { incarnation: fields.u64(), store_id: fields.u128() }))
}

pub(super) fn write_identity(meta: &Meta<'_>, identity: Identity) -> Result<(), MetaError> {
    let mut body = identity.incarnation.to_le_bytes().to_vec();
    body.extend_from_slice(&identity.store_id.to_le_bytes());
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
