use varve_columnar::histogram::{NativeHistogram, SCHEMA_CUSTOM};
use varve_types::Table;

use super::super::{
    Format,
    test_support::{
        LIMITS, Writer, batch, damage_everywhere, decode_plain, hex, refusals, samples, texts,
    },
};
use super::*;

const TIME_MS: u64 = 1_700_000_000_000;

const SYMBOLS: [&str; 10] =
    ["", "__name__", "up", "job", "j", "trace_id", "0af7", "lat_bucket", "Latency", "seconds"];

fn symbols() -> Writer {
    SYMBOLS.iter().fold(Writer::default(), |body, symbol| body.text(4, symbol))
}

fn refs(refs: &[u8]) -> Writer {
    Writer::default().bytes(1, refs)
}

fn sample_at(time: u64) -> Writer {
    Writer::default().double(1, 1.5).varint(2, time).varint(3, TIME_MS - 10)
}

fn decoded(series: &[Writer]) -> Decoded {
    let body = series.iter().fold(symbols(), |body, series| body.message(5, series));
    decode_plain(Format::RemoteWriteV2, &body.0).unwrap()
}

#[test]
fn labels_are_read_from_the_table_of_symbols() {
    let decoded = decoded(&[refs(&[3, 4, 1, 2]).message(2, &sample_at(TIME_MS))]);
    assert_eq!(samples(&decoded), [r#"{"__name__":"up","job":"j"} 1700000000000 1.5"#]);
    assert_eq!((decoded.accepted, decoded.histograms, decoded.exemplars), (1, 0, 0));
}

#[test]
fn every_series_that_cannot_be_kept_is_counted_and_the_rest_is_kept() {
    let sample = sample_at(TIME_MS);
    let decoded = decoded(&[
        refs(&[1, 2, 3]).message(2, &sample),
        refs(&[1, 99]).message(2, &sample),
        refs(&[3, 4]).message(2, &sample).message(2, &sample),
        refs(&[1, 2]),
        refs(&[1, 2]).message(2, &sample).message(2, &sample_at(1)),
    ]);
    assert_eq!(refusals(&decoded), [("labelsInvalid", 4), ("seriesEmpty", 1), ("tooOld", 1)]);
    assert_eq!(decoded.refused[0].message, r#"series {__name__="up"}: a label without a value"#);
    assert_eq!(decoded.accepted, 1);
}

#[test]
fn exemplars_are_kept_with_their_series_and_counted_apart() {
    let exemplar =
        |refs: &[u8], time| Writer::default().bytes(1, refs).double(2, 0.7).varint(3, time);
    let series = refs(&[1, 2, 3, 4])
        .message(2, &sample_at(TIME_MS))
        .message(4, &exemplar(&[5, 6], TIME_MS))
        .message(4, &exemplar(&[5, 77], TIME_MS))
        .message(4, &exemplar(&[5, 6], 1));
    let decoded = decoded(&[series]);
    let rows = batch(&decoded, Table::Exemplars);
    assert_eq!(texts(rows, "series"), [r#"{"__name__":"up","job":"j"}"#]);
    assert_eq!(texts(rows, "labels"), [r#"{"trace_id":"0af7"}"#]);
    assert_eq!((decoded.accepted, decoded.exemplars), (1, 1));
    assert_eq!(refusals(&decoded), [("exemplarInvalid", 2)]);
}

#[test]
fn metadata_is_of_the_metric_that_a_series_is_a_part_of() {
    let metadata = Writer::default().varint(1, 3).varint(3, 8).varint(4, 9);
    let series = refs(&[1, 7]).message(2, &sample_at(TIME_MS)).message(5, &metadata);
    let decoded = decoded(&[series]);
    let rows = batch(&decoded, Table::Metadata);
    let row = ["name", "type", "help", "unit"].map(|column| texts(rows, column).remove(0));
    assert_eq!(row, ["lat", "histogram", "Latency", "seconds"]);
}

fn custom() -> NativeHistogram {
    NativeHistogram {
        schema: SCHEMA_CUSTOM,
        count: 3.0,
        sum: 2.0,
        positive: vec![(0, 1.0), (2, 2.0)],
        custom_bounds: vec![0.5, 1.0],
        start_ms: 5,
        ..NativeHistogram::default()
    }
}

#[test]
fn histograms_of_custom_buckets_are_kept_as_they_came() {
    let bytes = custom().to_protobuf(TIME_MS as i64);
    let decoded = decoded(&[refs(&[1, 2]).bytes(3, &bytes)]);
    assert_eq!(texts(batch(&decoded, Table::Samples), "histogram"), [hex(&bytes)]);
    assert_eq!((decoded.accepted, decoded.histograms), (1, 1));
}

#[test]
fn histograms_finer_than_what_is_kept_are_made_coarser() {
    let fine = NativeHistogram {
        schema: 9,
        count: 2.0,
        positive: vec![(1, 1.0), (2, 1.0)],
        ..NativeHistogram::default()
    };
    let decoded = decoded(&[refs(&[1, 2]).bytes(3, &fine.to_protobuf(TIME_MS as i64))]);
    let coarse = NativeHistogram { schema: 8, positive: vec![(1, 2.0)], ..fine };
    let kept = hex(&coarse.to_protobuf(TIME_MS as i64));
    assert_eq!(texts(batch(&decoded, Table::Samples), "histogram"), [kept]);
}

#[test]
fn the_time_that_a_series_began_is_kept_with_its_histograms() {
    let untold = NativeHistogram { start_ms: 0, ..custom() }.to_protobuf(TIME_MS as i64);
    let series = refs(&[1, 2]).bytes(3, &untold).varint(6, 5);
    let kept = texts(batch(&decoded(&[series]), Table::Samples), "histogram");
    assert_eq!(kept, [hex(&custom().to_protobuf(TIME_MS as i64))]);
}

#[test]
fn a_series_of_more_labels_than_a_limit_is_refused_before_they_are_looked_up() {
    let many = vec![1_u8; 2 * LIMITS.attributes_max + 2];
    let decoded = decoded(&[refs(&many).message(2, &sample_at(TIME_MS))]);
    assert_eq!(refusals(&decoded), [("labelsTooMany", 1)]);
    assert!(decoded.refused[0].message.contains("limits.attributes_max = 1000"));
}

#[test]
fn series_whose_labels_repeat_a_long_symbol_make_no_more_than_a_body_may() {
    let long = "x".repeat(50_000);
    let series = |at: u8| {
        let name = Writer::default().text(4, &format!("n{at}"));
        (name, refs(&[1, 3 + at, 2, 2]).message(2, &sample_at(TIME_MS)))
    };
    let mut body = Writer::default().text(4, "").text(4, "__name__").text(4, &long).0;
    let (names, all): (Vec<_>, Vec<_>) = (0..40_u8).map(series).unzip();
    body.extend(names.into_iter().flat_map(|name| name.0));
    body.extend(all.iter().fold(Writer::default(), |out, one| out.message(5, one)).0);
    let error = decode_plain(Format::RemoteWriteV2, &body).unwrap_err();
    assert!(matches!(error, DecodeError::LabelsTooLarge { .. }), "{error}");
}

#[test]
fn a_table_of_symbols_begins_with_an_empty_one() {
    let body = Writer::default().text(4, "up").0;
    let error = decode_plain(Format::RemoteWriteV2, &body).unwrap_err().to_string();
    let message = "body is not io.prometheus.write.v2.Request: a table of symbols that does not begin with an empty one at byte 0";
    assert_eq!(error, message);
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    let exemplar = Writer::default().bytes(1, &[5, 6]).double(2, 0.7).varint(3, TIME_MS);
    let series = refs(&[1, 2, 3, 4])
        .message(2, &sample_at(TIME_MS))
        .message(4, &exemplar)
        .bytes(3, &custom().to_protobuf(TIME_MS as i64));
    damage_everywhere(Format::RemoteWriteV2, &symbols().message(5, &series).0);
}
