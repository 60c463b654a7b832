//! The stages of a pipeline, run over one row after the other.

use std::borrow::Cow;

use regex::Regex;

use super::{
    extract::Extractor,
    label_filter::LabelFilter,
    line_filter::LineFilter,
    row_labels::RowLabels,
    template::{Scope, Template},
};
use crate::{
    error::QueryError,
    matcher::{TextMatcher, compile_regex},
    plan::{LabelFormat, LabelPick, LabelSource, Stage},
};

/// What a template that fails leaves as the row's `__error__`.
const TEMPLATE_ERROR: &str = "TemplateFormatErr";

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
    Decolorize(Regex),
    LineFormat(Template),
    LabelFormat(Vec<Format>),
    Drop(Vec<Pick>),
    Keep(Vec<Pick>),
}

/// A label that is set, and from what.
enum Format {
    Rename { from: String, to: String },
    Write { template: Template, to: String },
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

impl Format {
    fn compile(LabelFormat { to, from }: &LabelFormat) -> Result<Self, QueryError> {
        let to = to.clone();
        Ok(match from {
            LabelSource::Label(from) => Self::Rename { from: from.clone(), to },
            LabelSource::Template(text) => {
                let template = Template::compile("label", text).map_err(|reason| {
                    let shown = format!("{to}={text:?}");
                    QueryError::invalid(format!(
                        "parse error : stage '| label_format {shown}' : invalid template for label '{to}': {reason}"
                    ))
                })?;
                Self::Write { template, to }
            }
        })
    }
}

fn compile_stage(stage: &Stage) -> Result<Compiled, QueryError> {
    let picks =
        |labels: &[LabelPick]| labels.iter().map(Pick::compile).collect::<Result<Vec<_>, _>>();
    Ok(match stage {
        Stage::LineFilter { op, patterns } => Compiled::Line(LineFilter::compile(*op, patterns)?),
        Stage::LabelFilter { expr } => Compiled::Labels(LabelFilter::compile(expr)?),
        Stage::Parse { parser } => Compiled::Extract(Extractor::compile(parser)?),
        Stage::Decolorize => Compiled::Decolorize(compile_regex(COLOURS, COLOURS)?),
        Stage::LineFormat { template } => {
            Compiled::LineFormat(Template::compile("line", template).map_err(|reason| {
                QueryError::invalid(format!(
                    "parse error : stage '| line_format {template:?}' : invalid line template: {reason}"
                ))
            })?)
        }
        Stage::LabelFormat { formats } => {
            Compiled::LabelFormat(formats.iter().map(Format::compile).collect::<Result<_, _>>()?)
        }
        Stage::Drop { labels } => Compiled::Drop(picks(labels)?),
        Stage::Keep { labels } => Compiled::Keep(picks(labels)?),
    })
}

impl Pipeline {
    /// Compiles the stages.
    pub(super) fn compile(stages: &[Stage]) -> Result<Self, QueryError> {
        let mut pipeline = Self { line_filters: Vec::new(), stages: Vec::new() };
        for stage in stages {
            match compile_stage(stage)? {
                Compiled::Line(filter) if pipeline.stages.is_empty() => {
                    pipeline.line_filters.push(filter);
                }
                compiled => pipeline.stages.push(compiled),
            }
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
        self.stages.iter().any(|stage| match stage {
            Compiled::Line(_)
            | Compiled::Extract(_)
            | Compiled::Decolorize(_)
            | Compiled::LineFormat(_)
            | Compiled::LabelFormat(_) => true,
            Compiled::Labels(_) | Compiled::Drop(_) | Compiled::Keep(_) => false,
        })
    }

    /// Whether a stage may take labels away.
    pub(super) fn takes_labels_away(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            Compiled::Drop(_) | Compiled::Keep(_) => true,
            Compiled::LabelFormat(formats) => {
                formats.iter().any(|format| matches!(format, Format::Rename { .. }))
            }
            Compiled::Line(_)
            | Compiled::Labels(_)
            | Compiled::Extract(_)
            | Compiled::Decolorize(_)
            | Compiled::LineFormat(_) => false,
        })
    }

    /// Names of the labels that decide whether a row stays and what other labels hold; `None` where a
    /// stage looks at all of them.
    pub(super) fn deciding_names(&self) -> Option<Vec<&str>> {
        let mut names = Vec::new();
        for stage in &self.stages {
            match stage {
                Compiled::Labels(filter) => filter.visit_names(&mut |name| names.push(name)),
                Compiled::LineFormat(template) => names.extend(template.names()?),
                Compiled::LabelFormat(formats) => {
                    for format in formats {
                        match format {
                            Format::Rename { from, .. } => names.push(from),
                            Format::Write { template, .. } => names.extend(template.names()?),
                        }
                    }
                }
                // A label that is dropped or kept matters only if somebody looks at it later.
                Compiled::Line(_)
                | Compiled::Extract(_)
                | Compiled::Decolorize(_)
                | Compiled::Drop(_)
                | Compiled::Keep(_) => {}
            }
        }
        Some(names)
    }

    /// Runs the stages after the first line filters: changes the labels and the line and says whether
    /// the row stays.
    pub(super) fn run(
        &self,
        time_ns: i64,
        line: &mut Cow<'_, str>,
        labels: &mut RowLabels,
    ) -> bool {
        self.stages.iter().all(|stage| {
            match stage {
                Compiled::Line(filter) => return filter.keeps(line),
                Compiled::Labels(filter) => return filter.keeps(labels),
                Compiled::Extract(extractor) => extractor.run(line, labels),
                Compiled::Decolorize(colours) => decolorize(colours, line),
                Compiled::LineFormat(template) => {
                    match template.write(&Scope { labels, line, time_ns }) {
                        Ok(written) => *line = Cow::Owned(written),
                        Err(details) => labels.set_error(TEMPLATE_ERROR, &details),
                    }
                }
                Compiled::LabelFormat(formats) => format_labels(formats, time_ns, line, labels),
                Compiled::Drop(picks) => {
                    labels.retain(|name, value| !picks.iter().any(|pick| pick.is(name, value)));
                }
                Compiled::Keep(picks) => labels.retain(|name, value| {
                    // Errors stay, so that they are seen.
                    name.starts_with("__error") || picks.iter().any(|pick| pick.is(name, value))
                }),
            }
            true
        })
    }
}

/// Whether the lines behind a stage may be others than those before.
pub(super) fn changes_line(stage: &Stage) -> bool {
    match stage {
        Stage::Decolorize | Stage::LineFormat { .. } => true,
        Stage::Parse { parser } => matches!(parser, crate::plan::Parser::Unpack),
        Stage::LineFilter { .. }
        | Stage::LabelFilter { .. }
        | Stage::LabelFormat { .. }
        | Stage::Drop { .. }
        | Stage::Keep { .. } => false,
    }
}

/// All templates of the stage see the labels as they are when the first of them is written.
fn format_labels(formats: &[Format], time_ns: i64, line: &str, labels: &mut RowLabels) {
    let mut written: Option<std::vec::IntoIter<Result<String, String>>> = None;
    for format in formats {
        match format {
            Format::Rename { from, to } => labels.rename(from, to),
            Format::Write { to, .. } => {
                let texts = written.get_or_insert_with(|| {
                    let scope = Scope { labels, line, time_ns };
                    let texts = formats.iter().filter_map(|format| match format {
                        Format::Write { template, .. } => Some(template.write(&scope)),
                        Format::Rename { .. } => None,
                    });
                    texts.collect::<Vec<_>>().into_iter()
                });
                match texts.next() {
                    Some(Ok(text)) => labels.set(to, &text),
                    Some(Err(details)) => labels.set_error(TEMPLATE_ERROR, &details),
                    None => {}
                }
            }
        }
    }
}

/// Control sequences of terminals: an introducer, then parameters and a final letter, or a text up to
/// a bell.
const COLOURS: &str = r"[\x1b\u{9b}][\[\]()#;?]*(?:[0-9A-Za-z;]*\x07|(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-nqrty=><~])";

fn decolorize(colours: &Regex, line: &mut Cow<'_, str>) {
    if let Cow::Owned(plain) = colours.replace_all(line, "") {
        *line = Cow::Owned(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_away_and_nothing_else() {
        let plain = |line: &str| {
            let mut line = Cow::Borrowed(line);
            decolorize(&compile_regex(COLOURS, COLOURS).unwrap(), &mut line);
            line.into_owned()
        };
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0m \u{1b}[1;4mbold\u{1b}[0m"), "ERROR bold");
        assert_eq!(plain("\u{1b}[38;5;101mextended\u{1b}[39m [31m"), "extended [31m");
        assert_eq!(plain("größe [1] ok"), "größe [1] ok");
    }
}
