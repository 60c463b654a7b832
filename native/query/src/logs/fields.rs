//! Which fields lines have: structured metadata, what the pipeline read, and what a parser finds.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::Arc,
};

use varve_columnar::{
    answer::{Answer, DetectedField, FieldType, LogEntry, StreamRows},
    json_reader::{JsonReader, Token},
    labels::LabelSet,
};

use super::{
    extract::{Extractor, push_label_name},
    numbers::read_number,
    row_labels::{ERROR, ERROR_DETAILS, RowLabels},
    run,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Direction, FieldsOf, LogRows, NumberUnit, Parser},
};

/// [`Answer::DetectedFields`] or [`Answer::DetectedValues`] of the newest `line_limit` lines.
pub(crate) fn fields(
    context: &ExecContext,
    input: &LogRows,
    line_limit: u32,
    of: &FieldsOf,
    limit: u32,
) -> Result<Answer, QueryError> {
    let Answer::Streams(streams) = run(context, input, line_limit, Direction::Backward, 0)? else {
        return Err(QueryError::execution("rows of logs were answered in another form"));
    };
    let mut seen = Seen {
        context,
        json: Extractor::compile(&Parser::Json { expressions: Vec::new() })?,
        logfmt: Extractor::compile(&Parser::Logfmt {
            strict: false,
            keep_empty: false,
            expressions: Vec::new(),
        })?,
        labels: RowLabels::default(),
        fields: BTreeMap::new(),
        // The values of one field are looked for among all.
        most: if *of == FieldsOf::All { limit as usize } else { usize::MAX },
        shortens_sizes: *of != FieldsOf::All,
    };
    // As Loki goes through them, by the streams' own labels and from the newest line on: what is met last counts.
    let shown: Vec<_> = streams
        .iter()
        .map(|rows| (shown_labels(&rows.index), Arc::new(rows.index.clone())))
        .collect();
    let mut lines: Vec<_> = streams
        .iter()
        .zip(&shown)
        .flat_map(|(rows, (labels, index))| {
            rows.entries.iter().map(move |entry| (labels, index, rows, entry))
        })
        .collect();
    lines.sort_by_key(|(labels, _, _, entry)| (*labels, entry.at));
    for (_, index, rows, entry) in lines {
        context.budget.check()?;
        seen.add(index, rows, entry)?;
    }
    Ok(match of {
        FieldsOf::All => {
            let fields = seen.fields.into_iter().map(|(name, field)| DetectedField {
                name,
                kind: field.kind,
                cardinality: field.values.len() as u64,
                parsers: field.parsers,
                json_path: field.json_path,
            });
            Answer::DetectedFields { fields: fields.collect(), limit }
        }
        FieldsOf::Values { name } => {
            let values = seen.fields.remove(name).map(|field| field.values).unwrap_or_default();
            let mut values: Vec<_> = values.into_iter().collect();
            values.sort_unstable_by_key(|(_, met)| *met);
            values.truncate(limit as usize);
            let mut values: Vec<String> =
                values.into_iter().map(|(value, _)| value.into()).collect();
            values.sort_unstable();
            Answer::DetectedValues { values, limit }
        }
    })
}

/// Labels as Loki writes them; it sorts streams by that.
fn shown_labels(labels: &LabelSet) -> String {
    let mut shown = String::new();
    for (name, value) in labels.iter() {
        let comma = if shown.is_empty() { "" } else { ", " };
        let _ = write!(shown, "{comma}{name}={value:?}");
    }
    shown.push('}');
    shown
}

struct Field {
    /// What the value that was met last looks like.
    kind: FieldType,
    /// With how many were met before.
    values: HashMap<Box<str>, usize>,
    parsers: Vec<&'static str>,
    json_path: Vec<String>,
}

struct Seen<'q> {
    context: &'q ExecContext,
    json: Extractor,
    logfmt: Extractor,
    labels: RowLabels,
    fields: BTreeMap<String, Field>,
    most: usize,
    /// Sizes are written as Loki writes them in queries.
    shortens_sizes: bool,
}

impl Seen<'_> {
    fn add(
        &mut self,
        index: &Arc<LabelSet>,
        rows: &StreamRows,
        entry: &LogEntry,
    ) -> Result<(), QueryError> {
        for (name, value) in rows.metadata.iter() {
            self.value(name, value, None)?;
        }
        let read = self.read(index, &entry.line);
        let parser = read.as_ref().map(|(parser, _)| *parser);
        for (name, value) in rows.parsed.iter() {
            self.parsed(name, value, parser, &entry.line)?;
        }
        for (name, value) in read.iter().flat_map(|(_, labels)| labels.iter()) {
            self.parsed(name, value, parser, &entry.line)?;
        }
        Ok(())
    }

    /// The labels that a parser finds in a line; `None` if neither does.
    fn read(&mut self, index: &Arc<LabelSet>, line: &str) -> Option<(&'static str, LabelSet)> {
        for (name, parser) in [("json", &self.json), ("logfmt", &self.logfmt)] {
            self.labels.start(index);
            parser.run(&mut Cow::Borrowed(line), &mut self.labels);
            if !self.labels.has_error() {
                return Some((name, self.labels.sets().parsed));
            }
        }
        None
    }

    fn parsed(
        &mut self,
        name: &str,
        value: &str,
        parser: Option<&'static str>,
        line: &str,
    ) -> Result<(), QueryError> {
        if matches!(name, ERROR | ERROR_DETAILS | "__preserve_error__") {
            return Ok(());
        }
        match size_of_text(value).filter(|_| self.shortens_sizes) {
            Some(bytes) => self.value(name, &shown_size(bytes), parser)?,
            None => self.value(name, value, parser)?,
        }
        let Some(field) = self.fields.get_mut(name) else { return Ok(()) };
        if parser == Some("json") && field.json_path.is_empty() {
            field.json_path = path_of(line, name).unwrap_or_default();
        }
        Ok(())
    }

    fn value(
        &mut self,
        name: &str,
        value: &str,
        parser: Option<&'static str>,
    ) -> Result<(), QueryError> {
        if !self.fields.contains_key(name) {
            if self.fields.len() >= self.most {
                return Ok(());
            }
            self.context.budget.charge(name.len() as u64 + size_of::<Field>() as u64)?;
            let field = Field {
                kind: type_of(value),
                values: HashMap::new(),
                parsers: Vec::new(),
                json_path: Vec::new(),
            };
            self.fields.insert(name.to_owned(), field);
        }
        let Some(field) = self.fields.get_mut(name) else { return Ok(()) };
        if let Some(parser) = parser.filter(|parser| !field.parsers.contains(parser)) {
            field.parsers.push(parser);
        }
        field.kind = type_of(value);
        if !field.values.contains_key(value) {
            self.context.budget.charge(value.len() as u64 + 40)?;
            field.values.insert(value.into(), field.values.len());
        }
        Ok(())
    }
}

/// What a value looks like.
fn type_of(value: &str) -> FieldType {
    if value.parse::<i64>().is_ok() {
        FieldType::Int
    } else if value.parse::<f64>().is_ok() {
        FieldType::Float
    } else if matches!(
        value,
        "t" | "T" | "TRUE" | "true" | "True" | "f" | "F" | "FALSE" | "false" | "False"
    ) {
        FieldType::Boolean
    } else if read_number(value, NumberUnit::Seconds).is_ok() {
        FieldType::Duration
    } else if read_number(value, NumberUnit::Bytes).is_ok() {
        FieldType::Bytes
    } else {
        FieldType::String
    }
}

/// The bytes of a text that is a size with a unit.
fn size_of_text(text: &str) -> Option<f64> {
    let has_unit = text.ends_with(|last: char| "bBkKmMgGtTpPeEiI".contains(last));
    if has_unit { read_number(text, NumberUnit::Bytes).ok() } else { None }
}

/// Three digits or fewer and a decimal unit: `1.5kB`.
fn shown_size(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10.0 {
        return format!("{bytes}B");
    }
    let power = (bytes.log10() / 3.0).floor().min(6.0);
    let scaled = (bytes / 1_000_f64.powf(power) * 10.0 + 0.5).floor() / 10.0;
    let digits = usize::from(scaled < 10.0);
    format!("{scaled:.digits$}{}", UNITS.get(power as usize).unwrap_or(&"EB"))
}

/// The keys that lead to the value that the JSON parser calls `label`.
fn path_of(line: &str, label: &str) -> Option<Vec<String>> {
    // The parser renames what the stream has already.
    [label, label.strip_suffix("_extracted").unwrap_or(label)].iter().find_map(|label| {
        let mut reader = JsonReader::new(line);
        if reader.value().ok()? != Token::Object {
            return None;
        }
        let mut path = Vec::new();
        walk(&mut reader, &mut String::new(), label, &mut path)?.then_some(path)
    })
}

/// Whether the value is in the object at hand, whose keys so far make `name`; `None` where the line
/// ends early.
fn walk(
    reader: &mut JsonReader<'_>,
    name: &mut String,
    label: &str,
    path: &mut Vec<String>,
) -> Option<bool> {
    let above = name.len();
    while let Some(key) = reader.next_key().ok()? {
        if above > 0 {
            name.push('_');
        }
        push_label_name(name, &key);
        path.push(key.into_owned());
        match reader.value().ok()? {
            Token::Object if walk(reader, name, label, path)? => return Some(true),
            Token::Object => {}
            token @ Token::Array => reader.skip_rest_of(&token).ok()?,
            _ if name == label => return Some(true),
            _ => {}
        }
        path.pop();
        name.truncate(above);
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_like_the_narrowest_type_that_reads_them() {
        let kinds = ["-7", "1.5e3", "true", "1h2m", "1.5 MiB", "GET"].map(type_of);
        assert_eq!(
            kinds,
            [
                FieldType::Int,
                FieldType::Float,
                FieldType::Boolean,
                FieldType::Duration,
                FieldType::Bytes,
                FieldType::String
            ]
        );
    }

    #[test]
    fn sizes_are_written_as_queries_compare_them() {
        let texts = ["512B", "1.5KB", "64KiB", "3MB", "1.2GiB", "0B", "9b", "10kb", "7"];
        let shown = texts.map(|text| size_of_text(text).map(shown_size).unwrap_or_default());
        assert_eq!(shown, ["512B", "1.5kB", "66kB", "3.0MB", "1.3GB", "0B", "9B", "10kB", ""]);
    }

    #[test]
    fn a_path_leads_to_the_value_by_its_own_keys() {
        let line =
            r#"{"list":[{"a":1}],"client":{"geo":{"city name":"Köln"},"ip":"::1"},"app":"x"}"#;
        assert_eq!(path_of(line, "client_geo_city_name").unwrap(), ["client", "geo", "city name"]);
        assert_eq!(path_of(line, "app_extracted").unwrap(), ["app"]);
        assert_eq!(path_of(line, "list_a"), None);
        assert_eq!(path_of("plain", "a"), None);
    }
}
