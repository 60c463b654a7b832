//! What an operator asks of holds.

use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Lsn, PartitionId};

use crate::protocol::Control;

/// A hold at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldStatus {
    /// By which it is moved on and released.
    pub name: Arc<str>,
    /// Whom to ask about it.
    pub owner: Arc<str>,
    /// When it was set or moved last, in milliseconds since 1970.
    pub set_at_ms: i64,
    /// How long it holds from then on.
    pub max_age_ms: u64,
    /// It grew older than that, and holds nothing any more.
    pub expired: bool,
    /// By partition, the first place that it keeps; none once it has expired.
    pub places: BTreeMap<PartitionId, Lsn>,
}

impl HoldStatus {
    /// All holds there are.
    pub(crate) fn all(control: &Control) -> Vec<Self> {
        let status = |(name, terms): (&Arc<str>, &crate::protocol::HoldTerms)| Self {
            name: Arc::clone(name),
            owner: Arc::clone(&terms.owner),
            set_at_ms: terms.set_at_ms,
            max_age_ms: terms.max_age_ms,
            expired: terms.expired,
            places: control.places_of(name),
        };
        control.holds().iter().map(status).collect()
    }
}
