//! Faults of the machine itself: a file system that fills, and a C library whose syncs fail.

use crate::support::{LOGS_0, SPANS_1, append, open, payloads, settings, views};
use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};
use varve_log::{AppendError, DiskReserve, Journal, Log, Runtime};

/// `all`: whatever the machine could have is there, as in CI.
const TEST_PROGRAMS: &str = "TEST_PROGRAMS";

/// A file system in memory, as long as it lives.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// `None` where it must not be mounted; that is said past the capture of what tests print. Where all
    /// programs are there ([`TEST_PROGRAMS`]) nothing else keeps it from being mounted.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path());
        let (mounted, told) = match mount.output() {
            Ok(output) => (output.status.success(), String::from_utf8_lossy(&output.stderr).into()),
            Err(error) => (false, error.to_string()),
        };
        if mounted {
            return Some(Self(dir));
        }
        let is_forbidden = ["permission denied", "must be superuser", "not permitted"]
            .iter()
            .any(|reason| told.to_lowercase().contains(reason));
        let is_needed = env::var_os(TEST_PROGRAMS).is_some_and(|programs| programs == "all");
        assert!(is_forbidden || !is_needed, "mounting a tmpfs failed: {told}");
        let skipped = format!("\nNOT TESTED: a file system that fills. No tmpfs: {told}\n");
        io::stderr().write_all(skipped.as_bytes()).unwrap();
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_that_fills_is_refused_in_good_time_and_taken_again_once_there_is_room() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    let mut settings = settings(disk.path());
    settings.disk_reserve = DiskReserve { min_bytes: 200 << 10, min_percent: 100 };
    let journal = Journal::open(settings, Runtime::real()).unwrap();
    let mut stored = 0;
    let refused = loop {
        match append(&journal, &[(LOGS_0, &[7; 5_000])]) {
            Ok(_) => stored += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, AppendError::DiskFull(_)), "{refused}");
    assert_eq!(payloads(&journal, LOGS_0).len(), stored);
    assert!(stored > 50);
    let free_bytes = fs4::available_space(disk.path()).unwrap();
    assert!(free_bytes >= 200 << 10, "{free_bytes} bytes are left for what frees some");
    // What is trimmed makes room, and nothing was lost by the refusal.
    journal.trim(&views(), &[(LOGS_0, journal.tail(LOGS_0))]);
    append(&journal, &[(SPANS_1, b"after")]).unwrap();
    assert_eq!(journal.status().read_only, None);
    // Somebody else fills it to the last byte: what was reserved can still be written and read.
    let other = disk.path().join("other");
    let filled = fs::write(&other, vec![0; 1 << 20]);
    assert!(filled.is_err());
    fs::remove_file(&other).unwrap();
    append(&journal, &[(SPANS_1, b"and again")]).unwrap();
    drop(journal);
    let journal = open(disk.path()).unwrap();
    assert_eq!(payloads(&journal, SPANS_1), [b"after".to_vec(), b"and again".to_vec()]);
}

/// Builds the library that stands before the C library.
fn failing_sync(dir: &Path) -> PathBuf {
    let library = dir.join("failing_sync.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/failing_sync.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    let built = compiler.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

/// Runs one of this program's tests with the library before its C library.
fn run_with(library: &Path, test: &str, dir: &Path, switch: &Path) {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test, "--ignored", "--nocapture"]);
    child.env("LD_PRELOAD", library).env("JOURNAL_DIR", dir).env("SYNC_FAILS_WITH", switch);
    let output = child.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

fn test_dir() -> PathBuf {
    PathBuf::from(env::var_os("JOURNAL_DIR").unwrap())
}

#[test]
fn a_sync_that_the_system_fails_turns_the_journal_read_only_and_is_not_repeated() {
    let home = tempfile::tempdir().unwrap();
    let library = failing_sync(home.path());
    let dir = home.path().join("data");
    let switch = home.path().join("fail");
    run_with(&library, "real_faults::while_syncs_fail", &dir, &switch);
    // What was told is there; what failed may be.
    let found = payloads(&open(&dir).unwrap(), LOGS_0);
    assert_eq!(found[..1], [b"before".to_vec()]);
    assert!(found.len() <= 2);
}

#[test]
#[ignore = "run by the test above, with a library before the C library"]
fn while_syncs_fail() {
    let journal = open(&test_dir()).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    let switch = PathBuf::from(env::var_os("SYNC_FAILS_WITH").unwrap());
    fs::write(&switch, b"").unwrap();
    let refused = append(&journal, &[(LOGS_0, b"during")]).unwrap_err().to_string();
    assert!(refused.contains("fsync of") && refused.contains("read-only"), "{refused}");
    fs::remove_file(&switch).unwrap();
    // The disk answers again, and is not believed.
    let refused = append(&journal, &[(LOGS_0, b"after")]).unwrap_err();
    assert!(matches!(refused, AppendError::ReadOnly { .. }));
    assert_eq!(payloads(&journal, LOGS_0), [b"before"]);
}
