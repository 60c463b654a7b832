//! What a start finds: reads every file's frames, cuts a torn tail, and says what is damaged.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError, checkpoint,
    file_header::{FILE_HEADER_BYTES, FORMAT_VERSION, FileHeader, FileHeaderError},
    files::Next,
    group::{CLOSING_GROUP_BYTES, GroupBuilder},
    index::{Index, JournalFile},
    scan::{Scan, Standing, scan},
    spares,
};
use crate::{producers::CommittedRecord, runtime::Disk};
use varve_types::PartitionId;

/// What is in the journal, all of it durable.
pub(super) struct Recovered {
    /// As the files say it; `None` when there are none.
    pub(super) store_id: Option<u128>,
    pub(super) next: Next,
    pub(super) spares: Vec<PathBuf>,
    /// Records with a session or a key, in their order.
    pub(super) producers: Vec<(PartitionId, CommittedRecord)>,
}

/// The name of the file with this sequence number.
pub(super) fn file_name(sequence: u64) -> String {
    format!("{sequence:016}.wal")
}

/// Reads all journal files of `dir` into the index. The second parameter says whose they must be, if
/// that is known, and which numbers come next where there are no files.
pub(super) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    (store_id, next): (Option<u128>, Next),
    index: &mut Index,
) -> Result<Recovered, OpenError> {
    let (spares, producers) = (Vec::new(), Vec::new());
    let mut found = Recovered { store_id, next, spares, producers };
    let mut files = Vec::new();
    for (sequence, path) in journal_files(disk, dir, &mut found.spares)? {
        files.push(open(disk, sequence, path, &mut found.store_id)?);
    }
    refuse_gaps(&files)?;
    for (number, file) in files.iter().enumerate() {
        let standing = match files.get(number + 1) {
            Some(next) => Standing::Closed { next_group: next.first_group },
            None => Standing::Last,
        };
        let io = failed(&file.path);
        let mut scan = match checkpoint::read(disk, file, standing) {
            Some(known) => known,
            None => scanned(disk, file, standing).map_err(&io)?,
        };
        found.next = Next { sequence: file.sequence + 1, group: scan.next_group };
        found.producers.append(&mut scan.contents.producers);
        index.open_file(Arc::clone(file), FILE_HEADER_BYTES);
        index.add(scan.contents, scan.end);
        index.note_damages(scan.damages);
        index.damages.cut_tail = scan.cut_tail;
    }
    Ok(found)
}

/// Reads a file's frames, and spares the next start the work.
fn scanned(disk: &dyn Disk, file: &Arc<JournalFile>, standing: Standing) -> io::Result<Scan> {
    let mut scan = scan(file, standing)?;
    if standing == Standing::Last {
        make_durable(file, &mut scan)?;
    }
    checkpoint::write(disk, file, &scan);
    Ok(scan)
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

/// Paths by sequence number, and of spare files. Removes what a crash left of a file that was being
/// made or removed.
fn journal_files(
    disk: &dyn Disk,
    dir: &Path,
    spares: &mut Vec<PathBuf>,
) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let (mut files, mut checkpoints) = (Vec::new(), Vec::new());
    for path in disk.list(dir).map_err(failed(dir))? {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("new") => disk.remove(&path).map_err(failed(&path))?,
            Some(spares::EXTENSION) => spares.push(path),
            Some(checkpoint::EXTENSION) => checkpoints.push(path),
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
    let is_known = |path: &&PathBuf| {
        let file = path.with_extension("wal");
        files.iter().any(|(_, known)| *known == file)
    };
    for orphan in checkpoints.iter().filter(|path| !is_known(path)) {
        // A crash came before its removal was durable. One that stays harms nobody.
        let _removed = disk.remove(orphan);
    }
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
    let first_group = header.first_group;
    Ok(Arc::new(JournalFile { file, path, salt, sequence, first_group }))
}

/// Makes what was found in the last file its content on disk. The last group may be in the page cache
/// only: its writer was killed before the sync, or the sync failed and the kernel took the pages for
/// clean all the same. So it is written again, before anyone relies on it; and an empty group behind
/// it, which proves from now on that it was synced.
fn make_durable(file: &JournalFile, found: &mut Scan) -> io::Result<()> {
    let mut last_groups = vec![0; (found.end - found.last_group_start) as usize];
    file.file.read_exact_at(&mut last_groups, found.last_group_start)?;
    let is_closed = last_groups.len() as u64 == CLOSING_GROUP_BYTES;
    if !is_closed {
        let closing = GroupBuilder::new(Vec::new(), found.next_group, found.end, file.salt);
        last_groups.extend(closing.finish());
    }
    file.file.write_all_at(&last_groups, found.last_group_start)?;
    if !is_closed {
        found.last_group_start = found.end;
        found.end += CLOSING_GROUP_BYTES;
        found.next_group += 1;
    }
    file.file.set_len(found.end)?;
    file.file.sync_all()
}

fn damaged(file: &JournalFile, position: u64, reason: String) -> OpenError {
    OpenError::Damaged { path: file.path.clone(), position, reason }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path: path.clone(), source }
}
