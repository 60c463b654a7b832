//! What a start finds: reads every file's frames, cuts a torn tail, refuses rot.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError,
    file_header::{FILE_HEADER_BYTES, FORMAT_VERSION, FileHeader, FileHeaderError},
    index::{FileIndex, JournalFile},
    scan::{Check, Scan, later_group_exists, scan},
};
use crate::{producers::CommittedRecord, runtime::Disk};
use varve_types::PartitionId;

/// What is in the journal, all of it durable.
pub(super) struct Recovered {
    /// Oldest first.
    pub(super) files: VecDeque<FileIndex>,
    /// As the files say it; `None` when there are none.
    pub(super) store_id: Option<u128>,
    pub(super) next_sequence: u64,
    pub(super) next_group: u64,
    /// Records with an idempotency key, in their order.
    pub(super) keyed: Vec<(PartitionId, CommittedRecord)>,
}

/// The name of the file with this sequence number.
pub(super) fn file_name(sequence: u64) -> String {
    format!("{sequence:016}.wal")
}

/// Reads all journal files of `dir`. `store_id`: whose they must be, if that is known.
pub(super) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    store_id: Option<u128>,
) -> Result<Recovered, OpenError> {
    let mut found = Recovered {
        files: VecDeque::new(),
        store_id,
        next_sequence: 1,
        next_group: 1,
        keyed: Vec::new(),
    };
    let mut files = Vec::new();
    for (sequence, path) in journal_files(disk, dir)? {
        files.push(open(disk, sequence, path, &mut found.store_id)?);
    }
    refuse_gaps(&files)?;
    let last = files.len().saturating_sub(1);
    for (number, file) in files.iter().enumerate() {
        let scan = if number == last {
            whole_groups_of_last(file)?
        } else {
            let next = files.get(number + 1).map_or(0, |next| next.first_group);
            whole_groups_of_closed(file, next)?
        };
        found.next_sequence = file.sequence + 1;
        found.next_group = scan.next_group;
        found.keyed.extend(scan.keyed);
        found.files.push_back(scan.index);
    }
    Ok(found)
}

/// Only the oldest files may be gone.
fn refuse_gaps(files: &[Arc<JournalFile>]) -> Result<(), OpenError> {
    let gap = files.windows(2).find_map(|pair| match pair {
        [before, after] if after.sequence != before.sequence + 1 => Some((before, after)),
        _ => None,
    });
    let Some((before, after)) = gap else { return Ok(()) };
    Err(damaged(after, 0, format!("{} is missing before it", file_name(before.sequence + 1))))
}

/// Paths by sequence number. Removes what a crash left of a file that was being made.
fn journal_files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let mut files = Vec::new();
    for path in disk.list(dir).map_err(failed(dir))? {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("new") => disk.remove(&path).map_err(failed(&path))?,
            Some("wal") => {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                let Some(sequence) = stem.and_then(|stem| stem.parse().ok()) else {
                    let reason = "its name is not a journal file's".to_owned();
                    return Err(OpenError::Damaged { path, position: 0, reason });
                };
                files.push((sequence, path));
            }
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

fn open(
    disk: &dyn Disk,
    sequence: u64,
    path: PathBuf,
    store_id: &mut Option<u128>,
) -> Result<Arc<JournalFile>, OpenError> {
    let file = disk.open(&path).map_err(failed(&path))?;
    let mut bytes = vec![0; FILE_HEADER_BYTES as usize];
    let header = match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => FileHeader::decode(&bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FileHeaderError::Magic),
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    let (header, salt) = match header {
        Ok(header) => header,
        Err(FileHeaderError::Version(version)) => {
            return Err(OpenError::Version { path, version, supported: FORMAT_VERSION });
        }
        Err(error) => {
            return Err(OpenError::Damaged { path, position: 0, reason: error.to_string() });
        }
    };
    if header.sequence != sequence {
        let reason = format!("it was written as {}", file_name(header.sequence));
        return Err(OpenError::Damaged { path, position: 0, reason });
    }
    if *store_id.get_or_insert(header.store_id) != header.store_id {
        return Err(OpenError::Foreign { path });
    }
    let FileHeader { epoch, first_group, .. } = header;
    Ok(Arc::new(JournalFile { file, path, salt, sequence, epoch, first_group }))
}

/// A file with one after it was synced to its end: its groups reach up to the next file's.
fn whole_groups_of_closed(file: &Arc<JournalFile>, next_group: u64) -> Result<Scan, OpenError> {
    let found = scan(file, Check::Headers).map_err(failed(&file.path))?;
    if found.next_group == next_group {
        return Ok(found);
    }
    let (position, reason) = found.stop.map_or_else(
        || (found.index.end, format!("group {} is missing", found.next_group)),
        |stop| (stop.position, stop.reason),
    );
    Err(damaged(file, position, reason))
}

/// The last file may end in a group that was being written. That group is cut, whole.
fn whole_groups_of_last(file: &Arc<JournalFile>) -> Result<Scan, OpenError> {
    let io = failed(&file.path);
    let found = scan(file, Check::Payloads).map_err(&io)?;
    if let Some(stop) = &found.stop
        && later_group_exists(file, stop.position, found.next_group).map_err(&io)?
    {
        return Err(damaged(file, stop.position, stop.reason.clone()));
    }
    make_durable(file, &found).map_err(&io)?;
    Ok(found)
}

/// Makes what was found the file's content on disk. The last group may be in the page cache only:
/// its writer was killed before the sync, or the sync failed and the kernel took the pages for clean
/// all the same. So it is written again, before anyone relies on it.
fn make_durable(file: &JournalFile, found: &Scan) -> io::Result<()> {
    let mut last_group = vec![0; (found.index.end - found.last_group_start) as usize];
    file.file.read_exact_at(&mut last_group, found.last_group_start)?;
    file.file.write_all_at(&last_group, found.last_group_start)?;
    file.file.set_len(found.index.end)?;
    file.file.sync_all()
}

fn damaged(file: &JournalFile, position: u64, reason: String) -> OpenError {
    OpenError::Damaged { path: file.path.clone(), position, reason }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path: path.clone(), source }
}
