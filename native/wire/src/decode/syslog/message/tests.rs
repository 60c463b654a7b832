use super::*;

/// `facility.severity host app[procid] msgid when structured data | text`, `!` before what failed.
fn shown(text: &str) -> String {
    let it = Message::read(text);
    let when = match it.when {
        When::Missing => String::new(),
        When::At(time_ns) => time::rfc3339(time_ns),
        When::Local(LocalTime { year, month, day, hour, minute, second, nanosecond, is_utc }) => {
            let year = year.map_or(String::new(), |year| format!("{year}-"));
            let zone = if is_utc { "Z" } else { "" };
            format!("{year}{month}-{day} {hour}:{minute}:{second}+{nanosecond}{zone}")
        }
    };
    let failed = if it.is_parsed { "" } else { "!" };
    let (host, app, procid, msgid) = (it.host, it.app, it.procid, it.msgid);
    let (priority, data) = ((it.facility, it.severity), it.structured_data);
    format!("{failed}{priority:?} {host} {app}[{procid}] {msgid} {when} {data}| {}", it.text)
}

#[test]
fn the_examples_of_rfc_5424_are_read() {
    assert_eq!(
        shown(
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed"
        ),
        "(4, 2) mymachine.example.com su[] ID47 2003-10-11T22:14:15.003Z | 'su root' failed"
    );
    assert_eq!(
        shown("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time"),
        "(20, 5) 192.0.2.1 myproc[8710]  2003-08-24T12:14:15.000003Z | %% It's time"
    );
    let data = r#"[exampleSDID@32473 iut="3" eventID="1011"][examplePriority@32473 class="high"]"#;
    assert_eq!(
        shown(&format!("<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 {data}")),
        format!("(20, 5) host evntslog[] ID47 2003-10-11T22:14:15.003Z {data}| ")
    );
}

#[test]
fn a_5424_message_of_nothing_but_its_priority_is_read() {
    for text in ["<0>1 - - - - - -", "<0>1 - - - - - - ", "<0>1 - - - - -"] {
        assert_eq!(shown(text), "(0, 0)  []   | ", "{text}");
    }
}

#[test]
fn the_blank_that_rsyslog_adds_before_the_text_is_left_out() {
    assert_eq!(shown("<13>1 - h a - - -  text"), "(1, 5) h a[]   | text");
    assert_eq!(shown("<13>1 - h a - - -    text"), "(1, 5) h a[]   |   text");
}

#[test]
fn text_that_stands_where_structured_data_should_is_text() {
    assert_eq!(
        shown("<13>1 2026-01-02T03:04:05Z h a 1 m plain text"),
        "(1, 5) h a[1] m 2026-01-02T03:04:05Z | plain text"
    );
}

#[test]
fn a_5424_message_with_broken_structured_data_is_kept_whole_beside_its_fields() {
    for data in ["[broken", r#"[a b="c"#, r#"[a b="c"]x"#, "[]", "[a b=c]"] {
        let text = format!("<13>1 2026-01-02T03:04:05Z h a 1 m {data}");
        assert_eq!(shown(&text), format!("!(1, 5) h a[1] m 2026-01-02T03:04:05Z | {text}"));
    }
}

#[test]
fn the_forms_of_rfc_3164_are_read() {
    for (text, expected) in [
        (
            "<34>Oct 11 22:14:15 mymachine su[12]: it failed",
            "(4, 2) mymachine su[12]  10-11 22:14:15+0 | it failed",
        ),
        ("<34>Oct  1 22:14:15 mymachine su: a: b", "(4, 2) mymachine su[]  10-1 22:14:15+0 | a: b"),
        ("<34>Oct 01 22:14:15 m su: b", "(4, 2) m su[]  10-1 22:14:15+0 | b"),
        ("<34>Oct 11 22:14:15 su[7]: no host", "(4, 2)  su[7]  10-11 22:14:15+0 | no host"),
        (
            "<13>Oct 11 22:14:15 host last message repeated 2 times",
            "(1, 5) host []  10-11 22:14:15+0 | last message repeated 2 times",
        ),
        ("<13>Oct 11 22:14:15 -- MARK --", "(1, 5)  []  10-11 22:14:15+0 | -- MARK --"),
        (
            "<13>2023-10-11T22:14:15.123456+02:00 host app[1]: hi",
            "(1, 5) host app[1]  2023-10-11T20:14:15.123456Z | hi",
        ),
        ("<13>2023-10-11T22:14:15 host app: hi", "(1, 5) host app[]  2023-10-11 22:14:15+0 | hi"),
        ("<13>Oct 11 22:14:15 fe80::1 app: hi", "(1, 5) fe80::1 app[]  10-11 22:14:15+0 | hi"),
        ("<30>dockerd[9]: no time", "(3, 6)  dockerd[9]   | no time"),
        ("<13>plain text, host:80 and C:\\x", "(1, 5)  []   | plain text, host:80 and C:\\x"),
        ("<13>Oct 11 22:14:15", "(1, 5)  []  10-11 22:14:15+0 | "),
        ("<13>", "(1, 5)  []   | "),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn the_forms_of_ciscos_are_read() {
    for (text, expected) in [
        (
            "<189>29: *Mar  1 18:48:50.483: %SYS-5-CONFIG_I: Configured",
            "(23, 5)  %SYS-5-CONFIG_I[]  3-1 18:48:50+483000000 | Configured",
        ),
        (
            "<189>29: r1: Mar  1 18:48:50 UTC: %SYS-5-CONFIG_I: x",
            "(23, 5) r1 %SYS-5-CONFIG_I[]  3-1 18:48:50+0Z | x",
        ),
        (
            "<189>Mar 1 2023 18:48:50: %ASA-6-302013: Built",
            "(23, 5)  %ASA-6-302013[]  2023-3-1 18:48:50+0 | Built",
        ),
        (
            "<189>Mar 1 2023 18:48:50 fw1 : %ASA-6-302013: Built",
            "(23, 5) fw1 []  2023-3-1 18:48:50+0 | : %ASA-6-302013: Built",
        ),
        ("<189>Mar 1 18:48:50 2023 sw1 app: x", "(23, 5) sw1 app[]  2023-3-1 18:48:50+0 | x"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_message_without_a_priority_is_of_user_notice_if_it_has_a_time() {
    assert_eq!(shown("Oct 11 22:14:15 h app: y"), "(1, 5) h app[]  10-11 22:14:15+0 | y");
    for text in ["no syslog at all", "<999>Oct 11 22:14:15 h app: y", "<>x", "<1", "<-1>x", "<+1>x"]
    {
        assert_eq!(shown(text), format!("!(1, 5)  []   | {text}"));
    }
}

#[test]
fn a_time_that_no_clock_shows_is_text() {
    for time in ["Oct 32 22:14:15", "Oct 11 24:14:15", "Oct 11 22:60:15", "Okt 11 22:14:15"] {
        let text = format!("<13>{time} h app: y");
        assert_eq!(shown(&text), format!("(1, 5)  []   | {time} h app: y"));
    }
}
