//! Walks the frames of one file and finds its whole groups.

use std::{io, sync::Arc};
use varve_types::{Lsn, PartitionId, TenantId};

use super::{
    file_header::FILE_HEADER_BYTES,
    frame::{FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, FrameError, FrameHeader, FrameKind},
    index::{FileIndex, GroupEntries, JournalFile, Place},
    window::Window,
};
use crate::producers::CommittedRecord;

/// What of a file is checked while it is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Every header and payload: the last file may end in a torn group.
    Payloads,
    /// Every header. Payloads are checked when they are read.
    Headers,
}

/// The whole groups of a file.
pub(super) struct Scan {
    pub(super) index: FileIndex,
    /// Where the last whole group starts; where groups start if there is none.
    pub(super) last_group_start: u64,
    /// One more than the last whole group.
    pub(super) next_group: u64,
    /// Records with an idempotency key, in their order.
    pub(super) keyed: Vec<(PartitionId, CommittedRecord)>,
    /// Where the walk ended before the file did, and why.
    pub(super) stop: Option<Stop>,
}

/// The first place that is not a frame of the group that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) position: u64,
    pub(super) reason: String,
}

struct Scanner<'a> {
    window: Window<'a>,
    check: Check,
    position: u64,
    scan: Scan,
    /// Of the group that is being walked.
    group: GroupEntries,
    group_frames: u32,
}

/// Why the walk does not go on.
enum Ended {
    Stopped(Stop),
    Failed(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Finds the whole groups at the start of a file.
pub(super) fn scan(file: &Arc<JournalFile>, check: Check) -> io::Result<Scan> {
    let mut scanner = Scanner {
        window: Window::new(&*file.file)?,
        check,
        position: FILE_HEADER_BYTES,
        scan: Scan {
            index: FileIndex::new(Arc::clone(file), FILE_HEADER_BYTES),
            last_group_start: FILE_HEADER_BYTES,
            next_group: file.first_group,
            keyed: Vec::new(),
            stop: None,
        },
        group: GroupEntries::default(),
        group_frames: 0,
    };
    while scanner.position < scanner.window.file_bytes() {
        match scanner.frame() {
            Ok(()) => {}
            Err(Ended::Failed(error)) => return Err(error),
            Err(Ended::Stopped(stop)) => {
                scanner.scan.stop = Some(stop);
                return Ok(scanner.scan);
            }
        }
    }
    if scanner.group_frames > 0 {
        let reason = format!("the file ends within group {}", scanner.scan.next_group);
        scanner.scan.stop = Some(Stop { position: scanner.position, reason });
    }
    Ok(scanner.scan)
}

/// Whether a frame of a later group than `group` is in the file behind `position`. Since a group is
/// written only once the one before is synced, `group` was on disk whole if there is one.
pub(super) fn later_group_exists(
    file: &JournalFile,
    position: u64,
    group: u64,
) -> io::Result<bool> {
    let mut window = Window::new(&*file.file)?;
    let mut position = position.next_multiple_of(FRAME_ALIGN_BYTES);
    while let Some(bytes) = window.at(position, FRAME_HEADER_BYTES as u64)? {
        if let Some(bytes) = bytes.first_chunk()
            && FrameHeader::decode(bytes, file.salt).is_ok_and(|header| header.group > group)
        {
            return Ok(true);
        }
        position += FRAME_ALIGN_BYTES;
    }
    Ok(false)
}

impl Scanner<'_> {
    fn stop<T>(&self, reason: impl Into<String>) -> Result<T, Ended> {
        Err(Ended::Stopped(Stop { position: self.position, reason: reason.into() }))
    }

    /// Takes the frame at the position, and moves behind it.
    fn frame(&mut self) -> Result<(), Ended> {
        let header = self.header()?;
        if header.group != self.scan.next_group {
            return self.stop(format!(
                "a frame of group {} where group {} should be",
                header.group, self.scan.next_group
            ));
        }
        if self.check == Check::Payloads || header.kind == FrameKind::Tenant {
            self.payload(&header)?;
        } else if self.position + header.frame_bytes() > self.window.file_bytes() {
            return self.stop("the file ends within a frame");
        }
        match header.kind {
            FrameKind::Data => self.record(&header)?,
            FrameKind::Tenant => self.tenant(&header)?,
            FrameKind::Schema => {}
            FrameKind::GroupEnd => return self.group_end(&header),
        }
        self.group_frames += 1;
        self.position += header.frame_bytes();
        Ok(())
    }

    fn header(&mut self) -> Result<FrameHeader, Ended> {
        let salt = self.scan.index.file.salt;
        let bytes = self.window.at(self.position, FRAME_HEADER_BYTES as u64)?;
        let header = match bytes.and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => FrameHeader::decode(bytes, salt),
            None => return self.stop("the file ends within a frame header"),
        };
        header.or_else(|error: FrameError| self.stop(error.to_string()))
    }

    /// The frame's payload, checked.
    fn payload(&mut self, header: &FrameHeader) -> Result<&[u8], Ended> {
        let start = self.position + FRAME_HEADER_BYTES as u64;
        // The padding belongs to the frame: a group that lacks it was not written whole.
        let padded = header.frame_bytes() - FRAME_HEADER_BYTES as u64;
        let position = self.position;
        let stop = |reason: &str| Err(Ended::Stopped(Stop { position, reason: reason.to_owned() }));
        let Some(bytes) = self.window.at(start, padded)? else {
            return stop("the file ends within a payload");
        };
        let payload = bytes.get(..header.payload_bytes as usize).unwrap_or(bytes);
        if crc32c::crc32c(payload) != header.payload_crc {
            return stop("the payload's checksum does not match");
        }
        Ok(payload)
    }

    fn record(&mut self, header: &FrameHeader) -> Result<(), Ended> {
        let Some(partition) = PartitionId::from_u64(header.partition) else {
            return self.stop(format!("partition {:#x} is of no known log", header.partition));
        };
        let known = self.scan.index.tenants.len() + self.group.tenants.len();
        if header.tenant as usize >= known {
            return self.stop(format!("tenant {} of {known} that the file names", header.tenant));
        }
        let in_group = self.group.records.iter().rev().find(|(other, ..)| *other == partition);
        let expected = match (in_group, self.scan.index.runs.get(&partition)) {
            (Some((_, offset, _)), _) => offset + 1,
            (None, Some(run)) => run.next_offset(),
            (None, None) => header.offset,
        };
        if header.offset != expected {
            return self.stop(format!("offset {} where {expected} should be", header.offset));
        }
        let place = Place::new(self.position, header.payload_bytes);
        self.group.records.push((partition, header.offset, place));
        if header.idempotency_key != 0 {
            let record = CommittedRecord {
                lsn: Lsn::new(header.epoch, header.offset),
                session: None,
                idempotency_key: header.idempotency_key,
                append_time_ms: header.append_time_ms,
            };
            self.group.keyed.push((partition, record));
        }
        Ok(())
    }

    fn tenant(&mut self, header: &FrameHeader) -> Result<(), Ended> {
        let name = self.payload(header)?.to_vec();
        let tenant = str::from_utf8(&name).ok().and_then(|name| TenantId::parse(name).ok());
        let Some(tenant) = tenant else { return self.stop("the tenant's name is not one") };
        self.group.tenants.push(tenant);
        Ok(())
    }

    fn group_end(&mut self, header: &FrameHeader) -> Result<(), Ended> {
        if header.rows != self.group_frames || header.offset != self.scan.index.end {
            return self.stop(format!("the end of another group than {}", header.group));
        }
        self.position += header.frame_bytes();
        self.scan.last_group_start = self.scan.index.end;
        self.scan.keyed.append(&mut self.group.keyed);
        self.scan.index.add(std::mem::take(&mut self.group), self.position);
        self.scan.next_group += 1;
        self.group_frames = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{file_header::FileHeader, group::GroupBuilder},
        runtime::{Disk as _, RealDisk},
    };

    /// A file whose first group is 5, with these frames behind its header.
    fn scanned(frames: impl FnOnce(u32) -> Vec<u8>) -> Scan {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0000000000000001.wal");
        let header =
            FileHeader { store_id: 1, sequence: 1, epoch: 1, first_group: 5, created_ms: 0 };
        let (bytes, salt) = header.encode();
        let file = RealDisk.create(&path).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        file.write_all_at(&frames(salt), FILE_HEADER_BYTES).unwrap();
        let (sequence, epoch, first_group) = (1, 1, 5);
        let file = JournalFile { file, path, salt, sequence, epoch, first_group };
        scan(&Arc::new(file), Check::Payloads).unwrap()
    }

    fn group(number: u64, salt: u32) -> Vec<u8> {
        let mut group = GroupBuilder::new(Vec::new(), number, FILE_HEADER_BYTES, salt);
        let payload_crc = crc32c::crc32c(b"schema");
        let header = FrameHeader {
            payload_bytes: 6,
            payload_crc,
            ..FrameHeader::new(FrameKind::Schema, number)
        };
        group.push(&header, b"schema");
        group.finish()
    }

    fn stopped(scan: &Scan) -> (u64, &str) {
        let stop = scan.stop.as_ref().unwrap();
        (stop.position, &stop.reason)
    }

    #[test]
    fn a_whole_group_is_found() {
        let scan = scanned(|salt| group(5, salt));
        assert_eq!((scan.next_group, scan.index.end), (6, FILE_HEADER_BYTES + 192 + 128));
        assert_eq!(scan.stop, None);
    }

    #[test]
    fn a_group_out_of_turn_is_none() {
        let scan = scanned(|salt| group(7, salt));
        assert_eq!(stopped(&scan), (4096, "a frame of group 7 where group 5 should be"));
        assert_eq!((scan.next_group, scan.index.end), (5, FILE_HEADER_BYTES));
    }

    #[test]
    fn a_group_that_lacks_a_frame_is_none() {
        let scan = scanned(|salt| {
            let mut end = FrameHeader::new(FrameKind::GroupEnd, 5);
            (end.offset, end.rows) = (FILE_HEADER_BYTES, 1);
            let mut bytes = Vec::new();
            end.encode(salt, &mut bytes);
            bytes
        });
        assert_eq!(stopped(&scan), (4096, "the end of another group than 5"));
        assert_eq!(scan.next_group, 5);
    }
}
