//! Files, as the log may use them.
#![expect(clippy::disallowed_types, reason = "this is the one place that opens files")]
#![expect(clippy::disallowed_methods, reason = "this is the one place that touches folders")]

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this process may still fill.
    pub free_bytes: u64,
    /// All there are.
    pub total_bytes: u64,
}

/// A file system. Paths are absolute or relative to the process's folder.
pub trait Disk: Send + Sync {
    /// Makes a folder in one that is there; `AlreadyExists` where there is something. Durable after
    /// [`Disk::sync_dir`] of the one it is in.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes the folder and those above it, unless they are there. Durable when it answers.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let Some(parent) = dir.parent() else { return Ok(()) };
        // A path of one name is in the process's folder.
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let made = match self.create_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create_dir_all(parent)?;
                self.create_dir(dir)
            }
            made => made,
        };
        match made {
            Ok(()) => self.sync_dir(parent),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Whoever made it may have crashed before this. It may also be a mount, in a folder
                // that this process must not open: then it is durable by other means.
                let _synced = self.sync_dir(parent);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Paths of what is in the folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// An empty file to read and write; one that is there already is emptied.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// A file that is there, to read and write.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Moves a file over another in one step. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Who has it open keeps reading it.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the folder's entries durable: what was created, renamed or removed in it.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// How large the disk that holds `dir` is, and what is left of it.
    fn space(&self, dir: &Path) -> io::Result<DiskSpace>;

    /// A number that no other disk got.
    fn new_store_id(&self) -> u128;
}

/// An open file. Its methods may be called from several threads at once.
pub trait DiskFile: Send + Sync {
    /// Fills `into` with what is at `position`; `UnexpectedEof` when the file ends before.
    fn read_exact_at(&self, into: &mut [u8], position: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `position`. Not durable yet.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// Makes the content durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the content and the length durable (`fsync`).
    fn sync_all(&self) -> io::Result<()>;

    /// Reserves blocks for the file's first `len_bytes`, so that writes there cannot run out of
    /// space. The new part reads as zeros. `StorageFull` when there is no room.
    fn allocate(&self, len_bytes: u64) -> io::Result<()>;

    /// Cuts the file, or grows it with zeros that take no blocks.
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;

    /// The file's length.
    fn len_bytes(&self) -> io::Result<u64>;
}

/// The machine's file systems.
#[derive(Clone, Copy, Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        let space = fs4::statvfs(dir)?;
        let (free_bytes, total_bytes) = (space.available_space(), space.total_space());
        Ok(DiskSpace { free_bytes, total_bytes })
    }

    fn new_store_id(&self) -> u128 {
        // Keys of `RandomState` come from the system's random source.
        let half = || u128::from(RandomState::new().build_hasher().finish());
        (half() << 64) | half()
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn read_exact_at(&self, into: &mut [u8], position: u64) -> io::Result<()> {
        self.0.read_exact_at(into, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        match fs4::fs_std::FileExt::allocate(&self.0, len_bytes) {
            // Some file systems (NFS, ZFS) cannot reserve: there a hole has to do.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.0.set_len(len_bytes),
            outcome => outcome,
        }
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.0.set_len(len_bytes)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
