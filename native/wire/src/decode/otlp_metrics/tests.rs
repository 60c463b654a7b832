use varve_columnar::histogram::{NativeHistogram, ResetHint};
use varve_types::Table;

use super::super::{
    Encoding, Format, MetricTranslation, TranslationStrategy,
    tenant::Tenant,
    test_support::{
        LIMITS, RECEIVED_NS, batch, damage_everywhere, decode_plain, hex, refusals, samples, texts,
    },
};
use super::*;

const TIME: &str = r#""timeUnixNano":"1700000000000000000""#;

fn request(resource: &str, metrics: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{resource}]}},
        "scopeMetrics":[{{"scope":{{"name":"lib"}},"metrics":[{metrics}]}}]}}]}}"#
    )
}

const SHOP: &str = r#"{"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"service.namespace","value":{"stringValue":"store"}},
    {"key":"service.instance.id","value":{"stringValue":"i-1"}}"#;

fn decoded(resource: &str, metrics: &str) -> Decoded {
    decode_plain(Format::OtlpMetricsJson, request(resource, metrics).as_bytes()).unwrap()
}

#[test]
fn a_sum_becomes_a_counter_of_its_job_and_instance() {
    let metric = format!(
        r#"{{"name":"http.requests","description":"How many","unit":"{{req}}","sum":{{
        "aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{{{TIME},"asInt":"7",
        "attributes":[{{"key":"http.method","value":{{"stringValue":"GET"}}}},
        {{"key":"code","value":{{"intValue":"200"}}}}]}}]}}}}"#
    );
    let decoded = decoded(SHOP, &metric);
    assert_eq!(
        samples(&decoded),
        [concat!(
            r#"{"__name__":"http_requests_total","code":"200","http_method":"GET","#,
            r#""instance":"i-1","job":"store/shop"} 1700000000000 7"#
        )]
    );
    let metadata = batch(&decoded, Table::Metadata);
    assert_eq!(texts(metadata, "name"), ["http_requests_total"]);
    assert_eq!(texts(metadata, "type"), ["counter"]);
    assert_eq!(texts(metadata, "help"), ["How many"]);
}

#[test]
fn a_histogram_becomes_buckets_a_sum_and_a_count() {
    let metric = format!(
        r#"{{"name":"d","unit":"s","histogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIME},
        "count":"6","sum":2.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.1,1]}}]}}}}"#
    );
    assert_eq!(
        samples(&decoded("", &metric)),
        [
            r#"{"__name__":"d_seconds_sum"} 1700000000000 2.5"#,
            r#"{"__name__":"d_seconds_count"} 1700000000000 6"#,
            r#"{"__name__":"d_seconds_bucket","le":"0.1"} 1700000000000 1"#,
            r#"{"__name__":"d_seconds_bucket","le":"1"} 1700000000000 3"#,
            r#"{"__name__":"d_seconds_bucket","le":"+Inf"} 1700000000000 6"#
        ]
    );
}

#[test]
fn a_summary_becomes_quantiles_a_sum_and_a_count() {
    let metric = format!(
        r#"{{"name":"s","summary":{{"dataPoints":[{{{TIME},"count":"2","sum":3,
        "quantileValues":[{{"quantile":0.99,"value":1.5}}]}}]}}}}"#
    );
    assert_eq!(
        samples(&decoded("", &metric)),
        [
            r#"{"__name__":"s_sum"} 1700000000000 3"#,
            r#"{"__name__":"s_count"} 1700000000000 2"#,
            r#"{"__name__":"s","quantile":"0.99"} 1700000000000 1.5"#
        ]
    );
}

#[test]
fn an_exponential_histogram_becomes_a_native_one() {
    let metric = format!(
        r#"{{"name":"e","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIME},
        "count":"3","sum":4,"scale":0,"zeroCount":"1",
        "positive":{{"offset":-1,"bucketCounts":["1","1"]}}}}]}}}}"#
    );
    let decoded = decoded("", &metric);
    assert_eq!(samples(&decoded), [r#"{"__name__":"e"} 1700000000000 0"#]);
    let histogram = ExponentialHistogram {
        count: 3,
        sum: 4.0,
        zero_count: 1,
        positive: super::super::native_histogram::Buckets { offset: -1, counts: vec![1, 1] },
        ..ExponentialHistogram::default()
    };
    let bytes = histogram.to_prometheus(0, 1_700_000_000_000).unwrap();
    assert_eq!(texts(batch(&decoded, Table::Samples), "histogram"), [hex(&bytes)]);
}

#[test]
fn other_attributes_of_the_resource_become_one_target_info() {
    let metric = format!(
        r#"{{"name":"g","gauge":{{"dataPoints":[{{{TIME},"asDouble":1.5}},
        {{"timeUnixNano":"1700000010000000000","asDouble":2.5}}]}}}}"#
    );
    let host = format!(r#"{SHOP},{{"key":"host.name","value":{{"stringValue":"h"}}}}"#);
    let decoded = decoded(&host, &metric);
    let info = r#"{"__name__":"target_info","host_name":"h","instance":"i-1","job":"store/shop"}"#;
    assert_eq!(
        samples(&decoded)[2..],
        [format!("{info} 1700000000000 1"), format!("{info} 1700000010000 1")]
    );
    assert_eq!(decoded.accepted, 2);
}

#[test]
fn delta_temporality_is_refused_by_the_metrics_name() {
    let metric = |temporality: u8| {
        format!(
            r#"{{"name":"http.server.duration","sum":{{"aggregationTemporality":{temporality},
            "dataPoints":[{{{TIME},"asInt":1}},{{{TIME},"asInt":2}}]}}}}"#
        )
    };
    let decoded = decoded("", &[metric(1), metric(0)].join(","));
    assert_eq!(refusals(&decoded), [("deltaTemporality", 2), ("temporalityInvalid", 2)]);
    let message = "delta temporality not enabled for http.server.duration; send cumulative values \
                   or set otlp.native_delta_ingestion";
    assert_eq!(decoded.refused[0].message, message);
    assert_eq!((decoded.accepted, decoded.batches.len()), (0, 0));
}

#[test]
fn a_point_without_a_recorded_value_is_a_stale_marker() {
    let point = format!(r#"{{{TIME},"asDouble":1,"flags":1}}"#);
    let decoded = decoded("", &format!(r#"{{"name":"g","gauge":{{"dataPoints":[{point}]}}}}"#));
    let batch = batch(&decoded, Table::Samples);
    let values = batch.column_by_name("value").unwrap();
    let values = arrow::array::cast::as_primitive_array::<arrow::datatypes::Float64Type>(values);
    assert_eq!(values.value(0).to_bits(), 0x7ff0_0000_0000_0002);
}

#[test]
fn attributes_that_become_the_same_label_are_joined() {
    let attribute = |key: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{key}"}}}}"#);
    let attributes = ["a_b", "a.b", "job", "__name__"].map(attribute).join(",");
    let point = format!(r#"{{{TIME},"asDouble":1,"attributes":[{attributes}]}}"#);
    let metric = format!(r#"{{"name":"g","gauge":{{"dataPoints":[{point}]}}}}"#);
    let expected =
        [r#"{"__name__":"g","a_b":"a.b;a_b","instance":"i-1","job":"store/shop"} 1700000000000 1"#];
    assert_eq!(samples(&decoded(SHOP, &metric)), expected);
}

#[test]
fn points_outside_the_limits_and_with_bad_attributes_are_counted() {
    let points = format!(
        r#"{{"timeUnixNano":"1","asInt":1}},{{{TIME},"attributes":[{{"key":"..","value":{{}}}}]}}"#
    );
    let metric = format!(r#"{{"name":"g","gauge":{{"dataPoints":[{points}]}}}}"#);
    let nameless = format!(r#"{{"name":"..","gauge":{{"dataPoints":[{{{TIME}}}]}}}}"#);
    let decoded = decoded("", &[metric, nameless].join(","));
    let expected = [("tooOld", 1), ("labelsInvalid", 1), ("metricNameInvalid", 1)];
    assert_eq!(refusals(&decoded), expected);
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    let metrics = [
        format!(r#"{{"name":"g","gauge":{{"dataPoints":[{{{TIME},"asInt":"1"}}]}}}}"#),
        format!(
            r#"{{"name":"e","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{
            {TIME},"scale":9,"positive":{{"offset":-1,"bucketCounts":["1","1"]}}}}]}}}}"#
        ),
        format!(
            r#"{{"name":"d","histogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIME},
            "count":"3","bucketCounts":["1","2"],"explicitBounds":[0.1]}}]}}}}"#
        ),
    ];
    let body = request(SHOP, &metrics.join(","));
    damage_everywhere(Format::OtlpMetricsJson, body.as_bytes());
    let body = super::super::from_json(body.as_bytes(), &super::super::METRICS).unwrap();
    damage_everywhere(Format::OtlpMetricsProtobuf, &body);
}

#[test]
fn exemplars_go_to_the_bucket_that_their_value_falls_into() {
    let exemplar = |value: f64, more: &str| {
        format!(
            r#"{{"timeUnixNano":"1700000000000000000","asDouble":{value},"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"{more}}}"#
        )
    };
    let exemplars = [
        exemplar(0.5, r#","filteredAttributes":[{"key":"user.id","value":{"stringValue":"u"}}]"#),
        exemplar(7.0, ""),
    ];
    let metric = format!(
        r#"{{"name":"lat","histogram":{{"aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"1700000000000000000","count":"2","sum":7.5,"bucketCounts":["1","0","1"],"explicitBounds":[1,5],"exemplars":[{}]}}]}}}}"#,
        exemplars.join(",")
    );
    let decoded = decoded("", &metric);
    let rows = super::super::test_support::batch(&decoded, varve_types::Table::Exemplars);
    let texts = |column| super::super::test_support::texts(rows, column);
    assert_eq!(
        texts("series"),
        [r#"{"__name__":"lat_bucket","le":"1"}"#, r#"{"__name__":"lat_bucket","le":"+Inf"}"#]
    );
    let ids = r#""span_id":"b7ad6b7169203331","trace_id":"0af7651916cd43dd8448eb211c80319c""#;
    let with_user = format!(r#"{{{ids},"user_id":"u"}}"#);
    assert_eq!(texts("labels"), [with_user, format!("{{{ids}}}")]);
    assert_eq!(decoded.exemplars, 2);
}

/// Decoded with another translation than the usual one.
fn translated(metrics: MetricTranslation, resource: &str, body: &str) -> Decoded {
    let tenant = Tenant::new(LIMITS).with_metrics(metrics.into());
    let body = request(resource, body);
    let (format, encoding) = (Format::OtlpMetricsJson, Encoding::Identity);
    tenant.decode(format, encoding, body.as_bytes(), RECEIVED_NS).unwrap().0
}

fn gauge(name: &str, attributes: &str) -> String {
    format!(
        r#"{{"name":"{name}","unit":"s","gauge":{{"dataPoints":[{{{TIME},"asDouble":1,
        "attributes":[{attributes}]}}]}}}}"#
    )
}

#[test]
fn names_may_stay_utf8() {
    let translation_strategy = TranslationStrategy::NoTranslation;
    let metrics = MetricTranslation { translation_strategy, ..MetricTranslation::DEFAULT };
    let method = r#"{"key":"http.méthod","value":{"stringValue":"GET"}}"#;
    let decoded = translated(metrics, "", &gauge("http.größe", method));
    let expected = r#"{"__name__":"http.größe","http.méthod":"GET"} 1700000000000 1"#;
    assert_eq!(samples(&decoded), [expected]);
}

#[test]
fn resource_attributes_may_be_promoted_to_labels() {
    let zone = |key: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"resource"}}}}"#);
    let resource = format!("{SHOP},{},{}", zone("cloud.zone"), zone("host.name"));
    let own = r#"{"key":"cloud.zone","value":{"stringValue":"point"}}"#;
    let metrics = MetricTranslation {
        promote_resource_attributes: vec!["cloud.zone".into(), "host.name".into()],
        ..MetricTranslation::DEFAULT
    };
    let decoded = translated(metrics, &resource, &gauge("g", own));
    let expected = concat!(
        r#"{"__name__":"g_seconds","cloud_zone":"point","host_name":"resource","#,
        r#""instance":"i-1","job":"store/shop"} 1700000000000 1"#
    );
    assert_eq!(samples(&decoded)[0], expected);
    let metrics = MetricTranslation {
        promote_all_resource_attributes: true,
        ignore_resource_attributes: vec!["host.name".into()],
        keep_identifying_resource_attributes: true,
        ..MetricTranslation::DEFAULT
    };
    let decoded = translated(metrics, &resource, &gauge("g", ""));
    let expected = [
        concat!(
            r#"{"__name__":"g_seconds","cloud_zone":"resource","instance":"i-1","#,
            r#""job":"store/shop","service_instance_id":"i-1","service_name":"shop","#,
            r#""service_namespace":"store"} 1700000000000 1"#
        ),
        concat!(
            r#"{"__name__":"target_info","cloud_zone":"resource","host_name":"resource","#,
            r#""instance":"i-1","job":"store/shop","service_instance_id":"i-1","#,
            r#""service_name":"shop","service_namespace":"store"} 1700000000000 1"#
        ),
    ];
    assert_eq!(samples(&decoded), expected);
}

#[test]
fn scopes_may_be_promoted_to_labels() {
    let body = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"schemaUrl":"https://x","scope":{{"name":"lib",
        "version":"1.2","attributes":[{{"key":"team.name","value":{{"stringValue":"a"}}}}]}},
        "metrics":[{}]}}]}}]}}"#,
        gauge("g", "")
    );
    let metrics = MetricTranslation { promote_scope_metadata: true, ..MetricTranslation::DEFAULT };
    let tenant = Tenant::new(LIMITS).with_metrics(metrics.into());
    let (format, encoding) = (Format::OtlpMetricsJson, Encoding::Identity);
    let (decoded, _) = tenant.decode(format, encoding, body.as_bytes(), RECEIVED_NS).unwrap();
    assert_eq!(
        samples(&decoded),
        [concat!(
            r#"{"__name__":"g_seconds","otel_scope_name":"lib","otel_scope_schema_url":"https://x","#,
            r#""otel_scope_team_name":"a","otel_scope_version":"1.2"} 1700000000000 1"#
        )]
    );
}

#[test]
fn deltas_are_stored_as_they_come_where_that_is_configured() {
    let metrics = MetricTranslation { native_delta_ingestion: true, ..MetricTranslation::DEFAULT };
    let sum = format!(
        r#"{{"name":"n","sum":{{"aggregationTemporality":1,"isMonotonic":true,
        "dataPoints":[{{{TIME},"asInt":5}}]}}}}"#
    );
    let exponential = format!(
        r#"{{"name":"e","exponentialHistogram":{{"aggregationTemporality":1,"dataPoints":[{{{TIME},
        "count":"1","sum":4,"scale":0,"positive":{{"offset":0,"bucketCounts":["1"]}}}}]}}}}"#
    );
    let decoded = translated(metrics, "", &[sum, exponential].join(","));
    assert_eq!(samples(&decoded)[0], r#"{"__name__":"n_total"} 1700000000000 5"#);
    assert_eq!(texts(batch(&decoded, Table::Metadata), "type"), ["unknown", "unknown"]);
    assert_eq!(histogram_at(&decoded, 1).reset, ResetHint::Gauge);
}

/// The native histogram in a row.
fn histogram_at(decoded: &Decoded, row: usize) -> NativeHistogram {
    let bytes = batch(decoded, Table::Samples).column_by_name("histogram").unwrap().clone();
    let bytes = arrow::array::cast::as_generic_binary_array::<i32>(&bytes).value(row).to_vec();
    NativeHistogram::from_protobuf(Message::new(&bytes)).unwrap().unwrap().histogram
}

#[test]
fn histograms_may_become_native_ones_with_custom_buckets() {
    let metrics =
        MetricTranslation { convert_histograms_to_nhcb: true, ..MetricTranslation::DEFAULT };
    let histogram = |point: &str| {
        format!(
            r#"{{"name":"d","unit":"s","histogram":{{"aggregationTemporality":2,"dataPoints":[{{{TIME},
            {point}}}]}}}}"#
        )
    };
    let good = r#""startTimeUnixNano":"1699999999000000000","count":"4","sum":2.5,
        "bucketCounts":["1","0","3"],"explicitBounds":[0.1,1]"#;
    let stale = r#""flags":1,"bucketCounts":["0","0","0"],"explicitBounds":[0.1,1]"#;
    let bad = r#""count":"1","bucketCounts":["1"],"explicitBounds":[0.1,1]"#;
    let descending = r#""count":"1","bucketCounts":["1","0","0"],"explicitBounds":[1,0.1]"#;
    let body = [good, stale, bad, descending].map(histogram).join(",");
    let decoded = translated(metrics, "", &body);
    assert_eq!((decoded.accepted, decoded.histograms), (2, 2));
    assert_eq!(refusals(&decoded), [("histogramInvalid", 2)]);
    let read = histogram_at(&decoded, 0);
    assert_eq!((read.count, read.sum, read.start_ms), (4.0, 2.5, 1_699_999_999_000));
    assert_eq!((read.positive, read.custom_bounds), (vec![(0, 1.0), (2, 3.0)], vec![0.1, 1.0]));
    assert!(histogram_at(&decoded, 1).is_stale());
}
