//! Generated queries over generated rows, against an interpreter that does the obvious thing with
//! maps and split texts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

mod kept;
mod parsers;
mod unread;

use self::{
    parsers::{Origins, extract, fail, read_json},
    unread::{asks_for_errors, read_steps},
};

type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
struct Row {
    second: i64,
    app: &'static str,
    user: Option<&'static str>,
    line: String,
}

#[derive(Clone, Debug)]
enum Step {
    Contains { text: &'static str, negated: bool },
    Digits { negated: bool },
    Fits(&'static str, &'static str),
    Json,
    Logfmt,
    Is { name: &'static str, value: &'static str, negated: bool },
    Above { name: &'static str, value: f64 },
    Drop(Vec<&'static str>),
    Keep(Vec<&'static str>),
    Rename { from: &'static str, to: &'static str },
    Write { to: &'static str, names: [&'static str; 2] },
    Line([&'static str; 2]),
}

const NAMES: [&str; 7] = ["app", "user", "level", "n", "to", "app_extracted", "nothing"];
const VALUES: [&str; 6] = ["shop", "ada", "error", "info", "3", ""];

fn name() -> impl Strategy<Value = &'static str> {
    select(NAMES.to_vec())
}

fn row() -> impl Strategy<Value = Row> {
    let pairs = vec((select(vec!["level", "n", "app", "user"]), select(VALUES.to_vec())), 0..4);
    let line = (pairs, 0..3_u8).prop_map(|(pairs, form)| {
        let unique: BTreeMap<_, _> = pairs.into_iter().collect();
        match form {
            0 => json!(unique).to_string(),
            1 => {
                unique.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
                    + " word"
            }
            _ => format!("plain {}", unique.values().copied().collect::<Vec<_>>().join(" "))
                .trim_end()
                .to_owned(),
        }
    });
    let app = select(vec!["shop", "cart"]);
    let user = proptest::option::of(select(vec!["ada", "eve"]));
    (1..9_i64, app, user, line).prop_map(|(second, app, user, line)| Row {
        second,
        app,
        user,
        line,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let value = || select(VALUES.to_vec());
    let names = || vec(name(), 1..4);
    prop_oneof![
        (select(vec!["error", "n=", "a", "\"level\""]), any::<bool>())
            .prop_map(|(text, negated)| Step::Contains { text, negated }),
        any::<bool>().prop_map(|negated| Step::Digits { negated }),
        (select(vec!["plain", "lev"]), select(vec!["error", "\"}"]))
            .prop_map(|(start, end)| Step::Fits(start, end)),
        Just(Step::Json),
        Just(Step::Logfmt),
        (name(), value(), any::<bool>()).prop_map(|(name, value, negated)| Step::Is {
            name,
            value,
            negated
        }),
        Just(Step::Is { name: "__error__", value: "", negated: false }),
        (name(), select(vec![0.0, 3.0])).prop_map(|(name, value)| Step::Above { name, value }),
        names().prop_map(Step::Drop),
        names().prop_map(Step::Keep),
        (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        (name(), [name(), name()]).prop_map(|(to, names)| Step::Write { to, names }),
        [name(), name()].prop_map(Step::Line),
    ]
}

/// The step as the plan has it.
fn stage(step: &Step) -> Json {
    let filter = |op: &str, text: &str| json!({ "stage": "lineFilter", "op": op, "patterns": [{ "text": text, "ip": false }] });
    let picks = |names: &[&str]| -> Vec<Json> {
        names.iter().map(|name| json!({ "name": name, "matches": null })).collect()
    };
    let template = |[a, b]: [&str; 2]| format!("{{{{.{a}}}}}-{{{{ .{b} | upper }}}}");
    match step {
        Step::Contains { text, negated } => filter(if *negated { "!=" } else { "|=" }, text),
        Step::Digits { negated } => filter(if *negated { "!~" } else { "|~" }, "[0-9]+"),
        Step::Fits(start, end) => filter("|>", &format!("{start}<_>{end}")),
        Step::Json => json!({ "stage": "parse", "parser": { "kind": "json", "expressions": [] } }),
        Step::Logfmt => json!({ "stage": "parse", "parser": {
            "kind": "logfmt", "strict": false, "keepEmpty": false, "expressions": [] } }),
        Step::Is { name, value, negated } => {
            let matcher =
                json!({ "name": name, "op": if *negated { "!=" } else { "=" }, "value": value });
            json!({ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } })
        }
        Step::Above { name, value } => json!({ "stage": "labelFilter", "expr": {
            "kind": "number", "name": name, "op": ">", "unit": "plain", "value": value } }),
        Step::Drop(names) => json!({ "stage": "drop", "labels": picks(names) }),
        Step::Keep(names) => json!({ "stage": "keep", "labels": picks(names) }),
        Step::Rename { from, to } => json!({ "stage": "labelFormat", "formats": [
            { "to": to, "from": { "kind": "label", "text": from } }] }),
        Step::Write { to, names } => json!({ "stage": "labelFormat", "formats": [
            { "to": to, "from": { "kind": "template", "text": template(*names) } }] }),
        Step::Line(names) => json!({ "stage": "lineFormat", "template": template(*names) }),
    }
}

/// The row's line and labels after the steps; `None` if it does not stay.
fn interpret(row: &Row, steps: &[Step]) -> Option<(String, Labels)> {
    let mut line = row.line.clone();
    let mut labels = Labels::from([("app".to_owned(), row.app.to_owned())]);
    labels.extend(row.user.map(|user| ("user".to_owned(), user.to_owned())));
    let mut origins = Origins::default();
    origins.metadata.extend(row.user.map(|_| "user".to_owned()));
    let text = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
    let written = |labels: &Labels, [a, b]: [&str; 2]| {
        format!("{}-{}", text(labels, a), text(labels, b).to_uppercase())
    };
    for step in steps {
        match step {
            Step::Contains { text, negated } if line.contains(text) == *negated => return None,
            Step::Digits { negated } if line.contains(|c: char| c.is_ascii_digit()) == *negated => {
                return None;
            }
            Step::Fits(start, end) if !fits(&line, start, end) => return None,
            Step::Contains { .. } | Step::Digits { .. } | Step::Fits(..) => {}
            Step::Json => read_json(&line, &mut labels, &mut origins),
            Step::Logfmt => {
                for word in line.split(|c: char| c <= ' ') {
                    if let Some((key, value)) = word.split_once('=')
                        && ![key, value].iter().any(|part| part.contains(['"', '=']))
                        && !value.is_empty()
                    {
                        extract(&mut labels, &mut origins, key, value);
                    }
                }
            }
            Step::Is { name, value, negated } => {
                if (text(&labels, name) == *value) == *negated {
                    return None;
                }
            }
            Step::Above { name, value } => match labels.get(*name)?.parse::<f64>() {
                Ok(number) if number > *value => {}
                Ok(_) => return None,
                Err(_) if labels.contains_key("__error__") => {}
                Err(_) => {
                    let details = format!(
                        "strconv.ParseFloat: parsing {:?}: invalid syntax",
                        text(&labels, name)
                    );
                    fail(&mut labels, "LabelFilterErr", &details);
                }
            },
            Step::Drop(names) => labels.retain(|name, _| !names.contains(&name.as_str())),
            Step::Keep(names) => labels
                .retain(|name, _| name.starts_with("__error") || names.contains(&name.as_str())),
            Step::Rename { from, to } => {
                if let Some(value) = labels.get(*from).cloned() {
                    labels.insert((*to).to_owned(), value);
                    labels.remove(*from);
                    origins.note(to);
                }
            }
            Step::Write { to, names } => {
                let value = written(&labels, *names);
                labels.insert((*to).to_owned(), value);
                origins.note(to);
            }
            Step::Line(names) => line = written(&labels, *names),
        }
        origins.metadata.retain(|name| labels.contains_key(name));
    }
    Some((line, labels))
}

/// The end is looked for from the left, once.
fn fits(line: &str, start: &str, end: &str) -> bool {
    let Some((_, rest)) = line.split_once(start) else { return false };
    rest.split_once(end).is_some_and(|(between, after)| !between.is_empty() && after.is_empty())
}

/// The rows as requests of some rows each.
fn stored(rows: &[Row]) -> Memtable {
    let requests: Vec<String> = rows
        .chunks(4)
        .map(|rows| {
            let line = |Row { second, app, user, line }: &Row| {
                let metadata = user.map_or(json!({}), |user| json!({ "user": user }));
                format!("{second} {{\"app\":\"{app}\"}} {metadata} {line}\n")
            };
            rows.iter().map(line).collect()
        })
        .collect();
    load(&requests.join("\n"))
}

fn stages(steps: &[Step]) -> Json {
    steps.iter().map(stage).collect()
}

/// What is computed of windows, of lines or of the label `n`.
fn aggregate(function: &str, lines: &[&str], mut samples: Vec<f64>) -> f64 {
    let count = lines.len() as f64;
    match function {
        "count_over_time" => count,
        "bytes_rate" => lines.iter().map(|line| line.len() as f64).sum::<f64>() / 2.0,
        "sum_over_time" => samples.iter().sum(),
        "avg_over_time" => samples.iter().sum::<f64>() / count,
        "min_over_time" => samples.into_iter().fold(f64::INFINITY, f64::min),
        "max_over_time" => samples.into_iter().fold(f64::NEG_INFINITY, f64::max),
        "quantile_over_time" => {
            samples.sort_by(f64::total_cmp);
            let rank = 0.5 * (samples.len() - 1) as f64;
            f64::midpoint(samples[rank.floor() as usize], samples[rank.ceil() as usize])
        }
        other => panic!("no model of {other}"),
    }
}

const LINE_FUNCTIONS: [&str; 2] = ["count_over_time", "bytes_rate"];
const SAMPLE_FUNCTIONS: [&str; 5] =
    ["sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "quantile_over_time"];

/// Per series (its labels, by name and value) the value at each second; `None` where a row failed.
fn expected_windows(
    rows: &[Row],
    steps: &[Step],
    function: &str,
    by: Option<&[&str]>,
) -> Option<BTreeMap<String, Vec<Option<f64>>>> {
    let of_samples = SAMPLE_FUNCTIONS.contains(&function);
    let may_not_parse = asks_for_errors(steps, by);
    let steps = &read_steps(steps, function, by);
    let takes_away =
        |step: &Step| matches!(step, Step::Drop(_) | Step::Keep(_) | Step::Rename { .. });
    let leaves_out_empty = match (function, by) {
        ("count_over_time" | "bytes_rate" | "sum_over_time", Some(_)) => false,
        ("avg_over_time", Some(_)) => true,
        _ => steps.iter().any(takes_away),
    };
    let mut series: BTreeMap<String, Vec<(i64, String, f64)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.second > -1 && row.second <= 5) {
        let Some((line, mut labels)) = interpret(row, steps) else { continue };
        let text = labels.get("n").cloned().unwrap_or_default();
        if of_samples && text.is_empty() {
            continue;
        }
        let value = text.parse::<f64>();
        let error = labels.get("__error__").map(String::as_str);
        let is_refused = error.is_some_and(|error| !(may_not_parse && error == "JSONParserErr"));
        if is_refused || (of_samples && value.is_err()) {
            return None;
        }
        labels.retain(|name, value| {
            let asked = by.is_none_or(|by| by.contains(&name.as_str()));
            !(leaves_out_empty && value.is_empty())
                && asked
                && !(of_samples && by.is_none() && name == "n")
        });
        let key = json!(labels).to_string();
        series.entry(key).or_default().push((row.second, line, value.unwrap_or(0.0)));
    }
    let value_at = |found: &[(i64, String, f64)], at: i64| {
        let inside: Vec<_> =
            found.iter().filter(|(second, ..)| at - 2 < *second && *second <= at).collect();
        let lines: Vec<&str> = inside.iter().map(|(_, line, _)| line.as_str()).collect();
        let samples = inside.iter().map(|(.., value)| *value).collect();
        (!inside.is_empty()).then(|| aggregate(function, &lines, samples))
    };
    let values = series.into_iter().map(|(labels, found)| {
        (labels, (1..=5).map(|at| value_at(&found, at)).collect::<Vec<_>>())
    });
    Some(values.collect())
}

fn asked_windows(
    source: &Memtable,
    steps: &[Step],
    function: &str,
    by: Option<&[&str]>,
) -> Option<BTreeMap<String, Vec<Option<f64>>>> {
    let unwrap = SAMPLE_FUNCTIONS
        .contains(&function)
        .then(|| json!({ "label": "n", "unit": "plain", "filters": [] }));
    let plan = json!({
        "node": "series",
        "expr": {
            "node": "logWindow",
            "input": { "scan": { "matchers": selector(".+"), "range": null }, "stages": stages(steps) },
            "function": function,
            "range": (2 * SECOND).to_string(),
            "offset": "0",
            "grouping": by.map(|labels| json!({ "without": false, "labels": labels })),
            "unwrap": unwrap,
            "param": 0.5,
        },
        "steps": { "start": SECOND.to_string(), "end": (5 * SECOND).to_string(), "step": SECOND.to_string() },
        "dialect": "loki",
    });
    match ask(source, &["test"], &plan) {
        Ok(Answer::Matrix(set)) => {
            let value = |&value: &f64| (!varve_columnar::answer::is_absent(value)).then_some(value);
            let series = set.series.iter();
            Some(
                series
                    .map(|one| (one.labels.to_json(), one.values.iter().map(value).collect()))
                    .collect(),
            )
        }
        Ok(other) => panic!("no matrix: {other:?}"),
        Err(error) => {
            assert!(error.to_string().starts_with("pipeline error: "), "{error}");
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lines_and_labels_are_those_of_a_naive_interpreter(
        rows in vec(row(), 1..24), steps in vec(step(), 0..6),
    ) {
        let mut expected: Vec<_> = rows
            .iter()
            .filter_map(|row| interpret(row, &steps).map(|(line, labels)| (row.second, line, labels)))
            .collect();
        expected.sort();
        let answer = super::rows(&stored(&rows), ".+", &stages(&steps), 1_000, "forward");
        let mut found = Vec::new();
        for StreamRows { index, metadata, parsed, entries } in &answer {
            let sets = [index, metadata, parsed];
            let labels: Labels = sets
                .iter()
                .flat_map(|set| set.iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
                .collect();
            let names: BTreeSet<_> = labels.keys().collect();
            prop_assert_eq!(names.len(), sets.iter().map(|set| set.len()).sum::<usize>());
            found.extend(entries.iter().map(|one| {
                (one.time_ns / SECOND, one.line.to_string(), labels.clone())
            }));
        }
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn windows_are_those_of_a_naive_interpreter(
        rows in vec(row(), 1..24),
        steps in vec(step(), 0..5),
        function in select([LINE_FUNCTIONS.as_slice(), &SAMPLE_FUNCTIONS].concat()),
        by in proptest::option::of(vec(name(), 0..3)),
    ) {
        let by = by.as_deref();
        let found = asked_windows(&stored(&rows), &steps, function, by);
        let expected = expected_windows(&rows, &steps, function, by);
        let rounded = |series: Option<BTreeMap<String, Vec<Option<f64>>>>| {
            series.map(|series| {
                let round = |values: Vec<Option<f64>>| -> Vec<String> {
                    values.iter().map(|value| value.map_or("_".into(), |value| format!("{value:.6}"))).collect()
                };
                series.into_iter().map(|(labels, values)| (labels, round(values))).collect::<Vec<_>>()
            })
        };
        prop_assert_eq!(rounded(found), rounded(expected));
    }
}
