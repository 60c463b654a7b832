//! Go's own functions: comparisons, lengths, parts, escapes.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::{
    function::{Args, Function, Param::Any, plain, variadic},
    texts::slice_text,
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    plain("not", &[Any], |args| Ok(Value::Bool(!args.any(0).is_true()))),
    variadic("eq", &[Any], equal_to_one),
    plain("ne", &[Any, Any], |args| Ok(Value::Bool(!equal(args.any(0), args.any(1))?))),
    plain("lt", &[Any, Any], |args| Ok(Value::Bool(order(args)?.is_lt()))),
    plain("le", &[Any, Any], |args| Ok(Value::Bool(order(args)?.is_le()))),
    plain("gt", &[Any, Any], |args| Ok(Value::Bool(order(args)?.is_gt()))),
    plain("ge", &[Any, Any], |args| Ok(Value::Bool(order(args)?.is_ge()))),
    plain("len", &[Any], length),
    variadic("index", &[Any], index),
    variadic("slice", &[Any], slice),
    variadic("html", &[], |args| Ok(Value::text(escape(&shown(args), html_escape)))),
    variadic("js", &[], |args| Ok(Value::text(escape(&shown(args), js_escape)))),
    variadic("urlquery", &[], |args| Ok(Value::text(super::texts::url_encode(&shown(args))))),
];

fn equal_to_one<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let (first, others) = args.0.split_first().ok_or("missing argument for comparison")?;
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

#[expect(clippy::float_cmp, reason = "Go compares them exactly")]
fn equal(a: &Value<'_>, b: &Value<'_>) -> Result<bool, String> {
    match (a, b) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a.nanos() == b.nanos()),
        (Value::Json(_) | Value::Labels(_), _) | (_, Value::Json(_) | Value::Labels(_)) => {
            Err("non-comparable type".into())
        }
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

fn incompatible(a: &Value<'_>, b: &Value<'_>) -> String {
    let (a, b) = (a.type_name(), b.type_name());
    format!("incompatible types for comparison: {a} and {b}")
}

fn order(args: &Args<'_, '_>) -> Result<Ordering, String> {
    match (args.any(0), args.any(1)) {
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        // NaN is neither; Go then says false to `lt`, and to `le`, `gt` and `ge` by what `lt` says.
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b).unwrap_or(Ordering::Greater)),
        (Value::Nil | Value::Time(_) | Value::Json(_) | Value::Labels(_), _)
        | (_, Value::Nil | Value::Time(_) | Value::Json(_) | Value::Labels(_))
        | (Value::Bool(_), Value::Bool(_)) => Err("invalid type for comparison".into()),
        (a, b) => Err(incompatible(a, b)),
    }
}

fn length<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let of = args.any(0);
    let length = match of {
        Value::Text(text) => text.len(),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        other => other.items().ok_or_else(|| format!("len of type {}", of.type_name()))?.len(),
    };
    Ok(Value::Int(length as i64))
}

fn index<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let (first, keys) = args.0.split_first().ok_or("index of untyped nil")?;
    let mut value = first.clone();
    for key in keys {
        value = match (&value, key) {
            (Value::Nil, _) => return Err("index of untyped nil".into()),
            (Value::Json(json), Value::Int(at)) if json.is_array() => {
                let item = usize::try_from(*at).ok().and_then(|at| json.get(at));
                Value::of_json(item.ok_or_else(|| format!("index out of range: {at}"))?)
            }
            (Value::Json(json), _) if json.is_array() => {
                return Err(format!("cannot index slice/array with type {}", key.type_name()));
            }
            (Value::Text(text), Value::Int(at)) => {
                let byte = usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at));
                Value::Int(i64::from(*byte.ok_or_else(|| format!("index out of range: {at}"))?))
            }
            (Value::Json(_) | Value::Labels(_), Value::Text(name)) => {
                value.member(name)?.unwrap_or(Value::Nil)
            }
            (Value::Json(_) | Value::Labels(_), _) => {
                return Err(format!("value has type {}; should be string", key.type_name()));
            }
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn slice<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let (first, bounds) = args.0.split_first().ok_or("slice of untyped nil")?;
    let length = match first {
        Value::Text(text) => text.len(),
        Value::Json(json) => json.as_array().map(Vec::len).ok_or("can't slice item of type map")?,
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut places = [0, length];
    for (place, bound) in places.iter_mut().zip(bounds) {
        let Value::Int(at) = bound else {
            return Err(format!("cannot index slice/array with type {}", bound.type_name()));
        };
        let inside = usize::try_from(*at).ok().filter(|&at| at <= length);
        *place = inside.ok_or_else(|| format!("index out of range: {at}"))?;
    }
    let [from, to] = places;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    Ok(match first {
        Value::Json(json) => {
            let items = json.as_array().and_then(|items| items.get(from..to)).unwrap_or_default();
            Value::of_json(&Json::Array(items.to_vec()))
        }
        Value::Text(text) => Value::text(slice_text(text, from, to)),
        _ => Value::Nil,
    })
}

/// Arguments as `print` shows them.
fn shown(args: &Args<'_, '_>) -> String {
    super::printf::print(args)
}

fn escape(text: &str, escaped: fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escaped(c) {
            Some(escape) => out.push_str(escape),
            None => out.push(c),
        }
    }
    out
}

fn html_escape(c: char) -> Option<&'static str> {
    Some(match c {
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '\0' => "\u{fffd}",
        _ => return None,
    })
}

fn js_escape(c: char) -> Option<&'static str> {
    Some(match c {
        '\\' => "\\\\",
        '\'' => "\\'",
        '"' => "\\\"",
        '<' => "\\u003C",
        '>' => "\\u003E",
        '&' => "\\u0026",
        '=' => "\\u003D",
        '\n' => "\\u000A",
        '\r' => "\\u000D",
        '\t' => "\\u0009",
        _ => return None,
    })
}
