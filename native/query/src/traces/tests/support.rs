//! Spans written down shortly, and plans asked of them.

use serde_json::{Value as Json, json};
use varve_columnar::{
    answer::{Answer, Outcome, TraceSummary, Value},
    builders::{EventRow, SpanRow, SpansBuilder},
    resource::{Resource, Scope},
};
use varve_types::{LogId, Lsn, PartitionId, Table, TenantId};
use varve_view::{MemtableBatch, Snapshot};

use crate::{CancelToken, QueryError, Sources, fates::tests::checked, plan::Query, run};

/// A span of trace `trace`, at `start` for 10 ns.
#[derive(Clone)]
pub(in crate::traces) struct Span {
    pub(in crate::traces) trace: u8,
    pub(in crate::traces) id: u8,
    pub(in crate::traces) parent: u8,
    pub(in crate::traces) name: &'static str,
    pub(in crate::traces) service: &'static str,
    pub(in crate::traces) start: i64,
    pub(in crate::traces) status: i32,
    pub(in crate::traces) attributes: Vec<(&'static str, Value)>,
    /// Names, times after the span's start, and the attribute `n`.
    pub(in crate::traces) events: Vec<(&'static str, i64, i64)>,
}

pub(in crate::traces) fn span(trace: u8, id: u8, parent: u8, start: i64) -> Span {
    let (attributes, events) = (Vec::new(), Vec::new());
    Span { trace, id, parent, name: "step", service: "shop", start, status: 0, attributes, events }
}

impl Span {
    pub(in crate::traces) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub(in crate::traces) fn with(mut self, key: &'static str, value: Value) -> Self {
        self.attributes.push((key, value));
        self
    }

    pub(in crate::traces) fn event(mut self, name: &'static str, after: i64, n: i64) -> Self {
        self.events.push((name, after, n));
        self
    }
}

/// One request after the other, each a batch.
pub(in crate::traces) struct Memtable(Snapshot);

impl Memtable {
    pub(in crate::traces) fn of(requests: &[Vec<Span>]) -> Self {
        let memtable = requests.iter().map(|spans| batch(spans)).collect();
        Self(Snapshot { memtable, ..Snapshot::default() })
    }
}

impl Sources for Memtable {
    fn snapshot(&self, _: &TenantId, table: Table) -> Snapshot {
        assert_eq!(table, Table::Spans);
        self.0.clone()
    }
}

pub(in crate::traces) fn batch(spans: &[Span]) -> MemtableBatch {
    let mut builder = SpansBuilder::default();
    for span in spans {
        let service = ("service.name".to_owned(), 1, span.service.to_owned());
        let resource = Resource { attributes: vec![service], ..Resource::default() };
        let resource = builder.intern_resource(&serde_json::to_string(&resource).unwrap());
        let scope = builder.intern_scope(&serde_json::to_string(&Scope::default()).unwrap());
        for (key, value) in &span.attributes {
            builder.attributes.push_value(key, value);
        }
        for &(name, after, n) in &span.events {
            builder.event_attributes.push_value("n", &Value::Int(n));
            let time_unix_nano = span.start + after;
            builder.push_event(&EventRow { time_unix_nano, name, dropped_attributes_count: 0 });
        }
        builder.append(&SpanRow {
            trace_id: [span.trace; 16],
            span_id: [span.id; 8],
            parent_span_id: (span.parent != 0).then_some([span.parent; 8]),
            name: span.name,
            kind: 1,
            start_unix_nano: span.start,
            end_unix_nano: span.start + 10,
            status_code: span.status,
            service_name: span.service,
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    let starts = || spans.iter().map(|span| span.start);
    MemtableBatch {
        partition: PartitionId { log: LogId::Spans, number: 0 },
        lsn: Lsn::new(1, 0),
        batch: builder.finish().unwrap(),
        time_range: (starts().min().unwrap(), starts().max().unwrap()),
    }
}

pub(in crate::traces) fn ask(plan: &Json, requests: &[Vec<Span>]) -> Result<Outcome, QueryError> {
    ask_within(plan, requests, 1 << 30)
}

pub(in crate::traces) fn ask_within(
    plan: &Json,
    requests: &[Vec<Span>],
    bytes: u64,
) -> Result<Outcome, QueryError> {
    ask_holding(plan, requests, bytes, 1_000)
}

pub(in crate::traces) fn ask_holding(
    plan: &Json,
    requests: &[Vec<Span>],
    bytes: u64,
    series: u32,
) -> Result<Outcome, QueryError> {
    let query: Query = serde_json::from_value(json!({
        "tenants": ["t"], "plan": plan, "answer": "tempoV2",
        "budget": {"deadlineMs": 60_000, "memoryMaxBytes": bytes, "seriesMax": series, "samplesMax": 0},
    }))
    .unwrap();
    run(&query, &Memtable::of(requests), &CancelToken::default()).map(checked)
}

pub(in crate::traces) fn range(from: i64, to: i64) -> Json {
    json!({"from": from.to_string(), "to": to.to_string()})
}

pub(in crate::traces) fn search_plan(spanset: &Json) -> Json {
    let select: [Json; 0] = [];
    json!({
        "node": "traceSearch", "spanset": spanset, "range": range(0, 1_000_000), "limit": 20,
        "spansPerSet": 0, "select": select, "summariesOnly": false,
    })
}

pub(in crate::traces) fn found(plan: &Json, requests: &[Vec<Span>]) -> Vec<TraceSummary> {
    match ask(plan, requests).unwrap().answer {
        Answer::Traces(traces) => traces,
        other => panic!("not traces: {other:?}"),
    }
}

pub(in crate::traces) fn search(spanset: &Json, requests: &[Vec<Span>]) -> Vec<TraceSummary> {
    found(&search_plan(spanset), requests)
}

pub(in crate::traces) fn filter(condition: &Json) -> Json {
    json!({"node": "filter", "condition": condition})
}

pub(in crate::traces) fn attribute(name: &str) -> Json {
    json!({"kind": "field", "field": {"kind": "attribute", "scope": null, "name": name, "parent": false}})
}

pub(in crate::traces) fn intrinsic(name: &str) -> Json {
    json!({"kind": "field", "field": {"kind": "intrinsic", "name": name}})
}

pub(in crate::traces) fn text(value: &str) -> Json {
    json!({"kind": "static", "value": {"type": "string", "value": value}})
}

pub(in crate::traces) fn int(value: i64) -> Json {
    json!({"kind": "static", "value": {"type": "int", "value": value.to_string()}})
}

pub(in crate::traces) fn binary(op: &str, left: &Json, right: &Json) -> Json {
    json!({"kind": "binary", "op": op, "left": left, "right": right})
}

pub(in crate::traces) fn name_is(name: &str) -> Json {
    filter(&binary("=", &intrinsic("name"), &text(name)))
}

pub(in crate::traces) fn traces(found: &[TraceSummary]) -> Vec<u8> {
    found.iter().map(|trace| trace.trace_id[0]).collect()
}

/// First bytes of the ids of the spans listed, by set.
pub(in crate::traces) fn spans(trace: &TraceSummary) -> Vec<Vec<u8>> {
    let ids = |set: &varve_columnar::answer::SpanSet| {
        set.spans.iter().map(|span| span.span_id[0]).collect()
    };
    trace.span_sets.iter().map(ids).collect()
}

pub(in crate::traces) fn all() -> Json {
    filter(&Json::Null)
}
