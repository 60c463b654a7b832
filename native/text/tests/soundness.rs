//! The index may say "maybe", never a wrong "no".
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

use proptest::prelude::*;
use varve_text::{TextIndex, build};

fn rows_that_may_hold(lines: &[String], block_rows: u32, needle: &str) -> Option<Vec<u32>> {
    let bytes = build(lines.iter().map(String::as_str), block_rows).unwrap();
    let ranges = TextIndex::from_bytes(bytes).unwrap().rows_with_text(needle).unwrap()?;
    Some(ranges.into_iter().flatten().collect())
}

#[test]
fn a_rare_text_selects_its_block_alone() {
    let mut lines: Vec<String> = (0..100).map(|row| format!("order {row} paid")).collect();
    lines[57] = "order 57 declined: insufficient funds".to_owned();
    for needle in ["declined: insufficient", "nsufficient fun", "declin", " 57 declined", "clined:"]
    {
        assert_eq!(rows_that_may_hold(&lines, 10, needle), Some((50..60).collect()), "{needle}");
    }
    assert_eq!(rows_that_may_hold(&lines, 10, "refunded"), Some(Vec::new()));
}

#[test]
fn a_text_that_says_nothing_about_tokens_is_not_answered() {
    let lines = vec!["a: b".to_owned()];
    assert_eq!(rows_that_may_hold(&lines, 1, ": "), None);
    assert_eq!(rows_that_may_hold(&lines, 1, "ab"), None);
}

#[test]
fn case_counts() {
    let lines = vec!["Declined".to_owned()];
    assert_eq!(rows_that_may_hold(&lines, 1, "declined"), Some(Vec::new()));
}

#[test]
fn a_text_inside_a_very_long_token_is_found() {
    let lines =
        vec!["short".to_owned(), format!("blob={}needle{}", "x".repeat(300), "y".repeat(300))];
    assert_eq!(rows_that_may_hold(&lines, 1, "needle"), Some(vec![1]));
}

#[test]
fn damage_is_noticed() {
    let mut bytes = build(["a line", "another"], 1).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert!(TextIndex::from_bytes(bytes).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_row_that_holds_the_needle_is_left_out(
        lines in prop::collection::vec("[ab1 .:é]{0,12}", 1..40),
        block_rows in 1u32..8,
        row in any::<prop::sample::Index>(),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let line: Vec<char> = row.get(&lines).chars().collect();
        prop_assume!(!line.is_empty());
        let (a, b) = (cut.0.index(line.len()), cut.1.index(line.len()));
        let needle: String = line[a.min(b)..=a.max(b)].iter().collect();
        if let Some(found) = rows_that_may_hold(&lines, block_rows, &needle) {
            for (row, line) in (0u32..).zip(&lines) {
                prop_assert!(!line.contains(&needle) || found.contains(&row), "{needle:?} in row {row}");
            }
        }
    }
}
