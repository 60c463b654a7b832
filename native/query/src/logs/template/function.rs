//! What a function of templates is, and what it takes.

use super::{moment::Moment, value::Value};

/// A function.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// What any number of further arguments are.
    pub(super) rest: Option<Param>,
    pub(super) run: Run,
}

/// What a parameter takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Param {
    Any,
    Text,
    Int,
    Time,
}

/// What a function does.
pub(super) enum Run {
    /// Gives the row's line.
    Line,
    /// Gives the row's time.
    Timestamp,
    /// Gives its last argument: `and`, `or`.
    Last,
    Plain(for<'r> fn(&Args<'_, 'r>) -> Result<Value<'r>, String>),
}

/// Arguments of the kinds that the parameters say.
pub(super) struct Args<'a, 'r>(pub(super) &'a [Value<'r>]);

impl<'a, 'r> Args<'a, 'r> {
    pub(super) fn any(&self, at: usize) -> &'a Value<'r> {
        self.0.get(at).unwrap_or(&Value::Nil)
    }

    pub(super) fn text(&self, at: usize) -> &'a str {
        match self.any(at) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn int(&self, at: usize) -> i64 {
        match self.any(at) {
            Value::Int(value) => *value,
            _ => 0,
        }
    }

    pub(super) fn time(&self, at: usize) -> Moment {
        match self.any(at) {
            Value::Time(moment) => *moment,
            _ => Moment::zero(),
        }
    }
}

impl Param {
    /// The value, if it is of the kind.
    pub(super) fn check(self, value: Value<'_>) -> Result<Value<'_>, String> {
        let wanted = match (self, &value) {
            (Self::Any, _)
            | (Self::Text, Value::Text(_))
            | (Self::Int, Value::Int(_))
            | (Self::Time, Value::Time(_)) => return Ok(value),
            (Self::Text, _) => "string",
            (Self::Int, _) => "int",
            (Self::Time, _) => "time.Time",
        };
        Err(if let Value::Nil = value {
            format!("invalid value; expected {wanted}")
        } else {
            format!("wrong type for value; expected {wanted}; got {}", value.type_name())
        })
    }
}

impl Function {
    /// What the argument at a place is.
    pub(super) fn param(&self, at: usize) -> Param {
        self.params.get(at).copied().or(self.rest).unwrap_or(Param::Any)
    }

    /// Whether no further argument of `and` or `or` matters.
    pub(super) fn is_settled_by(&self, value: Option<&Value<'_>>) -> bool {
        matches!(self.run, Run::Last)
            && value.is_some_and(|one| one.is_true() == (self.name == "or"))
    }
}

/// A function with a fixed number of arguments.
pub(super) const fn plain(
    name: &'static str,
    params: &'static [Param],
    run: for<'r> fn(&Args<'_, 'r>) -> Result<Value<'r>, String>,
) -> Function {
    Function { name, params, rest: None, run: Run::Plain(run) }
}

/// A function with any number of further arguments.
pub(super) const fn variadic(
    name: &'static str,
    params: &'static [Param],
    run: for<'r> fn(&Args<'_, 'r>) -> Result<Value<'r>, String>,
) -> Function {
    Function { name, params, rest: Some(Param::Any), run: Run::Plain(run) }
}
