//! Who a record belongs to.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A tenant's name, as `X-Scope-OrgID` gives it: 1 to 150 bytes of `A-Za-z0-9!-_.*'()`, and
/// neither `.` nor `..`, because it is also a folder's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

/// Why a text is not a tenant's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantIdError {
    /// Empty, or over 150 bytes.
    #[error("tenant id has {0} bytes; it must have 1 to 150")]
    Length(usize),
    /// A character outside the allowed ones.
    #[error("tenant id has '{0}'; only A-Z a-z 0-9 ! - _ . * ' ( ) are allowed")]
    Character(char),
    /// `.` or `..`.
    #[error("tenant id must not be '.' or '..'")]
    Dots,
}

impl TenantId {
    /// The most bytes a name may have.
    pub const MAX_BYTES: usize = 150;

    /// Reads a tenant's name.
    pub fn parse(text: &str) -> Result<Self, TenantIdError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(TenantIdError::Length(text.len()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
        if let Some(bad) = text.chars().find(|&c| !allowed(c)) {
            return Err(TenantIdError::Character(bad));
        }
        if text == "." || text == ".." {
            return Err(TenantIdError::Dots);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0.as_ref().to_owned()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_allowed_characters_is_taken() {
        assert_eq!(TenantId::parse("team-a_(1)!.*'").unwrap().as_str(), "team-a_(1)!.*'");
    }

    #[test]
    fn what_could_leave_its_folder_is_refused() {
        assert_eq!(TenantId::parse("..").unwrap_err(), TenantIdError::Dots);
        assert_eq!(TenantId::parse("a/b").unwrap_err(), TenantIdError::Character('/'));
    }

    #[test]
    fn an_empty_or_overlong_name_is_refused_with_its_length() {
        assert_eq!(TenantId::parse("").unwrap_err(), TenantIdError::Length(0));
        assert_eq!(TenantId::parse(&"a".repeat(151)).unwrap_err(), TenantIdError::Length(151));
    }
}
