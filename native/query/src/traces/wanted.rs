//! What the filters of segments can tell of a condition on spans.

use varve_types::shown_id;
use varve_view::Wanted;

use super::{condition::Expr, operand::Operand};
use crate::plan::{AttributeScope, Field, FieldOp, Intrinsic};

/// What every span has for which one of the conditions is true; `None`: nothing that filters know.
pub(super) fn wanted(conditions: Option<&[&Expr]>) -> Option<Wanted> {
    let each = conditions?.iter().map(|condition| of(condition));
    each.collect::<Option<Vec<_>>>().map(Wanted::Any)
}

fn of(expr: &Expr) -> Option<Wanted> {
    match expr {
        Expr::And(left, right) => match (of(left), of(right)) {
            (Some(left), Some(right)) => Some(Wanted::All(vec![left, right])),
            (left, right) => left.or(right),
        },
        Expr::Or(left, right) => Some(Wanted::Any(vec![of(left)?, of(right)?])),
        Expr::Compare { op: FieldOp::Equal, left, right } => match (&**left, &**right) {
            (Expr::Field(field), Expr::Constant(Operand::String(value)))
            | (Expr::Constant(Operand::String(value)), Expr::Field(field)) => {
                of_field(field, value)
            }
            _ => None,
        },
        _ => None,
    }
}

fn of_field(field: &Field, value: &str) -> Option<Wanted> {
    match field {
        Field::Intrinsic { name: Intrinsic::TraceId } => shown_id(value).map(Wanted::TraceId),
        Field::Intrinsic { name: Intrinsic::SpanId } => shown_id(value).map(Wanted::SpanId),
        Field::Attribute {
            scope: None | Some(AttributeScope::Span | AttributeScope::Resource),
            name,
            parent: false,
        } if !value.is_empty() => {
            Some(Wanted::Attribute { name: name.clone(), value: value.to_owned() })
        }
        Field::Attribute { .. } | Field::Intrinsic { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FieldExpr;

    fn wanted_of(condition: serde_json::Value) -> Option<Wanted> {
        let condition: FieldExpr = serde_json::from_value(condition).unwrap();
        let condition = Expr::compile(&condition).unwrap();
        wanted(Some(&[&condition]))
    }

    fn shown(condition: serde_json::Value) -> String {
        format!("{:?}", wanted_of(condition))
    }

    #[test]
    fn conditions_that_every_match_meets_are_told_of() {
        use crate::traces::tests::support::{attribute, binary, int, intrinsic, text};
        let user = binary("=", &attribute("user.id"), &text("ada"));
        let span = binary("=", &text("00000000000000ff"), &intrinsic("spanId"));
        let long = binary(">", &intrinsic("duration"), &int(5));
        assert!(shown(user.clone()).contains(r#"name: "user.id", value: "ada""#));
        assert!(shown(span.clone()).contains("SpanId([0, 0, 0, 0, 0, 0, 0, 255])"));
        assert!(shown(binary("&&", &user, &long)).contains("ada"));
        assert!(shown(binary("||", &user, &span)).contains("SpanId"));
        for unknown in [
            binary("||", &user, &long),
            binary("!=", &attribute("user.id"), &text("ada")),
            binary("=", &attribute("user.id"), &int(5)),
            binary("=", &intrinsic("spanId"), &text("FF")),
        ] {
            assert_eq!(wanted_of(unknown.clone()), None, "{unknown}");
        }
    }
}
