//! Series of two sides: what stands for those that are missing, and which are too many.

use varve_columnar::answer::Answer;

use super::{Store, ask, binary, budget, evaluated, instant, named, series_plan, shown};
use crate::plan::Dialect;

fn matching(cardinality: &str, more: &str) -> String {
    format!(r#"{{"on":true,"labels":["x"],"cardinality":"{cardinality}","include":[]{more}}}"#)
}

fn store() -> Store {
    Store::load(
        60,
        r#"
        a{x="1"} 10 10
        a{x="2"} 20 _
        b{x="1"} 1 _
        b{x="3"} 3 3
        m{x="1",y="p"} 100 100
        m{x="1",y="q"} 200 200
        "#,
    )
}

fn joined(op: &str, left: &str, right: &str, matching: &str) -> Vec<String> {
    evaluated(&store(), &binary(op, &named(left), &named(right), matching), (0, 0, 60)).unwrap()
}

#[test]
fn a_value_stands_for_series_that_a_side_lacks() {
    let both = matching("oneToOne", r#","fillLeft":"0","fillRight":"0""#);
    assert_eq!(
        joined("+", "a", "b", &both),
        [r#"{"x":"1"} 11"#, r#"{"x":"2"} 20"#, r#"{"x":"3"} 3"#]
    );
    let left = matching("oneToOne", r#","fillLeft":"NaN""#);
    assert_eq!(joined("+", "a", "b", &left), [r#"{"x":"1"} 11"#, r#"{"x":"3"} NaN"#]);
    let right = matching("oneToOne", r#","fillRight":"20""#);
    assert_eq!(joined("==", "a", "b", &right), [r#"{"x":"2"} 20"#]);
}

#[test]
fn it_stands_only_at_steps_that_lack_them() {
    let store = Store::load(60, "a{x=\"1\"} 1 stale 3\nb{x=\"1\"} stale 20 30");
    let matching = matching("oneToOne", r#","fillLeft":"0","fillRight":"0""#);
    let sum = binary("+", &named("a"), &named("b"), &matching);
    assert_eq!(evaluated(&store, &sum, (0, 120, 60)).unwrap(), [r#"{"x":"1"} 1 20 33"#]);
}

#[test]
fn it_stands_for_many_or_for_one_in_a_group() {
    let many = matching("manyToOne", r#","fillLeft":"0""#);
    assert_eq!(
        joined("+", "m", "b", &many),
        [r#"{"x":"1","y":"p"} 101"#, r#"{"x":"1","y":"q"} 201"#, r#"{"x":"3"} 3"#]
    );
    // On the other way round, the values stand for the same sides: the left one for the many.
    let turned = matching("oneToMany", r#","fillLeft":"0""#);
    assert_eq!(joined("+", "b", "m", &turned), joined("+", "m", "b", &many));
    let one = matching("manyToOne", r#","fillRight":"5""#);
    assert_eq!(
        joined("-", "m", "nosuch", &one),
        [r#"{"x":"1","y":"p"} 95"#, r#"{"x":"1","y":"q"} 195"#]
    );
}

#[test]
fn many_series_for_one_are_refused_even_where_a_comparison_leaves_only_one() {
    for op in [">", "<", "=="] {
        let compared = binary(op, &named("m"), &named("a"), &matching("oneToOne", ""));
        assert_eq!(
            evaluated(&store(), &compared, (0, 0, 0)).unwrap_err(),
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        );
    }
}

#[test]
fn of_a_comparison_loki_sees_only_what_is_left() {
    let store = Store::load(60, "m{x=\"1\",y=\"p\"} 100\nm{x=\"1\",y=\"q\"} 200\nt{x=\"1\"} 150");
    let compared = binary(">", &named("m"), &named("t"), &matching("oneToOne", ""));
    let plan = series_plan(&compared, (0, 0, 0), Dialect::Loki);
    let Answer::Vector(set) = ask(&store, plan, budget()).unwrap().answer else {
        panic!("an instant was asked for")
    };
    assert_eq!(shown(&set), [r#"{"x":"1"} 200"#]);
}

#[test]
fn computed_series_have_no_type_and_unit() {
    let store = Store::load(60, "a{__type__=\"gauge\",__unit__=\"s\",x=\"1\"} 1\nb{x=\"1\"} 2");
    let sum = binary("+", &named("a"), &named("b"), &matching("oneToOne", ""));
    assert_eq!(instant(&store, &sum, 0), [r#"{"x":"1"} 3"#]);
    let doubled = binary("*", &named("a"), r#"{"node":"number","value":"2"}"#, "null");
    assert_eq!(instant(&store, &doubled, 0), [r#"{"x":"1"} 2"#]);
    let filtered = binary(">", &named("a"), r#"{"node":"number","value":"0"}"#, "null");
    assert_eq!(
        instant(&store, &filtered, 0),
        [r#"{"__name__":"a","__type__":"gauge","__unit__":"s","x":"1"} 1"#]
    );
}
