//! Whether the journal's disk has room: what has to stay free on it, and when it is short of that.
//!
//! A disk that is short takes no appends until it has a quarter more than it needs: one that turned at
//! the same figure both ways would take one request and refuse the next.

use parking_lot::Mutex;
use std::{path::Path, sync::Arc, time::Duration};

use super::Files;
use crate::runtime::DiskSpace;

/// The disk is asked this often at most how much is free.
const ASK_INTERVAL: Duration = Duration::from_millis(250);

/// What has to stay free on the journal's disk: seals, trims and segments still find room there, and
/// what they free brings the disk back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskReserve {
    /// So many bytes,
    pub min_bytes: u64,
    /// or this share of the disk, in percent, where that is less: a small disk can be used too.
    pub min_percent: u32,
}

impl DiskReserve {
    /// The disk may be filled to the last byte.
    pub const NONE: Self = Self { min_bytes: 0, min_percent: 0 };

    /// On a disk of this size, in bytes.
    #[must_use]
    pub fn of(self, total_bytes: u64) -> u64 {
        self.min_bytes.min(total_bytes / 100 * u64::from(self.min_percent))
    }
}

/// The disk is short of room. Nothing was written; it goes on by itself once there is more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk of {} has {free_bytes} bytes free and the journal needs {needed_bytes} to write; it goes on by itself at {resume_bytes}. Free some, add disk, or lower log.disk_free_min_bytes or log.disk_free_min_percent",
    dir.display()
)]
pub struct DiskShortage {
    /// The journal's folder.
    pub dir: Arc<Path>,
    /// Free when it was found short.
    pub free_bytes: u64,
    /// What has to stay free, and a new file where one is due.
    pub needed_bytes: u64,
    /// Appends are taken again once so much is free.
    pub resume_bytes: u64,
}

/// The disk as an operator asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskStatus {
    /// The journal's folder.
    pub dir: Arc<Path>,
    /// What is free, as it said a moment ago.
    pub free_bytes: u64,
    /// How large it is.
    pub total_bytes: u64,
    /// What has to stay free.
    pub min_bytes: u64,
    /// While appends are refused: what would have to be free.
    pub resume_bytes: Option<u64>,
}

/// What is known of the disk's room.
pub(super) struct Space {
    dir: Arc<Path>,
    reserve: DiskReserve,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What the disk said, and when.
    said: Option<(Duration, DiskSpace)>,
    /// The least that a new file takes, where one was due and found no room.
    file_bytes: u64,
    is_short: bool,
}

impl Space {
    pub(super) fn new(dir: Arc<Path>, reserve: DiskReserve) -> Self {
        Self { dir, reserve, known: Mutex::default() }
    }

    fn shortage(&self, space: DiskSpace, file_bytes: u64) -> DiskShortage {
        let min_bytes = self.reserve.of(space.total_bytes);
        let needed_bytes = min_bytes.saturating_add(file_bytes);
        DiskShortage {
            dir: Arc::clone(&self.dir),
            free_bytes: space.free_bytes,
            needed_bytes,
            resume_bytes: needed_bytes.saturating_add(min_bytes / 4),
        }
    }

    /// Looks whether there is room, as the disk says now.
    fn judge(&self, known: &mut Known, space: DiskSpace) -> Result<(), DiskShortage> {
        let shortage = self.shortage(space, known.file_bytes);
        let enough = if known.is_short { shortage.resume_bytes } else { shortage.needed_bytes };
        known.is_short = space.free_bytes < enough;
        if known.is_short {
            return Err(shortage);
        }
        known.file_bytes = 0;
        Ok(())
    }
}

impl Files {
    /// Whether appends may be taken: the disk has what has to stay free. Files that were kept to be
    /// written again are given up first.
    pub fn check_space(&self) -> Result<(), DiskShortage> {
        let space = self.disk_space();
        let mut known = self.space.known.lock();
        let Err(shortage) = self.space.judge(&mut known, space) else { return Ok(()) };
        drop(known);
        if self.give_up_spares() {
            let space = self.disk_space();
            return self.space.judge(&mut self.space.known.lock(), space);
        }
        Err(shortage)
    }

    /// Whether the disk was short of room when it was last looked at.
    pub(super) fn is_short(&self) -> bool {
        self.space.known.lock().is_short
    }

    /// The disk, for people. It also looks whether there is room again.
    pub fn disk_status(&self) -> DiskStatus {
        let shortage = self.check_space().err();
        let DiskSpace { free_bytes, total_bytes } = self.disk_space();
        DiskStatus {
            dir: Arc::clone(&self.space.dir),
            free_bytes,
            total_bytes,
            min_bytes: self.space.reserve.of(total_bytes),
            resume_bytes: shortage.map(|it| it.resume_bytes),
        }
    }

    /// What the disk said a moment ago. One that does not say counts as empty: should it be full after
    /// all, the next file cannot be made, and that is what is told.
    fn disk_space(&self) -> DiskSpace {
        let now = self.runtime.clock.elapsed();
        if let Some((asked_at, space)) = self.space.known.lock().said
            && now.saturating_sub(asked_at) < ASK_INTERVAL
        {
            return space;
        }
        let empty = DiskSpace { free_bytes: u64::MAX, total_bytes: u64::MAX };
        let space = self.runtime.disk.space(&self.dir).unwrap_or(empty);
        self.space.known.lock().said = Some((now, space));
        space
    }

    /// The disk is asked anew the next time: files were made or removed.
    pub(super) fn forget_space(&self) {
        self.space.known.lock().said = None;
    }

    /// What the disk has over what has to stay free.
    pub(super) fn bytes_over_reserve(&self) -> u64 {
        self.forget_space();
        let space = self.disk_space();
        space.free_bytes.saturating_sub(self.space.reserve.of(space.total_bytes))
    }

    /// The disk refused what it was thought to have room for.
    pub(crate) fn found_full(&self) -> DiskShortage {
        self.forget_space();
        self.note_shortage(0)
    }

    /// A new file of this size, the smallest that would do, finds no room.
    pub(super) fn note_shortage(&self, file_bytes: u64) -> DiskShortage {
        let space = self.disk_space();
        let mut known = self.space.known.lock();
        known.is_short = true;
        known.file_bytes = file_bytes;
        self.space.shortage(space, file_bytes)
    }
}
