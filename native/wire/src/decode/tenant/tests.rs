use super::{
    super::{
        Encoding, Format, Limits,
        test_support::{RECEIVED_NS, Writer, refusals},
    },
    *,
};

const NOW_MS: i64 = 1_700_000_000_000;
const WINDOW_MS: u64 = 60_000;

#[test]
fn a_full_set_refuses_new_members_and_takes_those_it_knows() {
    let set = ActiveSet::default();
    assert!(set.admit("a", NOW_MS, 2, WINDOW_MS));
    assert!(set.admit("b", NOW_MS, 2, WINDOW_MS));
    assert!(!set.admit("c", NOW_MS, 2, WINDOW_MS));
    assert!(set.admit("a", NOW_MS + 1, 2, WINDOW_MS));
}

#[test]
fn a_member_that_is_idle_for_the_window_makes_room() {
    let set = ActiveSet::default();
    assert!(set.admit("idle", NOW_MS, 2, WINDOW_MS));
    assert!(set.admit("busy", NOW_MS + 50_000, 2, WINDOW_MS));
    assert!(!set.admit("new", NOW_MS + 55_000, 2, WINDOW_MS));
    assert!(set.admit("new", NOW_MS + 70_000, 2, WINDOW_MS));
    assert_eq!(set.len(NOW_MS + 70_000, WINDOW_MS), 2);
}

fn push(app: &str) -> Vec<u8> {
    let time = Writer::default().varint(1, RECEIVED_NS as u64 / 1_000_000_000);
    let entry = Writer::default().message(1, &time).text(2, "line");
    let stream = Writer::default().text(1, &format!("{{app=\"{app}\"}}")).message(2, &entry);
    Writer::default().message(1, &stream).0
}

#[test]
fn a_stream_past_the_limit_is_refused_with_the_setting_that_raises_it() {
    let limits = Limits { streams_max: 2, ..Limits::for_tests(1_000, 0) };
    let tenant = Tenant::new(limits);
    let send = |app: &str| {
        let body = push(app);
        tenant.decode(Format::LokiPushProtobuf, Encoding::Identity, &body, RECEIVED_NS).unwrap().0
    };
    assert_eq!(send("a").accepted, 1);
    assert_eq!(send("b").accepted, 1);
    let third = send("c");
    assert_eq!((third.accepted, refusals(&third)), (0, vec![("streamsTooMany", 1)]));
    assert!(third.refused[0].message.contains("raise limits.streams_max"), "{third:?}");
    assert_eq!(send("a").accepted, 1);
    let count = tenant.streams(RECEIVED_NS / 1_000_000);
    assert_eq!(count, ActiveCount { active: 2, max: 2, is_near: true });
}

#[test]
fn one_tenants_streams_do_not_count_for_another() {
    let limits = Limits { streams_max: 1, ..Limits::for_tests(1_000, 0) };
    for app in ["a", "b"] {
        let tenant = Tenant::new(limits);
        let (decoded, bytes) = tenant
            .decode(Format::LokiPushProtobuf, Encoding::Identity, &push(app), RECEIVED_NS)
            .unwrap();
        assert_eq!((decoded.accepted, bytes), (1, push(app).len()));
    }
}

#[test]
fn a_series_past_the_limit_is_refused_and_the_rest_of_the_body_taken() {
    let series = |name: &str| {
        let label = Writer::default().text(1, "__name__").text(2, name);
        let sample = Writer::default().double(1, 1.0).varint(2, RECEIVED_NS as u64 / 1_000_000);
        Writer::default().message(1, &label).message(2, &sample).message(2, &sample)
    };
    let body = Writer::default().message(1, &series("up")).message(1, &series("down")).0;
    let tenant = Tenant::new(Limits { series_max: 1, ..Limits::for_tests(1_000, 0) });
    let (decoded, _) =
        tenant.decode(Format::RemoteWriteV1, Encoding::Identity, &body, RECEIVED_NS).unwrap();
    assert_eq!((decoded.accepted, refusals(&decoded)), (2, vec![("seriesTooMany", 2)]));
    assert!(decoded.refused[0].message.contains("raise limits.series_max = 1"), "{decoded:?}");
}

#[test]
fn attributes_past_their_limits_cost_their_record_only() {
    let attribute = |key: &str, text: &str| {
        let value = Writer::default().text(1, text);
        Writer::default().text(1, key).message(2, &value)
    };
    let record = |count: usize, text: &str| {
        (0..count).fold(Writer::default().fixed64(1, RECEIVED_NS as u64), |record, at| {
            record.message(6, &attribute(&format!("k{at}"), text))
        })
    };
    let scope = Writer::default()
        .message(2, &record(2, "short"))
        .message(2, &record(3, "short"))
        .message(2, &record(1, &"x".repeat(20)));
    let body = Writer::default().message(1, &Writer::default().message(2, &scope)).0;
    let limits =
        Limits { attributes_max: 2, attributes_max_bytes: 20, ..Limits::for_tests(1_000, 0) };
    let (decoded, _) = Tenant::new(limits)
        .decode(Format::OtlpLogsProtobuf, Encoding::Identity, &body, RECEIVED_NS)
        .unwrap();
    let refused = vec![("attributesTooMany", 1), ("attributesTooLarge", 1)];
    assert_eq!((decoded.accepted, refusals(&decoded)), (1, refused));
}

/// Of logs and of spans, at a resource and at a scope: what is below is refused, what is beside it kept.
#[test]
fn attributes_of_a_resource_or_scope_past_their_limits_cost_the_records_below() {
    let attribute = |key: &str, text: &str| {
        let value = Writer::default().text(1, text);
        Writer::default().text(1, key).message(2, &value)
    };
    let many = |field: u64| {
        (0..3).fold(Writer::default(), |subject, at| {
            subject.message(field, &attribute(&format!("k{at}"), "v"))
        })
    };
    let oversized = |field: u64| Writer::default().message(field, &attribute("k", &"x".repeat(20)));
    let limits =
        Limits { attributes_max: 2, attributes_max_bytes: 20, ..Limits::for_tests(1_000, 0) };
    let log = Writer::default().fixed64(1, RECEIVED_NS as u64);
    let span = Writer::default()
        .text(1, "0123456789abcdef")
        .text(2, "01234567")
        .fixed64(7, RECEIVED_NS as u64);
    for (format, record) in [(Format::OtlpLogsProtobuf, log), (Format::OtlpTracesProtobuf, span)] {
        let scope = |subject: Writer, records: usize| {
            (0..records)
                .fold(Writer::default().message(1, &subject), |scope, _| scope.message(2, &record))
        };
        let resource = |subject: Writer| {
            Writer::default()
                .message(1, &subject)
                .message(2, &scope(Writer::default(), 1))
                .message(2, &scope(many(3), 2))
                .message(2, &scope(oversized(3), 3))
        };
        let body = Writer::default()
            .message(1, &resource(Writer::default()))
            .message(1, &resource(many(1)))
            .message(1, &resource(oversized(1)));
        let (decoded, _) =
            Tenant::new(limits).decode(format, Encoding::Identity, &body.0, RECEIVED_NS).unwrap();
        let refused = vec![("attributesTooMany", 2 + 6), ("attributesTooLarge", 3 + 6)];
        assert_eq!((decoded.accepted, refusals(&decoded)), (1, refused), "{format:?}");
        let message = &decoded.refused[0].message;
        assert_eq!(message, "a scope has 3 attributes, over limits.attributes_max = 2");
    }
}
