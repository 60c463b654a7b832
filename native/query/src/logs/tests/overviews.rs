//! Totals, volumes, fields, patterns and tails: the same from memtables as from segments.

use varve_columnar::answer::{LogPattern, LogTotals, SeriesSet, TailedLines};

use super::{
    sealed::{append, store_of},
    *,
};

const SHOP: &str = r#"
1 {"app":"shop","pod":"1"} {"user":"ada"} {"status":200,"client":{"ip":"::1"}}
2 {"app":"shop","pod":"2"} {"user":"eve"} {"status":404,"client":{"ip":"::2"}}

12 {"app":"shop","pod":"1"} {} GET /cart took 12ms
13 {"app":"cart","pod":"1"} {} GET /cart took 7ms
14 {"app":"cart","pod":"1"} {} level=info took=7ms"#;

fn range(from: i64, to: i64) -> Json {
    json!({ "from": (from * SECOND).to_string(), "to": (to * SECOND).to_string() })
}

/// Asks the memtables, and a store that has sealed the same rows.
fn both(plan: &Json) -> [Answer; 2] {
    let memtable = load(SHOP);
    let (store, _folder) = store_of(&memtable);
    store.seal_now().unwrap();
    [ask(&memtable, &["test"], plan).unwrap(), ask(&store, &["test"], plan).unwrap()]
}

#[test]
fn totals_count_streams_lines_and_bytes_of_the_range() {
    let of = |from, to| {
        let plan =
            json!({ "node": "logTotals", "matchers": selector("shop"), "range": range(from, to) });
        both(&plan).map(|answer| match answer {
            Answer::LogTotals(LogTotals { streams, lines, bytes, .. }) => (streams, lines, bytes),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(of(0, 100), [(2, 3, 91), (2, 3, 91)]);
    assert_eq!(of(2, 12), [(1, 1, 36), (1, 1, 36)]);
}

fn volumes(by: &Json, step: i64) -> [Vec<String>; 2] {
    let plan = json!({
        "node": "logVolume",
        "matchers": [],
        "range": range(0, 15),
        "by": by,
        "step": (step * SECOND).to_string(),
        "limit": 3,
    });
    let shown = |set: SeriesSet| {
        let one = |series: &varve_columnar::answer::Series| {
            format!("{} {:?}", series.labels.to_json(), series.values)
        };
        set.series.iter().map(one).collect()
    };
    both(&plan).map(|answer| match answer {
        Answer::Vector(set) | Answer::Matrix(set) => shown(set),
        other => panic!("{other:?}"),
    })
}

#[test]
fn volumes_are_summed_by_values_or_names_of_labels_the_largest_first() {
    let [memtable, sealed] = volumes(&json!({ "kind": "series", "labels": ["app"] }), 0);
    assert_eq!(memtable, [r#"{"app":"shop"} [115.0]"#, r#"{"app":"cart"} [53.0]"#]);
    assert_eq!(sealed, memtable);
    let [memtable, sealed] = volumes(&json!({ "kind": "names", "labels": [] }), 0);
    assert_eq!(memtable, [r#"{"app":""} [168.0]"#, r#"{"pod":""} [168.0]"#]);
    assert_eq!(sealed, memtable);
}

#[test]
fn volumes_have_a_point_for_each_step_with_lines() {
    let [memtable, sealed] = volumes(&json!({ "kind": "series", "labels": ["app"] }), 5);
    let absent = varve_columnar::answer::ABSENT;
    assert_eq!(memtable[0], format!(r#"{{"app":"shop"}} [{:?}, {absent:?}, 27.0]"#, 88.0));
    assert_eq!(sealed, memtable);
}

#[test]
fn steps_of_volumes_are_whole_ones_and_a_single_one_is_none() {
    let of = |from, step: i64| {
        let plan = json!({
            "node": "logVolume",
            "matchers": [],
            "range": range(from, 15),
            "by": { "kind": "names", "labels": ["app"] },
            "step": (step * SECOND).to_string(),
            "limit": 3,
        });
        both(&plan).map(|answer| match answer {
            Answer::Vector(set) => (true, set.steps_ns, set.series[0].values.clone()),
            Answer::Matrix(set) => (false, set.steps_ns, set.series[0].values.clone()),
            other => panic!("{other:?}"),
        })
    };
    let millisecond = SECOND / 1_000;
    for (is_vector, ends, values) in of(2, 5) {
        let last = [5 * SECOND - millisecond, 10 * SECOND - millisecond, 15 * SECOND];
        assert_eq!((is_vector, ends.as_slice()), (false, last.as_slice()));
        assert_eq!(values[0].to_string(), "44");
    }
    for (is_vector, ends, values) in of(2, 20) {
        assert_eq!((is_vector, ends.as_slice()), (true, [15 * SECOND].as_slice()));
        assert_eq!(values[0].to_string(), "124");
    }
}

fn input(app: &str) -> Json {
    json!({ "scan": { "matchers": selector(app), "range": range(0, 100) }, "stages": [] })
}

#[test]
fn fields_are_structured_metadata_and_what_a_parser_finds() {
    let plan = json!({
        "node": "detectedFields",
        "input": input("shop|cart"),
        "lineLimit": 100,
        "of": { "kind": "all" },
        "limit": 100,
    });
    for answer in both(&plan) {
        let Answer::DetectedFields { fields, .. } = answer else { panic!("{answer:?}") };
        let shown: Vec<String> = fields
            .iter()
            .map(|one| {
                let (path, parsers) = (one.json_path.join("/"), one.parsers.join("+"));
                format!("{} {:?} {} {parsers} {path}", one.name, one.kind, one.cardinality)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "client_ip String 2 json client/ip",
                "level String 1 logfmt ",
                "status Int 2 json status",
                "took Duration 1 logfmt ",
                "user String 2  ",
            ]
        );
    }
}

#[test]
fn values_of_a_field_are_sorted_and_limited() {
    let plan = json!({
        "node": "detectedFields",
        "input": input("shop"),
        "lineLimit": 100,
        "of": { "kind": "values", "name": "user" },
        "limit": 1,
    });
    for answer in both(&plan) {
        assert!(matches!(answer, Answer::DetectedValues { values, limit: 1 } if values == ["ada"]));
    }
}

#[test]
fn labels_whose_values_are_all_ids_are_not_detected_but_for_well_known_ones() {
    let text = r#"1 {"app":"shop","pod":"1","shard":"7","id":"0af76519-16cd-43dd-8448-eb211c80319c"} {} x"#;
    let plan = json!({ "node": "detectedLabels", "matchers": [], "range": range(0, 100) });
    let answer = ask(&load(text), &["test"], &plan).unwrap();
    assert!(
        matches!(&answer, Answer::DetectedLabels(labels)
            if *labels == [("app".to_owned(), 1), ("pod".to_owned(), 1)]),
        "{answer:?}"
    );
}

#[test]
fn patterns_are_counted_by_step_over_all_streams() {
    let filter = json!([{ "stage": "lineFilter", "op": "|=", "patterns": [{ "text": "GET", "ip": false }] }]);
    let mut input = input("shop|cart");
    input["stages"] = filter;
    let plan = json!({ "node": "logPatterns", "input": input, "step": (10 * SECOND).to_string() });
    for answer in both(&plan) {
        let Answer::Patterns(patterns) = answer else { panic!("{answer:?}") };
        let samples = vec![(10, 2)];
        let pattern = "GET /cart took <_>".to_owned();
        assert_eq!(patterns, [LogPattern { pattern, level: String::new(), samples }]);
    }
}

fn tail(source: &dyn Sources, after: Option<&str>, limit: u32) -> TailedLines {
    let plan =
        json!({ "node": "logTail", "input": input("shop|cart"), "after": after, "limit": limit });
    match ask(source, &["test"], &plan).unwrap() {
        Answer::Tail(tailed) => tailed,
        other => panic!("{other:?}"),
    }
}

fn seconds(tailed: &TailedLines) -> Vec<i64> {
    let entries = tailed.streams.iter().flat_map(|rows| &rows.entries);
    let mut seconds: Vec<i64> = entries.map(|entry| entry.time_ns / SECOND).collect();
    seconds.sort_unstable();
    seconds
}

#[test]
fn a_tail_begins_with_the_newest_lines_and_goes_on_with_each_new_one_once() {
    let (store, _folder) = store_of(&load(SHOP));
    let first = tail(&store, None, 2);
    assert_eq!(seconds(&first), [13, 14]);
    assert!(first.dropped.is_empty());
    let nothing = tail(&store, Some(&first.position), 0);
    assert_eq!((seconds(&nothing), &nothing.position), (vec![], &first.position));
    append(
        &store,
        &load(
            "20 {\"app\":\"shop\"} {} a\n\n3 {\"app\":\"shop\"} {} late\n21 {\"app\":\"x\"} {} other",
        ),
    );
    let new = tail(&store, Some(&first.position), 0);
    assert_eq!(seconds(&new), [3, 20]);
    assert_eq!(seconds(&tail(&store, Some(&new.position), 0)), [0; 0]);
}

#[test]
fn a_tail_goes_on_over_a_sealing() {
    let (store, _folder) = store_of(&load(SHOP));
    let first = tail(&store, None, 100);
    append(&store, &load(r#"20 {"app":"shop"} {} before"#));
    store.seal_now().unwrap();
    append(&store, &load(r#"21 {"app":"shop"} {} after"#));
    let new = tail(&store, Some(&first.position), 0);
    assert_eq!(seconds(&new), [20, 21]);
    store.seal_now().unwrap();
    assert_eq!(seconds(&tail(&store, Some(&new.position), 0)), [0; 0]);
}

#[test]
fn a_reader_that_was_too_slow_gets_the_newest_lines_and_is_told_of_the_others() {
    let (store, _folder) = store_of(&load(SHOP));
    let first = tail(&store, None, 1);
    append(
        &store,
        &load("20 {\"app\":\"shop\"} {} a\n21 {\"app\":\"shop\"} {} b\n22 {\"app\":\"shop\"} {} c"),
    );
    let late = tail(&store, Some(&first.position), 1);
    assert_eq!(seconds(&late), [22]);
    let dropped: Vec<i64> = late.dropped.iter().map(|line| line.time_ns / SECOND).collect();
    assert_eq!(dropped, [20, 21]);
}

#[test]
fn several_tenants_are_not_tailed_at_once() {
    let plan = json!({ "node": "logTail", "input": input("shop"), "after": null, "limit": 1 });
    let error = ask(&load(SHOP), &["a", "b"], &plan).unwrap_err();
    assert!(error.to_string().contains("multiple org IDs present"));
}
