//! What a journal does while its disk fills, and when there is room again.

use crate::support::{
    LOGS_0, SPANS_1, append, crash_image, faulty_runtime, files, others, payloads, settings,
    start_append, views,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use varve_log::{
    AppendError, DiskReserve, DiskShortage, Journal, JournalSettings, Log, OpenError, Runtime,
    runtime::{Clock, faults::Faults},
};
use varve_types::Lsn;

const MIB: u64 = 1 << 20;

/// A clock that moves when it is told to.
#[derive(Default)]
pub(crate) struct ManualClock {
    pub(crate) elapsed_ms: AtomicU64,
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::Relaxed))
    }
}

/// A disk that says what it is told to.
struct ToldDisk {
    faults: Arc<Faults>,
    clock: Arc<ManualClock>,
    runtime: Runtime,
}

impl ToldDisk {
    fn new() -> Self {
        let (mut runtime, faults) = faulty_runtime();
        let clock = Arc::new(ManualClock::default());
        runtime.clock = clock.clone();
        Self { faults, clock, runtime }
    }

    /// From a second later on it says that it has so much free.
    fn has_free(&self, free_bytes: u64) {
        self.faults.set_free_bytes(Some(free_bytes));
        self.clock.elapsed_ms.fetch_add(1_000, Ordering::Relaxed);
    }
}

fn keeping_free(dir: &Path, min_bytes: u64) -> JournalSettings {
    let disk_reserve = DiskReserve { min_bytes, min_percent: 100 };
    JournalSettings { disk_reserve, ..settings(dir) }
}

fn shortage(refused: AppendError) -> DiskShortage {
    let AppendError::DiskFull(shortage) = refused else { panic!("{refused}") };
    shortage
}

#[test]
fn appends_are_refused_below_what_has_to_stay_free_and_taken_again_with_a_quarter_more() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    let journal = Journal::open(keeping_free(home.path(), MIB), disk.runtime.clone()).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    assert_eq!(journal.status().disk.resume_bytes, None);

    disk.has_free(MIB - 1);
    let refused = append(&journal, &[(LOGS_0, b"refused")]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "the disk of {} has 1048575 bytes free and the journal needs 1048576 to write; it goes on by itself at 1310720. Free some, add disk, or lower log.disk_free_min_bytes or log.disk_free_min_percent",
            home.path().join("journal").display()
        )
    );
    let status = journal.status().disk;
    assert_eq!((status.free_bytes, status.min_bytes), (MIB - 1, MIB));
    assert_eq!(status.resume_bytes, Some(1_310_720));
    assert_eq!(payloads(&journal, LOGS_0), [b"before"]);

    disk.has_free(1_310_719);
    append(&journal, &[(LOGS_0, b"refused too")]).unwrap_err();
    disk.has_free(1_310_720);
    append(&journal, &[(LOGS_0, b"after")]).unwrap();
    assert_eq!(journal.status().disk.resume_bytes, None);
    // Only below the lower figure is it short again.
    disk.has_free(MIB);
    append(&journal, &[(LOGS_0, b"still")]).unwrap();
    assert_eq!(payloads(&journal, LOGS_0).len(), 3);
}

#[test]
fn on_a_small_disk_a_share_of_it_stays_free() {
    let reserve = DiskReserve { min_bytes: 1024 * MIB, min_percent: 5 };
    assert_eq!(reserve.of(200 * 1024 * MIB), 1024 * MIB);
    assert_eq!(reserve.of(100 * MIB), 5 * MIB);
    assert_eq!(DiskReserve { min_percent: 0, ..reserve }.of(100 * MIB), 0);

    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    disk.faults.set_total_bytes(Some(100 * MIB));
    let settings = JournalSettings { disk_reserve: reserve, ..settings(home.path()) };
    let journal = Journal::open(settings, disk.runtime.clone()).unwrap();
    disk.has_free(6 * MIB);
    append(&journal, &[(LOGS_0, b"taken")]).unwrap();
    disk.has_free(4 * MIB);
    let refused = shortage(append(&journal, &[(LOGS_0, b"refused")]).unwrap_err());
    assert_eq!(refused.needed_bytes, 5 * MIB);
}

#[test]
fn a_new_file_is_not_begun_on_the_space_that_has_to_stay_free() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    let journal = Journal::open(keeping_free(home.path(), 1000), disk.runtime.clone()).unwrap();
    disk.has_free(2000);
    let refused = shortage(append(&journal, &[(LOGS_0, b"refused")]).unwrap_err());
    assert_eq!((refused.free_bytes, refused.needed_bytes), (2000, 66_536));
    assert!(files(home.path()).is_empty());
    // The door is shut until a file finds room, not only until the next request.
    assert_eq!(journal.status().disk.resume_bytes, Some(66_786));
    disk.has_free(66_785);
    append(&journal, &[(LOGS_0, b"refused too")]).unwrap_err();
    disk.has_free(140_000);
    append(&journal, &[(LOGS_0, b"taken")]).unwrap();
}

#[test]
fn files_become_smaller_where_little_room_is_left() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    let settings = JournalSettings { file_bytes: 8 * MIB, ..keeping_free(home.path(), MIB) };
    disk.has_free(7 * MIB);
    let journal = Journal::open(settings, disk.runtime.clone()).unwrap();
    append(&journal, &[(LOGS_0, b"x")]).unwrap();
    assert_eq!(files(home.path())[0].metadata().unwrap().len(), 3 * MIB);
    // What does not fit into it any more begins the next one.
    for _ in 0..4 {
        append(&journal, &[(LOGS_0, &vec![7; 900_000])]).unwrap();
    }
    assert_eq!(files(home.path()).len(), 2);
    let kept = payloads(&journal, LOGS_0).len();
    drop(journal);
    let journal = Journal::open(keeping_free(home.path(), MIB), disk.runtime).unwrap();
    assert_eq!((kept, payloads(&journal, LOGS_0).len()), (5, 5));
}

#[test]
fn a_file_that_finds_no_room_is_refused_and_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    faults.set_allocations_fail(true);
    let refused = append(&journal, &[(LOGS_0, b"refused")]).unwrap_err();
    assert!(matches!(refused, AppendError::DiskFull(_)), "{refused}");
    assert!(files(home.path()).is_empty(), "what was reserved is given back");
    faults.set_allocations_fail(false);
    assert_eq!(append(&journal, &[(LOGS_0, b"x")]).unwrap(), [Lsn::new(1, 0)]);
}

/// Else a machine whose disk is nearly full could not even be asked what is on it.
#[test]
fn a_start_on_a_disk_that_is_nearly_full_is_read_and_trimmed_and_takes_no_appends() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    let settings = || keeping_free(home.path(), MIB);
    let journal = Journal::open(settings(), disk.runtime.clone()).unwrap();
    append(&journal, &[(LOGS_0, b"before"), (SPANS_1, b"too")]).unwrap();
    drop(journal);
    disk.has_free(10_000);
    let journal = Journal::open(settings(), disk.runtime.clone()).unwrap();
    assert_eq!(payloads(&journal, LOGS_0), [b"before"]);
    shortage(append(&journal, &[(LOGS_0, b"refused")]).unwrap_err());
    let files_before = files(home.path());
    journal.trim(&views(), &[(LOGS_0, journal.tail(LOGS_0)), (SPANS_1, journal.tail(SPANS_1))]);
    assert!(!files(home.path()).contains(&files_before[0]), "its records are trimmed");
    assert_eq!(journal.status().trim_error, None);
    disk.has_free(2 * MIB);
    append(&journal, &[(LOGS_0, b"after")]).unwrap();
}

#[test]
fn a_start_on_a_disk_without_any_room_says_so() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime.clone()).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    let image = crash_image(home.path());
    faults.set_allocations_fail(true);
    let refused = Journal::open(settings(image.path()), runtime).err().unwrap();
    assert!(matches!(refused, OpenError::Write { .. }), "{refused}");
    assert!(refused.to_string().contains("bytes free"), "{refused}");
}

/// A journal that keeps two files to be written again.
fn with_two_spares(dir: &Path, disk: &ToldDisk) -> Journal {
    let journal = Journal::open(keeping_free(dir, MIB), disk.runtime.clone()).unwrap();
    while journal.status().files < 4 {
        append(&journal, &[(LOGS_0, &[7; 5_000])]).unwrap();
    }
    journal.trim(&views(), &[(LOGS_0, journal.tail(LOGS_0))]);
    assert_eq!(others(dir, "spare").len(), 2);
    journal
}

#[test]
fn a_disk_that_is_short_gets_back_the_files_that_were_kept_to_be_written_again() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    let journal = with_two_spares(home.path(), &disk);
    disk.has_free(1000);
    shortage(append(&journal, &[(LOGS_0, b"refused")]).unwrap_err());
    assert!(others(home.path(), "spare").is_empty());
}

/// What a file that was kept takes already is not what the next one may take besides.
#[test]
fn a_file_that_is_written_again_grows_no_further_into_what_has_to_stay_free_than_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    let disk = ToldDisk::new();
    drop(with_two_spares(home.path(), &disk));

    let larger = || JournalSettings { file_bytes: 64 * MIB, ..keeping_free(home.path(), MIB) };
    disk.has_free(5 * MIB);
    let journal = Journal::open(larger(), disk.runtime.clone()).unwrap();
    append(&journal, &[(LOGS_0, &vec![7; 1_100_000])]).unwrap();
    let newest = files(home.path()).pop().unwrap().metadata().unwrap().len();
    assert!((2 * MIB..2 * MIB + 65_536).contains(&newest), "{newest}");

    disk.has_free(MIB + 1000);
    shortage(append(&journal, &[(LOGS_0, &vec![7; 1_100_000])]).unwrap_err());
    assert_eq!(journal.status().read_only, None);
    assert!(others(home.path(), "spare").is_empty());
}

#[test]
fn the_first_record_of_a_partition_that_finds_no_room_is_refused_and_taken_later() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    faults.set_full(Some((home.path().join("meta"), 3)));
    shortage(append(&journal, &[(SPANS_1, b"refused")]).unwrap_err());
    append(&journal, &[(LOGS_0, b"meanwhile")]).unwrap();
    faults.set_full(None);
    assert_eq!(append(&journal, &[(SPANS_1, b"x")]).unwrap(), [Lsn::new(1, 0)]);
    assert_eq!(journal.status().read_only, None);
    let image = crash_image(home.path());
    let found = Journal::open(settings(image.path()), Runtime::real()).unwrap();
    assert_eq!((payloads(&found, LOGS_0).len(), payloads(&found, SPANS_1).len()), (2, 1));
}

/// As where the file system cannot set room aside for a file: it is full in the middle of one.
#[test]
fn a_group_that_finds_no_room_waits_for_it_and_those_behind_it_are_refused() {
    for arriving_bytes in [0, 1, 200, 600] {
        let home = tempfile::tempdir().unwrap();
        let (runtime, faults) = faulty_runtime();
        let journal = Journal::open(settings(home.path()), runtime).unwrap();
        append(&journal, &[(LOGS_0, b"before")]).unwrap();
        faults.set_full(Some((home.path().join("journal"), arriving_bytes)));
        let writes = faults.writes_seen();
        let waiting = start_append(&journal, &[(LOGS_0, &[7; 500])]).unwrap();
        // By the time that the log's thread takes another group this one waits for room.
        while faults.writes_seen() == writes {
            std::thread::yield_now();
        }
        shortage(append(&journal, &[(LOGS_0, b"refused")]).unwrap_err());
        assert!(waiting.try_recv().is_err());
        let image = crash_image(home.path());
        let found = Journal::open(settings(image.path()), Runtime::real()).unwrap();
        assert_eq!(payloads(&found, LOGS_0), [b"before"]);

        faults.set_full(None);
        assert_eq!(waiting.recv().unwrap().unwrap(), Lsn::new(1, 1));
        append(&journal, &[(LOGS_0, b"after")]).unwrap();
        assert_eq!(journal.status().read_only, None);
        drop(journal);
        let journal = Journal::open(settings(home.path()), Runtime::real()).unwrap();
        let expected = [b"before".to_vec(), vec![7; 500], b"after".to_vec()];
        assert_eq!(payloads(&journal, LOGS_0), expected);
    }
}

#[test]
fn a_log_that_is_closed_while_its_disk_is_full_tells_those_who_wait() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    faults.set_full(Some((home.path().join("journal"), 0)));
    let waiting = start_append(&journal, &[(LOGS_0, b"during")]).unwrap();
    journal.close();
    shortage(waiting.recv().unwrap().unwrap_err());
    drop(journal);
    faults.set_full(None);
    let journal = Journal::open(settings(home.path()), Runtime::real()).unwrap();
    assert_eq!(payloads(&journal, LOGS_0), [b"before"]);
}
