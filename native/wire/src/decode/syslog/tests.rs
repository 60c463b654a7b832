use proptest::prelude::*;
use varve_types::Table;

use crate::{
    decode::{
        Decoded, Encoding, Format, Limits, Tenant,
        test_support::{RECEIVED_NS, batch, damage_everywhere, decode_plain, refusals, texts},
    },
    syslog::{Arrived, Packer, Sender},
};

fn packed(messages: &[Arrived<'_>]) -> Vec<u8> {
    let sender = Sender { address: "192.0.2.7".to_owned(), name: "edge-1".to_owned() };
    let mut packer = Packer::default();
    packer.start_section(&sender, RECEIVED_NS);
    for message in messages {
        packer.push(*message);
    }
    packer.take()
}

fn whole(text: &str) -> Arrived<'_> {
    Arrived { bytes: text.as_bytes(), ..Arrived::default() }
}

fn decoded(messages: &[Arrived<'_>]) -> Decoded {
    decode_plain(Format::Syslog, &packed(messages)).unwrap()
}

fn column(decoded: &Decoded, name: &str) -> Vec<String> {
    texts(batch(decoded, Table::Logs), name)
}

#[test]
fn host_app_facility_and_severity_are_labels_and_the_rest_is_metadata() {
    let decoded = decoded(&[whole(
        r#"<165>1 2023-11-14T22:13:20.5Z web-1 shop 8710 ID47 [origin@1 ip="10.0.0.1" q="a\"b\\c\]d\e"][flag] paid"#,
    )]);
    assert_eq!(
        column(&decoded, "stream"),
        [concat!(
            r#"{"app":"shop","facility":"local4","host":"web-1","job":"syslog","#,
            r#""service_name":"shop","severity":"notice"}"#
        )]
    );
    assert_eq!(column(&decoded, "body"), ["paid"]);
    assert_eq!(column(&decoded, "detected_level"), ["info"]);
    assert_eq!(column(&decoded, "time_unix_nano"), ["1700000000500000000"]);
    let attributes = column(&decoded, "attributes").concat();
    for (key, value) in [
        ("procid", "8710"),
        ("msgid", "ID47"),
        ("peer_address", "192.0.2.7"),
        ("peer_name", "edge-1"),
        ("sd_origin@1_ip", "10.0.0.1"),
        ("sd_origin@1_q", r#"a"b\c]d\e"#),
        ("sd_flag", "true"),
    ] {
        assert!(
            attributes.contains(&format!("key: {key}, type: 1, value: {value}}}")),
            "{attributes}"
        );
    }
}

#[test]
fn the_severity_is_the_level() {
    let messages: Vec<String> = (0..8).map(|severity| format!("<{severity}>a: error")).collect();
    let messages: Vec<Arrived<'_>> = messages.iter().map(|text| whole(text)).collect();
    assert_eq!(
        column(&decoded(&messages), "detected_level"),
        ["critical", "critical", "critical", "error", "warn", "info", "info", "debug"]
    );
}

#[test]
fn what_cannot_be_parsed_is_kept_whole_and_marked() {
    let decoded = decoded(&[whole("<999>level=error \u{0} what\n")]);
    let labels = concat!(
        r#"{"facility":"user","host":"192.0.2.7","job":"syslog","service_name":"syslog","#,
        r#""severity":"notice","syslog_parse":"failed"}"#
    );
    assert_eq!(column(&decoded, "stream"), [labels]);
    assert_eq!(column(&decoded, "body"), ["<999>level=error \u{0} what"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let message = Arrived { bytes: b"<13>a: caf\xe9", ..Arrived::default() };
    assert_eq!(column(&decoded(&[message]), "body"), ["caf\u{fffd}"]);
}

#[test]
fn a_time_outside_what_is_taken_is_kept_as_metadata() {
    let decoded = decoded(&[
        whole("<13>1 2001-01-01T00:00:00Z h a - - - old"),
        whole("<13>Nov 14 23:59:59 h a: ahead"),
        whole("<13>Nov 14 22:13:00 h a: now"),
        whole("<13>a: none"),
    ]);
    let received = "1700000030000000000";
    assert_eq!(
        column(&decoded, "time_unix_nano"),
        [received, received, "1699999980000000000", received]
    );
    let sent_at: Vec<bool> =
        column(&decoded, "attributes").iter().map(|it| it.contains("sent_at")).collect();
    assert_eq!(sent_at, [true, true, false, false]);
}

#[test]
fn a_cut_message_says_so() {
    let long = format!("<13>a: {}", "x".repeat(2_000));
    let cut = Arrived { is_truncated: true, ..whole("<13>a: x") };
    let decoded = decoded(&[cut, whole(&long), whole("<13>a: x")]);
    let truncated: Vec<bool> =
        column(&decoded, "attributes").iter().map(|it| it.contains("truncated")).collect();
    assert_eq!(truncated, [true, true, false]);
    assert_eq!(column(&decoded, "body").get(1).map(String::len), Some(1_000));
}

#[test]
fn the_start_of_a_message_that_a_connection_ended_in_is_kept_if_it_can_be_read() {
    let partial = |text| Arrived { is_partial: true, ..whole(text) };
    let decoded = decoded(&[partial("<13>a: b"), partial("<1"), partial("14 ")]);
    assert_eq!((decoded.accepted, refusals(&decoded)), (1, vec![("partial", 2)]));
}

fn decoded_under(limits: Limits, messages: &[Arrived<'_>]) -> Decoded {
    let body = packed(messages);
    let tenant = Tenant::new(limits);
    tenant.decode(Format::Syslog, Encoding::Identity, &body, RECEIVED_NS).unwrap().0
}

#[test]
fn messages_of_streams_past_the_limit_are_refused_and_counted() {
    let limits = Limits { streams_max: 1, ..Limits::for_tests(1_000, 0) };
    let messages = [whole("<13>a: 1"), whole("<13>b: 2"), whole("<13>b: 3"), whole("<13>a: 4")];
    let decoded = decoded_under(limits, &messages);
    assert_eq!(column(&decoded, "body"), ["1", "4"]);
    assert_eq!(refusals(&decoded), [("streamsTooMany", 2)]);
}

#[test]
fn structured_data_past_the_limits_is_left_out_and_marked() {
    let limits = Limits { attributes_max: 5, ..Limits::for_tests(1_000, 0) };
    let fits = r#"<13>1 - h a 1 m [s a="1"] fits"#;
    let over = r#"<13>1 - h a 1 m [s a="1" b="2"] over"#;
    let decoded = decoded_under(limits, &[whole(fits), whole(over)]);
    assert_eq!(column(&decoded, "body"), ["fits", "over"]);
    assert!(decoded.refused.is_empty(), "{decoded:?}");
    let attributes = column(&decoded, "attributes");
    let has = |row: usize, key: &str| attributes[row].contains(&format!("key: {key},"));
    assert!(has(0, "sd_s_a") && !has(0, "structured_data"), "{attributes:?}");
    assert!(!has(1, "sd_s_a") && has(1, "structured_data") && has(1, "procid"), "{attributes:?}");
}

#[test]
fn labels_are_cut_at_the_limit_in_whole_characters() {
    let limits = Limits { label_value_max_bytes: 4, ..Limits::for_tests(1_000, 0) };
    let decoded = decoded_under(limits, &[whole("<13>1 - abc\u{e9} program - - - x")]);
    let stream = column(&decoded, "stream").concat();
    assert!(stream.contains(r#""app":"prog""#) && stream.contains(r#""host":"abc""#), "{stream}");
}

#[test]
fn a_clock_without_a_zone_is_of_the_zone_that_is_set() {
    let tenant = Tenant::new(Limits::for_tests(1_000, 0));
    let tenant = tenant.with_syslog_zone(jiff::tz::TimeZone::fixed(jiff::tz::offset(1)));
    let body = packed(&[whole("<13>Nov 14 23:13:20 h a: x")]);
    let decoded = tenant.decode(Format::Syslog, Encoding::Identity, &body, RECEIVED_NS).unwrap().0;
    assert_eq!(column(&decoded, "time_unix_nano"), ["1700000000000000000"]);
}

#[test]
fn a_damaged_body_is_refused_or_read() {
    damage_everywhere(
        Format::Syslog,
        &packed(&[
            whole(r#"<165>1 2023-11-14T22:13:20.5Z h a 1 m [a@1 b="c\"d"] é"#),
            whole("<13>Nov 14 22:13:00 h a[1]: now"),
        ]),
    );
}

/// A message of either form with some of its characters replaced.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![
        r#"<[0-9]{1,3}>1 (-|2023-11-14T2[0-9]:13:20(\.[0-9]{1,9})?(Z|\+01:00)) [a-z-]{1,3} [a-z-]{1,3} [0-9-]{1,2} - (-|(\[a@1( [a-c]="[a-z\\\]"é]{0,4}"){0,3}\]){1,2})( [a-z\u{feff}é]{0,8})?"#,
        r"(<[0-9]{1,3}>)?([0-9]{1,3}: )?[*.]?((Nov|Feb|Dec) [ 0-3]?[0-9] )?(20[0-9]{2} )?([0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,9})?)?( UTC)?:? ([a-z.-]{1,6} )?[%a-z-]{0,6}(\[[0-9]{0,4}\])?:? ?[a-zé ]{0,8}",
    ];
    let flips = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (valid, flips).prop_map(|(text, flips)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

proptest! {
    /// Whatever comes is kept as a record, and no text in it is longer than what came.
    #[test]
    fn no_message_is_lost_and_none_grows(
        messages in proptest::collection::vec(
            prop_oneof![3 => message(), 1 => proptest::collection::vec(any::<u8>(), 0..60)],
            0..6,
        ),
    ) {
        let arrived: Vec<Arrived<'_>> =
            messages.iter().map(|bytes| Arrived { bytes, ..Arrived::default() }).collect();
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
        let kept = messages.iter().filter(|bytes| !bytes.iter().all(ends)).count();
        let decoded = decoded(&arrived);
        prop_assert_eq!((decoded.accepted, decoded.refused.len()), (kept as u64, 0));
        if kept > 0 {
            // A byte that is no text becomes three.
            let longest = messages.iter().map(Vec::len).max().unwrap_or(0) * 3;
            for body in column(&decoded, "body") {
                prop_assert!(body.len() <= longest);
            }
        }
    }
}
