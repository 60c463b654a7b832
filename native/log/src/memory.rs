//! A log in memory: for tests of what reads a log, and as the second implementation that keeps the
//! contract honest.

mod limits;
mod source;

use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use varve_types::{Lsn, Offset, PartitionId};

use crate::{
    Append, AppendError, CoordinatorsError, Done, Hold, HoldError, HoldStatus, Log, ReadError,
    Record, Snapshot, Stored, Subscribe, SubscribeError, Subscription,
    followers::Followers,
    producers::{CommittedRecord, PartitionProducers, ProducerSettings, SessionId, SessionVerdict},
    protocol::{self, Advance, AppendTimes, Command, Control, Incarnation, Nodeset, Now},
    runtime::{Clock, RealClock},
    subscription::{ALONE, BEGIN, News, Source, Wanted},
};
use limits::Turns;

pub use limits::MemoryLimits;

/// Keeps records in memory. What is appended is committed, and told so, before `append` returns.
pub struct MemoryLog {
    partitions: u32,
    limits: Mutex<MemoryLimits>,
    turns: Turns,
    /// Held while `done` is called, so that the calls of two appends cannot overtake each other,
    /// while `done` itself may read the log.
    appending: Mutex<()>,
    shared: Arc<Shared>,
}

/// What subscriptions share with the log.
struct Shared {
    clock: Box<dyn Clock>,
    state: Mutex<State>,
    news: News,
    followers: Arc<Followers>,
}

struct State {
    starts: u64,
    closed: bool,
    /// Opened so far.
    sessions: u64,
    control: Control,
    partitions: BTreeMap<PartitionId, Partition>,
    producers: PartitionProducers,
    append_times: AppendTimes,
}

type Fate = Result<Stored, AppendError>;

#[derive(Default)]
struct Partition {
    records: BTreeMap<Lsn, protocol::Record>,
    /// Places of records that cannot be read.
    lost: BTreeSet<Lsn>,
    /// How many records it got in the present epoch.
    offset_next: u64,
}

/// The longest age of a hold.
const HOLD_MAX_AGE_MS: u64 = 3_600_000;

impl MemoryLog {
    /// An empty log in its first epoch, whose logs have `partitions` partitions each.
    #[must_use]
    pub fn new(partitions: u32) -> Self {
        Self::with_clock(partitions, Box::new(RealClock::default()))
    }

    /// As [`MemoryLog::new`], with append times from `clock`.
    #[must_use]
    pub fn with_clock(partitions: u32, clock: Box<dyn Clock>) -> Self {
        let state = State {
            starts: 1,
            closed: false,
            sessions: 0,
            control: Control::default(),
            partitions: BTreeMap::new(),
            producers: PartitionProducers::new(ProducerSettings::default()),
            append_times: AppendTimes::default(),
        };
        let (state, news) = (Mutex::new(state), News::default());
        let shared = Shared { clock, state, news, followers: Arc::default() };
        let (limits, turns) = (Mutex::default(), Turns::default());
        Self { partitions, limits, turns, appending: Mutex::new(()), shared: Arc::new(shared) }
    }

    /// Bounds what it takes from now on.
    pub fn set_limits(&self, limits: MemoryLimits) {
        *self.limits.lock() = limits;
    }

    /// Makes a record unreadable, as rot does on a disk.
    pub fn lose(&self, partition: PartitionId, place: Lsn) {
        if let Some(known) = self.shared.state.lock().partitions.get_mut(&partition) {
            known.lost.insert(place);
        }
    }

    /// Does what a restart does to a log on disk: opens the next epochs, and accepts again after
    /// [`Log::close`].
    pub fn restart(&self) {
        {
            let mut state = self.shared.state.lock();
            state.starts += 1;
            state.closed = false;
            state.append_times = AppendTimes::default();
            let leader = state.leader();
            let tails: Vec<_> = state.tails(Wanted::All).collect();
            for (partition, Lsn { epoch: close, offset: end }) in tails {
                let nodeset = Nodeset::of_one(ALONE);
                let advance = Command::Advance(Advance { close, end, leader, nodeset });
                // Never refused: the epoch is the open one.
                let _opened = state.control.apply(partition, &advance);
            }
            for partition in state.partitions.values_mut() {
                partition.offset_next = 0;
            }
        }
        self.shared.news.set_closed(false);
    }

    /// Stores the records and gives them back as what is to be told to whom.
    fn store(
        &self,
        appends: Vec<Append>,
        size_bytes: u64,
    ) -> Result<Vec<(Done, Fate)>, AppendError> {
        let limits = *self.limits.lock();
        let now = Now::from(&*self.shared.clock);
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err(AppendError::Closed);
        }
        limits.check_room(state.kept_bytes(), size_bytes)?;
        let leader = state.leader();
        let append_time_ms = state.append_times.give(now);
        let mut fates = Vec::with_capacity(appends.len());
        for append in appends {
            let (session, key) = (append.session, append.idempotency_key);
            if let Some(fate) = state.known(append.partition, session, key, append_time_ms) {
                fates.push((append.done, fate));
                continue;
            }
            state.control.create(append.partition, leader, &Nodeset::of_one(ALONE));
            let lsn = state.tail(append.partition);
            let partition = state.partitions.entry(append.partition).or_default();
            partition.offset_next += 1;
            let record = protocol::Record {
                tenant: append.tenant,
                schema_id: append.schema_id,
                rows: append.rows,
                append_time_ms,
                session,
                idempotency_key: key,
                payload: append.payload,
            };
            partition.records.insert(lsn, record);
            fates.push((append.done, Ok(Stored::New(lsn))));
            let record = CommittedRecord { lsn, session, idempotency_key: key, append_time_ms };
            state.producers.committed(&[(append.partition, record)]);
        }
        Ok(fates)
    }
}

impl Partition {
    /// The first place from this one on that is not lost.
    fn behind_lost(&self, mut place: Lsn) -> Lsn {
        while self.lost.contains(&place) {
            place.offset.0 += 1;
        }
        place
    }
}

impl State {
    fn leader(&self) -> Incarnation {
        Incarnation { node: ALONE, number: self.starts }
    }

    fn kept_bytes(&self) -> u64 {
        let records = self.partitions.values().flat_map(|known| known.records.values());
        records.map(|record| record.payload.len() as u64).sum()
    }

    fn tail(&self, partition: PartitionId) -> Lsn {
        let offset = self.partitions.get(&partition).map_or(0, |known| known.offset_next);
        let epoch = self.control.list(partition).map_or(BEGIN.epoch, |list| list.open().epoch);
        Lsn { epoch, offset: Offset(offset) }
    }

    fn tails(&self, wanted: Wanted) -> impl Iterator<Item = (PartitionId, Lsn)> {
        let partitions = self.partitions.keys().copied();
        let of_wanted = partitions.filter(move |partition| wanted.contains(*partition));
        of_wanted.map(|partition| (partition, self.tail(partition)))
    }

    /// Holds that are too old let go, and what nobody needs goes.
    fn let_go(&mut self, now_ms: i64) {
        self.control.expire(now_ms);
        for (partition, known) in &mut self.partitions {
            let Some(list) = self.control.list(*partition) else { continue };
            let kept = known.records.split_off(&list.trim_point());
            known.records = kept;
        }
    }

    /// Records from `from` on and below `up_to`: at least one, and no more once `max_bytes` are there.
    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        up_to: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<(Lsn, protocol::Record)>, ReadError> {
        let Some(known) = self.partitions.get(&partition) else { return Ok(Vec::new()) };
        if let Some(list) = self.control.list(partition)
            && from.max(BEGIN) < list.trim_point()
        {
            let snapshot = list.newest_snapshot().map(|(snapshot, _)| snapshot);
            return Err(ReadError::Trimmed { partition, trim_point: list.trim_point(), snapshot });
        }
        let mut gathered_bytes = 0;
        let mut records = Vec::new();
        for (lsn, record) in known.records.range(from..up_to.max(from)) {
            if known.lost.contains(lsn) {
                if !records.is_empty() {
                    break;
                }
                let (from, next) = (*lsn, known.behind_lost(*lsn));
                let reason = Arc::from("it was made unreadable");
                return Err(ReadError::Lost { partition, from, next, reason });
            }
            records.push((*lsn, record.clone()));
            gathered_bytes += record.payload.len() as u64;
            if gathered_bytes >= max_bytes {
                break;
            }
        }
        Ok(records)
    }

    /// What is known of a record that came before, or may not come now; `None` for a new one.
    fn known(
        &self,
        partition: PartitionId,
        session: Option<(SessionId, u64)>,
        key: u128,
        append_time_ms: i64,
    ) -> Option<Fate> {
        if let Some((session, seq)) = session {
            return match self.producers.check(partition, session, seq) {
                SessionVerdict::New | SessionVerdict::InFlight => None,
                SessionVerdict::Duplicate(lsn) => Some(Ok(Stored::Duplicate(lsn))),
                SessionVerdict::DuplicateTooOld => Some(Ok(Stored::Before)),
                SessionVerdict::OutOfSequence { expected } => {
                    Some(Err(AppendError::OutOfSequence { expected }))
                }
                SessionVerdict::UnknownSession => Some(Err(AppendError::UnknownSession)),
            };
        }
        let epoch = self.tail(partition).epoch;
        let known = (key != 0).then(|| self.producers.find(partition, key, epoch, append_time_ms));
        known.flatten().map(|lsn| Ok(Stored::Duplicate(lsn)))
    }
}

impl Log for MemoryLog {
    fn register_schema(&self, _schema_id: u32, _bytes: Bytes) {
        // Schemas are written so that a file can be read without its program; here is no file.
    }

    fn open_session(&self, _producer: &[u8]) -> Result<SessionId, CoordinatorsError> {
        let mut state = self.shared.state.lock();
        state.sessions += 1;
        Ok(SessionId(state.sessions))
    }

    /// # Panics
    ///
    /// When a partition's number is not below the number of partitions: a fault of the caller.
    fn append(&self, records: Vec<Append>) -> Result<(), AppendError> {
        for record in &records {
            let number = record.partition.number;
            assert!(number < self.partitions, "{} of {} partitions", number, self.partitions);
        }
        let limits = *self.limits.lock();
        let size_bytes = records.iter().map(|record| record.payload.len() as u64).sum();
        limits.check_request(size_bytes)?;
        let waits = self.turns.wait(size_bytes, limits.waiting_max_bytes)?;
        let _in_order = self.appending.lock();
        drop(waits);
        let fates = self.store(records, size_bytes)?;
        self.shared.news.tell();
        for (done, fate) in fates {
            done(fate);
        }
        Ok(())
    }

    fn tail(&self, partition: PartitionId) -> Lsn {
        self.shared.state.lock().tail(partition)
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        let state = self.shared.state.lock();
        let read = state.read(partition, from, state.tail(partition), max_bytes)?;
        Ok(read.into_iter().map(|(lsn, record)| Record::placed(partition, lsn, record)).collect())
    }

    fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        Subscription::open(Arc::clone(&self.shared) as Arc<dyn Source>, subscribe)
    }

    fn trim(&self, snapshot: &Snapshot, up_to: &[(PartitionId, Lsn)]) {
        let mut state = self.shared.state.lock();
        for (partition, up_to) in up_to {
            let covered = (*up_to).min(state.tail(*partition));
            // Refused where more is trimmed already.
            let _covered =
                state.control.apply(*partition, &Command::Covered(snapshot.clone(), covered));
        }
        state.let_go(self.shared.clock.now_ms());
    }

    fn hold(&self, hold: Hold) -> Result<(), HoldError> {
        if hold.max_age_ms > HOLD_MAX_AGE_MS {
            return Err(HoldError::TooLong { asked_ms: hold.max_age_ms, max_ms: HOLD_MAX_AGE_MS });
        }
        let now_ms = self.shared.clock.now_ms();
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err(HoldError::Unavailable { reason: Arc::from("the log is closed") });
        }
        for (&partition, &from) in &hold.from {
            let tail = state.tail(partition);
            if from > tail {
                return Err(HoldError::Ahead { partition, from, tail });
            }
        }
        state.let_go(now_ms);
        state.control.hold(&hold, now_ms)?;
        state.let_go(now_ms);
        Ok(())
    }

    fn release(&self, name: &str) -> Result<bool, HoldError> {
        let mut state = self.shared.state.lock();
        let released = state.control.release(name);
        state.let_go(self.shared.clock.now_ms());
        Ok(released)
    }

    fn holds(&self) -> Vec<HoldStatus> {
        let mut state = self.shared.state.lock();
        state.let_go(self.shared.clock.now_ms());
        HoldStatus::all(&state.control)
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.shared.state.lock().partitions.keys().copied().collect()
    }

    fn close(&self) {
        self.shared.state.lock().closed = true;
        self.shared.news.set_closed(true);
    }
}
