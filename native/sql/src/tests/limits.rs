use serde_json::json;
use varve_query::QueryError;
use varve_types::{Table, TenantId};

use super::{shop::Stored, *};
use crate::error::Place;

fn refused(statement: &str) -> (String, Option<Place>) {
    let (store, _folder) = shop::empty_store();
    match run(&store, request(statement)) {
        Err(SqlError::Statement { message, place }) => (message, place),
        other => panic!("{statement}: {other:?}"),
    }
}

#[test]
fn statements_only_read() {
    for statement in [
        "CREATE TABLE t (a INT)",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE logs",
        "INSERT INTO logs SELECT * FROM logs",
        "INSERT INTO logs VALUES (1)",
        "UPDATE logs SET body = ''",
        "DELETE FROM logs",
        "COPY logs TO '/tmp/logs.csv'",
        "EXPLAIN COPY logs TO '/tmp/logs.csv'",
        "EXPLAIN ANALYZE INSERT INTO logs SELECT * FROM logs",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "PREPARE p AS SELECT 1",
        "BEGIN",
        "SHOW ALL",
    ] {
        let (message, _) = refused(statement);
        assert!(
            message.contains("is not supported: statements only read"),
            "{statement}: {message}"
        );
    }
    assert!(refused("SELECT * INTO t FROM logs").0.contains("not"), "INTO");
}

#[test]
fn files_cannot_be_read() {
    let (message, _) = refused("SELECT * FROM '/etc/passwd'");
    assert!(message.contains("/etc/passwd' not found"), "{message}");
}

#[test]
fn an_error_says_where_it_is() {
    let (message, place) = refused("SELECT *\nFORM logs");
    assert_eq!(place, Some(Place { line: 2, column: 1 }), "{message}");
    let (message, place) = refused("SELECT time,\n  bodi FROM logs");
    assert_eq!(place, Some(Place { line: 2, column: 3 }), "{message}");
    assert!(message.contains("bodi"), "{message}");
}

#[test]
fn one_statement_is_run_at_a_time() {
    assert_eq!(refused("SELECT 1; SELECT 2").0, "one statement at a time; send the others apart");
    assert_eq!(refused("  ").0, "there is no statement");
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(refused(&deep).0.contains("recursion"), "{}", refused(&deep).0);
    let (store, _folder) = shop::empty_store();
    let long = format!("SELECT 1{}", " + 1".repeat(500));
    assert_eq!(rows(&store, &long), json!([[501]]));
    let message = refused(&format!("SELECT '{}'", "x".repeat(1 << 16))).0;
    assert_eq!(message, "the statement has 65545 bytes; it may have 65536");
}

#[test]
fn functions_without_bound_are_not_there() {
    assert!(refused("SELECT repeat('x', 1000000000)").0.contains("repeat"));
}

#[test]
fn an_answer_with_more_rows_than_allowed_is_cut_and_says_so() {
    let (store, _folder) = shop::store(Stored::Both);
    let all =
        run(&store, SqlRequest { rows_max: 200, ..request("SELECT body FROM logs") }).unwrap();
    assert_eq!(all.warnings, Vec::<String>::new());
    let cut =
        run(&store, SqlRequest { rows_max: 199, ..request("SELECT body FROM logs") }).unwrap();
    assert_eq!(
        cut.warnings,
        [
            "the answer was cut after 199 rows, and there are more; aggregate, add a LIMIT, or raise query.sql_rows_max"
        ]
    );
    let body: Json = serde_json::from_slice(&cut.body).unwrap();
    assert_eq!((&body["rowCount"], &body["warnings"]), (&json!(199), &json!(cut.warnings)));
}

#[test]
fn memory_is_bounded() {
    let (store, _folder) = shop::store(Stored::Segments);
    let mut request = request("SELECT a.body, b.body FROM logs a, logs b, logs c ORDER BY 1, 2");
    request.budget.memory_max_bytes = 1 << 20;
    let error = run(&store, request).unwrap_err();
    assert_eq!(
        error.to_string(),
        "maximum of bytes of memory (1048576) reached for a single query; narrow it or raise query.memory_max_bytes"
    );
}

#[test]
fn a_statement_ends_at_its_deadline() {
    let (store, _folder) = shop::store(Stored::Both);
    let mut request = request("SELECT count(*) FROM logs a, logs b, logs c, logs d, logs e");
    request.budget.deadline_ms = 200;
    let started = std::time::Instant::now();
    let error = run(&store, request).unwrap_err();
    assert!(matches!(error, SqlError::Query(QueryError::Timeout { .. })), "{error}");
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn a_cancelled_statement_gives_up() {
    let (store, _folder) = shop::store(Stored::Both);
    let cancel = CancelToken::default();
    cancel.cancel();
    let engine = SqlEngine::start(1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let statement = request("SELECT count(*) FROM logs a, logs b, logs c, logs d, logs e");
    let error = runtime.block_on(engine.run(statement, store, cancel)).unwrap_err();
    assert!(matches!(error, SqlError::Query(QueryError::Cancelled)), "{error}");
}

#[test]
fn tenants_are_read_apart_or_told_apart() {
    let (store, _folder) = shop::store(Stored::Segments);
    shop::append(&store, "other", &[1, 2, 3]);
    assert_eq!(rows(&store, "SELECT count(*) FROM logs"), json!([[200]]));
    let tenants = vec!["other".to_owned(), "test".to_owned()];
    let statement =
        "SELECT tenant, count(*) FROM logs WHERE tenant <> 'nobody' GROUP BY 1 ORDER BY 1";
    let both = run(&store, SqlRequest { tenants, ..request(statement) }).unwrap();
    let both: Json = serde_json::from_slice(&both.body).unwrap();
    assert_eq!(both["rows"], json!([["other", 3], ["test", 200]]));
}

/// The only Parquet file of logs below a folder.
fn parquet_below(folder: &std::path::Path) -> std::path::PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "parquet")
            && path.to_string_lossy().contains("logs")
        {
            return path;
        }
    }
    panic!("no segment")
}

#[test]
fn a_damaged_segment_is_set_aside_and_the_rest_answers_with_a_warning() {
    let (store, folder) = shop::store(Stored::Segments);
    let path = parquet_below(&folder.path().join("segments"));
    let mut bytes = std::fs::read(&path).unwrap();
    // In the pages of the first column.
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        let answer = answer(
            &store,
            "SELECT count(time), count(body), count(observed_time) FROM logs WHERE flags = 1",
        );
        assert_eq!(answer["rows"][0][0], 150);
        let warning = answer["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("50 records of logs from "), "{warning}");
    }
}

#[test]
fn erased_rows_are_not_shown() {
    let (store, _folder) = shop::store(Stored::Both);
    let what = serde_json::from_value(json!({
        "table": "logs",
        "labels": [{ "name": "service_name", "kind": "equal", "value": "shop" }],
        "lines": [{ "kind": "equal", "value": "declined" }],
        "fromMs": 0,
        "toMs": 4_000_000_000_000_u64,
    }));
    let test = TenantId::parse("test").unwrap();
    store.create_delete(&test, what.unwrap()).unwrap();
    assert!(!store.snapshot(&test, Table::Logs).segments.is_empty());
    assert_eq!(rows(&store, "SELECT count(*) FROM logs"), json!([[180]]));
    assert_eq!(
        rows(&store, "SELECT count(*) FROM logs WHERE body LIKE '%declined%'"),
        json!([[0]])
    );
}
