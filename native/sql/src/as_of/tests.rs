use super::*;
use crate::statement;

/// As of when a statement reads.
fn moment(text: &str) -> Option<AsOf> {
    statement::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).as_of
}

fn refusal(text: &str) -> String {
    statement::parse(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_statement_names_a_time_or_a_position() {
    let at = |ms| Some(AsOf::TimeMs(ms));
    for (text, expected) in [
        ("'2026-01-01T00:00:00.250Z'", at(1_767_225_600_250)),
        ("TIMESTAMP '2026-01-01 00:00:00'", at(1_767_225_600_000)),
        ("'1767225600.25'", at(1_767_225_600_250)),
        ("'1767225600.0019'", at(1_767_225_600_001)),
        ("1767225600", at(1_767_225_600_000)),
        ("'1767225600250000000'", at(1_767_225_600_250)),
        ("'logs/0=1:40,spans/3=1:7'", Some(AsOf::Position("logs/0=1:40,spans/3=1:7".to_owned()))),
    ] {
        let text = format!("SELECT body FROM logs FOR SYSTEM_TIME AS OF {text} WHERE flags = 1");
        assert_eq!(moment(&text), expected, "{text}");
    }
    assert_eq!(moment("SELECT 'FOR SYSTEM_TIME AS OF' FROM logs"), None);
}

#[test]
fn it_stands_behind_a_table_wherever_that_is() {
    let at = "FOR SYSTEM_TIME AS OF 'logs/0=1:4'";
    for text in [
        format!("SELECT * FROM public.logs {at} AS l JOIN spans {at} s USING (trace_id)"),
        format!("EXPLAIN ANALYZE SELECT * FROM \"logs\" {at}, Spans {at} ORDER BY time LIMIT 1"),
        format!(
            "WITH old AS (SELECT * FROM logs {at}) SELECT (SELECT count(*) FROM old), value FROM samples {at}"
        ),
        "SELECT * FROM (logs for /* then */ system_time as of 'logs/0=1:4')".to_owned(),
    ] {
        assert_eq!(moment(&text), Some(AsOf::Position("logs/0=1:4".to_owned())), "{text}");
    }
}

#[test]
fn one_statement_has_one_moment() {
    let differ = refusal(
        "SELECT * FROM logs FOR SYSTEM_TIME AS OF '2026-01-01T00:00:00Z' UNION ALL SELECT * FROM logs FOR SYSTEM_TIME AS OF '2026-01-02T00:00:00Z'",
    );
    assert!(differ.contains("names '2026-01-01T00:00:00Z' and '2026-01-02T00:00:00Z'"), "{differ}");
    let missing = refusal("SELECT * FROM logs FOR SYSTEM_TIME AS OF 'logs/0=1:4', spans");
    assert!(missing.contains("is behind 1 of its 2 tables"), "{missing}");
    let same = "SELECT * FROM logs FOR SYSTEM_TIME AS OF 0, spans FOR SYSTEM_TIME AS OF '1970-01-01T00:00:00Z'";
    assert_eq!(moment(same), Some(AsOf::TimeMs(0)));
}

#[test]
fn what_is_no_moment_or_no_table_is_refused() {
    for (text, reason) in [
        (
            "SELECT * FROM logs FOR SYSTEM_TIME AS OF 'yesterday'",
            "cannot read FOR SYSTEM_TIME AS OF 'yesterday'",
        ),
        ("SELECT * FROM logs FOR SYSTEM_TIME AS OF now()", "takes a text"),
        ("SELECT * FROM logs FOR SYSTEM_TIME AS OF", "takes a text"),
        ("SELECT * FROM old FOR SYSTEM_TIME AS OF 0", "belongs behind the name of a table"),
        ("SELECT logs FOR SYSTEM_TIME AS OF 0", "belongs behind the name of a table"),
        ("SELECT * FROM logs VERSION AS OF 3", ""),
    ] {
        let told = refusal(text);
        assert!(told.contains(reason), "{text}: {told}");
    }
}
