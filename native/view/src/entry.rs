//! What the manifest says of one segment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use varve_types::{Lsn, Table, TenantId};

/// One segment of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SegmentEntry {
    /// Unique in a store, ascending in the order of sealing.
    pub(crate) id: u64,
    pub(crate) tenant: TenantId,
    pub(crate) table: Table,
    /// Of the Parquet file.
    pub(crate) rows: u32,
    /// Of the log: rows, or samples.
    pub(crate) records: u64,
    pub(crate) time_range: (i64, i64),
    /// All of its files.
    pub(crate) size_bytes: u64,
    /// When it was written, in milliseconds since the epoch; 0 where an older version wrote it.
    #[serde(default)]
    pub(crate) sealed_at_ms: i64,
    /// xxh3 of the Parquet file; `None` where an older version wrote the segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<u64>,
    /// Among which records of the log its own are, by partition; empty where that is not known, or no
    /// longer true because rows were erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) log: Vec<LogRange>,
}

/// Records of a partition, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogRange {
    /// The partition's number in the table's log.
    pub(crate) partition: u32,
    pub(crate) first: Lsn,
    pub(crate) last: Lsn,
}

impl LogRange {
    /// For each partition one range that has all of them.
    pub(crate) fn hull(ranges: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut hull: BTreeMap<u32, Self> = BTreeMap::new();
        for range in ranges {
            let of_partition = hull.entry(range.partition).or_insert(range);
            of_partition.first = of_partition.first.min(range.first);
            of_partition.last = of_partition.last.max(range.last);
        }
        hull.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_log_are_joined_by_partition() {
        let range = |partition, first, last| LogRange {
            partition,
            first: Lsn::new(1, first),
            last: Lsn::new(1, last),
        };
        let ranges = [range(1, 4, 6), range(0, 2, 3), range(1, 1, 2)];
        assert_eq!(LogRange::hull(ranges.into_iter()), [range(0, 2, 3), range(1, 1, 6)]);
        assert_eq!(LogRange::hull([].into_iter()), []);
    }
}
