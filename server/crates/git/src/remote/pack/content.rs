//! What objects hold while others are built from them: in memory as long as there is little of it, on the disk beyond.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use gix::hash::Hasher;

use super::Budget;
use super::store::{PIECE, finish};
use crate::GitError;

/// Bytes that are held in memory, all objects together.
const HELD_BYTES: u64 = 32 << 20;
/// Bytes that may lie on the disk at once.
const SPILLED_BYTES: u64 = 8 << 30;

/// Where the contents of one pack are kept.
#[derive(Clone)]
pub(super) struct Room {
    held: Rc<Cell<u64>>,
    spill: Rc<RefCell<Spill>>,
}

struct Spill {
    file: File,
    /// Where the used part ends, and what is free before that: start and length, by start.
    top: u64,
    free: Vec<(u64, u64)>,
}

/// An object's bytes.
pub(super) struct Content {
    room: Room,
    size: u64,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    /// From here on in the file.
    Disk(u64),
}

impl Room {
    pub(super) fn new(dir: &Path) -> Result<Self, GitError> {
        let file = tempfile::tempfile_in(dir).map_err(GitError::io("the pack cannot be unpacked"))?;
        let spill = Spill { file, top: 0, free: Vec::new() };
        Ok(Self { held: Rc::default(), spill: Rc::new(RefCell::new(spill)) })
    }

    fn content(&self, size: u64) -> Result<Content, GitError> {
        let place = if self.held.get().saturating_add(size) <= HELD_BYTES {
            self.held.set(self.held.get() + size);
            Place::Memory(Vec::with_capacity(usize::try_from(size).unwrap_or(0)))
        } else {
            Place::Disk(self.spill.borrow_mut().take(size)?)
        };
        Ok(Content { room: self.clone(), size, place })
    }
}

impl Spill {
    fn take(&mut self, size: u64) -> Result<u64, GitError> {
        if let Some(gap) = self.free.iter_mut().find(|(_, length)| *length >= size) {
            let start = gap.0;
            (gap.0, gap.1) = (gap.0 + size, gap.1 - size);
            return Ok(start);
        }
        let start = self.top;
        self.top += size;
        if self.top > SPILLED_BYTES {
            return Err(GitError::corrupt(format!("the pack unfolds to more than {SPILLED_BYTES} bytes at once")));
        }
        Ok(start)
    }

    fn give_back(&mut self, start: u64, size: u64) {
        let at = self.free.partition_point(|(other, _)| *other < start);
        self.free.insert(at, (start, size));
        // Neighbours become one; what is free at the end is no longer used at all.
        if at + 1 < self.free.len() && start + size == self.free[at + 1].0 {
            self.free[at].1 += self.free.remove(at + 1).1;
        }
        if at > 0 && self.free[at - 1].0 + self.free[at - 1].1 == self.free[at].0 {
            self.free[at - 1].1 += self.free.remove(at).1;
        }
        if let Some((start, _)) = self.free.pop_if(|(start, length)| *start + *length == self.top) {
            self.top = start;
            // Only gives the disk its room back.
            let _ = self.file.set_len(start);
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        match self.place {
            Place::Memory(_) => self.room.held.set(self.room.held.get() - self.size),
            Place::Disk(start) => self.room.spill.borrow_mut().give_back(start, self.size),
        }
    }
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Hands a part on, piece by piece. The part must lie within.
    fn part(&self, start: u64, size: u64, mut take: impl FnMut(&[u8]) -> Result<(), GitError>) -> Result<(), GitError> {
        let begin = match &self.place {
            Place::Memory(bytes) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let part = bytes.get(index(start)..index(start + size));
                return take(part.ok_or_else(|| GitError::corrupt("a delta of the pack reaches beyond its base"))?);
            }
            Place::Disk(begin) => begin + start,
        };
        let mut piece = vec![0; PIECE.min(usize::try_from(size).unwrap_or(PIECE))];
        let mut done = 0;
        while done < size {
            let count = piece.len().min(usize::try_from(size - done).unwrap_or(PIECE));
            let spill = self.room.spill.borrow();
            let read = spill.file.read_exact_at(&mut piece[..count], begin + done);
            drop(spill);
            read.map_err(GitError::io("the pack cannot be unpacked"))?;
            take(&piece[..count])?;
            done += count as u64;
        }
        Ok(())
    }
}

/// Where an object's bytes go as they come: into its name, and where it is a base itself into its content.
pub(super) struct Sink<'a> {
    hash: Hasher,
    left: u64,
    content: Option<Content>,
    written: u64,
    /// What is to be written to the disk next.
    waiting: Vec<u8>,
    budget: &'a Budget,
    unchecked: u64,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        kind: gix::objs::Kind,
        size: u64,
        keep: Option<&Room>,
        budget: &'a Budget,
    ) -> Result<Self, GitError> {
        let content = keep.map(|room| room.content(size)).transpose()?;
        let hash = super::store::hasher(kind, size);
        Ok(Self { hash, left: size, content, written: 0, waiting: Vec::new(), budget, unchecked: 0 })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        let length = bytes.len() as u64;
        let longer = || GitError::corrupt("a delta of the pack makes more than it tells");
        self.left = self.left.checked_sub(length).ok_or_else(longer)?;
        self.unchecked += length;
        if self.unchecked > 1 << 20 {
            self.unchecked = 0;
            // The budget knows why.
            self.budget.check().map_err(|_| GitError::Cancelled)?;
        }
        self.hash.update(bytes);
        match self.content.as_mut().map(|content| &mut content.place) {
            None => Ok(()),
            Some(Place::Memory(content)) => {
                content.extend_from_slice(bytes);
                Ok(())
            }
            Some(Place::Disk(_)) => {
                self.waiting.extend_from_slice(bytes);
                if self.waiting.len() >= PIECE { self.write_out() } else { Ok(()) }
            }
        }
    }

    /// A part of the base.
    pub(super) fn copy(&mut self, base: &Content, start: u64, size: u64) -> Result<(), GitError> {
        let beyond = || GitError::corrupt("a delta of the pack reaches beyond its base");
        start.checked_add(size).filter(|end| *end <= base.size()).ok_or_else(beyond)?;
        base.part(start, size, |bytes| self.put(bytes))
    }

    fn write_out(&mut self) -> Result<(), GitError> {
        let Some(Content { room, place: Place::Disk(start), .. }) = &self.content else { return Ok(()) };
        let written = room.spill.borrow().file.write_all_at(&self.waiting, start + self.written);
        written.map_err(GitError::io("the pack cannot be unpacked"))?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// The object's name and, where it was asked for, its content.
    pub(super) fn end(mut self) -> Result<([u8; 20], Option<Content>), GitError> {
        if self.left > 0 {
            return Err(GitError::corrupt("a delta of the pack makes less than it tells"));
        }
        self.write_out()?;
        let mut id = [0; 20];
        id.copy_from_slice(finish(self.hash)?.as_slice());
        Ok((id, self.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_on_the_disk_is_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let room = Room::new(dir.path()).unwrap();
        let mut spill = room.spill.borrow_mut();
        let places: Vec<u64> = [10, 20, 30].map(|size| spill.take(size).unwrap()).into();
        assert_eq!(places, [0, 10, 30]);
        spill.give_back(0, 10);
        assert_eq!(spill.take(11).unwrap(), 60);
        assert_eq!(spill.take(4).unwrap(), 0);
        spill.give_back(10, 20);
        assert_eq!(spill.take(26).unwrap(), 4, "what lies side by side is one gap");
        for (start, size) in [(0, 4), (60, 11), (4, 26), (30, 30)] {
            spill.give_back(start, size);
        }
        assert_eq!(spill.top, 0);
        assert!(spill.free.is_empty());
        assert!(spill.take(SPILLED_BYTES + 1).is_err());
    }
}
