//! Tantivy's files in one: a table of contents, the files, a checksum (format: docs/format.md, "Text
//! index").

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tantivy::{
    Directory, Index,
    directory::{
        DirectoryLock, FileHandle, FileSlice, Lock, MmapDirectory, RamDirectory, WatchCallback,
        WatchHandle, WritePtr,
        error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError},
    },
};
use xxhash_rust::xxh3::xxh3_64;

use crate::TextError;

const MAGIC: &[u8; 8] = b"VARVETXT";
const VERSION: u32 = 1;

/// What the file says besides Tantivy's own.
pub(crate) struct Layout {
    pub(crate) block_rows: u32,
    pub(crate) rows: u32,
}

/// The bytes of one file for an index in memory.
pub(crate) fn pack(
    index: &Index,
    directory: &RamDirectory,
    block_rows: u32,
    rows: u64,
) -> Result<Vec<u8>, TextError> {
    let rows = u32::try_from(rows).map_err(|_| TextError::Damaged("more than 2^32 rows"))?;
    let mut files = Vec::new();
    let mut names: Vec<PathBuf> = index.directory().list_managed_files().into_iter().collect();
    names.push(PathBuf::from("meta.json"));
    names.sort_unstable();
    names.dedup();
    for name in names {
        if !directory.exists(&name).map_err(tantivy::TantivyError::from)? {
            continue;
        }
        let slice = directory.open_read(&name).map_err(tantivy::TantivyError::from)?;
        files.push((name.to_string_lossy().into_owned(), slice.read_bytes()?));
    }
    let mut out = MAGIC.to_vec();
    for number in [VERSION, block_rows, rows, files.len() as u32] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for (name, bytes) in &files {
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    }
    for (_, bytes) in &files {
        out.extend_from_slice(bytes);
    }
    let checksum = xxh3_64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

/// A packed index, mapped into memory: what is not asked for is not read, but for the checksum once.
pub(crate) fn map(path: &Path) -> Result<(PackedDirectory, Layout), TextError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(TextError::Io(io::Error::from(io::ErrorKind::InvalidInput)));
    };
    let whole = MmapDirectory::open(folder)
        .map_err(|error| TextError::Io(not_opened(error)))?
        .open_read(Path::new(name))
        .map_err(|error| match error {
            OpenReadError::IoError { io_error, .. } => {
                TextError::Io(io::Error::new(io_error.kind(), io_error.to_string()))
            }
            OpenReadError::FileDoesNotExist(_) => TextError::Damaged("it is missing"),
            OpenReadError::IncompatibleIndex(_) => TextError::Damaged("its version is not known"),
        })?;
    unpack(&whole)
}

fn not_opened(error: OpenDirectoryError) -> io::Error {
    io::Error::other(error)
}

/// The files of a packed index.
pub(crate) fn unpack(whole: &FileSlice) -> Result<(PackedDirectory, Layout), TextError> {
    let bytes = whole.read_bytes()?;
    let (content, checksum) =
        bytes.as_slice().split_last_chunk::<8>().ok_or(TextError::Damaged("it is too short"))?;
    if *checksum != xxh3_64(content).to_le_bytes() {
        return Err(TextError::Damaged("its checksum is another"));
    }
    let mut rest = Reader { bytes: content, at: 0 };
    if rest.take(MAGIC.len())? != MAGIC {
        return Err(TextError::Damaged("it does not start as one"));
    }
    if rest.u32()? != VERSION {
        return Err(TextError::Damaged("its version is not known"));
    }
    let layout = Layout { block_rows: rest.u32()?.max(1), rows: rest.u32()? };
    let count = rest.u32()?;
    let mut contents = Vec::new();
    for _ in 0..count {
        let name_bytes = rest.u32()? as usize;
        let name = std::str::from_utf8(rest.take(name_bytes)?)
            .map_err(|_| TextError::Damaged("a file's name is not text"))?;
        contents.push((PathBuf::from(name), rest.u64()? as usize));
    }
    let mut files = HashMap::new();
    for (name, size) in contents {
        let start = rest.at;
        rest.take(size)?;
        files.insert(name, whole.slice(start..rest.at));
    }
    Ok((PackedDirectory { files: Arc::new(files) }, layout))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], TextError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        self.at += count;
        taken.ok_or(TextError::Damaged("it ends too early"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TextError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| TextError::Damaged("it ends too early"))
    }

    fn u32(&mut self) -> Result<u32, TextError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, TextError> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}

/// What Tantivy reads instead of a folder. Nothing can be written.
#[derive(Clone, Debug)]
pub(crate) struct PackedDirectory {
    files: Arc<HashMap<PathBuf, FileSlice>>,
}

impl PackedDirectory {
    fn file(&self, path: &Path) -> Result<&FileSlice, OpenReadError> {
        self.files.get(path).ok_or_else(|| OpenReadError::FileDoesNotExist(path.to_owned()))
    }
}

fn read_only() -> io::Error {
    io::Error::from(io::ErrorKind::ReadOnlyFilesystem)
}

impl Directory for PackedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        Ok(Arc::new(self.file(path)?.clone()))
    }

    fn open_read(&self, path: &Path) -> Result<FileSlice, OpenReadError> {
        self.file(path).cloned()
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        Ok(self.files.contains_key(path))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let bytes = self.file(path)?.read_bytes();
        Ok(bytes.map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))?.to_vec())
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::wrap_io_error(read_only(), path.to_owned()))
    }

    fn atomic_write(&self, _path: &Path, _data: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    /// Nobody writes, so nobody needs to wait.
    fn acquire_lock(&self, _lock: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn watch(&self, _callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
