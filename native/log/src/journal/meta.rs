//! The small files beside the journal: which epoch was opened last, the trim points, and what
//! is known of producers from records whose files are gone.
//!
//! Each is replaced whole: written beside, synced, renamed over, the folder synced. After a crash
//! one finds the old one or the new one.

use bytes::Bytes;
use std::{
    io,
    path::{Path, PathBuf},
};
use varve_types::{Lsn, PartitionId};

use super::frame::Fields;
use crate::runtime::Disk;

const META_VERSION: u32 = 1;
const EPOCH_MAGIC: [u8; 8] = *b"VARVEEPO";
const TRIM_MAGIC: [u8; 8] = *b"VARVETRM";
const PRODUCERS_MAGIC: [u8; 8] = *b"VARVEPRO";

/// The folder of these files.
pub(super) struct Meta<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
}

/// Why one of these files could not be read.
#[derive(Debug)]
pub(super) struct MetaError {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

/// Who this store is, and which epoch it opened last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) store_id: u128,
    pub(super) epoch: u32,
}

impl<'a> Meta<'a> {
    /// The meta files of the data directory.
    pub(super) fn of(disk: &'a dyn Disk, data_dir: &Path) -> Self {
        Self { disk, dir: data_dir.join("meta") }
    }

    /// That a file of these does not read.
    pub(super) fn damaged(&self, name: &str, reason: &impl ToString) -> MetaError {
        let source = io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
        MetaError { path: self.dir.join(name), source }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn read_identity(&self) -> Result<Option<Identity>, MetaError> {
        let Some(body) = self.read("epoch", EPOCH_MAGIC)? else { return Ok(None) };
        let mut fields = Fields(&body);
        Ok(Some(Identity { epoch: fields.u32(), store_id: fields.u128() }))
    }

    pub(super) fn write_identity(&self, identity: Identity) -> Result<(), MetaError> {
        let mut body = identity.epoch.to_le_bytes().to_vec();
        body.extend_from_slice(&identity.store_id.to_le_bytes());
        self.write("epoch", EPOCH_MAGIC, &body)
    }

    pub(super) fn read_trim_points(&self) -> Result<Vec<(PartitionId, Lsn)>, MetaError> {
        let Some(body) = self.read("trim", TRIM_MAGIC)? else { return Ok(Vec::new()) };
        let mut fields = Fields(&body);
        let mut points = Vec::new();
        for _ in 0..fields.u32() {
            let (partition, epoch, offset) = (fields.u64(), fields.u32(), fields.u64());
            // A log of a later version: its records are not read either.
            let Some(partition) = PartitionId::from_u64(partition) else { continue };
            points.push((partition, Lsn::new(epoch, offset)));
        }
        Ok(points)
    }

    pub(super) fn write_trim_points(&self, points: &[(PartitionId, Lsn)]) -> Result<(), MetaError> {
        let mut body = (points.len() as u32).to_le_bytes().to_vec();
        for (partition, lsn) in points {
            body.extend_from_slice(&partition.to_u64().to_le_bytes());
            body.extend_from_slice(&lsn.epoch.0.to_le_bytes());
            body.extend_from_slice(&lsn.offset.0.to_le_bytes());
        }
        self.write("trim", TRIM_MAGIC, &body)
    }

    /// Snapshots of producers, by partition.
    pub(super) fn read_producers(&self) -> Result<Vec<(PartitionId, Vec<u8>)>, MetaError> {
        let Some(body) = self.read("producers", PRODUCERS_MAGIC)? else { return Ok(Vec::new()) };
        let mut fields = Fields(&body);
        let mut snapshots = Vec::new();
        for _ in 0..fields.u32() {
            let (partition, len_bytes) = (fields.u64(), fields.u64() as usize);
            let (snapshot, rest) = fields.0.split_at_checked(len_bytes).unwrap_or_default();
            fields = Fields(rest);
            let Some(partition) = PartitionId::from_u64(partition) else { continue };
            snapshots.push((partition, snapshot.to_vec()));
        }
        Ok(snapshots)
    }

    pub(super) fn write_producers(
        &self,
        snapshots: &[(PartitionId, Bytes)],
    ) -> Result<(), MetaError> {
        let mut body = (snapshots.len() as u32).to_le_bytes().to_vec();
        for (partition, snapshot) in snapshots {
            body.extend_from_slice(&partition.to_u64().to_le_bytes());
            body.extend_from_slice(&(snapshot.len() as u64).to_le_bytes());
            body.extend_from_slice(snapshot);
        }
        self.write("producers", PRODUCERS_MAGIC, &body)
    }

    /// The file's body, or `None` if there is no such file.
    fn read(&self, name: &str, magic: [u8; 8]) -> Result<Option<Vec<u8>>, MetaError> {
        let path = self.dir.join(name);
        let read = || -> io::Result<Vec<u8>> {
            let file = self.disk.open(&path)?;
            let mut bytes = vec![0; file.len_bytes()? as usize];
            file.read_exact_at(&mut bytes, 0)?;
            body_of(&bytes, magic)
        };
        match read() {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MetaError { path, source }),
        }
    }

    fn write(&self, name: &str, magic: [u8; 8], body: &[u8]) -> Result<(), MetaError> {
        let (path, beside) = (self.dir.join(name), self.dir.join(format!("{name}.new")));
        let write = || -> io::Result<()> {
            let file = self.disk.create(&beside)?;
            file.write_all_at(&sealed(magic, body), 0)?;
            file.sync_all()?;
            self.disk.rename(&beside, &path)?;
            self.disk.sync_dir(&self.dir)
        };
        write().map_err(|source| MetaError { path: path.clone(), source })
    }
}

fn sealed(magic: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(&META_VERSION.to_le_bytes());
    bytes.extend_from_slice(body);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn body_of(bytes: &[u8], magic: [u8; 8]) -> io::Result<Vec<u8>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (checked, crc) =
        bytes.split_last_chunk::<4>().ok_or_else(|| damaged("the file is too short"))?;
    if *crc != crc32c::crc32c(checked).to_le_bytes() {
        return Err(damaged("the checksum does not match"));
    }
    let mut fields = Fields(checked);
    if fields.take() != Some(magic) {
        return Err(damaged("the file is not what its name says"));
    }
    let version = fields.u32();
    if version != META_VERSION {
        return Err(damaged(&format!("format version {version} is not known")));
    }
    Ok(fields.0.to_vec())
}
