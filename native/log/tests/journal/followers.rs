//! Who follows the log, as its status tells it.

use crate::support::{LOGS_0, SPANS_1, append, open, views};
use std::{collections::BTreeMap, time::Duration};
use varve_log::{FollowerKind, Journal, Lag, Log, Next, Runtime, Subscribe, Subscription, Wanted};
use varve_types::{LogId, Lsn};

fn follow(journal: &Journal, partitions: Wanted, from: Lsn) -> Subscription {
    let from = BTreeMap::from([(LOGS_0, from)]);
    let name = "copy".into();
    journal.subscribe(Subscribe { name, partitions, from, credit_bytes: 100 }).unwrap()
}

fn shown(journal: &Journal) -> Vec<(String, FollowerKind, u64, u64)> {
    let followers = journal.status().followers.into_iter();
    let shown = followers.map(|it| (it.name.to_string(), it.kind, it.lag.records, it.lag.bytes));
    shown.collect()
}

#[test]
fn the_status_says_by_name_how_far_behind_subscriptions_are_until_they_end() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, &[7; 100]), (LOGS_0, &[7; 10]), (SPANS_1, b"x")]).unwrap();
    let mut all = follow(&journal, Wanted::All, Lsn::new(1, 0));
    let subscribed =
        |records, bytes| vec![("copy".to_owned(), FollowerKind::Subscription, records, bytes)];
    assert_eq!(shown(&journal), subscribed(3, 111));
    assert!(matches!(all.next(Duration::ZERO).unwrap(), Next::Delivery(_)));
    // Its credit is used up.
    assert!(matches!(all.next(Duration::ZERO).unwrap(), Next::Nothing));
    assert_eq!(shown(&journal), subscribed(2, 11));

    // Of one name, the one that is furthest behind.
    let one = follow(&journal, Wanted::Log(LogId::Spans), Lsn::new(1, 0));
    assert_eq!(shown(&journal), subscribed(2, 11));
    drop(all);
    assert_eq!(shown(&journal), subscribed(1, 1));
    drop(one);
    assert_eq!(shown(&journal), []);
}

#[test]
fn the_status_says_how_far_behind_a_snapshot_is_over_all_partitions() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    let before_ms = Runtime::real().clock.now_ms();
    append(&journal, &[(LOGS_0, &[7; 100]), (LOGS_0, &[7; 10]), (SPANS_1, b"x")]).unwrap();
    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 1))]);
    // It has said nothing of the other partition: it needs all of it.
    assert_eq!(shown(&journal), [("views".to_owned(), FollowerKind::Snapshot, 2, 11)]);
    let oldest_ms = journal.status().followers[0].lag.oldest_ms;
    assert!(oldest_ms.is_some_and(|ms| ms >= before_ms), "{oldest_ms:?}");

    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 2)), (SPANS_1, Lsn::new(1, 1))]);
    assert_eq!(journal.status().followers[0].lag, Lag::default());
}
