//! The content of one file: as it is read, as it is durable, and what lies between.

use std::{collections::BTreeMap, io};

use super::Dice;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

type Sector = [u8; SECTOR_BYTES];

/// Sectors that were never written are zeros, and take nothing here either.
#[derive(Clone, Default)]
struct Sectors {
    len_bytes: u64,
    written: BTreeMap<u64, Sector>,
}

/// A change of a sector's bytes from `start` on, or of the length.
enum Change {
    Write { sector: u64, start: usize, bytes: Vec<u8> },
    Length(u64),
}

/// See the module.
#[derive(Default)]
pub(super) struct Content {
    now: Sectors,
    durable: Sectors,
    pending: Vec<Change>,
}

impl Sectors {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { sector, start, bytes } => {
                let end = start + bytes.len();
                let written = self.written.entry(*sector).or_insert([0; SECTOR_BYTES]);
                if let Some(into) = written.get_mut(*start..end) {
                    into.copy_from_slice(bytes);
                }
                self.len_bytes = self.len_bytes.max(sector * SECTOR_BYTES as u64 + end as u64);
            }
            Change::Length(len_bytes) => {
                self.len_bytes = *len_bytes;
                self.written.split_off(&len_bytes.div_ceil(SECTOR_BYTES as u64));
                let last = self.written.get_mut(&(len_bytes / SECTOR_BYTES as u64));
                let kept = (len_bytes % SECTOR_BYTES as u64) as usize;
                if let Some(cut) = last.and_then(|last| last.get_mut(kept..)) {
                    cut.fill(0);
                }
            }
        }
    }
}

impl Content {
    pub(super) fn len_bytes(&self) -> u64 {
        self.now.len_bytes
    }

    pub(super) fn read(&self, into: &mut [u8], position: u64) -> io::Result<()> {
        if position + into.len() as u64 > self.now.len_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (byte, at) in into.iter_mut().zip(position..) {
            let sector = self.now.written.get(&(at / SECTOR_BYTES as u64));
            let within = (at % SECTOR_BYTES as u64) as usize;
            *byte = sector.and_then(|sector| sector.get(within)).copied().unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8], position: u64) {
        let (mut rest, mut at) = (bytes, position);
        while !rest.is_empty() {
            let start = (at % SECTOR_BYTES as u64) as usize;
            let (here, after) = rest.split_at(rest.len().min(SECTOR_BYTES - start));
            let sector = at / SECTOR_BYTES as u64;
            self.change(Change::Write { sector, start, bytes: here.to_vec() });
            (rest, at) = (after, at + here.len() as u64);
        }
    }

    pub(super) fn set_len(&mut self, len_bytes: u64) {
        self.change(Change::Length(len_bytes));
    }

    fn change(&mut self, change: Change) {
        self.now.apply(&change);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            self.durable.apply(&change);
        }
    }

    /// What is durable, and some of the rest.
    pub(super) fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut left = self.durable.clone();
        for change in self.pending.iter().filter(|_| dice.survives()) {
            left.apply(change);
        }
        Self { now: left.clone(), durable: left, pending: Vec::new() }
    }
}
