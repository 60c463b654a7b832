//! Log queries over hand-made batches, all still in memtables.

use serde_json::{Value as Json, json};
use varve_columnar::{
    answer::{Answer, StreamRows},
    attributes::AttributeType,
    builders::{LogRow, LogsBuilder},
};
use varve_types::{LogId, Lsn, PartitionId, Table, TenantId};
use varve_view::{MemtableBatch, Snapshot};

use crate::{CancelToken, QueryError, Sources, fates::tests::checked, plan::Query, run};

mod as_of;
mod naive;
mod overviews;
mod sealed;

const SECOND: i64 = 1_000_000_000;

/// Requests in the order in which they came, each a batch of the partition 0.
struct Memtable(Vec<MemtableBatch>);

impl Sources for Memtable {
    fn snapshot(&self, _: &TenantId, table: Table) -> Snapshot {
        let memtable = if table == Table::Logs { self.0.clone() } else { Vec::new() };
        Snapshot { memtable, ..Snapshot::default() }
    }
}

/// One request a paragraph; one line of it is `<second> <stream> <attributes> <line>`, the label sets
/// without blanks.
fn load(text: &str) -> Memtable {
    let requests = text.split("\n\n").enumerate();
    Memtable(requests.map(|(at, lines)| request(at as u64, lines)).collect())
}

fn request(offset: u64, lines: &str) -> MemtableBatch {
    let mut builder = LogsBuilder::default();
    let mut times = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [second, stream, attributes, body] =
            <[&str; 4]>::try_from(line.splitn(4, ' ').collect::<Vec<_>>()).unwrap();
        let time_unix_nano = second.parse::<i64>().unwrap() * SECOND;
        times.push(time_unix_nano);
        let attributes: serde_json::Map<String, Json> = serde_json::from_str(attributes).unwrap();
        for (name, value) in &attributes {
            builder.attributes.push(name, AttributeType::String, value.as_str().unwrap());
        }
        let stream = builder.intern_stream(stream);
        builder.append(&LogRow {
            time_unix_nano,
            stream,
            body,
            body_type: AttributeType::String,
            ..LogRow::default()
        });
    }
    MemtableBatch {
        partition: PartitionId { log: LogId::Logs, number: 0 },
        lsn: Lsn::new(1, offset),
        batch: builder.finish().unwrap(),
        time_range: (*times.iter().min().unwrap(), *times.iter().max().unwrap()),
    }
}

fn ask(source: &dyn Sources, tenants: &[&str], plan: &Json) -> Result<Answer, QueryError> {
    Ok(checked(run(&query(tenants, plan), source, &CancelToken::default())?).answer)
}

fn query(tenants: &[&str], plan: &Json) -> Query {
    serde_json::from_value(json!({
        "tenants": tenants,
        "plan": plan,
        "answer": "loki",
        "budget": { "deadlineMs": 60_000, "memoryMaxBytes": 1_000_000, "seriesMax": 100, "samplesMax": 0 },
    }))
    .unwrap()
}

fn selector(app: &str) -> Json {
    json!([{ "name": "app", "op": "=~", "value": app }])
}

fn rows(
    source: &dyn Sources,
    app: &str,
    stages: &Json,
    limit: u32,
    direction: &str,
) -> Vec<StreamRows> {
    let range = json!({ "from": "0", "to": (100 * SECOND).to_string() });
    let plan = json!({
        "node": "logRows",
        "input": { "scan": { "matchers": selector(app), "range": range }, "stages": stages },
        "limit": limit,
        "direction": direction,
        "interval": "0",
    });
    match ask(source, &["test"], &plan).unwrap() {
        Answer::Streams(streams) => streams,
        other => panic!("no streams: {other:?}"),
    }
}

/// Each group of lines as `<labels>: <line>@<second>, …`.
fn shown(streams: &[StreamRows]) -> Vec<String> {
    streams
        .iter()
        .map(|StreamRows { index, metadata, parsed, entries }| {
            let mut text = index.to_json();
            for set in [metadata, parsed] {
                if !set.is_empty() {
                    text.push('+');
                    text.push_str(&set.to_json());
                }
            }
            let lines = entries.iter().map(|one| format!("{}@{}", one.line, one.time_ns / SECOND));
            format!("{text}: {}", lines.collect::<Vec<_>>().join(", "))
        })
        .collect()
}

const SHOP: &str = r#"
    3 {"app":"shop"} {} c
    1 {"app":"shop"} {} a
    1 {"app":"cart"} {} b

    1 {"app":"shop"} {"user":"ada"} d
    2 {"app":"shop"} {} e
    100 {"app":"shop"} {} after"#;

#[test]
fn lines_of_one_time_stay_in_the_order_of_the_log_in_both_directions() {
    let source = load(SHOP);
    assert_eq!(
        shown(&rows(&source, ".+", &json!([]), 10, "forward")),
        [
            r#"{"app":"shop"}: a@1, e@2, c@3"#,
            r#"{"app":"cart"}: b@1"#,
            r#"{"app":"shop"}+{"user":"ada"}: d@1"#,
        ]
    );
    assert_eq!(
        shown(&rows(&source, ".+", &json!([]), 10, "backward")),
        [
            r#"{"app":"shop"}: c@3, e@2, a@1"#,
            r#"{"app":"shop"}+{"user":"ada"}: d@1"#,
            r#"{"app":"cart"}: b@1"#,
        ]
    );
}

#[test]
fn the_limit_counts_lines_over_all_streams() {
    let source = load(SHOP);
    assert_eq!(
        shown(&rows(&source, ".+", &json!([]), 3, "forward")),
        [
            r#"{"app":"shop"}: a@1"#,
            r#"{"app":"cart"}: b@1"#,
            r#"{"app":"shop"}+{"user":"ada"}: d@1"#,
        ]
    );
    assert_eq!(
        shown(&rows(&source, "shop", &json!([]), 2, "backward")),
        [r#"{"app":"shop"}: c@3, e@2"#]
    );
}

#[test]
fn structured_metadata_is_filtered_like_labels() {
    let filter = |op: &str| {
        let matcher = json!({ "name": "user", "op": op, "value": "ada" });
        json!([{ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } }])
    };
    let source = load(SHOP);
    assert_eq!(
        shown(&rows(&source, "shop", &filter("="), 10, "forward")),
        [r#"{"app":"shop"}+{"user":"ada"}: d@1"#]
    );
    assert_eq!(
        shown(&rows(&source, "shop", &filter("!="), 1, "forward")),
        [r#"{"app":"shop"}: a@1"#]
    );
}

#[test]
fn line_filters_come_in_any_place() {
    let stages = json!([
        { "stage": "lineFilter", "op": "|~", "patterns": [{ "text": "[a-d]", "ip": false }] },
        { "stage": "drop", "labels": [{ "name": "user", "matches": null }] },
        { "stage": "lineFilter", "op": "!=", "patterns": [{ "text": "a", "ip": false }, { "text": "b", "ip": false }] },
    ]);
    assert_eq!(
        shown(&rows(&load(SHOP), ".+", &stages, 10, "forward")),
        [r#"{"app":"shop"}: d@1, c@3"#]
    );
}

#[test]
fn a_read_of_two_tenants_says_whose_each_stream_is() {
    let plan = json!({
        "node": "streamLabels",
        "selectors": [selector("cart")],
        "range": { "from": "0", "to": "2000000000" },
        "of": { "kind": "sets" },
    });
    let Answer::LabelSets(sets) = ask(&load(SHOP), &["a", "b"], &plan).unwrap() else {
        panic!("no label sets");
    };
    let texts: Vec<_> = sets.iter().map(varve_columnar::labels::LabelSet::to_json).collect();
    assert_eq!(
        texts,
        [r#"{"__tenant_id__":"a","app":"cart"}"#, r#"{"__tenant_id__":"b","app":"cart"}"#]
    );
}

#[test]
fn stream_labels_are_those_with_a_line_in_the_range() {
    let values = |from: i64, to: i64| {
        let plan = json!({
            "node": "streamLabels",
            "selectors": [],
            "range": { "from": (from * SECOND).to_string(), "to": (to * SECOND).to_string() },
            "of": { "kind": "values", "name": "app" },
        });
        match ask(&load(SHOP), &["test"], &plan).unwrap() {
            Answer::Names(names) => names,
            other => panic!("no names: {other:?}"),
        }
    };
    assert_eq!(values(0, 4), ["cart", "shop"]);
    assert_eq!(values(2, 3), ["shop"]);
    assert!(values(4, 100).is_empty());
}

fn window(
    source: &dyn Sources,
    function: &str,
    stages: &Json,
    grouping: &Json,
) -> Result<Vec<String>, QueryError> {
    let plan = json!({
        "node": "series",
        "expr": {
            "node": "logWindow",
            "input": { "scan": { "matchers": selector(".+"), "range": null }, "stages": stages },
            "function": function,
            "range": (2 * SECOND).to_string(),
            "offset": "0",
            "grouping": grouping,
        },
        "steps": { "start": SECOND.to_string(), "end": (5 * SECOND).to_string(), "step": SECOND.to_string() },
        "dialect": "loki",
    });
    let Answer::Matrix(set) = ask(source, &["test"], &plan)? else { panic!("no matrix") };
    Ok(set
        .series
        .iter()
        .map(|series| {
            let values = series.values.iter().map(|&value| {
                if varve_columnar::answer::is_absent(value) {
                    "_".to_owned()
                } else {
                    value.to_string()
                }
            });
            format!("{} {}", series.labels.to_json(), values.collect::<Vec<_>>().join(" "))
        })
        .collect())
}

#[test]
fn windows_are_open_on_the_left_and_closed_on_the_right() {
    let by_app = json!({ "without": false, "labels": ["app"] });
    assert_eq!(
        window(&load(SHOP), "count_over_time", &json!([]), &by_app).unwrap(),
        [r#"{"app":"cart"} 1 1 _ _ _"#, r#"{"app":"shop"} 2 3 2 1 _"#]
    );
    assert_eq!(
        window(&load(SHOP), "rate", &json!([]), &by_app).unwrap()[1],
        r#"{"app":"shop"} 1 1.5 1 0.5 _"#
    );
}

#[test]
fn series_have_all_labels_where_none_are_asked_for() {
    let filter =
        json!([{ "stage": "lineFilter", "op": "!=", "patterns": [{ "text": "e", "ip": false }] }]);
    assert_eq!(
        window(&load(SHOP), "bytes_over_time", &filter, &Json::Null).unwrap(),
        [
            r#"{"app":"cart"} 1 1 _ _ _"#,
            r#"{"app":"shop"} 1 1 1 1 _"#,
            r#"{"app":"shop","user":"ada"} 1 1 _ _ _"#,
        ]
    );
}

#[test]
fn groups_may_be_made_by_structured_metadata_or_of_all() {
    let grouped = |without: bool, labels: Json| {
        let grouping = json!({ "without": without, "labels": labels });
        window(&load(SHOP), "count_over_time", &json!([]), &grouping).unwrap()
    };
    assert_eq!(grouped(false, json!(["user"])), ["{} 2 3 2 1 _", r#"{"user":"ada"} 1 1 _ _ _"#]);
    assert_eq!(grouped(false, json!([])), ["{} 3 4 2 1 _"]);
    assert_eq!(grouped(true, json!(["app", "user"])), ["{} 3 4 2 1 _"]);
}

#[test]
fn a_row_that_a_stage_failed_on_is_not_counted_silently() {
    let number =
        json!({ "kind": "number", "name": "user", "op": ">", "unit": "plain", "value": 1.0 });
    let stages = json!([{ "stage": "labelFilter", "expr": number }]);
    let error = window(&load(SHOP), "rate", &stages, &Json::Null).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "pipeline error: 'LabelFilterErr' for series: '{__error__=\"LabelFilterErr\""
        ),
        "{text}"
    );
}

#[test]
fn lines_that_do_not_parse_are_counted_where_their_errors_are_asked_for() {
    let parse = json!({ "stage": "parse", "parser": { "kind": "json", "expressions": [] } });
    let matcher = json!({ "name": "__error__", "op": "!=", "value": "" });
    let errors = json!({ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } });
    let count = |stages: Json, labels: Json| {
        let grouping = json!({ "without": false, "labels": labels });
        window(&load(SHOP), "count_over_time", &stages, &grouping)
    };
    assert!(count(json!([parse]), json!(["app"])).is_err());
    let by_app = count(json!([parse, errors]), json!(["app"])).unwrap();
    assert_eq!(by_app[1], r#"{"app":"shop"} 2 3 2 1 _"#);
    let by_error = [r#"{"__error__":"JSONParserErr"} 3 4 2 1 _"#];
    assert_eq!(count(json!([parse]), json!(["__error__"])).unwrap(), by_error);
    // Nobody reads the labels of rows that are counted all together.
    assert_eq!(count(json!([parse]), json!([])).unwrap(), ["{} 3 4 2 1 _"]);
}

#[test]
fn a_sum_counts_by_its_own_labels_from_the_start() {
    // 150 streams of metadata are more series than the budget has.
    let lines: Vec<_> =
        (0..150).map(|at| format!(r#"1 {{"app":"shop"}} {{"id":"{at}"}} line"#)).collect();
    let input = json!({ "scan": { "matchers": selector(".+"), "range": null }, "stages": [] });
    let counted = json!({
        "node": "logWindow",
        "input": input,
        "function": "count_over_time",
        "range": (2 * SECOND).to_string(),
        "offset": "0",
        "grouping": null,
    });
    let vector = |expr: &Json| {
        let steps = json!({ "start": SECOND.to_string(), "end": SECOND.to_string(), "step": "0" });
        let plan = json!({ "node": "series", "expr": expr, "steps": steps, "dialect": "loki" });
        ask(&load(&lines.join("\n")), &["test"], &plan)
    };
    let sum = json!({ "node": "aggregate", "op": "sum", "input": counted, "grouping": null, "param": null });
    let Answer::Vector(set) = vector(&sum).unwrap() else { panic!("no vector") };
    assert_eq!(set.series.len(), 1);
    assert_eq!(set.series[0].values[0].to_string(), "150");
    assert!(matches!(vector(&counted), Err(QueryError::Budget { .. })));
}

#[test]
fn an_interval_leaves_out_lines_of_all_streams_that_follow_too_soon() {
    let plan = json!({
        "node": "logRows",
        "input": {
            "scan": { "matchers": selector(".+"), "range": { "from": "0", "to": "100000000000" } },
            "stages": [],
        },
        "limit": 5,
        "direction": "forward",
        "interval": (2 * SECOND).to_string(),
    });
    let Answer::Streams(streams) = ask(&load(SHOP), &["test"], &plan).unwrap() else {
        panic!("no streams");
    };
    assert_eq!(shown(&streams), [r#"{"app":"shop"}: a@1, c@3"#]);
}
