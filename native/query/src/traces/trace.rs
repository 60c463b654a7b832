//! One whole trace: its spans by start, its root, and how its spans hang together.

use std::cell::OnceCell;

use arrow::array::Array as _;
use hashbrown::HashSet;

use super::{
    spans::{SpanColumns, TraceId},
    tree::Tree,
};
use crate::plan::TimeRange;

/// A span in its batch.
#[derive(Clone, Copy)]
pub(super) struct SpanRef<'a> {
    pub(super) columns: &'a SpanColumns,
    pub(super) row: usize,
}

impl<'a> SpanRef<'a> {
    /// 8 bytes.
    pub(super) fn id(self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(self.columns.span_ids.value(self.row));
        id
    }

    /// 8 bytes; `None` for a root span.
    pub(super) fn parent_id(self) -> Option<[u8; 8]> {
        let ids = &self.columns.parent_span_ids;
        (!ids.is_null(self.row)).then(|| {
            let mut id = [0; 8];
            id.copy_from_slice(ids.value(self.row));
            id
        })
    }

    pub(super) fn name(self) -> &'a str {
        self.columns.names.get(self.row).unwrap_or_default()
    }

    /// OTLP's number.
    pub(super) fn kind(self) -> i32 {
        self.columns.kinds.value(self.row)
    }

    /// OTLP's number.
    pub(super) fn status(self) -> i32 {
        self.columns.status_codes.value(self.row)
    }

    pub(super) fn start_unix_nano(self) -> i64 {
        self.columns.starts.value(self.row)
    }

    pub(super) fn end_unix_nano(self) -> i64 {
        self.columns.ends.value(self.row)
    }

    /// Of a span that ends before it starts: 0.
    pub(super) fn duration_ns(self) -> i64 {
        self.end_unix_nano().saturating_sub(self.start_unix_nano()).max(0)
    }

    pub(super) fn service_name(self) -> Option<&'a str> {
        self.columns.service_names.get(self.row)
    }
}

/// A trace with at least one span.
pub(super) struct Trace<'a> {
    pub(super) id: TraceId,
    /// By start; each once.
    pub(super) spans: Vec<SpanRef<'a>>,
    tree: OnceCell<Tree>,
}

impl<'a> Trace<'a> {
    /// `None` without spans. A sender that was not sure whether its first attempt arrived sends
    /// again: of spans with the same id, kind and start only one is kept.
    pub(super) fn new(id: TraceId, mut spans: Vec<SpanRef<'a>>) -> Option<Self> {
        let mut seen = HashSet::with_capacity(spans.len());
        spans.retain(|span| seen.insert((span.id(), span.kind(), span.start_unix_nano())));
        spans.sort_by_key(|span| span.start_unix_nano());
        (!spans.is_empty()).then(|| Self { id, spans, tree: OnceCell::new() })
    }

    /// How the spans hang together.
    pub(super) fn tree(&self) -> &Tree {
        self.tree
            .get_or_init(|| Tree::new(self.spans.iter().map(|span| (span.id(), span.parent_id()))))
    }

    /// Whether a span starts in a range.
    pub(super) fn is_in(&self, range: TimeRange) -> bool {
        let starts = || self.spans.iter().map(|span| span.start_unix_nano());
        starts().any(|start| start >= range.from.0 && start < range.to.0)
    }

    /// Start of the first span.
    pub(super) fn start_unix_nano(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.start_unix_nano())
    }

    /// From the start of the first to the end of the last span.
    pub(super) fn duration_ns(&self) -> i64 {
        let end = self.spans.iter().map(|span| span.end_unix_nano()).max().unwrap_or(0);
        end.saturating_sub(self.start_unix_nano()).max(0)
    }

    /// The span without a parent; of several the last, as in Tempo.
    pub(super) fn root(&self) -> Option<SpanRef<'a>> {
        self.spans.iter().copied().rfind(|span| span.parent_id().is_none())
    }
}
