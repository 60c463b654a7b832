//! Files and folders by their paths: as they are found, as they are durable, and what lies between.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    path::{Component, Path, PathBuf},
};

use super::{Dice, content::Content};

type Entries = BTreeMap<OsString, usize>;

/// What happened to one folder's entries.
enum Change {
    Enter(OsString, usize),
    Leave(OsString, usize),
    /// In one step.
    Move(OsString, OsString, usize),
}

#[derive(Default)]
struct Folder {
    now: Entries,
    durable: Entries,
    pending: Vec<Change>,
}

enum Node {
    File(Content),
    Folder(Folder),
}

/// The first of the nodes is the root, which is always there.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::Folder(Folder::default())] }
    }
}

impl Folder {
    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.pending.push(change);
    }
}

fn apply(entries: &mut Entries, change: &Change) {
    match change {
        Change::Enter(name, node) => {
            entries.insert(name.clone(), *node);
        }
        Change::Leave(name, node) => leave(entries, name, *node),
        Change::Move(from, to, node) => {
            leave(entries, from, *node);
            entries.insert(to.clone(), *node);
        }
    }
}

/// Unless the name is another's meanwhile, as where only some changes survived.
fn leave(entries: &mut Entries, name: &OsStr, node: usize) {
    if entries.get(name) == Some(&node) {
        entries.remove(name);
    }
}

impl Tree {
    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut found = 0;
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            let next = self.folder(found)?.now.get(name);
            found = *next.ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(found)
    }

    fn folder(&self, number: usize) -> io::Result<&Folder> {
        match self.nodes.get(number) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn folder_mut(&mut self, number: usize) -> io::Result<&mut Folder> {
        match self.nodes.get_mut(number) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// The folder that a path is in, and its name there.
    fn place<'a>(&mut self, path: &'a Path) -> io::Result<(&mut Folder, &'a OsStr)> {
        let (parent, name) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::NotFound)?;
        let number = self.find(parent)?;
        Ok((self.folder_mut(number)?, name))
    }

    fn enter(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let number = self.nodes.len();
        let (folder, name) = self.place(path)?;
        folder.change(Change::Enter(name.to_owned(), number));
        self.nodes.push(node);
        Ok(number)
    }

    pub(super) fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.enter(path, Node::Folder(Folder::default())).map(drop)
    }

    /// One that is there is emptied.
    pub(super) fn make_file(&mut self, path: &Path) -> io::Result<usize> {
        if let Ok(number) = self.find_file(path) {
            self.content_mut(number)?.set_len(0);
            return Ok(number);
        }
        self.enter(path, Node::File(Content::default()))
    }

    pub(super) fn find_file(&self, path: &Path) -> io::Result<usize> {
        let number = self.find(path)?;
        self.content(number).map(|_| number)
    }

    pub(super) fn content(&self, number: usize) -> io::Result<&Content> {
        match self.nodes.get(number) {
            Some(Node::File(content)) => Ok(content),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn content_mut(&mut self, number: usize) -> io::Result<&mut Content> {
        match self.nodes.get_mut(number) {
            Some(Node::File(content)) => Ok(content),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder(self.find(dir)?)?;
        Ok(folder.now.keys().map(|name| dir.join(name)).collect())
    }

    /// Within one folder.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let number = self.find(from)?;
        let (folder, from_name) = self.place(from)?;
        let to_name = to.file_name().ok_or(io::ErrorKind::NotFound)?;
        if from.parent() != to.parent() {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        folder.change(Change::Move(from_name.to_owned(), to_name.to_owned(), number));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let number = self.find_file(path)?;
        let (folder, name) = self.place(path)?;
        folder.change(Change::Leave(name.to_owned(), number));
        Ok(())
    }

    pub(super) fn sync_folder(&mut self, dir: &Path) -> io::Result<()> {
        let number = self.find(dir)?;
        let Folder { durable, pending, .. } = self.folder_mut(number)?;
        for change in pending.drain(..) {
            apply(durable, &change);
        }
        Ok(())
    }

    /// What is durable, and some of the rest. Nodes that no path leads to any more are kept: they are
    /// few.
    pub(super) fn after_crash(&self, dice: &mut Dice) -> Self {
        let node = |node: &Node| match node {
            Node::File(content) => Node::File(content.after_crash(dice)),
            Node::Folder(Folder { durable, pending, .. }) => {
                let mut left = durable.clone();
                for change in pending.iter().filter(|_| dice.survives()) {
                    apply(&mut left, change);
                }
                Node::Folder(Folder { now: left.clone(), durable: left, pending: Vec::new() })
            }
        };
        Self { nodes: self.nodes.iter().map(node).collect() }
    }
}
