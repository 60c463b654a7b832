//! The segments of one tenant and table, as queries see them.

use std::{ops::Deref, sync::Arc};

use crate::{segment::Segment, trace_filters::TraceFilters};

/// Segments in the order of sealing, and where in memory their trace ids are looked up.
#[derive(Clone, Default)]
pub(crate) struct SegmentList {
    segments: Vec<Arc<Segment>>,
    filters: TraceFilters,
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
        let filter = |one: &Arc<Segment>| Some((one.id(), one.take_trace_filter()?));
        let filters = TraceFilters::of(segments.iter().filter_map(filter));
        Self { segments, filters }
    }
}

impl SegmentList {
    pub(crate) fn filters(&self) -> &TraceFilters {
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
        self.filters.forget(|id| !ids.contains(&id));
    }

    /// Puts segments in the place of those with the same ids, which have the same trace ids or more.
    pub(crate) fn exchange(&mut self, by: &[Arc<Segment>]) {
        for old in &mut self.segments {
            if let Some(new) = by.iter().find(|new| new.id() == old.id()) {
                drop(new.take_trace_filter());
                *old = new.clone();
            }
        }
    }

    fn add_filter(&mut self, segment: &Segment) {
        if let Some(filter) = segment.take_trace_filter() {
            self.filters.add(segment.id(), &filter);
        }
    }
}
