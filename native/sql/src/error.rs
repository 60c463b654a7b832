//! Why a statement has no answer.

use datafusion::{common::DataFusionError, sql::sqlparser::tokenizer::Location};
use varve_query::QueryError;
use varve_types::ErrorCode;

/// Why a statement has no answer. Statements change nothing, so nothing has to be undone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The statement cannot be read, names what is not there, or asks for what statements may not do.
    #[error("{message}")]
    Statement {
        /// What, and what to do about it.
        message: String,
        /// Where in the text, where that is known.
        place: Option<Place>,
    },
    /// The statement is sound, but evaluating it over this data failed.
    #[error("{message}")]
    Execution {
        /// What, and where.
        message: String,
    },
    /// A limit, the client, or the store ended it.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A fault of ours.
    #[error("{message}")]
    Internal {
        /// For the log.
        message: String,
    },
}

/// A place in a statement's text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl SqlError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Statement { .. } => ErrorCode::QueryInvalid,
            Self::Execution { .. } => ErrorCode::QueryExecution,
            Self::Query(error) => error.code(),
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// Where in the text it went wrong, where that is known.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Statement { place, .. } => *place,
            Self::Execution { .. } | Self::Query(_) | Self::Internal { .. } => None,
        }
    }

    pub(crate) fn statement(message: impl Into<String>) -> Self {
        Self::Statement { message: message.into(), place: None }
    }

    /// The same, of something that begins there.
    pub(crate) fn statement_at(message: impl Into<String>, at: Location) -> Self {
        let place = (at.line > 0).then_some(Place { line: at.line, column: at.column });
        Self::Statement { message: message.into(), place }
    }

    /// What DataFusion says, of a statement whose memory is bounded by so many bytes.
    pub(crate) fn of(error: DataFusionError, memory_max_bytes: u64) -> Self {
        let place = place_of(&error);
        match root(error) {
            DataFusionError::External(error) => match error.downcast::<QueryError>() {
                Ok(error) => Self::Query(*error),
                Err(other) => Self::Execution { message: other.to_string() },
            },
            DataFusionError::ResourcesExhausted(_) => Self::Query(QueryError::Budget {
                what: "bytes of memory",
                limit: memory_max_bytes,
                setting: "query.memory_max_bytes",
            }),
            DataFusionError::SQL(error, _) => {
                let text = error.to_string();
                let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
                let (message, found) = cut_place(text);
                Self::Statement { message: message.to_owned(), place: found.or(place) }
            }
            error @ (DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Configuration(_)) => {
                Self::Statement { message: told(&error), place }
            }
            error @ (DataFusionError::Internal(_)
            | DataFusionError::ExecutionJoin(_)
            | DataFusionError::IoError(_)
            | DataFusionError::Ffi(_)) => Self::Internal { message: told(&error) },
            error => Self::Execution { message: told(&error) },
        }
    }
}

/// The first of the errors that others are wrapped around.
fn root(error: DataFusionError) -> DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(*inner),
        DataFusionError::Collection(mut errors) if !errors.is_empty() => {
            root(errors.swap_remove(0))
        }
        DataFusionError::External(inner) => match inner.downcast::<DataFusionError>() {
            Ok(inner) => root(*inner),
            Err(inner) => DataFusionError::External(inner),
        },
        DataFusionError::ArrowError(inner, text) => match *inner {
            arrow::error::ArrowError::ExternalError(inner) => {
                root(DataFusionError::External(inner))
            }
            other => DataFusionError::ArrowError(Box::new(other), text),
        },
        DataFusionError::Shared(inner) => match std::sync::Arc::try_unwrap(inner) {
            Ok(inner) => root(inner),
            Err(shared) => of_shared(&shared),
        },
        other => other,
    }
}

/// An error that others hold as well: of those that matter here there are copies.
fn of_shared(error: &DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(text) => {
            DataFusionError::ResourcesExhausted(text.clone())
        }
        DataFusionError::Plan(text) => DataFusionError::Plan(text.clone()),
        other => DataFusionError::Execution(told(other)),
    }
}

/// The text without the kind of the error before it and the trace behind it.
fn told(error: &DataFusionError) -> String {
    error.strip_backtrace().trim_start_matches(error_kind(error)).to_owned()
}

fn error_kind(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::Plan(_) => "Error during planning: ",
        DataFusionError::SchemaError(..) => "Schema error: ",
        DataFusionError::Execution(_) => "Execution error: ",
        DataFusionError::ArrowError(..) => "Arrow error: ",
        _ => "",
    }
}

fn place_of(error: &DataFusionError) -> Option<Place> {
    let span = error.diagnostic()?.span?;
    Some(Place { line: span.start.line, column: span.start.column })
}

/// The parser's text without the place at its end.
fn cut_place(text: &str) -> (&str, Option<Place>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let found = place.split_once(", Column: ").and_then(|(line, column)| {
        Some(Place { line: line.parse().ok()?, column: column.trim().parse().ok()? })
    });
    if found.is_some() { (message, found) } else { (text, None) }
}
