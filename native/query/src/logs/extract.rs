//! Labels from lines.

mod json;
mod logfmt;

use std::borrow::Cow;

use regex::Regex;

use self::{json::Path, logfmt::Pairs};
use super::{line_pattern::LinePattern, row_labels::RowLabels};
use crate::{
    error::QueryError,
    matcher::compile_regex,
    plan::{Extraction, Parser},
};

/// A compiled parser.
pub(super) enum Extractor {
    /// All of an object.
    Json,
    /// Some values of an object.
    JsonPaths(Vec<(String, Path)>),
    /// Pairs; only some, if there are extractions.
    Logfmt { is_strict: bool, keeps_empty: bool, expressions: Vec<Extraction> },
    /// Named captures; each with its number.
    Regexp(Regex, Vec<(usize, String)>),
    /// Captures between literals.
    Pattern(LinePattern),
    /// Texts of an object, and the line in it.
    Unpack,
}

impl Extractor {
    /// Compiles a parser.
    pub(super) fn compile(parser: &Parser) -> Result<Self, QueryError> {
        Ok(match parser {
            Parser::Json { expressions } if expressions.is_empty() => Self::Json,
            Parser::Json { expressions } => Self::JsonPaths(
                expressions
                    .iter()
                    .map(|one| Ok((one.label.clone(), Path::parse(&one.path)?)))
                    .collect::<Result<_, QueryError>>()?,
            ),
            Parser::Logfmt { strict, keep_empty, expressions } => Self::Logfmt {
                is_strict: *strict,
                keeps_empty: *keep_empty,
                expressions: expressions.clone(),
            },
            Parser::Regexp { expression } => {
                let regex = compile_regex(expression, expression)?;
                let names = regex.capture_names().enumerate();
                let names = names.filter_map(|(at, name)| Some((at, name?.to_owned()))).collect();
                Self::Regexp(regex, names)
            }
            Parser::Pattern { expression } => Self::Pattern(LinePattern::parse(expression)),
            Parser::Unpack => Self::Unpack,
        })
    }

    /// Adds the line's labels. What was read before a mistake in the line stays.
    pub(super) fn run(&self, line: &mut Cow<'_, str>, labels: &mut RowLabels) {
        if let Self::Unpack = self {
            match json::unpack(line, labels) {
                Ok(Some(packed)) => *line = Cow::Owned(packed),
                Ok(None) => {}
                Err(details) => labels.set_error(json::ERROR, details),
            }
        } else {
            self.read(line, labels);
        }
    }

    fn read(&self, line: &str, labels: &mut RowLabels) {
        match self {
            Self::Unpack => {}
            Self::Regexp(regex, names) => {
                let Some(captures) = regex.captures(line) else { return };
                for (at, name) in names {
                    labels.set_extracted(name, captures.get(*at).map_or("", |one| one.as_str()));
                }
            }
            Self::Pattern(pattern) => {
                pattern.captures(line, |name, text| labels.set_extracted(name, text));
            }
            Self::Json => {
                if let Err(details) = json::flatten(line, labels) {
                    labels.set_error(json::ERROR, details);
                }
            }
            Self::JsonPaths(paths) => extract_paths(line, paths, labels),
            Self::Logfmt { is_strict, keeps_empty, expressions } if expressions.is_empty() => {
                each_pair(line, *is_strict, labels, |labels, key, value| {
                    // What was no text when it was sent leaves a blank.
                    let value = if value.contains(char::REPLACEMENT_CHARACTER) {
                        Cow::Owned(value.replace(char::REPLACEMENT_CHARACTER, " "))
                    } else {
                        Cow::Borrowed(value)
                    };
                    if *keeps_empty || !value.is_empty() {
                        set_named(labels, key, &value);
                    }
                });
            }
            Self::Logfmt { is_strict, expressions, .. } => {
                for Extraction { label, .. } in expressions {
                    labels.set_empty(label);
                }
                each_pair(line, *is_strict, labels, |labels, key, value| {
                    let key = label_name(key);
                    // As in Loki a key that is a label's own name counts beside the one it is read from.
                    let is_of = |one: &&Extraction| one.path == *key || one.label == *key;
                    let value =
                        if value.contains(char::REPLACEMENT_CHARACTER) { "" } else { value };
                    for Extraction { label, .. } in expressions.iter().filter(is_of) {
                        labels.replace_extracted(label, value);
                    }
                });
            }
        }
    }
}

fn extract_paths(line: &str, paths: &[(String, Path)], labels: &mut RowLabels) {
    if line.is_empty() {
        return;
    }
    if !line.trim_start().starts_with(['{', '[', '"']) {
        labels.set_error(json::ERROR, "");
        return;
    }
    if let Err(details) = json::check_start(line) {
        labels.set_error(json::ERROR, details);
    }
    for (label, path) in paths {
        match path.find(line) {
            Ok(Some(value)) => labels.replace_extracted(label, &value),
            Ok(None) => {}
            Err(details) => labels.set_error(json::ERROR, details),
        }
    }
    for (label, _) in paths {
        if labels.get(label).is_none() {
            labels.set_empty(label);
        }
    }
}

fn each_pair(
    line: &str,
    is_strict: bool,
    labels: &mut RowLabels,
    mut each: impl FnMut(&mut RowLabels, &str, &str),
) {
    for pair in Pairs::of(line) {
        match pair {
            Ok((key, value)) => each(labels, key, &value),
            Err(error) if is_strict => {
                labels.set_error("LogfmtParserErr", &error.to_string());
                return;
            }
            // The rest of the line may still be pairs.
            Err(_) => {}
        }
    }
}

fn set_named(labels: &mut RowLabels, key: &str, value: &str) {
    let name = label_name(key);
    if !name.is_empty() {
        labels.set_extracted(&name, value);
    }
}

/// A key as a label's name.
fn label_name(key: &str) -> Cow<'_, str> {
    let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name && !key.starts_with(|first: char| first.is_ascii_digit()) {
        return Cow::Borrowed(key);
    }
    let mut name = String::with_capacity(key.len() + 1);
    push_label_name(&mut name, key);
    Cow::Owned(name)
}

/// Appends a key as a label's name, or as the next part of one: what may not be in a name becomes `_`.
pub(super) fn push_label_name(name: &mut String, key: &str) {
    let key = key.trim();
    if name.is_empty() && key.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    name.extend(key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use varve_columnar::labels::LabelSet;

    use super::*;

    fn read(parser: &Parser, line: &str) -> String {
        let mut labels = RowLabels::default();
        labels.start(&Arc::new(LabelSet::new([("app", "shop")])));
        Extractor::compile(parser).unwrap().run(&mut line.into(), &mut labels);
        labels.sets().parsed.to_json()
    }

    fn json(line: &str, paths: &[(&str, &str)]) -> String {
        read(&Parser::Json { expressions: extractions(paths) }, line)
    }

    fn logfmt(line: &str, strict: bool, paths: &[(&str, &str)]) -> String {
        let expressions = extractions(paths);
        read(&Parser::Logfmt { strict, keep_empty: false, expressions }, line)
    }

    fn extractions(paths: &[(&str, &str)]) -> Vec<Extraction> {
        let one =
            |&(label, path): &(&str, &str)| Extraction { label: label.into(), path: path.into() };
        paths.iter().map(one).collect()
    }

    #[test]
    fn an_objects_values_are_labels_by_their_joined_keys() {
        let line = r#" {"status": 500, "a": {"b c": {"1": true}}, "1st": "x", "esc": "a\n\"\u00e9", "list": [1, {"n": "]"}], "none": null, "app": "cart", "e": 1.5e-7}"#;
        assert_eq!(
            json(line, &[]),
            r#"{"_1st":"x","a_b_c_1":"true","app_extracted":"cart","e":"1.5e-7","esc":"a\n\"é","status":"500"}"#
        );
    }

    #[test]
    fn what_was_read_before_a_mistake_stays() {
        assert_eq!(
            json(r#"{"level":"error","msg":"cut off"#, &[]),
            r#"{"__error__":"JSONParserErr","__error_details__":"Value is string, but can't find closing '\"' symbol","level":"error"}"#
        );
        assert_eq!(
            json(r#"["an","array"]"#, &[]),
            r#"{"__error__":"JSONParserErr","__error_details__":"Value looks like object, but can't find closing '}' symbol"}"#
        );
    }

    #[test]
    fn paths_go_through_objects_and_lists() {
        let line =
            r#"{"client": {"geo": {"city name": "Köln"}}, "list": ["x", {"y": 2}], "no": null}"#;
        let paths = [
            ("city", r#"client.geo["city name"]"#),
            ("y", "list[1].y"),
            ("geo", "client.geo"),
            ("no", "no"),
        ];
        assert_eq!(
            json(line, &paths),
            r#"{"city":"Köln","geo":"{\"city name\": \"Köln\"}","no":"","y":"2"}"#
        );
        assert_eq!(json("plain", &[("a", "b")]), r#"{"__error__":"JSONParserErr"}"#);
    }

    #[test]
    fn pairs_are_labels_and_words_between_them_are_skipped() {
        let line = r#"standalone level=info empty= msg="equals = and \"quotes\"" dotted.key=1 "bad"=x =noval app=cart id=7"#;
        assert_eq!(
            logfmt(line, false, &[]),
            r#"{"app_extracted":"cart","dotted_key":"1","id":"7","level":"info","msg":"equals = and \"quotes\""}"#
        );
        assert_eq!(
            logfmt(line, false, &[("lvl", "level"), ("nope", "x"), ("dotted_key", "dotted_key")]),
            r#"{"dotted_key":"1","lvl":"info","nope":""}"#
        );
    }

    #[test]
    fn a_strict_reader_says_where_a_pair_is_none() {
        assert_eq!(
            logfmt(
                r#"level=info dotted.key=1 dash-key=2 "bad"=x id=93"#,
                true,
                &[("id", "id"), ("level", "level")]
            ),
            r#"{"__error__":"LogfmtParserErr","__error_details__":"logfmt syntax error at pos 36 : unexpected '\"'","id":"","level":"info"}"#
        );
        assert_eq!(
            logfmt(r#"level=warn msg="unterminated quote job=mail id=89"#, true, &[]),
            r#"{"__error__":"LogfmtParserErr","__error_details__":"logfmt syntax error at pos 50 : unterminated quoted value","level":"warn"}"#
        );
    }

    #[test]
    fn captures_of_an_expression_are_labels_where_it_matches() {
        let read = |line| {
            read(
                &Parser::Regexp {
                    expression: "took (?P<took>\\d+)(?P<unit> ?ms)?(?P<app>!)?".into(),
                },
                line,
            )
        };
        assert_eq!(read("it took 12 ms"), r#"{"app_extracted":"","took":"12","unit":" ms"}"#);
        assert_eq!(read("it took long"), "{}");
    }

    #[test]
    fn unpacking_takes_texts_and_the_line_among_them() {
        let read = |line: &str| {
            let mut labels = RowLabels::default();
            labels.start(&Arc::new(LabelSet::new([("app", "shop")])));
            let mut line = Cow::Borrowed(line);
            Extractor::Unpack.run(&mut line, &mut labels);
            (line.into_owned(), labels.sets().parsed.to_json())
        };
        assert_eq!(
            read(r#"{"pod":"p1","app":"x","n":7,"_entry":"a \"line\""}"#),
            ("a \"line\"".into(), r#"{"app_extracted":"x","pod":"p1"}"#.into())
        );
        let not_packed = r#"{"pod":"p1"}"#;
        assert_eq!(read(not_packed), (not_packed.into(), "{}".into()));
        assert_eq!(
            read("plain").1,
            r#"{"__error__":"JSONParserErr","__error_details__":"expecting json object(6), but it is not"}"#
        );
    }
}
