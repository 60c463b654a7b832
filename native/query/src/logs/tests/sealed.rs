//! The same answers from segments as from memtables.

use std::sync::{Arc, mpsc};

use tempfile::TempDir;
use varve_log::MemoryLog;
use varve_view::{Store, StoreSettings, UpkeepSettings};

use super::*;

/// A store with the requests; the folder is its data directory.
pub(super) fn store_of(requests: &Memtable) -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        data_dir: folder.path().to_owned(),
        partitions: 1,
        tenant_partitions: 1,
        memtable_max_bytes: 64 << 20,
        memtable_max_age_ms: 3_600_000,
        text_block_rows: 4,
        disk_free_min_bytes: 0,
        upkeep: UpkeepSettings::OFF,
    };
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
fn many() -> String {
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
fn answers(source: &dyn Sources) -> Vec<Vec<String>> {
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
