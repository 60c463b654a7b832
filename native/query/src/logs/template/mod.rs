//! Go's template language (`text/template`) with Loki's functions, compiled once per query.

mod builtin;
mod decimal;
mod eval;
mod function;
mod functions;
mod layout;
mod lex;
mod moment;
mod numbers;
mod parse;
mod printf;
mod texts;
mod time;
mod tree;
mod value;

use self::{
    eval::Evaluation,
    tree::{Definitions, Node, Parsed},
};
use super::row_labels::RowLabels;

/// A compiled template.
pub(super) struct Template {
    /// What messages call it: `line` or `label`.
    name: &'static str,
    text: String,
    nodes: Vec<Node>,
    definitions: Definitions,
    /// Labels that it reads; `None` where it looks at all of them.
    names: Option<Vec<String>>,
}

/// What a template is written over.
#[derive(Clone, Copy)]
pub(super) struct Scope<'r> {
    pub(super) labels: &'r RowLabels,
    pub(super) line: &'r str,
    pub(super) time_ns: i64,
}

impl Template {
    /// Compiles a template. The error is in Go's words.
    pub(super) fn compile(name: &'static str, text: &str) -> Result<Self, String> {
        let Parsed { nodes, definitions, names } = parse::parse(name, text)?;
        Ok(Self { name, text: text.to_owned(), nodes, definitions, names })
    }

    /// The labels that it reads; `None` where it looks at all of them.
    pub(super) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        self.names.as_ref().map(|names| names.iter().map(String::as_str))
    }

    /// The template's text over a row, or why there is none, in Go's words.
    pub(super) fn write(&self, scope: &Scope<'_>) -> Result<String, String> {
        Evaluation::new(self, scope).run()
    }
}

#[cfg(test)]
mod tests;
