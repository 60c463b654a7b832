//! `info`: series with the labels of the info series that belong to them.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use varve_columnar::{answer::is_absent, labels::LabelSet};

use super::{
    eval::Evaluator,
    value::{EvalSeries, NAME, SAME_LABELS, Value, Vector, merge_same_labels},
    window::Shown,
};
use crate::{
    error::QueryError,
    matcher::{Matchers, TextMatcher},
    plan::{LabelMatcher, SampleSelect, SeriesExpr},
};

/// The labels by which series and their info series find each other.
const IDENTITY: [&str; 2] = ["instance", "job"];

/// Evaluates `info(v, {…})`.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    input: &SeriesExpr,
    select: &SampleSelect,
    lookback_ns: i64,
) -> Result<Value<'a>, QueryError> {
    let base = evaluator.eval_vector(input, "info")?;
    if base.series.is_empty() {
        return Ok(Value::Vector(base));
    }
    let (names, data): (Vec<_>, Vec<_>) =
        select.matchers.iter().cloned().partition(|matcher| matcher.name == NAME);
    let names = Matchers::compile(&names)?;
    let found = evaluator.select(select, lookback_ns, Shown::Value)?;
    if found.series.iter().any(|series| !series.histograms.is_empty()) {
        return Err(QueryError::execution("info sample should be float"));
    }
    let times = evaluator.select(select, lookback_ns, Shown::Time)?;
    // An info series is not completed by itself or its like.
    let is_completed = |series: &&EvalSeries| !names.matches(&name_only(&series.labels));
    let infos = Infos::of(&times, base.series.iter().filter(is_completed));
    let completion = Completion::of(&infos, &data)?;
    let mut made = Vec::with_capacity(base.series.len());
    for series in &base.series {
        if is_completed(&series) {
            completion.complete(series, &mut made)?;
        } else {
            made.push(series.clone());
        }
    }
    evaluator.vector(merge_same_labels(made, SAME_LABELS)?)
}

fn name_only(labels: &LabelSet) -> LabelSet {
    LabelSet::new([(NAME, labels.get(NAME))])
}

/// What a series and its info series have in common.
fn identity(labels: &LabelSet) -> [&str; 2] {
    IDENTITY.map(|name| labels.get(name))
}

/// The info series that may belong to some series; their values are the times of their samples.
struct Infos<'i> {
    /// All names of them.
    names: Vec<&'i str>,
    /// By name and identity.
    series: HashMap<(&'i str, [&'i str; 2]), Vec<&'i EvalSeries>>,
}

impl<'i> Infos<'i> {
    fn of<'b>(times: &'i Vector<'_>, base: impl Iterator<Item = &'b EvalSeries>) -> Self {
        let mut known: [BTreeSet<&str>; 2] = Default::default();
        for series in base {
            for (known, value) in known.iter_mut().zip(identity(&series.labels)) {
                if !value.is_empty() {
                    known.insert(value);
                }
            }
        }
        let mut infos = Self { names: Vec::new(), series: HashMap::new() };
        if known.iter().all(BTreeSet::is_empty) {
            return infos;
        }
        for series in &times.series {
            let (name, identity) = (series.labels.get(NAME), identity(&series.labels));
            let belongs = |(known, value): (&BTreeSet<&str>, &&str)| {
                known.is_empty() || known.contains(*value)
            };
            if known.iter().zip(&identity).all(belongs) {
                infos.series.entry((name, identity)).or_default().push(series);
                if !infos.names.contains(&name) {
                    infos.names.push(name);
                }
            }
        }
        infos
    }
}

/// How series are completed.
struct Completion<'i> {
    infos: &'i Infos<'i>,
    /// The labels that are taken over; all if empty.
    wanted: Vec<&'i str>,
    /// Series without an info series stay.
    keeps_others: bool,
}

impl<'i> Completion<'i> {
    fn of(infos: &'i Infos<'i>, data: &'i [LabelMatcher]) -> Result<Self, QueryError> {
        let mut keeps_others = true;
        for matcher in data {
            keeps_others &= TextMatcher::compile(matcher.op, &matcher.value)?.matches("");
        }
        let wanted = data.iter().map(|matcher| matcher.name.as_str()).collect();
        Ok(Self { infos, wanted, keeps_others })
    }

    /// Adds what becomes of a series: one series for each set of info series that it has at some step.
    fn complete(&self, base: &EvalSeries, made: &mut Vec<EvalSeries>) -> Result<(), QueryError> {
        let identity = identity(&base.labels);
        let candidates: Vec<&[&EvalSeries]> = self
            .infos
            .names
            .iter()
            .filter_map(|&name| self.infos.series.get(&(name, identity)))
            .map(Vec::as_slice)
            .collect();
        let mut known: Vec<(Vec<&EvalSeries>, usize)> = Vec::new();
        for step in (0..base.values.len()).filter(|&step| base.is_present(step)) {
            let chosen = chosen_at(step, &candidates)?;
            if chosen.is_empty() && !self.keeps_others {
                continue;
            }
            let is_chosen = |have: &[&EvalSeries]| {
                have.len() == chosen.len()
                    && have.iter().zip(&chosen).all(|(a, b)| std::ptr::eq(*a, *b))
            };
            let at = if let Some((_, at)) = known.iter().find(|(have, _)| is_chosen(have)) {
                *at
            } else {
                let mut series = base.emptied();
                series.labels = self.completed(&base.labels, &chosen)?;
                made.push(series);
                known.push((chosen, made.len() - 1));
                made.len() - 1
            };
            made[at].take_over(step, base);
        }
        Ok(())
    }

    fn completed(&self, base: &LabelSet, infos: &[&EvalSeries]) -> Result<LabelSet, QueryError> {
        let mut added = LabelSet::default();
        for info in infos {
            for (name, value) in info.labels.iter() {
                let is_wanted = self.wanted.is_empty() || self.wanted.contains(&name);
                if name == NAME || !is_wanted {
                    continue;
                }
                if added.contains(name) && added.get(name) != value {
                    return Err(QueryError::execution(format!("conflicting label: {name}")));
                }
                if !base.contains(name) {
                    added.set(name, value);
                }
            }
        }
        let mut labels = base.clone();
        for (name, value) in added.iter() {
            labels.set(name, value);
        }
        Ok(labels)
    }
}

/// Of each name's candidates the one with the newest sample at a step.
fn chosen_at<'i>(
    step: usize,
    candidates: &[&[&'i EvalSeries]],
) -> Result<Vec<&'i EvalSeries>, QueryError> {
    let mut chosen = Vec::with_capacity(candidates.len());
    for &same_name in candidates {
        let mut newest: Option<&EvalSeries> = None;
        for &series in same_name.iter().filter(|series| !is_absent(series.values[step])) {
            let time_s = series.values[step];
            match newest {
                Some(other) if other.values[step] > time_s => {}
                Some(other) if other.values[step].total_cmp(&time_s).is_eq() => {
                    let [existing, new] =
                        [other, series].map(|one| format!("{} @ {time_s}", one.labels.to_json()));
                    return Err(QueryError::execution(format!(
                        "found duplicate series for info metric: existing {existing}, new {new}"
                    )));
                }
                _ => newest = Some(series),
            }
        }
        chosen.extend(newest);
    }
    Ok(chosen)
}
