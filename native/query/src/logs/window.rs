//! Series from log rows: how many lines or bytes are in each window, or what its samples come to.

mod counts;
mod sums;

use hashbrown::HashMap;
use varve_columnar::answer::Series;

use self::counts::{Counts, Keeping};
use super::{
    directory::StreamDirectory,
    grouping::effective_grouping,
    log_window::LogWindow,
    needles::needles,
    pipeline::Pipeline,
    push_down::adds_up,
    row_labels::{ERROR, RowLabels},
    samples::Unwrapper,
    scan::Scan,
    wanted::WantedMetadata,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    matcher::Matchers,
    plan::{Grouping, LogRows, LogWindowFunction, Nanos, TimeRange},
};

/// A value of the window's function for each step `t` over the rows of `(t - offset - range, t - offset]`,
/// by the rows' labels after the pipeline or by the grouping.
///
/// `steps`: nanoseconds since the epoch, ascending. Series come sorted by labels; a step without a
/// row is absent, and a series has a value at one step at least.
pub(crate) fn log_window(
    context: &ExecContext,
    input: &LogRows,
    window: &LogWindow<'_>,
    steps: &[i64],
) -> Result<Vec<Series>, QueryError> {
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
        return Ok(Vec::new());
    };
    let LogWindow { range_ns, offset_ns, unwrap, .. } = *window;
    let pipeline = Pipeline::compile(&input.stages)?;
    let selectors = [Matchers::compile(&input.scan.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    // The left end of a window is open, the right one closed; a scan's range is the other way round.
    let from = first.saturating_sub(offset_ns).saturating_sub(range_ns).saturating_add(1);
    let to = last.saturating_sub(offset_ns).saturating_add(1);
    let range = TimeRange { from: Nanos(from), to: Nanos(to) };
    let needles = needles(&input.stages);
    let wanted = WantedMetadata::of(&input.stages);
    let scan = Scan { range, pipeline: &pipeline, needles, hits: HashMap::new(), wanted };
    let unwrapper = unwrap.map(Unwrapper::compile).transpose()?;
    let grouping = effective_grouping(window);
    let asks_for_errors = grouping.as_ref().is_some_and(|grouping| {
        let names = || pipeline.deciding_names().unwrap_or_default();
        !grouping.without
            && (grouping.labels.iter().any(|label| label == ERROR) || names().contains(&ERROR))
    });
    let rules = Rules {
        asks_for_errors,
        window,
        windows: Windows { steps, range_ns, offset_ns },
        pipeline: &pipeline,
        grouping: grouping.as_ref(),
        unwrapper: unwrapper.as_ref(),
    };
    let keeping = Keeping::of(context, input, range, &rules);
    let mut counts = Counts::new(context, rules, keeping);
    scan.run_forked(context, &mut streams, &mut counts)?;
    if counts.is_failed() {
        // The first row with an error is told with all of its labels.
        let mut streams = StreamDirectory::new(&selectors);
        counts = Counts::telling(context, rules);
        scan.run(context, &mut streams, &mut counts)?;
    }
    counts.finish()
}

/// How rows become series.
#[derive(Clone, Copy)]
struct Rules<'q> {
    window: &'q LogWindow<'q>,
    windows: Windows<'q>,
    pipeline: &'q Pipeline,
    grouping: Option<&'q Grouping>,
    unwrapper: Option<&'q Unwrapper>,
    /// A stage or the grouping looks at `__error__`, so that lines are counted which do not parse.
    asks_for_errors: bool,
}

/// Errors that may be asked for; the others are of the query, not of its lines.
const ERRORS_OF_LINES: [&str; 2] = ["JSONParserErr", "LogfmtParserErr"];

impl Rules<'_> {
    /// Whether the row ends the query, because a stage failed on it.
    fn refuses(&self, labels: &RowLabels) -> bool {
        labels
            .get(ERROR)
            .is_some_and(|error| !(self.asks_for_errors && ERRORS_OF_LINES.contains(&error)))
    }

    fn sums_bytes(&self) -> bool {
        let function = self.window.function;
        matches!(function, LogWindowFunction::BytesRate | LogWindowFunction::BytesOverTime)
    }

    /// Whether empty labels are left out of series, as Loki does wherever it builds their labels anew: behind
    /// stages that take labels away, and where it reckons with an aggregation of its own.
    fn leaves_out_empty(&self) -> bool {
        let without = |grouping: &Grouping| grouping.without;
        match (self.window.function, self.window.grouping) {
            (function, Some(grouping)) if adds_up(function) => grouping.without,
            (LogWindowFunction::AvgOverTime, grouping) => {
                grouping.is_some() || self.pipeline.takes_labels_away()
            }
            (LogWindowFunction::MinOverTime | LogWindowFunction::MaxOverTime, grouping) => {
                grouping.is_some_and(without) || self.pipeline.takes_labels_away()
            }
            _ => self.pipeline.takes_labels_away(),
        }
    }

    fn reads_lines(&self) -> bool {
        self.sums_bytes() || self.pipeline.reads_lines()
    }
}

/// Which steps' windows an instant is in.
#[derive(Clone, Copy)]
struct Windows<'q> {
    steps: &'q [i64],
    range_ns: i64,
    offset_ns: i64,
}

impl Windows<'_> {
    /// Indexes of the steps: from the first (included) to the second (excluded). `near`: what they were
    /// for an instant that is probably close.
    fn of(&self, time_ns: i64, near: (usize, usize)) -> (usize, usize) {
        let first = time_ns.saturating_add(self.offset_ns);
        let end = first.saturating_add(self.range_ns);
        (self.at_or_after(first, near.0), self.at_or_after(end, near.1))
    }

    fn at_or_after(&self, time_ns: i64, near: usize) -> usize {
        let is_before = near == 0 || self.steps.get(near - 1).is_some_and(|&step| step < time_ns);
        if is_before && self.steps.get(near).is_none_or(|&step| step >= time_ns) {
            return near;
        }
        self.steps.partition_point(|&step| step < time_ns)
    }
}
