//! When records are appended, by a leader whose clock may be wrong.

/// What a node's clocks show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970 by the wall clock, which may be wrong, or jump.
    pub wall_ms: i64,
    /// Milliseconds since some fixed instant of this process; never goes back, nor jumps.
    pub elapsed_ms: u64,
}

/// The append times of one leader.
///
/// They are those of its wall clock. Where that jumps ahead they follow at twice the speed of time, until
/// they have it again: what is remembered of producers is forgotten by these times, so no jump of the clock
/// makes a leader forget in less than half of the window. Where it jumps back they follow at once, and the
/// window waits (`ProducerTable`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AppendTimes {
    /// The last one, and when it was given.
    last: Option<Now>,
}

impl AppendTimes {
    /// The append time of a record that comes now.
    pub(crate) fn at(&self, now: Now) -> i64 {
        let Some(last) = self.last else { return now.wall_ms };
        let passed_ms = now.elapsed_ms.saturating_sub(last.elapsed_ms);
        now.wall_ms.min(last.wall_ms.saturating_add_unsigned(passed_ms.saturating_mul(2)))
    }

    /// Gives a record its append time.
    pub(crate) fn give(&mut self, now: Now) -> i64 {
        let wall_ms = self.at(now);
        self.last = Some(Now { wall_ms, ..now });
        wall_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn given(readings: &[(i64, u64)]) -> Vec<i64> {
        let mut times = AppendTimes::default();
        let now = |&(wall_ms, elapsed_ms): &(i64, u64)| Now { wall_ms, elapsed_ms };
        readings.iter().map(|reading| times.give(now(reading))).collect()
    }

    #[test]
    fn they_are_those_of_the_wall_clock() {
        assert_eq!(
            given(&[(1_000, 0), (1_000, 0), (1_007, 7), (9_000, 8_000)]),
            [1_000, 1_000, 1_007, 9_000]
        );
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_followed_at_twice_the_speed_of_time() {
        let jumped = [(1_000, 0), (101_010, 10), (151_000, 50_000), (301_000, 200_000)];
        assert_eq!(given(&jumped), [1_000, 1_020, 101_000, 301_000]);
    }

    #[test]
    fn a_clock_that_jumps_back_is_followed_at_once() {
        assert_eq!(given(&[(50_000, 0), (1_000, 10), (1_010, 20)]), [50_000, 1_000, 1_010]);
    }

    proptest! {
        #[test]
        fn no_jump_of_the_clock_makes_more_than_twice_the_time_of_them(
            steps in prop::collection::vec((any::<i64>(), 0..5_000_u64), 1..40),
        ) {
            let (mut times, mut elapsed_ms) = (AppendTimes::default(), 0);
            let (mut forward_ms, mut last) = (0, None);
            for (wall_ms, passed_ms) in steps {
                elapsed_ms += passed_ms;
                let time_ms = times.give(Now { wall_ms, elapsed_ms });
                let step_ms = last.map_or(0, |last| i128::from(time_ms) - i128::from(last));
                prop_assert!(step_ms <= 2 * i128::from(passed_ms));
                forward_ms += step_ms.max(0);
                prop_assert!(forward_ms <= 2 * i128::from(elapsed_ms));
                last = Some(time_ms);
            }
        }
    }
}
