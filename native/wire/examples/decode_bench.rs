//! How fast bodies become batches, on one core: `cargo run --release --example decode_bench`, with
//! a line's name as argument for that alone.
//!
//! Each line: records per second, nanoseconds per record, bytes per record on the wire. The log
//! records are those of the performance budgets: lines of 237 bytes and ten attributes of their own
//! or of their resource.

use std::{
    hint::black_box,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use varve_columnar::{ipc, route};
use varve_types::{Table, TenantId};
use varve_wire::decode::{DecodeError, Encoding, Format, Limits, decode};

const RECORDS: u64 = 1_000;
const TIME_NS: u64 = 1_700_000_000_000_000_000;
const RUN: Duration = Duration::from_secs(2);

const LIMITS: Limits = Limits::for_tests(256 << 10, 0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let otlp = otlp_logs(Severity::Given);
    measure("otlp logs", otlp.len(), || read(Format::OtlpLogsProtobuf, &otlp))?;
    let unlevelled = otlp_logs(Severity::InTheLine);
    measure("otlp logs, level from line", unlevelled.len(), || {
        read(Format::OtlpLogsProtobuf, &unlevelled)
    })?;
    let json = otlp_logs_json();
    measure("otlp logs, json", json.len(), || read(Format::OtlpLogsJson, &json))?;
    let push = loki_push();
    measure("loki push", push.len(), || read(Format::LokiPushProtobuf, &push))?;
    let spans = otlp_spans();
    measure("otlp spans", spans.len(), || read(Format::OtlpTracesProtobuf, &spans))?;
    let samples = remote_write();
    measure("remote write", samples.len(), || read(Format::RemoteWriteV1, &samples))?;

    let decoded = decode(Format::OtlpLogsProtobuf, Encoding::Identity, &otlp, &LIMITS, 1 << 61)?;
    let batch = &decoded.batches[0].1;
    measure("otlp logs, batch to payload", otlp.len(), || {
        black_box(ipc::encode(Table::Logs, batch))?;
        Ok::<_, arrow::error::ArrowError>(())
    })?;
    let payload = ipc::encode(Table::Logs, batch)?;
    measure("otlp logs, payload to batch", payload.len(), || {
        black_box(ipc::decode(Table::Logs, payload.clone()))?;
        Ok::<_, ipc::DecodeError>(())
    })?;
    let tenant = TenantId::parse("bench")?;
    let routing = route::Routing { partitions: 8, tenant_partitions: 4 };
    let decoded = decode(Format::RemoteWriteV1, Encoding::Identity, &samples, &LIMITS, 1 << 61)?;
    let batch = &decoded.batches[0].1;
    measure("samples, split by partition", samples.len(), || {
        black_box(route::route(Table::Samples, &tenant, batch.clone(), routing))?;
        Ok::<_, arrow::error::ArrowError>(())
    })?;
    Ok(())
}

/// What this thread has had of a core, so that others' work does not count; Linux only.
fn cpu_ns() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn read(format: Format, body: &[u8]) -> Result<(), DecodeError> {
    black_box(decode(format, Encoding::Identity, black_box(body), &LIMITS, 1 << 61)?);
    Ok(())
}

/// Runs for a while and writes a line; the best of ten slices counts, the machine may be busy.
fn measure<E: std::error::Error + 'static>(
    name: &str,
    body_bytes: usize,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).is_some_and(|wanted| wanted != name) {
        return Ok(());
    }
    let mut best_ns = f64::INFINITY;
    for _ in 0..10 {
        let (start, cpu_start_ns, mut records) = (Instant::now(), cpu_ns(), 0_u64);
        while start.elapsed() < RUN / 10 {
            run()?;
            records += RECORDS;
        }
        let wall_ns = start.elapsed().as_nanos() as f64;
        let spent_ns = cpu_start_ns.zip(cpu_ns()).map(|(from, to)| to - from);
        best_ns = best_ns.min(spent_ns.unwrap_or(wall_ns) / records as f64);
    }
    writeln!(
        io::stdout(),
        "{name:<30} {:>6.2} M/s {best_ns:>7.0} ns {:>5} bytes",
        1e3 / best_ns,
        body_bytes as u64 / RECORDS
    )?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Severity {
    Given,
    InTheLine,
}

fn line(number: u64) -> String {
    let path = ["/api/v1/orders", "/api/v1/users", "/cart", "/healthz"][number as usize % 4];
    let mut line = format!("GET {path}/{number} finished with 200 after {} ms, ", number % 977);
    while line.len() < 237 {
        line.push_str("upstream answered in time and the cache was warm; ");
    }
    line.truncate(237);
    line
}

fn attributes(number: u64) -> [(&'static str, Value); 6] {
    [
        ("http.method", Value::Text("GET".to_owned())),
        ("http.route", Value::Text(format!("/api/v1/orders/{}", number % 50))),
        ("http.status_code", Value::Int(200)),
        ("duration_ms", Value::Double(number as f64 / 8.0)),
        ("user.id", Value::Text(format!("user-{}", number % 997))),
        ("cached", Value::Bool(number.is_multiple_of(2))),
    ]
}

const RESOURCE: [(&str, &str); 4] = [
    ("service.name", "checkout"),
    ("service.namespace", "shop"),
    ("k8s.pod.name", "checkout-7f9c-abcde"),
    ("host.name", "node-12"),
];

enum Value {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

fn otlp_logs(severity: Severity) -> Vec<u8> {
    let records = (0..RECORDS).map(|number| {
        let mut record = Message::default();
        record.fixed64(1, TIME_NS + number);
        if matches!(severity, Severity::Given) {
            record.varint(2, 9);
            record.bytes(3, b"INFO");
        }
        record.message(5, |body| body.bytes(1, line(number).as_bytes()));
        for (key, value) in attributes(number) {
            record.attribute(6, key, &value);
        }
        record.bytes(9, &number.to_be_bytes().repeat(2));
        record.bytes(10, &(number + 1).to_be_bytes());
        record
    });
    request(records.collect())
}

fn otlp_spans() -> Vec<u8> {
    let spans = (0..RECORDS).map(|number| {
        let mut span = Message::default();
        span.bytes(1, &(number / 8 + 1).to_be_bytes().repeat(2));
        span.bytes(2, &(number + 1).to_be_bytes());
        span.bytes(4, &number.max(1).to_be_bytes());
        span.bytes(5, b"GET /api/v1/orders");
        span.varint(6, 2);
        span.fixed64(7, TIME_NS + number);
        span.fixed64(8, TIME_NS + number + 1_000_000);
        for (key, value) in attributes(number) {
            span.attribute(9, key, &value);
        }
        span.message(11, |event| event.bytes(2, b"retry"));
        span
    });
    request(spans.collect())
}

/// One resource, one scope.
fn request(records: Vec<Message>) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |group| {
        group.message(1, |resource| {
            for (key, value) in RESOURCE {
                resource.attribute(1, key, &Value::Text(value.to_owned()));
            }
        });
        group.message(2, |scope| {
            scope.message(1, |scope| scope.bytes(1, b"http"));
            for record in records {
                scope.bytes(2, &record.0);
            }
        });
    });
    request.0
}

fn otlp_logs_json() -> Vec<u8> {
    let record = |number: u64| {
        let attributes = attributes(number).map(|(key, value)| {
            let value = match value {
                Value::Text(text) => format!(r#""stringValue":"{text}""#),
                Value::Int(value) => format!(r#""intValue":"{value}""#),
                Value::Double(value) => format!(r#""doubleValue":{value}"#),
                Value::Bool(value) => format!(r#""boolValue":{value}"#),
            };
            format!(r#"{{"key":"{key}","value":{{{value}}}}}"#)
        });
        format!(
            r#"{{"timeUnixNano":"{}","severityNumber":9,"severityText":"INFO",
            "body":{{"stringValue":"{}"}},"attributes":[{}],"traceId":"{number:032x}"}}"#,
            TIME_NS + number,
            line(number),
            attributes.join(",")
        )
    };
    let records: Vec<String> = (1..=RECORDS).map(record).collect();
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))
        .into_bytes()
}

fn loki_push() -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |stream| {
        stream.bytes(1, br#"{app="checkout", env="prod", pod="checkout-7f9c-abcde"}"#);
        for number in 0..RECORDS {
            stream.message(2, |entry| {
                entry.message(1, |time| {
                    time.varint(1, TIME_NS / 1_000_000_000);
                    time.varint(2, number);
                });
                entry.bytes(2, line(number).as_bytes());
                entry.message(3, |pair| {
                    pair.bytes(1, b"level");
                    pair.bytes(2, b"info");
                });
            });
        }
    });
    request.0
}

fn remote_write() -> Vec<u8> {
    let mut request = Message::default();
    for number in 0..RECORDS {
        let pod = format!("checkout-7f9c-{}", number % 100);
        let path = format!("/api/v1/{}", number / 100);
        let labels = [
            ("__name__", "http_requests_total"),
            ("code", "200"),
            ("instance", "10.0.0.1:9090"),
            ("job", "checkout"),
            ("method", "GET"),
            ("path", &path),
            ("pod", &pod),
        ];
        request.message(1, |series| {
            for (name, value) in labels {
                series.message(1, |label| {
                    label.bytes(1, name.as_bytes());
                    label.bytes(2, value.as_bytes());
                });
            }
            series.message(2, |sample| {
                sample.fixed64(1, (number as f64).to_bits());
                sample.varint(2, TIME_NS / 1_000_000);
            });
        });
    }
    request.0
}

/// A protobuf message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, number: u64, value: u64) {
        self.push(number << 3);
        self.push(value);
    }

    fn fixed64(&mut self, number: u64, value: u64) {
        self.push(number << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, number: u64, bytes: &[u8]) {
        self.push(number << 3 | 2);
        self.push(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, number: u64, write: impl FnOnce(&mut Self)) {
        let mut message = Self::default();
        write(&mut message);
        self.bytes(number, &message.0);
    }

    fn attribute(&mut self, number: u64, key: &str, value: &Value) {
        self.message(number, |attribute| {
            attribute.bytes(1, key.as_bytes());
            attribute.message(2, |any| match value {
                Value::Text(text) => any.bytes(1, text.as_bytes()),
                Value::Bool(value) => any.varint(2, u64::from(*value)),
                Value::Int(value) => any.varint(3, *value as u64),
                Value::Double(value) => any.fixed64(4, value.to_bits()),
            });
        });
    }

    fn push(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
