//! Whole expressions over memtables; the notation of samples is that of Prometheus' own tests.

mod extended;
mod functions;
mod histograms;
mod info;
mod joins;
mod load;

use varve_columnar::answer::{Answer, Outcome, SeriesSet, is_absent};

use self::load::Store;
use crate::{
    CancelToken, QueryError,
    fates::tests::checked,
    plan::{
        AnswerFormat, Budget, Dialect, LabelsOf, Nanos, Plan, Query, SeriesExpr, Steps, TimeRange,
    },
    run,
};

const S: i64 = 1_000_000_000;

fn budget() -> Budget {
    Budget {
        deadline_ms: 60_000,
        memory_max_bytes: 1 << 30,
        series_max: 10_000,
        samples_max: 100_000,
    }
}

fn ask(store: &Store, plan: Plan, budget: Budget) -> Result<Outcome, QueryError> {
    ask_some(store, plan, budget, None)
}

fn ask_some(
    store: &Store,
    plan: Plan,
    budget: Budget,
    series_limit: Option<u32>,
) -> Result<Outcome, QueryError> {
    let tenants = store.tenants();
    let query = Query {
        tenants,
        plan,
        answer: AnswerFormat::Prometheus,
        budget,
        as_of: None,
        series_limit,
        queued_us: 0,
    };
    run(&query, store, &CancelToken::default()).map(checked)
}

fn series_plan(expr: &str, (start, end, step): (i64, i64, i64), dialect: Dialect) -> Plan {
    let expr: SeriesExpr = serde_json::from_str(expr).unwrap();
    let steps = Steps { start: Nanos(start * S), end: Nanos(end * S), step: Nanos(step * S) };
    Plan::Series { expr, steps, dialect }
}

fn shown(set: &SeriesSet) -> Vec<String> {
    let line = |series: &varve_columnar::answer::Series| {
        let values: Vec<String> = series
            .values
            .iter()
            .map(|&value| if is_absent(value) { "_".to_owned() } else { short(value) })
            .collect();
        format!("{} {}", series.labels.to_json(), values.join(" "))
    };
    set.series.iter().map(line).collect()
}

/// Up to nine digits, so that tests need not spell out rounding.
fn short(value: f64) -> String {
    let rounded = (value * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded.to_string() } else { value.to_string() }
}

fn evaluated(store: &Store, expr: &str, steps: (i64, i64, i64)) -> Result<Vec<String>, String> {
    let outcome = ask(store, series_plan(expr, steps, Dialect::Prometheus), budget())
        .map_err(|error| error.to_string())?;
    Ok(match outcome.answer {
        Answer::Matrix(set) | Answer::Vector(set) => shown(&set),
        Answer::Scalar { value, .. } => vec![short(value)],
        other => vec![format!("{other:?}")],
    })
}

fn instant(store: &Store, expr: &str, at: i64) -> Vec<String> {
    evaluated(store, expr, (at, at, 0)).unwrap()
}

/// A selector of a metric's name.
fn named(name: &str) -> String {
    format!(r#"{{"node":"selector","select":{},"lookback":"300000000000"}}"#, select(name))
}

fn select(name: &str) -> String {
    format!(
        r#"{{"matchers":[{{"name":"__name__","op":"=","value":"{name}"}}],"offset":"0","at":null}}"#
    )
}

fn window(function: &str, name: &str, range_s: i64) -> String {
    format!(
        r#"{{"node":"window","select":{},"range":"{}","function":"{function}","args":[]}}"#,
        select(name),
        range_s * S
    )
}

fn aggregate(op: &str, input: &str, by: &[&str]) -> String {
    format!(
        r#"{{"node":"aggregate","op":"{op}","input":{input},"grouping":{{"without":false,"labels":{by:?}}},"param":null}}"#
    )
}

fn number(value: &str) -> String {
    format!(r#"{{"node":"number","value":"{value}"}}"#)
}

fn binary(op: &str, left: &str, right: &str, matching: &str) -> String {
    format!(
        r#"{{"node":"binary","op":"{op}","left":{left},"right":{right},"returnBool":false,"matching":{matching}}}"#
    )
}

#[test]
fn a_selector_shows_each_series_newest_sample_until_it_is_stale_or_too_old() {
    let store = Store::load(60, r#"m{a="x"} 1 2 stale _ 5"#);
    assert_eq!(
        evaluated(&store, &named("m"), (0, 660, 60)).unwrap(),
        [r#"{"__name__":"m","a":"x"} 1 2 _ _ 5 5 5 5 5 _ _ _"#]
    );
}

#[test]
fn a_range_vector_has_the_samples_of_its_window_as_they_were_stored() {
    let store = Store::load(
        60,
        r#"
        m{a="x"} 1 2 stale _ 5
        m{a="y"} stale
        m{a="z"} 7 _ _ _ _
        "#,
    );
    // After 0 and up to 240 seconds: without the first sample, and without what went stale.
    let select = serde_json::from_str(&select("m")).unwrap();
    let plan = Plan::Samples { select, range: Nanos(240 * S), time: Nanos(240 * S) };
    let Answer::Samples(series) = ask(&store, plan, budget()).unwrap().answer else {
        panic!("no samples")
    };
    let shown: Vec<_> = series
        .iter()
        .map(|one| (one.labels.get("a"), one.times_ms.as_slice(), one.values.as_slice()))
        .collect();
    assert_eq!(shown, [("x", [60_000, 240_000].as_slice(), [2.0, 5.0].as_slice())]);
}

#[test]
fn a_rate_of_counters_is_summed_by_label() {
    let store = Store::load(
        15,
        r#"
        req_total{job="a",i="1"} 0+15x40
        req_total{job="a",i="2"} 0+30x40
        req_total{job="b",i="1"} 0+60x40
        "#,
    );
    let expr = aggregate("sum", &window("rate", "req_total", 300), &["job"]);
    assert_eq!(instant(&store, &expr, 600), [r#"{"job":"a"} 3"#, r#"{"job":"b"} 4"#]);
    assert_eq!(
        evaluated(&store, &expr, (300, 600, 150)).unwrap(),
        [r#"{"job":"a"} 3 3 3"#, r#"{"job":"b"} 4 4 4"#]
    );
}

#[test]
fn of_samples_sent_twice_the_later_one_counts() {
    let mut store = Store::load(60, "m 1 2 3");
    store.append(60, "m 9 _ 7");
    assert_eq!(instant(&store, &window("sum_over_time", "m", 600), 120), ["{} 18"]);
}

#[test]
fn names_go_last_so_that_rates_of_many_metrics_can_be_summed_up() {
    let store = Store::load(60, "a_total 0+60x10\nb_total 0+120x10");
    let any =
        window("rate", "", 300).replace(r#""op":"=","value":"""#, r#""op":"=~","value":".+""#);
    assert_eq!(
        evaluated(&store, &any, (600, 600, 0)).unwrap_err(),
        "vector cannot contain metrics with the same labelset"
    );
    assert_eq!(instant(&store, &aggregate("sum", &any, &[]), 600), ["{} 3"]);
}

#[test]
fn sides_are_joined_by_their_labels_without_the_name() {
    let store = Store::load(60, "a{x=\"1\"} 6\na{x=\"2\"} 8\nb{x=\"1\"} 2");
    let expr = binary("/", &named("a"), &named("b"), "null");
    assert_eq!(instant(&store, &expr, 0), [r#"{"x":"1"} 3"#]);
}

#[test]
fn many_series_on_the_side_of_one_are_refused() {
    let store = Store::load(60, "a{x=\"1\"} 6\nb{x=\"1\",y=\"1\"} 2\nb{x=\"1\",y=\"2\"} 2");
    let on = r#"{"on":true,"labels":["x"],"cardinality":"oneToOne","include":[]}"#;
    assert_eq!(
        evaluated(&store, &binary("/", &named("a"), &named("b"), on), (0, 0, 0)).unwrap_err(),
        r#"found duplicate series for the match group {x="1"} on the right hand-side of the operation: [{__name__="b", x="1", y="1"}, {__name__="b", x="1", y="2"}];many-to-many matching not allowed: matching labels must be unique on one side"#
    );
    assert_eq!(
        evaluated(&store, &binary("/", &named("b"), &named("a"), on), (0, 0, 0)).unwrap_err(),
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
}

#[test]
fn a_group_takes_labels_over_from_the_side_of_one() {
    let store = Store::load(60, "a{x=\"1\",y=\"1\"} 6\na{x=\"1\",y=\"2\"} 8\nb{x=\"1\",z=\"v\"} 2");
    let left = r#"{"on":true,"labels":["x"],"cardinality":"manyToOne","include":["z"]}"#;
    let right = r#"{"on":true,"labels":["x"],"cardinality":"oneToMany","include":["z"]}"#;
    assert_eq!(
        instant(&store, &binary("/", &named("a"), &named("b"), left), 0),
        [r#"{"x":"1","y":"1","z":"v"} 3"#, r#"{"x":"1","y":"2","z":"v"} 4"#]
    );
    assert_eq!(
        instant(&store, &binary("-", &named("b"), &named("a"), right), 0),
        [r#"{"x":"1","y":"1","z":"v"} -4"#, r#"{"x":"1","y":"2","z":"v"} -6"#]
    );
}

#[test]
fn set_operators_work_step_by_step() {
    let store = Store::load(600, "a 1 _ 3\nb 10 20 _");
    let steps = (0, 1200, 600);
    let set = |op| evaluated(&store, &binary(op, &named("a"), &named("b"), "null"), steps).unwrap();
    assert_eq!(set("and"), [r#"{"__name__":"a"} 1 _ _"#]);
    assert_eq!(set("unless"), [r#"{"__name__":"a"} _ _ 3"#]);
    assert_eq!(set("or"), [r#"{"__name__":"a"} 1 _ 3"#, r#"{"__name__":"b"} _ 20 _"#]);
}

#[test]
fn topk_picks_at_every_step_and_sorts_at_one_instant() {
    let store = Store::load(600, "m{x=\"1\"} 1 9\nm{x=\"2\"} 5 5\nm{x=\"3\"} 7 1");
    let topk = aggregate("topk", &named("m"), &[])
        .replace(r#""param":null"#, &format!(r#""param":{}"#, number("2")));
    assert_eq!(
        instant(&store, &topk, 0),
        [r#"{"__name__":"m","x":"3"} 7"#, r#"{"__name__":"m","x":"2"} 5"#]
    );
    assert_eq!(
        evaluated(&store, &topk, (0, 600, 600)).unwrap(),
        [
            r#"{"__name__":"m","x":"1"} _ 9"#,
            r#"{"__name__":"m","x":"2"} 5 5"#,
            r#"{"__name__":"m","x":"3"} 7 _"#
        ]
    );
}

#[test]
fn a_subquery_sees_its_input_at_aligned_steps() {
    let store = Store::load(10, "m 0+1x100");
    let expr = format!(
        r#"{{"node":"subquery","input":{},"range":"{}","step":"{}","offset":"0","at":null,"function":"sum_over_time","args":[]}}"#,
        named("m"),
        120 * S,
        60 * S
    );
    // Steps 540 and 600 are in (510, 630].
    assert_eq!(instant(&store, &expr, 630), ["{} 114"]);
}

#[test]
fn what_is_absent_has_the_labels_it_was_asked_for_with() {
    let store = Store::load(60, "m 1");
    let absent = |name: &str| {
        format!(
            r#"{{"node":"absent","input":{},"labels":[{{"name":"a","value":"b"}}]}}"#,
            named(name)
        )
    };
    assert_eq!(instant(&store, &absent("n"), 0), [r#"{"a":"b"} 1"#]);
    assert!(instant(&store, &absent("m"), 0).is_empty());
}

#[test]
fn a_scalar_over_several_steps_is_a_series_without_labels() {
    let store = Store::load(60, "");
    assert_eq!(evaluated(&store, &number("5"), (0, 120, 60)).unwrap(), ["{} 5 5 5"]);
    assert_eq!(instant(&store, &number("5"), 0), ["5"]);
}

#[test]
fn a_query_past_its_samples_names_the_setting() {
    let store = Store::load(1, "m 0+1x100");
    let budget = Budget { samples_max: 50, ..budget() };
    let plan = series_plan(&window("sum_over_time", "m", 600), (100, 100, 0), Dialect::Prometheus);
    assert_eq!(
        ask(&store, plan, budget).unwrap_err().to_string(),
        "maximum of samples (50) reached for a single query; narrow it or raise query.samples_max"
    );
}

#[test]
fn series_of_several_tenants_carry_the_tenant() {
    let mut store = Store::load(60, "m 1");
    store.append_for("other", 60, "m 2");
    assert_eq!(
        instant(&store, &named("m"), 0),
        [
            r#"{"__name__":"m","__tenant_id__":"other"} 2"#,
            r#"{"__name__":"m","__tenant_id__":"test"} 1"#
        ]
    );
}

#[test]
fn a_rate_of_a_gauge_is_computed_and_remarked_upon() {
    let store = Store::load(60, "m 0+60x10");
    let plan = series_plan(&window("rate", "m", 300), (600, 600, 0), Dialect::Prometheus);
    let outcome = ask(&store, plan, budget()).unwrap();
    assert_eq!(
        outcome.infos,
        [
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"m\""
        ]
    );
}

fn labels_of(store: &Store, of: LabelsOf, (from, to): (i64, i64), limit: u32) -> Outcome {
    let range = TimeRange { from: Nanos(from * S), to: Nanos(to * S) };
    ask(store, Plan::SeriesLabels { selectors: Vec::new(), range, of, limit }, budget()).unwrap()
}

#[test]
fn label_names_and_values_are_those_of_series_with_a_sample_in_the_range() {
    let store = Store::load(60, "m{a=\"x\"} 1 _\nm{b=\"y\"} _ 1");
    let names = labels_of(&store, LabelsOf::Names, (60, 120), 0);
    assert!(matches!(names.answer, Answer::Names(names) if names == ["__name__", "b"]));
    let values = labels_of(&store, LabelsOf::Values { name: "a".into() }, (0, 120), 0);
    assert!(matches!(values.answer, Answer::Names(values) if values == ["x"]));
}

#[test]
fn a_cut_list_of_series_is_told() {
    let store = Store::load(60, "m{a=\"x\"} 1\nm{a=\"y\"} 1");
    let sets = labels_of(&store, LabelsOf::Sets, (0, 1), 1);
    assert!(matches!(&sets.answer, Answer::LabelSets(sets) if sets.len() == 1));
    assert_eq!(sets.warnings, ["results truncated due to limit"]);
}

#[test]
fn series_are_counted_by_metric_label_and_value() {
    let store = Store::load(60, "up{job=\"a\"} 1\nup{job=\"b\"} 1\ndown{job=\"a\"} 1");
    let range = TimeRange { from: Nanos(0), to: Nanos(S) };
    let plan = Plan::SeriesCardinality { range, limit: 1 };
    let outcome = ask(&store, plan, budget()).unwrap();
    let Answer::Cardinality(counts) = outcome.answer else { unreachable!("no counts") };
    let one = |name: &str, count| vec![(name.to_owned(), count)];
    assert_eq!(
        counts,
        varve_columnar::answer::Cardinality {
            series: 3,
            label_pairs: 4,
            series_by_metric: one("up", 2),
            values_by_label: one("__name__", 2),
            value_bytes_by_label: one("__name__", 6),
            series_by_pair: one("__name__=up", 2),
        }
    );
}

#[test]
fn the_newest_description_of_a_metric_comes_first() {
    let mut store = Store::load(60, "m 1");
    store.describe("up", "gauge", "Old.");
    store.describe("up", "gauge", "New.");
    store.describe("down", "counter", "Down.");
    let metadata = |metric: Option<&str>, limit, per_metric| {
        let plan = Plan::MetricMetadata { metric: metric.map(str::to_owned), limit, per_metric };
        let outcome = ask(&store, plan, budget()).unwrap();
        let Answer::Metadata(found) = outcome.answer else { unreachable!("not metadata") };
        let helps = |entries: Vec<varve_columnar::answer::MetricMetadata>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.help).collect()
        };
        (found.into_values().map(helps).collect::<Vec<_>>(), outcome.warnings)
    };
    assert_eq!(metadata(Some("up"), 0, 0), (vec![vec!["New.".into(), "Old.".into()]], vec![]));
    assert_eq!(metadata(Some("up"), 0, 1), (vec![vec!["New.".into()]], vec![]));
    assert_eq!(
        metadata(None, 1, 0),
        (vec![vec!["Down.".into()]], vec!["results truncated due to limit".into()])
    );
}
