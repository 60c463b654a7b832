//! Lines that say certain words, those first that fit best.

use std::{cmp::Ordering, sync::Arc};

use rayon::prelude::*;
use varve_columnar::{
    answer::{Answer, FoundLine, QueryStats},
    structured_metadata::LogMetadata,
};
use varve_types::Table;
use varve_view::{Scored, Search, Segment, TermCounts, TextQuery};

use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies, overlaps},
    pipeline::Pipeline,
    scan::{Found, Hits, Reader, Row, Scan},
    wanted::WantedMetadata,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    matcher::Matchers,
    plan::{LogScan, SearchOrder, TextExpr, TimeRange},
};

/// [`Answer::FoundLines`].
pub(crate) fn text_search(
    context: &ExecContext,
    input: &LogScan,
    query: &TextExpr,
    order: SearchOrder,
    limit: u32,
) -> Result<Answer, QueryError> {
    let range = input.range.ok_or_else(|| QueryError::invalid("a search has a time range"))?;
    let search = Search::compile(&text_query(query))
        .map_err(|error| QueryError::invalid(error.to_string()))?;
    let selectors = [Matchers::compile(&input.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    let (hits, counts) = rows_to_read(context, &search, range)?;
    let pipeline = Pipeline::compile(&[])?;
    let wanted = WantedMetadata::default();
    let scan = Scan { range, pipeline: &pipeline, needles: Vec::new(), hits, wanted };
    let mut ranking = Ranking {
        context,
        search: &search,
        counts: &counts,
        order,
        most: limit as usize,
        lines: Vec::new(),
        last: None,
        total: 0,
    };
    scan.run(context, &mut streams, &mut ranking)?;
    Ok(ranking.finish())
}

fn text_query(expr: &TextExpr) -> TextQuery {
    let all = |parts: &[TextExpr]| parts.iter().map(text_query).collect();
    match expr {
        TextExpr::Phrase { text } => TextQuery::Phrase(text.clone()),
        TextExpr::Prefix { text } => TextQuery::Prefix(text.clone()),
        TextExpr::Fuzzy { text, edits } => TextQuery::Fuzzy(text.clone(), *edits),
        TextExpr::All { parts } => TextQuery::All(all(parts)),
        TextExpr::Any { parts } => TextQuery::Any(all(parts)),
        TextExpr::Not { part } => TextQuery::Not(Box::new(text_query(part))),
    }
}

/// By segment the rows that may be found, and how rare the words are. Each dictionary is walked once.
fn rows_to_read(
    context: &ExecContext,
    search: &Search,
    range: TimeRange,
) -> Result<(Hits, TermCounts), QueryError> {
    let segments: Vec<&Segment> = context
        .snapshots(Table::Logs)
        .flat_map(|(_, snapshot)| &snapshot.segments)
        .map(AsRef::as_ref)
        .filter(|segment| overlaps(segment.time_range(), range))
        .collect();
    let found = segments.par_iter().map(|segment| {
        context.budget.check()?;
        Ok((segment.id(), segment.rows_found(search)?))
    });
    let mut rows = Hits::new();
    let mut counts = TermCounts::default();
    for (segment, found) in found.collect::<Result<Vec<_>, QueryError>>()? {
        if let Some((hits, of_segment)) = found {
            counts.add(&of_segment);
            rows.insert(segment, hits);
        }
    }
    Ok((rows, counts))
}

/// Keeps the lines that come first.
struct Ranking<'q> {
    context: &'q ExecContext,
    search: &'q Search,
    counts: &'q TermCounts,
    order: SearchOrder,
    most: usize,
    lines: Vec<FoundLine>,
    /// The last line that still counts, once there are enough.
    last: Option<(f32, i64)>,
    total: u64,
}

impl Ranking<'_> {
    fn compare(&self, a: (f32, i64), b: (f32, i64)) -> Ordering {
        let newest = b.1.cmp(&a.1);
        match self.order {
            SearchOrder::Score => b.0.total_cmp(&a.0).then(newest),
            SearchOrder::Newest => newest,
        }
    }

    fn may_count(&self, score: f32, time_ns: i64) -> bool {
        self.most > 0
            && self.last.is_none_or(|last| self.compare((score, time_ns), last) == Ordering::Less)
    }

    fn score(&self, line: &str) -> Option<Scored> {
        self.search.score(line, self.counts)
    }

    /// Lets go of lines that come too late.
    fn cut(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by(|a, b| self.compare((a.score, a.time_ns), (b.score, b.time_ns)));
        if lines.len() >= self.most {
            for gone in lines.drain(self.most..) {
                self.context.budget.release(bytes_of(&gone));
            }
            self.last = lines.last().map(|line| (line.score, line.time_ns));
        }
        self.lines = lines;
    }

    fn finish(mut self) -> Answer {
        self.cut();
        Answer::FoundLines { lines: self.lines, total: self.total }
    }
}

fn bytes_of(line: &FoundLine) -> u64 {
    (size_of::<FoundLine>() + line.line.len() + line.metadata.held_bytes()) as u64
}

impl Reader for Ranking<'_> {
    fn columns(
        &self,
        _: &StreamDirectory<'_>,
        _: &Segment,
    ) -> Result<Vec<&'static str>, QueryError> {
        let mut columns = vec!["body"];
        columns.extend(METADATA_COLUMNS);
        Ok(columns)
    }

    fn decides(&self) -> bool {
        true
    }

    fn deciding_columns(&self, _: &Segment) -> Result<Vec<&'static str>, QueryError> {
        Ok(vec!["body"])
    }

    fn keep(
        &mut self,
        found: &Found<'_>,
        _: &StreamDirectory<'_>,
        kept: &mut Vec<usize>,
    ) -> Result<(), QueryError> {
        let lines = bodies(found.batch)?;
        let before = self.total;
        for (place, row) in found.rows.iter().enumerate() {
            if let Some(Scored { score, .. }) = self.score(lines.value(row.at as usize)) {
                self.total += 1;
                if self.may_count(score, row.time_ns) {
                    kept.push(place);
                }
            }
        }
        let rows_matched = self.total - before;
        self.context.count(&QueryStats { rows_matched, ..QueryStats::default() });
        Ok(())
    }

    fn wants(&self, _: (i64, i64)) -> bool {
        true
    }

    fn narrow(&mut self, _: &mut Vec<Row>, _: bool) {}

    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError> {
        let lines = bodies(found.batch)?;
        let metadata = LogMetadata::new(found.batch);
        for row in found.rows {
            let line = lines.value(row.at as usize);
            let Some(Scored { score, places }) = self.score(line) else { continue };
            if !self.may_count(score, row.time_ns) {
                continue;
            }
            let line = FoundLine {
                score,
                time_ns: row.time_ns,
                index: Arc::clone(&streams.streams()[row.stream as usize]),
                metadata: metadata.labels(row.at as usize),
                line: line.into(),
                places,
            };
            self.context.budget.charge(bytes_of(&line))?;
            self.lines.push(line);
            if self.lines.len() >= self.most.saturating_mul(2).max(1_024) {
                self.cut();
            }
        }
        self.context.budget.check()
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        times.1.saturating_neg()
    }
}
