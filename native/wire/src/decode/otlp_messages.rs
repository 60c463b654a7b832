//! The fields of OTLP's messages that are read, for its JSON (opentelemetry-proto 1.x).

use super::otlp_json::{
    Descriptor, FieldRule as F,
    Kind::{Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Message, Text, Varint, Zigzag},
};

/// `ExportLogsServiceRequest`.
pub(super) static LOGS: Descriptor = Descriptor(&[F("resourceLogs", 1, Message(&RESOURCE_LOGS))]);

/// `ExportTraceServiceRequest`.
pub(super) static TRACES: Descriptor =
    Descriptor(&[F("resourceSpans", 1, Message(&RESOURCE_SPANS))]);

/// `ExportMetricsServiceRequest`.
pub(super) static METRICS: Descriptor =
    Descriptor(&[F("resourceMetrics", 1, Message(&RESOURCE_METRICS))]);

static ANY_VALUE: Descriptor = Descriptor(&[
    F("stringValue", 1, Text),
    F("boolValue", 2, Bool),
    F("intValue", 3, Varint),
    F("doubleValue", 4, Double),
    F("arrayValue", 5, Message(&ARRAY_VALUE)),
    F("kvlistValue", 6, Message(&KEY_VALUE_LIST)),
    F("bytesValue", 7, Bytes),
]);
static ARRAY_VALUE: Descriptor = Descriptor(&[F("values", 1, Message(&ANY_VALUE))]);
static KEY_VALUE_LIST: Descriptor = Descriptor(&[F("values", 1, Message(&KEY_VALUE))]);
static KEY_VALUE: Descriptor = Descriptor(&[F("key", 1, Text), F("value", 2, Message(&ANY_VALUE))]);

static RESOURCE: Descriptor =
    Descriptor(&[F("attributes", 1, Message(&KEY_VALUE)), F("droppedAttributesCount", 2, Varint)]);
static SCOPE: Descriptor = Descriptor(&[
    F("name", 1, Text),
    F("version", 2, Text),
    F("attributes", 3, Message(&KEY_VALUE)),
    F("droppedAttributesCount", 4, Varint),
]);

static RESOURCE_LOGS: Descriptor = Descriptor(&[
    F("resource", 1, Message(&RESOURCE)),
    F("scopeLogs", 2, Message(&SCOPE_LOGS)),
    F("schemaUrl", 3, Text),
]);
static SCOPE_LOGS: Descriptor = Descriptor(&[
    F("scope", 1, Message(&SCOPE)),
    F("logRecords", 2, Message(&LOG_RECORD)),
    F("schemaUrl", 3, Text),
]);
static LOG_RECORD: Descriptor = Descriptor(&[
    F("timeUnixNano", 1, Fixed64),
    F("severityNumber", 2, Enum(&SEVERITY_NUMBERS)),
    F("severityText", 3, Text),
    F("body", 5, Message(&ANY_VALUE)),
    F("attributes", 6, Message(&KEY_VALUE)),
    F("droppedAttributesCount", 7, Varint),
    F("flags", 8, Fixed32),
    F("traceId", 9, Id),
    F("spanId", 10, Id),
    F("observedTimeUnixNano", 11, Fixed64),
    F("eventName", 12, Text),
]);
static SEVERITY_NUMBERS: [&str; 25] = [
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];

static RESOURCE_SPANS: Descriptor = Descriptor(&[
    F("resource", 1, Message(&RESOURCE)),
    F("scopeSpans", 2, Message(&SCOPE_SPANS)),
    F("schemaUrl", 3, Text),
]);
static SCOPE_SPANS: Descriptor = Descriptor(&[
    F("scope", 1, Message(&SCOPE)),
    F("spans", 2, Message(&SPAN)),
    F("schemaUrl", 3, Text),
]);
static SPAN: Descriptor = Descriptor(&[
    F("traceId", 1, Id),
    F("spanId", 2, Id),
    F("traceState", 3, Text),
    F("parentSpanId", 4, Id),
    F("name", 5, Text),
    F("kind", 6, Enum(&SPAN_KINDS)),
    F("startTimeUnixNano", 7, Fixed64),
    F("endTimeUnixNano", 8, Fixed64),
    F("attributes", 9, Message(&KEY_VALUE)),
    F("droppedAttributesCount", 10, Varint),
    F("events", 11, Message(&EVENT)),
    F("droppedEventsCount", 12, Varint),
    F("links", 13, Message(&LINK)),
    F("droppedLinksCount", 14, Varint),
    F("status", 15, Message(&STATUS)),
    F("flags", 16, Fixed32),
]);
static SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
static EVENT: Descriptor = Descriptor(&[
    F("timeUnixNano", 1, Fixed64),
    F("name", 2, Text),
    F("attributes", 3, Message(&KEY_VALUE)),
    F("droppedAttributesCount", 4, Varint),
]);
static LINK: Descriptor = Descriptor(&[
    F("traceId", 1, Id),
    F("spanId", 2, Id),
    F("traceState", 3, Text),
    F("attributes", 4, Message(&KEY_VALUE)),
    F("droppedAttributesCount", 5, Varint),
    F("flags", 6, Fixed32),
]);
static STATUS: Descriptor = Descriptor(&[F("message", 2, Text), F("code", 3, Enum(&STATUS_CODES))]);
static STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static RESOURCE_METRICS: Descriptor = Descriptor(&[
    F("resource", 1, Message(&RESOURCE)),
    F("scopeMetrics", 2, Message(&SCOPE_METRICS)),
    F("schemaUrl", 3, Text),
]);
static SCOPE_METRICS: Descriptor = Descriptor(&[
    F("scope", 1, Message(&SCOPE)),
    F("metrics", 2, Message(&METRIC)),
    F("schemaUrl", 3, Text),
]);
static METRIC: Descriptor = Descriptor(&[
    F("name", 1, Text),
    F("description", 2, Text),
    F("unit", 3, Text),
    F("gauge", 5, Message(&GAUGE)),
    F("sum", 7, Message(&SUM)),
    F("histogram", 9, Message(&HISTOGRAM)),
    F("exponentialHistogram", 10, Message(&EXPONENTIAL_HISTOGRAM)),
    F("summary", 11, Message(&SUMMARY)),
]);
static TEMPORALITIES: [&str; 3] = [
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];
static GAUGE: Descriptor = Descriptor(&[F("dataPoints", 1, Message(&NUMBER_POINT))]);
static SUM: Descriptor = Descriptor(&[
    F("dataPoints", 1, Message(&NUMBER_POINT)),
    F("aggregationTemporality", 2, Enum(&TEMPORALITIES)),
    F("isMonotonic", 3, Bool),
]);
static HISTOGRAM: Descriptor = Descriptor(&[
    F("dataPoints", 1, Message(&HISTOGRAM_POINT)),
    F("aggregationTemporality", 2, Enum(&TEMPORALITIES)),
]);
static EXPONENTIAL_HISTOGRAM: Descriptor = Descriptor(&[
    F("dataPoints", 1, Message(&EXPONENTIAL_POINT)),
    F("aggregationTemporality", 2, Enum(&TEMPORALITIES)),
]);
static SUMMARY: Descriptor = Descriptor(&[F("dataPoints", 1, Message(&SUMMARY_POINT))]);
static NUMBER_POINT: Descriptor = Descriptor(&[
    F("attributes", 7, Message(&KEY_VALUE)),
    F("timeUnixNano", 3, Fixed64),
    F("asDouble", 4, Double),
    F("asInt", 6, Fixed64),
    F("exemplars", 5, Message(&EXEMPLAR)),
    F("flags", 8, Varint),
]);
static HISTOGRAM_POINT: Descriptor = Descriptor(&[
    F("attributes", 9, Message(&KEY_VALUE)),
    F("startTimeUnixNano", 2, Fixed64),
    F("timeUnixNano", 3, Fixed64),
    F("count", 4, Fixed64),
    F("sum", 5, Double),
    F("bucketCounts", 6, Fixed64),
    F("explicitBounds", 7, Double),
    F("exemplars", 8, Message(&EXEMPLAR)),
    F("flags", 10, Varint),
]);
static EXPONENTIAL_POINT: Descriptor = Descriptor(&[
    F("attributes", 1, Message(&KEY_VALUE)),
    F("startTimeUnixNano", 2, Fixed64),
    F("timeUnixNano", 3, Fixed64),
    F("count", 4, Fixed64),
    F("sum", 5, Double),
    F("scale", 6, Zigzag),
    F("zeroCount", 7, Fixed64),
    F("positive", 8, Message(&BUCKETS)),
    F("negative", 9, Message(&BUCKETS)),
    F("flags", 10, Varint),
    F("exemplars", 11, Message(&EXEMPLAR)),
    F("zeroThreshold", 14, Double),
]);
static EXEMPLAR: Descriptor = Descriptor(&[
    F("timeUnixNano", 2, Fixed64),
    F("asDouble", 3, Double),
    F("spanId", 4, Id),
    F("traceId", 5, Id),
    F("asInt", 6, Fixed64),
    F("filteredAttributes", 7, Message(&KEY_VALUE)),
]);
static BUCKETS: Descriptor = Descriptor(&[F("offset", 1, Zigzag), F("bucketCounts", 2, Varint)]);
static SUMMARY_POINT: Descriptor = Descriptor(&[
    F("attributes", 7, Message(&KEY_VALUE)),
    F("timeUnixNano", 3, Fixed64),
    F("count", 4, Fixed64),
    F("sum", 5, Double),
    F("quantileValues", 6, Message(&QUANTILE)),
    F("flags", 8, Varint),
]);
static QUANTILE: Descriptor = Descriptor(&[F("quantile", 1, Double), F("value", 2, Double)]);
