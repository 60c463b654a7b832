//! A trace by id, of which only some spans are wanted.

use arrow::array::{Array as _, AsArray as _};

use super::*;

/// root 1 → 2 → 3 → 4, and 5 beside 2.
fn chain() -> Vec<Vec<Span>> {
    vec![vec![
        span(1, 1, 0, 10),
        span(1, 2, 1, 20),
        span(1, 3, 2, 30).named("query"),
        span(1, 4, 3, 40),
        span(1, 5, 1, 50),
    ]]
}

/// The first byte of each span's id, and what the answer warns of.
fn selected(condition: &Json, above: &Json, below: &Json) -> (Vec<u8>, Vec<String>) {
    let spans = json!({ "condition": condition, "above": above, "below": below });
    let plan =
        json!({"node": "traceById", "traceId": "01".repeat(16), "range": null, "spans": spans});
    let outcome = ask(&plan, &chain()).unwrap();
    let Answer::Trace(batches) = outcome.answer else { panic!() };
    let ids = batches.iter().flat_map(|batch| {
        let ids = batch.column_by_name("span_id").unwrap().as_fixed_size_binary().clone();
        (0..ids.len()).map(move |row| ids.value(row)[0]).collect::<Vec<_>>()
    });
    (ids.collect(), outcome.warnings)
}

fn query() -> Json {
    json!({
        "kind": "binary", "op": "=",
        "left": { "kind": "field", "field": { "kind": "intrinsic", "name": "name" } },
        "right": { "kind": "static", "value": { "type": "string", "value": "query" } },
    })
}

#[test]
fn only_spans_that_match_are_in_the_answer_which_says_so() {
    let (ids, warnings) = selected(&query(), &json!(0), &json!(0));
    assert_eq!(ids, [3]);
    assert_eq!(
        warnings,
        ["Trace filtered, only a subset of spans matching the filter is returned"]
    );
}

#[test]
fn levels_above_and_below_a_matching_span_are_kept_with_it() {
    assert_eq!(selected(&query(), &json!(null), &json!(0)).0, [1, 2, 3]);
    assert_eq!(selected(&query(), &json!(1), &json!(0)).0, [2, 3]);
    assert_eq!(selected(&query(), &json!(0), &json!(1)).0, [3, 4]);
    assert_eq!(selected(&query(), &json!(null), &json!(null)).0, [1, 2, 3, 4]);
}

#[test]
fn an_answer_with_every_span_warns_of_nothing() {
    let (ids, warnings) = selected(&json!(null), &json!(0), &json!(0));
    assert_eq!((ids.len(), warnings.len()), (5, 0));
}
