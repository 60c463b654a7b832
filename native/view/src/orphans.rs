//! Files that nothing names.

use std::{collections::HashSet, fs, io, path::PathBuf};

use crate::{
    files::{Folders, below},
    manifest::Manifest,
};

/// What a process that was killed left half made: files of segments that the manifest does not name, and
/// a manifest that has not got its name.
pub(crate) fn find(manifest: &Manifest, folders: &Folders) -> io::Result<Vec<PathBuf>> {
    let named: HashSet<PathBuf> =
        manifest.segments.iter().flat_map(|entry| folders.segment(entry).all()).collect();
    let mut orphans = Vec::new();
    if folders.segments().is_dir() {
        orphans
            .extend(below(&folders.segments())?.into_iter().filter(|path| !named.contains(path)));
    }
    if folders.manifest().is_dir() {
        let is_new = |path: &PathBuf| path.extension().is_some_and(|one| one == "new");
        orphans.extend(below(&folders.manifest())?.into_iter().filter(is_new));
    }
    orphans.sort();
    Ok(orphans)
}

/// Removes them.
pub(crate) fn remove(manifest: &Manifest, folders: &Folders) -> io::Result<()> {
    find(manifest, folders)?.iter().try_for_each(fs::remove_file)
}
