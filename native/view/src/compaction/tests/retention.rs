//! What retention hides while segments are written anew, and when they are.

use varve_columnar::builders::LogsBuilder;

use super::*;
use crate::{
    LabelMatch, MatchKind, NewDelete, Retention, StreamRetention, UpkeepSettings,
    test_rows::log_row,
};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A line: the value of its stream's label `app`, and when, milliseconds since the epoch.
type Line = (&'static str, i64);

/// A store whose rows are kept ten hours, those of the stream `brief` one, those of `noisy` up to a size.
struct Home {
    folder: tempfile::TempDir,
    store: Store,
    now_ms: i64,
}

impl Home {
    fn new(noisy_max_bytes: u64, expired_rewrite_period_ms: u64) -> Self {
        let kept = |hours: u64| Retention { max_age_ms: hours * 3_600_000, max_bytes: 0 };
        let mut upkeep = UpkeepSettings { expired_rewrite_period_ms, ..UpkeepSettings::OFF };
        upkeep.retention.standard = [(Table::Logs, kept(10))].into();
        let noisy = Retention { max_bytes: noisy_max_bytes, ..kept(10) };
        upkeep.retention.streams = vec![rule("brief", kept(1)), rule("noisy", noisy)];
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings { upkeep, ..StoreSettings::quiet(folder.path()) };
        let store = Store::open(Arc::new(MemoryLog::new(1)), settings).unwrap();
        Self { folder, store, now_ms: now_ms() }
    }

    /// Seals rows.
    fn seal(&self, tenant: &str, lines: &[Line]) {
        let tenant = TenantId::parse(tenant).unwrap();
        let (told, fate) = mpsc::channel();
        let done = Box::new(move |outcome| told.send(outcome).unwrap());
        self.store.append(&tenant, vec![(Table::Logs, logs(lines))], 0, done);
        fate.recv().unwrap().unwrap();
        self.store.seal_now().unwrap();
    }

    fn segments(&self, tenant: &str) -> Vec<Arc<Segment>> {
        let state = self.store.shared().state.read();
        let list = state.segments.get(&(TenantId::parse(tenant).unwrap(), Table::Logs));
        list.map(|list| list.to_vec()).unwrap_or_default()
    }

    /// How many rows of a stream are shown.
    fn count(&self, tenant: &str, app: &str) -> u64 {
        let segments = self.segments(tenant);
        let sets = segments.iter().flat_map(|one| one.label_sets());
        sets.filter(|set| set.text.contains(app)).map(|set| set.count).sum()
    }

    /// A tenant's first segment with all its rows.
    fn whole(&self, tenant: &str) -> Arc<Segment> {
        let shared = self.store.shared();
        let entry = self.segments(tenant)[0].entry().clone();
        let folder = shared.folders.table(&entry.tenant, entry.table);
        Arc::new(Segment::open(entry, &folder, &shared.texts).unwrap())
    }

    fn merges(&self) -> u64 {
        self.store.status().compaction.merges_total
    }

    /// Whether a segment is written anew at a time.
    fn rewritten_at(&self, now_ms: i64) -> bool {
        self.store.shared().segment_to_rewrite(now_ms, &|_| true).is_some()
    }

    fn parquet_of(&self, tenant: &str) -> PathBuf {
        let id = self.segments(tenant)[0].id();
        let folder =
            self.store.shared().folders.table(&TenantId::parse(tenant).unwrap(), Table::Logs);
        assert!(folder.starts_with(self.folder.path()));
        SegmentFiles::of(&folder, id).parquet
    }
}

fn rule(app: &str, kept: Retention) -> StreamRetention {
    let label = LabelMatch { name: "app".into(), kind: MatchKind::Equal, value: app.into() };
    StreamRetention::new(None, Table::Logs, &[label], 1, kept).unwrap()
}

fn logs(lines: &[Line]) -> arrow::array::RecordBatch {
    let mut logs = LogsBuilder::default();
    for (app, time_ms) in lines {
        let stream = logs.intern_stream(&format!(r#"{{"app":"{app}"}}"#));
        logs.append(&log_row(stream, time_ms * 1_000_000, "line"));
    }
    logs.finish().unwrap()
}

#[test]
fn a_damaged_segment_is_set_aside_and_what_is_due_of_others_is_hidden() {
    let home = Home::new(0, 0);
    for tenant in ["bank", "shop"] {
        home.seal(tenant, &[("a", home.now_ms - HOUR_MS), ("a", home.now_ms)]);
    }
    let parquet = home.parquet_of("bank");
    let bytes = fs::read(&parquet).unwrap();
    fs::write(&parquet, vec![0; bytes.len()]).unwrap();
    drop(home.store.shared().expire(home.now_ms + 9 * HOUR_MS + MINUTE_MS));
    assert_eq!(home.count("shop", "\"a\""), 1);
    assert_eq!((home.segments("bank").len(), home.store.status().quarantined), (0, 1));
    // Nothing is left that retention could not look at.
    home.store.shared().expire_or_tell();
    assert_eq!(home.store.status().retention_error, None);
}

#[test]
fn a_segment_that_cannot_be_read_now_is_told_and_what_is_due_of_others_is_hidden() {
    let home = Home::new(0, 0);
    for tenant in ["bank", "shop"] {
        home.seal(tenant, &[("a", home.now_ms - HOUR_MS), ("a", home.now_ms)]);
    }
    let parquet = home.parquet_of("bank");
    let moved = parquet.with_extension("moved");
    fs::rename(&parquet, &moved).unwrap();
    std::os::unix::fs::symlink(&parquet, &parquet).unwrap();
    let later = home.now_ms + 9 * HOUR_MS + MINUTE_MS;
    let error = home.store.shared().expire(later).unwrap_err().to_string();
    assert!(error.contains(".parquet"), "{error}");
    assert_eq!((home.count("shop", "\"a\""), home.count("bank", "\"a\"")), (1, 2));
    // It is not damaged: it stays, and is looked at again.
    assert_eq!(home.store.status().quarantined, 0);
    fs::rename(&moved, &parquet).unwrap();
    home.store.shared().expire(later).unwrap();
    assert_eq!((home.count("shop", "\"a\""), home.count("bank", "\"a\"")), (1, 1));
}

#[test]
fn a_panic_over_one_segment_is_told_and_what_is_due_of_others_is_hidden() {
    let home = Home::new(0, 0);
    for tenant in ["bank", "shop"] {
        home.seal(tenant, &[("a", home.now_ms - 11 * HOUR_MS), ("a", home.now_ms)]);
    }
    let shared = home.store.shared();
    let id = home.segments("bank")[0].id();
    // They are as a sealing without retention would leave them.
    for tenant in ["bank", "shop"] {
        let whole = home.whole(tenant);
        shared.state.write().exchange(&[whole]);
    }
    assert_eq!((home.count("bank", "\"a\""), home.count("shop", "\"a\"")), (2, 2));
    shared.retiring.lock().panics_at = Some(id);
    shared.expire_or_tell();
    let told = home.store.status().retention_error.unwrap();
    assert!(told.contains("panicked: a row that nobody expects"), "{told}");
    assert_eq!((home.count("bank", "\"a\""), home.count("shop", "\"a\"")), (2, 1));
    shared.retiring.lock().panics_at = None;
    shared.expire_or_tell();
    assert_eq!(home.store.status().retention_error, None);
    assert_eq!(home.count("bank", "\"a\""), 1);
}

#[test]
fn rows_are_on_the_disk_for_the_period_after_their_own_rule_made_them_due() {
    let home = Home::new(0, HOUR_MS as u64);
    let first_ms = home.now_ms - 10 * HOUR_MS - 5 * MINUTE_MS;
    let mut lines: Vec<Line> = (0..600).map(|at| ("a", first_ms + at * SECOND_MS)).collect();
    lines.extend([("brief", home.now_ms - MINUTE_MS), ("b", home.now_ms)]);
    home.seal("shop", &lines);
    let shared = home.store.shared();
    shared.expire(home.now_ms).unwrap();
    assert!(home.count("shop", "\"a\"") < 600);
    assert_eq!(home.segments("shop")[0].due_since_ms(), Some(first_ms + 10 * HOUR_MS));
    for _ in 0..5 {
        assert!(!shared.compact_once(Zeal::WhatPays).unwrap());
    }
    // The first row of the short rule is due too, but no longer than the others.
    shared.expire(home.now_ms + 2 * HOUR_MS).unwrap();
    assert_eq!(home.count("shop", "brief"), 0);
    assert!(home.rewritten_at(home.now_ms + HOUR_MS + MINUTE_MS));
    assert_eq!(home.merges(), 0);
}

#[test]
fn without_a_period_a_segment_is_still_not_written_anew_again_and_again() {
    let home = Home::new(0, 0);
    home.seal("shop", &[("a", home.now_ms - 11 * HOUR_MS), ("a", home.now_ms)]);
    home.store.shared().expire(home.now_ms).unwrap();
    assert_eq!(home.count("shop", "\"a\""), 1);
    assert!(!home.rewritten_at(home.now_ms + MINUTE_MS));
    assert!(home.rewritten_at(home.now_ms + 11 * MINUTE_MS));
}

#[test]
fn what_is_due_is_written_anew_once_though_more_is_due_meanwhile() {
    let home = Home::new(0, HOUR_MS as u64);
    // A row each millisecond, from those that are just hidden on.
    let first_ms = home.now_ms - 10 * HOUR_MS + 50 * SECOND_MS;
    let lines: Vec<Line> = (0..60 * SECOND_MS).map(|at| ("a", first_ms + at)).collect();
    home.seal("shop", &lines);
    home.store.expire_now().unwrap();
    assert_eq!(home.merges(), 1);
}

#[test]
fn segments_that_are_written_anew_do_not_keep_others_from_being_merged() {
    let home = Home::new(1, 0);
    for minutes in [3, 2, 1] {
        let at_ms = home.now_ms - minutes * MINUTE_MS;
        home.seal("bank", &[("noisy", at_ms), ("a", at_ms)]);
    }
    for minutes in [3, 2, 1] {
        home.seal("shop", &[("a", home.now_ms - minutes * MINUTE_MS)]);
    }
    let shared = home.store.shared();
    shared.expire(home.now_ms).unwrap();
    assert_eq!(home.count("bank", "noisy"), 1);
    // Two of the first tenant wait to be written anew; a merge has its turn between them.
    assert!(shared.compact_once(Zeal::AllThatCan).unwrap());
    assert_eq!(home.store.status().compaction.segments_merged_total, 1);
    assert!(shared.compact_once(Zeal::AllThatCan).unwrap());
    assert!(home.store.status().compaction.segments_merged_total > 2);
    while shared.compact_once(Zeal::AllThatCan).unwrap() {}
    assert!(!home.rewritten_at(home.now_ms));
}

/// Two segments that a merge has read, of which a look meanwhile finds the first over the size of `noisy`.
fn merged_meanwhile() -> (Home, Job) {
    let probe = Home::new(0, 0);
    probe.seal("shop", &[("noisy", probe.now_ms), ("a", probe.now_ms)]);
    // Half of each segment is under the rule: two of them fit, the third does not.
    let home = Home::new(probe.segments("shop")[0].size_bytes() * 5 / 4, 0);
    for minutes in [3, 2] {
        let at_ms = home.now_ms - minutes * MINUTE_MS;
        home.seal("shop", &[("noisy", at_ms), ("a", at_ms)]);
    }
    let key = (shop(), Table::Logs);
    let job = Job { key, inputs: home.segments("shop") };
    home.store.shared().expire(home.now_ms).unwrap();
    assert_eq!(home.count("shop", "noisy"), 2);
    home.seal("shop", &[("noisy", home.now_ms), ("a", home.now_ms)]);
    home.store.shared().expire(home.now_ms).unwrap();
    assert_eq!(home.count("shop", "noisy"), 2);
    (home, job)
}

#[test]
fn a_merge_does_not_show_again_what_went_over_its_size_meanwhile() {
    let (home, job) = merged_meanwhile();
    let shared = home.store.shared();
    shared.run(&job, &shared.compaction.lock(), home.now_ms).unwrap();
    assert_eq!((home.count("shop", "noisy"), home.count("shop", "\"a\"")), (2, 3));
    // What is due by age alone does not throw a merge away.
    shared.compact_all().unwrap();
    assert_eq!((home.count("shop", "noisy"), home.segments("shop").len()), (2, 1));
}

#[test]
fn what_is_over_its_size_stays_hidden_when_a_request_to_erase_is_cancelled() {
    let (home, _) = merged_meanwhile();
    let label = LabelMatch { name: "app".into(), kind: MatchKind::Equal, value: "a".into() };
    let what = NewDelete {
        table: Table::Logs,
        labels: vec![label],
        lines: Vec::new(),
        spans: Vec::new(),
        from_ms: 0,
        to_ms: home.now_ms,
    };
    let request = home.store.create_delete(&shop(), what).unwrap();
    assert_eq!(home.count("shop", "\"a\""), 0);
    home.store.cancel_delete(&shop(), request.id).unwrap();
    assert_eq!((home.count("shop", "noisy"), home.count("shop", "\"a\"")), (2, 3));
}
