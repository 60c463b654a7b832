//! Positions of all logs, and what of a log is before one.

use std::{collections::BTreeMap, fmt};

use varve_types::{LogId, Lsn, PartitionId, Table};

use crate::entry::LogRange;

/// Where every log begins.
const FIRST: Lsn = Lsn::new(1, 0);

/// A position of all logs: of each partition the first place that is not seen. Of a partition that is not
/// named nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position(BTreeMap<PartitionId, Lsn>);

/// As of when rows are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// A position.
    Position(Position),
    /// Milliseconds since the epoch: the last position that is known of no later time.
    TimeMs(i64),
}

/// Why nothing can be read as of there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsOfError {
    /// It is not written as a position.
    #[error("as of '{text}': {reason}; a position is written as logs/0=1:40,spans/3=1:7")]
    Syntax {
        /// As it was sent.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Records will come that belong before it.
    #[error("as of {partition}={place}: {}", behind(*.end))]
    Ahead {
        /// Where.
        partition: PartitionId,
        /// What was asked for.
        place: Lsn,
        /// Where its log ends.
        end: Option<Lsn>,
    },
    /// Nothing is known of that time.
    #[error("as of {asked_ms} ms: {}", since(*.first_ms))]
    TooEarly {
        /// What was asked for.
        asked_ms: i64,
        /// From when on positions are known; `None`: of no time.
        first_ms: Option<i64>,
    },
    /// Samples of before and after are in one segment.
    #[error(
        "samples cannot be read as of {position}: segment {segment} has samples of before and after, and does not tell them apart; read as of a position that is not among its records ({records}), or of no position"
    )]
    Samples {
        /// What was asked for.
        position: String,
        /// Which.
        segment: u64,
        /// Among which records its own are.
        records: String,
    },
}

fn behind(end: Option<Lsn>) -> String {
    let told = |end| format!("the log ends at {end}; ask for what is stored");
    end.map_or_else(|| "there is no such partition".to_owned(), told)
}

fn since(first_ms: Option<i64>) -> String {
    let told =
        |first| format!("positions are known from {first} ms since 1970 on; ask for a later time");
    first_ms.map_or_else(|| "no position is known of any time yet".to_owned(), told)
}

impl Position {
    pub(crate) const fn of(ends: BTreeMap<PartitionId, Lsn>) -> Self {
        Self(ends)
    }

    /// Of each partition the first place that is not seen.
    pub(crate) const fn ends(&self) -> &BTreeMap<PartitionId, Lsn> {
        &self.0
    }

    /// Reads `logs/0=1:40,spans/3=1:7`; the empty text is the position before everything.
    pub fn parse(text: &str) -> Result<Self, AsOfError> {
        let wrong = |reason| AsOfError::Syntax { text: text.to_owned(), reason };
        let mut ends = BTreeMap::new();
        for one in text.split(',').filter(|one| !one.is_empty()) {
            let (partition, place) =
                one.split_once('=').ok_or_else(|| wrong("a '=' is missing"))?;
            let (log, number) =
                partition.split_once('/').ok_or_else(|| wrong("a '/' is missing"))?;
            let logs = [LogId::Logs, LogId::Spans, LogId::Samples];
            let log = logs
                .into_iter()
                .find(|known| known.name() == log)
                .ok_or_else(|| wrong("the log is none of logs, spans, samples"))?;
            let number = number.parse().map_err(|_| wrong("the partition is no number"))?;
            let (epoch, offset) = place.split_once(':').ok_or_else(|| wrong("a ':' is missing"))?;
            let epoch = epoch.parse().map_err(|_| wrong("the epoch is no number"))?;
            let offset = offset.parse().map_err(|_| wrong("the offset is no number"))?;
            if ends.insert(PartitionId { log, number }, Lsn::new(epoch, offset)).is_some() {
                return Err(wrong("a partition is there twice"));
            }
        }
        Ok(Self(ends))
    }

    /// Refuses places that are not stored yet.
    pub(crate) fn check(&self, stored: &BTreeMap<PartitionId, Lsn>) -> Result<(), AsOfError> {
        for (&partition, &place) in &self.0 {
            let end = stored.get(&partition).copied();
            if end.is_none_or(|end| place > end) && place > FIRST {
                return Err(AsOfError::Ahead { partition, place, end });
            }
        }
        Ok(())
    }

    /// Whether a record was appended before it.
    pub(crate) fn sees(&self, partition: PartitionId, lsn: Lsn) -> bool {
        self.0.get(&partition).is_some_and(|&end| lsn < end)
    }

    /// Which of a segment's records were; `None`: some.
    pub(crate) fn sees_all(&self, table: Table, ranges: &[LogRange]) -> Option<bool> {
        let mut seen = None;
        for range in ranges {
            let partition = PartitionId { log: table.log(), number: range.partition };
            let (first, last) =
                (self.sees(partition, range.first), self.sees(partition, range.last));
            if first != last || seen.is_some_and(|seen| seen != first) {
                return None;
            }
            seen = Some(first);
        }
        // Without ranges only the rows tell.
        seen
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            // An empty text is no `as_of`; what is before the first place of any partition says the same.
            let first = PartitionId { log: LogId::Logs, number: 0 };
            return write!(formatter, "{first}={FIRST}");
        }
        for (at, (partition, place)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(formatter, "{comma}{partition}={place}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
