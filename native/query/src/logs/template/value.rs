//! What templates compute with.

use std::{borrow::Cow, fmt::Write as _, rc::Rc};

use serde_json::Value as Json;

use super::{Scope, moment::Moment};

/// What a template may write for one row, and a function in one text.
pub(super) const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// A value of a template.
#[derive(Clone)]
pub(super) enum Value<'r> {
    Nil,
    Text(Cow<'r, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(Moment),
    /// A list or object of JSON.
    Json(Rc<Json>),
    /// The row's labels.
    Labels(Scope<'r>),
}

impl<'r> Value<'r> {
    /// A text of its own.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// A value of JSON; numbers are floats, as Go reads them.
    pub(super) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::text(text.as_str()),
            Json::Array(_) | Json::Object(_) => Self::Json(Rc::new(json.clone())),
        }
    }

    /// Whether `if` takes it for true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Text(text) => !text.is_empty(),
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Bool(value) => *value,
            Self::Time(_) => true,
            Self::Json(json) => match &**json {
                Json::Array(items) => !items.is_empty(),
                Json::Object(members) => !members.is_empty(),
                _ => true,
            },
            Self::Labels(scope) => {
                let mut any = false;
                scope.labels.visit(|_, _| any = true);
                any
            }
        }
    }

    /// How Go calls its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Text(_) => "string",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Bool(_) => "bool",
            Self::Time(_) => "time.Time",
            Self::Json(json) if json.is_array() => "[]interface {}",
            Self::Json(_) => "map[string]interface {}",
            Self::Labels(_) => "map[string]string",
        }
    }

    /// The member of this name. `Ok(None)` where there is none.
    pub(super) fn member(&self, name: &str) -> Result<Option<Self>, String> {
        match self {
            Self::Labels(scope) => Ok(Some(Self::Text(
                scope.labels.get(name).map_or(Cow::Borrowed(""), Cow::Borrowed),
            ))),
            Self::Json(json) if json.is_object() => Ok(json.get(name).map(Self::of_json)),
            Self::Nil => Ok(None),
            other => Err(format!("can't evaluate field {name} in type {}", other.type_name())),
        }
    }

    /// Its keys and values, for lists and objects.
    pub(super) fn items(&self) -> Option<Vec<(Value<'r>, Value<'r>)>> {
        match self {
            Self::Json(json) => match &**json {
                Json::Array(items) => {
                    Some((0..).map(Value::Int).zip(items.iter().map(Value::of_json)).collect())
                }
                Json::Object(members) => {
                    let mut members: Vec<_> = members.iter().collect();
                    members.sort_by_key(|(key, _)| *key);
                    let member = |(key, value): (&String, &Json)| {
                        (Value::text(key.as_str()), Value::of_json(value))
                    };
                    Some(members.into_iter().map(member).collect())
                }
                _ => None,
            },
            Self::Labels(scope) => {
                let mut labels: Vec<(&str, &str)> = Vec::new();
                scope.labels.visit(|name, value| labels.push((name, value)));
                labels.sort_unstable();
                let text = |text: &'r str| Value::Text(Cow::Borrowed(text));
                Some(labels.into_iter().map(|(name, value)| (text(name), text(value))).collect())
            }
            Self::Nil => Some(Vec::new()),
            _ => None,
        }
    }

    /// Appends it as `{{ . }}` does.
    pub(super) fn print(&self, out: &mut String) {
        if let Self::Nil = self {
            out.push_str("<no value>");
        } else {
            self.show(out);
        }
    }

    /// Appends it as Go's `%v` does.
    pub(super) fn show(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Nil => write!(out, "<nil>"),
            Self::Text(text) => write!(out, "{text}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Float(value) => {
                push_float(out, *value);
                Ok(())
            }
            Self::Bool(value) => write!(out, "{value}"),
            Self::Time(moment) => write!(out, "{}", moment.show()),
            Self::Json(json) if json.is_array() => {
                out.push('[');
                self.show_items(out, |_, _| {});
                write!(out, "]")
            }
            Self::Json(_) | Self::Labels(_) => {
                out.push_str("map[");
                self.show_items(out, |out, key| {
                    key.show(out);
                    out.push(':');
                });
                write!(out, "]")
            }
        };
    }

    fn show_items(&self, out: &mut String, key_of: impl Fn(&mut String, &Value<'_>)) {
        for (at, (key, value)) in self.items().unwrap_or_default().iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            key_of(out, key);
            value.show(out);
        }
    }
}

/// The shortest digits that say a float, with an exponent below 1e-4 and from 1e6 on, as Go shows it.
pub(super) fn push_float(out: &mut String, value: f64) {
    if !value.is_finite() {
        let text = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return out.push_str(text);
    }
    let size = value.abs();
    // Writing to a String cannot fail.
    let _ = if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) =
            exponent.strip_prefix('-').map_or(('+', exponent), |positive| ('-', positive));
        write!(out, "{digits}e{sign}{exponent:0>2}")
    } else {
        write!(out, "{value}")
    };
}
