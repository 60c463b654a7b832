//! Selectors that see samples beyond their windows.

use varve_columnar::{
    answer::Answer,
    histogram::{NativeHistogram, SCHEMA_CUSTOM},
};

use super::{S, Store, ask, budget, evaluated, instant, named, select, series_plan, window};
use crate::plan::{Dialect, Nanos, Plan};

/// An expression whose selectors are extended.
fn extended(expr: &str, edges: &str) -> String {
    let extension =
        format!(r#""at":null,"extension":{{"edges":"{edges}","reach":"300000000000"}}"#);
    expr.replace(r#""at":null"#, &extension)
}

/// A sample each ten seconds; the counter begins anew after the second.
fn counter() -> Store {
    Store::load(10, "c_total 10 30 5 25")
}

#[test]
fn an_anchored_window_starts_from_the_sample_before_it() {
    let store = counter();
    assert!(instant(&store, &window("increase", "c_total", 15), 25).is_empty());
    let increase = extended(&window("increase", "c_total", 15), "anchored");
    assert_eq!(instant(&store, &increase, 25), ["{} 5"]);
    let rate = extended(&window("rate", "c_total", 10), "anchored");
    assert_eq!(instant(&store, &rate, 20), ["{} 0.5"]);
    let delta = extended(&window("delta", "c_total", 15), "anchored");
    assert_eq!(instant(&store, &delta, 25), ["{} -25"]);
}

#[test]
fn an_anchored_window_without_a_sample_has_no_value() {
    for function in ["increase", "changes"] {
        let expr = extended(&window(function, "c_total", 10), "anchored");
        assert!(instant(&counter(), &expr, 60).is_empty());
    }
}

#[test]
fn changes_and_resets_at_an_anchored_edge_count() {
    for function in ["changes", "resets"] {
        let plain = window(function, "c_total", 15);
        assert_eq!(instant(&counter(), &plain, 25), ["{} 0"]);
        assert_eq!(instant(&counter(), &extended(&plain, "anchored"), 25), ["{} 1"]);
    }
}

#[test]
fn a_smoothed_window_ends_between_samples() {
    let store = counter();
    let increase = extended(&window("increase", "c_total", 15), "smoothed");
    assert_eq!(instant(&store, &increase, 25), ["{} 15"]);
    // From 0 up to half of what it is after the reset, and nothing of before.
    let after = extended(&window("increase", "c_total", 5), "smoothed");
    assert_eq!(instant(&store, &after, 15), ["{} 2.5"]);
}

#[test]
fn a_smoothed_selector_lies_between_samples_and_stays_at_the_last_one() {
    let expr = extended(&named("c_total"), "smoothed");
    assert_eq!(
        evaluated(&counter(), &expr, (0, 40, 5)).unwrap(),
        [r#"{"__name__":"c_total"} 10 20 30 17.5 5 15 25 25 25"#]
    );
}

#[test]
fn histograms_are_seen_at_edges_likewise() {
    let histogram = |count: f64| NativeHistogram {
        count,
        positive: vec![(2, count)],
        ..NativeHistogram::default()
    };
    let mut store = Store::default();
    store.append_histograms("h", &[10.0, 20.0, 5.0, 15.0].map(histogram));
    for (edges, count) in [("anchored", "5"), ("smoothed", "10")] {
        let increase = extended(&window("increase", "h", 90), edges);
        let expr = format!(r#"{{"node":"call","function":"histogram_count","args":[{increase}]}}"#);
        assert_eq!(instant(&store, &expr, 150), [format!("{{}} {count}")]);
    }
    let point = extended(&named("h"), "smoothed");
    let expr = format!(r#"{{"node":"call","function":"histogram_count","args":[{point}]}}"#);
    assert_eq!(evaluated(&store, &expr, (0, 180, 90)).unwrap(), ["{} 10 2.5 15"]);
}

#[test]
fn nothing_lies_between_exponential_and_custom_buckets() {
    let exponential =
        NativeHistogram { count: 1.0, positive: vec![(0, 1.0)], ..NativeHistogram::default() };
    let custom =
        NativeHistogram { schema: SCHEMA_CUSTOM, custom_bounds: vec![5.0], ..exponential.clone() };
    let mut store = Store::default();
    store.append_histograms("h", &[exponential, custom]);
    let plan = series_plan(&extended(&named("h"), "smoothed"), (30, 30, 0), Dialect::Prometheus);
    let outcome = ask(&store, plan, budget()).unwrap();
    assert_eq!(
        outcome.warnings,
        [
            r#"PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "h""#
        ]
    );
    let Answer::Vector(set) = outcome.answer else { panic!("an instant was asked for") };
    assert!(set.series.is_empty());
}

#[test]
fn functions_of_each_sample_refuse_samples_beyond_the_window() {
    let expr = extended(&window("max_over_time", "c_total", 15), "anchored");
    assert_eq!(
        evaluated(&counter(), &expr, (25, 25, 0)).unwrap_err(),
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with max_over_time"
    );
    let expr = extended(&window("resets", "c_total", 15), "smoothed");
    assert_eq!(
        evaluated(&counter(), &expr, (25, 25, 0)).unwrap_err(),
        "smoothed modifier can only be used with: delta, increase, rate - not with resets"
    );
}

#[test]
fn an_extended_range_vector_has_a_value_at_each_edge() {
    for (edges, shown) in [
        ("anchored", [(10_000, 30.0), (20_000, 5.0), (25_000, 5.0)]),
        ("smoothed", [(10_000, 30.0), (20_000, 5.0), (25_000, 15.0)]),
    ] {
        let select = serde_json::from_str(&extended(&select("c_total"), edges)).unwrap();
        let plan = Plan::Samples { select, range: Nanos(15 * S), time: Nanos(25 * S) };
        let Answer::Samples(series) = ask(&counter(), plan, budget()).unwrap().answer else {
            panic!("samples were asked for")
        };
        let samples: Vec<_> =
            series[0].times_ms.iter().copied().zip(series[0].values.iter().copied()).collect();
        assert_eq!(samples, shown);
    }
}
