//! A node's clock: the virtual time, run fast or slow, and jumped. Machines only ever see this one.

use crate::{faults::Fault, faults::Mix, random::Random};

/// Drift of at most 2 %: far beyond real quartz, and enough to turn the order of two timers.
const DRIFT_MAX_PPM: u64 = 20_000;
/// A far jump is so many times a near one: up to an hour.
const FAR: i64 = 360;

/// What a node sees of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds since 1970, as its wall clock has it.
    pub wall_ms: u64,
    /// Milliseconds since the run's start, as its monotonic clock has them.
    pub elapsed_ms: u64,
}

/// A node's clock; the virtual time is microseconds since the run's start.
#[derive(Clone, Debug)]
pub struct NodeClock {
    base_ms: i64,
    drift_ppm: i64,
    jumped_ms: i64,
}

impl NodeClock {
    /// A clock at the run's start: within a second of the true time.
    pub fn draw(mix: &Mix, random: &mut Random) -> (Self, Option<Fault>) {
        let drifts = random.chance(mix.rate(Fault::ClockDrifted));
        let drift_ppm =
            if drifts { random.below(2 * DRIFT_MAX_PPM) as i64 - DRIFT_MAX_PPM as i64 } else { 0 };
        let base_ms = 1_800_000_000_000 + random.below(1_000) as i64;
        (Self { base_ms, drift_ppm, jumped_ms: 0 }, drifts.then_some(Fault::ClockDrifted))
    }

    /// What it shows at this virtual time.
    #[must_use]
    pub fn read(&self, now_us: u64) -> Reading {
        let elapsed_us = now_us as i64 + now_us as i64 * self.drift_ppm / 1_000_000;
        let wall_ms = (self.base_ms + self.jumped_ms + elapsed_us / 1_000).max(0) as u64;
        Reading { wall_ms, elapsed_ms: (elapsed_us / 1_000) as u64 }
    }

    /// Moves it by up to ten seconds, or by up to an hour, ahead or back.
    pub fn jump(&mut self, random: &mut Random) -> i64 {
        let few_ms = random.between(0, 20_000) as i64 - 10_000;
        let by_ms = if few_ms % 4 == 0 { few_ms * FAR } else { few_ms };
        self.jumped_ms += by_ms;
        by_ms
    }

    /// The virtual time at which it will have run `delay_ms` further, jumps left aside: a timer
    /// counts what the machine's monotonic clock counts.
    #[must_use]
    pub fn after_ms(&self, now_us: u64, delay_ms: u64) -> u64 {
        let us = (delay_ms * 1_000) as i64;
        now_us + (us - us * self.drift_ppm / 1_000_000).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_without_faults_runs_with_the_virtual_time() {
        let (clock, _) = NodeClock::draw(&Mix::none(), &mut Random::new(1));
        let (from, to) = (clock.read(0), clock.read(5_000_000));
        assert_eq!((to.wall_ms - from.wall_ms, to.elapsed_ms), (5_000, 5_000));
        assert_eq!(clock.after_ms(7, 3), 3_007);
    }

    #[test]
    fn a_jump_moves_what_the_wall_clock_shows_and_nothing_else() {
        let mut random = Random::new(3);
        let (mut clock, _) = NodeClock::draw(&Mix::none(), &mut random);
        let before = clock.read(0);
        let by_ms = clock.jump(&mut random);
        assert_ne!(by_ms, 0);
        assert_eq!(clock.read(0).wall_ms as i64 - before.wall_ms as i64, by_ms);
        assert_eq!(clock.read(0).elapsed_ms, before.elapsed_ms);
        assert_eq!(clock.after_ms(0, 3), 3_000);
    }
}
