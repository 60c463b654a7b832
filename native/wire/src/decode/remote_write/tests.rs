use varve_types::{ErrorCode, Table};

use super::super::{
    Encoding, Format, decode as decode_body,
    native_histogram::{Buckets, ExponentialHistogram},
    test_support::{
        LIMITS, RECEIVED_NS, Writer, batch, damage_everywhere, decode_plain, hex, refusals,
        samples, texts,
    },
};
use super::*;

const TIME_MS: u64 = 1_700_000_000_000;

fn series(labels: &[(&str, &str)], points: &[(u64, f64)]) -> Writer {
    let series = labels.iter().fold(Writer::default(), |series, (name, value)| {
        series.message(1, &Writer::default().text(1, name).text(2, value))
    });
    points.iter().fold(series, |series, (time, value)| {
        series.message(2, &Writer::default().double(1, *value).varint(2, *time))
    })
}

fn body(series: &[Writer]) -> Vec<u8> {
    series.iter().fold(Writer::default(), |body, series| body.message(1, series)).0
}

fn decoded(series: &[Writer]) -> Decoded {
    decode_plain(Format::RemoteWriteV1, &body(series)).unwrap()
}

#[test]
fn samples_are_taken_and_labels_sorted_and_empty_ones_left_out() {
    let labels = [("job", "j"), ("__name__", "up"), ("empty", "")];
    let points = [(TIME_MS, 1.0), (TIME_MS + 1, f64::INFINITY)];
    let decoded = decoded(&[series(&labels, &points)]);
    assert_eq!(
        samples(&decoded),
        [
            r#"{"__name__":"up","job":"j"} 1700000000000 1"#,
            r#"{"__name__":"up","job":"j"} 1700000000001 inf"#
        ]
    );
    assert_eq!(decoded.accepted, 2);
}

#[test]
fn series_that_prometheus_would_not_take_are_counted_by_their_points() {
    let point = [(TIME_MS, 1.0)];
    let decoded = decoded(&[
        series(&[("job", "j")], &[(TIME_MS, 1.0), (TIME_MS, 2.0)]),
        series(&[("__name__", "a"), ("x", "1"), ("x", "2")], &point),
        series(&[("__name__", "a"), ("", "1")], &point),
        series(&[("__name__", "")], &point),
        series(&[("__name__", "a")], &[(1, 1.0), (TIME_MS * 2, 1.0)]),
    ]);
    assert_eq!(refusals(&decoded), [("labelsInvalid", 5), ("tooOld", 1), ("tooNew", 1)]);
    assert_eq!(decoded.refused[0].message, r#"series {job="j"}: no label __name__"#);
    assert_eq!((decoded.accepted, decoded.batches.len()), (0, 0));
}

#[test]
fn metadata_comes_without_samples() {
    let metadata = Writer::default().varint(1, 1).text(2, "up").text(4, "Whether").text(5, "s");
    let body = Writer::default().message(3, &metadata).0;
    let decoded = decode_plain(Format::RemoteWriteV1, &body).unwrap();
    let batch = batch(&decoded, Table::Metadata);
    let row = ["name", "type", "help", "unit"].map(|column| texts(batch, column).remove(0));
    assert_eq!(row, ["up", "counter", "Whether", "s"]);
    assert_eq!(decoded.batches.len(), 1);
}

fn histogram_series(bytes: Vec<u8>) -> Writer {
    series(&[("__name__", "h")], &[]).message(4, &Writer(bytes))
}

#[test]
fn native_histograms_are_kept_as_they_came() {
    let positive = Buckets { offset: 0, counts: vec![1, 2] };
    let histogram = ExponentialHistogram { count: 3, positive, ..Default::default() };
    let bytes = histogram.to_prometheus(0, TIME_MS as i64).unwrap();
    let decoded = decoded(&[histogram_series(bytes.clone())]);
    assert_eq!(texts(batch(&decoded, Table::Samples), "histogram"), [hex(&bytes)]);
}

#[test]
fn histograms_that_contradict_themselves_are_refused() {
    let time = |histogram: Writer| histogram.varint(15, TIME_MS);
    let span = Writer::default().varint(1, 0).varint(2, 2);
    let one_bucket = time(Writer::default().message(11, &span).bytes(12, &[2]));
    let falls_below_zero = time(Writer::default().message(11, &span).bytes(12, &[2, 3]));
    let unknown_schema = time(Writer::default().varint(4, 2 * 60));
    let all = [one_bucket, falls_below_zero, unknown_schema];
    let decoded = decoded(&all.map(|histogram| histogram_series(histogram.0)));
    assert_eq!(refusals(&decoded), [("histogramInvalid", 3)]);
    let message =
        r#"histogram of series {__name__="h"}: its spans and its buckets differ in number"#;
    assert_eq!(decoded.refused[0].message, message);
}

#[test]
fn a_body_comes_as_a_snappy_block() {
    let body = body(&[series(&[("__name__", "up")], &[(TIME_MS, 1.0)])]);
    let sent = snap::raw::Encoder::new().compress_vec(&body).unwrap();
    let decode = |sent: &[u8]| {
        decode_body(Format::RemoteWriteV1, Encoding::Snappy, sent, &LIMITS, RECEIVED_NS)
    };
    assert_eq!(decode(&sent).unwrap().accepted, 1);
    assert_eq!(decode(&body).unwrap_err().code(), ErrorCode::BodyInvalid);
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    let positive = Buckets { offset: 0, counts: vec![1, 2] };
    let histogram = ExponentialHistogram { count: 3, positive, ..Default::default() };
    let bytes = histogram.to_prometheus(0, TIME_MS as i64).unwrap();
    let plain = series(&[("__name__", "up"), ("a", "é")], &[(TIME_MS, 1.0)]);
    damage_everywhere(Format::RemoteWriteV1, &body(&[plain, histogram_series(bytes)]));
}
