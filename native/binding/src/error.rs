//! Errors cross as `CODE: message`; `native/errors.ts` reads them back.

use std::fmt::Display;

use varve_types::ErrorCode;

/// An error that TypeScript turns back into its code. Errors tell their causes themselves.
pub(crate) fn coded(code: ErrorCode, message: impl Display) -> napi::Error {
    napi::Error::from_reason(format!("{}: {message}", code.as_str()))
}

/// For work that ended in a panic; the panic itself is on standard error.
pub(crate) fn lost(work: &str) -> napi::Error {
    coded(ErrorCode::Internal, format!("{work} ended unexpectedly; the server log tells more"))
}
