//! `| count() > 2`, `| avg(duration) > 1s`: span sets kept by what is computed of them.

use std::cmp::Ordering;

use super::{
    absent::single,
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

    /// `None` if no span has the field. As in Tempo the text `nil` of a span without it may be among the
    /// values, and then the aggregate may be no number.
    fn compute(&self, trace: &Trace<'_>, places: &[usize]) -> Option<Operand<'static>> {
        let Some(field) = &self.field else { return Some(Operand::Int(places.len() as i64)) };
        let mut values = Vec::with_capacity(places.len());
        for &place in places {
            let value = field.evaluate(SpanAt { trace, place });
            let value = if let Expr::Field(field) = field { single(field, value) } else { value };
            match value {
                Operand::Int(value) => values.push(Operand::Int(value)),
                Operand::Float(value) => values.push(Operand::Float(value)),
                Operand::Duration(value) => values.push(Operand::Duration(value)),
                Operand::String(text) => values.push(Operand::String(text.into_owned().into())),
                _ => {}
            }
        }
        let better = |wanted: Ordering| {
            values.iter().cloned().reduce(
                |best, next| {
                    if order(&next, &best) == wanted { next } else { best }
                },
            )
        };
        match self.function {
            SpansetAggregate::Count => Some(Operand::Int(values.len() as i64)),
            SpansetAggregate::Min => better(Ordering::Less),
            SpansetAggregate::Max => better(Ordering::Greater),
            SpansetAggregate::Sum => sum(&values),
            SpansetAggregate::Avg => average(&values),
        }
    }

    fn holds(&self, result: &Operand<'_>) -> bool {
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

/// A text is greater than any number.
fn order(left: &Operand<'_>, right: &Operand<'_>) -> Ordering {
    compare(left, right).unwrap_or_else(|| {
        let is_text = |operand: &Operand<'_>| matches!(operand, Operand::String(_));
        is_text(left).cmp(&is_text(right))
    })
}

/// Of the type of the first; what is of another is left out.
fn sum(values: &[Operand<'static>]) -> Option<Operand<'static>> {
    values.iter().cloned().reduce(|sum, next| match (&sum, &next) {
        (Operand::Int(sum), Operand::Int(next)) => Operand::Int(sum.saturating_add(*next)),
        (Operand::Duration(sum), Operand::Duration(next)) => {
            Operand::Duration(sum.saturating_add(*next))
        }
        (Operand::Float(sum), Operand::Float(next)) => Operand::Float(sum + next),
        _ => sum,
    })
}

fn average(values: &[Operand<'static>]) -> Option<Operand<'static>> {
    let count = values.len() as i64;
    Some(match sum(values)? {
        Operand::Duration(sum) => Operand::Duration(sum / count),
        Operand::Int(sum) => Operand::Float(sum as f64 / count as f64),
        Operand::Float(sum) => Operand::Float(sum / count as f64),
        other => other,
    })
}
