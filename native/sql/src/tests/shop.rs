//! A shop's telemetry: 200 orders, one a second from 2026-01-01 on, each a log line and two spans of one
//! trace, and two series with a sample every 10 seconds. Orders come in pauses: after each 50 there are
//! ten minutes without any.

use std::sync::{Arc, mpsc};

use arrow::array::RecordBatch;
use tempfile::TempDir;
use varve_columnar::{
    answer::Value,
    attributes::AttributeType,
    builders::{LogRow, LogsBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder},
    labels::LabelSet,
    resource::{Resource, Scope},
};
use varve_log::MemoryLog;
use varve_types::{Table, TenantId};
use varve_view::{Store, StoreSettings};

pub(crate) const ORDERS: u64 = 200;
/// 2026-01-01T00:00:00Z.
pub(crate) const START_NS: i64 = 1_767_225_600_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// Where the rows are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    Memtables,
    Segments,
    Both,
}

impl Stored {
    pub(crate) const ALL: [Self; 3] = [Self::Memtables, Self::Segments, Self::Both];
}

pub(crate) fn empty_store() -> (Arc<Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let filter_attributes = ["order", "http.status"].into_iter().collect();
    let settings = StoreSettings { filter_attributes, ..StoreSettings::quiet(folder.path()) };
    (Arc::new(Store::open(Arc::new(MemoryLog::new(1)), settings).unwrap()), folder)
}

/// The shop of the tenant `test`.
pub(crate) fn store(stored: Stored) -> (Arc<Store>, TempDir) {
    let (store, folder) = empty_store();
    for quarter in 0..4 {
        let orders = quarter * ORDERS / 4..(quarter + 1) * ORDERS / 4;
        append(&store, "test", orders.collect::<Vec<_>>().as_slice());
        if matches!(stored, Stored::Both) && quarter < 3 || matches!(stored, Stored::Segments) {
            store.seal_now().unwrap();
        }
    }
    (store, folder)
}

/// Adds orders of a tenant.
pub(crate) fn append(store: &Store, tenant: &str, orders: &[u64]) {
    let tenant = TenantId::parse(tenant).unwrap();
    for (table, batch) in [
        (Table::Logs, logs(orders)),
        (Table::Spans, spans(orders)),
        (Table::Samples, samples(orders)),
    ] {
        let (told, fate) = mpsc::channel();
        store.append(
            &tenant,
            vec![(table, batch)],
            0,
            Box::new(move |one| told.send(one).unwrap()),
        );
        fate.recv().unwrap().unwrap();
    }
}

fn time_ns(order: u64) -> i64 {
    START_NS + (order + order / 50 * 600) as i64 * SECOND_NS
}

/// The trace of an order: 16 times the number of the order in hex for those below 200.
pub(crate) fn trace_id(order: u64) -> [u8; 16] {
    [order as u8 + 1; 16]
}

fn resource(service: &str) -> String {
    let service = ("service.name".to_owned(), 1, service.to_owned());
    let region = ("region".to_owned(), 1, "eu".to_owned());
    let resource = Resource { attributes: vec![service, region], ..Resource::default() };
    serde_json::to_string(&resource).unwrap()
}

fn logs(orders: &[u64]) -> RecordBatch {
    let mut builder = LogsBuilder::default();
    for &order in orders {
        let service = if order.is_multiple_of(2) { "shop" } else { "pay" };
        let labels = LabelSet::new([("service_name", service), ("env", "prod")]);
        let stream = builder.intern_stream(&labels.to_json());
        let resource = builder.intern_resource(&resource(service));
        let is_declined = order.is_multiple_of(10);
        let outcome = if is_declined { "declined" } else { "paid" };
        builder.attributes.push_value("order", &Value::Int(order as i64));
        builder.append(&LogRow {
            time_unix_nano: time_ns(order),
            stream,
            severity_number: if is_declined { 17 } else { 9 },
            severity_text: if is_declined { "ERROR" } else { "INFO" },
            detected_level: Some(if is_declined { "error" } else { "info" }),
            body: &format!("order={order} outcome={outcome} 100% of it"),
            body_type: AttributeType::String,
            trace_id: (!order.is_multiple_of(4)).then(|| trace_id(order)),
            span_id: (!order.is_multiple_of(4)).then_some([1; 8]),
            flags: 1,
            resource: Some(resource),
            ..LogRow::default()
        });
    }
    builder.finish().unwrap()
}

fn spans(orders: &[u64]) -> RecordBatch {
    let mut builder = SpansBuilder::default();
    for &order in orders {
        for (id, parent, name, kind) in [(1_u8, 0_u8, "POST /pay", 2), (2, 1, "charge", 3)] {
            let service = if id == 1 { "shop" } else { "pay" };
            let resource = builder.intern_resource(&resource(service));
            let scope = Scope { name: "http".to_owned(), ..Scope::default() };
            let scope = builder.intern_scope(&serde_json::to_string(&scope).unwrap());
            builder.attributes.push_value("http.status", &Value::Int(200 + order as i64 % 3));
            let start = time_ns(order) + i64::from(id) * 1_000;
            builder.append(&SpanRow {
                trace_id: trace_id(order),
                span_id: [id; 8],
                parent_span_id: (parent != 0).then_some([parent; 8]),
                name,
                kind,
                start_unix_nano: start,
                end_unix_nano: start + 1_000_000 * (1 + order as i64 % 7),
                status_code: if order.is_multiple_of(10) { 2 } else { 0 },
                service_name: service,
                resource,
                scope,
                ..SpanRow::default()
            });
        }
    }
    builder.finish().unwrap()
}

fn samples(orders: &[u64]) -> RecordBatch {
    let mut builder = SamplesBuilder::default();
    for metric in ["orders_total", "queue_length"] {
        let labels = LabelSet::new([("__name__", metric), ("job", "shop")]);
        let series = builder.intern_series(&labels.to_json());
        for &order in orders.iter().filter(|order| order.is_multiple_of(10)) {
            let value = if metric == "orders_total" { order as f64 } else { (order % 7) as f64 };
            let time_unix_ms = time_ns(order) / 1_000_000;
            builder.append(&SampleRow { series, time_unix_ms, value, histogram: None });
        }
    }
    builder.finish().unwrap()
}
