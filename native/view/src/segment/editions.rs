//! Editions of a segment: the same files, of which other rows are shown.

use std::sync::{Arc, atomic::Ordering};

use parking_lot::Mutex;
use varve_segment::{Erasure, erase};

use super::{NEXT_EDITION, Segment, Why};
use crate::{error::SegmentReadError, position::Position};

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
            directory: Arc::new(left.directory),
            shown_rows: left.rows.map(Arc::from),
            first_shown_time: left.first_time.or(self.first_shown_time),
            hides,
            ..self.next_edition()
        };
        Ok(Some((segment, left.erased)))
    }

    /// It as of a position that is among its records.
    pub(crate) fn divided_by(&self, position: Arc<Position>) -> Self {
        Self { as_of: Some(position), ..self.next_edition() }
    }

    /// The same rows of the same files. Its filters stay with the segment that was opened, in its place among
    /// those of other segments: they also have what is hidden.
    fn next_edition(&self) -> Self {
        Self {
            entry: self.entry.clone(),
            edition: NEXT_EDITION.fetch_add(1, Ordering::Relaxed),
            files: self.files.clone(),
            directory: self.directory.clone(),
            checksums: self.checksums.clone(),
            has_trace_filter: self.has_trace_filter,
            trace_filter: Mutex::new(None),
            value_filter: Mutex::new(None),
            filtered: self.filtered.clone(),
            opened: self.opened.clone(),
            shown_rows: self.shown_rows.clone(),
            first_shown_time: self.first_shown_time,
            hides: self.hides.clone(),
            as_of: self.as_of.clone(),
        }
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
