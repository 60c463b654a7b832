//! Reading as of an earlier position: before and after sealing and merging.

use varve_types::Table;
use varve_view::{AsOf, AsOfError, LabelMatch, MatchKind, NewDelete, Position, Segment};

use crate::support::{Home, logs, rows, samples, spans, tenant, there};

const TABLES: [Table; 3] = [Table::Logs, Table::Spans, Table::Samples];

/// What is there of each table as of a position, as text.
fn seen(home: &Home, position: &Position, tables: &[Table]) -> Result<Vec<Vec<String>>, AsOfError> {
    let of: Vec<_> = tables.iter().map(|&table| (tenant("shop"), table)).collect();
    let snapshots = home.store().snapshots_as_of(&of, &AsOf::Position(position.clone()))?;
    Ok(tables.iter().zip(&snapshots).map(|(&table, one)| rows(table, one)).collect())
}

/// Rows of logs that a query finds by the directories, and by their places.
fn lines(home: &Home, position: &Position) -> u64 {
    let as_of = AsOf::Position(position.clone());
    let snapshot =
        home.store().snapshots_as_of(&[(tenant("shop"), Table::Logs)], &as_of).unwrap().remove(0);
    let rows_of = |segment: &Segment| {
        let sets: Vec<_> = segment.label_sets().iter().map(|set| set.rows.clone()).collect();
        there(segment, &sets).into_iter().map(|rows| u64::from(rows.end - rows.start)).sum::<u64>()
    };
    let sealed: u64 = snapshot.segments.iter().map(|one| rows_of(one)).sum();
    let fresh: usize = snapshot.memtable.iter().map(|one| one.batch.num_rows()).sum();
    sealed + fresh as u64
}

fn append(home: &Home, at: u8) {
    let time = i64::from(at);
    let lines: Vec<_> = (0..4).map(|app| (app, time, format!("line {app} at {at}"))).collect();
    let traces: Vec<_> = (0..4).map(|trace| (trace, time, at)).collect();
    let values: Vec<_> = (0..4).map(|series| (series, time, u64::from(at))).collect();
    home.append(
        &tenant("shop"),
        vec![
            (Table::Logs, logs(&lines)),
            (Table::Spans, spans(&traces)),
            (Table::Samples, samples(&values)),
        ],
    );
}

#[test]
fn rows_that_came_later_are_not_seen_wherever_they_are_now() {
    let mut home = Home::new();
    let mut positions = Vec::new();
    for at in 1..=6 {
        append(&home, at);
        positions.push(home.store().position(None).unwrap());
    }
    let expected: Vec<_> = positions.iter().map(|one| seen(&home, one, &TABLES).unwrap()).collect();
    let counts: Vec<_> = expected.iter().map(|one| one[0].len()).collect();
    assert_eq!(counts, [4, 8, 12, 16, 20, 24]);
    home.store().seal_now().unwrap();
    append(&home, 7);
    home.store().seal_now().unwrap();
    home.store().compact_now().unwrap();
    home.restart();
    for (position, expected) in positions.iter().zip(&expected) {
        let found = seen(&home, position, &[Table::Spans]).unwrap();
        assert_eq!(found[0], expected[1], "{position}");
        assert_eq!(lines(&home, position), expected[0].len() as u64, "{position}");
    }
}

#[test]
fn samples_are_refused_where_a_segment_does_not_tell_them_apart() {
    let home = Home::new();
    append(&home, 1);
    let middle = home.store().position(None).unwrap();
    append(&home, 2);
    home.store().seal_now().unwrap();
    let end = home.store().position(None).unwrap();
    append(&home, 3);
    home.store().seal_now().unwrap();
    let of = [(tenant("shop"), Table::Samples)];
    let as_of = |position| home.store().snapshots_as_of(&of, &AsOf::Position(position)).unwrap();
    let divided = as_of(middle).remove(0);
    let error = divided.segments[0].undivided().err().unwrap();
    assert!(matches!(error, AsOfError::Samples { .. }), "{error}");
    let whole = as_of(end).remove(0);
    assert_eq!(whole.segments.len(), 1);
    assert!(whole.segments[0].undivided().is_ok());
}

#[test]
fn what_was_erased_since_is_not_there_at_any_position() {
    let home = Home::new();
    append(&home, 1);
    let before = home.store().position(None).unwrap();
    append(&home, 2);
    let app = LabelMatch { name: "app".into(), kind: MatchKind::Equal, value: "s1".into() };
    let what = NewDelete {
        table: Table::Logs,
        labels: vec![app],
        lines: Vec::new(),
        spans: Vec::new(),
        from_ms: 0,
        to_ms: 10,
    };
    home.store().create_delete(&tenant("shop"), what).unwrap();
    assert_eq!(lines(&home, &before), 3);
}

#[test]
fn a_time_is_known_again_after_a_restart() {
    let mut home = Home::new();
    append(&home, 1);
    home.store().seal_now().unwrap();
    let position = home.store().position(None).unwrap();
    let later = AsOf::TimeMs(i64::MAX);
    assert_eq!(home.store().position(Some(&later)).unwrap(), position);
    home.restart();
    assert_eq!(home.store().position(Some(&later)).unwrap(), position);
    let early = home.store().position(Some(&AsOf::TimeMs(5))).unwrap_err();
    assert!(matches!(early, AsOfError::TooEarly { .. }), "{early}");
}
