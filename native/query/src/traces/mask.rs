//! Conditions evaluated on whole columns, before any trace is put together.
//!
//! What rows share (names, resources, scopes) is compared once per distinct value. What a column
//! cannot tell, such as a trace's duration or a span's parent, is left open.

use arrow::array::{Array as _, RecordBatch};
use varve_columnar::{
    attributes::AttributeColumn,
    resource::{Resource, Scope},
};

use super::{
    condition::{Expr, comparable, matches},
    fields::{hex, shared},
    operand::{Operand, holds, holds_of_nil},
    spans::{Described, Texts, attributes, i32s, span_ids, texts, times},
};
use crate::{
    error::QueryError,
    plan::{AttributeScope, Field, Intrinsic},
};

/// Which rows of a batch a condition may be true of.
pub(super) struct Mask {
    pub(super) rows: Vec<bool>,
    /// It is true of exactly these.
    pub(super) exact: bool,
}

/// The rows for which one of the conditions may hold; all for none.
pub(super) fn any(conditions: Option<&[&Expr]>, batch: &RecordBatch) -> Result<Mask, QueryError> {
    let all = || Mask { rows: vec![true; batch.num_rows()], exact: false };
    let Some(conditions) = conditions else { return Ok(all()) };
    let mut found = Mask { rows: vec![false; batch.num_rows()], exact: true };
    for condition in conditions {
        let Some(mask) = mask(condition, batch)? else { return Ok(all()) };
        found = joined(found, mask, |left, right| left || right);
    }
    Ok(found)
}

/// The columns that [`any`] looks at.
pub(super) fn columns<'e>(conditions: impl Iterator<Item = &'e Expr>) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = conditions
        .flat_map(|condition| condition.fields())
        .flat_map(|field| columns_of(field).iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn columns_of(field: &Field) -> &'static [&'static str] {
    match field {
        Field::Attribute { parent: true, .. } => &[],
        Field::Attribute { scope, .. } => match scope {
            None => &["attributes", "resource"],
            Some(AttributeScope::Span) => &["attributes"],
            Some(AttributeScope::Resource) => &["resource"],
            Some(AttributeScope::Instrumentation) => &["scope"],
            Some(AttributeScope::Event | AttributeScope::Link) => &[],
        },
        Field::Intrinsic { name } => match name {
            Intrinsic::Name => &["name"],
            Intrinsic::Kind => &["kind"],
            Intrinsic::Status => &["status_code"],
            Intrinsic::StatusMessage => &["status_message"],
            Intrinsic::SpanId => &["span_id"],
            Intrinsic::Duration => &["start_unix_nano", "end_unix_nano"],
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => &["scope"],
            _ => &[],
        },
    }
}

/// `None`: nothing can be said.
fn mask(expr: &Expr, batch: &RecordBatch) -> Result<Option<Mask>, QueryError> {
    if let Some((field, test)) = leaf(expr) {
        let rows = field_rows(field, batch, &test)?;
        return Ok(rows.map(|rows| Mask { rows, exact: true }));
    }
    Ok(match expr {
        Expr::And(left, right) => match (mask(left, batch)?, mask(right, batch)?) {
            (Some(left), Some(right)) => Some(joined(left, right, |left, right| left && right)),
            (Some(one), None) | (None, Some(one)) => Some(Mask { exact: false, ..one }),
            (None, None) => None,
        },
        Expr::Or(left, right) => match (mask(left, batch)?, mask(right, batch)?) {
            (Some(left), Some(right)) => Some(joined(left, right, |left, right| left || right)),
            _ => None,
        },
        // A bare field may be no boolean at all; then its negation is not true either.
        Expr::Not(input) if !matches!(**input, Expr::Field(_)) => {
            mask(input, batch)?.filter(|mask| mask.exact).map(|mask| Mask {
                rows: mask.rows.into_iter().map(|row| !row).collect(),
                exact: true,
            })
        }
        _ => None,
    })
}

fn joined(left: Mask, right: Mask, join: impl Fn(bool, bool) -> bool) -> Mask {
    let rows = left.rows.into_iter().zip(right.rows);
    Mask {
        rows: rows.map(|(left, right)| join(left, right)).collect(),
        exact: left.exact && right.exact,
    }
}

/// What a condition asks of its one field's value.
pub(super) type Test<'e> = Box<dyn Fn(&Operand<'_>) -> bool + 'e>;

/// The field of a condition that compares one field with a constant, and the comparison.
pub(super) fn leaf(expr: &Expr) -> Option<(&Field, Test<'_>)> {
    match expr {
        Expr::Field(field) => Some((field, Box::new(|value| *value == Operand::Bool(true)))),
        Expr::Compare { op, left, right } => match (&**left, &**right) {
            (Expr::Field(field), Expr::Constant(constant)) => {
                let test = move |value: &Operand<'_>| {
                    holds(*op, &comparable(field, value.clone(), constant), constant)
                };
                Some((field, Box::new(test)))
            }
            (Expr::Constant(constant), Expr::Field(field)) => {
                let test = move |value: &Operand<'_>| {
                    holds(*op, constant, &comparable(field, value.clone(), constant))
                };
                Some((field, Box::new(test)))
            }
            _ => None,
        },
        Expr::CompareNil { op, input } => match &**input {
            Expr::Field(field) => Some((field, Box::new(|value| holds_of_nil(*op, value)))),
            _ => None,
        },
        Expr::Match { matcher, input } => match &**input {
            Expr::Field(field) => Some((field, Box::new(|value| matches(matcher, value)))),
            _ => None,
        },
        _ => None,
    }
}

fn field_rows(
    field: &Field,
    batch: &RecordBatch,
    test: &Test<'_>,
) -> Result<Option<Vec<bool>>, QueryError> {
    let rows = 0..batch.num_rows();
    Ok(match field {
        Field::Attribute { parent: true, .. } => None,
        Field::Attribute { scope, name, .. } => attribute_rows(*scope, name, batch, test)?,
        Field::Intrinsic { name } => match name {
            Intrinsic::Name => Some(text_rows(&texts(batch, "name")?, rows.len(), test)),
            Intrinsic::StatusMessage => {
                Some(text_rows(&texts(batch, "status_message")?, rows.len(), test))
            }
            Intrinsic::SpanId => Some(span_id_rows(batch, test)?),
            Intrinsic::Kind => {
                let kinds = i32s(batch, "kind")?;
                Some(rows.map(|row| test(&Operand::Kind(kinds.value(row)))).collect())
            }
            Intrinsic::Status => {
                let codes = i32s(batch, "status_code")?;
                Some(rows.map(|row| test(&Operand::Status(codes.value(row)))).collect())
            }
            Intrinsic::Duration => {
                let starts = times(batch, "start_unix_nano")?;
                let ends = times(batch, "end_unix_nano")?;
                let length = |row| ends.value(row).saturating_sub(starts.value(row)).max(0);
                Some(rows.map(|row| test(&Operand::Duration(length(row)))).collect())
            }
            Intrinsic::InstrumentationName => {
                Some(scope_rows(batch, |scope| test(&Operand::String(scope.name.as_str().into())))?)
            }
            Intrinsic::InstrumentationVersion => Some(scope_rows(batch, |scope| {
                test(&Operand::String(scope.version.as_str().into()))
            })?),
            _ => None,
        },
    })
}

fn attribute_rows(
    scope: Option<AttributeScope>,
    name: &str,
    batch: &RecordBatch,
    test: &Test<'_>,
) -> Result<Option<Vec<bool>>, QueryError> {
    let absent = |found: Option<bool>| found.unwrap_or_else(|| test(&Operand::Nil));
    let own = || {
        Ok::<_, QueryError>(own_rows(
            &attributes(batch, "attributes")?,
            name,
            batch.num_rows(),
            test,
        ))
    };
    Ok(Some(match scope {
        Some(AttributeScope::Span) => own()?.into_iter().map(absent).collect(),
        Some(AttributeScope::Resource) => resource_rows(batch, name, test)?,
        Some(AttributeScope::Instrumentation) => scope_rows(batch, |scope| {
            test(&shared(&scope.attributes, name).unwrap_or(Operand::Nil))
        })?,
        None => {
            let rows = own()?.into_iter().zip(resource_rows(batch, name, test)?);
            rows.map(|(own, resource)| own.unwrap_or(resource)).collect()
        }
        Some(AttributeScope::Event | AttributeScope::Link) => return Ok(None),
    }))
}

/// `None` for rows without the attribute.
fn own_rows(
    column: &AttributeColumn,
    name: &str,
    rows: usize,
    test: &Test<'_>,
) -> Vec<Option<bool>> {
    let Some(key) = column.key_texts().iter().position(|key| key == Some(name)) else {
        return vec![None; rows];
    };
    let of_row = |row| {
        let attribute = column.row(row).find(|attribute| attribute.key_index == key)?;
        Some(test(&Operand::of_attribute(attribute)))
    };
    (0..rows).map(of_row).collect()
}

fn resource_rows(
    batch: &RecordBatch,
    name: &str,
    test: &Test<'_>,
) -> Result<Vec<bool>, QueryError> {
    let column = Described::<Resource>::new(texts(batch, "resource")?);
    Ok(described_rows(&column, batch.num_rows(), |resource| {
        test(&shared(&resource.attributes, name).unwrap_or(Operand::Nil))
    }))
}

fn scope_rows(batch: &RecordBatch, test: impl Fn(&Scope) -> bool) -> Result<Vec<bool>, QueryError> {
    let column = Described::<Scope>::new(texts(batch, "scope")?);
    Ok(described_rows(&column, batch.num_rows(), test))
}

fn described_rows<T: Default + serde::de::DeserializeOwned>(
    column: &Described<T>,
    rows: usize,
    test: impl Fn(&T) -> bool,
) -> Vec<bool> {
    let none = T::default();
    shared_rows(&column.texts, rows, |key| test(key.map_or(&none, |key| column.distinct(key))))
}

fn span_id_rows(batch: &RecordBatch, test: &Test<'_>) -> Result<Vec<bool>, QueryError> {
    let ids = span_ids(batch)?;
    Ok(ids.iter().map(|id| test(&Operand::String(hex(id.unwrap_or_default()).into()))).collect())
}

fn text_rows(column: &Texts, rows: usize, test: &Test<'_>) -> Vec<bool> {
    shared_rows(column, rows, |key| {
        let value = key.map_or("", |key| column.texts.value(key));
        test(&Operand::String(value.into()))
    })
}

/// Asks once per distinct value that a row has, `None` standing for null.
fn shared_rows(column: &Texts, rows: usize, test: impl Fn(Option<usize>) -> bool) -> Vec<bool> {
    let mut answers: Vec<Option<bool>> = vec![None; column.texts.len() + 1];
    let value_at = |row| {
        let key = column.key(row);
        *answers[key.map_or(0, |key| key + 1)].get_or_insert_with(|| test(key))
    };
    (0..rows).map(value_at).collect()
}
