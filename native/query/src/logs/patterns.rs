//! What lines have in common, found in the lines that are asked for.

mod drain;
mod tokens;

use std::{borrow::Cow, collections::BTreeMap};

use hashbrown::HashMap;
use varve_columnar::{
    answer::{Answer, LogPattern, QueryStats},
    structured_metadata::{DETECTED_LEVEL, LogMetadata},
};
use varve_view::Segment;

use self::drain::Drain;
use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies},
    metadata_columns, needles,
    pipeline::Pipeline,
    range_of,
    row_labels::{RowLabels, WantedNames},
    scan::{Found, Reader, Row, Scan},
    wanted::WantedMetadata,
};
use crate::{context::ExecContext, error::QueryError, matcher::Matchers, plan::LogRows};

/// The most patterns in an answer.
const PATTERNS_MAX: usize = 1_000;

/// [`Answer::Patterns`].
pub(crate) fn patterns(
    context: &ExecContext,
    input: &LogRows,
    step_ns: i64,
) -> Result<Answer, QueryError> {
    let range = range_of(input)?;
    if step_ns <= 0 {
        return Err(QueryError::invalid("patterns are counted in steps of a positive length"));
    }
    let pipeline = Pipeline::compile(&input.stages)?;
    let selectors = [Matchers::compile(&input.scan.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    let needles = needles::needles(&input.stages);
    let wanted = WantedMetadata::of(&input.stages);
    let scan = Scan { range, pipeline: &pipeline, needles, hits: HashMap::new(), wanted };
    let mut mining = Mining {
        context,
        pipeline: &pipeline,
        step_ns,
        labels: RowLabels::default(),
        groups: HashMap::new(),
    };
    scan.run(context, &mut streams, &mut mining)?;
    Ok(Answer::Patterns(mining.finish()))
}

/// Learns patterns from rows, those of each stream and level apart: services say things differently.
struct Mining<'q> {
    context: &'q ExecContext,
    pipeline: &'q Pipeline,
    step_ns: i64,
    labels: RowLabels,
    groups: HashMap<u32, HashMap<String, Drain>>,
}

impl Mining<'_> {
    /// The same pattern of several streams is one.
    fn finish(self) -> Vec<LogPattern> {
        let mut merged: BTreeMap<(String, String), BTreeMap<i64, u64>> = BTreeMap::new();
        for (level, drain) in self.groups.into_values().flatten() {
            for (pattern, counts) in drain.finish() {
                let samples = merged.entry((pattern, level.clone())).or_default();
                for (step, count) in counts {
                    *samples.entry(step).or_default() += count;
                }
            }
        }
        let mut patterns: Vec<(u64, LogPattern)> = merged
            .into_iter()
            .map(|((pattern, level), samples)| {
                let total = samples.values().sum();
                let seconds = |step: i64| step.saturating_mul(self.step_ns) / 1_000_000_000;
                let samples = samples.into_iter().map(|(step, count)| (seconds(step), count));
                (total, LogPattern { pattern, level, samples: samples.collect() })
            })
            .collect();
        patterns.sort_by(|(a, _), (b, _)| b.cmp(a));
        patterns.truncate(PATTERNS_MAX);
        patterns.into_iter().map(|(_, pattern)| pattern).collect()
    }
}

impl Reader for Mining<'_> {
    fn columns(
        &self,
        _: &StreamDirectory<'_>,
        segment: &Segment,
    ) -> Result<Vec<&'static str>, QueryError> {
        let mut columns = vec!["body"];
        if self.pipeline.changes_labels() {
            columns.extend(METADATA_COLUMNS);
        } else {
            columns.extend(metadata_columns(segment, &WantedNames::of([DETECTED_LEVEL]))?);
        }
        Ok(columns)
    }

    fn wants(&self, _: (i64, i64)) -> bool {
        true
    }

    fn narrow(&mut self, _: &mut Vec<Row>, _: bool) {}

    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError> {
        let metadata = LogMetadata::new(found.batch);
        let lines = bodies(found.batch)?;
        let mut matched = 0;
        for row in found.rows {
            let at = row.at as usize;
            let mut line = Cow::Borrowed(lines.value(at));
            let mut labels = std::mem::take(&mut self.labels);
            labels.start(&streams.streams()[row.stream as usize]);
            metadata.visit(at, &mut |name, value| labels.add_metadata(name, value));
            let stays = self.pipeline.run(row.time_ns, &mut line, &mut labels);
            if stays {
                matched += 1;
                let level = labels.get(DETECTED_LEVEL).unwrap_or_default();
                let levels = self.groups.entry(row.stream).or_default();
                let drain = levels.entry_ref(level).or_default();
                let grown = drain.learn(&line, row.time_ns.div_euclid(self.step_ns));
                self.context.budget.charge(grown)?;
            }
            self.labels = labels;
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        Ok(())
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        times.0
    }
}
