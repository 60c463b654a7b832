use super::*;

fn folder() -> PathBuf {
    PathBuf::from("/data")
}

/// The content of a file as a crash leaves it; `None` where there is no such file.
fn left(disk: &CrashDisk, path: &Path, seed: u64) -> Option<Vec<u8>> {
    let file = disk.after_crash(seed).open(path).ok()?;
    let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    Some(bytes)
}

/// By which nothing survives that was not synced.
const NOTHING: u64 = 5;
const ALL: u64 = Dice::ALL;

#[test]
fn what_was_synced_survives_and_the_rest_may_or_may_not() {
    let disk = CrashDisk::default();
    disk.create_dir_all(&folder()).unwrap();
    let path = folder().join("file");
    let file = disk.create(&path).unwrap();
    file.write_all_at(b"synced", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(left(&disk, &path, NOTHING), None, "its folder does not name it yet");
    disk.sync_dir(&folder()).unwrap();
    file.write_all_at(b"S", 0).unwrap();
    file.set_len(3).unwrap();
    assert_eq!(left(&disk, &path, NOTHING).unwrap(), b"synced");
    assert_eq!(left(&disk, &path, ALL).unwrap(), b"Syn");
}

#[test]
fn a_long_write_may_be_torn_between_any_sectors() {
    let disk = CrashDisk::default();
    let path = PathBuf::from("/file");
    let file = disk.create(&path).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    file.write_all_at(&vec![7; 512 * 40], 0).unwrap();
    let torn = left(&disk, &path, 2).unwrap();
    let sectors: Vec<bool> = torn.chunks(512).map(|sector| sector == [7; 512]).collect();
    assert!(sectors.contains(&true) && sectors.contains(&false));
    assert!(torn.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
}

#[test]
fn a_rename_that_was_not_synced_is_undone_or_whole() {
    let disk = CrashDisk::default();
    let [old, new] = ["/old", "/new"].map(PathBuf::from);
    disk.create(&old).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk.rename(&old, &new).unwrap();
    for seed in 0..50 {
        let after = disk.after_crash(seed);
        assert!(after.open(&old).is_ok() != after.open(&new).is_ok());
    }
    assert!(disk.after_crash(NOTHING).open(&old).is_ok());
    assert!(disk.after_crash(ALL).open(&new).is_ok());
}

#[test]
fn removals_survive_in_any_order() {
    let disk = CrashDisk::default();
    let paths: Vec<PathBuf> = (0..4).map(|number| format!("/{number}").into()).collect();
    for path in &paths {
        disk.create(path).unwrap();
    }
    disk.sync_dir(Path::new("/")).unwrap();
    for path in &paths {
        disk.remove(path).unwrap();
    }
    let later_alone = |seed: u64| {
        let after = disk.after_crash(seed);
        after.open(&paths[0]).is_ok() && after.open(&paths[1]).is_err()
    };
    assert!((0..50).any(later_alone));
}

#[test]
fn a_folder_that_was_made_is_there_with_all_above_it() {
    let disk = CrashDisk::default();
    let path = PathBuf::from("/a/b/c");
    disk.create_dir_all(&path).unwrap();
    assert!(disk.after_crash(NOTHING).list(&path).is_ok());
    // One that its maker did not get to sync too.
    let made = PathBuf::from("/a/b/d");
    disk.create_dir(&made).unwrap();
    assert!(disk.after_crash(NOTHING).list(&made).is_err());
    disk.create_dir_all(&made).unwrap();
    assert!(disk.after_crash(NOTHING).list(&made).is_ok());
}

#[test]
fn without_power_nothing_changes_any_more() {
    let disk = CrashDisk::default();
    let file = disk.create(Path::new("/file")).unwrap();
    disk.lose_power_after(1);
    file.write_all_at(b"x", 0).unwrap();
    assert!(file.write_all_at(b"y", 0).is_err());
    assert!(disk.sync_dir(Path::new("/")).is_err());
    assert_eq!((file.len_bytes().unwrap(), disk.steps()), (1, 2));
}
