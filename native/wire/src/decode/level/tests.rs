use proptest::prelude::*;

use super::*;

fn check(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(of_line(line), *expected, "{line}");
    }
}

#[test]
fn a_json_line_tells_its_level_in_a_field_at_most_two_objects_deep() {
    check(&[
        (r#"{"msg":"x","level":"WARN"}"#, "warn"),
        (r#" {"a":[{"level":"error"}],"b":{"severity":"err"}} "#, "error"),
        (r#"{"a":{"b":{"level":"dbg"}}}"#, "unknown"),
        (r#"{"level":3,"lvl":"inf"}"#, "info"),
        (r#"{"level":"notice","msg":"info"}"#, "info"),
        (r#"{"msg":"cut","lvl":"err"#, "error"),
    ]);
}

#[test]
fn a_logfmt_line_tells_its_level_in_its_most_telling_field() {
    check(&[
        ("ts=1 lvl=dbg LEVEL=Error", "error"),
        (r#"msg="a \" level=info" severity=warning"#, "warn"),
        ("flag standalone level=debug", "debug"),
        ("level=weird msg=x", "unknown"),
        (r#"level=info "bad"=x lvl=error"#, "info"),
        ("a=b=c level=error", "error"),
    ]);
}

#[test]
fn other_lines_tell_their_level_by_their_first_word_that_is_one() {
    check(&[
        ("2024-05-01 10:00:18,123 ERROR [main] could not warn", "error"),
        ("[warning] disk", "warn"),
        ("debug: info", "debug"),
        ("misc:error happened", "unknown"),
        ("terror and information", "unknown"),
        ("\u{1b}[31mINFO\u{1b}[0m plain", "unknown"),
        ("(err) x", "error"),
        ("", "unknown"),
        ("fatal", "fatal"),
    ]);
}

#[test]
fn severity_numbers_are_levels_in_fours() {
    let levels = [1, 4, 5, 9, 12, 13, 17, 21, 24, 25].map(of_severity);
    let expected =
        ["trace", "trace", "debug", "info", "info", "warn", "error", "fatal", "fatal", "unknown"];
    assert_eq!(levels, expected);
}

proptest! {
    #[test]
    fn any_line_has_a_level(line in "[{}\\[\\]\":=,\\\\ a-z\u{e9}]{0,40}") {
        prop_assert!(!of_line(&line).is_empty());
    }
}
