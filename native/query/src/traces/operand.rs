//! Values of TraceQL's types, and how its operators compare and combine them.
//!
//! Operands of types that do not fit each other are never equal, less or unequal: every comparison
//! of them is false. Numbers of any kind fit each other.

use std::{borrow::Cow, cmp::Ordering};

use varve_columnar::{
    answer::Value,
    attributes::{AttributeRef, AttributeType, decode},
};

use super::go_duration;
use crate::plan::{FieldOp, Static};

/// What an expression is for one span.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand<'a> {
    /// No value.
    Nil,
    String(Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    /// OTLP's number.
    Status(i32),
    /// OTLP's number.
    Kind(i32),
    /// The elements of an array, or of all events or links; never empty. A comparison holds if it
    /// holds for one of them.
    Many(Vec<Operand<'a>>),
}

/// By OTLP's numbers.
pub(super) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

/// By OTLP's numbers.
pub(super) const KINDS: [&str; 6] =
    ["unspecified", "internal", "server", "client", "producer", "consumer"];

/// The word for a status, as queries write it.
pub(super) fn status_word(number: i32) -> &'static str {
    word(&STATUSES, number)
}

/// The word for a kind, as queries write it.
pub(super) fn kind_word(number: i32) -> &'static str {
    word(&KINDS, number)
}

fn word(words: &[&'static str], number: i32) -> &'static str {
    usize::try_from(number).ok().and_then(|number| words.get(number)).unwrap_or(&words[0])
}

impl<'a> Operand<'a> {
    /// An attribute's value; nil for what TraceQL has no type for (bytes, maps, nothing).
    pub(super) fn of_attribute(attribute: AttributeRef<'a>) -> Self {
        Self::of_text(attribute.kind, attribute.text)
    }

    /// The same from type and text.
    pub(super) fn of_text(kind: AttributeType, text: &'a str) -> Self {
        if kind == AttributeType::String {
            return Self::String(text.into());
        }
        Self::of_value(decode(kind, text))
    }

    fn of_value(value: Value) -> Self {
        match value {
            Value::String(text) => Self::String(text.into()),
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Double(value) => Self::Float(value),
            Value::Array(items) => Self::many(items.into_iter().map(Self::of_value)),
            Value::Bytes(_) | Value::KeyValueList(_) | Value::Empty => Self::Nil,
        }
    }

    /// Several values as one operand; nil if there is none.
    pub(super) fn many(items: impl Iterator<Item = Self>) -> Self {
        let mut items: Vec<_> = items.filter(|item| *item != Self::Nil).collect();
        match items.len() {
            0 => Self::Nil,
            1 => items.swap_remove(0),
            _ => Self::Many(items),
        }
    }

    /// The single values in it; none for nil.
    pub(super) fn each(&self) -> &[Self] {
        match self {
            Self::Nil => &[],
            Self::Many(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// As answers show it.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Nil => Value::String("nil".to_owned()),
            Self::String(text) => Value::String(text.clone().into_owned()),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Double(*value),
            Self::Bool(value) => Value::Bool(*value),
            Self::Duration(value) => Value::String(go_duration::show(*value)),
            Self::Status(number) => Value::String(status_word(*number).to_owned()),
            Self::Kind(number) => Value::String(kind_word(*number).to_owned()),
            Self::Many(items) => Value::Array(items.iter().map(Self::to_value).collect()),
        }
    }

    /// As a number; `None` for what is none.
    pub(super) fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Int(value) | Self::Duration(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            _ => None,
        }
    }
}

impl TryFrom<&Static> for Operand<'static> {
    type Error = String;

    fn try_from(constant: &Static) -> Result<Self, String> {
        Ok(match constant {
            Static::Nil => Self::Nil,
            Static::String { value } => Self::String(value.clone().into()),
            Static::Int { value } => Self::Int(value.0),
            Static::Float { value } => {
                Self::Float(value.parse().map_err(|_| format!("'{value}' is not a number"))?)
            }
            Static::Bool { value } => Self::Bool(*value),
            Static::Duration { value } => Self::Duration(value.0),
            Static::Status { value } => Self::Status(*value as i32),
            Static::Kind { value } => Self::Kind(*value as i32),
        })
    }
}

/// Whether a comparison holds. `op` is one of the six that order or equate. A missing field compares
/// with nothing, not even as unequal.
pub(super) fn holds(op: FieldOp, left: &Operand<'_>, right: &Operand<'_>) -> bool {
    left.each().iter().any(|left| right.each().iter().any(|right| single(op, left, right)))
}

/// Whether `x = nil` or `x != nil` holds: whether a field is there.
pub(super) fn holds_of_nil(op: FieldOp, operand: &Operand<'_>) -> bool {
    match op {
        FieldOp::Equal => *operand == Operand::Nil,
        FieldOp::NotEqual => *operand != Operand::Nil,
        _ => false,
    }
}

fn single(op: FieldOp, left: &Operand<'_>, right: &Operand<'_>) -> bool {
    let Some(order) = compare(left, right) else { return false };
    match op {
        FieldOp::Equal => order == Ordering::Equal,
        FieldOp::NotEqual => order != Ordering::Equal,
        FieldOp::Less => order == Ordering::Less,
        FieldOp::LessOrEqual => order != Ordering::Greater,
        FieldOp::Greater => order == Ordering::Greater,
        FieldOp::GreaterOrEqual => order != Ordering::Less,
        _ => false,
    }
}

/// The order of two single values; `None` where their types do not fit (or one is NaN).
pub(super) fn compare(left: &Operand<'_>, right: &Operand<'_>) -> Option<Ordering> {
    match (left, right) {
        (Operand::String(left), Operand::String(right)) => Some(left.cmp(right)),
        (Operand::Bool(left), Operand::Bool(right)) => Some(left.cmp(right)),
        (Operand::Status(left), Operand::Status(right))
        | (Operand::Kind(left), Operand::Kind(right)) => Some(left.cmp(right)),
        // Exact, also above 2^53.
        (
            Operand::Int(left) | Operand::Duration(left),
            Operand::Int(right) | Operand::Duration(right),
        ) => Some(left.cmp(right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Arithmetic: whole numbers stay whole (also divided, as in Go), all others become floats. Nil
/// where an operand is no number, or for a whole number divided by 0.
pub(super) fn combine(op: FieldOp, left: &Operand<'_>, right: &Operand<'_>) -> Operand<'static> {
    if let (Operand::Int(left), Operand::Int(right)) = (left, right) {
        return whole(op, *left, *right).map_or(Operand::Nil, Operand::Int);
    }
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else { return Operand::Nil };
    match op {
        FieldOp::Add => Operand::Float(left + right),
        FieldOp::Subtract => Operand::Float(left - right),
        FieldOp::Multiply => Operand::Float(left * right),
        FieldOp::Divide => Operand::Float(left / right),
        FieldOp::Modulo => Operand::Float(left % right),
        FieldOp::Power => Operand::Float(left.powf(right)),
        _ => Operand::Nil,
    }
}

fn whole(op: FieldOp, left: i64, right: i64) -> Option<i64> {
    match op {
        FieldOp::Add => Some(left.wrapping_add(right)),
        FieldOp::Subtract => Some(left.wrapping_sub(right)),
        FieldOp::Multiply => Some(left.wrapping_mul(right)),
        FieldOp::Divide => left.checked_div(right),
        FieldOp::Modulo => left.checked_rem(right),
        // What is no whole number of 64 bits is cut to one.
        FieldOp::Power => u32::try_from(right)
            .ok()
            .and_then(|right| left.checked_pow(right))
            .or(Some((left as f64).powf(right as f64) as i64)),
        _ => None,
    }
}

/// `-x`; nil where `x` is no number.
pub(super) fn negate(operand: &Operand<'_>) -> Operand<'static> {
    match *operand {
        Operand::Int(value) => Operand::Int(value.wrapping_neg()),
        Operand::Duration(value) => Operand::Duration(value.wrapping_neg()),
        Operand::Float(value) => Operand::Float(-value),
        _ => Operand::Nil,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: [FieldOp; 6] = [
        FieldOp::Equal,
        FieldOp::NotEqual,
        FieldOp::Less,
        FieldOp::LessOrEqual,
        FieldOp::Greater,
        FieldOp::GreaterOrEqual,
    ];

    #[test]
    fn values_of_types_that_do_not_fit_are_neither_equal_nor_unequal() {
        for op in OPS {
            assert!(!holds(op, &Operand::String("7".into()), &Operand::Int(7)), "{op:?}");
            assert!(!holds(op, &Operand::Status(2), &Operand::Int(2)), "{op:?}");
            assert!(!holds(op, &Operand::Nil, &Operand::Int(7)), "{op:?}");
        }
    }

    #[test]
    fn numbers_of_all_kinds_compare_with_each_other() {
        assert!(holds(FieldOp::Equal, &Operand::Int(2), &Operand::Float(2.0)));
        assert!(holds(FieldOp::Less, &Operand::Float(0.5), &Operand::Duration(1)));
        let big = 9_007_199_254_740_993;
        assert!(holds(FieldOp::NotEqual, &Operand::Int(big), &Operand::Int(big - 1)));
    }

    #[test]
    fn an_array_compares_as_any_of_its_elements_does() {
        let colours =
            Operand::Many(vec![Operand::String("red".into()), Operand::String("blue".into())]);
        let blue = Operand::String("blue".into());
        assert!(holds(FieldOp::Equal, &colours, &blue));
        assert!(holds(FieldOp::NotEqual, &colours, &blue));
    }

    #[test]
    fn whole_numbers_stay_whole_and_division_by_zero_is_nothing() {
        assert_eq!(combine(FieldOp::Divide, &Operand::Int(45), &Operand::Int(10)), Operand::Int(4));
        assert_eq!(combine(FieldOp::Divide, &Operand::Int(1), &Operand::Int(0)), Operand::Nil);
        let power =
            |base, exponent| combine(FieldOp::Power, &Operand::Int(base), &Operand::Int(exponent));
        assert_eq!(power(-2, 3), Operand::Int(-8));
        assert_eq!([power(10, -1), power(-1, -3)], [Operand::Int(0), Operand::Int(-1)]);
        assert_eq!(power(100, 100), Operand::Int(i64::MAX));
        let half = combine(FieldOp::Divide, &Operand::Duration(5), &Operand::Int(2));
        assert_eq!(half, Operand::Float(2.5));
    }
}
