//! Templates written over a row.

use std::ops::Range;

use super::{
    Scope, Template,
    function::{Args, Function, Param, Run},
    moment::Moment,
    tree::{Branch, Call, Command, Node, Operand, OperandKind, Pipe},
    value::{OUTPUT_MAX_BYTES, Value},
};

/// Nodes that may be walked for one row: bounds loops in loops.
const STEPS_MAX: usize = 100_000;

/// How deep templates may call each other.
const CALLS_MAX: usize = 32;

/// A template being written.
pub(super) struct Evaluation<'r> {
    template: &'r Template,
    scope: Scope<'r>,
    variables: Vec<Value<'r>>,
    out: String,
    steps: usize,
    /// Which template is being written: this one, or one inside it.
    name: &'r str,
    calls: usize,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Through,
    Break,
    Continue,
}

impl<'r> Evaluation<'r> {
    pub(super) fn new(template: &'r Template, scope: &Scope<'r>) -> Self {
        let variables = vec![Value::Labels(*scope)];
        let name = template.name;
        Self { template, scope: *scope, variables, out: String::new(), steps: 0, name, calls: 0 }
    }

    /// The text, or why there is none.
    pub(super) fn run(mut self) -> Result<String, String> {
        self.walk(&self.template.nodes, &Value::Labels(self.scope))?;
        Ok(self.out)
    }

    /// An error at a place of the template, as Go tells it.
    fn fail(&self, at: &Range<usize>, reason: &str) -> String {
        let Template { name, text, .. } = self.template;
        let before = &text[..at.start];
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let context = &text[at.clone()];
        let executing = self.name;
        format!(
            "template: {name}:{line}:{column}: executing {executing:?} at <{context}>: {reason}"
        )
    }

    fn walk(&mut self, nodes: &'r [Node], dot: &Value<'r>) -> Result<Flow, String> {
        for node in nodes {
            self.steps += 1;
            if self.steps > STEPS_MAX || self.out.len() > OUTPUT_MAX_BYTES {
                return Err(format!(
                    "template: {}: writes more than {OUTPUT_MAX_BYTES} bytes or takes more than {STEPS_MAX} steps",
                    self.template.name
                ));
            }
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Write(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        value.print(&mut self.out);
                    }
                }
                Node::If(branch) => match self.branch(branch, dot, |_| dot.clone())? {
                    Flow::Through => {}
                    flow => return Ok(flow),
                },
                Node::With(branch) => match self.branch(branch, dot, Clone::clone)? {
                    Flow::Through => {}
                    flow => return Ok(flow),
                },
                Node::Range(branch) => match self.range(branch, dot)? {
                    Flow::Through => {}
                    flow => return Ok(flow),
                },
                Node::Template(call) => self.write(call, dot)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Through)
    }

    /// Writes a template inside the template: `$` and the dot are what it is called with.
    fn write(&mut self, call: &'r Call, dot: &Value<'r>) -> Result<(), String> {
        let dot = match &call.pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Value::Nil,
        };
        let Some((name, nodes)) = self.template.definitions.get_key_value(&call.name) else {
            let reason = format!("template {:?} not defined", call.name);
            return Err(self.fail(&call.span, &reason));
        };
        if self.calls >= CALLS_MAX {
            let reason = format!("exceeded maximum template depth ({CALLS_MAX})");
            return Err(self.fail(&call.span, &reason));
        }
        let variables = std::mem::replace(&mut self.variables, vec![dot.clone()]);
        let outer = std::mem::replace(&mut self.name, name);
        self.calls += 1;
        self.walk(nodes, &dot)?;
        self.calls -= 1;
        self.name = outer;
        self.variables = variables;
        Ok(())
    }

    fn branch(
        &mut self,
        Branch { pipe, then, otherwise }: &'r Branch,
        dot: &Value<'r>,
        inner_dot: impl Fn(&Value<'r>) -> Value<'r>,
    ) -> Result<Flow, String> {
        let scope = self.variables.len();
        let value = self.pipe(pipe, dot)?;
        let flow = if value.is_true() {
            self.walk(then, &inner_dot(&value))
        } else {
            self.walk(otherwise, dot)
        };
        self.variables.truncate(scope);
        flow
    }

    fn range(
        &mut self,
        Branch { pipe, then, otherwise }: &'r Branch,
        dot: &Value<'r>,
    ) -> Result<Flow, String> {
        let scope = self.variables.len();
        let value = self.commands(pipe, dot)?;
        let mut any = false;
        let mut each = |eval: &mut Self, key: Value<'r>, item: Value<'r>| {
            any = true;
            match pipe.variables.as_slice() {
                [] => {}
                [one] => eval.set(*one, item.clone()),
                [first, second, ..] => {
                    eval.set(*first, key);
                    eval.set(*second, item.clone());
                }
            }
            eval.walk(then, &item)
        };
        if let Value::Int(count) = value {
            for at in 0..count {
                if each(self, Value::Int(at), Value::Int(at))? == Flow::Break {
                    break;
                }
            }
        } else {
            let items = value.items().ok_or_else(|| {
                let mut shown = String::new();
                value.show(&mut shown);
                self.fail(
                    pipe.end().unwrap_or(&(0..0)),
                    &format!("range can't iterate over {shown}"),
                )
            })?;
            for (key, item) in items {
                if each(self, key, item)? == Flow::Break {
                    break;
                }
            }
        }
        self.variables.truncate(scope);
        if any {
            return Ok(Flow::Through);
        }
        let flow = self.walk(otherwise, dot);
        self.variables.truncate(scope);
        flow
    }

    fn set(&mut self, place: usize, value: Value<'r>) {
        if let Some(variable) = self.variables.get_mut(place) {
            *variable = value;
        } else {
            self.variables.resize(place, Value::Nil);
            self.variables.push(value);
        }
    }

    /// The value of a pipe, which its variables get.
    fn pipe(&mut self, pipe: &'r Pipe, dot: &Value<'r>) -> Result<Value<'r>, String> {
        let value = self.commands(pipe, dot)?;
        for &place in &pipe.variables {
            if pipe.declares {
                self.variables.truncate(place);
            }
            self.set(place, value.clone());
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &'r Pipe, dot: &Value<'r>) -> Result<Value<'r>, String> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        command: &'r Command,
        dot: &Value<'r>,
        last: Option<Value<'r>>,
    ) -> Result<Value<'r>, String> {
        let Some((first, rest)) = command.args.split_first() else { return Ok(Value::Nil) };
        if let OperandKind::Function(function) = &first.kind {
            return self.call(function, &command.span, rest, dot, last);
        }
        if !rest.is_empty() || last.is_some() {
            let shown = &self.template.text[first.span.clone()];
            let reason = match first.kind {
                OperandKind::Field(_) | OperandKind::Chain(..) => {
                    format!("{} is not a method but has arguments", shown.trim_start_matches('.'))
                }
                _ => format!("can't give argument to non-function {shown}"),
            };
            return Err(self.fail(&first.span, &reason));
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &'r Operand, dot: &Value<'r>) -> Result<Value<'r>, String> {
        Ok(match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => Value::Nil,
            OperandKind::Bool(value) => Value::Bool(*value),
            OperandKind::Number(number) => match number.int {
                Some(int) if !number.is_float => Value::Int(int),
                _ => Value::Float(number.float),
            },
            OperandKind::Text(text) => Value::Text(text.as_str().into()),
            OperandKind::Field(path) => self.walk_path(dot.clone(), path, &operand.span)?,
            OperandKind::Variable(place, path) => {
                let value = self.variables.get(*place).cloned().unwrap_or(Value::Nil);
                self.walk_path(value, path, &operand.span)?
            }
            OperandKind::Function(function) => {
                self.call(function, &operand.span, &[], dot, None)?
            }
            OperandKind::Pipe(pipe) => {
                let scope = self.variables.len();
                let value = self.pipe(pipe, dot)?;
                if !pipe.declares {
                    self.variables.truncate(scope);
                }
                value
            }
            OperandKind::Chain(inner, path) => {
                let value = self.operand(inner, dot)?;
                self.walk_path(value, path, inner.end())?
            }
        })
    }

    fn walk_path(
        &self,
        mut value: Value<'r>,
        path: &[String],
        span: &Range<usize>,
    ) -> Result<Value<'r>, String> {
        // Of nothing Go gives nothing, but it does not look into what it did not find.
        if let Value::Nil = value {
            return Ok(value);
        }
        for (at, name) in path.iter().enumerate() {
            if at > 0 && matches!(value, Value::Nil) {
                let reason = format!("nil pointer evaluating interface {{}}.{name}");
                return Err(self.fail(span, &reason));
            }
            let member = value.member(name).map_err(|reason| self.fail(span, &reason))?;
            value = member.unwrap_or(Value::Nil);
        }
        Ok(value)
    }

    fn call(
        &mut self,
        function: &'static Function,
        span: &Range<usize>,
        operands: &'r [Operand],
        dot: &Value<'r>,
        last: Option<Value<'r>>,
    ) -> Result<Value<'r>, String> {
        let count = operands.len() + usize::from(last.is_some());
        let wanted = function.params.len();
        if count < wanted || (function.rest.is_none() && count > wanted) {
            let name = function.name;
            // Go does not count what comes through the pipe here.
            let reason = if function.rest.is_some() {
                let got = operands.len();
                format!("wrong number of args for {name}: want at least {wanted} got {got}")
            } else {
                format!("wrong number of args for {name}: want {wanted} got {count}")
            };
            // Go has come to the name alone when it counts.
            return Err(self.fail(&(span.start..span.start + name.len()), &reason));
        }
        let mut args: Vec<Value<'r>> = Vec::with_capacity(count);
        for (at, operand) in operands.iter().enumerate() {
            let value = self.operand(operand, dot)?;
            let written = &self.template.text[operand.span.clone()];
            let value = coerce(function.param(at), operand, written, value);
            args.push(value.map_err(|reason| self.fail(operand.end(), &reason))?);
            if function.is_settled_by(args.last()) {
                return Ok(args.pop().unwrap_or(Value::Nil));
            }
        }
        if let Some(last) = last {
            let value = function.param(operands.len()).check(last);
            let at = operands.last().map_or(span, Operand::end);
            args.push(value.map_err(|reason| self.fail(at, &reason))?);
        }
        let answer = match function.run {
            Run::Line => Ok(Value::Text(self.scope.line.into())),
            Run::Timestamp => Ok(Value::Time(Moment::utc(self.scope.time_ns))),
            Run::Last => Ok(args.pop().unwrap_or(Value::Nil)),
            Run::Plain(run) => run(&Args(&args)),
        };
        answer.map_err(|reason| {
            self.fail(span, &format!("error calling {}: {reason}", function.name))
        })
    }
}

/// The value as the parameter wants it; `2.0` written out is a whole number.
fn coerce<'r>(
    param: Param,
    operand: &Operand,
    written: &str,
    value: Value<'r>,
) -> Result<Value<'r>, String> {
    match (&operand.kind, param) {
        (OperandKind::Number(_) | OperandKind::Bool(_), Param::Text) => {
            Err(format!("expected string; found {written}"))
        }
        (OperandKind::Text(_) | OperandKind::Bool(_), Param::Int) => {
            Err(format!("expected integer; found {written}"))
        }
        (OperandKind::Number(number), Param::Int) => match number.int {
            Some(int) => Ok(Value::Int(int)),
            None => Err(format!("expected integer; found {}", number.float)),
        },
        _ => param.check(value),
    }
}
