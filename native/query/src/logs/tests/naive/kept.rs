//! Queries that keep rows of segments for each other answer as those that read everything, whatever is
//! appended, sealed, merged and erased between them.

use std::sync::Arc;

use tempfile::TempDir;
use varve_view::{LabelMatch, MatchKind, NewDelete, Store};

use super::*;
use crate::{
    KeptRows,
    logs::tests::{query, sealed},
    run_keeping,
};

/// A store, and what its queries keep.
struct Keeps {
    store: Store,
    kept: Arc<KeptRows>,
    _folder: TempDir,
}

impl Keeps {
    fn new(max_bytes: u64) -> Self {
        let (store, folder) = sealed::store_of(&Memtable(Vec::new()));
        Self { store, kept: Arc::new(KeptRows::new(max_bytes)), _folder: folder }
    }

    fn with_kept(&self) -> (&Store, Option<&Arc<KeptRows>>) {
        (&self.store, Some(&self.kept))
    }

    fn without(&self) -> (&Store, Option<&Arc<KeptRows>>) {
        (&self.store, None)
    }
}

/// What happens to a store.
#[derive(Clone, Debug)]
enum Event {
    Append(Vec<Row>),
    Seal,
    Merge,
    Erase { app: &'static str, from_s: i64, seconds: i64 },
    Ask { question: usize, function: &'static str, from_s: i64, step_s: i64, range_s: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    let ask = (0..3_usize, select(LINE_FUNCTIONS.to_vec()), 0..9_i64, 1..4_i64, 1..6_i64);
    prop_oneof![
        2 => vec(row(), 1..9).prop_map(Event::Append),
        2 => Just(Event::Seal),
        1 => Just(Event::Merge),
        1 => (select(vec!["shop", "cart"]), 0..9_i64, 0..4_i64)
            .prop_map(|(app, from_s, seconds)| Event::Erase { app, from_s, seconds }),
        8 => ask.prop_map(|(question, function, from_s, step_s, range_s)| {
            Event::Ask { question, function, from_s, step_s, range_s }
        }),
    ]
}

type Grouped = (Vec<Step>, Option<Vec<&'static str>>);

/// Values by step of each series, or why there are none.
fn values_of(
    (store, kept): (&Store, Option<&Arc<KeptRows>>),
    (pipeline, by): &Grouped,
    (function, from_s, step_s, range_s): (&str, i64, i64, i64),
) -> Result<Vec<String>, String> {
    let seconds = |count: i64| (count * SECOND).to_string();
    let plan = json!({
        "node": "series",
        "expr": {
            "node": "logWindow",
            "input": { "scan": { "matchers": selector(".+"), "range": null }, "stages": stages(pipeline) },
            "function": function,
            "range": seconds(range_s),
            "offset": "0",
            "grouping": by.as_ref().map(|labels| json!({ "without": false, "labels": labels })),
        },
        "steps": { "start": seconds(from_s), "end": seconds(from_s + 2 * step_s), "step": seconds(step_s) },
        "dialect": "loki",
    });
    let query = query(&["test"], &plan);
    match run_keeping(&query, store, kept, &CancelToken::default())
        .map(|outcome| checked(outcome).answer)
    {
        Ok(Answer::Matrix(set)) => {
            let shown = |one: &varve_columnar::answer::Series| {
                let bits: Vec<_> = one.values.iter().map(|value| value.to_bits()).collect();
                format!("{} {bits:?}", one.labels.to_json())
            };
            Ok(set.series.iter().map(shown).collect())
        }
        Ok(other) => panic!("no matrix: {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn erase(store: &Store, app: &str, from_s: i64, seconds: i64) {
    let label = LabelMatch { name: "app".into(), kind: MatchKind::Equal, value: app.into() };
    let what = NewDelete {
        table: Table::Logs,
        labels: vec![label],
        lines: Vec::new(),
        spans: Vec::new(),
        from_ms: from_s * 1_000,
        to_ms: (from_s + seconds) * 1_000,
    };
    store.create_delete(&TenantId::parse("test").unwrap(), what).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn answers_are_the_same_with_and_without_what_was_kept(
        events in vec(event(), 1..40),
        questions in vec((vec(step(), 0..4), proptest::option::of(vec(name(), 0..3))), 3),
        max_bytes in select(vec![4_000, 1_000_000]),
    ) {
        let keeps = Keeps::new(max_bytes);
        for event in events {
            match event {
                Event::Append(rows) => sealed::append(&keeps.store, &stored(&rows)),
                Event::Seal => keeps.store.seal_now().unwrap(),
                Event::Merge => keeps.store.compact_now().unwrap(),
                Event::Erase { app, from_s, seconds } => {
                    erase(&keeps.store, app, from_s, seconds);
                }
                Event::Ask { question, function, from_s, step_s, range_s } => {
                    let how = (function, from_s, step_s, range_s);
                    let whole = values_of(keeps.without(), &questions[question], how);
                    for _ in 0..2 {
                        prop_assert_eq!(&values_of(keeps.with_kept(), &questions[question], how), &whole);
                    }
                    prop_assert!(keeps.kept.status().bytes <= max_bytes);
                }
            }
        }
    }
}

#[test]
fn a_query_that_is_asked_again_reads_only_what_is_new() {
    let keeps = Keeps::new(1_000_000);
    let row = |second, line: &str| Row { second, app: "shop", user: None, line: line.to_owned() };
    let question = (vec![Step::Json], Some(vec!["level"]));
    let line = |level: &str| json!({ "level": level }).to_string();
    sealed::append(&keeps.store, &stored(&[row(1, &line("error")), row(2, &line("info"))]));
    keeps.store.seal_now().unwrap();
    let all = |source| values_of(source, &question, ("count_over_time", 1, 2, 3)).unwrap();
    let first = all(keeps.with_kept());
    assert_eq!((keeps.kept.status().hits_total, keeps.kept.status().misses_total), (0, 1));
    assert_eq!(all(keeps.with_kept()), first);
    sealed::append(&keeps.store, &stored(&[row(2, &line("error"))]));
    assert_eq!(all(keeps.with_kept()), all(keeps.without()));
    assert_ne!(all(keeps.with_kept()), first);
    // The sealed segment was not read for any of them, nor for other steps and windows of its times.
    assert_eq!((keeps.kept.status().hits_total, keeps.kept.status().misses_total), (3, 1));
    let other = |source| values_of(source, &question, ("rate", 1, 1, 1)).unwrap();
    assert_eq!(other(keeps.with_kept()), other(keeps.without()));
    assert_eq!((keeps.kept.status().hits_total, keeps.kept.status().misses_total), (4, 1));
    // A line in it that is erased is gone from the next answer.
    erase(&keeps.store, "shop", 1, 0);
    assert_eq!(all(keeps.with_kept()), all(keeps.without()));
    assert_eq!(keeps.kept.status().hits_total, 4);
}
