//! What a template is made of.

use std::{collections::BTreeMap, ops::Range};

use super::function::Function;

/// A template's tree, and the labels that it reads.
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) definitions: Definitions,
    /// `None` where it looks at all of them.
    pub(super) names: Option<Vec<String>>,
}

/// Templates inside a template, by name.
pub(super) type Definitions = BTreeMap<String, Vec<Node>>;

pub(super) enum Node {
    Text(String),
    Write(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Break,
    Continue,
    Template(Call),
}

/// A template of [`Definitions`], written over what a pipe gives.
pub(super) struct Call {
    pub(super) name: String,
    pub(super) pipe: Option<Pipe>,
    pub(super) span: Range<usize>,
}

/// What is done if a pipe gives something, and otherwise.
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, each given the value of the one before as its last argument.
pub(super) struct Pipe {
    /// Variables that get the value, by their places.
    pub(super) variables: Vec<usize>,
    /// Whether the variables are new.
    pub(super) declares: bool,
    pub(super) commands: Vec<Command>,
}

/// A function and its arguments, or a value.
pub(super) struct Command {
    pub(super) args: Vec<Operand>,
    /// Where it is in the template's text.
    pub(super) span: Range<usize>,
}

pub(super) struct Operand {
    pub(super) kind: OperandKind,
    pub(super) span: Range<usize>,
}

impl Operand {
    /// Where the last part of it stands that is evaluated.
    pub(super) fn end(&self) -> &Range<usize> {
        match &self.kind {
            OperandKind::Pipe(pipe) => pipe.end().unwrap_or(&self.span),
            _ => &self.span,
        }
    }
}

impl Pipe {
    /// [`Operand::end`] of its last argument.
    pub(super) fn end(&self) -> Option<&Range<usize>> {
        Some(self.commands.last()?.args.last()?.end())
    }
}

pub(super) enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text(String),
    Field(Vec<String>),
    Variable(usize, Vec<String>),
    Function(&'static Function),
    Pipe(Box<Pipe>),
    Chain(Box<Operand>, Vec<String>),
}

/// A number as it is written: both, where it can be both.
pub(super) struct Number {
    pub(super) int: Option<i64>,
    pub(super) float: f64,
    /// Written as a float.
    pub(super) is_float: bool,
}
