//! `FOR SYSTEM_TIME AS OF '…'` behind the name of a table (SQL:2011): as of when a statement reads. What runs
//! statements knows nothing of it, so it is taken out of the text before that is read as a whole.

use std::ops::ControlFlow;

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::sql::{
    parser::Statement,
    sqlparser::{
        ast::{ObjectName, Statement as Ast, visit_relations},
        keywords::Keyword,
        tokenizer::{Location, Token, TokenWithSpan, Word},
    },
};
use varve_query::plan::AsOf;

use crate::{error::SqlError, tables::SqlTable};

const CLAUSE: [Keyword; 4] = [Keyword::FOR, Keyword::SYSTEM_TIME, Keyword::AS, Keyword::OF];

/// A number from which on it counts nanoseconds, not seconds: no time in seconds is that large.
const NANOSECONDS_FROM: i64 = 1_000_000_000_000_000;

/// A moment that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) as_of: AsOf,
    text: String,
}

/// Takes the clauses out of a statement's tokens.
pub(crate) fn take(
    tokens: &[TokenWithSpan],
) -> Result<(Vec<TokenWithSpan>, Vec<Moment>), SqlError> {
    let (mut left, mut moments) = (Vec::with_capacity(tokens.len()), Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let Some(behind) = clause_at(tokens, at) else {
            left.push(token.clone());
            at += 1;
            continue;
        };
        if !follows_table(&left) {
            let names = SqlTable::ALL.map(SqlTable::name).join(", ");
            let text = format!(
                "FOR SYSTEM_TIME AS OF belongs behind the name of a table in FROM or JOIN: {names}"
            );
            return Err(SqlError::statement_at(text, token.span.start));
        }
        let (moment, next) = moment_at(tokens, behind, token.span.start)?;
        moments.push(moment);
        at = next;
    }
    Ok((left, moments))
}

/// The one moment as of which a statement reads, if it names any. Every table has to name it, as all are
/// read at one instant.
pub(crate) fn of_statement(
    statement: &Statement,
    moments: Vec<Moment>,
) -> Result<Option<AsOf>, SqlError> {
    let count = moments.len();
    let mut moments = moments.into_iter();
    let Some(first) = moments.next() else { return Ok(None) };
    if let Some(other) = moments.find(|one| one.as_of != first.as_of) {
        return Err(SqlError::statement(format!(
            "a statement reads all tables as of one moment, and this one names '{}' and '{}'; send a statement for each",
            first.text, other.text
        )));
    }
    let tables = tables_in(statement);
    if tables > count {
        return Err(SqlError::statement(format!(
            "a statement reads all tables as of one moment: FOR SYSTEM_TIME AS OF '{}' is behind {count} of its {tables} tables; put it behind each, or send as_of with the request",
            first.text
        )));
    }
    Ok(Some(first.as_of))
}

/// Behind the keywords, if they are there.
fn clause_at(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    let mut next = at;
    for keyword in CLAUSE {
        let (place, token) = significant(tokens, next)?;
        if !is_keyword(token, keyword) {
            return None;
        }
        next = place + 1;
    }
    Some(next)
}

fn significant(tokens: &[TokenWithSpan], from: usize) -> Option<(usize, &Token)> {
    let mut rest = tokens.iter().map(|one| &one.token).enumerate().skip(from);
    rest.find(|(_, token)| !matches!(token, Token::Whitespace(_)))
}

fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(Word { keyword: one, quote_style: None, .. }) if *one == keyword)
}

/// Whether the last of the tokens is the name of a table that is read.
fn follows_table(before: &[TokenWithSpan]) -> bool {
    let mut before = before.iter().rev().map(|one| &one.token);
    let mut before = before.by_ref().filter(|token| !matches!(token, Token::Whitespace(_)));
    let Some(Token::Word(word)) = before.next() else { return false };
    let name =
        if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() };
    let is_there = SqlTable::named(&name).is_some();
    is_there
        && before.next().is_some_and(|token| {
            matches!(token, Token::Comma | Token::Period | Token::LParen)
                || is_keyword(token, Keyword::FROM)
                || is_keyword(token, Keyword::JOIN)
        })
}

/// The moment that is named there, and the place behind it.
fn moment_at(
    tokens: &[TokenWithSpan],
    from: usize,
    clause: Location,
) -> Result<(Moment, usize), SqlError> {
    let literal = significant(tokens, from).and_then(|(place, token)| {
        let is_typed = is_keyword(token, Keyword::TIMESTAMP);
        if is_typed { significant(tokens, place + 1) } else { Some((place, token)) }
    });
    let Some((place, Token::SingleQuotedString(text) | Token::Number(text, _))) = literal else {
        let text = "FOR SYSTEM_TIME AS OF takes a text: a time or a position, as '2026-11-23T10:00:00Z' or 'logs/0=1:40'";
        return Err(SqlError::statement_at(text, clause));
    };
    let Some(as_of) = read(text) else {
        let text = format!(
            "cannot read FOR SYSTEM_TIME AS OF '{text}': it is a position such as logs/0=1:40, RFC 3339, or seconds since 1970"
        );
        return Err(SqlError::statement_at(text, clause));
    };
    Ok((Moment { as_of, text: text.clone() }, place + 1))
}

/// What the parameter `as_of` may be too, and a time as SQL writes it, which is UTC.
fn read(text: &str) -> Option<AsOf> {
    if text.contains('/') {
        return Some(AsOf::Position(text.to_owned()));
    }
    if let Some(at_ms) = of_number(text) {
        return Some(AsOf::TimeMs(at_ms));
    }
    string_to_timestamp_nanos(text).ok().map(|at_ns| AsOf::TimeMs(at_ns.div_euclid(1_000_000)))
}

/// Milliseconds of seconds since 1970, with decimals, or of nanoseconds.
fn of_number(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    if whole >= NANOSECONDS_FROM {
        return Some(whole / 1_000_000);
    }
    let digits = decimals.bytes().chain(std::iter::repeat(b'0')).take(3);
    let ms = digits.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    Some(whole * 1_000 + ms)
}

/// How many of Varve's tables a statement names; one that it names twice counts twice.
fn tables_in(statement: &Statement) -> usize {
    match statement {
        Statement::Statement(ast) => named_in(ast),
        Statement::Explain(explain) => tables_in(&explain.statement),
        _ => 0,
    }
}

fn named_in(ast: &Ast) -> usize {
    let mut count = 0;
    let _: ControlFlow<()> = visit_relations(ast, |name: &ObjectName| {
        let last = name.0.last().and_then(|part| part.as_ident());
        let last = last.map(|ident| match ident.quote_style {
            Some(_) => ident.value.clone(),
            None => ident.value.to_lowercase(),
        });
        count += usize::from(last.is_some_and(|name| SqlTable::named(&name).is_some()));
        ControlFlow::Continue(())
    });
    count
}

#[cfg(test)]
mod tests;
