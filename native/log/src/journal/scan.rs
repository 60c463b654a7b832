//! Walks the frames of one file, over damaged ones if need be, and tells rot from a torn tail.
//!
//! A group is written only once the one before is synced. So a frame of a later group is the proof
//! that all before it was on disk: what is damaged there is rot. Damage without one behind it, in the
//! last file, is what a crash left of the group that was being written: that group is cut.

use std::{io, mem, sync::Arc};
use varve_types::{Lsn, PartitionId, TenantId};

use super::{
    FrameKind,
    damage::{CutTail, Damage},
    entries::{GroupEntries, Mark, Place},
    file_header::FILE_HEADER_BYTES,
    frame_header::{FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, FrameHeader},
    group::GroupSummary,
    index::JournalFile,
    scanned_group::ScannedGroup,
    window::Window,
};

/// What a file is among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The last one: it may end in a torn group, so every payload is checked.
    Last,
    /// There is one after it, with this group as its first: all of it was synced. Payloads are
    /// checked when they are read.
    Closed {
        /// Where the groups of this file end.
        next_group: u64,
    },
}

/// What is in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// Of all groups that are kept.
    pub(super) contents: GroupEntries,
    /// Where the last one starts; where groups start if there is none.
    pub(super) last_group_start: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// One more than its number.
    pub(super) next_group: u64,
    pub(super) damages: Vec<Damage>,
    /// Of the last file, what is not kept of its last group.
    pub(super) cut_tail: Option<CutTail>,
}

struct Scanner<'a> {
    file: &'a JournalFile,
    window: Window<'a>,
    standing: Standing,
    position: u64,
    scan: Scan,
    /// The group that is being walked.
    group: ScannedGroup,
    /// The one before, where it has damage and nothing yet proves that it was synced.
    unsure: Option<ScannedGroup>,
}

/// What is at a position.
enum Found {
    /// A frame whose payload is sound, as far as it was checked.
    Frame(FrameHeader),
    /// A frame that is known by its header alone.
    Payload(FrameHeader, String),
    /// Anything else.
    Nothing(String),
}

/// Reads a file's frames.
pub(super) fn scan(file: &Arc<JournalFile>, standing: Standing) -> io::Result<Scan> {
    let mut scanner = Scanner {
        file,
        window: Window::new(&*file.file)?,
        standing,
        position: FILE_HEADER_BYTES,
        scan: Scan {
            contents: GroupEntries::default(),
            last_group_start: FILE_HEADER_BYTES,
            end: FILE_HEADER_BYTES,
            next_group: file.first_group,
            damages: Vec::new(),
            cut_tail: None,
        },
        group: ScannedGroup::new(file.first_group, FILE_HEADER_BYTES),
        unsure: None,
    };
    while scanner.position < scanner.window.file_bytes() && scanner.step()? {}
    scanner.finish();
    Ok(scanner.scan)
}

impl Scanner<'_> {
    /// Takes what is at the position and moves behind it. Answers whether frames may follow.
    fn step(&mut self) -> io::Result<bool> {
        match self.found()? {
            Found::Frame(header) => {
                self.enter(header.group);
                self.take(&header)?;
                self.position += header.frame_bytes();
            }
            Found::Payload(header, reason) => {
                self.enter(header.group);
                let start = self.position;
                self.position += header.frame_bytes();
                self.group.damage(self.file, start..self.position, reason);
            }
            Found::Nothing(reason) => {
                let Some(next) = self.next_header()? else {
                    self.group.stopped = Some(reason);
                    return Ok(false);
                };
                self.group.damage(self.file, self.position..next, reason);
                self.position = next;
            }
        }
        Ok(true)
    }

    fn found(&mut self) -> io::Result<Found> {
        let bytes = self.window.at(self.position, FRAME_HEADER_BYTES as u64)?;
        let header = match bytes.and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => FrameHeader::decode(bytes, self.file.salt),
            None => return Ok(Found::Nothing("the file ends within a frame header".to_owned())),
        };
        let header = match header {
            Ok(header) if header.group < self.group.number => {
                let (number, expected) = (header.group, self.group.number);
                let reason = format!("a frame of group {number} where group {expected} should be");
                return Ok(Found::Nothing(reason));
            }
            Ok(header) => header,
            Err(error) => return Ok(Found::Nothing(error.to_string())),
        };
        let is_checked = self.standing == Standing::Last
            || matches!(header.kind, FrameKind::Tenant | FrameKind::GroupEnd);
        if !is_checked {
            let is_whole = self.position + header.frame_bytes() <= self.window.file_bytes();
            let ended = || Found::Nothing("the file ends within a frame".to_owned());
            return Ok(if is_whole { Found::Frame(header) } else { ended() });
        }
        Ok(match self.payload(&header)? {
            None => Found::Nothing("the file ends within a payload".to_owned()),
            Some(payload) if crc32c::crc32c(payload) == header.payload_crc => Found::Frame(header),
            Some(_) => Found::Payload(header, "the payload's checksum does not match".to_owned()),
        })
    }

    /// The frame's payload, or `None` if the file ends before the frame does.
    fn payload(&mut self, header: &FrameHeader) -> io::Result<Option<&[u8]>> {
        let start = self.position + FRAME_HEADER_BYTES as u64;
        // The padding belongs to the frame: a group that lacks it was not written whole.
        let padded = header.frame_bytes() - FRAME_HEADER_BYTES as u64;
        let bytes = self.window.at(start, padded)?;
        Ok(bytes.and_then(|bytes| bytes.get(..header.payload_bytes as usize)))
    }

    /// Where the next frame of this group or a later one starts, behind what is damaged.
    fn next_header(&mut self) -> io::Result<Option<u64>> {
        let mut position = (self.position + 1).next_multiple_of(FRAME_ALIGN_BYTES);
        while let Some(bytes) = self.window.at(position, FRAME_HEADER_BYTES as u64)? {
            if let Some(bytes) = bytes.first_chunk()
                && FrameHeader::decode(bytes, self.file.salt)
                    .is_ok_and(|header| header.group >= self.group.number)
            {
                return Ok(Some(position));
            }
            position += FRAME_ALIGN_BYTES;
        }
        Ok(None)
    }

    /// A sound header of group `number` is at the position.
    fn enter(&mut self, number: u64) {
        // What was unsure was synced after all: a later group was begun.
        if let Some(group) = self.unsure.take() {
            self.keep(group);
        }
        if number > self.group.number {
            // This one has lost its end, and those in between all they had.
            let start = self.group.start;
            self.group.damage_unended(self.file, start..self.position);
            let next = ScannedGroup::new(number, self.position);
            let unended = mem::replace(&mut self.group, next);
            self.keep(unended);
        }
    }

    fn keep(&mut self, group: ScannedGroup) {
        self.scan.last_group_start = group.start;
        self.scan.end = group.end;
        self.scan.next_group = group.number + 1;
        self.scan.damages.extend(group.damages);
        self.scan.contents.append(group.entries);
    }

    fn take(&mut self, header: &FrameHeader) -> io::Result<()> {
        match header.kind {
            FrameKind::Tenant => self.tenant(header)?,
            FrameKind::Schema => self.group.frames += 1,
            FrameKind::GroupEnd => self.group_end(header)?,
            kind => {
                let Some(partition) = PartitionId::from_u64(header.partition) else {
                    let range = self.position..self.position + header.frame_bytes();
                    let reason = format!("partition {:#x} is of no known log", header.partition);
                    self.group.damage(self.file, range, reason);
                    return Ok(());
                };
                let lsn = Lsn::new(header.epoch, header.offset);
                let entries = &mut self.group.entries;
                if kind.is_record() {
                    let place = Place::new(self.position, header.payload_bytes);
                    entries.add_record(partition, header, place);
                } else {
                    entries.marks.push(Mark { kind, partition, at: lsn });
                }
                self.group.frames += 1;
            }
        }
        Ok(())
    }

    fn tenant(&mut self, header: &FrameHeader) -> io::Result<()> {
        let name = self.payload(header)?.and_then(|name| str::from_utf8(name).ok());
        if let Some(tenant) = name.and_then(|name| TenantId::parse(name).ok()) {
            self.group.entries.tenants.push((header.tenant, tenant));
            self.group.frames += 1;
        } else {
            let range = self.position..self.position + header.frame_bytes();
            self.group.damage(self.file, range, "the tenant's name is not one".to_owned());
        }
        Ok(())
    }

    fn group_end(&mut self, header: &FrameHeader) -> io::Result<()> {
        let summary = self.payload(header)?.map(GroupSummary::decode).unwrap_or_default();
        let end = self.position + header.frame_bytes();
        let next = ScannedGroup::new(header.group + 1, end);
        let mut group = mem::replace(&mut self.group, next);
        group.end_with(self.file, header, summary, end);
        if group.damages.is_empty() {
            self.keep(group);
        } else {
            self.unsure = Some(group);
        }
        Ok(())
    }

    /// What is left of the last file's last group is cut.
    fn note_cut(&mut self) {
        let unsure = self.unsure.take();
        let has_end = unsure.is_some();
        let Some(group) = unsure.as_ref().or(Some(&self.group).filter(|it| !it.is_empty())) else {
            return;
        };
        self.scan.cut_tail = Some(CutTail {
            path: self.file.path.clone(),
            position: group.start,
            end: group.end.max(self.position),
            sound_records: group.entries.records.len() as u64,
            has_end,
        });
    }

    /// The walk is over: what is left was synced, or is a torn tail and left out.
    fn finish(&mut self) {
        let Standing::Closed { next_group } = self.standing else { return self.note_cut() };
        if let Some(group) = self.unsure.take() {
            self.keep(group);
        }
        if self.scan.next_group >= next_group && self.group.is_empty() {
            return;
        }
        let file_end = self.window.file_bytes();
        let mut rest = mem::replace(&mut self.group, ScannedGroup::new(next_group, file_end));
        let start = if rest.is_empty() { rest.start } else { self.position.min(file_end) };
        rest.damage_unended(self.file, start..file_end);
        rest.number = next_group - 1;
        self.keep(rest);
    }
}

#[cfg(test)]
mod tests;
