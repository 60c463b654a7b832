//! Which statements are run: those that read.

use datafusion::{
    common::DataFusionError,
    sql::{
        parser::{DFParserBuilder, ExplainStatement, Statement},
        sqlparser::{
            ast::Statement as Ast, dialect::GenericDialect, parser::ParserError,
            tokenizer::Tokenizer,
        },
    },
};
use varve_query::plan::AsOf;

use crate::{as_of, error::SqlError};

/// How deep expressions and queries may be nested.
const NESTING_MAX: usize = 64;

/// The longest text of a statement: what is in it may be a chain of that length, and is walked as a tree.
const STATEMENT_MAX_BYTES: usize = 64 << 10;

/// A statement, read.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) statement: Statement,
    /// As of when it reads, if it says so itself.
    pub(crate) as_of: Option<AsOf>,
}

/// Reads one statement.
pub(crate) fn parse(text: &str) -> Result<Parsed, SqlError> {
    if text.len() > STATEMENT_MAX_BYTES {
        return Err(SqlError::statement(format!(
            "the statement has {} bytes; it may have {STATEMENT_MAX_BYTES}",
            text.len()
        )));
    }
    let failed = |error| SqlError::of(error, 0);
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| failed(DataFusionError::from(ParserError::from(error))))?;
    let (tokens, moments) = as_of::take(&tokens)?;
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .build()
        .map_err(failed)?
        .parse_statements()
        .map_err(failed)?;
    let statement =
        statements.pop_front().ok_or_else(|| SqlError::statement("there is no statement"))?;
    if !statements.is_empty() {
        return Err(SqlError::statement("one statement at a time; send the others apart"));
    }
    allow(&statement)?;
    let as_of = as_of::of_statement(&statement, moments)?;
    Ok(Parsed { statement, as_of })
}

fn allow(statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Statement(ast) => match &**ast {
            Ast::Query(_)
            | Ast::ExplainTable { .. }
            | Ast::ShowTables { .. }
            | Ast::ShowColumns { .. }
            | Ast::ShowFunctions { .. } => Ok(()),
            Ast::Explain { statement, .. } => allow(&Statement::Statement(statement.clone())),
            other => Err(refused(&other.to_string())),
        },
        Statement::Explain(ExplainStatement { statement, .. }) => allow(statement),
        other => Err(refused(&other.to_string())),
    }
}

fn refused(text: &str) -> SqlError {
    let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    SqlError::statement(format!(
        "{word} is not supported: statements only read (SELECT, EXPLAIN, DESCRIBE, SHOW TABLES, SHOW COLUMNS)"
    ))
}
