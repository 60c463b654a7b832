//! Lines as they are stored.
//!
//! A position is a place of the log in every partition. What a snapshot holds from there on is what
//! was stored since, whether it is still in memtables or in segments already; so a reader that goes on
//! where its last answer ended gets each line once, however long it was away.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use varve_columnar::answer::{Answer, TailedLines};
use varve_types::{Epoch, LogId, Lsn, Offset, Table};
use varve_view::Snapshot;

use super::{
    listing::{Ends, Listing},
    needles,
    pipeline::Pipeline,
    range_of,
    scan::Scan,
    wanted::WantedMetadata,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    logs::StreamDirectory,
    matcher::Matchers,
    plan::{Direction, LogRows, Nanos, TimeRange},
};

/// Rows of memtables in one answer; what is more comes with the next one.
const ROWS_MAX: usize = 65_536;

/// Where a reader is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// By partition: the first place that was not read, epoch and offset.
    from: Vec<(u32, u32, u64)>,
    /// Segments with smaller numbers hold only rows before those places.
    segment: u64,
}

impl Position {
    fn parse(text: &str) -> Result<Self, QueryError> {
        serde_json::from_str(text).map_err(|error| {
            QueryError::invalid(format!("'{text}' is no position of a tail: {error}"))
        })
    }

    fn to_text(&self) -> Result<String, QueryError> {
        serde_json::to_string(self).map_err(|error| QueryError::execution(error.to_string()))
    }

    fn ends(&self) -> Ends {
        let place = |&(partition, epoch, offset): &(u32, u32, u64)| {
            (partition, Lsn { epoch: Epoch(epoch), offset: Offset(offset) })
        };
        self.from.iter().map(place).collect()
    }
}

/// [`Answer::Tail`]: without `after` the newest `limit` lines of the range, else all that were stored
/// since, of which with a `limit` only the newest are shown.
pub(crate) fn tail(
    context: &mut ExecContext,
    input: &LogRows,
    after: Option<&str>,
    limit: u32,
) -> Result<Answer, QueryError> {
    if context.snapshots(Table::Logs).count() > 1 {
        return Err(QueryError::invalid("multiple org IDs present; tail one tenant at a time"));
    }
    let after = after.map(Position::parse).transpose()?;
    let mut position = Position::default();
    context.narrow(Table::Logs, |_, snapshot| {
        position = advance(snapshot, after.as_ref());
        Ok::<(), QueryError>(())
    })?;
    let (range, direction, most) = match after {
        None => (range_of(input)?, Direction::Backward, limit as usize),
        // Late lines are new too, whatever their time says.
        Some(_) => (
            TimeRange { from: Nanos(i64::MIN), to: Nanos(i64::MAX) },
            Direction::Forward,
            usize::MAX,
        ),
    };
    let pipeline = Pipeline::compile(&input.stages)?;
    let selectors = [Matchers::compile(&input.scan.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    let needles = needles::needles(&input.stages);
    let wanted = WantedMetadata::of(&input.stages);
    let scan = Scan { range, pipeline: &pipeline, needles, hits: HashMap::new(), wanted };
    let mut listing = Listing::new(context, &pipeline, direction, most);
    listing.start_at(after.as_ref().map(Position::ends).unwrap_or_default());
    scan.run(context, &mut streams, &mut listing)?;
    let shown = if after.is_some() && limit == 0 { usize::MAX } else { limit as usize };
    let (streams, mut dropped) = listing.finish_newest(shown);
    if after.is_none() {
        // Nobody missed what was stored before.
        dropped.clear();
    }
    // As in Loki, lines that no stage looked at come as they were sent.
    let by_stream = after.is_some() && input.stages.is_empty();
    Ok(Answer::Tail(TailedLines { streams, by_stream, dropped, position: position.to_text()? }))
}

/// Takes away what was read before `after`, and what is too much for one answer. The position from
/// which the next answer goes on.
fn advance(snapshot: &mut Snapshot, after: Option<&Position>) -> Position {
    let next_segment = snapshot.segments.iter().map(|segment| segment.id() + 1).max();
    let mut ends: Ends = snapshot
        .ends
        .iter()
        .filter(|(partition, _)| partition.log == LogId::Logs)
        .map(|(partition, &end)| (partition.number, end))
        .collect();
    let mut segment = next_segment.unwrap_or_default();
    if let Some(after) = after {
        segment = segment.max(after.segment);
        snapshot.segments.retain(|one| one.id() >= after.segment);
        let from = after.ends();
        let mut rows = 0;
        snapshot.memtable.retain(|batch| {
            let number = batch.partition.number;
            if from.get(&number).is_some_and(|&from| batch.lsn < from) {
                return false;
            }
            let is_too_much = rows >= ROWS_MAX;
            if is_too_much {
                // Of a partition the batches come in the log's order: the first one counts.
                ends.entry(number).and_modify(|end| *end = (*end).min(batch.lsn));
            } else {
                rows += batch.batch.num_rows();
            }
            !is_too_much
        });
    }
    let place = |(partition, Lsn { epoch, offset })| (partition, epoch.0, offset.0);
    Position { from: ends.into_iter().map(place).collect(), segment }
}
