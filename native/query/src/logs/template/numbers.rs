//! Functions of numbers; what is no number counts as 0, as in Sprig.

#![expect(clippy::unnecessary_wraps, reason = "what the table of functions calls has one shape")]

use super::{
    decimal::Decimal,
    function::{
        Args, Function,
        Param::{Any, Int, Text},
        plain, variadic,
    },
    value::Value,
};
use crate::{
    logs::numbers::{read_number, read_seconds},
    plan::NumberUnit,
};

pub(super) const FUNCTIONS: &[Function] = &[
    plain("int", &[Any], |args| Ok(Value::Int(int_of(args.any(0))))),
    plain("float64", &[Any], |args| Ok(Value::Float(float_of(args.any(0))))),
    variadic("add", &[], |args| ints(0, args, i64::wrapping_add)),
    plain("sub", &[Any, Any], |args| {
        Ok(Value::Int(int_of(args.any(0)).wrapping_sub(int_of(args.any(1)))))
    }),
    variadic("mul", &[Any], |args| ints(1, args, i64::wrapping_mul)),
    plain("div", &[Any, Any], |args| divide(args, i64::wrapping_div)),
    plain("mod", &[Any, Any], |args| divide(args, i64::wrapping_rem)),
    variadic("max", &[Any], |args| ints(int_of(args.any(0)), args, i64::max)),
    variadic("min", &[Any], |args| ints(int_of(args.any(0)), args, i64::min)),
    variadic("addf", &[], |args| decimals(args, Decimal::add, |a, b| a + b)),
    variadic("subf", &[Any], |args| decimals(args, Decimal::subtract, |a, b| a - b)),
    variadic("mulf", &[Any], |args| decimals(args, Decimal::multiply, |a, b| a * b)),
    variadic("divf", &[Any], |args| {
        if args.0.iter().skip(1).any(|one| float_of(one) == 0.0) {
            return Err("decimal division by 0".into());
        }
        decimals(args, Decimal::divide, |a, b| a / b)
    }),
    variadic("maxf", &[Any], |args| floats(args, go_max)),
    variadic("minf", &[Any], |args| floats(args, |a, b| -go_max(-a, -b))),
    plain("ceil", &[Any], |args| Ok(Value::Float(float_of(args.any(0)).ceil()))),
    plain("floor", &[Any], |args| Ok(Value::Float(float_of(args.any(0)).floor()))),
    variadic("round", &[Any, Int], round),
    plain("bytes", &[Text], |args| read_number(args.text(0), NumberUnit::Bytes).map(Value::Float)),
    plain("duration", &[Text], |args| read_seconds(args.text(0)).map(Value::Float)),
    plain("duration_seconds", &[Text], |args| read_seconds(args.text(0)).map(Value::Float)),
];

/// A whole number as Go's source writes it: `12`, `0x1f`, `0b1`, `017`, `1_000`.
pub(super) fn read_int(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = digits.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = digits.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = digits.strip_prefix("0o") {
        (8, rest)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits.as_str())
    };
    let size =
        i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']))?;
    i64::try_from(if is_negative { -size } else { size }).ok()
}

fn int_of(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(value) => *value,
        Value::Float(value) => *value as i64,
        Value::Bool(value) => i64::from(*value),
        Value::Text(text) => {
            let whole =
                text.split_once('.').filter(|(_, rest)| rest.bytes().all(|byte| byte == b'0'));
            read_int(whole.map_or(text, |(whole, _)| whole)).unwrap_or(0)
        }
        Value::Nil | Value::Time(_) | Value::Json(_) | Value::Labels(_) => 0,
    }
}

fn float_of(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(text) => text.parse().unwrap_or(0.0),
        Value::Nil | Value::Time(_) | Value::Json(_) | Value::Labels(_) => 0.0,
    }
}

fn ints<'r>(
    start: i64,
    args: &Args<'_, 'r>,
    with: impl Fn(i64, i64) -> i64,
) -> Result<Value<'r>, String> {
    Ok(Value::Int(args.0.iter().fold(start, |sum, one| with(sum, int_of(one)))))
}

fn divide<'r>(args: &Args<'_, 'r>, with: impl Fn(i64, i64) -> i64) -> Result<Value<'r>, String> {
    match int_of(args.any(1)) {
        0 => Err("runtime error: integer divide by zero".into()),
        by => Ok(Value::Int(with(int_of(args.any(0)), by))),
    }
}

/// Computes in decimal digits, as Sprig does, and in floats where there are too many of them.
fn decimals<'r>(
    args: &Args<'_, 'r>,
    exact: impl Fn(Decimal, Decimal) -> Option<Decimal>,
    inexact: impl Fn(f64, f64) -> f64,
) -> Result<Value<'r>, String> {
    let mut numbers = args.0.iter().map(float_of);
    let first = numbers.next().unwrap_or(0.0);
    let rest: Vec<f64> = numbers.collect();
    let exactly = Decimal::of(first)
        .and_then(|first| rest.iter().try_fold(first, |sum, &one| exact(sum, Decimal::of(one)?)));
    Ok(Value::Float(match exactly {
        Some(decimal) => decimal.to_f64(),
        None => rest.into_iter().fold(first, inexact),
    }))
}

fn floats<'r>(args: &Args<'_, 'r>, with: impl Fn(f64, f64) -> f64) -> Result<Value<'r>, String> {
    let first = float_of(args.any(0));
    Ok(Value::Float(args.0.iter().map(float_of).fold(first, with)))
}

/// The greater; NaN if one of them is.
fn go_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn round<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let from = args.0.get(2).map_or(0.5, float_of);
    let power = 10_f64.powf(args.int(1) as f64);
    let digits = power * float_of(args.any(0));
    let rounded = if digits.fract() >= from { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(rounded / power))
}
