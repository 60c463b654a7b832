//! Span sets of one trace: filtered, combined, related, grouped.

use super::{
    absent::{has_column, single},
    aggregate::Aggregate,
    condition::Expr,
    fields::SpanAt,
    operand::Operand,
    set::Set,
    structural::{inverse, related},
    trace::Trace,
};
use crate::{
    error::QueryError,
    plan::{FieldExpr, FieldOp, SpansetExpr, SpansetOp, Static, StructuralOp},
};

/// A compiled [`SpansetExpr`].
pub(super) enum Spanset {
    Filter(Option<Expr>),
    Combine { op: SpansetOp, left: Box<Spanset>, right: Box<Spanset> },
    Structural { relation: Relation, left: Box<Spanset>, right: Box<Spanset> },
    Then { input: Box<Spanset>, condition: Option<Expr> },
    AggregateFilter { input: Box<Spanset>, aggregate: Aggregate },
    GroupBy { input: Box<Spanset>, by: Expr, label: String },
    Coalesce(Box<Spanset>),
}

/// A structural operator with its marks.
#[derive(Clone, Copy)]
pub(super) struct Relation {
    op: StructuralOp,
    negated: bool,
    union: bool,
}

impl Spanset {
    pub(super) fn compile(expr: &SpansetExpr) -> Result<Self, QueryError> {
        let boxed = |expr: &SpansetExpr| Self::compile(expr).map(Box::new);
        let optional =
            |condition: &Option<FieldExpr>| condition.as_ref().map(Expr::compile).transpose();
        Ok(match expr {
            SpansetExpr::Filter { condition } => Self::Filter(optional(condition)?),
            SpansetExpr::Combine { op, left, right } => {
                Self::Combine { op: *op, left: boxed(left)?, right: boxed(right)? }
            }
            SpansetExpr::Structural { op, negated, union, left, right } => Self::Structural {
                relation: Relation { op: *op, negated: *negated, union: *union },
                left: boxed(left)?,
                right: boxed(right)?,
            },
            SpansetExpr::Then { input, condition } => {
                Self::Then { input: boxed(input)?, condition: optional(condition)? }
            }
            SpansetExpr::AggregateFilter { input, aggregate, field, op, value } => {
                Self::AggregateFilter {
                    input: boxed(with_absent(input, field.as_ref()))?,
                    aggregate: Aggregate::compile(*aggregate, field.as_ref(), *op, value)?,
                }
            }
            SpansetExpr::GroupBy { input, by, label } => {
                Self::GroupBy { input: boxed(input)?, by: Expr::compile(by)?, label: label.clone() }
            }
            SpansetExpr::Coalesce { input } => Self::Coalesce(boxed(input)?),
        })
    }

    /// The sets of a trace that match; none if the trace does not.
    pub(super) fn evaluate(&self, trace: &Trace<'_>) -> Vec<Set> {
        match self {
            Self::Filter(condition) => {
                let places = (0..trace.spans.len()).collect();
                filtered(trace, Set { places, attributes: Vec::new() }, condition.as_ref())
                    .into_iter()
                    .collect()
            }
            Self::Combine { op, left, right } => {
                let sides = (left.evaluate(trace), right.evaluate(trace));
                match (op, sides) {
                    (SpansetOp::And, (left, right)) if left.is_empty() || right.is_empty() => {
                        Vec::new()
                    }
                    (_, (left, right)) => one_set(left.into_iter().chain(right)),
                }
            }
            Self::Structural { relation, left, right } => {
                let (left, right) = (left.evaluate(trace), right.evaluate(trace));
                one_set(std::iter::once(relation.of(trace, &left, &right)))
            }
            Self::Then { input, condition } => {
                let sets = input.evaluate(trace).into_iter();
                sets.filter_map(|set| filtered(trace, set, condition.as_ref())).collect()
            }
            Self::AggregateFilter { input, aggregate } => {
                let sets = input.evaluate(trace).into_iter();
                sets.filter_map(|set| aggregate.apply(trace, set)).collect()
            }
            Self::GroupBy { input, by, label } => {
                let sets = input.evaluate(trace).into_iter();
                sets.flat_map(|set| grouped(trace, set, by, label)).collect()
            }
            Self::Coalesce(input) => one_set(input.evaluate(trace).into_iter()),
        }
    }

    /// Every condition on spans in it, in the order they are written.
    pub(super) fn conditions(&self) -> Vec<&Expr> {
        match self {
            Self::Filter(condition) => condition.iter().collect(),
            Self::Combine { left, right, .. } | Self::Structural { left, right, .. } => {
                [left.conditions(), right.conditions()].concat()
            }
            Self::Then { input, condition } => {
                input.conditions().into_iter().chain(condition).collect()
            }
            Self::AggregateFilter { input, .. }
            | Self::GroupBy { input, .. }
            | Self::Coalesce(input) => input.conditions(),
        }
    }

    /// Every expression in it that is grouped or computed by.
    pub(super) fn values(&self) -> Vec<&Expr> {
        match self {
            Self::Filter(_) => Vec::new(),
            Self::Combine { left, right, .. } | Self::Structural { left, right, .. } => {
                [left.values(), right.values()].concat()
            }
            Self::Then { input, .. } | Self::Coalesce(input) => input.values(),
            Self::AggregateFilter { input, aggregate } => {
                input.values().into_iter().chain(aggregate.field()).collect()
            }
            Self::GroupBy { input, by, .. } => {
                input.values().into_iter().chain(std::iter::once(by)).collect()
            }
        }
    }

    /// Conditions of which every matching trace has a span that meets one; `None` where nothing can
    /// be said.
    pub(super) fn needed(&self) -> Option<Vec<&Expr>> {
        match self {
            Self::Filter(condition) => condition.as_ref().map(|condition| vec![condition]),
            Self::Combine { op: SpansetOp::And, left, right } => {
                left.needed().or_else(|| right.needed())
            }
            Self::Combine { op: SpansetOp::Or, left, right } => {
                Some([left.needed()?, right.needed()?].concat())
            }
            Self::Structural { relation, left, right } => {
                match (relation.negated, relation.union) {
                    // The left side's spans are kept even where the right side has none.
                    (true, true) => None,
                    (true, false) => right.needed(),
                    (false, _) => right.needed().or_else(|| left.needed()),
                }
            }
            Self::Then { input, condition } => {
                input.needed().or_else(|| condition.as_ref().map(|condition| vec![condition]))
            }
            Self::AggregateFilter { input, .. }
            | Self::GroupBy { input, .. }
            | Self::Coalesce(input) => input.needed(),
        }
    }
}

impl Relation {
    fn of(self, trace: &Trace<'_>, left: &[Set], right: &[Set]) -> Set {
        let (left, right) = (marks(trace, left), marks(trace, right));
        let found = related(self.op, trace.tree(), &left);
        let mut kept: Vec<bool> = right
            .iter()
            .zip(&found)
            .map(|(&right, &found)| right && found != self.negated)
            .collect();
        if self.union {
            let partners = related(inverse(self.op), trace.tree(), &right);
            for (place, kept) in kept.iter_mut().enumerate() {
                *kept |= left[place] && partners[place] != self.negated;
            }
        }
        let places = (0..kept.len()).filter(|&place| kept[place]).collect();
        Set { places, attributes: Vec::new() }
    }
}

/// The input of what computes with a field. An attribute that Tempo has a column for is the text `nil` there
/// on spans without it, of which `!= nil` is true, so that a filter of that alone lets every span pass.
fn with_absent<'e>(input: &'e SpansetExpr, of: Option<&FieldExpr>) -> &'e SpansetExpr {
    const ALL: &SpansetExpr = &SpansetExpr::Filter { condition: None };
    let (Some(FieldExpr::Field { field }), SpansetExpr::Filter { condition: Some(condition) }) =
        (of, input)
    else {
        return input;
    };
    let FieldExpr::Binary { op: FieldOp::NotEqual, left, right } = condition else { return input };
    let nil = FieldExpr::Static { value: Static::Nil };
    let asks = |one: &FieldExpr, other: &FieldExpr| {
        *other == nil && matches!(one, FieldExpr::Field { field: asked } if asked == field)
    };
    if has_column(field) && (asks(left, right) || asks(right, left)) { ALL } else { input }
}

fn marks(trace: &Trace<'_>, sets: &[Set]) -> Vec<bool> {
    let mut marks = vec![false; trace.spans.len()];
    for &place in sets.iter().flat_map(|set| &set.places) {
        marks[place] = true;
    }
    marks
}

/// All spans of some sets, each once, as one set or none. What was known of the single sets does not
/// hold for it.
fn one_set(sets: impl Iterator<Item = Set>) -> Vec<Set> {
    let mut places: Vec<usize> = sets.flat_map(|set| set.places).collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() { Vec::new() } else { vec![Set { places, attributes: Vec::new() }] }
}

fn filtered(trace: &Trace<'_>, mut set: Set, condition: Option<&Expr>) -> Option<Set> {
    if let Some(condition) = condition {
        set.places.retain(|&place| condition.is_true(SpanAt { trace, place }));
    }
    (!set.places.is_empty()).then_some(set)
}

/// One set per value, in the order of their first spans.
fn grouped(trace: &Trace<'_>, set: Set, by: &Expr, label: &str) -> Vec<Set> {
    let mut groups: Vec<(Operand<'_>, Set)> = Vec::new();
    for place in set.places {
        let value = by.evaluate(SpanAt { trace, place });
        let value = if let Expr::Field(field) = by { single(field, value) } else { value };
        if let Some((_, group)) = groups.iter_mut().find(|(have, _)| *have == value) {
            group.places.push(place);
            continue;
        }
        let mut attributes = set.attributes.clone();
        attributes.push((label.to_owned(), value.to_value()));
        groups.push((value, Set { places: vec![place], attributes }));
    }
    groups.into_iter().map(|(_, set)| set).collect()
}
