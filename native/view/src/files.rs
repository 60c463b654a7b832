//! Where segments and manifest are, and what is done with files as a whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use varve_types::{Table, TenantId};

use crate::entry::SegmentEntry;

/// The folders of a data directory that belong to the views.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("manifest")
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(crate) fn table(&self, tenant: &TenantId, table: Table) -> PathBuf {
        self.segments().join(tenant.as_str()).join(table.name())
    }

    /// The files of one segment.
    pub(crate) fn segment(&self, entry: &SegmentEntry) -> SegmentFiles {
        SegmentFiles::of(&self.table(&entry.tenant, entry.table), entry.id)
    }
}

/// The files of a segment: `<id>.parquet`, `<id>.directory` and, for logs, `<id>.text`.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFiles {
    pub(crate) parquet: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) text: PathBuf,
}

impl SegmentFiles {
    pub(crate) fn of(folder: &Path, id: u64) -> Self {
        Self::named(folder, &format!("{id:016}"))
    }

    pub(crate) fn named(folder: &Path, stem: &str) -> Self {
        let file = |extension: &str| folder.join(format!("{stem}.{extension}"));
        Self { parquet: file("parquet"), directory: file("directory"), text: file("text") }
    }

    pub(crate) fn all(self) -> [PathBuf; 3] {
        [self.parquet, self.directory, self.text]
    }

    /// Of those that are there.
    pub(crate) fn total_bytes(&self) -> io::Result<u64> {
        let mut total = 0;
        for path in self.clone().all() {
            match fs::metadata(path) {
                Ok(file) => total += file.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }
}

/// Writes a file whose bytes are on disk when this returns; its name is not, see [`sync_folder`].
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(bytes.len() as u64)
}

/// Gives a file new content as a whole, durably.
pub(crate) fn replace_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    write_synced(Path::new(&beside), bytes)?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Gives a file new content as a whole; its folder is not synced.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside: PathBuf = folder.join(format!("{name}.new"));
    write_synced(&beside, bytes)?;
    fs::rename(&beside, folder.join(name))
}

/// Gives a file's content a second name, in place of what has that: a link, or a copy where the disk has
/// no links. The bytes are on disk when this returns, the name is not.
pub(crate) fn link_synced(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(from, to).or_else(|_| {
        fs::copy(from, to)?;
        File::open(to)?.sync_all()
    })
}

/// Makes names that were made or removed in the folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder below `root` and every name on the way durable.
pub(crate) fn make_folder(folder: &Path, root: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(root)) {
        sync_folder(above)?;
    }
    Ok(())
}

/// Every file below a folder.
pub(crate) fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}
