//! Senders' bodies to batches: one call per request, from the bytes as they came to Arrow columns.
//!
//! A body that cannot be read is an error and nothing of it is stored. Records that cannot be kept
//! are counted by reason, and the rest of their body is stored.

mod any_value;
mod compression;
mod elastic_bulk;
mod format;
mod gate;
mod hex_id;
mod jaeger;
mod level;
mod limits;
mod log_sink;
mod loki_labels;
mod loki_push;
mod loki_push_json;
mod metric_names;
mod metric_points;
mod metric_sink;
mod metric_translation;
mod native_histogram;
mod otlp_json;
mod otlp_logs;
mod otlp_messages;
mod otlp_metrics;
mod otlp_traces;
mod remote_write;
mod remote_write_points;
mod remote_write_v2;
mod resource;
mod sample_sink;
mod syslog;
mod tenant;
#[cfg(test)]
mod test_support;
mod time;
mod zipkin;

pub use format::{Encoding, Format};
pub use limits::Limits;
pub use metric_translation::{MetricTranslation, TranslationStrategy};
pub use tenant::{ActiveCount, Tenant};
pub use varve_columnar::protobuf::WireError;

use arrow::array::RecordBatch;
use jiff::tz::TimeZone;
use varve_columnar::{
    builders::BuildError,
    json_reader::JsonError,
    protobuf::{self, text},
    protobuf_write,
};
use varve_types::{ErrorCode, Table};

use gate::{Gate, Untimely};
use otlp_json::Descriptor;
use otlp_messages::{LOGS, METRICS, TRACES};

/// What became of a body.
#[derive(Debug)]
pub struct Decoded {
    /// Not empty ones only, each table at most once.
    pub batches: Vec<(Table, RecordBatch)>,
    /// Log records, spans or data points in the batches.
    pub accepted: u64,
    /// Those among them that are native histograms.
    pub histograms: u64,
    /// Exemplars, which are not among them.
    pub exemplars: u64,
    /// What was left out; each reason once.
    pub refused: Vec<Refusal>,
    /// What the sender is told of each of its records, in its format's words; empty in those that
    /// have none.
    pub answer: Vec<u8>,
    /// Whether it says itself when its records are from. Of one that does not, the same bytes are other
    /// records each time they come.
    pub is_timed: bool,
}

impl Decoded {
    /// Records of one table, a row each, which say when they are from.
    fn rows(table: Table, batch: RecordBatch, refused: Vec<Refusal>) -> Self {
        let accepted = batch.num_rows() as u64;
        let batches = if accepted > 0 { vec![(table, batch)] } else { Vec::new() };
        Self {
            batches,
            accepted,
            histograms: 0,
            exemplars: 0,
            refused,
            answer: Vec::new(),
            is_timed: true,
        }
    }
}

/// Records that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A fixed word, for metrics.
    pub reason: &'static str,
    /// Log records, spans or data points.
    pub count: u64,
    /// For the sender: what was wrong with the first of them, and which rule it broke.
    pub message: String,
}

/// Why a body was refused. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not decompress.
    #[error("body is not {encoding}: {source}")]
    Compression {
        /// As HTTP names it.
        encoding: &'static str,
        /// What the decompressor found.
        source: std::io::Error,
    },
    /// It decompresses to more than the limit, or to more than one batch can hold.
    #[error(
        "body is over {max_bytes} bytes when decompressed; \
         send less at once or raise limits.body_decompressed_max_bytes"
    )]
    TooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// It makes more records than one body may.
    #[error("body makes over limits.body_records_max = {max} records; send less at once")]
    TooManyRecords {
        /// The limit.
        max: usize,
    },
    /// The names and values of its series are longer than a whole body may be.
    #[error(
        "the series of the body have labels of over {max_bytes} bytes; \
         send less at once or raise limits.body_decompressed_max_bytes"
    )]
    LabelsTooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// Its bytes are not protobuf, or not of the message.
    #[error("body is not {message}: {source}")]
    Protobuf {
        /// The message's full name.
        message: &'static str,
        /// What was found, and where.
        source: WireError,
    },
    /// Its text is not JSON, or not of the form.
    #[error("body is not JSON of the expected form: {0}")]
    Json(#[from] JsonError),
    /// It is not what Zipkin's senders send.
    #[error("body is not Zipkin's list of spans: {0}")]
    Zipkin(#[source] serde_json::Error),
    /// It is not a batch of Jaeger's in Thrift's binary protocol.
    #[error("body is not Jaeger's batch in Thrift: {0}")]
    Thrift(#[source] thrift::Error),
    /// It is not a bulk body of Elasticsearch.
    #[error("line {line} of the bulk body: {source}")]
    Bulk {
        /// From 1 on.
        line: usize,
        /// What was wrong in it.
        source: JsonError,
    },
    /// What there is to say of each of its records is too long.
    #[error("the answer to the body is over {max_bytes} bytes; send fewer documents at once")]
    AnswerTooLarge {
        /// The limit: that of a body after decompression.
        max_bytes: usize,
    },
    /// The labels of a stream cannot be read, so that nobody knows where its lines belong.
    #[error("couldn't parse labels '{labels}': {reason} at byte {at}")]
    Labels {
        /// As they came.
        labels: String,
        /// What was wrong.
        reason: &'static str,
        /// Bytes from the start of the labels.
        at: usize,
    },
    /// A fault of our own: it was not packed by [`crate::syslog`].
    #[error("body is not packed syslog messages")]
    NotPacked,
    /// A fault of our own.
    #[error("the records of the body do not make a batch: {0}")]
    Build(#[source] BuildError),
}

impl DecodeError {
    /// The code that crosses the binding.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Compression { .. }
            | Self::Protobuf { .. }
            | Self::Json(_)
            | Self::Zipkin(_)
            | Self::Thrift(_)
            | Self::Bulk { .. }
            | Self::Labels { .. } => ErrorCode::BodyInvalid,
            Self::TooLarge { .. }
            | Self::TooManyRecords { .. }
            | Self::LabelsTooLarge { .. }
            | Self::AnswerTooLarge { .. } => ErrorCode::BodyTooLarge,
            Self::NotPacked | Self::Build(_) => ErrorCode::Internal,
        }
    }
}

impl From<BuildError> for DecodeError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::TooLarge { .. } => Self::TooLarge { max_bytes: i32::MAX as usize },
            _ => Self::Build(error),
        }
    }
}

/// Decodes a body.
///
/// `received_ns`: when it came, in nanoseconds since the epoch; ages are measured against it, and it
/// is the time of records that have none.
pub fn decode(
    format: Format,
    encoding: Encoding,
    body: &[u8],
    limits: &Limits,
    received_ns: i64,
) -> Result<Decoded, DecodeError> {
    let gate = Gate {
        limits,
        metrics: &MetricTranslation::DEFAULT,
        syslog_zone: &TimeZone::UTC,
        target: "",
        active: None,
        received_ns,
    };
    let (decoded, _) = decode_under(format, encoding, body, gate)?;
    Ok(decoded)
}

fn decode_under(
    format: Format,
    encoding: Encoding,
    body: &[u8],
    gate: Gate<'_>,
) -> Result<(Decoded, usize), DecodeError> {
    let body = compression::decompress(encoding, body, gate.limits.body_decompressed_max_bytes)?;
    let decoded = match format {
        Format::OtlpLogsProtobuf => otlp_logs::decode(&body, gate),
        Format::OtlpTracesProtobuf => otlp_traces::decode(&body, gate),
        Format::OtlpTracesJson => otlp_traces::decode(&from_json(&body, &TRACES)?, gate),
        Format::OtlpMetricsProtobuf => otlp_metrics::decode(&body, gate),
        Format::OtlpMetricsJson => otlp_metrics::decode(&from_json(&body, &METRICS)?, gate),
        Format::RemoteWriteV1 => remote_write::decode(&body, gate),
        Format::RemoteWriteV2 => remote_write_v2::decode(&body, gate),
        Format::ElasticBulk => elastic_bulk::decode(&body, gate),
        Format::JaegerThrift => jaeger::thrift::decode(&body, gate),
        Format::JaegerProtobuf => jaeger::proto::decode(&body, gate),
        Format::ZipkinJson => zipkin::decode(&body, gate),
        Format::ZipkinProtobuf => zipkin::proto::decode(&body, gate),
        Format::Syslog => syslog::decode(&body, gate),
        Format::LokiPushProtobuf => loki_push::decode(&body, gate),
        Format::LokiPushJson => loki_push_json::decode(&body, gate),
        Format::OtlpLogsJson => otlp_logs::decode(&from_json(&body, &LOGS)?, gate),
    }?;
    Ok((decoded, body.len()))
}

/// The protobuf form of a JSON body.
fn from_json(body: &[u8], message: &Descriptor) -> Result<Vec<u8>, DecodeError> {
    Ok(otlp_json::to_protobuf(&text(body), message)?)
}

/// Counts what is left out.
#[derive(Debug, Default)]
struct Refusals(Vec<Refusal>);

impl Refusals {
    /// Counts records; `message` is asked for only the first time.
    fn add(&mut self, reason: &'static str, count: u64, message: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        match self.0.iter_mut().find(|refusal| refusal.reason == reason) {
            Some(refusal) => refusal.count += count,
            None => self.0.push(Refusal { reason, count, message: message() }),
        }
    }
}
