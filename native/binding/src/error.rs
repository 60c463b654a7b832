//! Errors cross as `CODE: message`; `native/errors.ts` reads them back.

use std::fmt::Display;

use varve_types::ErrorCode;

/// An error that TypeScript turns back into its code.
pub(crate) fn coded(code: ErrorCode, message: impl Display) -> napi::Error {
    napi::Error::from_reason(format!("{}: {message}", code.as_str()))
}

/// An error with the texts of all its causes: what failed, on what, and why.
pub(crate) fn coded_with_causes(code: ErrorCode, error: &dyn std::error::Error) -> napi::Error {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Most errors here tell their cause themselves.
        if !message.ends_with(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = inner.source();
    }
    coded(code, message)
}

/// For work that ended in a panic; the panic itself is on standard error.
pub(crate) fn lost(work: &str) -> napi::Error {
    coded(ErrorCode::Internal, format!("{work} ended unexpectedly; the server log tells more"))
}
