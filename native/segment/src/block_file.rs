//! A Parquet file of which every byte that is read was compared with what was written: a checksum for
//! each block of it is in the directory. Pages, indexes and the footer have none of their own.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    errors::{ParquetError, Result},
    file::reader::{ChunkReader, Length},
};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// What is compared at once. A page is mostly larger; hashing this much takes a microsecond.
pub(crate) const BLOCK_BYTES: usize = 16 << 10;

/// Checksums of a file's blocks, as it is written.
#[derive(Default)]
pub(crate) struct BlockChecksums {
    whole: Vec<u32>,
    open: Xxh3Default,
    open_bytes: usize,
}

impl BlockChecksums {
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.open_bytes));
            self.open.update(now);
            self.open_bytes += now.len();
            if self.open_bytes == BLOCK_BYTES {
                self.close();
            }
            bytes = later;
        }
    }

    pub(crate) fn finish(mut self) -> Arc<[u32]> {
        if self.open_bytes > 0 {
            self.close();
        }
        self.whole.into()
    }

    fn close(&mut self) {
        self.whole.push(self.open.digest() as u32);
        self.open.reset();
        self.open_bytes = 0;
    }
}

/// The file, open for reading.
#[derive(Clone)]
pub(crate) struct BlockFile {
    file: Arc<File>,
    size_bytes: u64,
    /// `None` where an older version wrote the segment: nothing is compared.
    checksums: Option<Arc<[u32]>>,
}

impl BlockFile {
    pub(crate) fn open(path: &Path, checksums: Option<Arc<[u32]>>) -> io::Result<Self> {
        let file = File::open(path)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), size_bytes, checksums })
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    fn read_compared(&self, start: u64, length: usize, checksums: &[u32]) -> Result<Bytes> {
        let block = BLOCK_BYTES as u64;
        let from = start / block * block;
        let end = start.saturating_add(length as u64);
        let to = end.div_ceil(block).saturating_mul(block).min(self.size_bytes).max(from);
        let bytes = self.read(from, (to - from) as usize)?;
        for (at, content) in (from / block..).zip(bytes.chunks(BLOCK_BYTES)) {
            if checksums.get(at as usize) != Some(&(xxh3_64(content) as u32)) {
                let first = at * block;
                let last = first + content.len() as u64 - 1;
                let reason = format!("bytes {first} to {last} are not those that were written");
                return Err(ParquetError::General(reason));
            }
        }
        let skipped = (start - from) as usize;
        if bytes.len() < skipped + length {
            return Err(ParquetError::EOF(format!("it ends before byte {end}")));
        }
        Ok(bytes.slice(skipped..skipped + length))
    }
}

impl Length for BlockFile {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

impl ChunkReader for BlockFile {
    type T = BufReader<BlockReader>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::with_capacity(BLOCK_BYTES, BlockReader { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match &self.checksums {
            Some(checksums) => self.read_compared(start, length, checksums),
            None => Ok(self.read(start, length)?),
        }
    }
}

/// The file from one place on.
pub(crate) struct BlockReader {
    file: BlockFile,
    at: u64,
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size_bytes.saturating_sub(self.at);
        let length = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = self.file.get_bytes(self.at, length).map_err(as_io_error)?;
        out[..length].copy_from_slice(&bytes);
        self.at += length as u64;
        Ok(length)
    }
}

/// Bytes that are not those that were written are told apart from a machine that fails.
fn as_io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(other) => io::Error::other(other),
        },
        damage => io::Error::new(io::ErrorKind::InvalidData, damage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of some blocks and a bit, with its checksums.
    fn written(bytes: usize) -> (tempfile::NamedTempFile, Vec<u8>, Arc<[u32]>) {
        let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        let mut checksums = BlockChecksums::default();
        for part in content.chunks(1_000) {
            checksums.update(part);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &content).unwrap();
        (file, content, checksums.finish())
    }

    #[test]
    fn any_part_of_a_file_is_read_as_it_was_written() {
        let (file, content, checksums) = written(3 * BLOCK_BYTES + 7);
        assert_eq!(checksums.len(), 4);
        let open = BlockFile::open(file.path(), Some(checksums)).unwrap();
        for (start, length) in [(0, 1), (5, BLOCK_BYTES), (BLOCK_BYTES, BLOCK_BYTES), (49_152, 7)] {
            let read = open.get_bytes(start as u64, length).unwrap();
            assert_eq!(read, &content[start..start + length], "{start} {length}");
        }
        let mut rest = Vec::new();
        open.get_read(20_000).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, &content[20_000..]);
        assert!(open.get_bytes(49_152, 8).is_err());
    }

    #[test]
    fn a_changed_byte_is_told_where_its_block_is_read_and_nowhere_else() {
        let (file, mut content, checksums) = written(3 * BLOCK_BYTES + 7);
        content[BLOCK_BYTES + 100] ^= 1;
        std::fs::write(file.path(), &content).unwrap();
        let open = BlockFile::open(file.path(), Some(checksums)).unwrap();
        assert!(open.get_bytes(0, BLOCK_BYTES).is_ok());
        let error = open.get_bytes(BLOCK_BYTES as u64 - 1, 2).unwrap_err().to_string();
        assert!(error.contains("bytes 16384 to 32767 are not those that were written"), "{error}");
        // Without checksums nothing tells.
        assert!(BlockFile::open(file.path(), None).unwrap().get_bytes(16_384, 200).is_ok());
    }
}
