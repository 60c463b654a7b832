//! The intervals of a query, each open at its start and closed at its end.

use varve_columnar::answer::SpanSeries;

use crate::{
    error::QueryError,
    plan::{Intervals, Nanos, TimeRange},
};

/// More intervals than anyone could draw; each is held for each series.
const INTERVALS_MAX: i64 = 100_000;

/// At which place of a series a span counts.
pub(super) struct Clock {
    from: i64,
    to: i64,
    /// The whole range for an instant.
    step: i64,
    count: usize,
    instant: bool,
}

impl Clock {
    pub(super) fn new(Intervals { from, to, step }: Intervals) -> Result<Self, QueryError> {
        let instant = step.0 == 0;
        let length = to.0.saturating_sub(from.0);
        let step = if instant { length } else { step.0 };
        if length <= 0 || step <= 0 {
            return Err(QueryError::invalid(
                "a range must end after its start, with steps above 0",
            ));
        }
        let count = length / step + i64::from(length % step != 0);
        if count > INTERVALS_MAX {
            return Err(QueryError::invalid(format!(
                "{count} intervals are more than {INTERVALS_MAX}; ask for a longer step"
            )));
        }
        Ok(Self { from: from.0, to: to.0, step, count: count as usize, instant })
    }

    pub(super) fn is_instant(&self) -> bool {
        self.instant
    }

    /// How many values a series has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The length of an interval in seconds.
    pub(super) fn step_seconds(&self) -> f64 {
        self.step as f64 / 1e9
    }

    /// Where spans can start that count.
    pub(super) fn range(&self) -> TimeRange {
        let after = |time: i64| Nanos(time.saturating_add(1));
        TimeRange { from: after(self.from), to: after(self.to) }
    }

    /// The interval that a time is in.
    pub(super) fn interval(&self, time_ns: i64) -> Option<usize> {
        let inside = time_ns > self.from && time_ns <= self.to;
        inside.then(|| ((time_ns - self.from - 1) / self.step) as usize)
    }

    /// Each interval's end.
    pub(super) fn times(&self) -> Vec<i64> {
        (1..=self.count as i64).map(|at| self.from.saturating_add(at * self.step)).collect()
    }

    /// Leaves out exemplars of times at which the series has no value.
    pub(super) fn keep_exemplars_of_values(&self, series: &mut SpanSeries) {
        let SpanSeries { values, exemplars, .. } = series;
        exemplars.retain(|exemplar| {
            let interval = self.interval(exemplar.time_unix_ms.saturating_mul(1_000_000));
            interval.and_then(|at| values.get(at)).is_some_and(|value| !value.is_nan())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(from: i64, to: i64, step: i64) -> Clock {
        Clock::new(Intervals { from: Nanos(from), to: Nanos(to), step: Nanos(step) }).unwrap()
    }

    #[test]
    fn an_interval_holds_its_end_and_not_its_start() {
        let clock = clock(10, 30, 10);
        let found = [10, 11, 20, 21, 30, 31].map(|time| clock.interval(time));
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(1), None]);
        assert_eq!(clock.times(), [20, 30]);
    }

    #[test]
    fn an_instant_is_one_interval() {
        let clock = clock(10, 17, 0);
        assert_eq!((clock.count(), clock.times()), (1, vec![17]));
        assert!(clock.is_instant());
    }

    #[test]
    fn a_range_that_is_no_range_is_refused() {
        for (from, to, step) in [(5, 5, 1), (5, 4, 0), (0, 10, -1), (0, i64::MAX, 1)] {
            let intervals = Intervals { from: Nanos(from), to: Nanos(to), step: Nanos(step) };
            assert!(Clock::new(intervals).is_err());
        }
    }
}
