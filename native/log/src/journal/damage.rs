//! Frames that were on disk and cannot be read any more: rot. What they held is unknown, never absent.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use varve_types::{Lsn, PartitionId};

/// A damaged stretch of a journal file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where the damage starts.
    pub position: u64,
    /// Where the next sound frame starts.
    pub end: u64,
    /// What is wrong there.
    pub reason: Arc<str>,
    /// The records that were there, as far as that is known.
    pub lost: Vec<LostRange>,
    /// Whether `lost` is all that was there. If not, any partition may lack records that were
    /// written about then.
    pub is_known: bool,
}

/// Records of one partition and epoch that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostRange {
    /// Whose.
    pub partition: PartitionId,
    /// The first.
    pub from: Lsn,
    /// The place behind the last.
    pub next: Lsn,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, position, end, reason, lost, is_known } = self;
        write!(formatter, "{}, bytes {position} to {end}: {reason}", path.display())?;
        for LostRange { partition, from, next } in lost {
            write!(formatter, "; {partition} lost {from} to before {next}")?;
        }
        formatter.write_str(match (is_known, lost.is_empty()) {
            (true, true) => "; no record is lost",
            (true, false) => "",
            (false, _) => "; what else was there is not known",
        })
    }
}

/// The last group of the journal, where a start did not find it whole and cut it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutTail {
    /// The file.
    pub path: PathBuf,
    /// Where the group started, and the file ends now.
    pub position: u64,
    /// Where what was found of it ended.
    pub end: u64,
    /// Records of it that could still be read.
    pub sound_records: u64,
    /// Its end was there: all of it had been written, and some of it was damaged.
    pub has_end: bool,
}

impl fmt::Display for CutTail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, position, end, sound_records, has_end } = self;
        let path = path.display();
        write!(formatter, "{path}, bytes {position} to {end}: the last group ")?;
        formatter.write_str(if *has_end {
            "is damaged and was cut; it was acknowledged if it was synced before the disk damaged it"
        } else {
            "was not written whole and was cut; it was acknowledged only if the disk lost what it had synced"
        })?;
        write!(formatter, "; {sound_records} of its records were sound")
    }
}

/// Most damaged stretches that are kept by name. They are counted beyond.
const NAMED_MAX: usize = 1_000;

/// All damage that was found, of files that are still there.
#[derive(Default)]
pub(super) struct Damages {
    pub(super) named: Vec<Damage>,
    /// Found since the start, also in files that are gone.
    pub(super) total: u64,
    /// Those among them of which nothing is known.
    pub(super) unknown: u64,
    /// What this start cut off.
    pub(super) cut_tail: Option<CutTail>,
}

impl Damages {
    /// Takes damage in, once.
    pub(super) fn note(&mut self, damage: Damage) {
        let is_known = |it: &Damage| it.path == damage.path && it.position == damage.position;
        if self.named.iter().any(is_known) {
            return;
        }
        self.total += 1;
        self.unknown += u64::from(!damage.is_known);
        if self.named.len() < NAMED_MAX {
            self.named.push(damage);
        }
    }

    /// Whether nothing is known of some frame.
    pub(super) fn has_unknown(&self) -> bool {
        self.named.iter().any(|damage| !damage.is_known)
    }

    /// The file is gone.
    pub(super) fn forget(&mut self, path: &Path) {
        self.named.retain(|damage| damage.path != path);
    }
}
