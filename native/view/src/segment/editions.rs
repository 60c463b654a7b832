//! Editions of a segment: the same files, of which other rows are shown.

use std::sync::{Arc, atomic::Ordering};

use parking_lot::Mutex;
use varve_segment::{Erasure, erase};

use super::{NEXT_EDITION, Segment, Why};
use crate::error::SegmentReadError;

impl Segment {
    /// The segment without what is erased, and how many records that are; `None` if it has none of it.
    pub(crate) fn without(
        &self,
        erasure: &Erasure<'_>,
        why: Why,
    ) -> Result<Option<(Self, u64)>, SegmentReadError> {
        let (first, last) = self.entry.time_range;
        if last < erasure.times.0 || erasure.times.1 < first {
            return Ok(None);
        }
        let left = erase(self.entry.table, &self.merge_input()?, erasure)
            .map_err(|error| self.failed(&error))?;
        if !left.is_less {
            return Ok(None);
        }
        let mut hides = self.hides.clone();
        match why {
            Why::Request(id) => hides.requests.push(id),
            Why::Due(at) => hides.due_since_ms = Some(hides.due_since_ms.unwrap_or(at).min(at)),
        }
        let segment = Self {
            entry: self.entry.clone(),
            edition: NEXT_EDITION.fetch_add(1, Ordering::Relaxed),
            files: self.files.clone(),
            directory: Arc::new(left.directory),
            checksums: self.checksums.clone(),
            has_trace_filter: self.has_trace_filter,
            // A trace that is hidden may still be in the filter of the whole segment.
            trace_filter: Mutex::new(None),
            value_filter: Mutex::new(None),
            filtered: self.filtered.clone(),
            opened: self.opened.clone(),
            shown_rows: left.rows.map(Arc::from),
            first_shown_time: left.first_time.or(self.first_shown_time),
            hides,
            as_of: self.as_of.clone(),
        };
        Ok(Some((segment, left.erased)))
    }

    /// It as an edition of another one's files, if it was opened apart.
    pub(crate) fn sharing_files_of(self, other: &Self) -> Self {
        Self { opened: other.opened.clone(), ..self }
    }

    /// Whether nobody else reads its files, in this edition or another.
    pub(crate) fn is_last(segment: &Arc<Self>) -> bool {
        Arc::strong_count(segment) == 1 && Arc::strong_count(&segment.opened) == 1
    }
}
