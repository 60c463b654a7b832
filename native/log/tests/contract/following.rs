//! Whatever happens to the log and whenever its follower takes a turn: each record once, in order, or told
//! to be trimmed.

use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};
use varve_log::{Delivery, MemoryLog, Next, Subscribe, Subscription, Wanted};
use varve_types::{LogId, Lsn, PartitionId};

use crate::support::{OnDisk, Subject, append, views};

#[derive(Clone, Debug)]
enum Step {
    /// So many records of that size into a partition.
    Append(u32, u8, u8),
    /// The follower takes this many deliveries and grants them.
    Take(u8),
    /// A snapshot has this part (of 255) of a partition.
    Trim(u32, u8),
    /// The follower begins again from its positions.
    Resubscribe,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_u32, 1..6_u8, 1..50_u8).prop_map(|(to, count, size)| Step::Append(to, count, size)),
        4 => (1..6_u8).prop_map(Step::Take),
        1 => (0..3_u32, any::<u8>()).prop_map(|(of, part)| Step::Trim(of, part)),
        1 => Just(Step::Resubscribe),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..25)
}

/// What is stored and what the follower has seen of it.
#[derive(Default)]
struct Model {
    stored: BTreeMap<PartitionId, Vec<(Lsn, String)>>,
    trimmed: BTreeMap<PartitionId, Lsn>,
    given: BTreeMap<PartitionId, Vec<(Lsn, String)>>,
}

impl Model {
    /// Takes one delivery; where it is of trimmed records the follower goes on behind them.
    fn take(&mut self, delivery: Delivery, credit_bytes: u64) -> Option<(PartitionId, Lsn)> {
        match delivery {
            Delivery::Records(records) => {
                let before_last = records.iter().rev().skip(1).map(|it| it.payload.len() as u64);
                assert!(before_last.sum::<u64>() < credit_bytes, "more than was granted");
                for record in records {
                    let text = String::from_utf8(record.payload.to_vec()).unwrap();
                    self.given.entry(record.partition).or_default().push((record.lsn, text));
                }
                None
            }
            Delivery::Trimmed { partition, trim_point, .. } => {
                assert_eq!(Some(&trim_point), self.trimmed.get(&partition));
                // What was not given before is not asked for again.
                let given = self.given.entry(partition).or_default();
                let lost = self.stored.get(&partition).into_iter().flatten();
                let missing = lost.filter(|(lsn, _)| *lsn < trim_point).skip(given.len());
                given.extend(missing.cloned().collect::<Vec<_>>());
                Some((partition, trim_point))
            }
            lost @ Delivery::Lost { .. } => panic!("{lost:?}"),
        }
    }
}

const CREDIT_BYTES: u64 = 60;

fn subscribe(subject: &dyn Subject, from: BTreeMap<PartitionId, Lsn>) -> Subscription {
    let (partitions, credit_bytes) = (Wanted::Log(LogId::Logs), CREDIT_BYTES);
    subject
        .log()
        .subscribe(Subscribe { name: "reader".into(), partitions, from, credit_bytes })
        .unwrap()
}

/// Takes deliveries, and begins again behind what is trimmed.
fn take(subject: &dyn Subject, subscription: &mut Subscription, model: &mut Model, most: usize) {
    for _ in 0..most {
        let Next::Delivery(delivery) = subscription.next(Duration::ZERO).unwrap() else { return };
        subscription.handle().grant(delivery.credit_bytes());
        if let Some((partition, trim_point)) = model.take(delivery, CREDIT_BYTES) {
            let mut from = subscription.positions();
            from.insert(partition, trim_point);
            *subscription = subscribe(subject, from);
        }
    }
}

fn follow(mut subject: impl Subject, steps: Vec<Step>) {
    let mut model = Model::default();
    let mut subscription = subscribe(&subject, BTreeMap::new());
    let mut numbers = 0;
    for step in steps {
        match step {
            Step::Append(number, count, size) => {
                let partition = PartitionId { log: LogId::Logs, number };
                for _ in 0..count {
                    numbers += 1;
                    let text = format!("{numbers:0>width$}", width = usize::from(size));
                    let lsn = append(subject.log(), &[(partition, &text)])[0];
                    model.stored.entry(partition).or_default().push((lsn, text));
                }
            }
            Step::Take(most) => {
                take(&subject, &mut subscription, &mut model, usize::from(most));
            }
            Step::Trim(number, part) => {
                let partition = PartitionId { log: LogId::Logs, number };
                let Some(stored) = model.stored.get(&partition) else { continue };
                let (up_to, _) = stored[stored.len() * usize::from(part) / 256];
                subject.log().trim(&views(), &[(partition, up_to)]);
                let trimmed = model.trimmed.entry(partition).or_default();
                *trimmed = up_to.max(*trimmed);
            }
            Step::Resubscribe => subscription = subscribe(&subject, subscription.positions()),
            Step::Restart => {
                let from = subscription.positions();
                subject.restart();
                subscription = subscribe(&subject, from);
            }
        }
    }
    take(&subject, &mut subscription, &mut model, usize::MAX);
    assert_eq!(model.given, model.stored);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_follower_of_the_log_in_memory_sees_all_of_it_once(steps in steps()) {
        follow(MemoryLog::new(4), steps);
    }

    #[test]
    fn a_follower_of_the_journal_sees_all_of_it_once(steps in steps()) {
        follow(OnDisk::new(), steps);
    }
}
