//! What is sent again is stored once: log-core, section 8.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use varve_log::producers::{
    CommittedRecord, KeyVerdict, PartitionProducers, ProducerSettings, ProducerTable, Producers,
    SessionId, SessionVerdict, SnapshotError,
};
use varve_types::{Epoch, LogId, Lsn, PartitionId};

const SMALL: ProducerSettings = ProducerSettings {
    sessions_max: 3,
    dedupe_window_ms: 20,
    dedupe_keys_max: 6,
    dedupe_keys_total_max: 100,
};
const A: SessionId = SessionId(1);

fn of_session(offset: u64, session: SessionId, seq: u64) -> CommittedRecord {
    CommittedRecord {
        lsn: Lsn::new(1, offset),
        session: Some((session, seq)),
        idempotency_key: 0,
        append_time_ms: 0,
    }
}

fn of_key(offset: u64, idempotency_key: u128, append_time_ms: i64) -> CommittedRecord {
    CommittedRecord { lsn: Lsn::new(1, offset), session: None, idempotency_key, append_time_ms }
}

fn replayed(settings: ProducerSettings, records: &[CommittedRecord]) -> ProducerTable {
    let mut table = ProducerTable::new(settings);
    for record in records {
        table.committed(record);
    }
    table
}

#[test]
fn a_session_counts_from_0_without_gaps() {
    let mut table = ProducerTable::new(SMALL);
    assert_eq!(table.check(A, 0), SessionVerdict::New);
    assert_eq!(table.check(A, 1), SessionVerdict::UnknownSession);
    table.committed(&of_session(0, A, 0));
    assert_eq!(table.check(A, 0), SessionVerdict::Duplicate(Lsn::new(1, 0)));
    assert_eq!(table.check(A, 1), SessionVerdict::New);
    assert_eq!(table.check(A, 2), SessionVerdict::OutOfSequence { expected: 1 });
}

#[test]
fn the_last_16_places_of_a_session_are_remembered_and_older_records_are_safe_to_drop() {
    let records: Vec<_> = (0..20).map(|n| of_session(100 + n, A, n)).collect();
    let table = replayed(SMALL, &records);
    assert_eq!(table.check(A, 3), SessionVerdict::DuplicateTooOld);
    for seq in 4..20 {
        assert_eq!(table.check(A, seq), SessionVerdict::Duplicate(Lsn::new(1, 100 + seq)));
    }
}

#[test]
fn the_session_that_was_silent_longest_is_forgotten() {
    let of = |offset, id, seq| of_session(offset, SessionId(id), seq);
    // Session 1 wrote again before the fourth came: session 2 is the silent one.
    let table = replayed(SMALL, &[of(0, 1, 0), of(1, 2, 0), of(2, 3, 0), of(3, 1, 1), of(4, 4, 0)]);
    assert_eq!(table.sessions_len(), 3);
    assert_eq!(table.check(SessionId(2), 1), SessionVerdict::UnknownSession);
    assert_eq!(table.check(SessionId(1), 1), SessionVerdict::Duplicate(Lsn::new(1, 3)));
}

#[test]
fn a_key_is_known_for_the_window_and_new_after_it() {
    let mut table = replayed(SMALL, &[of_key(0, 7, 100), of_key(1, 8, 119)]);
    assert_eq!(table.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 0)));
    table.committed(&of_key(2, 9, 120));
    assert_eq!(table.check_key(7), KeyVerdict::New);
    assert_eq!(table.check_key(8), KeyVerdict::Duplicate(Lsn::new(1, 1)));
}

#[test]
fn a_key_that_comes_again_in_the_very_record_that_ends_its_window_takes_the_new_place() {
    let table = replayed(SMALL, &[of_key(0, 7, 100), of_key(1, 7, 120)]);
    assert_eq!(table.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 1)));
}

#[test]
fn a_leader_whose_clock_is_behind_or_ahead_neither_shortens_nor_lengthens_the_window() {
    // Appended at 100 by the old leader's clock. The new one's shows something else then.
    for clock_ms in [50_i64, 100, 9_000] {
        let new = |offset, key, passed_ms: i64| {
            let lsn = Lsn::new(2, offset);
            CommittedRecord { lsn, ..of_key(offset, key, clock_ms + passed_ms) }
        };
        let mut table = replayed(SMALL, &[of_key(0, 7, 100), new(0, 8, 0), new(1, 9, 19)]);
        assert_eq!(table.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 0)));
        assert_eq!(table.check_key(8), KeyVerdict::Duplicate(Lsn::new(2, 0)));
        table.committed(&new(2, 10, 20));
        assert_eq!((table.check_key(7), table.check_key(8)), (KeyVerdict::New, KeyVerdict::New));
        assert_eq!(table.check_key(9), KeyVerdict::Duplicate(Lsn::new(2, 1)));
    }
}

#[test]
fn after_a_clock_was_ahead_the_window_is_as_long_as_ever() {
    let mut table = replayed(SMALL, &[of_key(0, 7, 5_000), of_key(1, 8, 100), of_key(2, 9, 119)]);
    assert_eq!(table.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 0)));
    assert_eq!(table.check_key_at(7, Epoch(1), 120), KeyVerdict::New);
    table.committed(&of_key(3, 10, 120));
    assert_eq!((table.check_key(7), table.check_key(8)), (KeyVerdict::New, KeyVerdict::New));
    assert_eq!(table.check_key(9), KeyVerdict::Duplicate(Lsn::new(1, 2)));
}

#[test]
fn no_key_is_forgotten_while_there_is_no_leader() {
    let table = replayed(SMALL, &[of_key(0, 7, 100)]);
    assert_eq!(table.check_key_at(7, Epoch(2), 9_000), KeyVerdict::Duplicate(Lsn::new(1, 0)));
}

#[test]
fn the_oldest_key_is_forgotten_beyond_the_most_that_may_be_known() {
    let records: Vec<_> = (0..7).map(|n| of_key(n, u128::from(n) + 1, 0)).collect();
    let table = replayed(SMALL, &records);
    assert_eq!((table.keys_len(), table.check_key(1)), (6, KeyVerdict::New));
    assert_eq!(table.check_key(2), KeyVerdict::Duplicate(Lsn::new(1, 1)));
}

#[test]
fn a_window_of_0_knows_no_key_not_even_one_being_written() {
    let settings = ProducerSettings { dedupe_window_ms: 0, ..SMALL };
    let mut producers: Producers<u8> = Producers::new(ProducerTable::new(settings));
    producers.begin(None, 7);
    assert_eq!(producers.check_key(7), KeyVerdict::New);
    producers.committed(&of_key(0, 7, 100));
    assert_eq!(producers.check_key(7), KeyVerdict::New);
}

#[test]
fn records_without_a_key_are_never_duplicates() {
    let mut producers: Producers<u8> = Producers::new(ProducerTable::new(SMALL));
    producers.begin(None, 0);
    producers.committed(&of_key(0, 0, 100));
    assert_eq!(producers.check_key(0), KeyVerdict::New);
    assert_eq!(producers.table.keys_len(), 0);
}

#[test]
fn a_retry_of_what_is_being_written_waits_for_the_first_ones_fate() {
    let mut producers = Producers::new(ProducerTable::new(SMALL));
    producers.begin(None, 7);
    assert_eq!(producers.in_flight.attach_key(7, "first"), Ok(()));
    assert_eq!(producers.check_key(7), KeyVerdict::InFlight);
    assert_eq!(producers.in_flight.attach_key(7, "retry"), Ok(()));
    assert_eq!(producers.committed(&of_key(5, 7, 100)), ["first", "retry"]);
    assert_eq!(producers.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 5)));
    assert_eq!(producers.in_flight.attach_key(7, "late"), Err("late"));
}

#[test]
fn what_failed_is_new_again_and_all_who_wait_are_told() {
    let mut producers = Producers::new(ProducerTable::new(SMALL));
    producers.begin(Some((A, 0)), 7);
    producers.begin(Some((A, 1)), 8);
    assert_eq!(producers.in_flight.attach(A, 0, "first"), Ok(()));
    assert_eq!(producers.in_flight.attach(A, 1, "second"), Ok(()));
    assert_eq!(producers.in_flight.attach_key(8, "its retry"), Ok(()));
    assert_eq!(producers.in_flight.settle_all(), ["first", "second", "its retry"]);
    assert_eq!(producers.check(A, 0), SessionVerdict::New);
    assert_eq!(producers.check_key(8), KeyVerdict::New);
}

#[test]
fn a_session_goes_on_behind_its_records_that_are_being_written() {
    let mut producers: Producers<u8> = Producers::new(ProducerTable::new(SMALL));
    producers.committed(&of_session(0, A, 0));
    producers.begin(Some((A, 1)), 0);
    producers.begin(Some((A, 2)), 0);
    assert_eq!(producers.check(A, 0), SessionVerdict::Duplicate(Lsn::new(1, 0)));
    assert_eq!(producers.check(A, 1), SessionVerdict::InFlight);
    assert_eq!(producers.check(A, 2), SessionVerdict::InFlight);
    assert_eq!(producers.check(A, 3), SessionVerdict::New);
    assert_eq!(producers.check(A, 4), SessionVerdict::OutOfSequence { expected: 3 });
}

#[test]
fn of_a_request_stored_in_half_only_the_other_half_is_new() {
    let (part_a, part_b) = (0xa, 0xb);
    let mut producers: Producers<u8> = Producers::new(ProducerTable::new(SMALL));
    producers.begin(None, part_a);
    producers.begin(None, part_b);
    producers.committed(&of_key(0, part_a, 100));
    // A new leader has the table and nothing being written.
    let after = Producers::<u8>::new(producers.table);
    assert_eq!(after.check_key(part_a), KeyVerdict::Duplicate(Lsn::new(1, 0)));
    assert_eq!(after.check_key(part_b), KeyVerdict::New);
}

#[test]
fn a_million_keys_take_at_most_48_bytes_each() {
    let mut table = ProducerTable::new(ProducerSettings::default());
    // Past the bound, so that keys are forgotten too.
    for n in 0..1_200_000_u64 {
        let key = u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        table.committed(&of_key(n, key, 0));
    }
    assert_eq!(table.keys_len(), 1_000_000);
    let bytes = table.keys_memory_bytes();
    assert!(bytes <= 48_000_000, "{bytes} bytes for a million keys");
}

#[test]
fn what_many_keys_took_is_given_back_once_they_are_old() {
    let mut table = ProducerTable::new(ProducerSettings::default());
    for n in 0..100_000_u64 {
        table.committed(&of_key(n, u128::from(n) + 1, 0));
    }
    table.committed(&of_key(100_000, 7, 600_000));
    assert_eq!((table.keys_len(), table.keys_forgotten_total()), (1, 0));
    assert!(table.keys_memory_bytes() < 10_000, "{} bytes", table.keys_memory_bytes());
    assert_eq!(table.check_key(7), KeyVerdict::Duplicate(Lsn::new(1, 100_000)));
}

#[test]
fn all_partitions_together_remember_no_more_than_may_be_and_the_largest_forgets() {
    let settings = ProducerSettings { dedupe_keys_total_max: 100, ..ProducerSettings::default() };
    let mut producers = PartitionProducers::new(settings);
    let [busy, quiet] = [0, 1].map(|number| PartitionId { log: LogId::Logs, number });
    for n in 0..20 {
        producers.committed(&[(quiet, of_key(n, u128::from(n) + 1, 0))]);
    }
    for n in 0..1_000 {
        producers.committed(&[(busy, of_key(n, u128::from(n) + 1, 0))]);
        assert!(producers.keys_len() <= 100);
    }
    let known = |partition, n: u64| producers.find(partition, u128::from(n) + 1, Epoch(1), 0);
    assert!((0..20).all(|n| known(quiet, n) == Some(Lsn::new(1, n))));
    assert!((940..1_000).all(|n| known(busy, n) == Some(Lsn::new(1, n))));
    let tables = producers.into_tables();
    assert_eq!(tables[&busy].keys_forgotten_total() + tables[&busy].keys_len() as u64, 1_000);
}

#[test]
fn a_damaged_snapshot_is_refused_wherever_the_damage_is() {
    let whole =
        replayed(SMALL, &[of_session(0, A, 0), of_key(1, 7, 100)]).encode_snapshot().to_vec();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(ProducerTable::decode_snapshot(&changed, SMALL).is_err(), "byte {at}");
        assert!(ProducerTable::decode_snapshot(&whole[..at], SMALL).is_err(), "cut at {at}");
    }
}

#[test]
fn a_snapshot_of_another_version_is_refused_by_name() {
    let mut bytes = ProducerTable::new(SMALL).encode_snapshot().to_vec();
    bytes.truncate(bytes.len() - 4);
    bytes[8] = 3;
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let refused = ProducerTable::decode_snapshot(&bytes, SMALL).unwrap_err();
    assert_eq!(refused, SnapshotError::Version { version: 3 });
}

/// Any log: sessions that repeat and skip, keys that come again, clocks that jump, epochs that change.
fn histories() -> impl Strategy<Value = Vec<CommittedRecord>> {
    let record = (0..6_u64, any::<bool>(), 0..4_u64, 0..12_u128, -5..15_i64, 0..20_u8);
    prop::collection::vec(record, 0..120).prop_map(|steps| {
        let (mut epoch, mut offset, mut now_ms) = (1, 0, 0);
        let mut next = [0_u64; 6];
        let mut records = Vec::new();
        for (session, has_session, skip, idempotency_key, passed_ms, turn) in steps {
            if turn == 0 {
                (epoch, offset) = (epoch + 1, 0);
            }
            now_ms += passed_ms;
            let seq = &mut next[session as usize];
            *seq = (*seq + skip).saturating_sub(1);
            records.push(CommittedRecord {
                lsn: Lsn::new(epoch, offset),
                session: has_session.then_some((SessionId(session), *seq)),
                idempotency_key,
                append_time_ms: now_ms,
            });
            *seq += 1;
            offset += 1;
        }
        records
    })
}

proptest! {
    #[test]
    fn a_snapshot_and_the_records_after_it_make_the_table_of_the_whole_log(
        records in histories(), cut in any::<prop::sample::Index>(), overlap in 0..10_usize,
    ) {
        let whole = replayed(SMALL, &records);
        let cut = cut.index(records.len() + 1);
        let bytes = replayed(SMALL, &records[..cut]).encode_snapshot();
        let mut table = ProducerTable::decode_snapshot(&bytes, SMALL).unwrap();
        // The log is trimmed somewhere before the cut: what is left of it changes nothing.
        for record in &records[cut.saturating_sub(overlap)..] {
            table.committed(record);
        }
        prop_assert_eq!(&table, &whole);
        prop_assert_eq!(table.encode_snapshot(), whole.encode_snapshot());
        for key in 0..12 {
            prop_assert_eq!(table.check_key(key), whole.check_key(key));
        }
    }

    #[test]
    fn keys_are_those_that_a_list_searched_from_end_to_end_would_know(records in histories()) {
        let mut table = ProducerTable::new(SMALL);
        let (mut list, mut time_ms) = (Vec::<(u128, Lsn, i64)>::new(), 0);
        let mut last: Option<&CommittedRecord> = None;
        for record in &records {
            table.committed(record);
            if let Some(last) = last.replace(record)
                && last.lsn.epoch == record.lsn.epoch
            {
                time_ms += (record.append_time_ms - last.append_time_ms).max(0);
            }
            list.retain(|&(_, _, at_ms)| at_ms > time_ms - 20);
            let key = record.idempotency_key;
            if key != 0 && list.iter().all(|&(known, ..)| known != key) {
                list.push((key, record.lsn, time_ms));
                if list.len() > 6 {
                    list.remove(0);
                }
            }
            for key in 1..12 {
                let known = list.iter().find(|&&(known, ..)| known == key);
                let expected = known.map_or(KeyVerdict::New, |&(_, lsn, _)| KeyVerdict::Duplicate(lsn));
                prop_assert_eq!(table.check_key(key), expected);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_snapshot_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ProducerTable::decode_snapshot(&bytes, SMALL).is_err());
    }
}
