//! Native histograms in whole expressions.

use varve_columnar::histogram::{NativeHistogram, SCHEMA_CUSTOM};

use super::{Store, aggregate, ask, binary, budget, instant, named, number, series_plan, window};
use crate::plan::Dialect;

fn histogram(count: f64) -> NativeHistogram {
    NativeHistogram {
        count,
        sum: count * 3.0,
        positive: vec![(2, count)],
        ..NativeHistogram::default()
    }
}

fn call(function: &str, args: &[&str]) -> String {
    format!(r#"{{"node":"call","function":"{function}","args":[{}]}}"#, args.join(","))
}

fn notes(store: &Store, expr: &str) -> (Vec<String>, Vec<String>) {
    let plan = series_plan(expr, (240, 240, 0), Dialect::Prometheus);
    let outcome = ask(store, plan, budget()).unwrap();
    (outcome.warnings, outcome.infos)
}

#[test]
fn a_rate_goes_on_over_a_counter_that_begins_anew() {
    let mut store = Store::default();
    store.append_histograms("h", &[10.0, 20.0, 5.0, 15.0, 25.0].map(histogram));
    let increase = window("increase", "h", 240);
    let count = call("histogram_count", &[&increase]);
    // 5 after the reset, and 20 more, in the three minutes between samples, of the four asked for.
    assert_eq!(instant(&store, &count, 240), ["{} 33.333333333"]);
    let resets = window("resets", "h", 300);
    assert_eq!(instant(&store, &resets, 240), ["{} 1"]);
}

#[test]
fn sums_of_histograms_have_quantiles_and_those_with_floats_are_refused() {
    let mut store = Store::load(60, "f 1x4");
    store.append_histograms("a", &[4.0; 5].map(histogram));
    store.append_histograms("b", &[8.0; 5].map(histogram));
    let both = binary("+", &named("a"), &named("b"), "null");
    assert_eq!(instant(&store, &call("histogram_sum", &[&both]), 240), ["{} 36"]);
    let quantile = call("histogram_quantile", &[&number("1"), &both]);
    assert_eq!(instant(&store, &quantile, 240), ["{} 4"]);
    let mixed = aggregate("sum", &binary("or", &named("a"), &named("f"), "null"), &[]);
    // A place without a value, which answers leave out.
    assert_eq!(instant(&store, &mixed, 240), ["{} _"]);
}

#[test]
fn what_has_no_meaning_for_histograms_is_told() {
    let mut store = Store::default();
    let custom = NativeHistogram {
        schema: SCHEMA_CUSTOM,
        custom_bounds: vec![5.0],
        positive: vec![(0, 4.0)],
        ..histogram(4.0)
    };
    store.append_histograms("a", &[4.0; 5].map(histogram));
    store.append_histograms(
        "c",
        &[custom.clone(), custom.clone(), custom.clone(), custom.clone(), custom],
    );
    let (warnings, infos) = notes(&store, &binary("+", &named("a"), &named("c"), "null"));
    let layout = "PromQL warning: incompatible bucket layout encountered for binary operator +";
    assert_eq!((warnings, infos), (vec![layout.to_owned()], vec![]));
    let (warnings, infos) = notes(&store, &binary("+", &named("a"), &number("1"), "null"));
    let types = "PromQL info: incompatible sample types encountered for binary operator \"+\": histogram + float";
    assert_eq!((warnings, infos), (vec![], vec![types.to_owned()]));
    let (_, infos) = notes(&store, &aggregate("max", &named("a"), &[]));
    assert_eq!(infos, ["PromQL info: ignored histogram in max aggregation"]);
}

#[test]
fn who_keeps_no_series_leaves_no_histogram_out() {
    let mut store = Store::default();
    store.append_histograms("a", &[4.0; 5].map(histogram));
    let top = |count: &str| {
        let keep = format!(r#""param":{}"#, number(count));
        notes(&store, &aggregate("topk", &named("a"), &[]).replace(r#""param":null"#, &keep)).1
    };
    assert_eq!(top("-1"), Vec::<String>::new());
    assert_eq!(top("1"), ["PromQL info: ignored histogram in topk aggregation"]);
}

#[test]
fn floats_have_nothing_to_trim() {
    let store = Store::load(60, "f 1x4");
    let types = "PromQL info: incompatible sample types encountered for binary operator \"</\": float </ float";
    let (_, infos) = notes(&store, &binary("</", &named("f"), &named("f"), "null"));
    assert_eq!(infos, [types]);
    let trimmed = binary("</", &number("1"), &number("2"), "null");
    let plan = series_plan(&trimmed, (240, 240, 0), Dialect::Prometheus);
    assert_eq!(
        ask(&store, plan, budget()).unwrap_err().to_string(),
        "operator \"</\" not allowed for Scalar operations"
    );
}

#[test]
fn series_that_have_no_meaning_with_the_one_they_match_are_not_too_many() {
    let mut store = Store::load(60, "f{x=\"1\"} 1x4\nf{x=\"2\"} 1x4");
    store.append_histograms("h", &[4.0; 5].map(histogram));
    let matching = r#"{"on":true,"labels":[],"cardinality":"oneToOne","include":[]}"#;
    let divided = |right: &str| {
        let plan = series_plan(
            &binary("/", &named("f"), right, matching),
            (240, 240, 0),
            Dialect::Prometheus,
        );
        ask(&store, plan, budget()).map(|outcome| outcome.infos)
    };
    assert_eq!(divided(&named("h")).unwrap().len(), 1);
    assert!(divided(&aggregate("sum", &named("f"), &[])).is_err());
}
