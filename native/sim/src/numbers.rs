//! The coordinator of each machine: ids, hybrid times and a sequence by the log's own code, on a disk that
//! loses at a crash what was not synced, by a clock that jumps.

use crate::{
    clock::Reading,
    coverage::Branch,
    faults::Fault,
    invariants::Invariant,
    network::Node as Number,
    node::Node,
    random::Random,
    world::{Happening, World},
};
use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use varve_log::{
    ids::{
        Counter, CounterError, CounterSettings, FencedError, HybridTime, HybridTimes,
        SNOWFLAKE_EPOCH_UNIX_MS, SnowflakeIds,
    },
    runtime::{
        Clock, Disk,
        crash_disk::CrashDisk,
        faults::{Faults, FaultyDisk},
    },
};

/// Virtual time between two occasions on which a machine is asked for numbers, in microseconds.
const TURN_US: (u64, u64) = (2_000, 80_000);
/// Of so many occasions the power fails in one, or a sync, where a run has that.
const FAULT_TURNS: u64 = 100;
/// The steps of the disk after which it does.
const POWER_STEPS_MAX: u64 = 12;
/// Now and then more is asked for than a millisecond has.
const MANY_IDS: u64 = 9_000;
/// Files begin anew all the time.
const FENCE: CounterSettings = CounterSettings { block: 1, file_bytes_max: 5_000 };
const SEQUENCE: CounterSettings = CounterSettings { block: 10, file_bytes_max: 64 };

/// By which rules a run's coordinators go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// The right ones.
    Right,
    /// What is to be durable is not synced.
    Unsynced,
    /// A restart does not find the fence of the life before.
    FenceForgotten,
    /// All machines are the same coordinator.
    Shared,
}

/// What the world keeps for all coordinators together.
#[derive(Debug)]
pub(crate) struct Coordination {
    /// Apart from the world's: what is asked for here changes nothing there.
    random: Random,
    /// The highest time that anybody gave.
    newest: Option<HybridTime>,
}

impl Coordination {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(!seed), newest: None }
    }

    /// What a crash leaves of a coordinator's disk.
    pub(crate) const fn crash_seed(&mut self) -> u64 {
        self.random.bits()
    }
}

/// One machine's coordinator.
#[derive(Default)]
pub(crate) struct Coordinator {
    disk: Arc<CrashDisk>,
    faults: Arc<Faults>,
    clock: Arc<SetClock>,
    /// Opened when it is first asked.
    open: Option<Open>,
    power_fails: bool,
}

struct Open {
    ids: SnowflakeIds,
    times: HybridTimes,
    sequence: Counter,
}

#[derive(Default)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed).cast_signed()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Coordinator").finish_non_exhaustive()
    }
}

/// What is asked for on one occasion.
struct Asked {
    ids: u64,
    seen: Option<HybridTime>,
}

/// What was given; each is above those before.
#[derive(Default)]
struct Given {
    ids: Vec<u64>,
    time: Option<HybridTime>,
    value: Option<u64>,
    refused: Vec<FencedError>,
}

impl Coordinator {
    /// Whether it will crash.
    pub(crate) const fn is_failing(&self) -> bool {
        self.power_fails
    }

    /// Loses what was not synced, as the seed has it.
    pub(crate) fn crash(&mut self, seed: u64) {
        let disk = Arc::new(self.disk.after_crash(seed));
        *self = Self { disk, clock: Arc::clone(&self.clock), ..Self::default() };
    }

    fn open(&self, rules: Numbering, (node, life): (Number, u64)) -> Result<Open, CounterError> {
        self.faults.set_syncs_forgotten(rules == Numbering::Unsynced);
        let faults = Arc::clone(&self.faults);
        let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new(self.disk.clone(), faults));
        let forgotten = format!("/counters/{life}");
        let dir = if rules == Numbering::FenceForgotten { &forgotten } else { "/counters" };
        let counter = |name, settings| Counter::open(disk.clone(), Path::new(dir), name, settings);
        let number = if rules == Numbering::Shared { 0 } else { node as u32 };
        Ok(Open {
            ids: SnowflakeIds::new(number, self.clock.clone(), counter("fence", FENCE)?),
            times: HybridTimes::new(self.clock.clone(), counter("time", FENCE)?),
            sequence: counter("sequence", SEQUENCE)?,
        })
    }

    fn ask(
        &mut self,
        rules: Numbering,
        life: (Number, u64),
        now: Reading,
        asked: &Asked,
        given: &mut Given,
    ) -> Result<(), CounterError> {
        self.clock.0.store(now.wall_ms, Ordering::Relaxed);
        let open = match self.open.take() {
            Some(open) => open,
            None => self.open(rules, life)?,
        };
        let open = self.open.insert(open);
        for _ in 0..asked.ids {
            match open.ids.next_id() {
                Ok(id) => given.ids.push(id),
                Err(FencedError::Fence(error)) => return Err(error),
                Err(refused) => {
                    given.refused.push(refused);
                    break;
                }
            }
        }
        match open.times.next(asked.seen) {
            Ok(time) => given.time = Some(time),
            Err(FencedError::Fence(error)) => return Err(error),
            Err(refused) => given.refused.push(refused),
        }
        given.value = Some(open.sequence.take(1)?);
        Ok(())
    }
}

impl<N: Node> World<N> {
    pub(crate) fn begin_numbers(&mut self) {
        for node in 0..self.hosts.len() {
            let turn_us = self.coordination.random.between(TURN_US.0, TURN_US.1);
            self.at(turn_us, Happening::NumbersTurn(node));
        }
    }

    /// Asks a machine's coordinator for numbers.
    pub(crate) fn numbers_turn(&mut self, node: Number) {
        let random = &mut self.coordination.random;
        let again_us = random.between(TURN_US.0, TURN_US.1);
        let ids = if random.below(200) == 0 { MANY_IDS } else { random.between(1, 3) };
        let fails = [(); 2].map(|()| random.below(FAULT_TURNS) == 0);
        let power_lasts = random.below(POWER_STEPS_MAX);
        self.after(again_us, Happening::NumbersTurn(node));
        let host = &mut self.hosts[node];
        if host.node.is_none() || host.paused.is_some() {
            return;
        }
        let coordinator = &mut host.coordinator;
        if fails[0] && self.mix.has(Fault::NodeCrashedMidStep) && !coordinator.power_fails {
            self.fired.add(Fault::NodeCrashedMidStep);
            coordinator.power_fails = true;
            coordinator.disk.lose_power_after(power_lasts);
        }
        if fails[1] && self.mix.has(Fault::SyncFailed) {
            coordinator.faults.fail_sync(1);
        }
        let now = host.clock.read(self.now_us);
        let (life, rules) = ((node, host.incarnation), N::numbering(self.rules));
        let asked = Asked { ids, seen: self.coordination.newest };
        let mut given = Given::default();
        let outcome = coordinator.ask(rules, life, now, &asked, &mut given);
        coordinator.faults.fail_no_sync();
        let power_fails = coordinator.power_fails;
        self.audit_numbers(node, now, &asked, &given);
        match outcome {
            Ok(()) => {}
            Err(_) if power_fails => self.crash(node),
            // What is on its disk is not known: somebody starts it anew.
            Err(_) => {
                self.fired.add(Fault::SyncFailed);
                self.hosts[node].write_failed = true;
            }
        }
    }

    fn audit_numbers(&mut self, node: Number, now: Reading, asked: &Asked, given: &Given) {
        let last = given.ids.last().copied().unwrap_or_default();
        self.trace.step(
            self.now_us,
            [19, node as u64, last],
            format_args!("n{node} gives ids up to {last:x}, {:?}, {:?}", given.time, given.value),
        );
        for &id in &given.ids {
            self.auditor.numbered("ids", id >> 13 & 0x3ff, id);
        }
        let id_ms = (last >> 23) + SNOWFLAKE_EPOCH_UNIX_MS.unsigned_abs();
        if !given.ids.is_empty() && id_ms > now.wall_ms {
            self.covered.add(Branch::IdsAhead);
        }
        if let Some(time) = given.time {
            self.auditor.numbered("times", node as u64, time.0);
            if Some(time) <= asked.seen {
                let what = format!("node {node} gave {time} after it saw {:?}", asked.seen);
                self.auditor.broken(Invariant::Numbers, what);
            }
            self.coordination.newest = self.coordination.newest.max(Some(time));
        }
        if let Some(value) = given.value {
            self.auditor.numbered("a sequence", node as u64, value + 1);
        }
        for refused in &given.refused {
            self.covered.add(match refused {
                FencedError::SeenAhead { .. } => Branch::TimeNotTaken,
                _ => Branch::IdsRefused,
            });
        }
    }
}
