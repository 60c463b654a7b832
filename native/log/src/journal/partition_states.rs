//! `meta/partitions`: what outlives the files that said it. Trim points, seals, and where epochs end.

use std::collections::BTreeMap;
use varve_types::{Epoch, Lsn, PartitionId};

use super::{files::Next, index::PartitionIndex};
use crate::fields::Fields;

pub(super) const NAME: &str = "partitions";
pub(super) const MAGIC: [u8; 8] = *b"VARVEPAR";

pub(super) fn encode(partitions: &BTreeMap<PartitionId, PartitionIndex>, next: Next) -> Vec<u8> {
    let mut body = next.sequence.to_le_bytes().to_vec();
    body.extend_from_slice(&next.group.to_le_bytes());
    body.extend_from_slice(&(partitions.len() as u32).to_le_bytes());
    for (partition, state) in partitions {
        let PartitionIndex { trim_point, sealed, closes, .. } = state;
        body.extend_from_slice(&partition.to_u64().to_le_bytes());
        body.extend_from_slice(&trim_point.epoch.0.to_le_bytes());
        body.extend_from_slice(&trim_point.offset.0.to_le_bytes());
        body.extend_from_slice(&sealed.map_or(0, |epoch| epoch.0).to_le_bytes());
        body.extend_from_slice(&(closes.len() as u32).to_le_bytes());
        for (epoch, end) in closes {
            body.extend_from_slice(&epoch.to_le_bytes());
            body.extend_from_slice(&end.to_le_bytes());
        }
    }
    body
}

pub(super) fn decode(body: &[u8]) -> (BTreeMap<PartitionId, PartitionIndex>, Next) {
    let mut fields = Fields(body);
    let next = Next { sequence: fields.u64(), group: fields.u64() };
    let mut partitions = BTreeMap::new();
    for _ in 0..fields.u32() {
        let partition = PartitionId::from_u64(fields.u64());
        let trim_point = Lsn::new(fields.u32(), fields.u64());
        let sealed = Some(Epoch(fields.u32())).filter(|epoch| epoch.0 > 0);
        let closes = (0..fields.u32()).map(|_| (fields.u32(), fields.u64())).collect();
        // A log of a later version: its records are not read either.
        let Some(partition) = partition else { continue };
        let epochs = BTreeMap::new();
        partitions.insert(partition, PartitionIndex { trim_point, sealed, closes, epochs });
    }
    (partitions, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use varve_types::LogId;

    #[test]
    fn states_are_read_back_as_they_were_written() {
        let partition = |number| PartitionId { log: LogId::Spans, number };
        let mut states = BTreeMap::new();
        states.insert(partition(0), PartitionIndex::default());
        let full = PartitionIndex {
            trim_point: Lsn::new(3, 7),
            sealed: Some(Epoch(4)),
            closes: BTreeMap::from([(3, 9), (4, 0)]),
            epochs: BTreeMap::new(),
        };
        states.insert(partition(5), full);
        let next = Next { sequence: 7, group: 99 };
        let (read, read_next) = decode(&encode(&states, next));
        assert_eq!(read_next, next);
        assert_eq!(read.keys().collect::<Vec<_>>(), [&partition(0), &partition(5)]);
        let full = &read[&partition(5)];
        assert_eq!((full.trim_point, full.sealed), (Lsn::new(3, 7), Some(Epoch(4))));
        assert_eq!(full.closes, BTreeMap::from([(3, 9), (4, 0)]));
        assert_eq!(read[&partition(0)].sealed, None);
    }
}
