//! Writes groups: frames in, on disk when it answers. One at a time; it is owned by who writes.

use bytes::Bytes;
use std::{collections::HashMap, io, mem, path::Path, sync::Arc};
use varve_types::TenantId;

use super::{
    DiskShortage, Files, Frame, FrameKind, checkpoint,
    entries::{GroupEntries, Mark},
    file_header::FILE_HEADER_BYTES,
    frame_header::FrameHeader,
    group::{
        CLOSING_GROUP_BYTES, GroupBuilder, frame_room_bytes, group_room_bytes, tenant_room_bytes,
    },
    index::JournalFile,
    scan::Scan,
};
use crate::meta::is_full;

/// The buffer for a group is given back when one large group made it larger than this.
const BUFFER_KEPT_BYTES: usize = 8 << 20;

/// The journal's one writer.
pub struct Writer {
    pub(super) files: Arc<Files>,
    pub(super) active: Option<ActiveFile>,
    buffer: Vec<u8>,
    broken: Option<Arc<str>>,
}

/// The file that is being written.
pub(super) struct ActiveFile {
    pub(super) file: Arc<JournalFile>,
    /// What the disk has set aside for it: groups end before.
    reserved_bytes: u64,
    /// Where the next group goes; everything before is synced.
    pub(super) position: u64,
    tenants: HashMap<TenantId, u32>,
    schemas: HashMap<u32, Bytes>,
    /// All that is in it, for its checkpoint.
    contents: GroupEntries,
}

impl ActiveFile {
    pub(super) fn new(file: Arc<JournalFile>, reserved_bytes: u64) -> Self {
        let (tenants, schemas) = (HashMap::new(), HashMap::new());
        let contents = GroupEntries::default();
        Self { file, reserved_bytes, position: FILE_HEADER_BYTES, tenants, schemas, contents }
    }
}

/// Why a group is not on disk.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// Nothing was written: there is no room. May be tried again.
    #[error(transparent)]
    NoRoom(#[from] DiskShortage),
    /// It is not known what is on disk. The writer writes nothing any more.
    #[error("{0}")]
    Broken(Arc<str>),
}

/// Whose frames need room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Appends leave alone what has to stay free on the disk.
    Append,
    /// The store's own frames, such as seals and trims, may take of it: they are small, and what they
    /// do brings room.
    Own,
}

/// What the frames of one group take in a file at most, schemas apart. Of several groups' frames in
/// one it is no more than their sum.
#[derive(Default)]
pub struct Room<'a> {
    bytes: u64,
    tenant: Option<&'a TenantId>,
}

impl<'a> Room<'a> {
    /// Adds a frame.
    pub fn add(&mut self, tenant: Option<&'a TenantId>, payload_bytes: u64) {
        self.bytes += frame_room_bytes(payload_bytes);
        if tenant.is_some() && self.tenant != tenant {
            self.bytes += tenant_room_bytes();
            self.tenant = tenant;
        }
    }

    /// The sum, and what ends the group.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes + group_room_bytes()
    }
}

impl Writer {
    pub(super) fn new(files: Arc<Files>) -> Self {
        let (active, buffer, broken) = (None, Vec::new(), None);
        Self { files, active, buffer, broken }
    }

    /// Makes sure that the next group finds room, of so many bytes as [`Room`] counts them. Where there
    /// is none nothing has changed.
    pub fn reserve(&mut self, room_bytes: u64, claim: Claim) -> Result<(), WriteError> {
        self.usable()?;
        let outcome = self.make_room(room_bytes, claim);
        self.note(outcome)
    }

    /// Writes the frames as one group: all of them are durable, and found by readers, when it answers,
    /// or none is. Room for appends among them was reserved before. They fit into a file ([`Files::group_max_bytes`]).
    pub fn write(&mut self, frames: &[Frame]) -> Result<(), WriteError> {
        self.usable()?;
        let mut room = Room::default();
        for frame in frames {
            room.add(frame.tenant.as_ref(), frame.payload.len() as u64);
        }
        let outcome =
            self.make_room(room.bytes(), Claim::Own).and_then(|()| self.write_group(frames));
        self.note(outcome)
    }

    /// Ends the file that is being written, so that a start finds it whole.
    pub fn close(&mut self) -> Result<(), WriteError> {
        self.usable()?;
        let outcome = self.close_file();
        self.note(outcome)
    }

    fn usable(&self) -> Result<(), WriteError> {
        self.broken.as_ref().map_or(Ok(()), |reason| Err(WriteError::Broken(Arc::clone(reason))))
    }

    fn note(&mut self, outcome: Result<(), WriteError>) -> Result<(), WriteError> {
        if let Err(WriteError::Broken(reason)) = &outcome {
            self.broken = Some(Arc::clone(reason));
        }
        outcome
    }

    fn write_group(&mut self, frames: &[Frame]) -> Result<(), WriteError> {
        let Some(mut active) = self.active.take() else { return Ok(()) };
        let tenants = active.tenants.len() as u32;
        let (bytes, entries) = self.encode(&mut active, frames);
        if let Err(error) = self.write_synced(&active, &bytes) {
            // What the group has named for the file is not in it.
            active.tenants.retain(|_, number| *number <= tenants);
            active.schemas.clear();
            self.active = Some(active);
            return Err(error);
        }
        active.position += bytes.len() as u64;
        active.contents.append(entries.clone());
        self.files.add_group(entries, bytes.len() as u64, active.position);
        self.files.counters.lock().note_frames(frames);
        self.active = Some(active);
        if bytes.capacity() <= BUFFER_KEPT_BYTES {
            self.buffer = bytes;
        }
        Ok(())
    }

    fn encode(&mut self, active: &mut ActiveFile, frames: &[Frame]) -> (Vec<u8>, GroupEntries) {
        let buffer = mem::take(&mut self.buffer);
        let salt = active.file.salt;
        let mut group = GroupBuilder::new(buffer, self.next_group(), active.position, salt);
        let mut entries = GroupEntries::default();
        let files = Arc::clone(&self.files);
        let schemas = files.schemas.lock();
        let number = self.next_group();
        for frame in frames {
            debug_assert!(!frame.kind.is_journals_own(), "{:?} is the journal's own", frame.kind);
            let tenant = frame.tenant.as_ref();
            let tenant = tenant.map_or(0, |it| Self::tenant(active, &mut group, &mut entries, it));
            if let Some(schema) = schemas.get(&frame.schema_id) {
                self.schema(active, &mut group, frame.schema_id, schema);
            }
            let header = frame.header(number, tenant);
            let place = group.push(&header, &frame.payload);
            if frame.kind.is_record() {
                entries.add_record(frame.partition, &header, place);
            } else {
                let (kind, partition, at) = (frame.kind, frame.partition, frame.lsn());
                entries.marks.push(Mark { kind, partition, at });
            }
        }
        (group.finish(), entries)
    }

    /// The tenant's number in the file; names it in the file if it is new there.
    fn tenant(
        active: &mut ActiveFile,
        group: &mut GroupBuilder,
        entries: &mut GroupEntries,
        tenant: &TenantId,
    ) -> u32 {
        if let Some(known) = active.tenants.get(tenant) {
            return *known;
        }
        let number = active.tenants.len() as u32 + 1;
        group.push_tenant(number, tenant);
        active.tenants.insert(tenant.clone(), number);
        entries.tenants.push((number, tenant.clone()));
        number
    }

    /// Puts the schema into the file, unless it is there already.
    fn schema(
        &self,
        active: &mut ActiveFile,
        group: &mut GroupBuilder,
        schema_id: u32,
        bytes: &Bytes,
    ) {
        if active.schemas.get(&schema_id) == Some(bytes) {
            return;
        }
        let header = FrameHeader {
            payload_bytes: bytes.len() as u32,
            payload_crc: crc32c::crc32c(bytes),
            schema_id,
            ..FrameHeader::new(FrameKind::Schema, self.next_group())
        };
        group.push(&header, bytes);
        active.schemas.insert(schema_id, bytes.clone());
    }

    pub(super) fn next_group(&self) -> u64 {
        self.files.next.lock().group
    }

    /// Writes behind all that is synced, and syncs. Where the disk could not set room aside ([`DiskFile`
    /// tells which]) it may be full only now: what arrived is cut off again, and the file is as it was.
    ///
    /// [`DiskFile` tells which]: crate::runtime::DiskFile::allocate
    fn write_synced(&self, active: &ActiveFile, bytes: &[u8]) -> Result<(), WriteError> {
        let file = &active.file.file;
        let path = &active.file.path;
        let broken = |what: &str, error: &io::Error| WriteError::Broken(reason(what, path, error));
        if let Err(error) = file.write_all_at(bytes, active.position) {
            if !is_full(&error) {
                return Err(broken("write", &error));
            }
            file.set_len(active.position).map_err(|error| broken("cutting", &error))?;
            return Err(self.files.found_full().into());
        }
        let clock = &self.files.runtime.clock;
        let started = clock.elapsed();
        let synced = file.sync_data();
        self.files.counters.lock().note_sync(clock.elapsed().saturating_sub(started));
        synced.map_err(|error| broken("fsync", &error))
    }

    /// Makes sure that the active file takes `room_bytes` more; opens the next one if not.
    fn make_room(&mut self, room_bytes: u64, claim: Claim) -> Result<(), WriteError> {
        let needed_bytes = room_bytes + self.files.schemas_bytes() + CLOSING_GROUP_BYTES;
        if self.active.as_ref().is_some_and(|it| it.position + needed_bytes <= it.reserved_bytes) {
            return Ok(());
        }
        let file = self.prepare_file(needed_bytes, claim)?;
        if let Err(error) = self.close_file() {
            self.give_up_prepared(&file);
            return Err(error);
        }
        self.open_file(file)
    }

    /// Ends the active file: an empty group tells that everything before it was synced, and the
    /// space reserved behind it is given back.
    fn close_file(&mut self) -> Result<(), WriteError> {
        let Some(active) = self.active.take() else { return Ok(()) };
        let path = &active.file.path;
        let salt = active.file.salt;
        let bytes =
            GroupBuilder::new(Vec::new(), self.next_group(), active.position, salt).finish();
        let end = active.position + bytes.len() as u64;
        if let Err(error) = self.write_synced(&active, &bytes) {
            self.active = Some(active);
            return Err(error);
        }
        let cut = || {
            active.file.file.set_len(end)?;
            active.file.file.sync_all()
        };
        cut().map_err(|error| WriteError::Broken(reason("cutting", path, &error)))?;
        self.files.add_group(GroupEntries::default(), bytes.len() as u64, end);
        let scan = Scan {
            contents: active.contents,
            last_group_start: active.position,
            end,
            next_group: self.next_group(),
            damages: Vec::new(),
            cut_tail: None,
        };
        checkpoint::write(&*self.files.runtime.disk, &active.file, &scan);
        Ok(())
    }
}

pub(super) fn reason(what: &str, path: &Path, error: &io::Error) -> Arc<str> {
    Arc::from(format!("{what} of {} failed: {error}", path.display()))
}
