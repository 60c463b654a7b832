use datafusion::logical_expr::{col, lit};

use super::*;

fn at(ns: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(Some(ns), Some("UTC".into())))
}

fn logs(filter: Expr) -> Conditions {
    Conditions::of(SqlTable::Logs, &[filter])
}

#[test]
fn bounds_of_time_are_joined() {
    let filter = col("time").gt(at(10)).and(at(20).gt_eq(col("time")));
    let conditions = logs(filter.and(col("time").between(at(5), at(15))));
    assert_eq!(conditions.times, TimeBounds { from_ns: 11, to_ns: 15 });
    assert_eq!((conditions.of_times.len(), conditions.of_rows.len()), (3, 0));
}

#[test]
fn a_time_beyond_all_times_leaves_none() {
    let conditions = logs(col("time").gt(at(i64::MAX)));
    assert!(!conditions.times.overlap((i64::MIN, i64::MAX)));
}

#[test]
fn what_only_looks_at_labels_is_for_label_sets() {
    let conditions = logs(col("service").eq(lit("shop")).and(col("body").eq(lit("x"))));
    assert_eq!((conditions.of_label_sets.len(), conditions.of_rows.len()), (1, 1));
    let spans = Conditions::of(SqlTable::Spans, &[col("service").eq(lit("shop"))]);
    assert_eq!((spans.of_label_sets.len(), spans.of_rows.len()), (0, 1));
}

#[test]
fn traces_are_those_of_all_filters_that_name_some() {
    let id = |digit: &str| digit.repeat(32);
    let one_of = col("trace_id").in_list(vec![lit(id("a")), lit(id("b"))], false);
    let either = col("trace_id").eq(lit(id("b"))).or(lit(id("c")).eq(col("trace_id")));
    assert_eq!(logs(one_of.and(either)).trace_ids, Some(vec![[0xbb; 16]]));
}

#[test]
fn a_text_that_no_trace_id_is_leaves_no_trace() {
    assert_eq!(logs(col("trace_id").eq(lit("A".repeat(32)))).trace_ids, Some(vec![]));
    assert_eq!(logs(col("trace_id").not_eq(lit("x"))).trace_ids, None);
}

#[test]
fn every_literal_part_of_a_like_pattern_must_be_in_the_body() {
    let conditions = logs(col("body").like(lit(r"%user=_ 100\% of%")));
    assert_eq!(conditions.needles, [vec!["user=".to_owned()], vec![" 100% of".to_owned()]]);
}

#[test]
fn of_alternatives_one_must_be_in_the_body() {
    let conditions = logs(col("body").like(lit("%one%")).or(col("body").like(lit("%two%"))));
    assert_eq!(conditions.needles, [vec!["one".to_owned(), "two".to_owned()]]);
    let other = logs(col("body").like(lit("%one%")).or(col("level").eq(lit("error"))));
    assert_eq!(other.needles, Vec::<Vec<String>>::new());
}

#[test]
fn filters_that_exclude_or_ignore_case_tell_nothing() {
    assert!(logs(col("body").not_like(lit("%one%"))).needles.is_empty());
    assert!(logs(col("body").ilike(lit("%one%"))).needles.is_empty());
}
