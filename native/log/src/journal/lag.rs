//! How far behind the tail somebody is who needs records from some places on.

use std::sync::Arc;
use varve_types::{Lsn, PartitionId};

use super::{
    Files,
    entries::Place,
    frame_header::{FRAME_HEADER_BYTES, FrameHeader},
    index::{Index, JournalFile},
};

/// Records that somebody has not dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many.
    pub records: u64,
    /// Of their payloads.
    pub bytes: u64,
    /// When the oldest was appended, in milliseconds since 1970; `None` where there is none, or where
    /// its header does not read.
    pub oldest_ms: Option<i64>,
}

/// Where the first record of a partition is that somebody needs.
pub(super) struct Oldest {
    file: Arc<JournalFile>,
    place: Place,
}

impl Index {
    /// Records of a partition from `from` on, as far as the index knows: when the oldest was appended
    /// is in its frame.
    pub(super) fn lag(&self, partition: PartitionId, from: Lsn) -> (Lag, Option<Oldest>) {
        let (mut lag, mut oldest) = (Lag::default(), None);
        let Some(known) = self.partitions.get(&partition) else { return (lag, oldest) };
        for (sequence, places) in known.places_from(from.max(known.trim_point)) {
            lag.records += places.len() as u64;
            lag.bytes += places.iter().map(|place| u64::from(place.payload_bytes)).sum::<u64>();
            if oldest.is_none()
                && let (Some(entry), Some(&place)) = (self.file(sequence), places.first())
            {
                oldest = Some(Oldest { file: Arc::clone(&entry.file), place });
            }
        }
        (lag, oldest)
    }
}

impl Oldest {
    /// Reads when it was appended.
    pub(super) fn append_time_ms(&self) -> Option<i64> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        self.file.file.read_exact_at(&mut bytes, self.place.position()).ok()?;
        Some(FrameHeader::decode(&bytes, self.file.salt).ok()?.append_time_ms)
    }
}

impl Files {
    /// How far behind somebody is who needs these partitions from these places on.
    pub fn lag(&self, places: impl IntoIterator<Item = (PartitionId, Lsn)>) -> Lag {
        let (mut lag, mut oldest) = (Lag::default(), Vec::new());
        {
            let index = self.index.read();
            for (partition, from) in places {
                let (of_partition, its_oldest) = index.lag(partition, from);
                lag.records += of_partition.records;
                lag.bytes += of_partition.bytes;
                oldest.extend(its_oldest);
            }
        }
        lag.oldest_ms = oldest.iter().filter_map(Oldest::append_time_ms).min();
        lag
    }
}
