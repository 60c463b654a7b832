//! Plans over hand-made spans. Times are in nanoseconds, so that rates are of very short steps.

use serde_json::{Value as Json, json};
use varve_columnar::answer::{Answer, Outcome, SpanSeries, SpanSeriesSet, Value};

use crate::{
    QueryError,
    traces::tests::support::{Span, all, ask, ask_holding, attribute, filter, name_is, span},
};

const STEP: i64 = 100;

fn plan(expr: &Json) -> Json {
    json!({
        "node": "spanSeries", "expr": expr, "exemplars": 0, "limit": 100,
        "intervals": {"from": "0", "to": "300", "step": STEP.to_string()},
    })
}

fn window(function: &Json, by: &[&str]) -> Json {
    let by: Vec<_> = by.iter().map(|name| group(name)).collect();
    json!({"node": "window", "input": all(), "function": function, "by": by})
}

fn group(name: &str) -> Json {
    json!({"field": attribute(name)["field"], "label": format!(".{name}")})
}

fn of(name: &str, field: &str) -> Json {
    json!({"name": name, "of": attribute(field)["field"]})
}

fn count() -> Json {
    json!({"name": "count_over_time"})
}

fn outcome(plan: &Json, spans: &[Span]) -> Outcome {
    let requests = if spans.is_empty() { vec![] } else { vec![spans.to_vec()] };
    ask(plan, &requests).unwrap()
}

fn answer(plan: &Json, spans: &[Span]) -> SpanSeriesSet {
    match outcome(plan, spans).answer {
        Answer::SpanSeries(set) => set,
        other => panic!("not series: {other:?}"),
    }
}

/// Labels as one text, and values with `-` where there is none.
fn shown(series: &[SpanSeries]) -> Vec<(String, String)> {
    let label = |(name, value): &(String, Value)| format!("{name}={value:?}");
    let number = |value: &f64| if value.is_nan() { "-".to_owned() } else { value.to_string() };
    let texts = |series: &SpanSeries| {
        let labels: Vec<_> = series.labels.iter().map(label).collect();
        let values: Vec<_> = series.values.iter().map(number).collect();
        (labels.join(","), values.join(" "))
    };
    series.iter().map(texts).collect()
}

fn values(expr: &Json, spans: &[Span]) -> Vec<(String, String)> {
    shown(&answer(&plan(expr), spans).series)
}

fn only(expr: &Json, spans: &[Span]) -> String {
    let found = values(expr, spans);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].1.clone()
}

fn number(span: Span, value: i64) -> Span {
    span.with("n", Value::Int(value))
}

#[test]
fn spans_count_in_the_interval_that_ends_at_or_after_their_start() {
    let spans = [0, 1, 100, 101, 300, 301].map(|start| span(1, start as u8 + 1, 0, start));
    assert_eq!(only(&window(&count(), &[]), &spans), "2 1 1");
}

#[test]
fn a_rate_is_per_second_and_named_by_its_function() {
    let found = values(&window(&json!({"name": "rate"}), &[]), &[span(1, 1, 0, 50)]);
    assert_eq!(found, [("__name__=String(\"rate\")".to_owned(), "10000000 0 0".to_owned())]);
}

#[test]
fn without_any_span_a_count_is_0_and_a_maximum_is_no_series() {
    assert_eq!(only(&window(&count(), &[]), &[]), "0 0 0");
    assert!(values(&window(&of("max_over_time", "n"), &[]), &[]).is_empty());
    assert!(values(&window(&count(), &["n"]), &[]).is_empty());
}

#[test]
fn values_are_taken_of_spans_that_have_the_field_as_a_number() {
    let spans = [
        number(span(1, 1, 0, 10), 3),
        number(span(1, 2, 1, 20), 5),
        span(1, 3, 1, 30).with("n", Value::String("no number".to_owned())),
        span(1, 4, 1, 40),
        number(span(1, 5, 1, 250), 4),
    ];
    for (name, expected) in [
        ("min_over_time", "3 - 4"),
        ("max_over_time", "5 - 4"),
        ("sum_over_time", "8 - 4"),
        ("avg_over_time", "4 - 4"),
    ] {
        assert_eq!(only(&window(&of(name, "n"), &[]), &spans), expected, "{name}");
    }
}

#[test]
fn groups_keep_the_type_of_their_values_and_leave_out_what_is_missing() {
    let spans = [
        number(span(1, 1, 0, 10), 7).with("ok", Value::Bool(true)),
        number(span(1, 2, 1, 20), 7),
        span(1, 3, 1, 30),
    ];
    assert_eq!(
        values(&window(&count(), &["n", "ok"]), &spans),
        [
            (".n=Int(7)".to_owned(), "1 0 0".to_owned()),
            (".n=Int(7),.ok=Bool(true)".to_owned(), "1 0 0".to_owned()),
            (".n=String(\"nil\")".to_owned(), "1 0 0".to_owned()),
        ]
    );
}

#[test]
fn a_histogram_has_a_series_for_each_power_of_two() {
    let spans = [2, 3, 4, 5].map(|value| number(span(1, value as u8, 0, 10), value));
    assert_eq!(
        values(&window(&of("histogram_over_time", "n"), &[]), &spans),
        [
            ("__bucket=Double(2.0)".to_owned(), "1 0 0".to_owned()),
            ("__bucket=Double(4.0)".to_owned(), "2 0 0".to_owned()),
            ("__bucket=Double(8.0)".to_owned(), "1 0 0".to_owned()),
        ]
    );
}

#[test]
fn quantiles_are_of_the_buckets_of_each_interval() {
    let spans = [
        number(span(1, 1, 0, 10), 4),
        number(span(1, 2, 0, 20), 64),
        number(span(1, 3, 0, 150), 16),
    ];
    let function = json!({"name": "quantile_over_time", "of": attribute("n")["field"], "quantiles": ["0.5", "1"]});
    assert_eq!(
        values(&window(&function, &[]), &spans),
        [
            ("p=Double(0.5)".to_owned(), "4 16 0".to_owned()),
            ("p=Double(1.0)".to_owned(), "64 16 0".to_owned()),
        ]
    );
}

#[test]
fn spans_of_related_spans_are_found_in_their_whole_trace() {
    let spans = [span(1, 1, 0, 10).named("root"), span(1, 2, 1, 20), span(2, 1, 0, 30)];
    let below = json!({
        "node": "structural", "op": ">>", "negated": false, "union": false,
        "left": name_is("root"), "right": all(),
    });
    let expr = json!({"node": "window", "input": below, "function": count(), "by": []});
    assert_eq!(only(&expr, &spans), "1 0 0");
    let of_root = json!({"field": {"kind": "intrinsic", "name": "rootName"}, "label": "rootName"});
    let expr = json!({"node": "window", "input": all(), "function": count(), "by": [of_root]});
    assert_eq!(
        values(&expr, &spans),
        [
            ("rootName=String(\"root\")".to_owned(), "2 0 0".to_owned()),
            ("rootName=String(\"step\")".to_owned(), "1 0 0".to_owned()),
        ]
    );
}

/// Spans with `n` 1 (one at 10), 2 (two at 10) and 3 (two at 10, one at 110).
fn three_groups() -> Vec<Span> {
    [(1, 10), (2, 10), (2, 10), (3, 10), (3, 10), (3, 110)]
        .iter()
        .enumerate()
        .map(|(at, &(value, start))| number(span(1, at as u8 + 1, 0, start), value))
        .collect()
}

#[test]
fn the_largest_and_smallest_are_told_for_each_time() {
    let ranked = |op: &str| {
        let input = window(&count(), &["n"]);
        values(&json!({"node": "rank", "op": op, "count": 1, "input": input}), &three_groups())
    };
    // Of equals the first in order is the larger.
    let text = |series: &[(&str, &str)]| -> Vec<(String, String)> {
        series.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
    };
    assert_eq!(
        ranked("topk"),
        text(&[(".n=Int(1)", "- - 0"), (".n=Int(2)", "2 - -"), (".n=Int(3)", "- 1 -")])
    );
    assert_eq!(
        ranked("bottomk"),
        text(&[(".n=Int(1)", "1 - -"), (".n=Int(2)", "- 0 -"), (".n=Int(3)", "- - 0")])
    );
}

#[test]
fn a_comparison_keeps_values_and_series_that_hold() {
    let input = window(&count(), &["n"]);
    let expr = json!({"node": "filter", "op": ">=", "value": "2", "input": input});
    let found = values(&expr, &three_groups());
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], (".n=Int(3)".to_owned(), "2 - -".to_owned()));
}

#[test]
fn series_with_the_same_labels_are_divided_and_one_without_labels_goes_with_each() {
    let grouped = window(&count(), &["n"]);
    let whole = window(&count(), &[]);
    let divided = |left: &Json, right: &Json| json!({"node": "binary", "op": "/", "left": left, "right": right});
    let found = values(&divided(&grouped, &whole), &three_groups());
    assert_eq!(found[0], (".n=Int(1)".to_owned(), "0.2 0 -".to_owned()));
    assert_eq!(found.len(), 3);
    let found = values(&divided(&whole, &whole), &three_groups());
    let name = "__name__=String(\"(count_over_time / count_over_time)\")";
    assert_eq!(found, [(name.to_owned(), "1 1 -".to_owned())]);
    let scaled = json!({
        "node": "scale", "op": "-", "value": "10", "constantLeft": true, "input": whole,
    });
    assert_eq!(only(&scaled, &three_groups()), "5 9 10");
}

#[test]
fn an_instant_is_one_value_over_the_whole_range() {
    let mut plan = plan(&window(&count(), &[]));
    plan["intervals"] = json!({"from": "9", "to": "110", "step": "0"});
    let set = answer(&plan, &three_groups());
    assert!(set.instant);
    assert_eq!(shown(&set.series)[0].1, "6");
}

#[test]
fn exemplars_are_of_different_traces_and_stand_on_the_line() {
    let spans: Vec<_> = (1..=6).map(|trace| span(trace, 1, 0, 5_000_000)).collect();
    let mut plan = plan(&window(&count(), &[]));
    plan["intervals"] = json!({"from": "0", "to": "10000000", "step": "10000000"});
    plan["exemplars"] = json!(2);
    let mut twice = spans.clone();
    twice.extend((1..=6).map(|trace| span(trace, 2, 1, 6_000_000)));
    let series = answer(&plan, &twice).series;
    let exemplars = &series[0].exemplars;
    assert_eq!(exemplars.len(), 2);
    assert_ne!(exemplars[0].trace_id, exemplars[1].trace_id);
    assert!((exemplars[0].value - 12.0).abs() < 1e-9);
    assert_eq!(exemplars[0].time_unix_ms, 5);
}

#[test]
fn a_comparison_of_spans_counts_values_in_the_selection_and_in_the_rest() {
    let spans = [
        span(1, 1, 0, 10).named("a").with("http", Value::String("GET".to_owned())),
        span(1, 2, 1, 20).with("http", Value::String("GET".to_owned())),
        span(1, 3, 1, 110).with("http", Value::String("PUT".to_owned())),
    ];
    let expr = json!({
        "node": "compare", "input": all(), "selection": name_is("a")["condition"], "top": 1,
        "from": "0", "to": "0",
    });
    let found = values(&expr, &spans);
    let of = |part: &str, label: &str| {
        let wanted = format!("__meta_type=String(\"{part}\"),{label}");
        found.iter().find(|(labels, _)| *labels == wanted).map(|(_, values)| values.as_str())
    };
    assert_eq!(of("selection", "span.http=String(\"GET\")"), Some("1 0 0"));
    assert_eq!(of("selection", "name=String(\"a\")"), Some("1 0 0"));
    // Of two values that are as frequent only one may be told.
    assert_eq!(of("baseline", "span.http=String(\"GET\")"), Some("1 0 0"));
    assert_eq!(of("baseline", "span.http=String(\"PUT\")"), None);
    assert_eq!(of("baseline_total", "span.http=String(\"nil\")"), Some("1 1 0"));
    assert_eq!(of("baseline_total", "resource.service.name=String(\"nil\")"), Some("1 1 0"));
}

#[test]
fn series_past_the_limit_are_cut_off_and_said_to_be() {
    let mut plan = plan(&window(&count(), &["n"]));
    plan["limit"] = json!(2);
    let outcome = outcome(&plan, &three_groups());
    let Answer::SpanSeries(set) = outcome.answer else { panic!() };
    assert_eq!(set.series.len(), 2);
    assert_eq!(
        outcome.warnings,
        ["series limit of 2 exceeded; group by less or raise query.tempo_series_max"]
    );
}

#[test]
fn more_groups_than_the_budget_allows_are_an_error() {
    let plan = plan(&window(&count(), &["n"]));
    let error = ask_holding(&plan, &[three_groups()], 1 << 30, 2).unwrap_err();
    assert!(matches!(error, QueryError::Budget { what: "series", .. }), "{error}");
}

#[test]
fn a_filter_told_by_columns_and_one_told_by_traces_count_the_same() {
    let condition = json!({
        "kind": "binary", "op": ">", "left": attribute("n"),
        "right": {"kind": "static", "value": {"type": "int", "value": "1"}},
    });
    let by_columns = json!({
        "node": "window", "input": filter(&condition), "function": count(), "by": [group("n")],
    });
    let mut by_traces = by_columns.clone();
    by_traces["input"] = json!({"node": "then", "input": all(), "condition": condition});
    assert_eq!(values(&by_columns, &three_groups()), values(&by_traces, &three_groups()));
}

#[test]
fn groups_show_the_nil_of_an_attribute_with_a_column_and_take_no_lists() {
    let list = Value::Array(vec![Value::Int(1), Value::Int(2)]);
    let spans = [number(span(1, 1, 0, 10), 7).with("list", list), number(span(1, 2, 1, 20), 7)];
    assert_eq!(
        values(&window(&count(), &["n", "http.route", "list"]), &spans),
        [(".n=Int(7),.http.route=String(\"nil\")".to_owned(), "2 0 0".to_owned())]
    );
}
