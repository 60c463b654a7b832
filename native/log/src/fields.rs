//! Numbers as our files have them.

/// Takes little-endian numbers off the front of a slice. Past its end everything is 0, which the
/// callers exclude by the slice's length.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> u16 {
        self.take().map_or(0, u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> u32 {
        self.take().map_or(0, u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.take().map_or(0, u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> u128 {
        self.take().map_or(0, u128::from_le_bytes)
    }
}
