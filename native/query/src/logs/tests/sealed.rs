//! The same answers from segments as from memtables.

use std::sync::{Arc, mpsc};

use tempfile::TempDir;
use varve_log::MemoryLog;
use varve_view::{Store, StoreSettings};

use super::*;
use crate::plan::AsOf;

/// A store with the requests; the folder is its data directory.
pub(super) fn store_of(requests: &Memtable) -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::quiet(folder.path());
    let store = Store::open(Arc::new(MemoryLog::new(1)), settings).unwrap();
    append(&store, requests);
    (store, folder)
}

pub(super) fn append(store: &Store, requests: &Memtable) {
    let tenant = TenantId::parse("test").unwrap();
    for request in &requests.0 {
        let (told, fate) = mpsc::channel();
        let batches = vec![(Table::Logs, request.batch.clone())];
        store.append(&tenant, batches, 0, Box::new(move |one| told.send(one).unwrap()));
        fate.recv().unwrap().unwrap();
    }
}

/// Lines of a few streams, times not ascending, some equal, in several requests.
pub(super) fn many() -> String {
    let line = |at: u64| {
        let (second, stream, kind) = (at * 37 % 90, at % 5, at * 7 % 11);
        let attributes = if at.is_multiple_of(3) { r#"{"user":"ada"}"# } else { "{}" };
        let end = if at.is_multiple_of(50) { "\n" } else { "" };
        format!("{second} {{\"app\":\"s{stream}\"}} {attributes} line kind={kind} at={at}{end}\n")
    };
    (1..=430).map(line).collect::<String>().trim_end().to_owned()
}

fn line_filter(op: &str, patterns: &[&str]) -> Json {
    let patterns: Vec<Json> =
        patterns.iter().map(|text| json!({ "text": text, "ip": false })).collect();
    json!({ "stage": "lineFilter", "op": op, "patterns": patterns })
}

/// Answers to one question of every kind.
pub(super) fn answers(source: &dyn Sources) -> Vec<Vec<String>> {
    let user = json!({ "name": "user", "op": "=", "value": "ada" });
    let pipelines = [
        json!([]),
        json!([line_filter("|=", &["kind=7 "])]),
        json!([line_filter("|=", &["at=77", "at=301"]), line_filter("!=", &["at=3"])]),
        json!([line_filter("|~", &["kind=(3|10)"])]),
        json!([{ "stage": "labelFilter", "expr": { "kind": "text", "matcher": user } }]),
        json!([{ "stage": "parse", "parser": { "kind": "logfmt", "strict": false, "keepEmpty": false, "expressions": [{ "label": "kind", "path": "kind" }] } }]),
    ];
    let groupings = [Json::Null, json!({ "without": false, "labels": ["app"] })];
    let mut answers = Vec::new();
    for stages in &pipelines {
        for (app, limit) in [(".+", 7), (".+", 1_000), ("s[13]", 20)] {
            for direction in ["forward", "backward"] {
                answers.push(shown(&rows(source, app, stages, limit, direction)));
            }
        }
        for (function, grouping) in ["count_over_time", "bytes_rate"].iter().zip(&groupings) {
            answers.push(window(source, function, stages, grouping).unwrap());
        }
    }
    answers
}

#[test]
fn a_query_finds_the_same_before_and_after_sealing() {
    let requests = load(&many());
    let in_memory = answers(&requests);
    let (store, _folder) = store_of(&requests);
    assert_eq!(answers(&store), in_memory);
    store.seal_now().unwrap();
    assert!(store.snapshot(&TenantId::parse("test").unwrap(), Table::Logs).memtable.is_empty());
    assert_eq!(answers(&store), in_memory);
}

/// All lines, and the warnings beside them.
fn told(store: &Store) -> (usize, Vec<String>) {
    told_as_of(store, None)
}

fn told_as_of(store: &Store, position: Option<&str>) -> (usize, Vec<String>) {
    let mut query: Query = serde_json::from_value(json!({
        "tenants": ["test"],
        "plan": {
            "node": "logRows",
            "input": {
                "scan": {
                    "matchers": selector(".+"),
                    "range": { "from": "0", "to": (100 * SECOND).to_string() },
                },
                "stages": [],
            },
            "limit": 1_000,
            "direction": "forward",
            "interval": "0",
        },
        "answer": "loki",
        "budget": { "deadlineMs": 60_000, "memoryMaxBytes": 1_000_000, "seriesMax": 100, "samplesMax": 0 },
    }))
    .unwrap();
    query.as_of = position.map(|text| AsOf::Position(text.to_owned()));
    let outcome = run(&query, store, &CancelToken::default()).unwrap();
    let Answer::Streams(streams) = outcome.answer else { panic!("no streams") };
    (streams.iter().map(|stream| stream.entries.len()).sum(), outcome.warnings)
}

/// The only Parquet file below a folder.
pub(super) fn parquet_below(folder: &std::path::Path) -> std::path::PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            return path;
        }
    }
    panic!("no segment")
}

#[test]
fn a_damaged_segment_is_set_aside_and_the_rest_answers_with_a_warning() {
    let all = load(&many());
    let (first, second) = all.0.split_at(4);
    let (store, folder) = store_of(&Memtable(first.to_vec()));
    store.seal_now().unwrap();
    append(&store, &Memtable(second.to_vec()));
    assert_eq!(told(&store), (430, Vec::new()));
    let path = parquet_below(&folder.path().join("segments"));
    let mut bytes = std::fs::read(&path).unwrap();
    // In the pages of the first columns, which every query reads.
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        let (lines, warnings) = told(&store);
        assert_eq!((lines, warnings.len()), (230, 1), "{warnings:?}");
        assert!(warnings[0].starts_with("200 records of logs from "), "{warnings:?}");
        assert!(warnings[0].contains("bytes 0 to "), "{warnings:?}");
    }
}

#[test]
fn a_segment_that_is_found_damaged_on_the_way_to_a_position_is_set_aside_too() {
    let all = load(&many());
    let (first, second) = all.0.split_at(4);
    let (store, folder) = store_of(&Memtable(first.to_vec()));
    let position = store.position(None).unwrap().to_string();
    append(&store, &Memtable(second.to_vec()));
    store.seal_now().unwrap();
    assert_eq!(told_as_of(&store, Some(&position)), (200, Vec::new()));
    let path = parquet_below(&folder.path().join("segments"));
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 2;
    bytes[..pages].iter_mut().skip(10).step_by(16).for_each(|byte| *byte ^= 1);
    std::fs::write(&path, bytes).unwrap();
    let (lines, warnings) = told_as_of(&store, Some(&position));
    assert_eq!((lines, warnings.len()), (0, 1), "{warnings:?}");
}

#[test]
fn segments_and_memtables_are_read_together() {
    let all = load(&many());
    let in_memory = answers(&all);
    let (first, second) = all.0.split_at(4);
    let (store, _folder) = store_of(&Memtable(first.to_vec()));
    store.seal_now().unwrap();
    append(&store, &Memtable(second.to_vec()));
    assert_eq!(answers(&store), in_memory);
}
