use arrow::{array::AsArray, ipc::reader::StreamReader};
use serde_json::json;

use super::{shop::Stored, *};
use crate::SqlFormat;

#[test]
fn every_row_is_counted_once_wherever_it_is() {
    assert_rows("SELECT count(*) FROM logs", &json!([[200]]));
    assert_rows("SELECT count(*), count(DISTINCT trace_id) FROM spans", &json!([[400, 200]]));
    assert_rows(
        "SELECT count(*), sum(value) FROM samples WHERE metric = 'orders_total'",
        &json!([[20, 1900.0]]),
    );
}

#[test]
fn a_statement_reads_as_of_the_moment_that_it_names() {
    let (store, _folder) = shop::empty_store();
    shop::append(&store, "test", &[0, 1]);
    let then = store.position(None).unwrap();
    shop::append(&store, "test", &[10, 3]);
    let at = format!("FOR SYSTEM_TIME AS OF '{then}'");
    let both = format!(
        "SELECT (SELECT count(*) FROM logs {at}) AS lines, count(*) AS spans, count(DISTINCT trace_id) AS traces FROM spans {at} WHERE kind IS NOT NULL"
    );
    // From memtables, and from a segment that has the position among its records.
    for _ in 0..2 {
        assert_eq!(rows(&store, &both), json!([[2, 4, 2]]));
        let body = format!(
            "SELECT body FROM logs {at} WHERE attributes['order'] > '0' ORDER BY time DESC LIMIT 1"
        );
        assert_eq!(rows(&store, &body), json!([["order=1 outcome=paid 100% of it"]]));
        assert_eq!(rows(&store, "SELECT count(*) FROM logs"), json!([[4]]));
        store.seal_now().unwrap();
    }
    let error = run(&store, request(&format!("SELECT sum(value) FROM samples {at}"))).unwrap_err();
    assert!(error.to_string().contains("samples cannot be read as of"), "{error}");
    let mut other = request(&both);
    other.as_of = Some(varve_query::plan::AsOf::TimeMs(0));
    let error = run(&store, other).unwrap_err().to_string();
    assert!(error.contains("are different moments"), "{error}");
}

#[test]
fn a_log_record_has_its_columns() {
    let statement = "SELECT time, tenant, service, level, body, trace_id, span_id, labels, attributes, \
         resource, severity, severity_number, observed_time, flags, scope_name \
         FROM logs WHERE attributes['order'] = '3'";
    assert_rows(
        statement,
        &json!([[
            "2026-01-01T00:00:03Z", "test", "pay", "info", "order=3 outcome=paid 100% of it",
            "04040404040404040404040404040404", "0101010101010101",
            { "env": "prod", "service_name": "pay" }, { "order": "3" },
            { "service.name": "pay", "region": "eu" }, "INFO", 9, null, 1, null
        ]]),
    );
}

#[test]
fn a_span_has_its_columns() {
    let statement = "SELECT time, end_time, duration_ns, service, name, kind, status, span_id, \
         parent_span_id, attributes['http.status'], resource['region'], scope_name, events \
         FROM spans WHERE trace_id = '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b' ORDER BY time";
    assert_rows(
        statement,
        &json!([
            [
                "2026-01-01T00:00:10.000001Z",
                "2026-01-01T00:00:10.004001Z",
                4_000_000,
                "shop",
                "POST /pay",
                "server",
                "error",
                "0101010101010101",
                null,
                "201",
                "eu",
                "http",
                null
            ],
            [
                "2026-01-01T00:00:10.000002Z",
                "2026-01-01T00:00:10.004002Z",
                4_000_000,
                "pay",
                "charge",
                "client",
                "error",
                "0202020202020202",
                "0101010101010101",
                "201",
                "eu",
                "http",
                null
            ],
        ]),
    );
}

#[test]
fn a_sample_has_its_columns() {
    let statement = "SELECT * FROM samples WHERE metric = 'queue_length' AND labels['job'] = 'shop' \
         AND time BETWEEN '2026-01-01T00:00:10Z' AND '2026-01-01T00:00:20Z' ORDER BY time DESC";
    let series = r#"{"__name__":"queue_length","job":"shop"}"#;
    assert_rows(
        statement,
        &json!([
            ["2026-01-01T00:00:20Z", "test", "queue_length", { "job": "shop" }, 6.0, null, null, series],
            ["2026-01-01T00:00:10Z", "test", "queue_length", { "job": "shop" }, 3.0, null, null, series],
        ]),
    );
}

#[test]
fn logs_and_spans_are_joined_by_trace_id() {
    let statement = "SELECT l.attributes['order'] AS \"order\", s.name, s.duration_ns \
         FROM logs l JOIN spans s ON l.trace_id = s.trace_id \
         WHERE l.level = 'error' AND s.kind = 'server' ORDER BY l.time";
    // Of the orders that were declined every second has no trace.
    let expected: Vec<Json> = (0..10)
        .map(|one| 10 + one * 20)
        .map(|order| json!([order.to_string(), "POST /pay", 1_000_000 * (1 + order % 7)]))
        .collect();
    assert_rows(statement, &Json::from(expected));
}

#[test]
fn the_newest_rows_come_first_when_they_are_asked_for() {
    assert_rows(
        "SELECT body FROM logs ORDER BY time DESC LIMIT 2",
        &json!([["order=199 outcome=paid 100% of it"], ["order=198 outcome=paid 100% of it"]]),
    );
    assert_rows("SELECT count(*) FROM (SELECT body FROM logs LIMIT 7)", &json!([[7]]));
}

#[test]
fn all_tables_and_their_columns_can_be_listed() {
    let (store, _folder) = shop::empty_store();
    let tables = rows(
        &store,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
    );
    assert_eq!(tables, json!([["logs"], ["samples"], ["spans"]]));
    assert_eq!(rows(&store, "SHOW COLUMNS FROM logs").as_array().unwrap().len(), 18);
    assert_eq!(
        rows(&store, "DESCRIBE samples")[0],
        json!(["time", "Timestamp(ns, \"UTC\")", "NO"])
    );
}

#[test]
fn json_tells_columns_and_statistics() {
    let (store, _folder) = shop::store(Stored::Segments);
    let answer = answer(&store, "SELECT time, level AS how, labels FROM logs LIMIT 1");
    assert_eq!(
        answer["columns"],
        json!([
            { "name": "time", "type": "timestamp" },
            { "name": "how", "type": "text" },
            { "name": "labels", "type": "map" },
        ])
    );
    assert_eq!(answer["rowCount"], 1);
    assert_eq!(answer["warnings"], json!([]));
    let stats = &answer["stats"];
    assert_eq!(stats["segmentsTotal"], 4);
    let left_out = stats["leftOut"].as_object().unwrap().values();
    let left_out: u64 = left_out.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(stats["segmentsRead"].as_u64().unwrap() + left_out, 4);
}

#[test]
fn csv_has_a_line_of_names_and_nested_values_as_json() {
    let (store, _folder) = shop::store(Stored::Both);
    let statement = "SELECT time, body, labels, trace_id FROM logs ORDER BY time LIMIT 2";
    let request = SqlRequest { format: SqlFormat::Csv, ..request(statement) };
    let text = String::from_utf8(run(&store, request).unwrap().body).unwrap();
    assert_eq!(
        text,
        "time,body,labels,trace_id\n\
         2026-01-01T00:00:00Z,order=0 outcome=declined 100% of it,\"{\"\"env\"\":\"\"prod\"\",\"\"service_name\"\":\"\"shop\"\"}\",\n\
         2026-01-01T00:00:01Z,order=1 outcome=paid 100% of it,\"{\"\"env\"\":\"\"prod\"\",\"\"service_name\"\":\"\"pay\"\"}\",02020202020202020202020202020202\n"
    );
}

#[test]
fn csv_of_no_rows_has_its_names() {
    let (store, _folder) = shop::empty_store();
    let request = SqlRequest { format: SqlFormat::Csv, ..request("SELECT time, body FROM logs") };
    assert_eq!(run(&store, request).unwrap().body, b"time,body\n");
}

#[test]
fn arrow_is_a_stream_of_plain_columns() {
    let (store, _folder) = shop::store(Stored::Both);
    let statement = "SELECT service, count(*) FROM logs GROUP BY service ORDER BY service";
    let request = SqlRequest { format: SqlFormat::Arrow, ..request(statement) };
    let body = run(&store, request).unwrap().body;
    let batches: Vec<_> =
        StreamReader::try_new(body.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let services: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten())
        .collect();
    assert_eq!(services, ["pay", "shop"]);
}
