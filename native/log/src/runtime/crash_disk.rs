//! A disk in memory that loses at a crash whatever was not synced: any sectors of what was written, any
//! cut or growth, and any of what was made, moved or removed in a folder. For tests.

mod content;
mod tree;

use parking_lot::Mutex;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Disk, DiskFile, DiskSpace};
use content::Content;
use tree::Tree;

/// See the module.
#[derive(Default)]
pub struct CrashDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tree: Tree,
    steps: u64,
    steps_left: Option<u64>,
    ids: u128,
}

impl State {
    /// Everything that changes the disk, or makes a change durable, is a step.
    fn step(&mut self) -> io::Result<()> {
        if self.steps_left == Some(0) {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        self.steps_left = self.steps_left.map(|left| left - 1);
        Ok(())
    }
}

impl CrashDisk {
    /// After so many steps more the power goes: nothing changes any more, and every step fails.
    pub fn lose_power_after(&self, steps: u64) {
        self.state.lock().steps_left = Some(steps);
    }

    /// Writes, cuts, syncs, and changes of folders so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.lock().steps
    }

    /// What a crash now leaves. What was not synced is there or not, piece by piece, as the seed has it.
    #[must_use]
    pub fn after_crash(&self, seed: u64) -> Self {
        let state = self.state.lock();
        let mut dice = Dice::new(seed);
        let tree = state.tree.after_crash(&mut dice);
        let state = State { tree, ids: state.ids, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as it is now, all of it durable.
    #[must_use]
    pub fn copy(&self) -> Self {
        self.after_crash(Dice::ALL)
    }

    fn step(&self) -> io::Result<()> {
        self.state.lock().step()
    }

    fn file(&self, number: usize) -> Arc<dyn DiskFile> {
        Arc::new(CrashFile { state: Arc::clone(&self.state), number })
    }
}

/// Decides piece by piece what survives.
struct Dice {
    state: u64,
    /// Of 4.
    survive: u64,
}

impl Dice {
    /// By which all survives.
    const ALL: u64 = 4;

    /// All of it, nothing, or something between.
    fn new(seed: u64) -> Self {
        Self { state: seed, survive: seed % 5 }
    }

    fn survives(&mut self) -> bool {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % 4 < self.survive
    }
}

impl Disk for CrashDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        self.state.lock().tree.make_folder(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.state.lock().tree.list(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.step()?;
        let number = self.state.lock().tree.make_file(path)?;
        Ok(self.file(number))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let number = self.state.lock().tree.find_file(path)?;
        Ok(self.file(number))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        self.state.lock().tree.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.state.lock().tree.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        self.state.lock().tree.sync_folder(dir)
    }

    fn space(&self, _dir: &Path) -> io::Result<DiskSpace> {
        Ok(DiskSpace { free_bytes: u64::MAX, total_bytes: u64::MAX })
    }

    fn new_store_id(&self) -> u128 {
        let mut state = self.state.lock();
        state.ids += 1;
        state.ids
    }
}

struct CrashFile {
    state: Arc<Mutex<State>>,
    number: usize,
}

impl CrashFile {
    fn read<T>(&self, read: impl FnOnce(&Content) -> io::Result<T>) -> io::Result<T> {
        read(self.state.lock().tree.content(self.number)?)
    }

    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut state = self.state.lock();
        state.step()?;
        change(state.tree.content_mut(self.number)?);
        Ok(())
    }
}

impl DiskFile for CrashFile {
    fn read_exact_at(&self, into: &mut [u8], position: u64) -> io::Result<()> {
        self.read(|content| content.read(into, position))
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.change(|content| content.write(bytes, position))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Content::sync)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.change(Content::sync)
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        self.change(|content| content.set_len(len_bytes.max(content.len_bytes())))
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.change(|content| content.set_len(len_bytes))
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.read(|content| Ok(content.len_bytes()))
    }
}

#[cfg(test)]
mod tests;
