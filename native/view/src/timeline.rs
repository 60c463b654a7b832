//! Which position the logs had at which time.
//!
//! A point is noted at most once a second, and kept the more coarsely the older it is. What is in memory is
//! written beside the manifest whenever memtables are sealed; a start takes the rest from the records that
//! it replays. Nothing but reading as of a time needs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use varve_types::{Lsn, PartitionId};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    files::replace,
    position::{AsOfError, Position},
};

const FILE: &str = "timeline";
const MAGIC: &[u8; 8] = b"VARVETIM";
const VERSION: u32 = 1;
/// Of a point without its places: time and their number.
const POINT_BYTES: usize = 12;
/// Partition, epoch, offset.
const PLACE_BYTES: usize = 20;
/// Of all points; with more the steps between older points become longer.
const PLACES_MAX: usize = 100_000;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// From this age on points are at least so far apart, the last that fits first.
const STEPS: [(i64, i64); 4] =
    [(30 * DAY_MS, HOUR_MS), (DAY_MS, 5 * MINUTE_MS), (HOUR_MS, 10 * SECOND_MS), (0, SECOND_MS)];

/// What was new at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Point {
    /// Its first record came then, …
    first_ms: i64,
    /// … its last one then, milliseconds since the epoch.
    last_ms: i64,
    /// Of partitions that got records since the point before: the first place after them.
    ends: BTreeMap<PartitionId, Lsn>,
}

/// Positions by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// Ascending.
    points: Vec<Point>,
    /// All that are in there.
    partitions: BTreeSet<PartitionId>,
}

/// What becomes of a timeline's first points.
#[derive(Clone)]
pub(crate) struct Thinned {
    points: Vec<Point>,
    /// So many were they.
    of_points: usize,
}

impl Timeline {
    /// Notes what was appended now. A clock that was put back stands still until it has caught up.
    pub(crate) fn note(&mut self, now_ms: i64, ends: impl Iterator<Item = (PartitionId, Lsn)>) {
        let ends = ends.inspect(|(partition, _)| {
            self.partitions.insert(*partition);
        });
        let last = self.points.last_mut();
        let now_ms = last.as_ref().map_or(now_ms, |last| now_ms.max(last.last_ms));
        if let Some(last) = last.filter(|last| now_ms - last.first_ms < SECOND_MS) {
            last.last_ms = now_ms;
            last.set_all(ends);
        } else {
            let mut point = Point { first_ms: now_ms, last_ms: now_ms, ends: BTreeMap::new() };
            point.set_all(ends);
            self.points.push(point);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The last position that is known of no later time.
    pub(crate) fn at(&self, at_ms: i64) -> Result<Position, AsOfError> {
        let first_ms = self.points.first().map(|first| first.last_ms);
        if first_ms.is_none_or(|first_ms| at_ms < first_ms) {
            return Err(AsOfError::TooEarly { asked_ms: at_ms, first_ms });
        }
        let before = self.points.partition_point(|point| point.last_ms <= at_ms);
        let mut ends = BTreeMap::new();
        // Backwards, as mostly the last few points have every partition.
        for (partition, end) in self.points.iter().take(before).rev().flat_map(|one| &one.ends) {
            ends.entry(*partition).or_insert(*end);
            if ends.len() == self.partitions.len() {
                break;
            }
        }
        Ok(Position::of(ends))
    }

    /// Takes the thinned form of what this was before more was noted.
    pub(crate) fn adopt(&mut self, thinned: Thinned) {
        let newer = self.points.split_off(thinned.of_points.min(self.points.len()));
        self.points = thinned.points;
        self.points.extend(newer);
    }

    /// The points that nothing more is noted in, with older ones coarser.
    pub(crate) fn thinned(&self, now_ms: i64) -> Thinned {
        let of_points = self.points.len().saturating_sub(1);
        let mut older = Self { points: self.points.clone(), partitions: BTreeSet::new() };
        older.points.truncate(of_points);
        older.thin(now_ms);
        Thinned { points: older.points, of_points }
    }

    /// Makes older points coarser.
    fn thin(&mut self, now_ms: i64) {
        let mut factor = 1;
        loop {
            let points = std::mem::take(&mut self.points);
            let mut places = 0;
            for point in points {
                let age_ms = now_ms.saturating_sub(point.first_ms);
                let (_, step_ms) =
                    STEPS.into_iter().find(|(from_ms, _)| age_ms >= *from_ms).unwrap_or(STEPS[3]);
                let step_ms = step_ms.saturating_mul(factor);
                // The first point stays: it says how far back one can go.
                let others = self.points.get_mut(1..).unwrap_or_default();
                let last = others.last_mut();
                if let Some(last) = last.filter(|last| point.last_ms - last.first_ms < step_ms) {
                    last.last_ms = point.last_ms;
                    let before = last.ends.len();
                    last.set_all(point.ends);
                    places += last.ends.len() - before;
                } else {
                    places += point.ends.len();
                    self.points.push(point);
                }
            }
            if places <= PLACES_MAX || factor > 1 << 20 {
                return;
            }
            factor *= 2;
        }
    }

    /// Writes it beside the manifest.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        replace(folder, FILE, &self.to_bytes())
    }

    /// Reads it; one that is missing, damaged or of another version is as if nothing was known.
    pub(crate) fn read(folder: &Path) -> Self {
        fs::read(folder.join(FILE))
            .ok()
            .and_then(|bytes| Self::of_bytes(&bytes))
            .unwrap_or_default()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for point in &self.points {
            bytes.extend_from_slice(&point.last_ms.to_le_bytes());
            bytes.extend_from_slice(&(point.ends.len() as u32).to_le_bytes());
            for (partition, end) in &point.ends {
                bytes.extend_from_slice(&partition.to_u64().to_le_bytes());
                bytes.extend_from_slice(&end.epoch.0.to_le_bytes());
                bytes.extend_from_slice(&end.offset.0.to_le_bytes());
            }
        }
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (sealed, checksum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(sealed) != u64::from_le_bytes(*checksum) {
            return None;
        }
        let (version, mut rest) = sealed.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*version) != VERSION {
            return None;
        }
        let mut points = Vec::new();
        while let Some((head, behind)) = rest.split_first_chunk::<POINT_BYTES>() {
            let last_ms = i64::from_le_bytes(*head.first_chunk()?);
            let count = u32::from_le_bytes(*head.last_chunk()?) as usize;
            let (places, behind) = behind.split_at_checked(count.checked_mul(PLACE_BYTES)?)?;
            let place = |place: &[u8]| {
                let partition = PartitionId::from_u64(u64::from_le_bytes(*place.first_chunk()?))?;
                let epoch = u32::from_le_bytes(*place.get(8..)?.first_chunk()?);
                let offset = u64::from_le_bytes(*place.last_chunk()?);
                Some((partition, Lsn::new(epoch, offset)))
            };
            let ends = places.chunks_exact(PLACE_BYTES).map(place).collect::<Option<_>>()?;
            points.push(Point { first_ms: last_ms, last_ms, ends });
            rest = behind;
        }
        let partitions = points.iter().flat_map(|point: &Point| point.ends.keys().copied());
        let partitions = partitions.collect();
        rest.is_empty().then_some(Self { points, partitions })
    }
}

impl Point {
    fn set_all(&mut self, ends: impl IntoIterator<Item = (PartitionId, Lsn)>) {
        for (partition, end) in ends {
            let known = self.ends.entry(partition).or_insert(end);
            *known = (*known).max(end);
        }
    }
}

#[cfg(test)]
mod tests;
