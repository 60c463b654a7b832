//! Records that the leader is writing, and who waits for them.

use std::collections::BTreeMap;

use super::SessionId;

/// Records handed to the log whose fate is not known. A retry that arrives meanwhile is attached to
/// the first one and gets the same answer.
///
/// The leader writes a session's records in order: when one fails, those behind it fail too.
#[derive(Debug)]
pub struct InFlight<W> {
    /// Waiters by number in the session; the numbers of one session have no gap.
    sessions: BTreeMap<(SessionId, u64), Vec<W>>,
    keys: BTreeMap<u128, Vec<W>>,
}

impl<W> InFlight<W> {
    pub(super) fn new() -> Self {
        Self { sessions: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// Notes a record. One that is being written already keeps its waiters.
    pub(super) fn begin(&mut self, session: Option<(SessionId, u64)>, key: u128) {
        if let Some(session) = session {
            self.sessions.entry(session).or_default();
        }
        if key != 0 {
            self.keys.entry(key).or_default();
        }
    }

    /// Has `waiter` told what becomes of a session's record; gives it back if none is being written.
    pub fn attach(&mut self, session: SessionId, seq: u64, waiter: W) -> Result<(), W> {
        attached(self.sessions.get_mut(&(session, seq)), waiter)
    }

    /// Has `waiter` told what becomes of the record with this key; gives it back if none is being
    /// written.
    pub fn attach_key(&mut self, key: u128, waiter: W) -> Result<(), W> {
        attached(self.keys.get_mut(&key), waiter)
    }

    /// Forgets a record whose fate is known, and gives whoever waits for it, in the order they came.
    pub fn settle(&mut self, session: Option<(SessionId, u64)>, key: u128) -> Vec<W> {
        let mut waiters =
            session.and_then(|session| self.sessions.remove(&session)).unwrap_or_default();
        waiters.append(&mut self.keys.remove(&key).unwrap_or_default());
        waiters
    }

    /// Forgets all, and gives whoever waits: the leader was sealed, or its log failed.
    pub fn settle_all(&mut self) -> Vec<W> {
        let sessions = std::mem::take(&mut self.sessions).into_values();
        let keys = std::mem::take(&mut self.keys).into_values();
        sessions.chain(keys).flatten().collect()
    }

    /// The first and the last number of a session that are being written.
    pub(super) fn session_range(&self, session: SessionId) -> Option<(u64, u64)> {
        let mut range = self.sessions.range((session, 0)..=(session, u64::MAX));
        let (&(_, first), _) = range.next()?;
        Some((first, range.next_back().map_or(first, |(&(_, last), _)| last)))
    }

    pub(super) fn has_key(&self, key: u128) -> bool {
        self.keys.contains_key(&key)
    }
}

fn attached<W>(waiters: Option<&mut Vec<W>>, waiter: W) -> Result<(), W> {
    match waiters {
        Some(waiters) => {
            waiters.push(waiter);
            Ok(())
        }
        None => Err(waiter),
    }
}
