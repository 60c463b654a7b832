//! Which statements are run: those that read.

use datafusion::sql::{
    parser::{DFParserBuilder, ExplainStatement, Statement},
    sqlparser::{ast::Statement as Ast, dialect::GenericDialect},
};

use crate::error::SqlError;

/// How deep expressions and queries may be nested.
const NESTING_MAX: usize = 64;

/// The longest text of a statement: what is in it may be a chain of that length, and is walked as a tree.
const STATEMENT_MAX_BYTES: usize = 64 << 10;

/// Reads one statement.
pub(crate) fn parse(text: &str) -> Result<Statement, SqlError> {
    if text.len() > STATEMENT_MAX_BYTES {
        return Err(SqlError::statement(format!(
            "the statement has {} bytes; it may have {STATEMENT_MAX_BYTES}",
            text.len()
        )));
    }
    let failed = |error| SqlError::of(error, 0);
    let dialect = GenericDialect {};
    let mut statements = DFParserBuilder::new(text)
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
    Ok(statement)
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
