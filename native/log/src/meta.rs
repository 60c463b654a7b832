//! The small files beside the journal. Each is replaced whole: written beside, synced, renamed over,
//! the folder synced. After a crash one finds the old one or the new one.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{fields::Fields, runtime::Disk};

const META_VERSION: u32 = 1;

/// The folder of these files.
pub(crate) struct Meta<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
}

/// Why one of these files could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct MetaError {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl MetaError {
    /// Whether it could not be written for want of room. The file is as it was.
    pub(crate) fn is_full(&self) -> bool {
        is_full(&self.source)
    }
}

/// Whether a disk refused for want of room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl<'a> Meta<'a> {
    /// The meta files of the data directory.
    pub(crate) fn of(disk: &'a dyn Disk, data_dir: &Path) -> Self {
        Self { disk, dir: data_dir.join("meta") }
    }

    /// That a file of these does not read.
    pub(crate) fn damaged(&self, name: &str, reason: &impl ToString) -> MetaError {
        let source = io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
        MetaError { path: self.dir.join(name), source }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file's body, or `None` if there is no such file.
    pub(crate) fn read(&self, name: &str, magic: [u8; 8]) -> Result<Option<Vec<u8>>, MetaError> {
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

    pub(crate) fn write(&self, name: &str, magic: [u8; 8], body: &[u8]) -> Result<(), MetaError> {
        let (path, beside) = (self.dir.join(name), self.dir.join(format!("{name}.new")));
        let write = || -> io::Result<()> {
            let file = self.disk.create(&beside)?;
            file.write_all_at(&sealed(magic, body), 0)?;
            file.sync_all()?;
            self.disk.rename(&beside, &path)?;
            self.disk.sync_dir(&self.dir)
        };
        write().map_err(|source| {
            // Gives back what it took; else the next try writes it over.
            let _removed = self.disk.remove(&beside);
            MetaError { path: path.clone(), source }
        })
    }
}

/// Magic, version, body, and a checksum of all three.
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
