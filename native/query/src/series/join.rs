//! Arithmetic and comparisons of two sides, series by series.

use varve_columnar::{
    answer::{ABSENT, is_absent},
    labels::LabelSet,
};

use super::{
    annotations,
    binary::Operation,
    matching::Matched,
    native::{self, Operand},
    value::{EvalSeries, NAME, Vector, is_metadata, merge_same_labels},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Dialect, MatchCardinality, Matching},
};

const MANY_TO_ONE: &str =
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const NOT_UNIQUE: &str = "multiple matches for labels: grouping labels must ensure unique matches";

/// The series that an operator makes of those of both sides that match.
pub(super) fn join(
    context: &ExecContext,
    operation: Operation,
    left: &Vector<'_>,
    right: &Vector<'_>,
    matching: &Matching,
) -> Result<Vec<EvalSeries>, QueryError> {
    let matched = Matched::of(&left.series, &right.series, matching);
    let swapped = matching.cardinality == MatchCardinality::OneToMany;
    let (many, one, many_members, one_members) = if swapped {
        (&right.series, &left.series, &matched.right, &matched.left)
    } else {
        (&left.series, &right.series, &matched.left, &matched.right)
    };
    // As Prometheus does it: with `group_right` the left one is still that of the many.
    let [many_fill, one_fill] =
        [&matching.fill_left, &matching.fill_right].map(|text| fill_of(text.as_ref()));
    let fills = Fills { many: many_fill?, one: one_fill? };
    let join = Join { context, operation, matching, swapped, fills, many, one };
    let mut joined = Vec::new();
    for ((signature, many_here), one_here) in
        matched.signatures.iter().zip(many_members).zip(one_members)
    {
        join.check_one_side(signature, one_here)?;
        let one_to_one = matching.cardinality == MatchCardinality::OneToOne;
        if one_to_one && operation.dialect == Dialect::Prometheus {
            join.check_many_side(many_here, one_here)?;
        }
        let before = joined.len();
        for &many_at in many_here {
            for &one_at in one_here {
                joined.push(join.pair(&many[many_at], &one[one_at]));
            }
        }
        // Loki does not see what a comparison filters out.
        if one_to_one && operation.dialect == Dialect::Loki && many_here.len() > 1 {
            refuse_overlaps(&joined[before..])?;
        }
        join.fill(signature, (many_here, one_here), &mut joined);
    }
    joined.retain(EvalSeries::has_values);
    merge_same_labels(joined, NOT_UNIQUE)
}

/// What stands for series that a side lacks.
struct Fills {
    many: Option<f64>,
    one: Option<f64>,
}

fn fill_of(text: Option<&String>) -> Result<Option<f64>, QueryError> {
    let read = |text: &String| {
        text.parse().map_err(|_| QueryError::invalid(format!("'{text}' is not a number")))
    };
    text.map(read).transpose()
}

struct Join<'j> {
    context: &'j ExecContext,
    operation: Operation,
    matching: &'j Matching,
    /// The left side is the one with one series per match.
    swapped: bool,
    fills: Fills,
    many: &'j [EvalSeries],
    one: &'j [EvalSeries],
}

impl Join<'_> {
    /// Refuses two series with a value at the same step on the side that may have one. A step at
    /// which the other side is empty, and nothing stands for it, matches nothing and is not looked at.
    fn check_one_side(&self, signature: &LabelSet, members: &[usize]) -> Result<(), QueryError> {
        let fills = self.fills.many.is_some() || self.fills.one.is_some();
        for (at, &second) in members.iter().enumerate() {
            for &first in &members[..at] {
                let (one, other) = (&self.one[first], &self.one[second]);
                let clash = (0..one.values.len()).any(|step| {
                    one.is_present(step)
                        && other.is_present(step)
                        && (fills || self.many.iter().any(|series| series.is_present(step)))
                });
                if clash {
                    return Err(self.too_many(signature, [first, second]));
                }
            }
        }
        Ok(())
    }

    /// Refuses two series of the other side that match the same one at a step, whatever comes of it; but what
    /// has no meaning together does not match.
    fn check_many_side(&self, many: &[usize], one: &[usize]) -> Result<(), QueryError> {
        if many.len() < 2 {
            return Ok(());
        }
        let steps = self.many[many[0]].values.len();
        let fits = |many: Operand<'_>, one: Operand<'_>| {
            let (left, right) = if self.swapped { (one, many) } else { (many, one) };
            native::fits(self.operation.op, left, right)
        };
        let clashes = |step: usize| {
            let mut ones = one.iter().filter_map(|&at| Operand::of(&self.one[at], step));
            let Some(one) = ones.next().or(self.fills.one.map(Operand::Float)) else {
                return false;
            };
            let many = many.iter().filter_map(|&at| Operand::of(&self.many[at], step));
            many.filter(|&many| fits(many, one)).nth(1).is_some()
        };
        if (0..steps).any(clashes) { Err(QueryError::execution(MANY_TO_ONE)) } else { Ok(()) }
    }

    /// The error for two series where one may be, in the peer's words.
    fn too_many(&self, signature: &LabelSet, duplicates: [usize; 2]) -> QueryError {
        let side = if self.swapped { "left" } else { "right" };
        let [first, second] = duplicates.map(|at| shown(&self.one[at].labels));
        let found = match self.operation.dialect {
            Dialect::Loki => format!("found duplicate series on the {side} hand-side"),
            Dialect::Prometheus => format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{first}, {second}]",
                shown(signature)
            ),
        };
        QueryError::execution(format!(
            "{found};many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }

    /// Adds what comes of series without a match where something stands for it.
    fn fill(
        &self,
        signature: &LabelSet,
        (many, one): (&[usize], &[usize]),
        joined: &mut Vec<EvalSeries>,
    ) {
        let lacking = |side: &[EvalSeries], members: &[usize], of: &EvalSeries, value: f64| {
            let lacks = |step: usize| {
                of.is_present(step) && !members.iter().any(|&at| side[at].is_present(step))
            };
            let at_step = |step: usize| if lacks(step) { value } else { ABSENT };
            let values = (0..of.values.len()).map(at_step).collect();
            EvalSeries::of(signature.clone(), false, values)
        };
        if let Some(value) = self.fills.one {
            for &at in many {
                let many = &self.many[at];
                joined.push(self.pair(many, &lacking(self.one, one, many, value)));
            }
        }
        if let Some(value) = self.fills.many {
            for &at in one {
                let one = &self.one[at];
                joined.push(self.pair(&lacking(self.many, many, one, value), one));
            }
        }
    }

    /// The series that two matching ones give.
    fn pair(&self, many: &EvalSeries, one: &EvalSeries) -> EvalSeries {
        let value = |(&many, &one): (&f64, &f64)| {
            if is_absent(many) || is_absent(one) {
                return ABSENT;
            }
            let (left, right) = if self.swapped { (one, many) } else { (many, one) };
            self.operation.apply(left, right).unwrap_or(ABSENT)
        };
        let mut paired = EvalSeries::of(
            self.labels(&many.labels, &one.labels),
            many.drop_name || !self.operation.keeps_name(),
            many.values.iter().zip(&one.values).map(value).collect(),
        );
        let floats = || many.values.iter().zip(&one.values);
        if self.operation.trims() && floats().any(|(&m, &o)| !is_absent(m) && !is_absent(o)) {
            annotations::incompatible_sides(
                self.context,
                self.operation.op.symbol(),
                ("float", "float"),
            );
        }
        if !many.histograms.is_empty() || !one.histograms.is_empty() {
            self.pair_histograms(&mut paired, many, one);
        }
        paired
    }

    fn pair_histograms(&self, paired: &mut EvalSeries, many: &EvalSeries, one: &EvalSeries) {
        let op = (self.operation.op, self.operation.return_bool);
        for step in 0..paired.values.len() {
            if many.histogram(step).is_none() && one.histogram(step).is_none() {
                continue;
            }
            let operands = (Operand::of(many, step), Operand::of(one, step));
            let (Some(many), Some(one)) = operands else { continue };
            let (left, right) = if self.swapped { (one, many) } else { (many, one) };
            native::set(paired, step, native::apply(self.context, op, left, right));
        }
    }

    fn labels(&self, many: &LabelSet, one: &LabelSet) -> LabelSet {
        let mut labels = many.clone();
        if !self.operation.compares() && !self.operation.trims() {
            let takes_away = |name: &str| match self.operation.dialect {
                Dialect::Loki => name == NAME,
                Dialect::Prometheus => is_metadata(name),
            };
            labels.retain(|name, _| !takes_away(name));
        }
        if self.matching.cardinality == MatchCardinality::OneToOne {
            let is_named = |name: &str| self.matching.labels.iter().any(|named| named == name);
            labels.retain(|name, _| is_named(name) == self.matching.on);
        }
        for name in &self.matching.include {
            labels.set(name.as_str(), one.get(name));
        }
        // LogQL has labels that are there and empty; what is joined has none.
        labels.retain(|_, value| !value.is_empty());
        labels
    }
}

/// Refuses two results of one match at the same step.
fn refuse_overlaps(results: &[EvalSeries]) -> Result<(), QueryError> {
    let steps = results.first().map_or(0, |series| series.values.len());
    let overlaps =
        |step: usize| results.iter().filter(|series| series.is_present(step)).nth(1).is_some();
    if (0..steps).any(overlaps) { Err(QueryError::execution(MANY_TO_ONE)) } else { Ok(()) }
}

/// A label set as Prometheus writes it in errors.
fn shown(labels: &LabelSet) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_labels_as_prometheus_writes_them() {
        let labels = LabelSet::new([("job", "a\"b"), ("a", "1")]);
        assert_eq!(shown(&labels), r#"{a="1", job="a\"b"}"#);
    }
}
