use serde_json::json;

use super::*;

/// The statement below a heading of docs/sql.md.
fn documented(heading: &str) -> String {
    let text = include_str!("../../../../docs/sql.md");
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no '{heading}'"));
    let (_, from) = section.split_once("```sql\n").unwrap();
    from.split_once("```").unwrap().0.to_owned()
}

#[test]
fn tumbling_windows_count_each_row_in_one() {
    assert_rows(
        &documented("### Tumbling windows"),
        &json!([
            ["2026-01-01T00:00:00Z", 50, 5],
            ["2026-01-01T00:10:00Z", 50, 5],
            ["2026-01-01T00:20:00Z", 50, 5],
            ["2026-01-01T00:30:00Z", 50, 5],
        ]),
    );
}

#[test]
fn sliding_windows_look_back_from_each_row() {
    assert_rows(
        &documented("### Sliding windows"),
        &json!([
            ["2026-01-01T00:00:00Z", 0.0, 0.0],
            ["2026-01-01T00:00:10Z", 3.0, 1.5],
            ["2026-01-01T00:00:20Z", 6.0, 3.0],
            ["2026-01-01T00:00:30Z", 2.0, 11.0 / 3.0],
            ["2026-01-01T00:00:40Z", 5.0, 13.0 / 3.0],
        ]),
    );
}

#[test]
fn session_windows_end_after_a_pause() {
    assert_rows(
        &documented("### Session windows"),
        &json!([
            ["shop", "2026-01-01T00:00:00Z", "2026-01-01T00:00:48Z", 25],
            ["shop", "2026-01-01T00:10:50Z", "2026-01-01T00:11:38Z", 25],
            ["shop", "2026-01-01T00:21:40Z", "2026-01-01T00:22:28Z", 25],
            ["shop", "2026-01-01T00:32:30Z", "2026-01-01T00:33:18Z", 25],
        ]),
    );
}

#[test]
fn the_documented_join_finds_what_failed_and_where() {
    let (store, _folder) = shop::store(shop::Stored::Both);
    let found = rows(&store, &documented("### Joins"));
    assert_eq!(found[0][0], "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    assert_eq!(found.as_array().unwrap().len(), 10);
}
