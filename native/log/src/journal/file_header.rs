//! The first 4 KiB of a journal file.

use crate::fields::Fields;

/// Frames start here.
pub(super) const FILE_HEADER_BYTES: u64 = 4096;
/// The version of the format that this program writes, and the only one it reads.
pub(super) const FORMAT_VERSION: u32 = 2;
const FILE_MAGIC: [u8; 8] = *b"VARVEJNL";
const CHECKED_BYTES: usize = FILE_HEADER_BYTES as usize - size_of::<u32>();

/// Whose file it is, and where it stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) store_id: u128,
    /// Files follow each other by it without a gap; the file's name is made of it.
    pub(super) sequence: u64,
    /// The number of the file's first group: one more than the last of the file before.
    pub(super) first_group: u64,
    pub(super) created_ms: i64,
}

/// Why bytes are not a journal file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileHeaderError {
    #[error("the file does not start as a journal file")]
    Magic,
    #[error("the file header's checksum does not match")]
    Checksum,
    #[error("format version {0}")]
    Version(u32),
}

impl FileHeader {
    /// The header's bytes, and the salt of the file's frames: this header's own checksum.
    pub(super) fn encode(&self) -> (Vec<u8>, u32) {
        let mut out = Vec::with_capacity(FILE_HEADER_BYTES as usize);
        out.extend_from_slice(&FILE_MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[0; 16]); // cluster id
        out.extend_from_slice(&self.store_id.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.first_group.to_le_bytes());
        out.extend_from_slice(&self.created_ms.to_le_bytes());
        out.resize(CHECKED_BYTES, 0);
        let salt = crc32c::crc32c(&out);
        out.extend_from_slice(&salt.to_le_bytes());
        (out, salt)
    }

    /// Reads what `encode` made: the header and the salt.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, u32), FileHeaderError> {
        let mut fields = Fields(bytes);
        if fields.take() != Some(FILE_MAGIC) {
            return Err(FileHeaderError::Magic);
        }
        let Some((checked, crc)) = bytes.split_at_checked(CHECKED_BYTES) else {
            return Err(FileHeaderError::Checksum);
        };
        let salt = crc32c::crc32c(checked);
        if crc != salt.to_le_bytes() {
            return Err(FileHeaderError::Checksum);
        }
        let (version, _reserved) = (fields.u32(), fields.u32());
        if version != FORMAT_VERSION {
            return Err(FileHeaderError::Version(version));
        }
        let (_cluster_id, store_id) = (fields.u128(), fields.u128());
        let (sequence, first_group) = (fields.u64(), fields.u64());
        let created_ms = fields.u64().cast_signed();
        Ok((Self { store_id, sequence, first_group, created_ms }, salt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: FileHeader =
        FileHeader { store_id: 9, sequence: 3, first_group: 17, created_ms: -1 };

    #[test]
    fn a_file_header_is_read_back_as_it_was_written() {
        let (bytes, salt) = HEADER.encode();
        assert_eq!(bytes.len(), 4096);
        assert_eq!(FileHeader::decode(&bytes), Ok((HEADER, salt)));
    }

    #[test]
    fn a_damaged_short_or_foreign_file_header_is_refused() {
        let (bytes, _) = HEADER.encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let in_magic = bit / 8 < FILE_MAGIC.len();
            let error = if in_magic { FileHeaderError::Magic } else { FileHeaderError::Checksum };
            assert_eq!(FileHeader::decode(&damaged), Err(error), "bit {bit}");
        }
        assert_eq!(FileHeader::decode(&bytes[..100]), Err(FileHeaderError::Checksum));
        assert_eq!(FileHeader::decode(b"PAR1"), Err(FileHeaderError::Magic));
    }
}
