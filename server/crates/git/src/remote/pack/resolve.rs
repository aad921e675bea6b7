//! Deltas: what each makes of its base, and so its name. A base is unpacked once, all that is made of it follows at once, and
//! it is let go before the last of it is gone into.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use entity::input::ObjectId;
use gix::objs::Kind;
use gix::odb::pack::data;

use super::content::{Content, Room, Sink};
use super::store::{Entry, Pack, State, Unpack, finish};
use super::{Budget, pack_error};
use crate::GitError;
use crate::repo::{Objects, to_entity};

/// Deltas up to this size are unpacked at once, larger ones as they are followed.
const DELTA_BYTES: u64 = 1 << 20;
/// The largest object of the clone that a pack may leave out and build on: larger ones are fetched anew with all the rest.
const OUTSIDE_BYTES: u64 = 16 << 20;

/// Names every delta of the pack. Bases that it leaves out, as those who know what is here do, are put at its end.
///
/// # Errors
/// `Corrupt` where a base is missing or a delta is wrong, the reasons of the budget, `Io` of the disk.
pub(super) fn resolve(
    pack: &mut Pack,
    file: &File,
    dir: &Path,
    here: Option<&Objects>,
    budget: &Budget,
) -> Result<(), GitError> {
    let mut of_number: Vec<(u32, u32)> = Vec::new();
    let mut of_name: HashMap<[u8; 20], Vec<u32>> = HashMap::new();
    for (number, entry) in (0..).zip(&pack.entries) {
        match entry.state {
            State::Named => {}
            State::ByNumber => of_number.push((entry.base, number)),
            State::ByName => of_name.entry(entry.id).or_default().push(number),
        }
    }
    if of_number.is_empty() && of_name.is_empty() {
        return Ok(());
    }
    of_number.sort_unstable();
    let room = Room::new(dir)?;
    let mut resolver =
        Resolver { file, of_number, of_name, room, unpack: Unpack::default(), delta: Vec::new(), budget };
    // Only those that are no deltas themselves: what is made of a delta follows it.
    let is_root = |(number, entry): (u32, &Entry)| {
        (entry.state == State::Named && resolver.is_base(number, &entry.id)).then_some(number)
    };
    let roots: Vec<u32> = (0..).zip(&pack.entries).filter_map(is_root).collect();
    for number in roots {
        let (kind, content) = resolver.read(pack, number)?;
        resolver.follow(pack, number, kind, content)?;
    }
    let sent = pack.entries.len();
    // A name that is not here either is that of a delta, which one of the others leads to.
    let is_here = |id: &[u8; 20]| here.is_some_and(|here| here.contains(to_entity(&gix::ObjectId::from(*id))));
    let mut outside: Vec<[u8; 20]> = resolver.of_name.keys().filter(|id| is_here(id)).copied().collect();
    outside.sort_unstable();
    for id in outside {
        if resolver.of_name.contains_key(&id) {
            let number = resolver.add(pack, id, here)?;
            let (kind, content) = resolver.read(pack, number)?;
            resolver.follow(pack, number, kind, content)?;
        }
    }
    if let Some(id) = resolver.of_name.keys().min() {
        return Err(missing(to_entity(&gix::ObjectId::from(*id))));
    }
    if pack.entries.len() > sent {
        seal(pack, file)?;
    }
    match pack.entries.iter().all(|entry| entry.state == State::Named) {
        true => Ok(()),
        false => Err(GitError::corrupt("deltas of the pack are based on each other")),
    }
}

/// A base whose deltas are being made.
struct Frame {
    content: Rc<Content>,
    /// Those still to be made, the next one last.
    deltas: Vec<u32>,
}

struct Resolver<'a> {
    file: &'a File,
    /// Base and delta, sorted.
    of_number: Vec<(u32, u32)>,
    /// Deltas that wait for the object of this name.
    of_name: HashMap<[u8; 20], Vec<u32>>,
    room: Room,
    unpack: Unpack,
    delta: Vec<u8>,
    budget: &'a Budget,
}

impl Resolver<'_> {
    fn of_number(&self, number: u32) -> &[(u32, u32)] {
        let start = self.of_number.partition_point(|(base, _)| *base < number);
        let rest = &self.of_number[start..];
        &rest[..rest.partition_point(|(base, _)| *base == number)]
    }

    fn is_base(&self, number: u32, id: &[u8; 20]) -> bool {
        !self.of_number(number).is_empty() || self.of_name.contains_key(id)
    }

    /// The deltas of an object, each given out once.
    fn deltas(&mut self, number: u32, id: &[u8; 20]) -> Vec<u32> {
        let mut deltas = self.of_name.remove(id).unwrap_or_default();
        deltas.extend(self.of_number(number).iter().map(|(_, delta)| *delta));
        deltas.reverse();
        deltas
    }

    /// Unpacks an object that is no delta.
    fn read(&mut self, pack: &Pack, number: u32) -> Result<(Kind, Content), GitError> {
        let entry = &pack.entries[number as usize];
        let (header, mut reader) = open(self.file, pack, entry, self.budget)?;
        let kind = header.header.as_kind().ok_or_else(|| GitError::corrupt("a delta has no name yet"))?;
        let mut sink = Sink::new(kind, header.decompressed_size, Some(&self.room), self.budget)?;
        self.unpack.run(&mut reader, header.decompressed_size, self.budget, |piece| sink.put(piece))?;
        match sink.end()? {
            (_, Some(content)) => Ok((kind, content)),
            (_, None) => Err(GitError::corrupt("an object was not kept")),
        }
    }

    /// Makes all that builds on an object.
    fn follow(&mut self, pack: &mut Pack, number: u32, kind: Kind, content: Content) -> Result<(), GitError> {
        let deltas = self.deltas(number, &pack.entries[number as usize].id);
        let mut stack = vec![Frame { content: Rc::new(content), deltas }];
        while let Some(frame) = stack.last_mut() {
            let Some(number) = frame.deltas.pop() else {
                stack.pop();
                continue;
            };
            let base = Rc::clone(&frame.content);
            if frame.deltas.is_empty() {
                stack.pop();
            }
            let made = self.make(pack, number, kind, &base)?;
            drop(base);
            let entry = &mut pack.entries[number as usize];
            (entry.id, entry.state) = (made.0, State::Named);
            let deltas = self.deltas(number, &made.0);
            if let Some(content) = made.1
                && !deltas.is_empty()
            {
                stack.push(Frame { content: Rc::new(content), deltas });
            }
        }
        Ok(())
    }

    /// The object that a delta makes of its base; its content where others may build on it.
    fn make(
        &mut self,
        pack: &Pack,
        number: u32,
        kind: Kind,
        base: &Content,
    ) -> Result<([u8; 20], Option<Content>), GitError> {
        let entry = &pack.entries[number as usize];
        let (header, mut reader) = open(self.file, pack, entry, self.budget)?;
        let keep = (!self.of_number(number).is_empty() || !self.of_name.is_empty()).then_some(&self.room);
        if header.decompressed_size <= DELTA_BYTES {
            self.delta.clear();
            let delta = &mut self.delta;
            self.unpack.run(&mut reader, header.decompressed_size, self.budget, |piece| {
                delta.extend_from_slice(piece);
                Ok(())
            })?;
            apply(&mut self.delta.as_slice(), kind, base, keep, self.budget)
        } else {
            let state = gix::zlib::Decompress::new();
            apply(&mut BufReader::new(Inflated { reader, state }), kind, base, keep, self.budget)
        }
    }

    /// Puts an object that the pack builds on and does not hold at its end.
    fn add(&mut self, pack: &mut Pack, id: [u8; 20], here: Option<&Objects>) -> Result<u32, GitError> {
        let name = to_entity(&gix::ObjectId::from(id));
        let missing = || missing(name);
        let mut buffer = Vec::new();
        let here = here.ok_or_else(missing)?;
        here.check_size(name, OUTSIDE_BYTES).map_err(|_| missing())?;
        let kind = here.find(name, &mut buffer).map_err(|_| missing())?;
        let mut bytes = Vec::new();
        let failed = || GitError::io("the pack cannot be completed");
        let header = match kind {
            Kind::Commit => data::entry::Header::Commit,
            Kind::Tree => data::entry::Header::Tree,
            Kind::Blob => data::entry::Header::Blob,
            Kind::Tag => data::entry::Header::Tag,
        };
        header.write_to(buffer.len() as u64, &mut bytes).map_err(failed())?;
        let mut out = gix::zlib::stream::deflate::Write::new(bytes, gix::zlib::Compression::BEST_SPEED);
        std::io::Write::write_all(&mut out, &buffer).and_then(|()| std::io::Write::flush(&mut out)).map_err(failed())?;
        let bytes = out.into_inner();
        self.file.write_all_at(&bytes, pack.end).map_err(failed())?;
        let crc = crc32fast::hash(&bytes);
        pack.entries.push(Entry { offset: pack.end, id, base: 0, crc, state: State::Named });
        pack.end += bytes.len() as u64;
        u32::try_from(pack.entries.len() - 1).map_err(|_| missing())
    }
}

fn missing(base: ObjectId) -> GitError {
    GitError::corrupt(format!("the pack builds on object {base}, which it does not hold"))
}

/// The header of an entry and what is packed after it.
fn open<'f>(
    file: &'f File,
    pack: &Pack,
    entry: &Entry,
    budget: &Budget,
) -> Result<(data::Entry, BufReader<Section<'f>>), GitError> {
    let mut reader = BufReader::new(Section { file, at: entry.offset, end: pack.end });
    let header = data::Entry::from_read(&mut reader, entry.offset, 20).map_err(|error| pack_error(&error, budget))?;
    Ok((header, reader))
}

/// Follows a delta: lengths of base and result, then parts of the base and bytes of its own.
fn apply(
    delta: &mut impl BufRead,
    kind: Kind,
    base: &Content,
    keep: Option<&Room>,
    budget: &Budget,
) -> Result<([u8; 20], Option<Content>), GitError> {
    let wrong = || GitError::corrupt("a delta of the pack is wrong");
    if length(delta)? != base.size() {
        return Err(GitError::corrupt("a delta of the pack is of another base"));
    }
    let size = length(delta)?;
    if size > budget.limits.object_bytes {
        let limit = budget.limits.object_bytes;
        return Err(GitError::corrupt(format!("the pack holds an object of {size} bytes, more than {limit}")));
    }
    let mut sink = Sink::new(kind, size, keep, budget)?;
    while let Some(word) = next(delta)? {
        if word & 0x80 != 0 {
            let mut number = |bits: u8, count: u32| -> Result<u64, GitError> {
                (0..count)
                    .filter(|at| bits >> at & 1 == 1)
                    .try_fold(0, |number, at| Ok(number | u64::from(next(delta)?.ok_or_else(wrong)?) << (8 * at)))
            };
            let start = number(word & 0x0f, 4)?;
            let size = number(word >> 4 & 0x07, 3)?;
            sink.copy(base, start, if size == 0 { 0x10000 } else { size })?;
        } else if word > 0 {
            let mut bytes = [0; 0x7f];
            let bytes = &mut bytes[..usize::from(word)];
            delta.read_exact(bytes).map_err(|_| wrong())?;
            sink.put(bytes)?;
        } else {
            return Err(wrong());
        }
    }
    sink.end()
}

fn next(delta: &mut impl BufRead) -> Result<Option<u8>, GitError> {
    let available = delta.fill_buf().map_err(|_| GitError::corrupt("a delta of the pack is broken"))?;
    let byte = available.first().copied();
    delta.consume(usize::from(byte.is_some()));
    Ok(byte)
}

fn length(delta: &mut impl BufRead) -> Result<u64, GitError> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = next(delta)?.ok_or_else(|| GitError::corrupt("a delta of the pack is cut off"))?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(GitError::corrupt("a delta of the pack tells no length"))
}

/// Counts anew and signs a pack that was added to.
fn seal(pack: &mut Pack, file: &File) -> Result<(), GitError> {
    let failed = || GitError::io("the pack cannot be completed");
    let count = u32::try_from(pack.entries.len()).map_err(|_| GitError::corrupt("the pack holds too many objects"))?;
    file.write_all_at(&count.to_be_bytes(), 8).map_err(failed())?;
    let mut hash = gix::hash::hasher(gix::hash::Kind::Sha1);
    let mut reader = BufReader::new(Section { file, at: 0, end: pack.end });
    loop {
        let bytes = reader.fill_buf().map_err(failed())?;
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        let count = bytes.len();
        reader.consume(count);
    }
    pack.checksum = finish(hash)?;
    file.write_all_at(pack.checksum.as_slice(), pack.end).map_err(failed())?;
    file.set_len(pack.end + 20).map_err(failed())
}

/// A part of a file.
struct Section<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = out.len().min(left);
        let read = self.file.read_at(&mut out[..count], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A packed stream, unpacked as it is read.
struct Inflated<R> {
    reader: R,
    state: gix::zlib::Decompress,
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        gix::zlib::stream::inflate::read(&mut self.reader, &mut self.state, out)
    }
}
