//! Conditions and other expressions over one span's fields, compiled once per query.

use std::mem::discriminant;

use super::{
    fields::SpanAt,
    operand::{Operand, combine, holds, holds_of_nil, negate},
};
use crate::{
    error::QueryError,
    matcher::TextMatcher,
    plan::{Field, FieldExpr, FieldOp, MatchOp, Static},
};

/// A compiled [`FieldExpr`].
pub(super) enum Expr {
    Field(Field),
    Constant(Operand<'static>),
    Compare {
        op: FieldOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x = nil`, `x != nil`.
    CompareNil {
        op: FieldOp,
        input: Box<Expr>,
    },
    Match {
        matcher: TextMatcher,
        input: Box<Expr>,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Arithmetic {
        op: FieldOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
}

impl Expr {
    /// Fails for a pattern that is no regular expression or no constant.
    pub(super) fn compile(expr: &FieldExpr) -> Result<Self, QueryError> {
        Ok(match expr {
            FieldExpr::Field { field } => Self::Field(field.clone()),
            FieldExpr::Static { value } => {
                Self::Constant(Operand::try_from(value).map_err(QueryError::invalid)?)
            }
            FieldExpr::Not { input } => Self::Not(Self::boxed(input)?),
            FieldExpr::Negate { input } => Self::Negate(Self::boxed(input)?),
            FieldExpr::Binary { op, left, right } => Self::compile_binary(*op, left, right)?,
        })
    }

    fn boxed(expr: &FieldExpr) -> Result<Box<Self>, QueryError> {
        Self::compile(expr).map(Box::new)
    }

    fn compile_binary(
        op: FieldOp,
        left: &FieldExpr,
        right: &FieldExpr,
    ) -> Result<Self, QueryError> {
        use FieldOp as O;
        match op {
            O::And => return Ok(Self::And(Self::boxed(left)?, Self::boxed(right)?)),
            O::Or => return Ok(Self::Or(Self::boxed(left)?, Self::boxed(right)?)),
            O::Regex | O::NotRegex => return Self::compile_match(op, left, right),
            _ => {}
        }
        if let (O::Equal | O::NotEqual, Some(input)) = (op, beside_nil(left, right)) {
            return Ok(Self::CompareNil { op, input: Self::boxed(input)? });
        }
        let (left, right) = (Self::boxed(left)?, Self::boxed(right)?);
        Ok(match op {
            O::Add | O::Subtract | O::Multiply | O::Divide | O::Modulo | O::Power => {
                Self::Arithmetic { op, left, right }
            }
            _ => Self::Compare { op, left, right },
        })
    }

    fn compile_match(op: FieldOp, left: &FieldExpr, right: &FieldExpr) -> Result<Self, QueryError> {
        let FieldExpr::Static { value: Static::String { value } } = right else {
            return Err(QueryError::invalid("the right side of =~ or !~ must be a text"));
        };
        let op = if op == FieldOp::Regex { MatchOp::Regex } else { MatchOp::NotRegex };
        let matcher = TextMatcher::compile(op, value)?;
        Ok(Self::Match { matcher, input: Self::boxed(left)? })
    }

    /// What the expression is for one span.
    pub(super) fn evaluate<'t>(&self, span: SpanAt<'t>) -> Operand<'t> {
        match self {
            Self::Field(field) => span.field(field),
            Self::Constant(value) => value.clone(),
            Self::Compare { op, left, right } => {
                let (one, other) = (left.evaluate(span), right.evaluate(span));
                Operand::Bool(match (&**left, &**right) {
                    (Self::Field(field), Self::Constant(_)) => {
                        holds(*op, &comparable(field, one, &other), &other)
                    }
                    (Self::Constant(_), Self::Field(field)) => {
                        holds(*op, &one, &comparable(field, other, &one))
                    }
                    _ => holds(*op, &one, &other),
                })
            }
            Self::CompareNil { op, input } => {
                Operand::Bool(holds_of_nil(*op, &input.evaluate(span)))
            }
            Self::Match { matcher, input } => {
                Operand::Bool(matches(matcher, &input.evaluate(span)))
            }
            Self::And(left, right) => Operand::Bool(left.is_true(span) && right.is_true(span)),
            Self::Or(left, right) => Operand::Bool(left.is_true(span) || right.is_true(span)),
            Self::Arithmetic { op, left, right } => {
                combine(*op, &left.evaluate(span), &right.evaluate(span))
            }
            Self::Not(input) => match input.evaluate(span) {
                Operand::Bool(value) => Operand::Bool(!value),
                _ => Operand::Nil,
            },
            Self::Negate(input) => negate(&input.evaluate(span)),
        }
    }

    /// Whether the expression is true of a span. What is neither true nor false is not.
    pub(super) fn is_true(&self, span: SpanAt<'_>) -> bool {
        self.evaluate(span) == Operand::Bool(true)
    }

    /// The fields it reads, in the order they are written.
    pub(super) fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Field(field) => vec![field],
            Self::Constant(_) => Vec::new(),
            Self::CompareNil { input, .. }
            | Self::Match { input, .. }
            | Self::Not(input)
            | Self::Negate(input) => input.fields(),
            Self::Compare { left, right, .. }
            | Self::Arithmetic { left, right, .. }
            | Self::And(left, right)
            | Self::Or(left, right) => [left.fields(), right.fields()].concat(),
        }
    }
}

/// What of a field's value is compared with a constant. As in Tempo that is of an attribute only what is a
/// number of the same kind: `.x > 1` asks for whole numbers, `.x > 1.0` for fractions.
pub(super) fn comparable<'t>(
    field: &Field,
    value: Operand<'t>,
    constant: &Operand<'_>,
) -> Operand<'t> {
    let is_number = matches!(constant, Operand::Int(_) | Operand::Float(_) | Operand::Duration(_));
    if !is_number || !matches!(field, Field::Attribute { .. }) {
        return value;
    }
    let is_alike = |one: &Operand<'_>| discriminant(one) == discriminant(constant);
    match value {
        Operand::Many(items) => Operand::many(items.into_iter().filter(|one| is_alike(one))),
        one if is_alike(&one) => one,
        _ => Operand::Nil,
    }
}

/// Whether a text (or one of several) matches; what is no text does not, nor does it not match.
pub(super) fn matches(matcher: &TextMatcher, operand: &Operand<'_>) -> bool {
    operand.each().iter().any(|one| match one {
        Operand::String(text) => matcher.matches(text),
        _ => false,
    })
}

fn beside_nil<'e>(left: &'e FieldExpr, right: &'e FieldExpr) -> Option<&'e FieldExpr> {
    let nil = FieldExpr::Static { value: Static::Nil };
    match (*left == nil, *right == nil) {
        (_, true) => Some(left),
        (true, false) => Some(right),
        (false, false) => None,
    }
}
