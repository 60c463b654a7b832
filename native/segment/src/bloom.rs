//! What a segment may hold: a split-block Bloom filter of its trace ids, or of other values (Parquet format,
//! BloomFilter.md), of any number of blocks.

use arrow::array::{Array as _, AsArray, RecordBatch};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// 16.9 bits per id answer wrongly about once in 1,000 look-ups (BloomFilter.md, the table of sizes).
/// Once in 100 is too often: each wrong answer reads pages of a segment, and there may be 10,000.
const BITS_PER_ID: u64 = 17;
const BLOCK_WORDS: usize = 8;
const BLOCK_BYTES: usize = 32;
/// One for each word of a block, as in BloomFilter.md.
const SALTS: [u32; BLOCK_WORDS] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// What one look-up reads: half of a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
pub struct FilterBlock([u32; BLOCK_WORDS]);

/// A value's place in filters: the same in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterKey(u64);

impl FilterKey {
    /// The place of an id.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        Self(xxh3_64(id))
    }

    /// The place of what is called by a name.
    #[must_use]
    pub fn of_value(name: &str, value: &str) -> Self {
        Self(xxh3_64_with_seed(value.as_bytes(), xxh3_64(name.as_bytes())))
    }

    fn bits(self) -> [u32; BLOCK_WORDS] {
        SALTS.map(|salt| 1 << ((self.0 as u32).wrapping_mul(salt) >> 27))
    }

    /// `false`: the filter with these blocks does not have the id. `true`: it probably has.
    #[must_use]
    pub fn may_be_in(self, blocks: &[FilterBlock]) -> bool {
        let Some(block) = self.place(blocks.len()).and_then(|at| blocks.get(at)) else {
            return false;
        };
        block.0.iter().zip(self.bits()).all(|(word, bit)| word & bit != 0)
    }

    /// `None`: there are no blocks, so there is no id.
    fn place(self, blocks: usize) -> Option<usize> {
        (blocks > 0).then(|| ((u128::from(self.0 >> 32) * blocks as u128) >> 32) as usize)
    }
}

/// The filter of one segment; no blocks where no row has any of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BloomFilter(Vec<FilterBlock>);

impl FromIterator<FilterKey> for BloomFilter {
    fn from_iter<I: IntoIterator<Item = FilterKey>>(keys: I) -> Self {
        Self::with_bits(keys, BITS_PER_ID)
    }
}

impl BloomFilter {
    /// A filter with so many bits for each of the keys.
    pub(crate) fn with_bits(keys: impl IntoIterator<Item = FilterKey>, bits_per_key: u64) -> Self {
        let mut keys: Vec<u64> = keys.into_iter().map(|key| key.0).collect();
        keys.sort_unstable();
        keys.dedup();
        let blocks = (keys.len() as u64 * bits_per_key).div_ceil(8 * BLOCK_BYTES as u64);
        let mut filter = Self(vec![FilterBlock::default(); blocks as usize]);
        for key in keys.into_iter().map(FilterKey) {
            let block = key.place(filter.0.len()).and_then(|at| filter.0.get_mut(at));
            for (word, bit) in block.into_iter().flat_map(|block| &mut block.0).zip(key.bits()) {
                *word |= bit;
            }
        }
        filter
    }

    /// Its blocks.
    #[must_use]
    pub fn blocks(&self) -> &[FilterBlock] {
        &self.0
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|block| block.0).flat_map(u32::to_le_bytes).collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let block = |bytes: &[u8; BLOCK_BYTES]| {
            let mut words = [0; BLOCK_WORDS];
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            FilterBlock(words)
        };
        Self(bytes.as_chunks::<BLOCK_BYTES>().0.iter().map(block).collect())
    }
}

/// Collects trace ids of rows on their way into a file.
#[derive(Default)]
pub struct TraceIds(Vec<FilterKey>);

impl TraceIds {
    /// Adds those of a batch, if it has the column.
    pub fn add(&mut self, rows: &RecordBatch) {
        let Some(column) = rows.column_by_name("trace_id") else { return };
        let column = column.as_fixed_size_binary();
        if column.null_count() == column.len() {
            return;
        }
        let mut last: &[u8] = &[];
        for id in column.iter().flatten() {
            // Spans come trace by trace.
            if id != last {
                self.0.push(FilterKey::of(id));
                last = id;
            }
        }
    }

    /// The filter of them.
    #[must_use]
    pub fn into_filter(self) -> BloomFilter {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
