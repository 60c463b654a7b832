//! What metric queries have made of the rows of sealed segments, kept for the next of them.
//!
//! A segment never changes, and which series a log row counts for depends neither on steps nor on the
//! length of windows. So it is kept when each row was that passed, and for which series: a panel that is drawn
//! again, over times that have moved on, reads only what was sealed or appended since. A row that arrives
//! late is in a segment or memtable of its own, and a delete makes another edition of the segments that
//! it is about, so nothing that is kept can be out of date.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter, sync::Cache, sync::DefaultLifecycle,
};
use varve_columnar::labels::LabelSet;

/// A query may keep this part of the room at most: one over everything must not push out all others.
const QUERY_PARTS: u64 = 4;
/// What an entry costs beside its rows, roughly.
const ENTRY_BYTES: u64 = 256;
/// What a series of an entry costs beside its labels and rows, roughly.
const SERIES_BYTES: usize = 96;

/// Rows of segments by the question that was asked of them, up to a number of bytes.
pub struct KeptRows {
    /// `None`: nothing is kept.
    cache: Option<Cache<Key, Arc<SegmentRows>, Bytes, DefaultHashBuilder>>,
    max_bytes: u64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How much is kept, and how often that helped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptRowsStatus {
    /// Bytes that are kept.
    pub bytes: u64,
    /// The most that may be.
    pub max_bytes: u64,
    /// Segments that were not read again for a query.
    pub hits_total: u64,
    /// Segments that were looked for and not there, or not for all of the query's times.
    pub misses_total: u64,
}

/// An edition of a segment, and what was asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    edition: u64,
    question: Arc<str>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<SegmentRows>> for Bytes {
    fn weight(&self, key: &Key, rows: &Arc<SegmentRows>) -> u64 {
        ENTRY_BYTES + key.question.len() as u64 + rows.size_bytes()
    }
}

/// The rows of one segment that passed.
pub(crate) struct SegmentRows {
    /// All rows of these times are in here (both included).
    pub(crate) times: (i64, i64),
    /// A series may come more than once.
    pub(crate) series: Vec<SeriesRows>,
}

/// Those of them that count for one series.
pub(crate) struct SeriesRows {
    pub(crate) labels: LabelSet,
    pub(crate) rows: PackedRows,
}

impl SeriesRows {
    /// What it holds, roughly.
    pub(crate) fn size_bytes(&self) -> u64 {
        (SERIES_BYTES + self.labels.held_bytes() + self.rows.0.capacity()) as u64
    }
}

impl SegmentRows {
    fn size_bytes(&self) -> u64 {
        self.series.iter().map(SeriesRows::size_bytes).sum()
    }
}

impl KeptRows {
    /// Keeps at most `max_bytes`; with 0 nothing.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        // One shard: it is asked once per segment, and a shard of several could keep only its part.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(1_024)
            .weight_capacity(max_bytes)
            .build();
        let cache = options.ok().filter(|_| max_bytes > 0).map(|options| {
            Cache::with_options(
                options,
                Bytes,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            )
        });
        Self { cache, max_bytes, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// How much is kept.
    #[must_use]
    pub fn status(&self) -> KeptRowsStatus {
        let Some(cache) = &self.cache else { return KeptRowsStatus::default() };
        KeptRowsStatus {
            bytes: cache.weight(),
            max_bytes: self.max_bytes,
            hits_total: self.hits.load(Ordering::Relaxed),
            misses_total: self.misses.load(Ordering::Relaxed),
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.cache.is_some()
    }

    /// The most that one query may keep.
    pub(crate) fn query_max_bytes(&self) -> u64 {
        self.max_bytes / QUERY_PARTS
    }

    /// The rows of an edition of a segment; `None` if those of some of the times are not kept.
    pub(crate) fn get(
        &self,
        edition: u64,
        question: &Arc<str>,
        times: (i64, i64),
    ) -> Option<Arc<SegmentRows>> {
        let rows = self.cache.as_ref()?.get(&Key { edition, question: question.clone() });
        let rows = rows.filter(|rows| rows.times.0 <= times.0 && times.1 <= rows.times.1);
        let counter = if rows.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        rows
    }

    /// Keeps the rows of an edition of a segment, if there is room.
    pub(crate) fn keep(&self, edition: u64, question: &Arc<str>, mut rows: SegmentRows) {
        if let Some(cache) = &self.cache {
            rows.series.shrink_to_fit();
            rows.series.iter_mut().for_each(|series| series.rows.0.shrink_to_fit());
            cache.insert(Key { edition, question: question.clone() }, Arc::new(rows));
        }
    }
}

/// Rows, each with its time and how many bytes its line has: the difference to the time before and the
/// length, seven bits a byte. Rows of a stream are neighbours in the order of time, so mostly it is small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PackedRows(Vec<u8>);

impl PackedRows {
    /// Adds a row after one of the time `before_ns` (0 for the first).
    pub(crate) fn push(&mut self, before_ns: i64, time_ns: i64, line_bytes: u64) {
        let later = time_ns.wrapping_sub(before_ns);
        // Small numbers of either sign are small without a sign.
        self.put(((later << 1) ^ (later >> 63)) as u64);
        self.put(line_bytes);
    }

    fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Time and line length of each row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, u64)> {
        let mut bytes = self.0.iter();
        let mut time_ns = 0_i64;
        std::iter::from_fn(move || {
            let later = take(&mut bytes)?;
            time_ns = time_ns.wrapping_add((later >> 1) as i64 ^ -((later & 1) as i64));
            Some((time_ns, take(&mut bytes)?))
        })
    }
}

fn take(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = *bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests;
