//! What rows must have to be of use, as far as the filters of segments tell.

use std::{collections::HashSet, sync::Arc};

use varve_segment::FilterKey;

use crate::{segment::Segment, snapshot::Snapshot};

/// What a row that is wanted has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This trace id.
    TraceId([u8; 16]),
    /// This span id.
    SpanId([u8; 8]),
    /// An attribute with this text, or with a list that has it: of logs a label of structured metadata, by
    /// its name there; of spans one of their own or of their resource, by its name as it was sent.
    Attribute {
        /// What it is called.
        name: String,
        /// Its text, which is not empty.
        value: String,
    },
    /// All of these.
    All(Vec<Wanted>),
    /// One of these.
    Any(Vec<Wanted>),
}

impl Snapshot {
    /// Segments (of spans or logs) that may have rows of the trace; about one in a thousand has none.
    pub fn segments_with_trace(&self, trace_id: &[u8; 16]) -> impl Iterator<Item = &Arc<Segment>> {
        let without = self.filters.traces.without(FilterKey::of(trace_id));
        self.segments.iter().filter(move |segment| {
            without.binary_search(&segment.id()).is_err() && segment.may_hold_trace(trace_id)
        })
    }

    /// Segments (of spans or logs) that certainly have no such row: their ids, ascending, perhaps with those of
    /// segments that are gone. Of those that have none about one in 200 is not told. None where filters do
    /// not have what is asked for.
    #[must_use]
    pub fn segments_without(&self, wanted: &Wanted) -> Vec<u64> {
        match wanted {
            Wanted::TraceId(id) => self.filters.traces.without(FilterKey::of(id)),
            Wanted::SpanId(id) => self.filters.values.without(FilterKey::of(id)),
            Wanted::Attribute { name, value } => {
                let without = self.filters.values.without(FilterKey::of_value(name, value));
                let telling = self.segments.iter().filter(|one| one.filters_attribute(name));
                let telling: HashSet<u64> = telling.map(|one| one.id()).collect();
                without.into_iter().filter(|id| telling.contains(id)).collect()
            }
            // Whoever lacks one of all lacks them all, …
            Wanted::All(parts) => {
                let mut ids: Vec<u64> =
                    parts.iter().flat_map(|part| self.segments_without(part)).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            }
            // … and whoever lacks one of some may have the next.
            Wanted::Any(parts) => {
                let mut each = parts.iter().map(|part| self.segments_without(part));
                let first = each.next().unwrap_or_default();
                each.fold(first, |mut ids, others| {
                    ids.retain(|id| others.binary_search(id).is_ok());
                    ids
                })
            }
        }
    }
}
