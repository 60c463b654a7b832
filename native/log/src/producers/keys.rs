//! Keys of requests, oldest first, and an index of them.

use std::collections::VecDeque;

use hashbrown::HashTable;
use varve_types::Lsn;

/// One key and its record, in 36 bytes: bytes rather than numbers, which would be padded to 48.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    key: [u8; 16],
    epoch: u32,
    offset: [u8; 8],
    append_time_ms: [u8; 8],
}

impl Entry {
    fn lsn(&self) -> Lsn {
        Lsn::new(self.epoch, u64::from_le_bytes(self.offset))
    }
}

/// Room for so many is never given back.
const KEPT_ENTRIES: usize = 1_024;

/// A queue of keys, and where in it each one is. A key takes 36 bytes in the queue and, between two
/// sizes of the index, 6 to 12 in that.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    entries: VecDeque<Entry>,
    /// A key's number, counted from the first one ever; it wraps.
    index: HashTable<u32>,
    /// Number of the first entry.
    first: u32,
    /// Forgotten before they were too old. For people: no part of what is known.
    forgotten_total: u64,
}

impl PartialEq for Keys {
    /// The same keys in the same order: the index and the numbers follow from them, or do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Keys {}

impl Keys {
    pub(super) fn get(&self, key: u128) -> Option<Lsn> {
        self.get_with_time(key).map(|(lsn, _)| lsn)
    }

    /// The place of a key's record, and when that was appended.
    pub(super) fn get_with_time(&self, key: u128) -> Option<(Lsn, i64)> {
        let key = key.to_le_bytes();
        let entry = |number: u32| self.entries.get(number.wrapping_sub(self.first) as usize);
        let number = self
            .index
            .find(hash(&key), |&number| entry(number).is_some_and(|entry| entry.key == key))?;
        entry(*number).map(|entry| (entry.lsn(), i64::from_le_bytes(entry.append_time_ms)))
    }

    /// Takes a key that is not known yet; `keys_max` sizes the queue.
    pub(super) fn push(&mut self, key: u128, lsn: Lsn, append_time_ms: i64, keys_max: u32) {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            // Doubled, but never over what will be used.
            let room = (keys_max as usize).saturating_sub(len);
            self.entries.reserve_exact(len.max(64).min(room).max(1));
        }
        let entry = Entry {
            key: key.to_le_bytes(),
            epoch: lsn.epoch.0,
            offset: lsn.offset.0.to_le_bytes(),
            append_time_ms: append_time_ms.to_le_bytes(),
        };
        self.entries.push_back(entry);
        let (entries, first) = (&self.entries, self.first);
        self.index.insert_unique(hash(&entry.key), first.wrapping_add(len as u32), |&number| {
            let entry = entries.get(number.wrapping_sub(first) as usize);
            entry.map_or(0, |entry| hash(&entry.key))
        });
    }

    /// Forgets the oldest keys: those appended at or before `before_ms`, and those beyond `keys_max`.
    pub(super) fn keep(&mut self, before_ms: i64, keys_max: u32) {
        while let Some(&entry) = self.entries.front() {
            let old = i64::from_le_bytes(entry.append_time_ms) <= before_ms;
            if !old && self.entries.len() <= keys_max as usize {
                break;
            }
            let first = self.first;
            self.forgotten_total += u64::from(!old);
            if let Ok(slot) = self.index.find_entry(hash(&entry.key), |&number| number == first) {
                slot.remove();
            }
            self.entries.pop_front();
            self.first = first.wrapping_add(1);
        }
        self.give_back();
    }

    /// Gives back what a time of many requests took, once a quarter of it is enough.
    fn give_back(&mut self) {
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        if capacity <= KEPT_ENTRIES || len > capacity / 4 {
            return;
        }
        self.entries.shrink_to(2 * len);
        let (entries, first) = (&self.entries, self.first);
        self.index.shrink_to(2 * len, |&number| {
            let entry = entries.get(number.wrapping_sub(first) as usize);
            entry.map_or(0, |entry| hash(&entry.key))
        });
    }

    pub(super) const fn forgotten_total(&self) -> u64 {
        self.forgotten_total
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Of the heap, as allocated.
    pub(super) fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.index.allocation_size()
    }

    /// Key, place and append time, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u128, Lsn, i64)> {
        self.entries.iter().map(|entry| {
            let append_time_ms = i64::from_le_bytes(entry.append_time_ms);
            (u128::from_le_bytes(entry.key), entry.lsn(), append_time_ms)
        })
    }
}

/// Keys are hashes themselves: mixing both halves is enough.
fn hash(key: &[u8; 16]) -> u64 {
    let key = u128::from_le_bytes(*key);
    (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
