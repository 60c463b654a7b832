//! Damage to each part of a store: what a check says of it, and what a repair makes of it.

mod harm;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use varve_log::{Hold, Log};
use varve_segment::Directory;
use varve_types::Table;
use varve_view::{
    CheckReport, CheckSettings, Depth, FilterAttributes, LabelMatch, MatchKind, NewDelete, Part,
    RepairReport, RepairSettings, UpkeepError, UpkeepProgress, check, repair,
};

use self::harm::Harm;
use crate::support::{Home, Line, logs, metadata, rows, samples, spans, tenant};

const TABLES: [Table; 4] = [Table::Logs, Table::Spans, Table::Samples, Table::Metadata];

/// Two segments of each table, all rows of them sealed. `is_held`: the log keeps what was sealed.
fn filled(is_held: bool) -> Home {
    let mut home = Home::new();
    if is_held {
        let (name, owner) = ("test".into(), "test".into());
        let hold = Hold { name, owner, max_age_ms: 3_600_000, from: BTreeMap::new() };
        home.log.hold(hold).unwrap();
    }
    for from in [0i64, 40] {
        let lines: Vec<Line> =
            (from..from + 40).map(|at| ((at % 3) as u8, at, format!("line {at}"))).collect();
        let traces: Vec<_> = (from..from + 40).map(|at| ((at % 7) as u8, at, at as u8)).collect();
        let points: Vec<_> =
            (from..from + 40).map(|at| ((at % 3) as u8, at, (at as f64).to_bits())).collect();
        let names = [(from as u8, 1), (from as u8, 1), (from as u8 + 1, 2)];
        home.append(&tenant("shop"), vec![(Table::Logs, logs(&lines))]);
        home.append(&tenant("shop"), vec![(Table::Spans, spans(&traces))]);
        home.append(&tenant("shop"), vec![(Table::Samples, samples(&points))]);
        home.append(&tenant("shop"), vec![(Table::Metadata, metadata(&names))]);
        home.store().seal_now().unwrap();
    }
    home.stop();
    home
}

fn checked(home: &Home, depth: Depth) -> CheckReport {
    let data_dir = home.folder.path().to_owned();
    let settings = CheckSettings { data_dir, tenant: None, depth, workers: 2 };
    check(&settings, &UpkeepProgress::default()).unwrap()
}

fn try_repair(home: &Home) -> Result<RepairReport, UpkeepError> {
    let data_dir = home.folder.path().to_owned();
    let settings = RepairSettings {
        data_dir,
        dry_run: false,
        text_block_rows: 4,
        filter_attributes: FilterAttributes::default(),
        workers: 2,
    };
    let log = home.log.clone() as Arc<dyn Log>;
    repair(&settings, &mut || Ok(log.clone()), &UpkeepProgress::default())
}

fn repaired(home: &Home) -> RepairReport {
    try_repair(home).unwrap()
}

/// All rows and warnings of a start, by table.
fn answers(home: &mut Home) -> Vec<(usize, Vec<String>)> {
    home.restart();
    let shop = tenant("shop");
    let answers = TABLES.map(|table| {
        let snapshot = home.store().snapshot(&shop, table);
        let count = match table {
            Table::Samples => crate::support::all_samples(&snapshot, i64::MIN, i64::MAX).len(),
            _ => rows(table, &snapshot).len(),
        };
        (count, snapshot.warnings)
    });
    home.stop();
    answers.to_vec()
}

fn whole() -> Vec<(usize, Vec<String>)> {
    [80, 80, 80, 4].map(|count| (count, Vec::new())).to_vec()
}

fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut waiting = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_sound_store_has_nothing_to_say_and_repair_touches_nothing() {
    let home = filled(false);
    let before = all_files(home.folder.path());
    for depth in [Depth::Checksums, Depth::Rows] {
        let report = checked(&home, depth);
        assert_eq!(report.findings, []);
        assert!(!report.is_damaged);
        assert_eq!(report.segments, 8);
        assert_eq!(report.rows > 0, depth == Depth::Rows);
    }
    assert_eq!(repaired(&home), RepairReport { segments: 8, ..RepairReport::default() });
    assert!(all_files(home.folder.path()) == before);
}

#[test]
fn a_merged_store_is_sound_too() {
    let mut home = filled(false);
    home.restart();
    home.store().compact_now().unwrap();
    home.stop();
    assert_eq!(checked(&home, Depth::Rows).findings, []);
    assert_eq!(answers(&mut home), whole());
}

#[test]
fn a_folder_without_a_store_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_owned();
    let settings = CheckSettings { data_dir, tenant: None, depth: Depth::Rows, workers: 1 };
    let report = check(&settings, &UpkeepProgress::default()).unwrap();
    assert_eq!(report, CheckReport::default());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

type Change = fn(&mut Directory);

#[test]
fn a_directory_that_is_whole_but_not_of_these_rows_is_found_in_the_rows_and_made_anew() {
    let mut home = filled(false);
    let changes: [(&str, Change); 3] = [
        ("logs", |directory| directory.label_sets[0].rows.end -= 1),
        ("logs", |directory| directory.trace_filter = Some([].into_iter().collect())),
        ("spans", |directory| directory.trace_marks[0] = [9; 16]),
    ];
    for (table, change) in changes {
        let path = home.folder.path().join("segments/shop").join(table);
        let path = fs::read_dir(path).unwrap().map(|one| one.unwrap().path());
        let path = path.filter(|path| path.extension().unwrap() == "directory").min().unwrap();
        let (mut directory, seal) = Directory::read(&path).unwrap();
        change(&mut directory);
        fs::write(&path, directory.to_bytes(&seal).unwrap()).unwrap();
        let findings = checked(&home, Depth::Rows).findings;
        let of_directory = findings.iter().find(|one| one.part == Part::Directory).unwrap();
        assert_eq!(of_directory.path, path);
        assert_eq!(repaired(&home).lost, []);
        assert_eq!(checked(&home, Depth::Rows).findings, []);
    }
    assert_eq!(answers(&mut home), whole());
}

#[test]
fn a_text_index_of_other_lines_is_found_by_looking_words_up() {
    let mut home = filled(false);
    let path = &home.files("text")[0];
    let others: Vec<String> = (0..40).map(|at| format!("other {at}")).collect();
    let index = varve_text::build(others.iter().map(String::as_str), 4).unwrap();
    fs::write(path, index).unwrap();
    let findings = checked(&home, Depth::Rows).findings;
    assert_eq!(findings[0].part, Part::Text);
    assert!(findings[0].what.starts_with("it does not lead to the words of row"), "{findings:?}");
    assert_eq!(repaired(&home).repaired.len(), 1);
    assert_eq!(checked(&home, Depth::Rows).findings, []);
    assert_eq!(answers(&mut home), whole());
}

#[test]
fn a_damaged_manifest_is_refused_at_a_start_and_its_copy_is_put_in_its_place() {
    let mut home = filled(false);
    let path = home.folder.path().join("manifest/manifest.json");
    let sound = fs::read(&path).unwrap();
    for harm in Harm::all(sound.len()) {
        harm.to(&path);
        assert!(home.open().is_err(), "{harm:?}");
        let report = checked(&home, Depth::Checksums);
        assert!(report.is_damaged);
        assert_eq!((report.findings.len(), report.segments), (1, 8), "{harm:?}");
        assert_eq!(report.findings[0].path, path);
        assert_eq!(repaired(&home).repaired.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), sound);
    }
    assert_eq!(answers(&mut home), whole());
}

#[test]
fn a_manifest_without_a_sound_copy_is_said_to_need_a_backup() {
    let home = filled(false);
    let folder = home.folder.path().join("manifest");
    Harm::Flip(40).to(&folder.join("manifest.json"));
    Harm::Cut(40).to(&folder.join("manifest.copy.json"));
    let report = checked(&home, Depth::Rows);
    assert!(report.is_damaged);
    assert_eq!(report.findings[0].remedy, "restore the data directory from a backup");
    let before = all_files(home.folder.path());
    let refused = try_repair(&home).unwrap_err().to_string();
    assert!(refused.contains("its checksum is another"), "{refused}");
    assert!(all_files(home.folder.path()) == before);
}

#[test]
fn a_manifest_of_a_later_version_is_neither_checked_nor_repaired() {
    let home = filled(false);
    let later = r#"{"version":3,"nextId":0,"covered":[],"segments":[]}"#;
    fs::write(home.folder.path().join("manifest/manifest.json"), later).unwrap();
    let settings = CheckSettings {
        data_dir: home.folder.path().to_owned(),
        tenant: None,
        depth: Depth::Rows,
        workers: 1,
    };
    let before = all_files(home.folder.path());
    let refused = check(&settings, &UpkeepProgress::default()).unwrap_err();
    for refused in [refused, try_repair(&home).unwrap_err()] {
        let refused = refused.to_string();
        assert!(refused.ends_with("reads 1 to 2; start the version that wrote it"), "{refused}");
    }
    assert!(all_files(home.folder.path()) == before);
}

#[test]
fn a_copy_that_is_behind_is_no_damage_and_the_next_start_renews_it() {
    let mut home = filled(false);
    let copy = home.folder.path().join("manifest/manifest.copy.json");
    for by_repair in [false, true] {
        fs::write(&copy, "{").unwrap();
        let report = checked(&home, Depth::Checksums);
        assert_eq!((report.findings.len(), report.is_damaged), (1, false));
        assert_eq!(report.findings[0].part, Part::Leftover);
        if by_repair {
            assert_eq!(repaired(&home).repaired.len(), 1);
        } else {
            assert_eq!(answers(&mut home), whole());
        }
        assert_eq!(checked(&home, Depth::Checksums).findings, []);
    }
}

#[test]
fn what_no_manifest_names_is_left_over_and_removed() {
    let mut home = filled(false);
    let left = ["manifest/manifest.json.new", "segments/shop/logs/0000000000000099.parquet"];
    let left = left.map(|path| home.folder.path().join(path));
    for by_repair in [true, false] {
        for path in &left {
            fs::write(path, "half").unwrap();
        }
        let report = checked(&home, Depth::Rows);
        let paths: Vec<_> = report.findings.iter().map(|one| one.path.clone()).collect();
        assert_eq!((paths.as_slice(), report.is_damaged), (&left[..], false));
        if by_repair {
            assert_eq!(repaired(&home).removed, left);
        } else {
            assert_eq!(answers(&mut home), whole());
        }
        assert_eq!(checked(&home, Depth::Rows).findings, []);
    }
}

#[test]
fn a_check_of_one_tenant_says_nothing_of_others() {
    let home = filled(false);
    Harm::Remove.to(&home.files("text")[0]);
    for (name, findings, segments) in [("shop", 1, 8), ("other", 0, 0)] {
        let settings = CheckSettings {
            data_dir: home.folder.path().to_owned(),
            tenant: Some(tenant(name)),
            depth: Depth::Rows,
            workers: 2,
        };
        let report = check(&settings, &UpkeepProgress::default()).unwrap();
        assert_eq!((report.findings.len(), report.segments), (findings, segments));
    }
}

#[test]
fn a_segment_that_a_start_set_aside_comes_back_from_its_own_rows() {
    let mut home = filled(false);
    Harm::Remove.to(&home.files("directory")[0]);
    let warned = answers(&mut home);
    assert_eq!(warned.iter().map(|(_, warnings)| warnings.len()).sum::<usize>(), 1);
    let report = checked(&home, Depth::Rows);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].part, Part::Quarantine);
    let report = repaired(&home);
    assert_eq!((report.lost.len(), report.repaired.len()), (0, 1));
    assert_eq!(checked(&home, Depth::Rows).findings, []);
    assert_eq!(answers(&mut home), whole());
}

#[test]
fn what_was_to_be_erased_while_its_segment_was_set_aside_stays_hidden_when_that_comes_back() {
    let mut home = filled(false);
    Harm::Remove.to(&home.files("directory")[0]);
    home.restart();
    let what = NewDelete {
        table: Table::Logs,
        labels: vec![LabelMatch {
            name: "app".to_owned(),
            kind: MatchKind::Equal,
            value: "s0".to_owned(),
        }],
        lines: Vec::new(),
        spans: Vec::new(),
        from_ms: 0,
        to_ms: 1,
    };
    let request = home.store().create_delete(&tenant("shop"), what).unwrap();
    assert_eq!(request.pending.len(), 1);
    home.stop();
    assert_eq!(repaired(&home).repaired.len(), 1);
    // Of 80 lines 27 are of the stream: those of the other segment were hidden before.
    home.restart();
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
    let sets = snapshot.segments.iter().flat_map(|segment| segment.label_sets());
    assert_eq!(sets.map(|set| set.count).sum::<u64>(), 53);
    assert!(snapshot.warnings.is_empty());
    let request = home.store().list_deletes(&tenant("shop")).swap_remove(0);
    assert_eq!(request.pending.len(), 2);
    assert_eq!(request.pending.iter().map(|one| one.records).sum::<u64>(), 27);
}
