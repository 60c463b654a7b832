//! What the filters of segments can tell of a condition on rows.

use datafusion::logical_expr::{BinaryExpr, Expr, Operator, expr::InList};
use varve_columnar::label_names::loki_label_name;
use varve_types::shown_id;
use varve_view::Wanted;

use crate::{
    conditions::text_of,
    tables::{SPAN_ID, SqlTable},
};

/// What every row has for which the filter is true; `None`: nothing that filters know.
pub(crate) fn wanted(table: SqlTable, filter: &Expr) -> Option<Wanted> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (wanted(table, left), wanted(table, right)) {
                (Some(left), Some(right)) => Some(Wanted::All(vec![left, right])),
                (left, right) => left.or(right),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Wanted::Any(vec![wanted(table, left)?, wanted(table, right)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            match (text_of(left), text_of(right)) {
                (None, Some(value)) => equal(table, left, value),
                (Some(value), None) => equal(table, right, value),
                _ => None,
            }
        }
        Expr::InList(InList { expr, list, negated: false }) if !list.is_empty() => {
            let each = list.iter().map(|value| equal(table, expr, text_of(value)?));
            each.collect::<Option<Vec<_>>>().map(Wanted::Any)
        }
        _ => None,
    }
}

fn equal(table: SqlTable, expr: &Expr, value: &str) -> Option<Wanted> {
    match expr {
        Expr::Column(column) if column.name == SPAN_ID => shown_id(value).map(Wanted::SpanId),
        Expr::ScalarFunction(call) if call.func.name() == "get_field" => {
            let [Expr::Column(map), key] = call.args.as_slice() else { return None };
            let name = text_of(key)?;
            if value.is_empty() {
                return None;
            }
            let name = match (table, map.name.as_str()) {
                (SqlTable::Logs, "attributes") => loki_label_name(name)?.into_owned(),
                (SqlTable::Spans, "attributes" | "resource") => name.to_owned(),
                _ => return None,
            };
            Some(Wanted::Attribute { name, value: value.to_owned() })
        }
        _ => None,
    }
}
