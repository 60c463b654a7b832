//! Following a log: all of it, once, in order, and no faster than one can take it.

use std::{collections::BTreeMap, thread, time::Duration};
use varve_log::{Delivery, Log, Next, Over, Subscribe, SubscribeError, Subscription, Wanted};
use varve_types::{LogId, Lsn, PartitionId};

use crate::support::{LOGS_0, SPANS_1, Subject, append, views};

const LOGS_2: PartitionId = PartitionId { log: LogId::Logs, number: 2 };
const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(20);
const ENOUGH: u64 = 1 << 20;

fn subscribe(log: &dyn Log, partitions: Wanted, from: &[(PartitionId, Lsn)]) -> Subscription {
    with_credit(log, partitions, from, ENOUGH)
}

fn with_credit(
    log: &dyn Log,
    partitions: Wanted,
    from: &[(PartitionId, Lsn)],
    credit_bytes: u64,
) -> Subscription {
    let from: BTreeMap<_, _> = from.iter().copied().collect();
    log.subscribe(Subscribe { name: "reader".into(), partitions, from, credit_bytes }).unwrap()
}

/// All that can be had without waiting, as (partition, text), granted at once.
fn all_now(subscription: &mut Subscription) -> Vec<(PartitionId, String)> {
    let handle = subscription.handle();
    let mut given = Vec::new();
    while let Next::Delivery(delivery) = subscription.next(NOW).unwrap() {
        handle.grant(delivery.credit_bytes());
        let Delivery::Records(records) = delivery else { panic!("{delivery:?}") };
        given.extend(
            records.into_iter().map(|record| {
                (record.partition, String::from_utf8(record.payload.to_vec()).unwrap())
            }),
        );
    }
    given
}

fn texts_now(subscription: &mut Subscription) -> Vec<String> {
    all_now(subscription).into_iter().map(|(_, text)| text).collect()
}

pub(crate) fn a_subscription_gives_what_is_stored_and_then_what_is_appended(
    subject: &mut dyn Subject,
) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a"), (LOGS_0, "b")]);
    let mut subscription = subscribe(log, Wanted::Partition(LOGS_0), &[]);
    assert_eq!(texts_now(&mut subscription), ["a", "b"]);
    assert!(matches!(subscription.next(NOW), Ok(Next::Nothing)));
    append(log, &[(LOGS_0, "c")]);
    assert_eq!(texts_now(&mut subscription), ["c"]);
}

pub(crate) fn a_subscription_begins_where_it_is_told_to(subject: &mut dyn Subject) {
    let log = subject.log();
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    let mut from_b = subscribe(log, Wanted::Partition(LOGS_0), &[(LOGS_0, places[1])]);
    assert_eq!(texts_now(&mut from_b), ["b", "c"]);
    let mut from_tail = subscribe(log, Wanted::All, &[(LOGS_0, log.tail(LOGS_0))]);
    assert_eq!(texts_now(&mut from_tail), [""; 0]);
    append(log, &[(LOGS_0, "d")]);
    assert_eq!(texts_now(&mut from_tail), ["d"]);
}

pub(crate) fn records_know_their_places(subject: &mut dyn Subject) {
    let log = subject.log();
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b")]);
    let mut subscription = subscribe(log, Wanted::All, &[]);
    let Ok(Next::Delivery(Delivery::Records(records))) = subscription.next(NOW) else { panic!() };
    let given: Vec<_> = records.iter().map(|record| (record.partition, record.lsn)).collect();
    assert_eq!(given, [(LOGS_0, places[0]), (LOGS_0, places[1])]);
    assert_eq!(records, log.read(LOGS_0, places[0], ENOUGH).unwrap());
    assert_eq!(subscription.positions()[&LOGS_0], log.tail(LOGS_0));
}

pub(crate) fn a_log_is_followed_with_the_partitions_that_come_to_be(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a"), (SPANS_1, "s")]);
    let mut subscription = subscribe(log, Wanted::Log(LogId::Logs), &[]);
    assert_eq!(all_now(&mut subscription), [(LOGS_0, "a".to_owned())]);
    append(log, &[(LOGS_2, "b"), (SPANS_1, "t")]);
    assert_eq!(all_now(&mut subscription), [(LOGS_2, "b".to_owned())]);
    let mut all = subscribe(log, Wanted::All, &[]);
    assert_eq!(all_now(&mut all).len(), 4);
}

pub(crate) fn what_is_appended_meanwhile_is_given_once_and_in_order(subject: &mut dyn Subject) {
    const EACH: usize = 150;
    let log = subject.log();
    let mut subscription = with_credit(log, Wanted::Log(LogId::Logs), &[], 40);
    let handle = subscription.handle();
    let given = thread::scope(|scope| {
        for partition in [LOGS_0, LOGS_2] {
            scope.spawn(move || {
                for number in 0..EACH {
                    append(log, &[(partition, &number.to_string()), (SPANS_1, "other")]);
                }
            });
        }
        let mut given: BTreeMap<PartitionId, Vec<String>> = BTreeMap::new();
        while given.values().map(Vec::len).sum::<usize>() < 2 * EACH {
            let Ok(Next::Delivery(delivery)) = subscription.next(LONG) else { panic!() };
            handle.grant(delivery.credit_bytes());
            let Delivery::Records(records) = delivery else { panic!() };
            for record in records {
                let text = String::from_utf8(record.payload.to_vec()).unwrap();
                given.entry(record.partition).or_default().push(text);
            }
        }
        given
    });
    let in_order: Vec<String> = (0..EACH).map(|number| number.to_string()).collect();
    assert_eq!(given, BTreeMap::from([(LOGS_0, in_order.clone()), (LOGS_2, in_order)]));
}

pub(crate) fn no_more_bytes_are_given_than_were_granted(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "12345"), (LOGS_0, "67890"), (LOGS_2, "abcde"), (LOGS_0, "x")]);
    let mut subscription = with_credit(log, Wanted::All, &[], 8);
    let handle = subscription.handle();
    let mut bytes = |expected: u64| {
        let mut given = 0;
        while let Next::Delivery(delivery) = subscription.next(NOW).unwrap() {
            given += delivery.credit_bytes();
        }
        assert_eq!(given, expected);
    };
    bytes(10); // one record may go over it
    handle.grant(2);
    bytes(0); // and is owed
    handle.grant(1);
    bytes(5);
    handle.grant(100);
    bytes(1);
}

pub(crate) fn a_record_larger_than_the_credit_is_given_alone(subject: &mut dyn Subject) {
    let log = subject.log();
    let large = "x".repeat(5_000);
    append(log, &[(LOGS_0, &large), (LOGS_0, "y")]);
    let mut subscription = with_credit(log, Wanted::All, &[], 1);
    let Ok(Next::Delivery(delivery)) = subscription.next(NOW) else { panic!() };
    assert_eq!(delivery.credit_bytes(), 5_000);
    assert!(matches!(subscription.next(NOW), Ok(Next::Nothing)));
}

pub(crate) fn a_grant_and_an_append_wake_whoever_waits(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a")]);
    let mut subscription = with_credit(log, Wanted::All, &[], 0);
    let handle = subscription.handle();
    let next = |subscription: &mut Subscription, wake: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                wake();
            });
            matches!(subscription.next(LONG), Ok(Next::Delivery(Delivery::Records(_))))
        })
    };
    assert!(next(&mut subscription, &|| handle.grant(100)));
    assert!(next(&mut subscription, &|| drop(append(log, &[(LOGS_0, "b")]))));
}

pub(crate) fn cancelling_ends_a_subscription_also_while_it_waits(subject: &mut dyn Subject) {
    let log = subject.log();
    let mut subscription = subscribe(log, Wanted::All, &[]);
    let handle = subscription.handle();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            handle.cancel();
        });
        assert!(matches!(subscription.next(LONG), Ok(Next::Over(Over::Cancelled))));
    });
    append(log, &[(LOGS_0, "a")]);
    assert!(matches!(subscription.next(NOW), Ok(Next::Over(Over::Cancelled))));
}

pub(crate) fn a_closed_log_gives_what_it_holds_and_then_says_that_it_is_over(
    subject: &mut dyn Subject,
) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a"), (LOGS_0, "b")]);
    let mut subscription = subscribe(log, Wanted::All, &[]);
    log.close();
    assert_eq!(texts_now(&mut subscription), ["a", "b"]);
    assert!(matches!(subscription.next(LONG), Ok(Next::Over(Over::Closed))));
}

pub(crate) fn a_subscription_goes_on_from_its_positions_after_a_restart(subject: &mut dyn Subject) {
    append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_2, "c")]);
    let mut before = with_credit(subject.log(), Wanted::All, &[], 1);
    let Ok(Next::Delivery(Delivery::Records(first))) = before.next(NOW) else { panic!() };
    let positions = before.positions();
    drop(before);
    subject.restart();
    append(subject.log(), &[(LOGS_0, "d")]);
    let from: Vec<_> = positions.into_iter().collect();
    let mut after = subscribe(subject.log(), Wanted::All, &from);
    let mut all = texts_now(&mut after);
    assert_eq!(first.len(), 1);
    all.sort();
    assert_eq!(all, ["b", "c", "d"]);
    assert_eq!(after.positions()[&LOGS_0], subject.log().tail(LOGS_0));
}

pub(crate) fn behind_the_trim_point_it_says_so_once_and_other_partitions_go_on(
    subject: &mut dyn Subject,
) {
    let log = subject.log();
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_2, "c")]);
    log.trim(&views(), &[(LOGS_0, places[1])]);
    let mut subscription = subscribe(log, Wanted::All, &[]);
    let (mut trimmed, mut texts) = (Vec::new(), Vec::new());
    append(log, &[(LOGS_0, "d"), (LOGS_2, "e")]);
    while let Next::Delivery(delivery) = subscription.next(NOW).unwrap() {
        match delivery {
            Delivery::Trimmed { partition, trim_point, snapshot } => {
                trimmed.push((partition, trim_point, snapshot));
            }
            Delivery::Records(records) => {
                texts.extend(records.into_iter().map(|record| record.payload));
            }
            lost @ Delivery::Lost { .. } => panic!("{lost:?}"),
        }
    }
    assert_eq!(trimmed, [(LOGS_0, places[1], Some(views()))]);
    assert_eq!(texts, ["c", "e"]);
    let mut again = subscribe(log, Wanted::Partition(LOGS_0), &[(LOGS_0, places[1])]);
    assert_eq!(texts_now(&mut again), ["b", "d"]);
}

pub(crate) fn a_place_that_the_log_never_gave_is_refused(subject: &mut dyn Subject) {
    let place = append(subject.log(), &[(LOGS_0, "a")])[0];
    subject.restart();
    let log = subject.log();
    let refused = |partition, from| {
        let from = BTreeMap::from([(partition, from)]);
        let subscribe = Subscribe {
            name: "reader".into(),
            partitions: Wanted::All,
            from,
            credit_bytes: ENOUGH,
        };
        log.subscribe(subscribe).err().unwrap()
    };
    let tail = log.tail(LOGS_0);
    let (beyond, later) = (Lsn::new(tail.epoch.0, 1), Lsn::new(tail.epoch.0 + 1, 0));
    for from in [beyond, later] {
        assert_eq!(refused(LOGS_0, from), SubscribeError::Ahead { partition: LOGS_0, from, tail });
    }
    let behind_its_epoch = [(LOGS_0, Lsn::new(place.epoch.0, 9))];
    assert_eq!(texts_now(&mut subscribe(log, Wanted::All, &behind_its_epoch)), [""; 0]);
    assert!(refused(LOGS_2, Lsn::new(1, 1)).to_string().contains("logs/2"));
}
