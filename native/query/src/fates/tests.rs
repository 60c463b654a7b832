//! What is told of segments, over a store with four of each table: of hours 0 to 3, each with a stream,
//! a series and a trace of its own.

use std::sync::{Arc, mpsc};

use arrow::{
    array::{FixedSizeBinaryArray, RecordBatch},
    compute::concat_batches,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use varve_columnar::{
    answer::{Answer, Outcome, SegmentsLeftOut},
    attributes::AttributeType,
    builders::{LogRow, LogsBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder},
};
use varve_log::MemoryLog;
use varve_types::{Table, TenantId};
use varve_view::{Store, StoreSettings};

use super::*;
use crate::{CancelToken, plan::Query, run};

const HOUR_NS: i64 = 3_600_000_000_000;
const HOURS: i64 = 4;

/// The outcome, of whose segments each must be told once.
pub(crate) fn checked(outcome: Outcome) -> Outcome {
    let stats = &outcome.stats;
    let told = stats.segments_read + stats.left_out.sum();
    assert_eq!(told, stats.segments_total, "what became of each segment: {stats:?}");
    outcome
}

fn user(hour: i64) -> String {
    format!("ada-{hour}")
}

fn logs(hour: i64) -> RecordBatch {
    let mut builder = LogsBuilder::default();
    let stream = builder.intern_stream(&format!(r#"{{"app":"s{hour}"}}"#));
    for minute in 0..3 {
        builder.attributes.push("user.id", AttributeType::String, &user(hour));
        builder.append(&LogRow {
            time_unix_nano: hour * HOUR_NS + minute * HOUR_NS / 60,
            stream,
            body: &format!("a line of needle{hour}"),
            body_type: AttributeType::String,
            trace_id: Some([1 + hour as u8; 16]),
            span_id: Some([1 + hour as u8; 8]),
            ..LogRow::default()
        });
    }
    builder.finish().unwrap()
}

fn spans(hour: i64) -> RecordBatch {
    let mut builder = SpansBuilder::default();
    let resource = builder.intern_resource(r#"{"attributes":[["service.name",1,"shop"]]}"#);
    let scope = builder.intern_scope("{}");
    builder.attributes.push("user.id", AttributeType::String, &user(hour));
    builder.append(&SpanRow {
        trace_id: [1 + hour as u8; 16],
        span_id: [1 + hour as u8; 8],
        name: "GET /",
        kind: 1,
        start_unix_nano: hour * HOUR_NS,
        end_unix_nano: hour * HOUR_NS + 10,
        service_name: "shop",
        resource,
        scope,
        ..SpanRow::default()
    });
    builder.finish().unwrap()
}

fn samples(hour: i64) -> RecordBatch {
    let mut builder = SamplesBuilder::default();
    let series = builder.intern_series(&format!(r#"{{"__name__":"m{hour}"}}"#));
    let time_unix_ms = hour * HOUR_NS / 1_000_000;
    builder.append(&SampleRow { series, time_unix_ms, value: 1.0, histogram: None });
    builder.finish().unwrap()
}

fn append(store: &Store, table: Table, batch: RecordBatch) {
    let tenant = TenantId::parse("test").unwrap();
    let (told, fate) = mpsc::channel();
    let done = Box::new(move |one| told.send(one).unwrap());
    store.append(&tenant, vec![(table, batch)], 0, done);
    fate.recv().unwrap().unwrap();
}

/// The folder is the store's data directory.
fn empty_store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let filter_attributes = ["user.id"].into_iter().collect();
    let settings = StoreSettings { filter_attributes, ..StoreSettings::quiet(folder.path()) };
    let store = Store::open(Arc::new(MemoryLog::new(1)), settings).unwrap();
    (store, folder)
}

fn store() -> (Store, TempDir) {
    let (store, folder) = empty_store();
    for hour in 0..HOURS {
        append(&store, Table::Logs, logs(hour));
        append(&store, Table::Spans, spans(hour));
        append(&store, Table::Samples, samples(hour));
        store.seal_now().unwrap();
    }
    (store, folder)
}

fn query(plan: &Json) -> Query {
    serde_json::from_value(json!({
        "tenants": ["test"],
        "plan": plan,
        "answer": "loki",
        "budget": { "deadlineMs": 60_000, "memoryMaxBytes": 1_000_000, "seriesMax": 100, "samplesMax": 100 },
    }))
    .unwrap()
}

/// Segments in all, those read, and why the others were not.
fn told(store: &Store, plan: &Json) -> (u64, u64, SegmentsLeftOut) {
    let query = query(plan);
    let stats = checked(run(&query, store, &CancelToken::default()).unwrap()).stats;
    (stats.segments_total, stats.segments_read, stats.left_out)
}

fn range(from: i64, to: i64) -> Json {
    json!({ "from": (from * HOUR_NS).to_string(), "to": (to * HOUR_NS).to_string() })
}

fn log_rows(app: &str, text: &str, (from, to): (i64, i64), limit: u32) -> Json {
    let filter =
        json!({ "stage": "lineFilter", "op": "|=", "patterns": [{ "text": text, "ip": false }] });
    json!({
        "node": "logRows",
        "input": {
            "scan": {
                "matchers": [{ "name": "app", "op": "=~", "value": app }],
                "range": range(from, to),
            },
            "stages": [filter],
        },
        "limit": limit,
        "direction": "backward",
        "interval": "0",
    })
}

fn selector(name: &str) -> Json {
    json!({
        "node": "selector",
        "select": {
            "matchers": [{ "name": "__name__", "op": "=~", "value": name }],
            "offset": "0",
            "at": null,
        },
        "lookback": "1000000000",
    })
}

fn series(expr: &Json, (from, to): (i64, i64)) -> Json {
    let (start, end) = ((from * HOUR_NS).to_string(), (to * HOUR_NS).to_string());
    let steps = json!({ "start": start, "end": end, "step": HOUR_NS.to_string() });
    json!({ "node": "series", "expr": expr, "steps": steps, "dialect": "prometheus" })
}

fn trace_search((from, to): (i64, i64), limit: u32) -> Json {
    json!({
        "node": "traceSearch",
        "spanset": { "node": "filter", "condition": null },
        "range": range(from, to),
        "limit": limit,
        "spansPerSet": 3,
        "select": [],
        "summariesOnly": false,
    })
}

#[test]
fn lines_are_not_looked_for_where_time_labels_text_or_the_limit_say_so() {
    let (store, _folder) = store();
    let none = SegmentsLeftOut::default();
    assert_eq!(told(&store, &log_rows(".+", "line", (0, 4), 100)), (4, 4, none));
    let by_time = SegmentsLeftOut { by_time: 2, ..none };
    assert_eq!(told(&store, &log_rows(".+", "line", (1, 3), 100)), (4, 2, by_time));
    let by_labels = SegmentsLeftOut { by_time: 1, by_labels: 2, ..none };
    assert_eq!(told(&store, &log_rows("s1", "line", (1, 4), 100)), (4, 1, by_labels));
    let by_text = SegmentsLeftOut { by_labels: 1, by_text: 2, ..none };
    assert_eq!(told(&store, &log_rows("s[123]", "needle3", (0, 4), 100)), (4, 1, by_text));
    let by_limit = SegmentsLeftOut { by_limit: 3, ..none };
    assert_eq!(told(&store, &log_rows(".+", "line", (0, 4), 2)), (4, 1, by_limit));
}

#[test]
fn series_that_two_selectors_ask_for_are_counted_once() {
    let (store, _folder) = store();
    let by_labels = SegmentsLeftOut { by_time: 1, by_labels: 2, ..SegmentsLeftOut::default() };
    assert_eq!(told(&store, &series(&selector("m1"), (0, 2))), (4, 1, by_labels));
    let both = json!({
        "node": "binary",
        "op": "or",
        "left": selector("m1"),
        "right": selector("m[12]"),
        "returnBool": false,
        "matching": { "on": false, "labels": [], "cardinality": "manyToMany", "include": [] },
    });
    let by_labels = SegmentsLeftOut { by_labels: 1, ..by_labels };
    assert_eq!(told(&store, &series(&both, (0, 2))), (4, 2, by_labels));
    assert_eq!(
        told(&store, &series(&json!({ "node": "number", "value": "1" }), (0, 2))),
        (0, 0, SegmentsLeftOut::default()),
        "a constant reads no table"
    );
}

#[test]
fn a_trace_is_looked_for_where_the_filters_know_it() {
    let (store, _folder) = store();
    let id = format!("{:032x}", u128::from_be_bytes([2; 16]));
    let by_id = json!({ "node": "traceById", "traceId": id, "range": null, "spans": null });
    let left_out = SegmentsLeftOut { by_trace_filter: 3, ..SegmentsLeftOut::default() };
    assert_eq!(told(&store, &by_id), (4, 1, left_out));
    let hinted = json!({ "node": "traceById", "traceId": id, "range": range(1, 3), "spans": null });
    let left_out = SegmentsLeftOut { by_time: 2, by_trace_filter: 1, ..Default::default() };
    assert_eq!(told(&store, &hinted), (4, 1, left_out));
}

/// What is told of the segments, of which the answer is in one.
fn told_of_one(store: &Store, plan: &Json) {
    let left_out = SegmentsLeftOut { by_trace_filter: 3, ..SegmentsLeftOut::default() };
    assert_eq!(told(store, plan), (4, 1, left_out), "{plan}");
}

#[test]
fn spans_are_looked_for_where_the_filters_know_their_ids_and_attributes() {
    let (store, _folder) = store();
    let text =
        |text: &str| json!({ "kind": "static", "value": { "type": "string", "value": text } });
    let equal = |field: &Json, value: &str| {
        let field = json!({ "kind": "field", "field": field });
        json!({ "kind": "binary", "op": "=", "left": field, "right": text(value) })
    };
    let user = |scope: &Json| json!({ "kind": "attribute", "scope": scope, "name": "user.id", "parent": false });
    let intrinsic = |name: &str| json!({ "kind": "intrinsic", "name": name });
    for condition in [
        equal(&intrinsic("spanId"), &"03".repeat(8)),
        equal(&intrinsic("traceId"), &"03".repeat(16)),
        equal(&user(&Json::Null), "ada-2"),
        equal(&user(&json!("span")), "ada-2"),
    ] {
        let mut plan = trace_search((0, 4), 100);
        plan["spanset"] = json!({ "node": "filter", "condition": condition });
        told_of_one(&store, &plan);
    }
}

#[test]
fn a_trace_is_in_the_range_by_a_span_in_a_segment_that_the_filters_leave_out() {
    let (store, _folder) = empty_store();
    // The span that is looked for began before the range, in a segment that reaches into it …
    let both = [spans(0), spans(2)];
    append(&store, Table::Spans, concat_batches(&both[0].schema(), &both).unwrap());
    store.seal_now().unwrap();
    // … and another span of its trace is in the range.
    let mut columns = spans(2).columns().to_vec();
    let id = FixedSizeBinaryArray::try_from_iter([[1_u8; 16]].into_iter()).unwrap();
    columns[both[0].schema().index_of("trace_id").unwrap()] = Arc::new(id);
    append(&store, Table::Spans, RecordBatch::try_new(both[0].schema(), columns).unwrap());
    store.seal_now().unwrap();
    let field = json!({ "kind": "field", "field": { "kind": "intrinsic", "name": "spanId" } });
    let id = json!({ "kind": "static", "value": { "type": "string", "value": "01".repeat(8) } });
    let found = |from: i64, to: i64| {
        let mut plan = trace_search((from, to), 100);
        let condition = json!({ "kind": "binary", "op": "=", "left": field, "right": id });
        plan["spanset"] = json!({ "node": "filter", "condition": condition });
        match run(&query(&plan), &store, &CancelToken::default()).unwrap().answer {
            Answer::Traces(traces) => traces.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((found(0, 4), found(1, 3), found(1, 2)), (1, 1, 0));
}

#[test]
fn lines_are_looked_for_where_the_filters_know_their_structured_metadata() {
    let (store, _folder) = store();
    let rows = |name: &str, value: &str| {
        let matcher = json!({ "name": name, "op": "=", "value": value });
        let filter =
            json!({ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } });
        let mut plan = log_rows(".+", "line", (0, 4), 100);
        plan["input"]["stages"].as_array_mut().unwrap().push(filter);
        plan
    };
    told_of_one(&store, &rows("trace_id", &"03".repeat(16)));
    told_of_one(&store, &rows("span_id", &"03".repeat(8)));
    told_of_one(&store, &rows("user_id", "ada-2"));
    let read_all = (4, 4, SegmentsLeftOut::default());
    assert_eq!(told(&store, &rows("other", "ada-2")), read_all, "no filter has it");
    assert_eq!(told(&store, &rows("app", "s2")).2.by_trace_filter, 0, "a label of the stream");
}

#[test]
fn a_search_for_traces_ends_with_enough_of_them() {
    let (store, _folder) = store();
    let (total, read, left_out) = told(&store, &trace_search((0, 4), 1));
    assert_eq!((total, read), (4, 1));
    assert_eq!(left_out.by_limit, 3);
    assert_eq!(told(&store, &trace_search((0, 4), 100)).1, 4);
}

#[test]
fn every_segment_is_told_of_whatever_is_asked() {
    let (store, _folder) = store();
    for from in 0..=HOURS {
        for to in from..=HOURS {
            for limit in [1, 4, 100] {
                for (app, text) in [(".+", "line"), ("s[02]", "needle2"), ("none", "line")] {
                    told(&store, &log_rows(app, text, (from, to), limit));
                }
                told(&store, &trace_search((from, to), limit));
            }
            for name in ["m0", "m[13]", "none"] {
                told(&store, &series(&selector(name), (from, to)));
            }
            for node in ["logTotals", "detectedLabels"] {
                let matchers = json!([{ "name": "app", "op": "=", "value": "s1" }]);
                told(
                    &store,
                    &json!({ "node": node, "matchers": matchers, "range": range(from, to) }),
                );
            }
            for node in ["streamLabels", "seriesLabels"] {
                let mut plan = json!({ "node": node, "selectors": [], "range": range(from, to), "of": { "kind": "names" } });
                if node == "seriesLabels" {
                    plan["limit"] = json!(0);
                }
                told(&store, &plan);
            }
        }
    }
}

#[test]
fn a_segment_counts_once_by_the_furthest_that_the_query_came_with_it() {
    let mut fates = Fates::default();
    for (segment, fate) in [
        (1, Fate::Read),
        (1, Fate::OtherTime),
        (2, Fate::OtherTime),
        (2, Fate::OtherText),
        (2, Fate::OtherLabels),
        (3, Fate::OtherTraces),
        (4, Fate::TooLate),
        (4, Fate::OtherTraces),
    ] {
        fates.tell(segment, fate);
    }
    let mut stats = QueryStats::default();
    fates.count(&mut stats);
    let left_out =
        SegmentsLeftOut { by_text: 1, by_trace_filter: 1, by_limit: 1, ..Default::default() };
    assert_eq!((stats.segments_read, stats.left_out), (1, left_out));
}
