//! The index of a pack, in its second version: which object lies where.

use std::io::Write;

use gix::hash::{Hasher, Kind};

use super::store::{Entry, finish};
use crate::GitError;

/// Offsets from here on stand in a table of their own.
const LARGE: u64 = 1 << 31;

/// Writes the index; the entries are in the order of their names afterwards.
pub(super) fn write(entries: &mut [Entry], checksum: &gix::ObjectId, out: impl Write) -> Result<(), GitError> {
    let failed = GitError::io("the index of the pack cannot be stored");
    entries.sort_unstable_by(|a, b| a.id.cmp(&b.id).then(a.offset.cmp(&b.offset)));
    let mut out = Hashed { out, hash: gix::hash::hasher(Kind::Sha1) };
    match tables(entries, checksum, &mut out) {
        Ok(()) => {}
        Err(error) => return Err(failed(error)),
    }
    let own = finish(out.hash)?;
    out.out.write_all(own.as_slice()).and_then(|()| out.out.flush()).map_err(failed)
}

fn tables(entries: &[Entry], checksum: &gix::ObjectId, out: &mut impl Write) -> std::io::Result<()> {
    out.write_all(b"\xfftOc\0\0\0\x02")?;
    for first in 0..=255 {
        let count = entries.partition_point(|entry| entry.id[0] <= first);
        out.write_all(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes())?;
    }
    for entry in entries {
        out.write_all(&entry.id)?;
    }
    for entry in entries {
        out.write_all(&entry.crc.to_be_bytes())?;
    }
    let mut large = 0u32;
    for entry in entries {
        let place = match u32::try_from(entry.offset) {
            Ok(offset) if entry.offset < LARGE => offset,
            _ => {
                large += 1;
                (1 << 31) | (large - 1)
            }
        };
        out.write_all(&place.to_be_bytes())?;
    }
    for entry in entries.iter().filter(|entry| entry.offset >= LARGE) {
        out.write_all(&entry.offset.to_be_bytes())?;
    }
    out.write_all(checksum.as_slice())
}

struct Hashed<W> {
    out: W,
    hash: Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
