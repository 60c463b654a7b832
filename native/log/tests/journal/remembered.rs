//! What a journal remembers of requests that may be sent again.

use crate::support::{LOGS_0, SPANS_1, settings};
use bytes::Bytes;
use std::sync::mpsc;
use varve_log::{Append, Journal, JournalSettings, Log, ProducerSettings, Runtime, Stored};
use varve_types::{PartitionId, TenantId};

/// Appends one request of records with these keys, and waits for what became of them.
fn append_keyed(log: &Journal, partition: PartitionId, keys: std::ops::Range<u128>) -> Vec<Stored> {
    let (told, answers) = mpsc::channel();
    let appends = keys.map(|idempotency_key| {
        let told = told.clone();
        Append {
            partition,
            tenant: TenantId::parse("team-a").unwrap(),
            schema_id: 1,
            rows: 1,
            session: None,
            idempotency_key,
            payload: Bytes::from_static(b"x"),
            done: Box::new(move |stored| told.send(stored.unwrap()).unwrap()),
        }
    });
    log.append(appends.collect()).unwrap();
    drop(told);
    answers.iter().collect()
}

fn are_known(stored: &[Stored]) -> bool {
    stored.iter().all(|stored| matches!(stored, Stored::Duplicate(_)))
}

#[test]
fn all_partitions_together_remember_no_more_keys_than_may_be_and_those_forgotten_are_counted() {
    let home = tempfile::tempdir().unwrap();
    let producers = ProducerSettings { dedupe_keys_total_max: 64, ..ProducerSettings::default() };
    let open = || {
        let settings = JournalSettings { producers, ..settings(home.path()) };
        Journal::open(settings, Runtime::real()).unwrap()
    };
    let journal = open();
    append_keyed(&journal, SPANS_1, 1..11);
    for first in (1..201).step_by(10) {
        append_keyed(&journal, LOGS_0, first..first + 10);
        assert!(journal.status().keys_remembered <= 64);
    }
    let status = journal.status();
    assert_eq!(status.keys_remembered + status.keys_forgotten_total, 210);
    assert!(are_known(&append_keyed(&journal, SPANS_1, 1..11)), "it had few");
    assert!(are_known(&append_keyed(&journal, LOGS_0, 171..201)), "these are the newest");
    drop(journal);
    let journal = open();
    let status = journal.status();
    assert_eq!(status.keys_remembered + status.keys_forgotten_total, 210);
    assert!(status.keys_remembered <= 64 && are_known(&append_keyed(&journal, SPANS_1, 1..11)));
    assert!(matches!(append_keyed(&journal, LOGS_0, 1..2)[..], [Stored::New(_)]));
}
