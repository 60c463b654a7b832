//! Templates read as trees.

use std::{collections::VecDeque, ops::Range, vec::IntoIter};

use super::{
    functions,
    lex::{self, Kind, Piece, Token},
    tree::{Branch, Call, Command, Definitions, Node, Number, Operand, OperandKind, Parsed, Pipe},
};

/// How deep blocks and parentheses may nest.
const DEPTH_MAX: usize = 32;

/// Parses a template. The error is in Go's words.
pub(super) fn parse(name: &str, text: &str) -> Result<Parsed, String> {
    let line_of = |at: usize| 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count();
    let told =
        |(at, reason): (usize, String)| format!("template: {name}:{}: {reason}", line_of(at));
    let mut parser = Parser {
        pieces: lex::lex(text).map_err(told)?.into_iter(),
        at: 0,
        variables: vec!["$".to_owned()],
        names: Some(Vec::new()),
        definitions: Definitions::new(),
        depth: 0,
        loops: 0,
    };
    match parser.list() {
        Ok((nodes, End::Text)) => {
            Ok(Parsed { nodes, definitions: parser.definitions, names: parser.names })
        }
        Ok((_, End::Keyword)) => Err(told((parser.at, "unexpected {{end}}".into()))),
        Ok((_, End::Else(_))) => Err(told((parser.at, "unexpected {{else}}".into()))),
        Err(reason) => Err(told((parser.at, reason))),
    }
}

/// What ends a list of nodes.
enum End {
    Text,
    Keyword,
    /// With the tokens behind it.
    Else(Vec<Token>),
}

struct Parser {
    pieces: IntoIter<Piece>,
    /// Where the action starts that is being read.
    at: usize,
    /// Names of the variables in scope.
    variables: Vec<String>,
    names: Option<Vec<String>>,
    definitions: Definitions,
    depth: usize,
    loops: usize,
}

type Tokens = VecDeque<Token>;

impl Parser {
    fn list(&mut self) -> Result<(Vec<Node>, End), String> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let tokens = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            self.at = tokens.first().map_or(self.at, |token| token.span.start);
            let keyword = match tokens.first() {
                Some(Token { kind: Kind::Word(word), .. }) => word.clone(),
                _ => String::new(),
            };
            let mut rest = tokens;
            match keyword.as_str() {
                "end" => return Ok((nodes, End::Keyword)),
                "else" => {
                    rest.remove(0);
                    return Ok((nodes, End::Else(rest)));
                }
                "if" | "with" | "range" => {
                    rest.remove(0);
                    nodes.push(self.branch(&keyword, rest)?);
                }
                "break" | "continue" if self.loops == 0 => {
                    return Err(format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                "define" | "template" | "block" => {
                    rest.remove(0);
                    nodes.extend(self.named(&keyword, rest)?.map(Node::Template));
                }
                _ => nodes.push(Node::Write(self.whole_pipe(rest, "command")?)),
            }
        }
        Ok((nodes, End::Text))
    }

    /// `define`, `template`, or `block`, which is both at once.
    fn named(&mut self, keyword: &str, tokens: Vec<Token>) -> Result<Option<Call>, String> {
        if keyword == "define" && self.depth > 0 {
            return Err("unexpected {{define}}".into());
        }
        let mut rest = tokens.into_iter();
        let (name, span) = match rest.next() {
            Some(Token { kind: Kind::Text(name), span, .. }) => (name, span),
            Some(token) => return Err(format!("unexpected {:?} in {keyword} clause", token.kind)),
            None => return Err(format!("missing name in {keyword} clause")),
        };
        let rest: Vec<Token> = rest.collect();
        let pipe = match (keyword, rest.first()) {
            ("define", Some(token)) => {
                return Err(format!("unexpected {:?} in define clause", token.kind));
            }
            ("define" | "template", None) => None,
            _ => Some(self.whole_pipe(rest, &format!("{keyword} clause"))?),
        };
        if keyword != "template" {
            self.define(&name)?;
        }
        Ok((keyword != "define").then_some(Call { name, pipe, span }))
    }

    /// The body of a template inside the template; it sees no variables but its own.
    fn define(&mut self, name: &str) -> Result<(), String> {
        self.deeper()?;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let nodes = match self.list()? {
            (nodes, End::Keyword) => nodes,
            (_, End::Else(_)) => return Err("unexpected {{else}}".into()),
            (_, End::Text) => return Err("unexpected EOF".into()),
        };
        self.variables = variables;
        self.loops = loops;
        self.depth -= 1;
        if self.definitions.insert(name.to_owned(), nodes).is_some() {
            return Err(format!("template: multiple definition of template {name:?}"));
        }
        Ok(())
    }

    fn branch(&mut self, keyword: &str, tokens: Vec<Token>) -> Result<Node, String> {
        self.deeper()?;
        let scope = self.variables.len();
        let pipe = self.whole_pipe(tokens, keyword)?;
        if keyword != "range" && pipe.variables.len() > 1 {
            return Err(format!("too many declarations in {keyword}"));
        }
        self.loops += usize::from(keyword == "range");
        let inner = self.variables.len();
        let (then, end) = self.list()?;
        self.loops -= usize::from(keyword == "range");
        self.variables.truncate(inner);
        let otherwise = match end {
            End::Text => return Err("unexpected EOF".into()),
            End::Keyword => Vec::new(),
            End::Else(tokens) => self.otherwise(keyword, tokens)?,
        };
        self.variables.truncate(scope);
        self.depth -= 1;
        let branch = Branch { pipe, then, otherwise };
        Ok(match keyword {
            "if" => Node::If(branch),
            "with" => Node::With(branch),
            _ => Node::Range(branch),
        })
    }

    fn otherwise(&mut self, keyword: &str, mut tokens: Vec<Token>) -> Result<Vec<Node>, String> {
        let Some(first) = tokens.first() else {
            return match self.list()? {
                (nodes, End::Keyword) => Ok(nodes),
                (_, End::Else(_)) => Err("unexpected {{else}}".into()),
                (_, End::Text) => Err("unexpected EOF".into()),
            };
        };
        // `else if` shares its `end` with the `if` before it.
        if first.kind == Kind::Word(keyword.to_owned()) && keyword != "range" {
            tokens.remove(0);
            return Ok(vec![self.branch(keyword, tokens)?]);
        }
        Err(format!("unexpected {:?} in else", first.kind))
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("nested more than {DEPTH_MAX} levels deep"));
        }
        Ok(())
    }

    fn whole_pipe(&mut self, tokens: Vec<Token>, context: &str) -> Result<Pipe, String> {
        let mut tokens: Tokens = tokens.into();
        let pipe = self.pipe(&mut tokens, context)?;
        match tokens.pop_front() {
            None => Ok(pipe),
            Some(token) => Err(format!("unexpected {:?} in {context}", token.kind)),
        }
    }

    fn pipe(&mut self, tokens: &mut Tokens, context: &str) -> Result<Pipe, String> {
        let (written, declares) = declaration(tokens, context);
        let mut commands = vec![self.command(tokens, context)?];
        while tokens.pop_front_if(|token| token.kind == Kind::Pipe).is_some() {
            commands.push(self.command(tokens, context)?);
        }
        for command in commands.iter().skip(1) {
            let first = command.args.first().map(|one| &one.kind);
            let is_constant = matches!(
                first,
                Some(
                    OperandKind::Dot
                        | OperandKind::Nil
                        | OperandKind::Bool(_)
                        | OperandKind::Number(_)
                        | OperandKind::Text(_)
                )
            );
            if is_constant {
                return Err("non executable command in pipeline stage 2".into());
            }
        }
        let mut variables = Vec::new();
        for name in written {
            if declares {
                variables.push(self.variables.len());
                self.variables.push(name);
            } else {
                variables.push(self.place_of(&name)?);
            }
        }
        Ok(Pipe { variables, declares, commands })
    }

    fn place_of(&self, name: &str) -> Result<usize, String> {
        let found = self.variables.iter().rposition(|variable| variable == name);
        found.ok_or_else(|| format!("undefined variable {name:?}"))
    }

    fn command(&mut self, tokens: &mut Tokens, context: &str) -> Result<Command, String> {
        let mut args: Vec<Operand> = Vec::new();
        while tokens.front().is_some_and(|token| !matches!(token.kind, Kind::Pipe | Kind::Close)) {
            args.push(self.operand(tokens)?);
        }
        match (args.first(), args.last()) {
            (Some(first), Some(last)) => {
                let span = first.span.start..last.span.end;
                Ok(Command { args, span })
            }
            _ => Err(format!("missing value for {context}")),
        }
    }

    fn operand(&mut self, tokens: &mut Tokens) -> Result<Operand, String> {
        let token = tokens.pop_front().ok_or("unexpected end of command")?;
        let mut span = token.span.clone();
        let kind = self.term(token, tokens, &mut span)?;
        let mut path = Vec::new();
        while let Some(token) =
            tokens.pop_front_if(|token| !token.is_spaced && matches!(token.kind, Kind::Field(_)))
        {
            span.end = token.span.end;
            if let Kind::Field(name) = token.kind {
                path.push(name);
            }
        }
        let kind = match kind {
            OperandKind::Field(mut fields) => {
                self.read(fields.first().map(String::as_str));
                fields.append(&mut path);
                OperandKind::Field(fields)
            }
            OperandKind::Variable(place, _) => {
                if place == 0 {
                    self.read(path.first().map(String::as_str));
                }
                OperandKind::Variable(place, path)
            }
            OperandKind::Dot => {
                self.read(None);
                OperandKind::Dot
            }
            other if path.is_empty() => other,
            OperandKind::Pipe(_) | OperandKind::Function(_) => {
                OperandKind::Chain(Box::new(Operand { kind, span: span.clone() }), path)
            }
            _ => return Err(format!("unexpected . after term {:?}", path.join("."))),
        };
        Ok(Operand { kind, span })
    }

    /// Notes that a label is read; all of them, for `None`.
    fn read(&mut self, name: Option<&str>) {
        match (name, &mut self.names) {
            (Some(name), Some(names)) => names.push(name.to_owned()),
            (None, names) => *names = None,
            (Some(_), None) => {}
        }
    }

    fn term(
        &mut self,
        token: Token,
        tokens: &mut Tokens,
        span: &mut Range<usize>,
    ) -> Result<OperandKind, String> {
        Ok(match token.kind {
            Kind::Dot => OperandKind::Dot,
            Kind::Field(name) => OperandKind::Field(vec![name]),
            Kind::Variable(name) => OperandKind::Variable(self.place_of(&name)?, Vec::new()),
            Kind::Text(text) => OperandKind::Text(text),
            Kind::Char(char) => {
                let code = i64::from(u32::from(char));
                OperandKind::Number(Number { int: Some(code), float: code as f64, is_float: false })
            }
            Kind::Number(text) => OperandKind::Number(number(&text)?),
            Kind::Word(word) => match word.as_str() {
                "nil" => OperandKind::Nil,
                "true" => OperandKind::Bool(true),
                "false" => OperandKind::Bool(false),
                _ => OperandKind::Function(
                    functions::find(&word)
                        .ok_or_else(|| format!("function {word:?} not defined"))?,
                ),
            },
            Kind::Open => {
                self.deeper()?;
                let pipe = self.pipe(tokens, "parenthesized pipeline")?;
                self.depth -= 1;
                let close = tokens.pop_front().filter(|token| token.kind == Kind::Close);
                span.end = close.ok_or("unclosed left paren")?.span.end;
                OperandKind::Pipe(Box::new(pipe))
            }
            other => return Err(format!("unexpected {other:?} in operand")),
        })
    }
}

/// `$x :=`, `$x =` or `$i, $x :=` at the start of a pipe: the names, and whether they are new.
fn declaration(tokens: &mut Tokens, context: &str) -> (Vec<String>, bool) {
    let ahead: Vec<&Kind> = tokens.iter().take(4).map(|token| &token.kind).collect();
    let (names, sign) = match ahead.as_slice() {
        [Kind::Variable(one), sign @ (Kind::Declare | Kind::Assign), ..] => {
            (vec![one.clone()], *sign)
        }
        [
            Kind::Variable(one),
            Kind::Comma,
            Kind::Variable(two),
            sign @ (Kind::Declare | Kind::Assign),
        ] if context == "range" => (vec![one.clone(), two.clone()], *sign),
        _ => return (Vec::new(), false),
    };
    let declares = *sign == Kind::Declare;
    tokens.drain(..names.len() * 2);
    (names, declares)
}

fn number(text: &str) -> Result<Number, String> {
    let int = super::numbers::read_int(text);
    let float = text.replace('_', "").parse::<f64>().ok().or(int.map(|int| int as f64));
    let is_hex = text.contains(['x', 'X']);
    let is_float = !is_hex && text.contains(['.', 'e', 'E']);
    let float = float.ok_or_else(|| format!("bad number syntax: {text:?}"))?;
    let whole = is_float && float.fract() == 0.0 && float.abs() < 1e15;
    Ok(Number { int: if whole { Some(float as i64) } else { int }, float, is_float })
}
