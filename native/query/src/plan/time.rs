//! Points and lengths of time.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nanoseconds, as a point in time since 1970 or as a length; a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(type = "string")]
pub struct Nanos(pub i64);

impl Serialize for Nanos {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            serde::de::Error::custom(format!("'{text}' is not a whole number of nanoseconds"))
        })
    }
}

/// From `from` (included) to `to` (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// Included.
    pub from: Nanos,
    /// Excluded.
    pub to: Nanos,
}

/// Instants at which series are evaluated: `start`, `start + step`, … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The first instant.
    pub start: Nanos,
    /// No instant is later.
    pub end: Nanos,
    /// 0 means one instant, `start`, and an answer that is a vector or scalar.
    pub step: Nanos,
}

/// Which end of time comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}
