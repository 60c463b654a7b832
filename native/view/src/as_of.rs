//! Reading as of an earlier position or time: what was appended later is not seen.
//!
//! Rows of logs and spans, and exemplars, have their place in the log with them, whatever segments they
//! were merged into. Samples have not: chunks hold many, and only a segment says among which records its own
//! are. A position in the middle of those is refused for samples, rather than guessed. What is erased or
//! too old is not there at any position. Metadata is always read as it is now: of rows that say the
//! same the newest is all that is kept.

use std::sync::Arc;

use varve_types::{Table, TenantId};

use crate::{
    position::{AsOf, AsOfError, Position},
    snapshot::Snapshot,
    store::Store,
};

impl Store {
    /// The position of a moment; `None` for now.
    pub fn position(&self, as_of: Option<&AsOf>) -> Result<Position, AsOfError> {
        let state = self.shared().state.read();
        match as_of {
            None => Ok(Position::of(state.ends())),
            Some(AsOf::TimeMs(at_ms)) => state.timeline.at(*at_ms),
            Some(AsOf::Position(position)) => {
                position.check(&state.ends())?;
                Ok(position.clone())
            }
        }
    }

    /// [`Store::snapshots`] without what was appended after a position, and that.
    pub fn snapshots_as_of(
        &self,
        of: &[(TenantId, Table)],
        as_of: &AsOf,
    ) -> Result<Vec<Snapshot>, AsOfError> {
        let position = self.position(Some(as_of))?;
        let snapshots = self.snapshots(of).into_iter().zip(of);
        Ok(snapshots.map(|(one, (_, table))| one.as_of(*table, &position)).collect())
    }
}

impl Snapshot {
    /// It without what was appended at a position or later. Of a segment with records of before and after
    /// the rows say which are which, to those who read them ([`crate::Segment::rows_as_of`]).
    #[must_use]
    pub fn as_of(mut self, table: Table, position: &Position) -> Self {
        if table == Table::Metadata {
            return self;
        }
        let shared = Arc::new(position.clone());
        self.memtable.retain(|batch| position.sees(batch.partition, batch.lsn));
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in self.segments {
            match position.sees_all(table, &segment.entry().log) {
                Some(true) => segments.push(segment),
                Some(false) => {}
                None => segments.push(Arc::new(segment.divided_by(shared.clone()))),
            }
        }
        self.segments = segments;
        self.ends = position.ends().clone();
        self
    }
}
