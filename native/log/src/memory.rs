//! A log in memory: for tests of what reads a log, and as the second implementation that keeps the
//! contract honest.

use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    Append, AppendError, CoordinatorsError, Done, Log, ReadError, Record, Stored,
    producers::{CommittedRecord, PartitionProducers, ProducerSettings, SessionId, SessionVerdict},
    runtime::{Clock, RealClock},
};

/// Keeps records in memory. What is appended is committed, and told so, before `append` returns.
pub struct MemoryLog {
    partitions: u32,
    clock: Box<dyn Clock>,
    /// Held while `done` is called, so that the calls of two appends cannot overtake each other,
    /// while `done` itself may read the log.
    appending: Mutex<()>,
    state: Mutex<State>,
}

struct State {
    epoch: Epoch,
    closed: bool,
    /// Opened so far.
    sessions: u64,
    partitions: BTreeMap<PartitionId, Partition>,
    producers: PartitionProducers,
}

type Fate = Result<Stored, AppendError>;

#[derive(Default)]
struct Partition {
    records: BTreeMap<Lsn, Record>,
    /// How many records it got in the present epoch.
    offset_next: u64,
    trim_point: Lsn,
}

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
            epoch: Epoch(1),
            closed: false,
            sessions: 0,
            partitions: BTreeMap::new(),
            producers: PartitionProducers::new(ProducerSettings::default()),
        };
        Self { partitions, clock, appending: Mutex::new(()), state: Mutex::new(state) }
    }

    /// Does what a restart does to a log on disk: opens the next epoch, and accepts again after
    /// [`Log::close`].
    pub fn restart(&self) {
        let mut state = self.state.lock();
        state.epoch.0 += 1;
        state.closed = false;
        for partition in state.partitions.values_mut() {
            partition.offset_next = 0;
        }
    }

    /// Stores the records and gives them back as what is to be told to whom.
    fn store(&self, appends: Vec<Append>) -> Result<Vec<(Done, Fate)>, AppendError> {
        let append_time_ms = self.clock.now_ms();
        let mut state = self.state.lock();
        if state.closed {
            return Err(AppendError::Closed);
        }
        let epoch = state.epoch;
        let mut fates = Vec::with_capacity(appends.len());
        for append in appends {
            let (session, key) = (append.session, append.idempotency_key);
            if let Some(fate) = state.known(append.partition, session, key, append_time_ms) {
                fates.push((append.done, fate));
                continue;
            }
            let partition = state.partitions.entry(append.partition).or_default();
            let lsn = Lsn { epoch, offset: Offset(partition.offset_next) };
            partition.offset_next += 1;
            let record = Record {
                partition: append.partition,
                lsn,
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

impl State {
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
        let known = (key != 0).then(|| self.producers.find(partition, key, append_time_ms));
        known.flatten().map(|lsn| Ok(Stored::Duplicate(lsn)))
    }
}

impl Log for MemoryLog {
    fn register_schema(&self, _schema_id: u32, _bytes: Bytes) {
        // Schemas are written so that a file can be read without its program; here is no file.
    }

    fn open_session(&self, _producer: &[u8]) -> Result<SessionId, CoordinatorsError> {
        let mut state = self.state.lock();
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
        let _in_order = self.appending.lock();
        for (done, fate) in self.store(records)? {
            done(fate);
        }
        Ok(())
    }

    fn tail(&self, partition: PartitionId) -> Lsn {
        let state = self.state.lock();
        let offset = state.partitions.get(&partition).map_or(0, |known| known.offset_next);
        Lsn { epoch: state.epoch, offset: Offset(offset) }
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        let state = self.state.lock();
        let Some(known) = state.partitions.get(&partition) else { return Ok(Vec::new()) };
        if from < known.trim_point {
            return Err(ReadError::Trimmed { partition, trim_point: known.trim_point });
        }
        let mut gathered_bytes = 0;
        let mut records = Vec::new();
        for record in known.records.range(from..).map(|(_, record)| record) {
            records.push(record.clone());
            gathered_bytes += record.payload.len() as u64;
            if gathered_bytes >= max_bytes {
                break;
            }
        }
        Ok(records)
    }

    fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        let mut state = self.state.lock();
        let epoch = state.epoch;
        for (partition, up_to) in up_to {
            let Some(known) = state.partitions.get_mut(partition) else { continue };
            let up_to = (*up_to).min(Lsn { epoch, offset: Offset(known.offset_next) });
            if up_to > known.trim_point {
                known.trim_point = up_to;
                known.records = known.records.split_off(&up_to);
            }
        }
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.state.lock().partitions.keys().copied().collect()
    }

    fn close(&self) {
        self.state.lock().closed = true;
    }
}
