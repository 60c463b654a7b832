//! How a Parquet file was written, and whether it still is that.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    SegmentError,
    block_file::{BLOCK_BYTES, BlockChecksums},
};

/// How a Parquet file was written, by which damage to it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParquetSeal {
    /// Its size.
    pub size_bytes: u64,
    /// xxh3 of all of its bytes.
    pub checksum: u64,
    /// xxh3, cut to 32 bits, of every 16 KiB of it; `None` where an older version wrote the segment.
    pub blocks: Option<Arc<[u32]>>,
}

impl ParquetSeal {
    /// Of a file as it is now: reads all of it.
    pub fn of_file(path: &Path) -> Result<Self, SegmentError> {
        let mut file = File::open(path).map_err(SegmentError::io(path))?;
        let (mut hash, mut blocks) = (Xxh3Default::new(), BlockChecksums::default());
        let mut size_bytes = 0;
        let mut buffer = vec![0; 64 * BLOCK_BYTES];
        loop {
            let read = file.read(&mut buffer).map_err(SegmentError::io(path))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            blocks.update(bytes);
            size_bytes += read as u64;
        }
        Ok(Self { size_bytes, checksum: hash.digest(), blocks: Some(blocks.finish()) })
    }

    /// What is wrong with a file that was written as this and is now as `found`; `None`: nothing.
    #[must_use]
    pub fn difference(&self, found: &Self) -> Option<String> {
        if found.size_bytes != self.size_bytes {
            return Some(format!("it has {} bytes of {}", found.size_bytes, self.size_bytes));
        }
        if found.checksum == self.checksum {
            return None;
        }
        let blocks = |seal: &Self| seal.blocks.clone().unwrap_or_default();
        let (written, now) = (blocks(self), blocks(found));
        let mut damaged = (0u64..).zip(written.iter().zip(now.iter())).filter(|(_, (a, b))| a != b);
        let Some((at, _)) = damaged.next() else {
            return Some("its checksum is another".to_owned());
        };
        let first = at * BLOCK_BYTES as u64;
        let last = (first + BLOCK_BYTES as u64).min(self.size_bytes) - 1;
        let more = match damaged.count() {
            0 => String::new(),
            more => format!(", nor are {more} blocks of 16 KiB behind them"),
        };
        Some(format!("bytes {first} to {last} are not those that were written{more}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> ParquetSeal {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        ParquetSeal::of_file(file.path()).unwrap()
    }

    #[test]
    fn a_file_that_is_as_it_was_written_differs_in_nothing() {
        let bytes = vec![7; 3 * BLOCK_BYTES + 5];
        assert_eq!(sealed(&bytes).difference(&sealed(&bytes)), None);
    }

    #[test]
    fn damage_is_named_by_where_it_is() {
        let bytes = vec![7; 3 * BLOCK_BYTES + 5];
        let written = sealed(&bytes);
        let mut flipped = bytes.clone();
        flipped[BLOCK_BYTES] ^= 1;
        assert_eq!(
            written.difference(&sealed(&flipped)).unwrap(),
            "bytes 16384 to 32767 are not those that were written"
        );
        flipped[3 * BLOCK_BYTES] ^= 1;
        assert_eq!(
            written.difference(&sealed(&flipped)).unwrap(),
            "bytes 16384 to 32767 are not those that were written, nor are 1 blocks of 16 KiB behind them"
        );
        assert_eq!(
            written.difference(&sealed(&bytes[1..])).unwrap(),
            "it has 49156 bytes of 49157"
        );
        let older = ParquetSeal { blocks: None, ..written };
        assert_eq!(older.difference(&sealed(&flipped)).unwrap(), "its checksum is another");
    }
}
