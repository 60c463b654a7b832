//! The last records of each session.

use std::collections::{BTreeMap, VecDeque};

use varve_types::Lsn;

use super::{SessionId, SessionVerdict};

/// Places remembered per session: a client has at most as many records on their way.
pub(super) const RECENT_MAX: usize = 16;

/// What is remembered of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) last_seq: u64,
    /// Places of the last records, the newest at the end: of `last_seq` and those before it.
    pub(super) recent: VecDeque<Lsn>,
}

/// Sessions, and the order in which they wrote last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    by_id: BTreeMap<SessionId, Session>,
    /// By the place of the last record, which is its place in time too: append times of one
    /// partition never count backwards (see the table).
    by_last: BTreeMap<Lsn, SessionId>,
}

impl Sessions {
    pub(super) fn check(&self, id: SessionId, seq: u64) -> SessionVerdict {
        let Some(session) = self.by_id.get(&id) else {
            return if seq == 0 { SessionVerdict::New } else { SessionVerdict::UnknownSession };
        };
        let Some(age) = session.last_seq.checked_sub(seq) else {
            let expected = session.last_seq + 1;
            return if seq == expected {
                SessionVerdict::New
            } else {
                SessionVerdict::OutOfSequence { expected }
            };
        };
        let place = usize::try_from(age).ok().and_then(|age| session.recent.iter().nth_back(age));
        place.map_or(SessionVerdict::DuplicateTooOld, |&lsn| SessionVerdict::Duplicate(lsn))
    }

    /// Notes a committed record. The log is followed also where no check would have let it come:
    /// a number that was seen is passed over, a gap begins the places anew.
    pub(super) fn committed(&mut self, id: SessionId, seq: u64, lsn: Lsn, sessions_max: u32) {
        let session = self
            .by_id
            .entry(id)
            .or_insert_with(|| Session { last_seq: seq, recent: VecDeque::new() });
        if let Some(last) = session.recent.back() {
            if seq <= session.last_seq {
                return;
            }
            self.by_last.remove(last);
            if seq - session.last_seq > 1 {
                session.recent.clear();
            }
        }
        session.last_seq = seq;
        session.recent.push_back(lsn);
        if session.recent.len() > RECENT_MAX {
            session.recent.pop_front();
        }
        self.by_last.insert(lsn, id);
        self.keep(sessions_max);
    }

    /// Takes a session of a snapshot. False for one that cannot be: without places, with too many,
    /// or with those of another.
    pub(super) fn restore(&mut self, id: SessionId, session: Session) -> bool {
        let Some(&last) = session.recent.back() else { return false };
        session.recent.len() <= RECENT_MAX
            && self.by_last.insert(last, id).is_none()
            && self.by_id.insert(id, session).is_none()
    }

    /// Forgets the sessions that were silent longest, down to `sessions_max`.
    pub(super) fn keep(&mut self, sessions_max: u32) {
        while self.by_id.len() > sessions_max as usize {
            let Some((_, id)) = self.by_last.pop_first() else { return };
            self.by_id.remove(&id);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.by_id.iter().map(|(&id, session)| (id, session))
    }
}
