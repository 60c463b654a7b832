//! The stages of a pipeline, run over one row after the other.

use super::{
    extract::Extractor, label_filter::LabelFilter, line_filter::LineFilter, row_labels::RowLabels,
};
use crate::{
    error::QueryError,
    matcher::TextMatcher,
    plan::{LabelPick, Stage},
};

/// A compiled pipeline.
pub(super) struct Pipeline {
    /// The line filters before the first other stage: they need no labels.
    line_filters: Vec<LineFilter>,
    stages: Vec<Compiled>,
}

enum Compiled {
    Line(LineFilter),
    Labels(LabelFilter),
    Extract(Extractor),
    Drop(Vec<Pick>),
    Keep(Vec<Pick>),
}

/// A label, perhaps only with certain values.
struct Pick {
    name: String,
    test: Option<TextMatcher>,
}

impl Pick {
    fn compile(pick: &LabelPick) -> Result<Self, QueryError> {
        let test = pick.matches.as_ref().map(|one| TextMatcher::compile(one.op, &one.value));
        Ok(Self { name: pick.name.clone(), test: test.transpose()? })
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.name == name && self.test.as_ref().is_none_or(|test| test.matches(value))
    }
}

impl Pipeline {
    /// Compiles the stages.
    pub(super) fn compile(stages: &[Stage]) -> Result<Self, QueryError> {
        let mut pipeline = Self { line_filters: Vec::new(), stages: Vec::new() };
        let picks =
            |labels: &[LabelPick]| labels.iter().map(Pick::compile).collect::<Result<Vec<_>, _>>();
        for stage in stages {
            let compiled = match stage {
                Stage::LineFilter { op, patterns } => {
                    let filter = LineFilter::compile(*op, patterns)?;
                    if pipeline.stages.is_empty() {
                        pipeline.line_filters.push(filter);
                        continue;
                    }
                    Compiled::Line(filter)
                }
                Stage::LabelFilter { expr } => Compiled::Labels(LabelFilter::compile(expr)?),
                Stage::Parse { parser } => Compiled::Extract(Extractor::compile(parser)?),
                Stage::Drop { labels } => Compiled::Drop(picks(labels)?),
                Stage::Keep { labels } => Compiled::Keep(picks(labels)?),
            };
            pipeline.stages.push(compiled);
        }
        Ok(pipeline)
    }

    /// Whether the first stages want to see lines.
    pub(super) fn filters_lines(&self) -> bool {
        !self.line_filters.is_empty()
    }

    /// Whether the first stages, which need no labels, keep the line.
    pub(super) fn keeps_line(&self, line: &str) -> bool {
        self.line_filters.iter().all(|filter| filter.keeps(line))
    }

    /// Whether stages are left that need the row's labels.
    pub(super) fn changes_labels(&self) -> bool {
        !self.stages.is_empty()
    }

    /// Whether a stage after the first line filters may drop a row.
    pub(super) fn drops_rows(&self) -> bool {
        let drops = |stage: &Compiled| matches!(stage, Compiled::Line(_) | Compiled::Labels(_));
        self.stages.iter().any(drops)
    }

    /// Whether a stage after the first line filters reads the line.
    pub(super) fn reads_lines(&self) -> bool {
        let reads = |stage: &Compiled| matches!(stage, Compiled::Line(_) | Compiled::Extract(_));
        self.stages.iter().any(reads)
    }

    /// Names of the labels that decide whether a row stays.
    pub(super) fn deciding_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for stage in &self.stages {
            match stage {
                Compiled::Labels(filter) => filter.visit_names(&mut |name| names.push(name)),
                // A label that is dropped or kept matters only if somebody looks at it later.
                Compiled::Line(_)
                | Compiled::Extract(_)
                | Compiled::Drop(_)
                | Compiled::Keep(_) => {}
            }
        }
        names
    }

    /// Runs the stages after the first line filters: changes the labels and says whether the row stays.
    pub(super) fn run(&self, line: &str, labels: &mut RowLabels) -> bool {
        self.stages.iter().all(|stage| match stage {
            Compiled::Line(filter) => filter.keeps(line),
            Compiled::Labels(filter) => filter.keeps(labels),
            Compiled::Extract(extractor) => {
                extractor.run(line, labels);
                true
            }
            Compiled::Drop(picks) => {
                labels.retain(|name, value| !picks.iter().any(|pick| pick.is(name, value)));
                true
            }
            Compiled::Keep(picks) => {
                labels.retain(|name, value| {
                    // Errors stay, so that they are seen.
                    name.starts_with("__error") || picks.iter().any(|pick| pick.is(name, value))
                });
                true
            }
        })
    }
}
