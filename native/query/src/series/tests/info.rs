//! Series completed with the labels of their info series.

use super::{Store, evaluated, instant, named};

/// `info` of a metric, with these matchers of info series.
fn info(of: &str, matchers: &[(&str, &str, &str)]) -> String {
    let matchers: Vec<String> = matchers
        .iter()
        .map(|(name, op, value)| format!(r#"{{"name":"{name}","op":"{op}","value":"{value}"}}"#))
        .collect();
    format!(
        r#"{{"node":"info","input":{},"select":{{"matchers":[{}],"offset":"0","at":null}},"lookback":"300000000000"}}"#,
        named(of),
        matchers.join(",")
    )
}

const TARGET: (&str, &str, &str) = ("__name__", "=", "target_info");

fn store() -> Store {
    Store::load(
        60,
        r#"
        up{instance="a",job="j",zone="base"} 1 2 3
        up{instance="b",job="j"} 4 4 4
        target_info{instance="a",job="j",zone="info",version="1"} 1 1 stale
        target_info{instance="a",job="j",zone="info",version="2"} _ _ 1
        build_info{instance="a",job="j",commit="c"} 1 1 1
        "#,
    )
}

#[test]
fn series_take_over_the_labels_they_lack_from_the_newest_info_series() {
    assert_eq!(
        evaluated(&store(), &info("up", &[TARGET]), (0, 120, 60)).unwrap(),
        [
            r#"{"__name__":"up","instance":"a","job":"j","version":"1","zone":"base"} 1 2 _"#,
            r#"{"__name__":"up","instance":"a","job":"j","version":"2","zone":"base"} _ _ 3"#,
            r#"{"__name__":"up","instance":"b","job":"j"} 4 4 4"#,
        ]
    );
}

#[test]
fn labels_that_are_named_are_the_only_ones_taken_and_may_be_demanded() {
    let demanded = info("up", &[TARGET, ("zone", "=~", ".+")]);
    assert_eq!(
        instant(&store(), &demanded, 0),
        [r#"{"__name__":"up","instance":"a","job":"j","zone":"base"} 1"#]
    );
    let welcome = info("up", &[TARGET, ("version", "=~", ".*")]);
    assert_eq!(
        instant(&store(), &welcome, 0),
        [
            r#"{"__name__":"up","instance":"a","job":"j","version":"1","zone":"base"} 1"#,
            r#"{"__name__":"up","instance":"b","job":"j"} 4"#,
        ]
    );
}

#[test]
fn info_series_are_not_completed_by_themselves() {
    let expr = info("build_info", &[("__name__", "=~", ".+_info")]);
    assert_eq!(
        instant(&store(), &expr, 0),
        [r#"{"__name__":"build_info","commit":"c","instance":"a","job":"j"} 1"#]
    );
}

#[test]
fn info_series_that_contradict_each_other_are_refused() {
    let store = Store::load(
        60,
        r#"
        up{job="j"} 1
        target_info{job="j",v="1"} 1
        target_info{job="j",v="2"} 1
        other_info{job="j",v="3"} 1
        "#,
    );
    let same_name = evaluated(&store, &info("up", &[TARGET]), (0, 0, 0)).unwrap_err();
    assert!(same_name.starts_with("found duplicate series for info metric: "), "{same_name}");
    let names = info("up", &[("__name__", "=~", ".+_info"), ("v", "!=", "1")]);
    let conflict = evaluated(&store, &names, (0, 0, 0)).unwrap_err();
    assert_eq!(conflict, "conflicting label: v");
}
