//! What the filters of span ids and attributes tell of segments, wherever these come from.

use arrow::array::AsArray;
use varve_types::Table;
use varve_view::{
    CheckSettings, Depth, FilterAttributes, MatchKind, NewDelete, RepairSettings, Snapshot,
    SpanField, SpanMatch, UpkeepProgress, ValueType, Wanted, check, repair,
};

use crate::support::{Home, spans, tenant};

/// Values that spans have, and some that none has.
const VALUES: u8 = 60;

fn filtering() -> FilterAttributes {
    ["n"].into_iter().collect()
}

fn wanted(value: u8) -> [Wanted; 2] {
    let attribute = Wanted::Attribute { name: "n".into(), value: value.to_string() };
    [Wanted::SpanId([value; 8]), attribute]
}

fn snapshot(home: &Home) -> Snapshot {
    home.store().snapshot(&tenant("shop"), Table::Spans)
}

/// By value how many segments are told not to have it, as spans' ids and as attributes. None of them has.
fn told(home: &Home) -> Vec<[usize; 2]> {
    let snapshot = snapshot(home);
    let told = |value: u8| {
        wanted(value).map(|wanted| {
            // Ids of segments that are gone may be among them.
            let without = snapshot.segments_without(&wanted);
            let told = snapshot.segments.iter().filter(|one| without.contains(&one.id()));
            for segment in told.clone() {
                for batch in segment.read(&["span_id"], Some(&segment.shown_rows())).unwrap() {
                    let ids = batch.column(0).as_fixed_size_binary();
                    assert!(ids.iter().all(|id| id != Some(&[value; 8])), "{wanted:?}");
                }
            }
            told.count()
        })
    };
    (0..VALUES).map(told).collect()
}

/// Four segments of ten values each.
fn filled() -> Home {
    let mut home = Home::new();
    home.filter_attributes = filtering();
    home.restart();
    for part in 0..4_u8 {
        let rows: Vec<_> = (0..10).map(|at| (at, i64::from(part), part * 10 + at)).collect();
        home.append(&tenant("shop"), vec![(Table::Spans, spans(&rows))]);
        home.store().seal_now().unwrap();
    }
    home
}

/// How many were told, of values that are there and of those that are not.
fn sums(home: &Home) -> ([usize; 2], [usize; 2]) {
    let told = told(home);
    let sum = |values: &[[usize; 2]]| {
        [0, 1].map(|kind: usize| values.iter().map(|of_value| of_value[kind]).sum::<usize>())
    };
    (sum(&told[..40]), sum(&told[40..]))
}

#[test]
fn whoever_has_a_value_is_never_left_out_and_most_others_are() {
    let mut home = filled();
    for _ in 0..2 {
        let (there, absent) = sums(&home);
        // 40 values, of which each is in one of four segments; 20 that are in none.
        assert!(there.iter().all(|&told| (117..=120).contains(&told)), "{there:?}");
        assert!(absent.iter().all(|&told| (77..=80).contains(&told)), "{absent:?}");
        home.restart();
    }
}

#[test]
fn segments_that_are_merged_and_erased_are_told_of_like_others() {
    let mut home = filled();
    home.delete_cancel_period_ms = 0;
    home.restart();
    let span = SpanMatch {
        field: SpanField::Name,
        kind: MatchKind::Equal,
        value: "op-5".into(),
        value_type: ValueType::String,
    };
    let what = NewDelete {
        table: Table::Spans,
        labels: Vec::new(),
        lines: Vec::new(),
        spans: vec![span],
        from_ms: 0,
        to_ms: 10,
    };
    home.store().create_delete(&tenant("shop"), what).unwrap();
    told(&home);
    home.store().compact_now().unwrap();
    home.store().compact_now().unwrap();
    let segments = snapshot(&home).segments.len();
    let (there, absent) = sums(&home);
    assert!(absent.iter().all(|&told| told + 2 >= 20 * segments), "{absent:?} of {segments}");
    assert!(there.iter().all(|&told| told <= 40 * segments), "{there:?} of {segments}");
    home.restart();
    assert_eq!(sums(&home), (there, absent));
}

#[test]
fn a_segment_that_does_not_filter_an_attribute_may_have_any_value_of_it() {
    let mut home = filled();
    home.filter_attributes = FilterAttributes::default();
    home.restart();
    home.append(&tenant("shop"), vec![(Table::Spans, spans(&[(1, 9, 50)]))]);
    home.store().seal_now().unwrap();
    let newest = snapshot(&home).segments.last().unwrap().id();
    for value in 0..VALUES {
        let without = wanted(value).map(|one| snapshot(&home).segments_without(&one));
        assert!(!without[1].contains(&newest));
    }
    let either = Wanted::Any(wanted(59).to_vec());
    assert!(!snapshot(&home).segments_without(&either).contains(&newest));
    let both = Wanted::All(wanted(59).to_vec());
    assert!(snapshot(&home).segments_without(&both).contains(&newest));
}

#[test]
fn filters_that_do_not_have_the_rows_values_are_found_and_made_anew() {
    let mut home = filled();
    let before = sums(&home);
    home.stop();
    for path in home.files("directory") {
        let (mut directory, seal) = varve_segment::Directory::read(&path).unwrap();
        let filter = directory.value_filter.as_mut().unwrap();
        filter.filter = [].into_iter().collect();
        std::fs::write(&path, directory.to_bytes(&seal).unwrap()).unwrap();
    }
    let data_dir = home.folder.path().to_owned();
    let settings =
        CheckSettings { data_dir: data_dir.clone(), tenant: None, depth: Depth::Rows, workers: 2 };
    let checked = || check(&settings, &UpkeepProgress::default()).unwrap();
    let found = format!("{:?}", checked());
    assert!(found.contains("does not have 20 span ids and values of the rows"), "{found}");
    let repairing = RepairSettings {
        data_dir,
        dry_run: false,
        text_block_rows: 4,
        filter_attributes: filtering(),
        workers: 2,
    };
    let log = home.log.clone() as std::sync::Arc<dyn varve_log::Log>;
    repair(&repairing, &mut || Ok(log.clone()), &UpkeepProgress::default()).unwrap();
    let found = format!("{:?}", checked());
    assert!(!found.contains("span ids and values"), "{found}");
    home.restart();
    assert_eq!(sums(&home), before);
}
