//! The sealed part of the views at one moment, held for whoever copies it.

use std::{io, path::PathBuf, sync::Arc};

use crate::{segment::Segment, state::Shared};

/// See [`crate::Store::pin`].
pub struct Pinned {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The files that it names.
    pub files: Vec<PathBuf>,
    /// Files of segments that are merged or expired go once nobody has these.
    _segments: Vec<Arc<Segment>>,
}

impl Shared {
    pub(crate) fn pin(&self) -> io::Result<Pinned> {
        // The manifest and what queries see change together under its lock.
        let manifest = self.manifest.lock();
        let state = self.state.read();
        let segments: Vec<Arc<Segment>> =
            state.segments.values().flat_map(|list| list.iter().cloned()).collect();
        let files = manifest.segments.iter().flat_map(|entry| self.folders.segment(entry).all());
        let files = files.filter(|file| file.exists()).collect();
        Ok(Pinned { manifest: manifest.to_bytes()?, files, _segments: segments })
    }
}
