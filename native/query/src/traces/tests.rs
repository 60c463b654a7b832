//! Plans over hand-made batches, all still in memtables.

mod absent;
mod selection;
pub(super) mod support;

use serde_json::{Value as Json, json};
use varve_columnar::answer::{Answer, Value};

use crate::QueryError;
use support::*;

#[test]
fn a_trace_whose_spans_came_in_several_requests_is_one_trace() {
    let requests =
        [vec![span(1, 2, 1, 20)], vec![span(1, 1, 0, 10).named("root"), span(1, 3, 1, 30)]];
    let found = search(&name_is("root"), &requests);
    assert_eq!((found[0].start_unix_nano, spans(&found[0])), (10, vec![vec![1]]));
    assert_eq!(found[0].root_trace_name.as_deref(), Some("root"));
    assert_eq!(found[0].service_stats["shop"].span_count, 3);
}

#[test]
fn a_span_that_was_sent_twice_counts_once() {
    let requests = [vec![span(1, 1, 0, 10)], vec![span(1, 1, 0, 10), span(1, 2, 1, 11)]];
    assert_eq!(search(&all(), &requests)[0].span_sets[0].matched, 2);
    let plan =
        json!({"node": "traceById", "traceId": "01".repeat(16), "range": null, "spans": null});
    let Answer::Trace(batches) = ask(&plan, &requests).unwrap().answer else { panic!() };
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 2);
}

#[test]
fn a_trace_that_is_not_stored_is_empty() {
    let plan =
        json!({"node": "traceById", "traceId": "02".repeat(16), "range": null, "spans": null});
    let outcome = ask(&plan, &[vec![span(1, 1, 0, 10)]]).unwrap();
    assert!(matches!(outcome.answer, Answer::Trace(batches) if batches.is_empty()));
}

#[test]
fn the_newest_traces_come_first_and_no_more_than_the_limit() {
    let requests =
        [vec![span(1, 1, 0, 10), span(3, 1, 0, 30)], vec![span(2, 1, 0, 20), span(4, 1, 0, 5)]];
    let mut plan = search_plan(&all());
    plan["limit"] = json!(2);
    assert_eq!(traces(&found(&plan, &requests)), [3, 2]);
}

#[test]
fn traces_that_began_before_the_range_do_not_hide_one_that_began_in_it() {
    let long = 1..=40;
    let beginnings = long.clone().map(|trace| span(trace, 1, 0, 10)).collect();
    let later = long.map(|trace| span(trace, 2, 1, 100)).collect();
    let requests = [beginnings, later, vec![span(50, 1, 0, 90)]];
    let mut plan = search_plan(&all());
    plan["range"] = range(50, 200);
    plan["limit"] = json!(1);
    assert_eq!(traces(&found(&plan, &requests)), [50]);
}

#[test]
fn only_traces_with_a_span_in_the_range_are_found_and_then_whole() {
    let requests = [vec![span(1, 1, 0, 10), span(1, 2, 1, 100)], vec![span(2, 1, 0, 10)]];
    let mut plan = search_plan(&all());
    plan["range"] = range(50, 200);
    let found = found(&plan, &requests);
    assert_eq!((traces(&found), found[0].span_sets[0].matched), (vec![1], 2));
}

#[test]
fn spans_beyond_spans_per_set_are_counted_but_not_listed() {
    let mut plan = search_plan(&all());
    plan["spansPerSet"] = json!(1);
    let found = found(&plan, &[vec![span(1, 1, 0, 10), span(1, 2, 1, 11)]]);
    assert_eq!((spans(&found[0]), found[0].span_sets[0].matched), (vec![vec![1]], 2));
}

#[test]
fn a_search_for_summaries_tells_of_traces_and_not_of_spans() {
    let mut plan = search_plan(&name_is("root"));
    plan["summariesOnly"] = json!(true);
    let found = found(&plan, &[vec![span(1, 1, 0, 10).named("root"), span(2, 1, 0, 11)]]);
    assert_eq!(traces(&found), [1]);
    assert!(found[0].span_sets.is_empty());
}

#[test]
fn a_trace_without_a_root_has_no_name() {
    let found = search(&all(), &[vec![span(1, 2, 9, 10)]]);
    assert_eq!((&found[0].root_trace_name, &found[0].root_service_name), (&None, &None));
}

#[test]
fn a_missing_attribute_is_neither_equal_nor_unequal_to_a_value() {
    let requests = [vec![span(1, 1, 0, 10).with("n", Value::Int(7)), span(1, 2, 1, 11)]];
    for (op, value, expected) in [("=", 7, vec![vec![1]]), ("!=", 8, vec![vec![1]])] {
        let found = search(&filter(&binary(op, &attribute("n"), &int(value))), &requests);
        assert_eq!(spans(&found[0]), expected, "{op}");
    }
    let absent = json!({"kind": "static", "value": {"type": "nil"}});
    let found = search(&filter(&binary("=", &attribute("n"), &absent)), &requests);
    assert_eq!(spans(&found[0]), [[2]]);
}

#[test]
fn an_attribute_without_scope_is_the_spans_own_before_its_resources() {
    let own = Value::String("mine".to_owned());
    let requests = [vec![span(1, 1, 0, 10).with("service.name", own), span(1, 2, 1, 11)]];
    let found = search(&filter(&binary("=", &attribute("service.name"), &text("shop"))), &requests);
    assert_eq!(spans(&found[0]), [[2]]);
}

#[test]
fn a_negated_comparison_is_true_of_spans_without_the_attribute() {
    let requests = [vec![span(1, 1, 0, 10).with("n", Value::Int(7)), span(1, 2, 1, 11)]];
    let not = json!({"kind": "not", "input": binary("=", &attribute("n"), &int(7))});
    assert_eq!(spans(&search(&filter(&not), &requests)[0]), [[2]]);
}

#[test]
fn a_field_of_the_whole_trace_is_not_told_by_columns_and_still_found() {
    let requests = [
        vec![span(1, 1, 0, 10).named("root"), span(1, 2, 1, 11)],
        vec![span(2, 1, 0, 10), span(2, 2, 1, 11)],
    ];
    let of_root = binary("=", &intrinsic("rootName"), &text("root"));
    let found = search(&filter(&of_root), &requests);
    assert_eq!((traces(&found), spans(&found[0])), (vec![1], vec![vec![1, 2]]));
}

#[test]
fn both_sides_of_an_and_must_have_spans_of_the_same_trace() {
    let requests = [vec![
        span(1, 1, 0, 10).named("a"),
        span(1, 2, 1, 11).named("b"),
        span(2, 1, 0, 12).named("a"),
    ]];
    let both = |op: &str| json!({"node": "combine", "op": op, "left": name_is("a"), "right": name_is("b")});
    let found = search(&both("&&"), &requests);
    assert_eq!((traces(&found), spans(&found[0])), (vec![1], vec![vec![1, 2]]));
    assert_eq!(traces(&search(&both("||"), &requests)), [2, 1]);
}

#[test]
fn a_structural_operator_gives_the_right_side_and_with_union_the_left_sides_partners() {
    let requests = [vec![
        span(1, 1, 0, 10).named("a"),
        span(1, 2, 1, 11).named("b"),
        span(1, 3, 0, 12).named("a"),
        span(1, 4, 0, 13).named("b"),
    ]];
    let below = |negated: bool, union: bool| {
        json!({
            "node": "structural", "op": ">", "negated": negated, "union": union,
            "left": name_is("a"), "right": name_is("b"),
        })
    };
    assert_eq!(spans(&search(&below(false, false), &requests)[0]), [[2]]);
    assert_eq!(spans(&search(&below(true, false), &requests)[0]), [[4]]);
    assert_eq!(spans(&search(&below(false, true), &requests)[0]), [[1, 2]]);
}

#[test]
fn groups_are_span_sets_and_coalesce_makes_them_one_again() {
    let requests = [vec![
        span(1, 1, 0, 10).named("a"),
        span(1, 2, 1, 11).named("b"),
        span(1, 3, 1, 12).named("a"),
    ]];
    let by =
        json!({"node": "groupBy", "input": all(), "by": intrinsic("name"), "label": "by(name)"});
    let grouped = search(&by, &requests);
    assert_eq!(spans(&grouped[0]), [vec![1, 3], vec![2]]);
    let label = ("by(name)".to_owned(), Value::String("b".to_owned()));
    assert_eq!(grouped[0].span_sets[1].attributes, [label]);
    let one = search(&json!({"node": "coalesce", "input": by}), &requests);
    assert_eq!(spans(&one[0]), [[1, 2, 3]]);
}

fn aggregate(function: &str, field: &Json, op: &str, value: &Json) -> Json {
    json!({
        "node": "aggregateFilter", "input": all(), "aggregate": function, "field": field, "op": op,
        "value": value,
    })
}

#[test]
fn an_aggregate_keeps_sets_and_is_shown_with_them() {
    let requests = [vec![span(1, 1, 0, 10), span(1, 2, 1, 11)], vec![span(2, 1, 0, 10)]];
    let one = json!({"type": "int", "value": "1"});
    let found = search(&aggregate("count", &Json::Null, ">", &one), &requests);
    assert_eq!(traces(&found), [1]);
    assert_eq!(found[0].span_sets[0].attributes, [("count()".to_owned(), Value::Int(2))]);
    let length = json!({"type": "duration", "value": "20"});
    let found = search(&aggregate("sum", &intrinsic("duration"), "==", &length), &requests);
    let sum = ("sum(duration)".to_owned(), Value::String("20ns".to_owned()));
    assert_eq!((traces(&found), &found[0].span_sets[0].attributes), (vec![1], &vec![sum]));
}

#[test]
fn an_aggregate_compares_with_numbers_of_any_kind() {
    let requests = [vec![span(1, 1, 0, 10).with("n", Value::Int(500))]];
    for value in [
        json!({"type": "int", "value": "500"}),
        json!({"type": "float", "value": "499.5"}),
        json!({"type": "duration", "value": "500"}),
    ] {
        for function in ["avg", "max", "sum"] {
            let found = search(&aggregate(function, &attribute("n"), ">=", &value), &requests);
            assert_eq!(found.len(), 1, "{function} {value}");
        }
    }
}

#[test]
fn a_compared_field_is_shown_where_it_compares_so_and_a_selected_one_where_it_is() {
    let requests = [vec![
        span(1, 1, 0, 10).named("a").with("n", Value::Int(7)).with("m", Value::Bool(true)),
        span(1, 2, 1, 11).named("b").with("n", Value::Int(8)),
    ]];
    let seven = binary("=", &attribute("n"), &int(7));
    let named = binary("=", &intrinsic("name"), &text("b"));
    let mut plan = search_plan(&filter(&binary("||", &seven, &named)));
    let field = |expr: Json| expr["field"].clone();
    plan["select"] = json!([
        field(attribute("n")),
        field(intrinsic("name")),
        field(attribute("m")),
        field(attribute("none")),
    ]);
    let found = found(&plan, &requests);
    let [first, second] = found[0].span_sets[0].spans.as_slice() else { panic!("two spans") };
    let shown = |key: &str, value| (key.to_owned(), value);
    assert_eq!(first.attributes, [shown("n", Value::Int(7)), shown("m", Value::Bool(true))]);
    assert_eq!(second.attributes, []);
    assert_eq!((first.name.as_deref(), second.name.as_deref()), (None, Some("b")));
}

#[test]
fn tags_are_listed_by_scope_and_only_of_spans_that_match() {
    let requests = [vec![
        span(1, 1, 0, 10).named("a").with("x", Value::Int(1)),
        span(1, 2, 1, 11).with("y", Value::Int(1)),
    ]];
    let plan = |filter: Json| json!({"node": "spanTags", "scope": "span", "filter": filter, "range": range(0, 100), "limit": 0});
    let tags = |filter: Json| match ask(&plan(filter), &requests).unwrap().answer {
        Answer::Tags(scopes) => scopes[0].tags.clone(),
        other => panic!("not tags: {other:?}"),
    };
    assert_eq!(tags(Json::Null), ["x", "y"]);
    assert_eq!(tags(binary("=", &intrinsic("name"), &text("a"))), ["x"]);
    assert_eq!(tags(binary("=", &intrinsic("childCount"), &int(0))), ["y"]);
}

fn values(field: &Json, requests: &[Vec<Span>], limit: u32) -> Vec<(String, &'static str)> {
    let plan = json!({
        "node": "spanTagValues", "field": field["field"], "filter": null, "range": range(0, 100),
        "limit": limit,
    });
    match ask(&plan, requests).unwrap().answer {
        Answer::TagValues(values) => {
            values.into_iter().map(|value| (value.value, value.kind)).collect()
        }
        other => panic!("not values: {other:?}"),
    }
}

#[test]
fn values_have_types_and_those_of_arrays_stand_alone() {
    let list = Value::Array(vec![Value::String("b".to_owned()), Value::String("a".to_owned())]);
    let requests =
        [vec![span(1, 1, 0, 10).with("x", list), span(1, 2, 1, 11).with("x", Value::Int(5))]];
    let expected = [("5", "int"), ("a", "string"), ("b", "string")];
    let texts = |values: Vec<(String, &'static str)>| values;
    let found = texts(values(&attribute("x"), &requests, 0));
    assert_eq!(
        found.iter().map(|(text, kind)| (text.as_str(), *kind)).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(values(&attribute("x"), &requests, 1).len(), 1);
}

#[test]
fn the_root_name_of_a_trace_without_root_is_empty() {
    let requests = [vec![span(1, 1, 0, 10).named("root"), span(2, 2, 9, 11)]];
    let expected = [(String::new(), "string"), ("root".to_owned(), "string")];
    assert_eq!(values(&intrinsic("rootName"), &requests, 0), expected);
}

#[test]
fn a_pattern_that_is_no_expression_is_refused() {
    let bad = binary("=~", &intrinsic("name"), &text("("));
    let error = ask(&search_plan(&filter(&bad)), &[vec![span(1, 1, 0, 10)]]).unwrap_err();
    assert!(matches!(error, QueryError::Regex { pattern, .. } if pattern == "("));
}

#[test]
fn a_search_may_evaluate_more_traces_than_it_may_hold_series() {
    let requests: Vec<Vec<Span>> = (0..40)
        .map(|request| (1..=50).map(|trace| span(trace, request + 1, 9, 10)).collect())
        .collect();
    let of_root = filter(&binary("=", &intrinsic("rootName"), &text("nobody")));
    let plan = search_plan(&of_root);
    assert!(ask_holding(&plan, &requests, 1 << 30, 10).is_ok());
}

#[test]
fn more_traces_than_memory_allows_are_refused() {
    let requests = [(1..=100).map(|trace| span(trace, 1, 0, 10)).collect()];
    let error = ask_within(&search_plan(&all()), &requests, 100).unwrap_err();
    assert!(matches!(error, QueryError::Budget { setting: "query.memory_max_bytes", .. }));
}
