//! Functions and aggregations as parts of whole expressions.

use super::{
    Store, aggregate, ask, ask_some, binary, budget, evaluated, instant, named, number,
    series_plan, shown, window,
};
use crate::{QueryError, plan::Dialect};
use varve_columnar::answer::Answer;

fn call(function: &str, args: &[&str]) -> String {
    format!(r#"{{"node":"call","function":"{function}","args":[{}]}}"#, args.join(","))
}

fn text(value: &str) -> String {
    format!(r#"{{"node":"text","value":"{value}"}}"#)
}

fn with_param(op: &str, param: &str, input: &str, by: &[&str]) -> String {
    aggregate(op, input, by).replace(r#""param":null"#, &format!(r#""param":{param}"#))
}

#[test]
fn a_quantile_of_a_histogram_needs_its_buckets_of_one_group_only() {
    let store = Store::load(
        60,
        r#"
        h_bucket{job="a",le="1"} 10
        h_bucket{job="a",le="2"} 20
        h_bucket{job="a",le="+Inf"} 20
        h_bucket{job="b",le="1"} 0
        h_bucket{job="b",le="2"} 4
        h_bucket{job="b",le="+Inf"} 4
        "#,
    );
    let quantile = call("histogram_quantile", &[&number("0.5"), &named("h_bucket")]);
    assert_eq!(instant(&store, &quantile, 0), [r#"{"job":"a"} 1"#, r#"{"job":"b"} 1.5"#]);
}

#[test]
fn a_bucket_without_a_bound_is_left_out_with_a_warning() {
    let store = Store::load(60, "h_bucket{le=\"x\"} 1");
    let expr = call("histogram_quantile", &[&number("0.5"), &named("h_bucket")]);
    let outcome =
        ask(&store, series_plan(&expr, (0, 0, 0), Dialect::Prometheus), budget()).unwrap();
    assert_eq!(
        outcome.warnings,
        [
            r#"PromQL warning: bucket label "le" is missing or has a malformed value of "x" for metric name "h_bucket""#
        ]
    );
}

#[test]
fn equal_values_are_counted_under_a_label() {
    let store = Store::load(60, "m{x=\"1\"} 1 2\nm{x=\"2\"} 1 1.5\nm{x=\"3\"} 2 2");
    let counts = with_param("count_values", &text("v"), &named("m"), &[]);
    assert_eq!(
        evaluated(&store, &counts, (0, 60, 60)).unwrap(),
        [r#"{"v":"1"} 2 _"#, r#"{"v":"1.5"} _ 1"#, r#"{"v":"2"} 1 2"#]
    );
}

#[test]
fn a_quantile_outside_of_its_bounds_is_infinite_and_warned_of() {
    let store = Store::load(60, "m{x=\"1\"} 1\nm{x=\"2\"} 2");
    let expr = with_param("quantile", &number("1.5"), &named("m"), &[]);
    let outcome =
        ask(&store, series_plan(&expr, (0, 0, 0), Dialect::Prometheus), budget()).unwrap();
    assert_eq!(
        outcome.warnings,
        ["PromQL warning: quantile value should be between 0 and 1, got 1.5"]
    );
    assert!(matches!(&outcome.answer, Answer::Vector(set) if shown(set) == ["{} inf"]));
}

#[test]
fn clamping_between_bounds_the_wrong_way_round_leaves_nothing() {
    let store = Store::load(60, "m 5");
    let clamp =
        |min, max| instant(&store, &call("clamp", &[&named("m"), &number(min), &number(max)]), 0);
    assert_eq!(clamp("1", "3"), ["{} 3"]);
    assert!(clamp("3", "1").is_empty());
}

#[test]
fn a_date_is_that_of_the_step_or_of_the_values() {
    let store = Store::load(60, "m 1709164800");
    assert_eq!(instant(&store, &call("day_of_month", &[&named("m")]), 0), ["{} 29"]);
    assert_eq!(instant(&store, &call("minute", &[]), 1_800), ["{} 30"]);
}

#[test]
fn a_timestamp_is_the_samples_not_the_steps() {
    let store = Store::load(60, "m 1");
    assert_eq!(instant(&store, &call("timestamp", &[&named("m")]), 90), ["{} 0"]);
    let changed = call("abs", &[&named("m")]);
    assert_eq!(instant(&store, &call("timestamp", &[&changed]), 90), ["{} 90"]);
}

#[test]
fn a_scalar_is_the_value_of_an_only_series() {
    let store = Store::load(60, "m 5\nn{x=\"1\"} 1\nn{x=\"2\"} 2");
    assert_eq!(instant(&store, &call("scalar", &[&named("m")]), 0), ["5"]);
    assert_eq!(instant(&store, &call("scalar", &[&named("n")]), 0), ["NaN"]);
}

#[test]
fn labels_sort_by_the_numbers_in_them() {
    let store = Store::load(60, "m{n=\"10\"} 1\nm{n=\"9\"} 2");
    let sorted = call("sort_by_label", &[&named("m"), &text("n")]);
    assert_eq!(
        instant(&store, &sorted, 0),
        [r#"{"__name__":"m","n":"9"} 2"#, r#"{"__name__":"m","n":"10"} 1"#]
    );
}

#[test]
fn a_replaced_label_may_bring_a_name_back() {
    let store = Store::load(60, "m_total 0+60x10");
    let replaced = format!(
        r#"{{"node":"labelReplace","input":{},"to":"__name__","replacement":"${{1}}_rate","from":"__name__","regex":"(.*)_total"}}"#,
        window("rate", "m_total", 300)
    );
    assert_eq!(instant(&store, &replaced, 600), [r#"{"__name__":"m_rate"} 1"#]);
}

#[test]
fn labels_that_become_the_same_are_refused() {
    let store = Store::load(60, "m{x=\"1\"} 1\nm{x=\"2\"} 2");
    let joined = format!(
        r#"{{"node":"labelJoin","input":{},"to":"x","separator":"-","from":[]}}"#,
        named("m")
    );
    assert_eq!(
        evaluated(&store, &joined, (0, 0, 0)).unwrap_err(),
        "vector cannot contain metrics with the same labelset"
    );
}

#[test]
fn loki_sorts_vectors_by_labels_unless_asked_for_an_order() {
    let store = Store::load(60, "m{x=\"1\"} 1\nm{x=\"2\"} 2");
    let asked = |expr: &str| {
        let outcome = ask(&store, series_plan(expr, (0, 0, 0), Dialect::Loki), budget()).unwrap();
        let Answer::Vector(set) = outcome.answer else { unreachable!("not a vector") };
        shown(&set)
    };
    let ascending = [r#"{"__name__":"m","x":"1"} 1"#, r#"{"__name__":"m","x":"2"} 2"#];
    assert_eq!(asked(&with_param("topk", &number("2"), &named("m"), &[])), ascending);
    let mut descending = ascending;
    descending.reverse();
    assert_eq!(asked(&aggregate("sort_desc", &named("m"), &[])), descending);
}

#[test]
fn a_comparison_with_a_scalar_on_its_left_keeps_the_series_values() {
    let store = Store::load(60, "m 1 5");
    let compared = binary("<", &number("3"), &named("m"), "null");
    assert_eq!(evaluated(&store, &compared, (0, 60, 60)).unwrap(), [r#"{"__name__":"m"} _ 5"#]);
}

#[test]
fn notes_point_to_what_they_are_about() {
    let store = Store::load(60, "gauge 1 2 3");
    let rate = window("rate", "gauge", 120)
        .replace(r#""args":[]"#, r#""args":[],"place":{"input":"1:10","param":"1:10"}"#);
    let quantile = with_param("quantile", &number("2"), &rate, &[])
        .replace(r#","grouping""#, r#","place":{"input":"1:5","param":"1:2"},"grouping""#);
    let plan = series_plan(&quantile, (120, 120, 0), Dialect::Prometheus);
    let outcome = ask(&store, plan, budget()).unwrap();
    assert_eq!(
        outcome.infos,
        [
            r#"PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (1:10)"#
        ]
    );
    assert_eq!(
        outcome.warnings,
        ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:2)"]
    );
}

#[test]
fn sorting_several_steps_is_remarked_upon() {
    let store = Store::load(60, "m 1 2 3");
    let sorted = call("sort", &[&named("m")]);
    for (steps, told) in [((0, 0, 0), 0), ((0, 120, 60), 1)] {
        let plan = series_plan(&sorted, steps, Dialect::Prometheus);
        let warnings = ask(&store, plan, budget()).unwrap().warnings;
        assert_eq!(warnings.len(), told);
        assert!(warnings.iter().all(|warning| warning.contains("sort is ineffective")));
    }
}

#[test]
fn what_is_the_same_at_every_step_is_sorted_without_a_remark() {
    let store = Store::load(60, "m 1 2 3");
    let pinned = named("m").replace(r#""at":null"#, r#""at":"60000000000""#);
    let plan = series_plan(&call("sort", &[&pinned]), (0, 120, 60), Dialect::Prometheus);
    assert_eq!(ask(&store, plan, budget()).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn a_quantile_outside_of_its_bounds_is_warned_of_where_there_is_nothing_too() {
    let store = Store::load(60, "m 1");
    let expr = with_param("quantile", &number("2"), &named("nothing"), &[]);
    let plan = series_plan(&expr, (0, 0, 0), Dialect::Prometheus);
    assert_eq!(ask(&store, plan, budget()).unwrap().warnings.len(), 1);
}

#[test]
fn a_smoothing_factor_that_is_no_fraction_fails_only_where_there_is_something_to_smooth() {
    let store = Store::load(60, "m 1 2");
    let smoothed = |name: &str| {
        let args = format!(r#""args":[{},{}]"#, number("1"), number("0.5"));
        let window = window("double_exponential_smoothing", name, 120);
        let plan =
            series_plan(&window.replace(r#""args":[]"#, &args), (60, 60, 0), Dialect::Prometheus);
        ask(&store, plan, budget())
    };
    assert!(matches!(smoothed("m"), Err(QueryError::Execution { .. })));
    assert!(smoothed("nothing").is_ok());
}

#[test]
fn an_answer_of_a_limited_number_of_series_says_so() {
    let store = Store::load(60, "m{x=\"1\"} 1\nm{x=\"2\"} 2");
    let limited = |limit| {
        let plan = series_plan(&named("m"), (0, 60, 60), Dialect::Prometheus);
        ask_some(&store, plan, budget(), Some(limit)).unwrap()
    };
    let cut = limited(1);
    assert!(matches!(&cut.answer, Answer::Matrix(set) if set.series.len() == 1));
    assert_eq!(cut.warnings, ["results truncated due to limit"]);
    assert!(limited(2).warnings.is_empty());
}
