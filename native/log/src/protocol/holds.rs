//! Named holds: somebody who is slow, or makes a copy, keeps records from being trimmed, for a while.
//! A hold is over all partitions, also those to come; each partition's list has its place.
//!
//! Time comes from outside: whoever drives this says when it is, and what has expired holds no longer.

use std::{collections::BTreeMap, sync::Arc};
use varve_types::{ErrorCode, Lsn, PartitionId};

use super::{
    control::{Command, CommandRefused, EpochList, HolderName},
    quorum::{Incarnation, Nodeset},
};

/// The most holds at once, expired ones counted.
pub const HOLDS_MAX: usize = 100;
/// The longest name of a hold, or of its owner, in bytes.
pub const HOLD_NAME_MAX_BYTES: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// By which it is moved on and released.
    pub name: HolderName,
    /// Whom to ask about it.
    pub owner: Arc<str>,
    /// How long it holds unless it is set again.
    pub max_age_ms: u64,
    /// By partition, the first place that must stay. A partition that is missing here keeps the hold's
    /// place before; a new hold begins at the first record that there is.
    pub from: BTreeMap<PartitionId, Lsn>,
}

/// A hold, without its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// Whom to ask about it.
    pub owner: Arc<str>,
    /// When it was set or moved last, in milliseconds since 1970.
    pub set_at_ms: i64,
    /// How long it holds from then on.
    pub max_age_ms: u64,
    /// It was older than that: it holds nothing any more, and is still told of.
    pub expired: bool,
}

impl HoldTerms {
    /// How long it holds yet; 0 once it is too old. A clock that went back makes it no older.
    #[must_use]
    pub fn left_ms(&self, now_ms: i64) -> u64 {
        let age_ms = now_ms.saturating_sub(self.set_at_ms).max(0).cast_unsigned();
        self.max_age_ms.saturating_sub(age_ms)
    }
}

/// Why a hold was not set. Everything is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// Not a name.
    #[error(
        "'{name}' names no hold and no owner: 1 to {HOLD_NAME_MAX_BYTES} letters, digits, '.', '_', '-' are allowed"
    )]
    Name {
        /// As it came.
        name: Arc<str>,
    },
    /// Longer than the setting allows.
    #[error("a hold of {asked_ms} ms is over log.hold_max_age = {max_ms} ms; set it again in time")]
    TooLong {
        /// Asked for.
        asked_ms: u64,
        /// The setting.
        max_ms: u64,
    },
    /// There are too many.
    #[error("there are {HOLDS_MAX} holds already; release one that is not needed")]
    TooMany,
    /// Control does not apply it.
    #[error("{partition}: {refused}")]
    Refused {
        /// In which partition.
        partition: PartitionId,
        /// Why.
        refused: CommandRefused,
    },
    /// The log never gave the place.
    #[error("{partition} is to be held from {from} on, but ends at {tail}")]
    Ahead {
        /// In which partition.
        partition: PartitionId,
        /// Asked for.
        from: Lsn,
        /// The first place that is not committed.
        tail: Lsn,
    },
    /// The log takes no commands.
    #[error("holds cannot be changed: {reason}")]
    Unavailable {
        /// Why.
        reason: Arc<str>,
    },
}

impl HoldError {
    /// What crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable { .. } => ErrorCode::ReadOnly,
            _ => ErrorCode::HoldRefused,
        }
    }
}

/// Control of all partitions: their lists, and the holds over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    lists: BTreeMap<PartitionId, Arc<EpochList>>,
    holds: BTreeMap<HolderName, HoldTerms>,
}

impl Control {
    /// From what [`Self::lists`] and [`Self::holds`] gave.
    #[must_use]
    pub const fn from_parts(
        lists: BTreeMap<PartitionId, Arc<EpochList>>,
        holds: BTreeMap<HolderName, HoldTerms>,
    ) -> Self {
        Self { lists, holds }
    }

    /// The lists of all partitions.
    #[must_use]
    pub const fn lists(&self) -> &BTreeMap<PartitionId, Arc<EpochList>> {
        &self.lists
    }

    /// A partition's list, if it has one.
    #[must_use]
    pub fn list(&self, partition: PartitionId) -> Option<&Arc<EpochList>> {
        self.lists.get(&partition)
    }

    /// All holds, also those that are expired.
    #[must_use]
    pub const fn holds(&self) -> &BTreeMap<HolderName, HoldTerms> {
        &self.holds
    }

    /// Where a hold keeps each partition from being trimmed.
    #[must_use]
    pub fn places_of(&self, name: &str) -> BTreeMap<PartitionId, Lsn> {
        let place = |(partition, list): (&PartitionId, &Arc<EpochList>)| {
            Some((*partition, list.holders().get(name)?.place))
        };
        self.lists.iter().filter_map(place).collect()
    }

    /// Gives a new partition its first epoch. What holds the others holds it, too.
    pub fn create(&mut self, partition: PartitionId, leader: Incarnation, nodeset: &Nodeset) {
        if self.lists.contains_key(&partition) {
            return;
        }
        let mut list = EpochList::first(leader, nodeset.clone());
        for (name, _) in self.holds.iter().filter(|(_, terms)| !terms.expired) {
            // Never refused: nothing of the partition is trimmed, and no snapshot is of it.
            let _held = list.apply(&Command::Hold(Arc::clone(name), list.trim_point()));
        }
        self.lists.insert(partition, Arc::new(list));
    }

    /// Takes the list of a partition that has none here.
    pub fn restore(&mut self, partition: PartitionId, list: EpochList) {
        self.lists.entry(partition).or_insert_with(|| Arc::new(list));
    }

    /// Puts this in the place of a partition's list, `None` for none. For whoever makes changes durable:
    /// to read them again, and to take back one that could not be written.
    pub fn set(&mut self, partition: PartitionId, list: Option<Arc<EpochList>>) {
        match list {
            Some(list) => drop(self.lists.insert(partition, list)),
            None => drop(self.lists.remove(&partition)),
        }
    }

    /// Applies a command to a partition's list; one without a list has nobody who would ask.
    pub fn apply(
        &mut self,
        partition: PartitionId,
        command: &Command,
    ) -> Option<Result<(), CommandRefused>> {
        Some(Arc::make_mut(self.lists.get_mut(&partition)?).apply(command))
    }

    /// Sets a hold, moves it on, or begins its age anew. On an error everything is as it was.
    pub fn hold(&mut self, hold: &Hold, now_ms: i64) -> Result<(), HoldError> {
        let Hold { name, owner, max_age_ms, from } = hold;
        for text in [name, owner] {
            check_name(text)?;
        }
        if !self.holds.contains_key(name) && self.holds.len() >= HOLDS_MAX {
            return Err(HoldError::TooMany);
        }
        let mut lists = self.lists.clone();
        for (&partition, list) in &mut lists {
            let before = list.holders().get(name).map(|holder| holder.place);
            let asked = from.get(&partition).map(|&from| from.max(Lsn::new(1, 0)));
            let place = asked.or(before).unwrap_or(list.trim_point());
            let applied = Arc::make_mut(list).apply(&Command::Hold(Arc::clone(name), place));
            applied.map_err(|refused| HoldError::Refused { partition, refused })?;
        }
        self.lists = lists;
        let terms = HoldTerms {
            owner: Arc::clone(owner),
            set_at_ms: now_ms,
            max_age_ms: *max_age_ms,
            expired: false,
        };
        self.holds.insert(Arc::clone(name), terms);
        Ok(())
    }

    /// Lets a hold go; false if there is none of the name.
    pub fn release(&mut self, name: &str) -> bool {
        let Some((name, _)) = self.holds.remove_entry(name) else { return false };
        self.release_places(&name);
        true
    }

    /// Lets go what is too old. Answers which holds these are.
    pub fn expire(&mut self, now_ms: i64) -> Vec<HolderName> {
        let is_old = |terms: &HoldTerms| !terms.expired && terms.left_ms(now_ms) == 0;
        let old = self.holds.iter_mut().filter(|(_, terms)| is_old(terms));
        let mut expired = Vec::new();
        for (name, terms) in old {
            terms.expired = true;
            expired.push(Arc::clone(name));
        }
        for name in &expired {
            self.release_places(name);
        }
        expired
    }

    /// In how long the next hold expires; `None` if there is none that will.
    #[must_use]
    pub fn next_expiry_ms(&self, now_ms: i64) -> Option<u64> {
        let live = self.holds.values().filter(|terms| !terms.expired);
        live.map(|terms| terms.left_ms(now_ms)).min()
    }

    fn release_places(&mut self, name: &HolderName) {
        for list in self.lists.values_mut() {
            if list.holders().contains_key(name) {
                // A release is never refused.
                let _released = Arc::make_mut(list).apply(&Command::Release(Arc::clone(name)));
            }
        }
    }
}

fn check_name(name: &Arc<str>) -> Result<(), HoldError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=HOLD_NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(HoldError::Name { name: Arc::clone(name) })
}

#[cfg(test)]
mod tests;
