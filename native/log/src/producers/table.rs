//! What a partition's log says of its producers.

use varve_types::{Epoch, Lsn};

use super::{
    CommittedRecord, KeyVerdict, ProducerSettings, SessionId, SessionVerdict, keys::Keys,
    sessions::Sessions,
};

/// Sessions and keys of the records up to one place of the log. Equal tables answer alike, now and
/// after any records that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerTable {
    pub(super) settings: ProducerSettings,
    /// Last record applied.
    pub(super) applied: Option<Lsn>,
    /// When that was appended.
    pub(super) last_ms: i64,
    /// The log's own time, which never goes back: the sum of what passed from record to record within
    /// epochs, from the append time of the first on. Of two leaders' clocks neither can be believed, so
    /// from one epoch to the next no time passes; nor while a leader's clock goes back.
    pub(super) time_ms: i64,
    pub(super) sessions: Sessions,
    pub(super) keys: Keys,
}

impl ProducerTable {
    /// The table of an empty log.
    pub fn new(settings: ProducerSettings) -> Self {
        Self {
            settings,
            applied: None,
            last_ms: i64::MIN,
            time_ms: i64::MIN,
            sessions: Sessions::default(),
            keys: Keys::default(),
        }
    }

    /// What record `seq` of a session is, by what is committed.
    pub fn check(&self, session: SessionId, seq: u64) -> SessionVerdict {
        self.sessions.check(session, seq)
    }

    /// What a record with this key is, by what is committed; 0 is no key.
    pub fn check_key(&self, key: u128) -> KeyVerdict {
        self.keys.get(key).map_or(KeyVerdict::New, KeyVerdict::Duplicate)
    }

    /// The same for a record that is about to be appended at this time, in this epoch: where nothing else
    /// was appended for long, the window ends all the same. What it answers `New` is new to the table as
    /// well.
    pub fn check_key_at(&self, key: u128, epoch: Epoch, append_time_ms: i64) -> KeyVerdict {
        let before_ms = self.oldest_kept_ms(self.time_at(epoch, append_time_ms));
        match self.keys.get_with_time(key) {
            Some((lsn, time_ms)) if time_ms > before_ms => KeyVerdict::Duplicate(lsn),
            _ => KeyVerdict::New,
        }
    }

    /// Applies a committed record. They come in the order of the log; one that is in the table (a
    /// replay that begins before the snapshot's end) is passed over.
    pub fn committed(&mut self, record: &CommittedRecord) {
        if self.applied.is_some_and(|applied| record.lsn <= applied) {
            return;
        }
        self.time_ms = self.time_at(record.lsn.epoch, record.append_time_ms);
        (self.applied, self.last_ms) = (Some(record.lsn), record.append_time_ms);
        if let Some((id, seq)) = record.session {
            self.sessions.committed(id, seq, record.lsn, self.settings.sessions_max);
        }
        // What is too old goes first: a key that comes again after the window is new.
        self.keep_keys();
        let key = record.idempotency_key;
        if key != 0 && self.keys.get(key).is_none() {
            self.keys.push(key, record.lsn, self.time_ms, self.settings.dedupe_keys_max);
            self.keep_keys();
        }
    }

    /// Whether the settings have keys remembered at all.
    pub fn remembers_keys(&self) -> bool {
        self.settings.dedupe_window_ms > 0 && self.settings.dedupe_keys_max > 0
    }

    /// The last record applied: a snapshot of the table stands for the log up to there.
    pub fn applied(&self) -> Option<Lsn> {
        self.applied
    }

    /// Keys remembered.
    pub fn keys_len(&self) -> usize {
        self.keys.len()
    }

    /// Keys that were forgotten before their window ended, for want of room.
    pub fn keys_forgotten_total(&self) -> u64 {
        self.keys.forgotten_total()
    }

    /// Forgets the oldest keys, down to so many.
    pub fn keep_newest_keys(&mut self, keys_max: u32) {
        self.keys.keep(self.oldest_kept_ms(self.time_ms), keys_max);
    }

    /// Sessions remembered.
    pub fn sessions_len(&self) -> usize {
        self.sessions.len()
    }

    /// Heap taken by the keys, as allocated.
    pub fn keys_memory_bytes(&self) -> usize {
        self.keys.memory_bytes()
    }

    /// Forgets the keys that the settings do not let stay.
    pub(super) fn keep_keys(&mut self) {
        self.keep_newest_keys(self.settings.dedupe_keys_max);
    }

    /// The log's time at a record that is appended then.
    fn time_at(&self, epoch: Epoch, append_time_ms: i64) -> i64 {
        match self.applied {
            None => append_time_ms,
            Some(applied) if applied.epoch == epoch => {
                let passed_ms = append_time_ms.saturating_sub(self.last_ms).max(0);
                self.time_ms.saturating_add(passed_ms)
            }
            Some(_) => self.time_ms,
        }
    }

    /// Keys appended then, or before, are forgotten at `now_ms`.
    fn oldest_kept_ms(&self, now_ms: i64) -> i64 {
        let window_ms = i64::try_from(self.settings.dedupe_window_ms).unwrap_or(i64::MAX);
        now_ms.saturating_sub(window_ms)
    }
}
