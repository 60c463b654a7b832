//! The segments of one tenant and table, as queries see them.

use std::{ops::Deref, sync::Arc};

use crate::{bloom_filters::BloomFilters, segment::Segment};

/// Segments in the order of sealing, and where in memory their trace ids and other values are looked up.
#[derive(Clone, Default)]
pub(crate) struct SegmentList {
    segments: Vec<Arc<Segment>>,
    filters: Filters,
}

/// The filters of the segments of one tenant and table. A copy shares them.
#[derive(Clone, Default)]
pub struct Filters {
    /// Of trace ids.
    pub(crate) traces: BloomFilters,
    /// Of span ids and attributes.
    pub(crate) values: BloomFilters,
}

impl Filters {
    /// What they take of memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.traces.bytes() + self.values.bytes()
    }
}

impl Deref for SegmentList {
    type Target = [Arc<Segment>];

    fn deref(&self) -> &[Arc<Segment>] {
        &self.segments
    }
}

impl FromIterator<Arc<Segment>> for SegmentList {
    fn from_iter<I: IntoIterator<Item = Arc<Segment>>>(segments: I) -> Self {
        let segments: Vec<_> = segments.into_iter().collect();
        let of_traces = |one: &Arc<Segment>| Some((one.id(), one.take_trace_filter()?));
        let of_values = |one: &Arc<Segment>| Some((one.id(), one.take_value_filter()?));
        let filters = Filters {
            traces: BloomFilters::of(segments.iter().filter_map(of_traces)),
            values: BloomFilters::of(segments.iter().filter_map(of_values)),
        };
        Self { segments, filters }
    }
}

impl SegmentList {
    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Adds one behind all others.
    pub(crate) fn push(&mut self, segment: Arc<Segment>) {
        self.add_filter(&segment);
        self.segments.push(segment);
    }

    /// Puts segments in the place of others, that of the first of them.
    pub(crate) fn replace(&mut self, ids: &[u64], by: &[Arc<Segment>]) {
        let is_replaced = |segment: &Arc<Segment>| ids.contains(&segment.id());
        let at = self.segments.iter().position(is_replaced).unwrap_or(self.segments.len());
        self.segments.retain(|segment| !is_replaced(segment));
        self.segments.splice(at..at, by.iter().cloned());
        for segment in by {
            self.add_filter(segment);
        }
        self.filters.traces.forget(|id| !ids.contains(&id));
        self.filters.values.forget(|id| !ids.contains(&id));
    }

    /// Puts segments in the place of those with the same ids, which have the same values or more.
    pub(crate) fn exchange(&mut self, by: &[Arc<Segment>]) {
        for old in &mut self.segments {
            if let Some(new) = by.iter().find(|new| new.id() == old.id()) {
                drop(new.take_trace_filter());
                drop(new.take_value_filter());
                *old = new.clone();
            }
        }
    }

    fn add_filter(&mut self, segment: &Segment) {
        if let Some(filter) = segment.take_trace_filter() {
            self.filters.traces.add(segment.id(), &filter);
        }
        if let Some(filter) = segment.take_value_filter() {
            self.filters.values.add(segment.id(), &filter);
        }
    }
}
