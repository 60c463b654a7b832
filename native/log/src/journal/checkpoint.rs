//! What a scan of a closed file finds, kept beside it: `<sequence>.index`. A start that finds it sound
//! reads it in place of all the file's headers. It only speeds up: any doubt, and the file is scanned.

use std::path::{Path, PathBuf};
use varve_types::{Lsn, PartitionId, TenantId};

use super::{
    FrameKind,
    entries::{Entry, EpochFacts, GroupEntries, Mark, Place},
    index::JournalFile,
    scan::{Scan, Standing},
};
use crate::{
    fields::Fields,
    producers::{CommittedRecord, SessionId},
    runtime::Disk,
};

const MAGIC: [u8; 8] = *b"VARVEIDX";
const VERSION: u32 = 1;
/// What their names end with.
pub(super) const EXTENSION: &str = "index";

/// Where the checkpoint of a journal file is.
pub(super) fn path_of(file: &Path) -> PathBuf {
    file.with_extension(EXTENSION)
}

/// Writes a closed file's checkpoint. It is not synced: one that a crash tears is seen to be.
pub(super) fn write(disk: &dyn Disk, file: &JournalFile, scan: &Scan) {
    // What is damaged is looked at anew at each start: it may have been repaired.
    if !scan.damages.is_empty() {
        return;
    }
    let path = path_of(&file.path);
    let written = disk.create(&path).and_then(|it| it.write_all_at(&encode(file, scan), 0));
    if written.is_err() {
        // No harm but a slower start.
        let _removed = disk.remove(&path);
    }
}

/// What a scan of the file would find, if that is known for sure.
pub(super) fn read(disk: &dyn Disk, file: &JournalFile, standing: Standing) -> Option<Scan> {
    let index = disk.open(&path_of(&file.path)).ok()?;
    let mut bytes = vec![0; usize::try_from(index.len_bytes().ok()?).ok()?];
    index.read_exact_at(&mut bytes, 0).ok()?;
    let scan = decode(&bytes, file)?;
    let file_bytes = file.file.len_bytes().ok()?;
    let is_whole = match standing {
        Standing::Last => file_bytes == scan.end,
        Standing::Closed { next_group } => file_bytes >= scan.end && scan.next_group == next_group,
    };
    is_whole.then_some(scan)
}

fn encode(file: &JournalFile, scan: &Scan) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let GroupEntries { tenants, records, marks, epochs, producers } = &scan.contents;
    for number in [VERSION, file.salt] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let (start, end) = (scan.last_group_start, scan.end);
    let counts = [tenants.len(), records.len(), marks.len(), epochs.len(), producers.len()];
    for number in [file.sequence, file.first_group, scan.next_group, start, end] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for count in counts {
        out.extend_from_slice(&(count as u64).to_le_bytes());
    }
    for (number, tenant) in tenants {
        let name = tenant.as_str().as_bytes();
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name);
    }
    for Entry { partition, lsn, place } in records {
        put_place(&mut out, *partition, *lsn);
        out.extend_from_slice(&place.position().to_le_bytes());
        out.extend_from_slice(&place.payload_bytes.to_le_bytes());
    }
    for Mark { kind, partition, at } in marks {
        put_place(&mut out, *partition, *at);
        out.extend_from_slice(&u32::from(*kind as u8).to_le_bytes());
    }
    for ((partition, epoch), facts) in epochs {
        put_place(&mut out, *partition, Lsn::new(*epoch, facts.committed_tail));
        out.extend_from_slice(&facts.leader.to_le_bytes());
    }
    for (partition, record) in producers {
        put_place(&mut out, *partition, record.lsn);
        let (session, seq) = record.session.map_or((0, 0), |(SessionId(id), seq)| (id, seq));
        out.extend_from_slice(&session.to_le_bytes());
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(&record.idempotency_key.to_le_bytes());
        out.extend_from_slice(&record.append_time_ms.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn put_place(out: &mut Vec<u8>, partition: PartitionId, lsn: Lsn) {
    out.extend_from_slice(&partition.to_u64().to_le_bytes());
    out.extend_from_slice(&lsn.epoch.0.to_le_bytes());
    out.extend_from_slice(&lsn.offset.0.to_le_bytes());
}

fn take_place(fields: &mut Fields<'_>) -> Option<(PartitionId, Lsn)> {
    let partition = PartitionId::from_u64(fields.u64())?;
    Some((partition, Lsn::new(fields.u32(), fields.u64())))
}

/// `None` where it is not this file's, or damaged.
fn decode(bytes: &[u8], file: &JournalFile) -> Option<Scan> {
    let (checked, crc) = bytes.split_last_chunk::<4>()?;
    let mut fields = Fields(checked);
    if *crc != crc32c::crc32c(checked).to_le_bytes() || fields.take()? != MAGIC {
        return None;
    }
    let header = (fields.u32(), fields.u32(), fields.u64(), fields.u64());
    if header != (VERSION, file.salt, file.sequence, file.first_group) {
        return None;
    }
    let (next_group, last_group_start, end) = (fields.u64(), fields.u64(), fields.u64());
    let counts = [(); 5].map(|()| fields.u64());
    let [tenants, records, marks, epochs, producers] = counts;
    let mut contents = GroupEntries::default();
    for _ in 0..tenants {
        let (number, name_bytes) = (fields.u32(), fields.u32() as usize);
        let (name, rest) = fields.0.split_at_checked(name_bytes)?;
        fields = Fields(rest);
        contents.tenants.push((number, TenantId::parse(str::from_utf8(name).ok()?).ok()?));
    }
    for _ in 0..records {
        let (partition, lsn) = take_place(&mut fields)?;
        let place = Place::new(fields.u64(), fields.u32());
        contents.records.push(Entry { partition, lsn, place });
    }
    for _ in 0..marks {
        let (partition, at) = take_place(&mut fields)?;
        let kind = FrameKind::from_number(fields.u32() as u8)?;
        contents.marks.push(Mark { kind, partition, at });
    }
    for _ in 0..epochs {
        let (partition, Lsn { epoch, offset }) = take_place(&mut fields)?;
        let facts = EpochFacts { committed_tail: offset.0, leader: fields.u64() };
        contents.epochs.insert((partition, epoch.0), facts);
    }
    for _ in 0..producers {
        let (partition, lsn) = take_place(&mut fields)?;
        let (session, seq) = (fields.u64(), fields.u64());
        let record = CommittedRecord {
            lsn,
            session: (session != 0).then_some((SessionId(session), seq)),
            idempotency_key: fields.u128(),
            append_time_ms: fields.u64().cast_signed(),
        };
        contents.producers.push((partition, record));
    }
    let damages = Vec::new();
    Some(Scan { contents, last_group_start, end, next_group, damages, cut_tail: None })
}
