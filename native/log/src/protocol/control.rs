//! The list of epochs: what a partition's control group agrees on, and nothing else. Plain state to
//! which commands are applied one after another, by an embedded store on one node or by consensus on
//! many (log-core, sections 2 and 5.6).

use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Epoch, Lsn, Offset};

use super::quorum::{Incarnation, Nodeset};

/// Who needs records to stay: a view, a snapshot of producers, a named hold.
pub type HolderName = Arc<str>;

/// What has the records that a log lets go of: whoever comes too late for them boots from there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    /// Whose it is.
    pub holder: HolderName,
    /// Where it is found: a path in the data directory, or an address.
    pub location: Arc<str>,
}

/// From where on somebody needs records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The first place needed.
    pub place: Lsn,
    /// Where the snapshot is that has all before; `None` of a hold, which only keeps.
    pub snapshot: Option<Arc<str>>,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// Its number.
    pub epoch: Epoch,
    /// Its leader.
    pub leader: Incarnation,
    /// Its stores.
    pub nodeset: Nodeset,
    /// Its length, once closed. The last one of a list is open.
    pub end: Option<Offset>,
}

/// What the list is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Close the last epoch and open the next.
    Advance(Advance),
    /// This snapshot has everything before this place. One that is new is noted.
    Covered(Snapshot, Lsn),
    /// Everything from this place on stays, whatever snapshots have, until the hold of this name is
    /// moved on or released.
    Hold(HolderName, Lsn),
    /// This holder needs nothing any more.
    Release(HolderName),
}

/// Closes the last epoch and opens the next. It applies only as long as that epoch is the last: whoever
/// comes first has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The epoch to close.
    pub close: Epoch,
    /// Its end.
    pub end: Offset,
    /// Who leads the next.
    pub leader: Incarnation,
    /// On which stores.
    pub nodeset: Nodeset,
}

/// Why a command was not applied. The list is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// Somebody else was first.
    #[error("epoch {} is not open; the last is {}", asked.0, open.0)]
    NotOpen {
        /// The one to be closed.
        asked: Epoch,
        /// The last one.
        open: Epoch,
    },
    /// A new holder wants what is gone.
    #[error("{holder} asks to hold records from {from} on, which are trimmed up to {trim_point}")]
    Trimmed {
        /// Which.
        holder: HolderName,
        /// From where.
        from: Lsn,
        /// What is left.
        trim_point: Lsn,
    },
    /// A hold under the name of a snapshot.
    #[error("{holder} is the name of a snapshot; choose another for the hold")]
    IsSnapshot {
        /// The name.
        holder: HolderName,
    },
}

/// The epochs of a partition that may hold a record from the trim point on. There is always one that
/// is open, the last.
///
/// Between the trim point and the first of them there is no record, and so the epochs there need not be
/// known: a partition that gets no records gets a new epoch at each start of its leader all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochList {
    /// Commands applied.
    version: u64,
    /// In order, without gaps.
    closed: Vec<EpochEntry>,
    open: EpochEntry,
    holders: BTreeMap<HolderName, Holder>,
    trim_point: Lsn,
}

impl EpochList {
    /// The list of a new partition: epoch 1 is open.
    #[must_use]
    pub fn first(leader: Incarnation, nodeset: Nodeset) -> Self {
        let open = EpochEntry { epoch: Epoch(1), leader, nodeset, end: None };
        let (closed, holders) = (Vec::new(), BTreeMap::new());
        Self { version: 0, closed, open, holders, trim_point: Lsn::new(1, 0) }
    }

    /// A list from what [`Self::version`], [`Self::epochs`], [`Self::holders`] and
    /// [`Self::trim_point`] gave; `None` if these are no list's.
    #[must_use]
    pub fn from_parts(
        version: u64,
        epochs: Vec<EpochEntry>,
        holders: BTreeMap<HolderName, Holder>,
        trim_point: Lsn,
    ) -> Option<Self> {
        let mut closed = epochs;
        let open = closed.pop()?;
        let list = closed.iter().chain([&open]);
        let without_gaps = list.clone().zip(list.skip(1)).all(|(a, b)| a.epoch.0 + 1 == b.epoch.0);
        let ends = open.end.is_none() && closed.iter().all(|entry| entry.end.is_some());
        (without_gaps && ends).then_some(Self { version, closed, open, holders, trim_point })
    }

    /// How many commands were applied: a list with a lower one is older.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The open epoch.
    #[must_use]
    pub const fn open(&self) -> &EpochEntry {
        &self.open
    }

    /// All epochs that may hold a record, the open one last.
    pub fn epochs(&self) -> impl DoubleEndedIterator<Item = &EpochEntry> {
        self.closed.iter().chain([&self.open])
    }

    fn oldest(&self) -> &EpochEntry {
        self.closed.first().unwrap_or(&self.open)
    }

    /// One epoch; `None` if it is not open yet, or nothing of it is left.
    #[must_use]
    pub fn get(&self, epoch: Epoch) -> Option<&EpochEntry> {
        if epoch == self.open.epoch {
            return Some(&self.open);
        }
        let first = self.closed.first()?.epoch;
        self.closed.get(epoch.0.checked_sub(first.0)? as usize)
    }

    /// Nothing before is needed any more.
    #[must_use]
    pub const fn trim_point(&self) -> Lsn {
        self.trim_point
    }

    /// Who needs what from where on.
    #[must_use]
    pub const fn holders(&self) -> &BTreeMap<HolderName, Holder> {
        &self.holders
    }

    /// The snapshot that has most, and the place up to which it has all.
    #[must_use]
    pub fn newest_snapshot(&self) -> Option<(Snapshot, Lsn)> {
        let snapshots = self
            .holders
            .iter()
            .filter_map(|(name, it)| Some((name, it.snapshot.as_ref()?, it.place)));
        let (holder, location, place) = snapshots.max_by_key(|(.., place)| *place)?;
        Some((Snapshot { holder: Arc::clone(holder), location: Arc::clone(location) }, place))
    }

    /// The first place at or after this one that may hold a record, across the ends of epochs. Of an
    /// epoch that is not open yet, or is gone: the place itself.
    #[must_use]
    pub fn next_place(&self, mut place: Lsn) -> Lsn {
        let first = Lsn { epoch: self.oldest().epoch, offset: Offset(0) };
        if place >= self.trim_point && place < first {
            place = first;
        }
        while let Some(end) = self.get(place.epoch).and_then(|entry| entry.end)
            && place.offset >= end
        {
            place = Lsn::new(place.epoch.0 + 1, 0);
        }
        place
    }

    /// Applies a command, or leaves the list as it was and says why.
    pub fn apply(&mut self, command: &Command) -> Result<(), CommandRefused> {
        match command {
            Command::Advance(advance) => self.advance(advance)?,
            Command::Covered(snapshot, up_to) => self.covered(snapshot, *up_to)?,
            Command::Hold(holder, from) => self.hold(holder, *from)?,
            Command::Release(holder) => {
                self.holders.remove(holder);
                self.move_trim_point();
            }
        }
        self.version += 1;
        Ok(())
    }

    fn advance(&mut self, advance: &Advance) -> Result<(), CommandRefused> {
        let open = self.open.epoch;
        if advance.close != open {
            return Err(CommandRefused::NotOpen { asked: advance.close, open });
        }
        let (leader, nodeset) = (advance.leader, advance.nodeset.clone());
        let next = EpochEntry { epoch: Epoch(open.0 + 1), leader, nodeset, end: None };
        let mut closed = std::mem::replace(&mut self.open, next);
        closed.end = Some(advance.end);
        self.closed.push(closed);
        Ok(())
    }

    /// A snapshot's place never moves back.
    fn covered(&mut self, snapshot: &Snapshot, up_to: Lsn) -> Result<(), CommandRefused> {
        let Snapshot { holder, location } = snapshot;
        match self.holders.get_mut(holder) {
            Some(known) => {
                known.place = up_to.max(known.place);
                known.snapshot = Some(Arc::clone(location));
            }
            None => self.insert(holder, up_to, Some(Arc::clone(location)))?,
        }
        self.move_trim_point();
        Ok(())
    }

    /// A hold's place may move back, as far as there are records.
    fn hold(&mut self, holder: &HolderName, from: Lsn) -> Result<(), CommandRefused> {
        if self.holders.get(holder).is_some_and(|known| known.snapshot.is_some()) {
            return Err(CommandRefused::IsSnapshot { holder: Arc::clone(holder) });
        }
        self.insert(holder, from, None)?;
        self.move_trim_point();
        Ok(())
    }

    fn insert(
        &mut self,
        holder: &HolderName,
        place: Lsn,
        snapshot: Option<Arc<str>>,
    ) -> Result<(), CommandRefused> {
        if place < self.trim_point {
            let (holder, trim_point) = (Arc::clone(holder), self.trim_point);
            return Err(CommandRefused::Trimmed { holder, from: place, trim_point });
        }
        self.holders.insert(Arc::clone(holder), Holder { place, snapshot });
        Ok(())
    }

    /// Only what a snapshot has may go: a hold keeps, it never lets go of what nobody has.
    fn move_trim_point(&mut self) {
        if self.holders.values().all(|holder| holder.snapshot.is_none()) {
            return;
        }
        let needed = self.holders.values().map(|holder| holder.place).min();
        self.trim_point = self.trim_point.max(needed.unwrap_or_default());
        let from = self.next_place(self.trim_point).epoch;
        self.closed.retain(|entry| entry.epoch >= from);
    }
}

#[cfg(test)]
mod tests;
