//! What changed in control since its file was written whole: one entry behind the other, each synced
//! before it counts (`docs/format.md`, "Control").

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    fields::Fields,
    meta::{MetaError, is_full},
    runtime::{Disk, DiskFile},
};

const NAME: &str = "control.changes";
const MAGIC: [u8; 8] = *b"VARVECTC";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 8 + 4 + 4 + 8;
/// Number, length, and the checksum behind them.
const ENTRY_HEADER_BYTES: usize = 12 + 4;

/// The changes to one generation of control's file.
pub(super) struct Changes {
    path: PathBuf,
    generation: u64,
    /// There is none before the first change.
    file: Option<Arc<dyn DiskFile>>,
    /// Bytes of the file that count.
    end: u64,
    /// Of the last entry; the first has 1.
    number: u64,
    is_sound: bool,
}

/// What a start finds.
#[derive(Default)]
pub(super) struct Found {
    /// To whose file they belong, where that can be read.
    pub(super) generation: u64,
    /// The changes to the file that is asked for, in their order.
    pub(super) bodies: Vec<Vec<u8>>,
}

impl Changes {
    /// None yet. What is there of another generation goes with the first.
    pub(super) fn none(meta_dir: &Path, generation: u64) -> Self {
        let path = meta_dir.join(NAME);
        Self { path, generation, file: None, end: HEADER_BYTES as u64, number: 0, is_sound: true }
    }

    /// How long the file would be with one more.
    pub(super) fn bytes_with(&self, body: &[u8]) -> u64 {
        self.end + (ENTRY_HEADER_BYTES + body.len()) as u64
    }

    /// Whether more can be added: nothing is known of a file of which a write or a sync failed, but for
    /// one that found no room.
    pub(super) const fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Adds one; durable when it answers.
    pub(super) fn add(&mut self, disk: &dyn Disk, body: &[u8]) -> Result<(), MetaError> {
        let entry = entry(self.generation, self.number + 1, body);
        let written = self.append(disk, &entry);
        self.is_sound = written.as_ref().err().is_none_or(is_full);
        let added = written.and_then(|file| {
            let synced = self.sync(disk, &*file);
            self.is_sound = synced.is_ok();
            synced
        });
        added.map_err(|source| MetaError { path: self.path.clone(), source })?;
        self.end += entry.len() as u64;
        self.number += 1;
        Ok(())
    }

    fn append(&mut self, disk: &dyn Disk, entry: &[u8]) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = &self.file {
            // Gives back what it took. Should that stay, it is no whole entry.
            file.write_all_at(entry, self.end).inspect_err(|_| drop(file.set_len(self.end)))?;
            return Ok(Arc::clone(file));
        }
        let file = disk.create(&self.path)?;
        let mut bytes = header(self.generation);
        bytes.extend_from_slice(entry);
        file.write_all_at(&bytes, 0)?;
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn sync(&self, disk: &dyn Disk, file: &dyn DiskFile) -> io::Result<()> {
        if self.number > 0 {
            return file.sync_data();
        }
        file.sync_all()?;
        disk.sync_dir(self.path.parent().unwrap_or(Path::new(".")))
    }
}

/// Reads the changes to this generation of control's file. An entry that is not whole was never
/// answered, unless another one is behind it.
pub(super) fn read(disk: &dyn Disk, meta_dir: &Path, generation: u64) -> Result<Found, MetaError> {
    let path = meta_dir.join(NAME);
    let read = || -> io::Result<Vec<u8>> {
        let file = disk.open(&path)?;
        let mut bytes = vec![0; file.len_bytes()? as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    };
    let found = match read() {
        Ok(bytes) => found_in(&bytes, generation),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::default()),
        Err(source) => Err(source),
    };
    found.map_err(|source| MetaError { path, source })
}

fn found_in(bytes: &[u8], generation: u64) -> io::Result<Found> {
    let (head, mut rest) = bytes.split_at(bytes.len().min(HEADER_BYTES));
    let mut found = Found::default();
    if head.get(..12) == header(generation).get(..12) {
        let mut fields = Fields(head.get(16..).unwrap_or_default());
        found.generation = fields.u64();
    }
    if found.generation == generation {
        while let Some((number, body)) = entry_in(rest, generation)
            && number == found.bodies.len() as u64 + 1
        {
            found.bodies.push(body.to_vec());
            rest = rest.get(ENTRY_HEADER_BYTES + body.len()..).unwrap_or_default();
        }
    }
    let next = found.bodies.len() as u64 + 1;
    let goes_on = (1..rest.len()).filter_map(|at| rest.get(at..)).any(|bytes| {
        let number = Fields(bytes).u64();
        (next..=next + bytes.len() as u64).contains(&number)
            && entry_in(bytes, generation).is_some()
    });
    if goes_on {
        let reason = format!("entry {next} cannot be read, and others are behind it");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(found)
}

fn header(generation: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&generation.to_le_bytes());
    bytes
}

fn entry(generation: u64, number: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    let crc = checksum(generation, &bytes, body);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The number and the body of the entry that begins here, if it is whole and of this generation.
fn entry_in(bytes: &[u8], generation: u64) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<12>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let mut fields = Fields(head);
    let (number, len_bytes) = (fields.u64(), fields.u32());
    let body = rest.get(..len_bytes as usize)?;
    (checksum(generation, head, body).to_le_bytes() == *crc).then_some((number, body))
}

/// With the generation, so that what is left of older changes is none of these.
fn checksum(generation: u64, head: &[u8], body: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&generation.to_le_bytes()), head);
    crc32c::crc32c_append(crc, body)
}
