//! The tokens of a template.

use std::ops::Range;

/// A piece of a template: text, or the tokens between `{{` and `}}`.
pub(super) enum Piece {
    Text(String),
    Action(Vec<Token>),
}

/// A token of an action.
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it is in the template's text.
    pub(super) span: Range<usize>,
    /// Whether a blank stands before it.
    pub(super) is_spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// `.name`
    Field(String),
    /// `$name`, with the sign.
    Variable(String),
    /// A keyword or function.
    Word(String),
    Number(String),
    Text(String),
    Char(char),
    Dot,
    Pipe,
    Open,
    Close,
    Declare,
    Assign,
    Comma,
}

/// Cuts a template into pieces. The error names the line.
pub(super) fn lex(text: &str) -> Result<Vec<Piece>, (usize, String)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut is_trimmed = false;
    loop {
        let end = text[at..].find("{{").map_or(text.len(), |found| at + found);
        let mut plain = &text[at..end];
        if is_trimmed {
            plain = plain.trim_start_matches(is_space);
        }
        let inside = end + 2;
        let trims_before = text
            .get(inside..)
            .is_some_and(|rest| rest.starts_with('-') && rest[1..].starts_with(is_space));
        if trims_before {
            plain = plain.trim_end_matches(is_space);
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.to_owned()));
        }
        if end == text.len() {
            return Ok(pieces);
        }
        let start = inside + if trims_before { 2 } else { 0 };
        let mut action = Action { text, at: start };
        let tokens = action.tokens().map_err(|reason| (action.at.min(text.len()), reason))?;
        if let Some(tokens) = tokens {
            pieces.push(Piece::Action(tokens));
        }
        is_trimmed = action.ends_trimmed();
        at = action.at;
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

struct Action<'t> {
    text: &'t str,
    /// What is read next.
    at: usize,
}

impl<'t> Action<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The tokens up to the end; `None` for a comment.
    fn tokens(&mut self) -> Result<Option<Vec<Token>>, String> {
        if self.rest().trim_start_matches(is_space).starts_with("/*") {
            let end = self.rest().find("*/").ok_or("unclosed comment")?;
            self.at += end + 2;
            return if self.skip_end() {
                Ok(None)
            } else {
                Err("comment ends before closing delimiter".into())
            };
        }
        let mut tokens = Vec::new();
        loop {
            let before = self.at;
            if self.skip_end() {
                return Ok(Some(tokens));
            }
            self.at += self.rest().len() - self.rest().trim_start_matches(is_space).len();
            let start = self.at;
            if self.rest().is_empty() {
                return Err("unclosed action".into());
            }
            let kind = self.token()?;
            tokens.push(Token { kind, span: start..self.at, is_spaced: start > before });
        }
    }

    /// Goes past `}}` or ` -}}`, if one of them is next.
    fn skip_end(&mut self) -> bool {
        let rest = self.rest().trim_start_matches(is_space);
        let skipped = self.rest().len() - rest.len();
        let end = if rest.starts_with("}}") {
            2
        } else if skipped > 0 && rest.starts_with("-}}") {
            3
        } else {
            return false;
        };
        self.at += skipped + end;
        true
    }

    fn ends_trimmed(&self) -> bool {
        let read = &self.text[..self.at];
        read.strip_suffix("-}}").is_some_and(|before| before.ends_with(is_space))
    }

    fn token(&mut self) -> Result<Kind, String> {
        let rest = self.rest();
        let simple = [
            (":=", Kind::Declare),
            ("=", Kind::Assign),
            ("|", Kind::Pipe),
            ("(", Kind::Open),
            (")", Kind::Close),
            (",", Kind::Comma),
        ];
        for (text, kind) in simple {
            if rest.starts_with(text) {
                self.at += text.len();
                return Ok(kind);
            }
        }
        let first = rest.chars().next().unwrap_or_default();
        let second = rest.chars().nth(1).unwrap_or_default();
        match first {
            '"' | '`' => self.string(first),
            '\'' => self.character(),
            '$' => Ok(Kind::Variable(format!("${}", self.name(1)))),
            '.' if is_name(second) && !second.is_ascii_digit() => {
                Ok(Kind::Field(self.name(1).to_owned()))
            }
            '.' if !second.is_ascii_digit() => {
                self.at += 1;
                Ok(Kind::Dot)
            }
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ if is_name(first) => Ok(Kind::Word(self.name(0).to_owned())),
            other => Err(format!("unexpected {other:?} in command")),
        }
    }

    /// The name after `skipped` bytes.
    fn name(&mut self, skipped: usize) -> &'t str {
        let rest = &self.rest()[skipped..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        self.at += skipped + name.len();
        name
    }

    fn number(&mut self) -> Result<Kind, String> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let is_hex = rest[sign..].starts_with("0x") || rest[sign..].starts_with("0X");
        let mut end = sign;
        for (at, c) in rest.char_indices().skip(sign) {
            let before = rest[..at].chars().next_back().unwrap_or_default();
            let is_exponent = !is_hex && matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
            if !(is_name(c) || c == '.' || is_exponent) {
                break;
            }
            end = at + c.len_utf8();
        }
        self.at += end;
        let text = &rest[..end];
        if text.chars().any(|c| c.is_ascii_digit()) {
            Ok(Kind::Number(text.to_owned()))
        } else {
            Err(format!("bad number syntax: {text:?}"))
        }
    }

    fn character(&mut self) -> Result<Kind, String> {
        let inner = &self.rest()[1..];
        let mut is_escaped = false;
        let end = inner.find(|c| {
            let is_end = c == '\'' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let end = end.ok_or("unterminated character constant")?;
        self.at += end + 2;
        let text = inner[..end].replace("\\'", "'");
        let mut chars = unquote(&text).unwrap_or_default().chars().collect::<Vec<_>>().into_iter();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(Kind::Char(only)),
            _ => Err(format!("malformed character constant: '{}'", &inner[..end])),
        }
    }

    fn string(&mut self, quote: char) -> Result<Kind, String> {
        let inner = &self.rest()[1..];
        let mut is_escaped = false;
        let end = inner.find(|c| {
            let is_end = (c == quote && !is_escaped) || (c == '\n' && quote == '"');
            is_escaped = c == '\\' && !is_escaped && quote == '"';
            is_end
        });
        let kind = if quote == '"' {
            "unterminated quoted string"
        } else {
            "unterminated raw quoted string"
        };
        let end = end.filter(|&end| !inner[end..].starts_with('\n')).ok_or(kind)?;
        self.at += end + 2;
        let text = &inner[..end];
        if quote == '`' {
            return Ok(Kind::Text(text.to_owned()));
        }
        unquote(text).map(Kind::Text).ok_or_else(|| "invalid syntax".into())
    }
}

/// The text of a quoted string, its escapes as in Go.
fn unquote(text: &str) -> Option<String> {
    let mut plain: Vec<u8> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escaped = chars.next()?;
        let mut code = |digits: usize, radix: u32| {
            let text: String = chars.by_ref().take(digits).collect();
            (text.len() == digits).then(|| u32::from_str_radix(&text, radix).ok())?
        };
        let char = match escaped {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '"' | '\'' => escaped,
            'x' => {
                plain.push(u8::try_from(code(2, 16)?).ok()?);
                continue;
            }
            '0'..='7' => {
                let rest = code(2, 8)?;
                plain.push(u8::try_from(escaped.to_digit(8)? * 64 + rest).ok()?);
                continue;
            }
            'u' => char::from_u32(code(4, 16)?)?,
            'U' => char::from_u32(code(8, 16)?)?,
            _ => return None,
        };
        plain.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(String::from_utf8_lossy(&plain).into_owned())
}
