//! `label_replace` and `label_join`.

use super::value::{EvalSeries, NAME, SAME_LABELS, Vector, merge_same_labels};
use crate::{error::QueryError, matcher::compile_regex};

/// The texts of a `label_replace`.
pub(super) struct Replacement<'e> {
    /// The label that is set.
    pub(super) to: &'e str,
    /// With `$1` and `${name}`.
    pub(super) template: &'e str,
    /// The label that is read.
    pub(super) from: &'e str,
    /// Anchored at both ends.
    pub(super) regex: &'e str,
}

/// Sets a label to what a pattern finds in another one; series that do not match stay as they are.
pub(super) fn replace(
    vector: Vector<'_>,
    with: &Replacement<'_>,
) -> Result<Vec<EvalSeries>, QueryError> {
    check_name(with.to, "label_replace")?;
    let regex = compile_regex(&format!("^(?s:{})$", with.regex), with.regex).map_err(|error| {
        QueryError::execution(format!("invalid regular expression in label_replace(): {error}"))
    })?;
    let mut series = vector.series;
    for one in &mut series {
        // LogQL has labels that are there and empty, up to here.
        one.labels.retain(|_, value| !value.is_empty());
        let mut value = String::new();
        let Some(captures) = regex.captures(one.labels.get(with.from)) else { continue };
        captures.expand(with.template, &mut value);
        set(one, with.to, &value);
    }
    merge_same_labels(series, SAME_LABELS)
}

/// Sets a label to the values of others, joined.
pub(super) fn join(
    vector: Vector<'_>,
    to: &str,
    separator: &str,
    from: &[String],
) -> Result<Vec<EvalSeries>, QueryError> {
    check_name(to, "label_join")?;
    if from.iter().any(String::is_empty) {
        return Err(QueryError::execution("invalid source label name in label_join(): "));
    }
    let mut series = vector.series;
    for one in &mut series {
        let values: Vec<&str> = from.iter().map(|name| one.labels.get(name)).collect();
        let value = values.join(separator);
        set(one, to, &value);
    }
    merge_same_labels(series, SAME_LABELS)
}

fn set(series: &mut EvalSeries, name: &str, value: &str) {
    series.labels.set(name, value);
    if name == NAME {
        // A name that was set on purpose is shown.
        series.drop_name = false;
    }
}

/// Any text but the empty one names a label.
fn check_name(name: &str, function: &str) -> Result<(), QueryError> {
    if name.is_empty() {
        return Err(QueryError::execution(format!(
            "invalid destination label name in {function}(): {name}"
        )));
    }
    Ok(())
}
