//! Fields that spans do not have, or have with each of their events.

use varve_columnar::answer::TraceSummary;

use super::*;

/// What answers show of `field` on the spans of one trace, by place.
fn selected(field: &Json, spans: Vec<Span>) -> Vec<Vec<(String, Value)>> {
    let mut plan = search_plan(&all());
    plan["select"] = json!([field["field"]]);
    let found = found(&plan, &[spans]);
    found[0].span_sets[0].spans.iter().map(|span| span.attributes.clone()).collect()
}

fn of_event(name: &str) -> Json {
    json!({"kind": "field", "field": {"kind": "attribute", "scope": "event", "name": name, "parent": false}})
}

fn texts(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn float(value: &str) -> Json {
    json!({"kind": "static", "value": {"type": "float", "value": value}})
}

#[test]
fn an_attribute_with_a_column_of_its_own_is_shown_as_nil_where_it_is_not() {
    let spans = || {
        let route = texts("/login");
        vec![
            span(1, 1, 0, 10).with("http.route", route).with("n", Value::Int(1)),
            span(1, 2, 1, 11),
        ]
    };
    let shown = |name: &str| selected(&attribute(name), spans());
    assert_eq!(
        shown("http.route"),
        [[("http.route".to_owned(), texts("/login"))], [("http.route".to_owned(), texts("nil"))]]
    );
    assert_eq!(shown("n"), [vec![("n".to_owned(), Value::Int(1))], vec![]]);
    assert_eq!(shown("url.path"), vec![vec![("url.path".to_owned(), texts("nil"))]; 2]);
}

#[test]
fn of_several_events_the_last_is_shown_and_the_first_counts() {
    let spans =
        || vec![span(1, 1, 0, 10).event("retry", 1, 4).event("retry", 5, 8), span(1, 2, 1, 11)];
    assert_eq!(selected(&of_event("n"), spans())[0], [("n".to_owned(), Value::Int(8))]);
    let whole = json!({"type": "int", "value": "4"});
    let first = aggregate("max", &of_event("n"), "==", &whole);
    assert_eq!(search(&first, &[spans()]).len(), 1);
}

#[test]
fn spans_without_events_links_or_parent_show_empty_ones() {
    let shown = |name: &str| selected(&intrinsic(name), vec![span(1, 1, 0, 10)])[0][0].1.clone();
    assert_eq!(shown("eventName"), texts(""));
    assert_eq!(shown("eventTimeSinceStart"), texts("0s"));
    assert_eq!(shown("linkTraceId"), texts(""));
    assert_eq!(
        [shown("linkSpanId"), shown("parentId")],
        [texts("0000000000000000"), texts("0000000000000000")]
    );
}

#[test]
fn attributes_compare_with_constants_of_their_own_type() {
    let spans = vec![
        span(1, 1, 0, 10).with("n", Value::Int(2)),
        span(1, 2, 1, 11).with("n", Value::Double(2.0)),
        span(1, 3, 1, 12).with("n", Value::Array(vec![Value::Int(2), Value::Int(3)])),
    ];
    let of = |condition: &Json| spans_of(&search(&filter(condition), std::slice::from_ref(&spans)));
    assert_eq!(of(&binary("=", &attribute("n"), &int(2))), [1, 3]);
    assert_eq!(of(&binary("<", &int(1), &attribute("n"))), [1, 3]);
    assert_eq!(of(&binary("=", &attribute("n"), &float("2.0"))), [2]);
    assert_eq!(of(&binary("=", &attribute("n"), &attribute("n"))), [1, 2, 3]);
    let length = json!({"kind": "static", "value": {"type": "duration", "value": "1"}});
    assert!(
        search(&filter(&binary(">", &attribute("n"), &length)), std::slice::from_ref(&spans))
            .is_empty()
    );
    // Computed values are numbers of any kind.
    let sum = binary("+", &attribute("n"), &int(0));
    assert_eq!(of(&binary("=", &sum, &float("2.0"))), [1, 2]);
}

fn spans_of(found: &[TraceSummary]) -> Vec<u8> {
    found.iter().flat_map(spans).flatten().collect()
}

#[test]
fn a_list_is_no_condition() {
    let list = Value::Array(vec![Value::Bool(true), Value::Bool(false)]);
    let requests =
        [vec![span(1, 1, 0, 10).with("ok", list), span(2, 1, 0, 11).with("ok", Value::Bool(true))]];
    assert_eq!(traces(&search(&filter(&attribute("ok")), &requests)), [2]);
}

#[test]
fn the_root_of_a_trace_without_one_has_the_empty_name_in_conditions_too() {
    let requests = [vec![span(1, 2, 9, 10)]];
    for name in ["rootName", "rootServiceName"] {
        let other = binary("!=", &intrinsic(name), &text("x"));
        assert_eq!(search(&filter(&other), &requests).len(), 1, "{name}");
    }
}

#[test]
fn an_aggregate_over_an_attribute_with_a_column_meets_its_nil() {
    let status = |value| ("http.status_code", Value::Int(value));
    let (name, value) = status(500);
    let requests = [vec![span(1, 1, 0, 10).with(name, value), span(1, 2, 1, 11)]];
    let at_least = json!({"type": "int", "value": "1"});
    let kept = |function: &str| {
        search(&aggregate(function, &attribute("http.status_code"), ">=", &at_least), &requests)
            .len()
    };
    // A text is greater than any number, and what is added to a number without being one is left out.
    assert_eq!([kept("max"), kept("min"), kept("sum"), kept("avg")], [0, 1, 1, 1]);
}

#[test]
fn fractions_are_listed_with_a_point_and_lengths_in_nanoseconds() {
    let spans = || vec![span(1, 1, 0, 10).with("x", Value::Double(2.0)).event("retry", 5, 1)];
    assert_eq!(values(&attribute("x"), &[spans()], 0), [("2.0".to_owned(), "float")]);
    assert_eq!(values(&intrinsic("eventTimeSinceStart"), &[spans()], 0), [("5".to_owned(), "int")]);
    assert_eq!(values(&intrinsic("childCount"), &[spans()], 0), [("0".to_owned(), "int")]);
}

#[test]
fn a_filter_does_not_hide_tags_that_have_a_column() {
    let requests = [
        vec![span(1, 1, 0, 10).named("a").with("x", Value::Int(1))],
        vec![span(2, 2, 0, 11).with("y", Value::Int(1)).with("http.method", texts("GET"))],
    ];
    let filter = binary("=", &intrinsic("name"), &text("a"));
    let plan = json!({"node": "spanTags", "scope": "span", "filter": filter, "range": range(0, 100), "limit": 0});
    let Answer::Tags(scopes) = ask(&plan, &requests).unwrap().answer else { panic!() };
    assert_eq!(scopes[0].tags, ["http.method", "x"]);
}
