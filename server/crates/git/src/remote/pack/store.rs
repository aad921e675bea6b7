//! Taking a pack in while it streams: it is written to the disk, and every object in it is measured and, unless it is a delta,
//! named, in pieces of a fixed size. However large an object is, it takes no more memory than a small one.

use std::fs::File;
use std::io::{BufRead, BufWriter, Read, Write as _};

use gix::hash::{Hasher, Kind};
use gix::odb::pack::data;
use gix::odb::pack::data::entry::Header;
use gix::zlib::Decompress;

use super::{Budget, pack_error};
use crate::GitError;

/// Bytes that are unpacked at a time.
pub(super) const PIECE: usize = 64 << 10;

/// What is known of an object of the pack. Small: a pack may hold millions.
pub(super) struct Entry {
    /// Where it begins in the pack.
    pub offset: u64,
    /// Its name; of a delta that is not resolved the name of its base, where that is how the base is told.
    pub id: [u8; 20],
    /// The number of a delta's base, where that is known.
    pub base: u32,
    pub crc: u32,
    pub state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Named,
    /// A delta whose base is an earlier entry.
    ByNumber,
    /// A delta whose base has this name.
    ByName,
}

/// A pack on the disk.
pub(super) struct Pack {
    pub entries: Vec<Entry>,
    /// Where its entries end.
    pub end: u64,
    /// The checksum of all before it.
    pub checksum: gix::ObjectId,
}

/// Reads a whole pack into `file`.
///
/// # Errors
/// `Corrupt` for what is no pack, the reasons of the budget, `Io` and `DiskFull` of the file.
pub(super) fn take_in(reader: &mut dyn BufRead, file: &File, budget: &Budget) -> Result<Pack, GitError> {
    let mut tee = Tee {
        reader,
        out: BufWriter::with_capacity(PIECE, file),
        hash: gix::hash::hasher(Kind::Sha1),
        crc: crc32fast::Hasher::new(),
        position: 0,
        failed: None,
    };
    let mut header = [0; 12];
    tee.read_exact(&mut header).map_err(|error| pack_error(&error, budget))?;
    let (_, count) = data::header::decode(&header).map_err(|error| GitError::corrupt(crate::error::chain(&error)))?;
    // The count was checked as it came in.
    let mut entries: Vec<Entry> = Vec::with_capacity(count as usize);
    let mut unpack = Unpack::default();
    for _ in 0..count {
        let entry = tee.entry(&entries, &mut unpack, budget)?;
        if let Some(error) = tee.failed.take() {
            return Err(GitError::io("the pack cannot be stored")(error));
        }
        entries.push(entry);
    }
    let (end, hash) = (tee.position, std::mem::replace(&mut tee.hash, gix::hash::hasher(Kind::Sha1)));
    let mut told = [0; 20];
    tee.read_exact(&mut told).map_err(|error| pack_error(&error, budget))?;
    if let Some(error) = tee.failed.take() {
        return Err(GitError::io("the pack cannot be stored")(error));
    }
    tee.out.flush().map_err(GitError::io("the pack cannot be stored"))?;
    let checksum = finish(hash)?;
    if checksum.as_slice() != told {
        return Err(GitError::corrupt(format!("the pack that {} sent does not have its checksum", budget.host)));
    }
    Ok(Pack { entries, end, checksum })
}

/// The name that an object's hash makes.
pub(super) fn finish(hash: Hasher) -> Result<gix::ObjectId, GitError> {
    hash.try_finalize().map_err(|error| GitError::corrupt(crate::error::chain(&error)))
}

/// The beginning of an object's name: its kind and size.
pub(super) fn hasher(kind: gix::objs::Kind, size: u64) -> Hasher {
    let mut hash = gix::hash::hasher(Kind::Sha1);
    hash.update(format!("{kind} {size}\0").as_bytes());
    hash
}

/// Unpacks one stream after the other, piece by piece.
pub(super) struct Unpack {
    state: Decompress,
    piece: Vec<u8>,
}

impl Default for Unpack {
    fn default() -> Self {
        Self { state: Decompress::new(), piece: vec![0; PIECE] }
    }
}

impl Unpack {
    /// Hands every piece of a stream of `size` bytes on.
    pub fn run(
        &mut self,
        reader: &mut impl BufRead,
        size: u64,
        budget: &Budget,
        mut take: impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        let wrong = || GitError::corrupt("an object of the pack does not have the size that it tells");
        self.state.reset();
        let mut left = size;
        loop {
            let read = gix::zlib::stream::inflate::read(reader, &mut self.state, &mut self.piece);
            let read = read.map_err(|error| pack_error(&error, budget))?;
            left = left.checked_sub(read as u64).ok_or_else(wrong)?;
            take(&self.piece[..read])?;
            // A piece that is not full is the last one.
            if read < self.piece.len() {
                break;
            }
        }
        if left == 0 {
            return Ok(());
        }
        match reader.fill_buf() {
            Ok([]) => Err(pack_error(&std::io::ErrorKind::UnexpectedEof.into(), budget)),
            Ok(_) => Err(wrong()),
            Err(error) => Err(pack_error(&error, budget)),
        }
    }
}

/// Reads from the remote and writes what was read to the disk, counting and hashing it on the way.
struct Tee<'a> {
    reader: &'a mut dyn BufRead,
    out: BufWriter<&'a File>,
    hash: Hasher,
    crc: crc32fast::Hasher,
    position: u64,
    /// Consuming cannot fail; what it failed with is looked at after each object.
    failed: Option<std::io::Error>,
}

impl Tee<'_> {
    fn entry(&mut self, entries: &[Entry], unpack: &mut Unpack, budget: &Budget) -> Result<Entry, GitError> {
        let offset = self.position;
        self.crc = crc32fast::Hasher::new();
        let header = data::Entry::from_read(self, offset, 20).map_err(|error| pack_error(&error, budget))?;
        let size = header.decompressed_size;
        if size > budget.limits.object_bytes {
            let limit = budget.limits.object_bytes;
            return Err(GitError::corrupt(format!("the pack holds an object of {size} bytes, more than {limit}")));
        }
        let mut entry = Entry { offset, id: [0; 20], base: 0, crc: 0, state: State::Named };
        let mut hash = None;
        match header.header {
            Header::RefDelta { base_id } => {
                entry.state = State::ByName;
                entry.id.copy_from_slice(base_id.as_slice());
            }
            Header::OfsDelta { base_distance } => {
                entry.state = State::ByNumber;
                let base = offset.checked_sub(base_distance);
                let base = base.and_then(|base| entries.binary_search_by_key(&base, |entry| entry.offset).ok());
                let base = base.and_then(|base| u32::try_from(base).ok());
                entry.base = base.ok_or_else(|| GitError::corrupt("a delta of the pack has no base"))?;
            }
            other => hash = other.as_kind().map(|kind| hasher(kind, size)),
        }
        unpack.run(self, size, budget, |piece| {
            if let Some(hash) = &mut hash {
                hash.update(piece);
            }
            Ok(())
        })?;
        if let Some(hash) = hash {
            entry.id.copy_from_slice(finish(hash)?.as_slice());
        }
        entry.crc = std::mem::take(&mut self.crc).finalize();
        Ok(entry)
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Tee<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        match self.reader.fill_buf() {
            Ok(available) => {
                let taken = &available[..count];
                self.hash.update(taken);
                self.crc.update(taken);
                if let Err(error) = self.out.write_all(taken) {
                    self.failed.get_or_insert(error);
                }
            }
            Err(error) => _ = self.failed.get_or_insert(error),
        }
        self.reader.consume(count);
        self.position += count as u64;
    }
}
