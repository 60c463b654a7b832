//! Why a query has no answer.

use varve_types::ErrorCode;
use varve_view::{AsOfError, SegmentReadError};

/// Why a query has no answer. Queries change nothing, so nothing has to be undone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The plan asks for something that its data or types cannot give.
    #[error("{message}")]
    Invalid {
        /// What, and what to do about it.
        message: String,
    },
    /// The plan is sound, but evaluating it over this data failed.
    #[error("{message}")]
    Execution {
        /// What, and where.
        message: String,
    },
    /// A regular expression does not compile.
    #[error("error parsing regexp '{pattern}': {reason}")]
    Regex {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The query ran past its deadline.
    #[error(
        "the query ran longer than {deadline_ms} ms; ask for a shorter time range, narrow the selector, or raise query.timeout_ms"
    )]
    Timeout {
        /// The time it had.
        deadline_ms: u32,
    },
    /// The query holds more than it may.
    #[error("maximum of {what} ({limit}) reached for a single query; narrow it or raise {setting}")]
    Budget {
        /// Of what: `series`, `samples`, `bytes of memory`.
        what: &'static str,
        /// The most it may hold.
        limit: u64,
        /// The setting that holds the limit.
        setting: &'static str,
    },
    /// The client left.
    #[error("the query was cancelled by the client")]
    Cancelled,
    /// A segment could not be read.
    #[error(transparent)]
    Read(#[from] SegmentReadError),
}

impl QueryError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::QueryInvalid,
            Self::Execution { .. } => ErrorCode::QueryExecution,
            Self::Regex { .. } => ErrorCode::RegexInvalid,
            Self::Timeout { .. } => ErrorCode::QueryTimeout,
            Self::Budget { .. } => ErrorCode::QueryBudget,
            Self::Cancelled => ErrorCode::QueryCancelled,
            Self::Read(_) => ErrorCode::Io,
        }
    }

    /// A [`QueryError::Execution`] with this text.
    pub(crate) fn execution(message: impl Into<String>) -> Self {
        Self::Execution { message: message.into() }
    }

    /// An [`QueryError::Invalid`] with this text.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}

impl From<AsOfError> for QueryError {
    fn from(error: AsOfError) -> Self {
        Self::invalid(error.to_string())
    }
}
