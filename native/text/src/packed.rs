//! Tantivy's files in one: a table of contents, the files, a checksum.
//!
//! `VARVETXT`, version u32, `block_rows` u32, rows u32, number of files u32, then per file: name
//! length u32, name, size u64; then the files' bytes; last the xxh3 of all before it, u64. Numbers
//! are little-endian.

use std::path::{Path, PathBuf};

use tantivy::{Directory, Index, directory::RamDirectory};
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

/// The files of a packed index, in memory.
pub(crate) fn unpack(bytes: &[u8]) -> Result<(RamDirectory, Layout), TextError> {
    let end = bytes.len().checked_sub(8).ok_or(TextError::Damaged("too short"))?;
    let (content, checksum) = bytes.split_at(end);
    if checksum != xxh3_64(content).to_le_bytes() {
        return Err(TextError::Damaged("its checksum is another"));
    }
    let mut rest = Reader(content);
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
        contents.push((name, rest.u64()? as usize));
    }
    let directory = RamDirectory::create();
    for (name, size) in contents {
        directory.atomic_write(Path::new(name), rest.take(size)?)?;
    }
    Ok((directory, layout))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], TextError> {
        let (taken, rest) =
            self.0.split_at_checked(bytes).ok_or(TextError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, TextError> {
        self.take(4)?
            .try_into()
            .map(u32::from_le_bytes)
            .map_err(|_| TextError::Damaged("it ends too early"))
    }

    fn u64(&mut self) -> Result<u64, TextError> {
        self.take(8)?
            .try_into()
            .map(u64::from_le_bytes)
            .map_err(|_| TextError::Damaged("it ends too early"))
    }
}
