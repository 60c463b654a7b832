use serde_json::json;

use super::{shop::Stored, *};

/// What EXPLAIN says of a counter.
fn counted(statement: &str, counter: &str) -> u64 {
    let (store, _folder) = shop::store(Stored::Segments);
    let plan = plan(&store, statement);
    let (_, from) = plan.split_once(&format!(" {counter}=")).unwrap_or_else(|| panic!("{plan}"));
    let digits: String = from.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn segments_out_of_the_time_are_not_read() {
    let statement = "SELECT * FROM logs WHERE time >= '2026-01-01T00:25:00Z'";
    assert_eq!((counted(statement, "segments"), counted(statement, "pruned_by_time")), (4, 3));
    assert_rows(
        "SELECT count(*) FROM logs WHERE time >= '2026-01-01T00:25:00Z' AND time < '2026-01-01T00:32:40Z'",
        &json!([[10]]),
    );
}

#[test]
fn segments_without_the_label_set_are_not_read() {
    assert_eq!(counted("SELECT * FROM logs WHERE service = 'other'", "pruned_by_labels"), 4);
    assert_eq!(
        counted("SELECT * FROM logs WHERE labels['env'] LIKE 'dev%'", "pruned_by_labels"),
        4
    );
    assert_eq!(counted("SELECT * FROM samples WHERE metric = 'other'", "pruned_by_labels"), 4);
    assert_eq!(counted("SELECT * FROM logs WHERE service = 'shop'", "rows"), 100);
}

#[test]
fn segments_without_the_trace_are_not_read() {
    let of = |table: &str| {
        format!("SELECT * FROM {table} WHERE trace_id = '04040404040404040404040404040404'")
    };
    assert_eq!(counted(&of("spans"), "pruned_by_trace_id"), 3);
    assert_eq!(counted(&of("logs"), "pruned_by_trace_id"), 3);
    assert_rows(&of("logs").replace('*', "count(*)"), &json!([[1]]));
}

#[test]
fn segments_without_the_value_of_an_attribute_or_the_span_are_not_read() {
    let order = "SELECT * FROM logs WHERE attributes['order'] = '123'";
    assert_eq!(counted(order, "pruned_by_value"), 3);
    assert_rows(&order.replace('*', "count(*)"), &json!([[1]]));
    let either = "SELECT * FROM logs WHERE attributes['order'] IN ('3', '123') AND body <> ''";
    assert_eq!(counted(either, "pruned_by_value"), 2);
    assert_rows(&either.replace('*', "count(*)"), &json!([[2]]));
    let none = "SELECT * FROM spans WHERE attributes['http.status'] = '404' OR span_id = '0909090909090909'";
    assert_eq!(counted(none, "pruned_by_value"), 4);
    let status = "SELECT * FROM spans WHERE attributes['http.status'] = '201' AND span_id = '0101010101010101'";
    assert_eq!(counted(status, "pruned_by_value"), 0);
    assert_rows(&status.replace('*', "count(*)"), &json!([[67]]));
    let not_filtered = "SELECT * FROM spans WHERE resource['region'] = 'mars'";
    assert_eq!(counted(not_filtered, "pruned_by_value"), 0);
}

#[test]
fn the_text_index_says_which_rows_may_have_a_line() {
    let statement = "SELECT * FROM logs WHERE body LIKE '%order=123 %'";
    assert_eq!(counted(statement, "pruned_by_text"), 3);
    assert_rows(&statement.replace('*', "count(*)"), &json!([[1]]));
    assert_rows("SELECT count(*) FROM logs WHERE body LIKE '%100\\% of%'", &json!([[200]]));
}

#[test]
fn filters_are_held_against_every_row_that_is_shown() {
    assert_rows(
        "SELECT count(*) FROM logs WHERE level = 'error' AND severity_number > 9 AND service = 'shop'",
        &json!([[20]]),
    );
    assert_rows(
        "SELECT count(*) FROM spans WHERE duration_ns > 4000000 AND service = 'pay' OR name = 'other'",
        &json!([[84]]),
    );
    assert_rows(
        "SELECT count(*) FROM samples WHERE value >= 100 OR labels['job'] = 'none'",
        &json!([[10]]),
    );
}

#[test]
fn a_join_reads_only_the_traces_of_its_other_side() {
    let statement = "SELECT count(*) FROM (SELECT trace_id FROM logs WHERE attributes['order'] = '3') l \
         JOIN spans s ON l.trace_id = s.trace_id";
    assert_rows(statement, &json!([[2]]));
    let (store, _folder) = shop::store(Stored::Segments);
    assert!(plan(&store, statement).contains("runtime_filters=1"));
    let read = answer(&store, statement)["stats"]["rowsRead"].as_u64().unwrap();
    // All log records are looked at, and of the spans those near the trace.
    assert!(read < 200 + 400, "{read} rows");
}

#[test]
fn explain_analyze_runs_the_statement() {
    let (store, _folder) = shop::store(Stored::Both);
    let plan = plan(&store, "ANALYZE SELECT count(*) FROM logs WHERE level = 'error'");
    assert!(plan.contains("output_rows=20"), "{plan}");
}
