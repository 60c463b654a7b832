//! Reads a file front to back in large steps.

use std::io;

use crate::runtime::DiskFile;

/// How much is asked of the disk at once.
const STEP_BYTES: u64 = 1 << 20;

/// The part of a file that was read last.
pub(super) struct Window<'a> {
    file: &'a dyn DiskFile,
    file_bytes: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a dyn DiskFile) -> io::Result<Self> {
        Ok(Self { file, file_bytes: file.len_bytes()?, start: 0, bytes: Vec::new() })
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// `len` bytes at `position`, or `None` if the file ends before.
    pub(super) fn at(&mut self, position: u64, len: u64) -> io::Result<Option<&[u8]>> {
        let Some(end) = position.checked_add(len).filter(|&end| end <= self.file_bytes) else {
            return Ok(None);
        };
        if position < self.start || end > self.start + self.bytes.len() as u64 {
            let step_end = end.max(position.saturating_add(STEP_BYTES)).min(self.file_bytes);
            self.bytes.resize((step_end - position) as usize, 0);
            self.file.read_exact_at(&mut self.bytes, position)?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        Ok(self.bytes.get(from..from + len as usize))
    }
}
