//! What bodies are, and how they are compressed.

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `ExportLogsServiceRequest`.
    OtlpLogsProtobuf,
    /// The same in OTLP's JSON.
    OtlpLogsJson,
    /// `ExportTraceServiceRequest`.
    OtlpTracesProtobuf,
    /// The same in OTLP's JSON.
    OtlpTracesJson,
    /// `ExportMetricsServiceRequest`.
    OtlpMetricsProtobuf,
    /// The same in OTLP's JSON.
    OtlpMetricsJson,
    /// `logproto.PushRequest`.
    LokiPushProtobuf,
    /// Loki's push JSON, of `/loki/api/v1/push` or of the older `/api/prom/push`.
    LokiPushJson,
    /// `prometheus.WriteRequest`.
    RemoteWriteV1,
    /// `io.prometheus.write.v2.Request`.
    RemoteWriteV2,
    /// Messages that [`crate::syslog`] has packed.
    Syslog,
    /// A list of Zipkin's spans, version 2.
    ZipkinJson,
    /// `zipkin.proto3.ListOfSpans`.
    ZipkinProtobuf,
    /// Jaeger's `Batch` in Thrift's binary protocol.
    JaegerThrift,
    /// `jaeger.api_v2.PostSpansRequest`.
    JaegerProtobuf,
    /// Elasticsearch's bulk lines.
    ElasticBulk,
}

impl Format {
    /// The format with this name in the binding's interface.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "otlpLogsProtobuf" => Self::OtlpLogsProtobuf,
            "otlpLogsJson" => Self::OtlpLogsJson,
            "otlpTracesProtobuf" => Self::OtlpTracesProtobuf,
            "otlpTracesJson" => Self::OtlpTracesJson,
            "otlpMetricsProtobuf" => Self::OtlpMetricsProtobuf,
            "otlpMetricsJson" => Self::OtlpMetricsJson,
            "lokiPushProtobuf" => Self::LokiPushProtobuf,
            "lokiPushJson" => Self::LokiPushJson,
            "remoteWriteV1" => Self::RemoteWriteV1,
            "remoteWriteV2" => Self::RemoteWriteV2,
            "syslog" => Self::Syslog,
            "zipkinJson" => Self::ZipkinJson,
            "zipkinProtobuf" => Self::ZipkinProtobuf,
            "jaegerThrift" => Self::JaegerThrift,
            "jaegerProtobuf" => Self::JaegerProtobuf,
            "elasticBulk" => Self::ElasticBulk,
            _ => return None,
        })
    }
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// One gzip member or several.
    Gzip,
    /// The zlib container.
    Deflate,
    /// Deflate without a container.
    RawDeflate,
    /// Zstandard.
    Zstd,
    /// A Snappy block; framed Snappy is told apart by its first bytes.
    Snappy,
    /// One LZ4 frame or several.
    Lz4,
}

impl Encoding {
    /// The encoding with this name in the binding's interface.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "identity" => Self::Identity,
            "gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "rawDeflate" => Self::RawDeflate,
            "zstd" => Self::Zstd,
            "snappy" => Self::Snappy,
            "lz4" => Self::Lz4,
            _ => return None,
        })
    }
}
