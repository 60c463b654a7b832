//! `| count() > 2`, `| avg(duration) > 1s`: span sets kept by what is computed of them.

use std::cmp::Ordering;

use super::{
    condition::Expr,
    fields::SpanAt,
    operand::{Operand, compare},
    set::Set,
    show::show,
    trace::Trace,
};
use crate::{
    error::QueryError,
    plan::{CompareOp, FieldExpr, SpansetAggregate, Static},
};

/// A compiled aggregate and what it is compared with.
pub(super) struct Aggregate {
    function: SpansetAggregate,
    field: Option<Expr>,
    op: CompareOp,
    value: Operand<'static>,
    /// As it was written, e.g. `avg(duration)`.
    label: String,
}

impl Aggregate {
    pub(super) fn compile(
        function: SpansetAggregate,
        field: Option<&FieldExpr>,
        op: CompareOp,
        value: &Static,
    ) -> Result<Self, QueryError> {
        let name = match function {
            SpansetAggregate::Count => "count",
            SpansetAggregate::Avg => "avg",
            SpansetAggregate::Min => "min",
            SpansetAggregate::Max => "max",
            SpansetAggregate::Sum => "sum",
        };
        Ok(Self {
            function,
            field: field.map(Expr::compile).transpose()?,
            op,
            value: Operand::try_from(value).map_err(QueryError::invalid)?,
            label: format!("{name}({})", field.map_or_else(String::new, show)),
        })
    }

    /// The expression that is computed of, if there is one.
    pub(super) fn field(&self) -> Option<&Expr> {
        self.field.as_ref()
    }

    /// The set with its aggregate, if that compares as it should.
    pub(super) fn apply(&self, trace: &Trace<'_>, mut set: Set) -> Option<Set> {
        let result = self.compute(trace, &set.places)?;
        if !self.holds(&result) {
            return None;
        }
        set.attributes.push((self.label.clone(), result.to_value()));
        Some(set)
    }

    /// `None` if no span has the field as a number.
    fn compute(&self, trace: &Trace<'_>, places: &[usize]) -> Option<Operand<'static>> {
        let Some(field) = &self.field else { return Some(Operand::Int(places.len() as i64)) };
        let mut numbers = Vec::with_capacity(places.len());
        for &place in places {
            match field.evaluate(SpanAt { trace, place }) {
                Operand::Int(value) => numbers.push(Operand::Int(value)),
                Operand::Float(value) => numbers.push(Operand::Float(value)),
                Operand::Duration(value) => numbers.push(Operand::Duration(value)),
                _ => {}
            }
        }
        let better = |wanted: Ordering| {
            numbers.iter().cloned().reduce(|best, next| {
                if compare(&next, &best) == Some(wanted) { next } else { best }
            })
        };
        match self.function {
            SpansetAggregate::Count => Some(Operand::Int(numbers.len() as i64)),
            SpansetAggregate::Min => better(Ordering::Less),
            SpansetAggregate::Max => better(Ordering::Greater),
            SpansetAggregate::Sum => sum(&numbers),
            SpansetAggregate::Avg => average(&numbers),
        }
    }

    /// In Tempo an aggregate compares only with its own type: `avg` of whole numbers is a float and
    /// never `>= 500`, but it may be `>= 500.0`.
    fn holds(&self, result: &Operand<'_>) -> bool {
        if std::mem::discriminant(result) != std::mem::discriminant(&self.value) {
            return false;
        }
        let Some(order) = compare(result, &self.value) else { return false };
        match self.op {
            CompareOp::Equal => order == Ordering::Equal,
            CompareOp::NotEqual => order != Ordering::Equal,
            CompareOp::Less => order == Ordering::Less,
            CompareOp::LessOrEqual => order != Ordering::Greater,
            CompareOp::Greater => order == Ordering::Greater,
            CompareOp::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// Of the type that all numbers have; a float if they differ.
fn sum(numbers: &[Operand<'static>]) -> Option<Operand<'static>> {
    numbers.iter().cloned().reduce(|sum, next| match (&sum, &next) {
        (Operand::Int(sum), Operand::Int(next)) => Operand::Int(sum.saturating_add(*next)),
        (Operand::Duration(sum), Operand::Duration(next)) => {
            Operand::Duration(sum.saturating_add(*next))
        }
        _ => Operand::Float(sum.as_f64().unwrap_or(0.0) + next.as_f64().unwrap_or(0.0)),
    })
}

fn average(numbers: &[Operand<'static>]) -> Option<Operand<'static>> {
    let count = numbers.len() as i64;
    Some(match sum(numbers)? {
        Operand::Duration(sum) => Operand::Duration(sum / count),
        other => Operand::Float(other.as_f64()? / count as f64),
    })
}
