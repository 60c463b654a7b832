//! Every file of a store harmed in every way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use varve_view::{Depth, Part};

use super::{TABLES, all_files, answers, checked, filled, repaired, whole};
use crate::support::{Home, tenant};

/// What is done to a file: removed, cut at a place, or a byte of it changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Harm {
    Remove,
    Cut(usize),
    Flip(usize),
}

impl Harm {
    /// Many places, the ends among them: magic, pages, index, footer, checksum.
    pub(super) fn all(bytes: usize) -> Vec<Self> {
        let mut places: Vec<usize> = (0..bytes).step_by((bytes / 12).max(1)).collect();
        places.extend([1, bytes - 1, bytes - 5, bytes - 9, bytes.saturating_sub(100)]);
        let mut all: Vec<Self> = places.iter().copied().map(Self::Flip).collect();
        all.extend([Self::Remove, Self::Cut(0), Self::Cut(bytes / 2), Self::Cut(bytes - 1)]);
        all
    }

    pub(super) fn to(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        match self {
            Self::Remove => return fs::remove_file(path).unwrap(),
            Self::Cut(at) => bytes.truncate(at),
            Self::Flip(at) => bytes[at] ^= 0x10,
        }
        fs::write(path, bytes).unwrap();
    }
}

/// The files of the first segment of every table.
fn first_files(home: &Home) -> Vec<PathBuf> {
    let all = ["parquet", "directory", "text"].into_iter().flat_map(|one| home.files(one));
    // The first four segments have the lowest numbers.
    let number = |path: &PathBuf| {
        path.file_stem().unwrap().to_string_lossy().trim_start_matches('0').parse().unwrap_or(0u64)
    };
    all.filter(|path| number(path) < 4).collect()
}

/// Harms each file in each way, and looks at what becomes of it.
fn each_harm(home: &mut Home, mut look: impl FnMut(&mut Home, &Path, Harm)) {
    let sound = all_files(home.folder.path());
    let files = first_files(home);
    assert_eq!(files.len(), 9);
    for path in files {
        for harm in Harm::all(fs::metadata(&path).unwrap().len() as usize) {
            harm.to(&path);
            look(home, &path, harm);
            for folder in ["segments", "quarantine", "manifest"] {
                drop(fs::remove_dir_all(home.folder.path().join(folder)));
            }
            for (path, bytes) in &sound {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

#[test]
fn any_damage_to_any_file_is_found_and_named() {
    let mut home = filled(false);
    each_harm(&mut home, |home, path, harm| {
        for depth in [Depth::Checksums, Depth::Rows] {
            let report = checked(home, depth);
            assert!(report.is_damaged, "{} {harm:?}", path.display());
            let parts: Vec<_> = report.findings.iter().map(|one| one.path.as_path()).collect();
            assert_eq!(parts, [path], "{harm:?} {report:?}");
            let segment = report.findings[0].segment.as_ref().unwrap();
            assert_eq!(segment.tenant, tenant("shop"));
        }
    });
}

#[test]
fn any_damage_is_mended_where_the_rows_are_sound_and_else_it_is_said_what_is_lost() {
    let mut home = filled(false);
    each_harm(&mut home, |home, path, harm| {
        let report = repaired(home);
        let what = format!("{} {harm:?} {report:?}", path.display());
        let is_lost = path.extension().unwrap() == "parquet";
        assert_eq!(
            (report.lost.len(), report.repaired.len()),
            (usize::from(is_lost), usize::from(!is_lost)),
            "{what}"
        );
        let checked = checked(home, Depth::Rows);
        assert_eq!(checked.is_damaged, is_lost, "{what}");
        assert!(checked.findings.iter().all(|one| one.part == Part::Quarantine), "{what}");
        let again = repaired(home);
        assert_eq!((again.lost, again.repaired.len()), (report.lost.clone(), 0), "{what}");
        let mut expected = whole();
        if let Some(lost) = report.lost.first() {
            let at = TABLES.iter().position(|table| *table == lost.table).unwrap();
            expected[at].0 /= 2;
            let got = answers(home);
            assert_eq!(got[at].1.len(), 1, "{what}");
            assert!(got[at].1[0].contains(&format!("{} records of", lost.records)), "{what}");
            expected[at].1.clone_from(&got[at].1);
            assert_eq!(got, expected, "{what}");
        } else {
            assert_eq!(answers(home), expected, "{what}");
        }
    });
}

#[test]
fn rows_are_taken_from_the_log_where_it_has_them() {
    let mut home = filled(true);
    each_harm(&mut home, |home, path, harm| {
        let report = repaired(home);
        let what = format!("{} {harm:?} {report:?}", path.display());
        assert_eq!((report.lost.len(), report.repaired.len()), (0, 1), "{what}");
        assert_eq!(checked(home, Depth::Rows).findings, [], "{what}");
        assert_eq!(answers(home), whole(), "{what}");
    });
}

#[test]
fn merged_segments_are_taken_from_the_log_as_well() {
    let mut home = filled(true);
    home.restart();
    home.store().compact_now().unwrap();
    home.stop();
    let files = home.files("parquet");
    assert_eq!(files.len(), 4);
    for path in &files {
        Harm::Remove.to(path);
    }
    assert_eq!(repaired(&home).lost, []);
    assert_eq!(checked(&home, Depth::Rows).findings, []);
    assert_eq!(answers(&mut home), whole());
}
