use std::sync::Arc;

use varve_columnar::labels::LabelSet;

use super::*;

const LINE: &str = r#"{"client":{"ip":"10.0.0.1","port":8080},"tags":["a","b"],"none":null}"#;

/// The template over the labels of a job, or its error.
fn written(template: &str) -> String {
    let mut labels = RowLabels::default();
    labels.start(&Arc::new(LabelSet::new([("app", "shop"), ("level", "error")])));
    for (name, value) in [("status", "503"), ("took", "1m30s"), ("ratio", "0.25"), ("empty", "")] {
        labels.set_extracted(name, value);
    }
    // 2024-05-01T10:02:03.045006007Z
    let scope = Scope { labels: &labels, line: LINE, time_ns: 1_714_557_723_045_006_007 };
    match Template::compile("line", template) {
        Ok(template) => template.write(&scope).unwrap_or_else(|error| error),
        Err(error) => error,
    }
}

#[track_caller]
fn all(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        assert_eq!(written(template), *expected, "of {template}");
    }
}

#[test]
fn labels_and_the_row_itself_are_written() {
    all(&[
        ("plain", "plain"),
        ("{{.app}}-{{ .level }}", "shop-error"),
        ("[{{.nothing}}]", "[]"),
        ("{{ $x := .app }}{{ $x }}{{ $x = .level }}{{ $x }}{{ $.status }}", "shoperror503"),
        ("{{ __line__ | len }}", "69"),
        ("{{ __timestamp__ | unixEpoch }}", "1714557723"),
        ("{{ . }}", "map[app:shop empty: level:error ratio:0.25 status:503 took:1m30s]"),
    ]);
}

#[test]
fn blanks_are_trimmed_where_asked_and_comments_are_nothing() {
    all(&[
        ("a {{- .app -}} b", "ashopb"),
        ("a {{/* no }} */}} b", "a  b"),
        ("a {{- /* no */ -}} b", "ab"),
        ("{{ \"}}\" }}", "}}"),
        ("{{ `a\\n` }}{{ \"a\\tb\\u00e9\" }}{{ 'a' }}", "a\\na\tbé97"),
    ]);
}

#[test]
fn branches_and_loops_are_walked() {
    all(&[
        ("{{ if eq .level `error` }}E{{ else if eq .level `warn` }}W{{ else }}-{{ end }}", "E"),
        ("{{ if .empty }}E{{ else if gt (int .status) 399 }}W{{ else }}-{{ end }}", "W"),
        ("{{ with .app }}<{{ . }}{{ $.level }}>{{ else }}none{{ end }}", "<shoperror>"),
        ("{{ with .nothing }}some{{ else }}none{{ end }}", "none"),
        ("{{ range (fromJson __line__).tags }}<{{ . }}>{{ end }}", "<a><b>"),
        ("{{ range $i, $t := (fromJson __line__).tags }}{{ $i }}{{ $t }} {{ end }}", "0a 1b "),
        (
            "{{ range $k, $v := (fromJson __line__).client }}{{ $k }}={{ $v }} {{ end }}",
            "ip=10.0.0.1 port=8080 ",
        ),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        (
            "{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
            "02",
        ),
        ("{{ range (fromJson `[]`) }}x{{ else }}none{{ end }}", "none"),
    ]);
}

#[test]
fn json_is_walked_by_name_and_number() {
    all(&[
        ("{{ (fromJson __line__).client.ip }}", "10.0.0.1"),
        (
            "{{ $j := fromJson __line__ }}{{ $j.client.port }} {{ $j.none }} {{ $j.x }}",
            "8080 <no value> <no value>",
        ),
        ("{{ index (fromJson __line__) `tags` 1 }}", "b"),
        ("{{ (fromJson __line__).client }}", "map[ip:10.0.0.1 port:8080]"),
        ("{{ fromJson `no` }}", "<no value>"),
        ("{{ fromJson `12345678901` }} {{ fromJson `1e300` }}", "1.2345678901e+10 1e+300"),
    ]);
}

#[test]
fn texts_are_changed_as_gos_and_sprigs_functions_do() {
    all(&[
        ("{{ .app | upper }}{{ ToLower `ABC` }}{{ title `two words` }}", "SHOPabcTwo Words"),
        ("{{ trunc 3 `abcdef` }} {{ trunc -2 `abcdef` }} {{ substr 1 4 `abcdef` }}", "abc ef bcd"),
        ("{{ `a-b-c` | replace `-` `+` }} {{ Replace `aaa` `a` `b` 2 }}", "a+b+c bba"),
        (
            "{{ trim `  x ` }}|{{ trimAll `-` `--z--` }}|{{ Trim `xyx` `x` }}|{{ TrimLeft `xyx` `x` }}",
            "x|z|y|yx",
        ),
        ("{{ trimPrefix `a` `ab` }}{{ trimSuffix `b` `ab` }}{{ TrimPrefix `ab` `a` }}", "bab"),
        ("{{ nindent 2 `x` }}{{ indent 1 `a\nb` }}", "\n  x a\n b"),
        (
            "{{ repeat 3 `ab` }}{{ alignLeft 4 `x` }}|{{ alignRight 4 `x` }}|{{ alignRight 2 `abc` }}",
            "abababx   |   x|bc",
        ),
        (
            "{{ contains `b` `abc` }} {{ hasPrefix `a` `abc` }} {{ hasSuffix `a` `abc` }}",
            "true true false",
        ),
        (
            "{{ regexReplaceAll `(\\d+)` `a1b22` `<$1>` }} {{ regexReplaceAllLiteral `\\d` `a1` `$1` }}",
            "a<1>b<22> a$1",
        ),
        ("{{ count `o` `foo boo` }} {{ b64enc `hi` }} {{ b64dec `aGk=` }}", "4 aGk= hi"),
        ("{{ b64dec `aGk` }} {{ b64dec `Zm9vYg` }}", "hi foob"),
        ("{{ b64dec `a` }}", "illegal base64 data at input byte 1"),
        ("{{ urlencode `a b&c` }} {{ urldecode `a+b%26c` }}", "a+b%26c a b&c"),
        ("{{ .empty | default `none` }} {{ .app | default `none` }}", "none shop"),
        (
            "{{ html `<a>` }} {{ slice `abcdef` 1 3 }} {{ printf `%5.1f|%-4s|%03d|%x|%v` 2.25 `ab` 7 255 true }}",
            "&lt;a&gt; bc   2.2|ab  |007|ff|true",
        ),
        ("{{ print `a` 1 2 `b` 3 }} {{ println 1 `a` }}", "a1 2b3 1 a\n"),
    ]);
}

#[test]
fn numbers_are_read_from_texts() {
    all(&[
        (
            "{{ add .status 1 2 }} {{ sub 5 7 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 2 }}",
            "506 -2 24 3 1",
        ),
        (
            "{{ addf .ratio 0.1 }} {{ mulf 613.34 2 }} {{ divf 2 3 }} {{ subf 1 0.9 }}",
            "0.35 1226.68 0.6666666666666667 0.1",
        ),
        ("{{ max 1 5 3 }} {{ min 1 5 }} {{ maxf 1.5 2 }} {{ minf 1.5 2 }}", "5 1 2 1.5"),
        (
            "{{ ceil 1.2 }} {{ floor 1.8 }} {{ round 1.256 2 }} {{ round 613.34 1 }}",
            "2 1 1.26 613.3",
        ),
        ("{{ int `12.0` }} {{ int `x` }} {{ int 3.9 }} {{ float64 `1.5` }}", "12 0 3 1.5"),
        ("{{ duration .took }} {{ bytes `2KiB` }}", "90 2048"),
        ("{{ add 0x10 010 }} {{ 1e3 }} {{ 1_000 }}", "24 1000 1000"),
    ]);
}

#[test]
fn times_follow_gos_layouts() {
    all(&[
        ("{{ __timestamp__ | date `2006-01-02T15:04:05.000Z07:00` }}", "2024-05-01T10:02:03.045Z"),
        (
            "{{ date `Mon Jan _2 3:04PM 06 .999999999 -0700 MST` __timestamp__ }}",
            "Wed May  1 10:02AM 24 .045006007 +0000 UTC",
        ),
        ("{{ __timestamp__ }}", "2024-05-01 10:02:03.045006007 +0000 UTC"),
        ("{{ toDate `2006-01-02` `2024-05-01` | unixEpochMillis }}", "1714521600000"),
        (
            "{{ toDateInZone `2006-01-02 15:04` `Europe/Berlin` `2024-05-01 12:00` }}",
            "2024-05-01 12:00:00 +0200 CEST",
        ),
        ("{{ toDate `2006-01-02` `no` }}", "0001-01-01 00:00:00 +0000 UTC"),
        ("{{ unixToTime `1714557723` | unixEpochNanos }}", "1714557723000000000"),
    ]);
}

#[test]
fn a_template_that_fails_says_where_in_gos_words() {
    all(&[
        (
            "{{ bytes .app }}",
            "template: line:1:3: executing \"line\" at <bytes .app>: error calling bytes: strconv.ParseFloat: parsing \"\": invalid syntax",
        ),
        (
            "{{ add .status 1 }}\n {{ .app | div 1 | divf 1 0 }}",
            "template: line:2:11: executing \"line\" at <div 1>: error calling div: runtime error: integer divide by zero",
        ),
        (
            "{{ divf 1 0 }}",
            "template: line:1:3: executing \"line\" at <divf 1 0>: error calling divf: decimal division by 0",
        ),
        (
            "{{ eq .app 1 }}",
            "template: line:1:3: executing \"line\" at <eq .app 1>: error calling eq: incompatible types for comparison: string and int",
        ),
        (
            "{{ .app.x }}",
            "template: line:1:3: executing \"line\" at <.app.x>: can't evaluate field x in type string",
        ),
        (
            "{{ trunc .app .level }}",
            "template: line:1:9: executing \"line\" at <.app>: wrong type for value; expected int; got string",
        ),
        (
            "{{ trunc 1 }}",
            "template: line:1:3: executing \"line\" at <trunc>: wrong number of args for trunc: want 2 got 1",
        ),
        (
            "{{ 1.5 | round }}",
            "template: line:1:9: executing \"line\" at <round>: wrong number of args for round: want at least 2 got 0",
        ),
    ]);
}

#[test]
fn a_value_of_the_wrong_type_is_told_where_go_had_come_to() {
    all(&[
        (
            "{{ lt (slice `a` 0 2) true }}",
            "template: line:1:7: executing \"line\" at <slice `a` 0 2>: error calling slice: index out of range: 2",
        ),
        (
            "{{ upper (add 1 (len .app)) }}",
            "template: line:1:21: executing \"line\" at <.app>: wrong type for value; expected string; got int",
        ),
        (
            "{{ len .app | trunc 3 }}",
            "template: line:1:20: executing \"line\" at <3>: wrong type for value; expected string; got int",
        ),
        (
            "{{ upper 1.50 }}",
            "template: line:1:9: executing \"line\" at <1.50>: expected string; found 1.50",
        ),
        (
            "{{ trunc `a` .level }}",
            "template: line:1:9: executing \"line\" at <`a`>: expected integer; found `a`",
        ),
        (
            "{{ range (slice .app 0 1) }}{{ end }}",
            "template: line:1:23: executing \"line\" at <1>: range can't iterate over s",
        ),
        (
            "{{ (fromJson `[1]`).x }}",
            "template: line:1:13: executing \"line\" at <`[1]`>: can't evaluate field x in type []interface {}",
        ),
        ("{{ (fromJson `{`).a.b }}", "<no value>"),
        (
            "{{ (fromJson `{}`).a.b }}",
            "template: line:1:13: executing \"line\" at <`{}`>: nil pointer evaluating interface {}.b",
        ),
        (
            "{{ define `T` }}{{ .x }}{{ end }}{{ template `T` .app }}",
            "template: line:1:19: executing \"T\" at <.x>: can't evaluate field x in type string",
        ),
        (
            "{{ template `T` }}",
            "template: line:1:12: executing \"line\" at <`T`>: template \"T\" not defined",
        ),
    ]);
}

#[test]
fn templates_inside_a_template_see_what_they_are_given() {
    all(&[
        (
            "{{ define `T` }}[{{ . }}{{ $ }}]{{ end }}{{ template `T` .app }}|{{ template `T` }}",
            "[shopshop]|[<no value><no value>]",
        ),
        ("{{ $x := 1 }}{{ block `B` .level }}<{{ . }}>{{ end }}{{ $x }}", "<error>1"),
        ("{{ if true }}{{ template `T` $ }}{{ end }}{{ define `T` }}{{ .app }}{{ end }}", "shop"),
    ]);
    assert!(
        written("{{ define `T` }}{{ template `T` . }}{{ end }}{{ template `T` . }}")
            .contains("exceeded maximum template depth")
    );
}

#[test]
fn a_template_that_is_none_is_refused_in_gos_words() {
    all(&[
        ("{{ .a ", "template: line:1: unclosed action"),
        ("\n{{ nope .a }}", "template: line:2: function \"nope\" not defined"),
        ("{{ if .a }}x", "template: line:1: unexpected EOF"),
        ("x{{ end }}", "template: line:1: unexpected {{end}}"),
        ("{{ $x }}", "template: line:1: undefined variable \"$x\""),
        ("{{ \"a }}", "template: line:1: unterminated quoted string"),
        ("{{ }}", "template: line:1: missing value for command"),
        ("{{ if }}{{ end }}", "template: line:1: missing value for if"),
        ("{{ define `T` }}{{ $x }}{{ end }}", "template: line:1: undefined variable \"$x\""),
        ("{{ if 1 }}{{ define `T` }}{{ end }}{{ end }}", "template: line:1: unexpected {{define}}"),
        ("{{ define `T` }}", "template: line:1: unexpected EOF"),
        ("{{ break }}", "template: line:1: {{break}} outside {{range}}"),
    ]);
}

#[test]
fn what_a_template_may_cost_is_bounded() {
    assert!(written("{{ repeat 10000000 `x` }}").contains("longer than 1048576 bytes"));
    assert!(written("{{ range 1000000000 }}x{{ end }}").contains("takes more than 100000 steps"));
    let nested = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    assert!(written(&format!("{{{{ {nested} }}}}")).contains("nested more than"));
}

#[test]
fn the_labels_that_a_template_reads_are_known() {
    let names = |text| {
        let template = Template::compile("line", text).unwrap();
        template.names().map(|names| names.map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(names("{{ .a | upper }}{{ $.b }}").unwrap(), ["a", "b"]);
    assert_eq!(names("{{ . }}"), None);
    assert_eq!(names("{{ index $ `a` }}"), None);
}
