//! When things are evaluated, and which samples that touches.

use crate::{
    error::QueryError,
    plan::{Nanos, SampleSelect, Steps},
};

const NANOS_PER_MS: i64 = 1_000_000;

/// The window of one step: `(after, until]`, in milliseconds as samples have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowBounds {
    /// Excluded.
    pub(super) after_ms: i64,
    /// Included.
    pub(super) until_ms: i64,
}

/// How a selector or subquery looks back from a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookback {
    /// How far the window is moved into the past.
    pub(super) offset_ns: i64,
    /// A fixed evaluation time instead of the step's.
    pub(super) at: Option<Nanos>,
    /// The window's length.
    pub(super) length_ns: i64,
}

impl Lookback {
    /// How a selector looks back over windows of this length.
    pub(super) fn of(select: &SampleSelect, length_ns: i64) -> Self {
        Self { offset_ns: select.offset.0, at: select.at, length_ns }
    }

    /// From where (excluded) to where (included) the window of a step reaches.
    pub(super) fn window_ns(&self, step_ns: i64) -> (i64, i64) {
        let until = self.at.map_or(step_ns, |at| at.0).saturating_sub(self.offset_ns);
        (until.saturating_sub(self.length_ns), until)
    }

    /// The windows of all steps.
    pub(super) fn bounds(&self, steps_ns: &[i64]) -> Vec<WindowBounds> {
        let bounds = |&step_ns: &i64| {
            let (after, until) = self.window_ns(step_ns);
            WindowBounds { after_ms: floor_ms(after), until_ms: floor_ms(until) }
        };
        steps_ns.iter().map(bounds).collect()
    }
}

/// The last millisecond that is not after a time. A sample is after a time exactly if it is after
/// this millisecond.
pub(super) fn floor_ms(time_ns: i64) -> i64 {
    time_ns.div_euclid(NANOS_PER_MS)
}

/// All instants of a query. The most that memory would take is for the caller to charge first:
/// see [`count`].
pub(super) fn instants(steps: Steps) -> Result<Vec<i64>, QueryError> {
    let (start, end, step) = (steps.start.0, steps.end.0, steps.step.0);
    if step < 0 || (step > 0 && end < start) {
        return Err(QueryError::invalid(format!(
            "steps from {start} to {end} every {step} ns have no instant; step must be 0 or more and end not before start"
        )));
    }
    let count = if step == 0 { 1 } else { count(start, end, step) };
    Ok((0..count as i64).map(|at| start + at * step).collect())
}

/// How many instants there are from `first_ns` to `last_ns`, both included.
pub(super) fn count(first_ns: i64, last_ns: i64, step_ns: i64) -> u64 {
    if last_ns < first_ns {
        0
    } else {
        first_ns.abs_diff(last_ns) / step_ns.unsigned_abs().max(1) + 1
    }
}

/// The instants of a subquery: the multiples of its step within all of its windows.
pub(super) fn subquery_span(lookback: &Lookback, span_ns: (i64, i64), step_ns: i64) -> (i64, i64) {
    let (after, _) = lookback.window_ns(span_ns.0);
    let (_, until) = lookback.window_ns(span_ns.1);
    (after.div_euclid(step_ns).saturating_add(1).saturating_mul(step_ns), until)
}

/// Calls `each` with every step's number and its samples (a range of indexes, perhaps empty).
/// Bounds only move forward, so both ends are found by walking once over the times.
pub(super) fn slide(
    times_ms: &[i64],
    bounds: &[WindowBounds],
    mut each: impl FnMut(usize, std::ops::Range<usize>),
) {
    let (mut from, mut to) = (0, 0);
    for (step, bound) in bounds.iter().enumerate() {
        while to < times_ms.len() && times_ms[to] <= bound.until_ms {
            to += 1;
        }
        while from < to && times_ms[from] <= bound.after_ms {
            from += 1;
        }
        each(step, from..to);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn the_end_is_an_instant_only_if_a_step_falls_on_it() {
        let at =
            |end| instants(Steps { start: Nanos(0), end: Nanos(end), step: Nanos(10) }).unwrap();
        assert_eq!(at(30), [0, 10, 20, 30]);
        assert_eq!(at(29), [0, 10, 20]);
    }

    #[test]
    fn an_end_before_the_start_is_refused() {
        let steps = Steps { start: Nanos(10), end: Nanos(0), step: Nanos(5) };
        assert!(instants(steps).is_err());
    }

    #[test]
    fn a_subquery_starts_at_the_first_multiple_inside_of_its_window() {
        let lookback = Lookback { offset_ns: 0, at: None, length_ns: 120 * S };
        assert_eq!(subquery_span(&lookback, (600 * S, 600 * S), 60 * S), (540 * S, 600 * S));
        assert_eq!(subquery_span(&lookback, (630 * S, 660 * S), 60 * S), (540 * S, 660 * S));
    }

    proptest! {
        /// Windows are `(t - range, t]`; the model filters all samples at every step.
        #[test]
        fn sliding_finds_what_filtering_finds(
            mut times in proptest::collection::vec(0i64..200, 0..60),
            length in 1i64..50, step in 1i64..30, start in -20i64..50,
        ) {
            times.sort_unstable();
            times.dedup();
            let bounds: Vec<_> = (0..10)
                .map(|at| start + at * step)
                .map(|t| WindowBounds { after_ms: t - length, until_ms: t })
                .collect();
            slide(&times, &bounds, |at, range| {
                let WindowBounds { after_ms, until_ms } = bounds[at];
                let model: Vec<_> =
                    times.iter().copied().filter(|&t| after_ms < t && t <= until_ms).collect();
                assert_eq!(&times[range], &model);
            });
        }
    }
}
