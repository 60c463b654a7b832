//! Reading as of a position among the records of a segment: as if nothing had come since.

use varve_view::{AsOf, Store};

use super::{
    sealed::{answers, many, parquet_below, store_of},
    *,
};

/// The store as of a position.
struct Earlier<'s>(&'s Store, AsOf);

impl Sources for Earlier<'_> {
    fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot {
        self.0.snapshots_as_of(&[(tenant.clone(), table)], &self.1).unwrap().remove(0)
    }
}

/// A store that has sealed all of it, as of the place before a record.
fn earlier(store: &Store, offset: u64) -> Earlier<'_> {
    let text = format!("logs/0=1:{offset}");
    Earlier(store, AsOf::Position(varve_view::Position::parse(&text).unwrap()))
}

fn first(requests: &Memtable, count: u64) -> Memtable {
    Memtable(requests.0.iter().take(count as usize).cloned().collect())
}

/// What is told of streams without their lines, and how large they are.
fn overviews(source: &dyn Sources) -> Vec<String> {
    let range = |from: i64, to: i64| json!({ "from": (from * SECOND).to_string(), "to": (to * SECOND).to_string() });
    let mut told = Vec::new();
    for range in [range(0, 100), range(30, 40)] {
        for plan in [
            json!({ "node": "streamLabels", "selectors": [], "range": range, "of": { "kind": "sets" } }),
            json!({ "node": "streamLabels", "selectors": [selector("s[12]")], "range": range, "of": { "kind": "values", "name": "app" } }),
            json!({ "node": "logVolume", "matchers": [], "range": range, "by": { "kind": "series", "labels": ["app"] }, "step": "0", "limit": 9 }),
            json!({ "node": "logVolume", "matchers": [], "range": range, "by": { "kind": "series", "labels": ["app"] }, "step": (20 * SECOND).to_string(), "limit": 9 }),
        ] {
            told.push(format!("{:?}", ask(source, &["test"], &plan).unwrap()));
        }
    }
    told
}

#[test]
fn a_query_finds_what_it_would_have_found_then() {
    let all = load(&many());
    let (store, _folder) = store_of(&all);
    store.seal_now().unwrap();
    let requests = all.0.len() as u64;
    for offset in [0, 1, requests / 2, requests - 1, requests] {
        let (then, before) = (earlier(&store, offset), first(&all, offset));
        assert_eq!(answers(&then), answers(&before), "{offset}");
        assert_eq!(overviews(&then), overviews(&before), "{offset}");
    }
}

#[test]
fn streams_that_came_later_are_not_told_of() {
    let text =
        "1 {\"app\":\"a\"} {} early\n\n2 {\"app\":\"b\"} {} later\n1 {\"app\":\"a\"} {} later";
    let (store, _folder) = store_of(&load(text));
    store.seal_now().unwrap();
    let plan = json!({
        "node": "streamLabels",
        "selectors": [],
        "range": { "from": "0", "to": (100 * SECOND).to_string() },
        "of": { "kind": "values", "name": "app" },
    });
    let answer = ask(&earlier(&store, 1), &["test"], &plan).unwrap();
    assert!(matches!(&answer, Answer::Names(names) if *names == ["a"]), "{answer:?}");
}

/// How a query for lines ends once the segment's rows cannot be read any more.
fn without_rows(app: &str, stages: &Json, to_second: i64) -> Result<usize, QueryError> {
    let text = "1 {\"app\":\"a\"} {} a line of before\n\n20 {\"app\":\"b\"} {} a line of after";
    let (store, folder) = store_of(&load(text));
    store.seal_now().unwrap();
    std::fs::remove_file(parquet_below(&folder.path().join("segments"))).unwrap();
    let plan = json!({
        "node": "logRows",
        "input": {
            "scan": {
                "matchers": selector(app),
                "range": { "from": "0", "to": (to_second * SECOND).to_string() },
            },
            "stages": stages,
        },
        "limit": 10,
        "direction": "forward",
        "interval": "0",
    });
    match ask(&earlier(&store, 1), &["test"], &plan)? {
        Answer::Streams(streams) => Ok(streams.len()),
        other => panic!("no streams: {other:?}"),
    }
}

#[test]
fn rows_are_only_asked_when_they_came_if_nothing_else_leaves_them_out() {
    let none = json!([]);
    let other_text = json!([{ "stage": "lineFilter", "op": "|=", "patterns": [{ "text": "elsewhere", "ip": false }] }]);
    assert!(matches!(without_rows("a", &none, 1), Ok(0)), "another time");
    assert!(matches!(without_rows("c", &none, 100), Ok(0)), "other labels");
    assert!(matches!(without_rows("a", &other_text, 100), Ok(0)), "another text");
    assert!(matches!(without_rows("a", &none, 100), Err(QueryError::Read(_))));
}

#[test]
fn finding_them_is_within_the_budget_of_the_query() {
    // Every other row came later, so that each that is left is a range.
    let lines = |word: &str| {
        (0..2_000)
            .map(|at| format!("{} {{\"app\":\"a\"}} {{}} {word}\n", at % 90))
            .collect::<Vec<_>>()
            .concat()
    };
    let (store, _folder) = store_of(&load(&format!("{}\n{}", lines("then"), lines("later"))));
    store.seal_now().unwrap();
    let count = json!({
        "node": "logVolume",
        "matchers": [],
        "range": { "from": "0", "to": (100 * SECOND).to_string() },
        "by": { "kind": "series", "labels": ["app"] },
        "step": "0",
        "limit": 9,
    });
    let asked = |bytes: u64| {
        let mut query = query(&["test"], &count);
        query.budget.memory_max_bytes = bytes;
        run(&query, &earlier(&store, 1), &CancelToken::default())
    };
    assert!(asked(100_000).is_ok());
    let error = asked(400).unwrap_err();
    assert!(matches!(error, QueryError::Budget { what: "bytes of memory", .. }), "{error}");
}
