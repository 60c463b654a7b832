//! What crosses the binding instead of sentences: a code that each API maps to its own status.

/// Every error that native code can answer with. `docs/errors.md` lists them; a code that is not
/// there, or is there and not here, fails the house tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The body does not decode as what its content type says.
    BodyInvalid,
    /// The body, or what it decompresses to, is over its limit.
    BodyTooLarge,
    /// The content encoding is not one we read.
    EncodingUnsupported,
    /// The tenant's name is not one.
    TenantInvalid,
    /// Too many bytes wait for the journal; send again later.
    Overloaded,
    /// The journal takes no more writes until the disk is repaired and the program started anew.
    ReadOnly,
    /// The journal's disk is nearly full; it takes writes again by itself once there is room.
    DiskFull,
    /// A hold on the log cannot be set so: its name, its age, or what it asks for is gone.
    HoldRefused,
    /// The data directory is held by another process.
    DataDirLocked,
    /// A setting is another than that with which the data directory was made.
    SettingFixed,
    /// A file in the data directory is damaged, or of a version we do not read.
    StoreCorrupt,
    /// Reading or writing a file failed.
    Io,
    /// A regular expression does not compile.
    RegexInvalid,
    /// The query asks for something that its data or types cannot give.
    QueryInvalid,
    /// The query is well-formed, but evaluating it failed (for example, many-to-many matching).
    QueryExecution,
    /// The query ran past its deadline.
    QueryTimeout,
    /// The query holds more memory, rows or series than its budget.
    QueryBudget,
    /// The client left.
    QueryCancelled,
    /// The store is shutting down or not open yet.
    Closed,
    /// A fault of our own.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 20] = [
        Self::BodyInvalid,
        Self::BodyTooLarge,
        Self::EncodingUnsupported,
        Self::TenantInvalid,
        Self::Overloaded,
        Self::ReadOnly,
        Self::DiskFull,
        Self::HoldRefused,
        Self::DataDirLocked,
        Self::SettingFixed,
        Self::StoreCorrupt,
        Self::Io,
        Self::RegexInvalid,
        Self::QueryInvalid,
        Self::QueryExecution,
        Self::QueryTimeout,
        Self::QueryBudget,
        Self::QueryCancelled,
        Self::Closed,
        Self::Internal,
    ];

    /// The form that crosses the binding.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyInvalid => "BODY_INVALID",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::EncodingUnsupported => "ENCODING_UNSUPPORTED",
            Self::TenantInvalid => "TENANT_INVALID",
            Self::Overloaded => "OVERLOADED",
            Self::ReadOnly => "READ_ONLY",
            Self::DiskFull => "DISK_FULL",
            Self::HoldRefused => "HOLD_REFUSED",
            Self::DataDirLocked => "DATA_DIR_LOCKED",
            Self::SettingFixed => "SETTING_FIXED",
            Self::StoreCorrupt => "STORE_CORRUPT",
            Self::Io => "IO",
            Self::RegexInvalid => "REGEX_INVALID",
            Self::QueryInvalid => "QUERY_INVALID",
            Self::QueryExecution => "QUERY_EXECUTION",
            Self::QueryTimeout => "QUERY_TIMEOUT",
            Self::QueryBudget => "QUERY_BUDGET",
            Self::QueryCancelled => "QUERY_CANCELLED",
            Self::Closed => "CLOSED",
            Self::Internal => "INTERNAL",
        }
    }
}
