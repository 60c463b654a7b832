use varve_types::Table;

use super::super::{
    Format,
    test_support::{batch, damage_everywhere, decode_plain, hex, refusals, samples, texts},
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
    let bytes = histogram.to_prometheus(1_700_000_000_000).unwrap();
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
    let message = "delta temporality not enabled for http.server.duration";
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
