//! Which labels make the series of windows.

use std::sync::Arc;

use varve_columnar::labels::LabelSet;

use super::{
    log_window::LogWindow,
    pipeline::Pipeline,
    row_labels::{ERROR, ERROR_DETAILS, WantedNames},
    samples::Unwrapper,
};
use crate::{error::QueryError, plan::Grouping};

/// The window's grouping; the label that samples come from is no label of a series, unless it is
/// asked for.
pub(super) fn effective_grouping(window: &LogWindow<'_>) -> Option<Grouping> {
    let label = window.unwrap.map(|unwrap| unwrap.label.clone());
    match (window.grouping.cloned(), label) {
        (Some(mut grouping), Some(label)) if grouping.without => {
            grouping.labels.push(label);
            Some(grouping)
        }
        (None, Some(label)) => Some(Grouping { without: true, labels: vec![label] }),
        (grouping, _) => grouping,
    }
}

/// The names of the labels that decide whether a row stays and which series it is of; `None` where all
/// its labels make the series.
pub(super) fn wanted_names(
    pipeline: &Pipeline,
    grouping: Option<&Grouping>,
    unwrapper: Option<&Unwrapper>,
) -> Option<Arc<WantedNames>> {
    let Grouping { labels, without: false } = grouping? else { return None };
    let mut deciding = pipeline.deciding_names()?;
    if let Some(unwrapper) = unwrapper {
        unwrapper.visit_names(&mut |name| deciding.push(name));
    }
    deciding.extend([ERROR, ERROR_DETAILS]);
    let names = labels.iter().map(String::as_str).chain(deciding);
    Some(Arc::new(WantedNames::of(names)))
}

/// The labels that are left of a set.
pub(super) fn grouped(mut labels: LabelSet, grouping: Option<&Grouping>) -> LabelSet {
    if let Some(grouping) = grouping {
        labels.retain(|name, _| {
            grouping.labels.iter().any(|label| label == name) != grouping.without
        });
    }
    labels
}

/// A row that a stage failed on would be counted among labels that it only seems to have.
pub(super) fn pipeline_error(labels: &LabelSet) -> QueryError {
    let shown: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    QueryError::invalid(format!(
        "pipeline error: '{}' for series: '{{{}}}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n",
        labels.get(ERROR),
        shown.join(", "),
        labels.get(ERROR),
    ))
}
