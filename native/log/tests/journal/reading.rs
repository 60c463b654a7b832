//! All that a reader of a damaged journal finds.

use std::{collections::BTreeMap, time::Duration};
use varve_log::{Delivery, Log, Next, ReadError, Subscribe, Wanted};
use varve_types::{Lsn, PartitionId};

/// What a reader finds that goes on behind what is lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) records: Vec<(Lsn, Vec<u8>)>,
    /// From where to where records are lost.
    pub(crate) lost: Vec<(Lsn, Lsn)>,
}

impl Found {
    /// How many; each range is within one epoch.
    pub(crate) fn lost_records(&self) -> usize {
        self.lost.iter().map(|(from, next)| (next.offset.0 - from.offset.0) as usize).sum()
    }
}

/// Reads all there is of a partition, and sees that whoever follows the log is told the same.
pub(crate) fn read_around(log: &dyn Log, partition: PartitionId) -> Found {
    let mut found = Found::default();
    let mut from = Lsn::default();
    while from < log.tail(partition) {
        match log.read(partition, from, 0) {
            Ok(records) => {
                let Some(record) = records.first() else { break };
                found.records.push((record.lsn, record.payload.to_vec()));
                from = Lsn::new(record.lsn.epoch.0, record.lsn.offset.0 + 1);
            }
            Err(ReadError::Lost { from: first, next, .. }) => {
                found.lost.push((first, next));
                from = next;
            }
            Err(ReadError::Trimmed { trim_point, .. }) => from = trim_point,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(follow_around(log, partition), found, "followed, and read");
    found
}

/// What whoever follows the log from its trim point on is given.
fn follow_around(log: &dyn Log, partition: PartitionId) -> Found {
    let mut found = Found::default();
    let mut from = BTreeMap::new();
    loop {
        let (partitions, credit_bytes) = (Wanted::Partition(partition), u64::MAX);
        let subscribe =
            Subscribe { name: "reader".into(), partitions, from: from.clone(), credit_bytes };
        let mut subscription = log.subscribe(subscribe).unwrap();
        loop {
            match subscription.next(Duration::ZERO).unwrap() {
                Next::Delivery(Delivery::Records(records)) => {
                    let records = records.into_iter().map(|it| (it.lsn, it.payload.to_vec()));
                    found.records.extend(records);
                }
                Next::Delivery(Delivery::Lost { from, next, .. }) => found.lost.push((from, next)),
                Next::Delivery(Delivery::Trimmed { trim_point, .. }) => {
                    from.insert(partition, trim_point);
                    break;
                }
                Next::Nothing | Next::Over(_) => return found,
            }
        }
    }
}
