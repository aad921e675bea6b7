//! Receiving what is new: one round of telling what we have, then a pack that is counted while it streams in.
//!
//! The pack is indexed here and not by gix, which holds every object whole: a few large files, or small ones that inflate
//! without end, would take as much memory as they are large.

mod content;
mod index;
mod resolve;
mod store;

use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::input::ObjectId;
use gix::progress::Discard;
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags, negotiate};

use super::budget::Budget;
use super::http::AGENT;
use super::session::{Session, failed};
use crate::GitError;
use crate::error::is_full;
use crate::repo::{Objects, Repo, to_gix};

/// Commits that we name to the remote at most, of the first line.
const MAX_HAVES: usize = 64;
/// The same of each line beside it, and how many of these are named.
const OTHER_HAVES: usize = 4;
const OTHER_LINES: usize = 48;

/// Fetches commits and all that they need into the bare repository `git_dir`, sparing what is there: a repository and
/// commits in it, the most telling one first.
pub(super) fn receive(
    session: &mut Session,
    wants: &[ObjectId],
    git_dir: &Path,
    existing: Option<(&Repo, &[ObjectId])>,
    budget: &Budget,
) -> Result<(), GitError> {
    let haves = match existing {
        Some((repo, tips)) => haves(&repo.objects(), tips),
        None => Vec::new(),
    };
    let mut negotiation = OneRound { wants: wants.to_vec(), haves };
    // A remote that knows what we have may send deltas of it: the pack is completed from here.
    let here = existing.map(|(repo, _)| repo.objects());
    let pack_dir = git_dir.join("objects/pack");
    let mut broken = None;
    let consume = |reader: &mut dyn BufRead, _: &mut dyn gix::DynNestedProgress, _: &AtomicBool| {
        // What follows the pack is of no interest, and after a long indexing the remote may be gone.
        write(&mut PackReader::new(reader, budget), &pack_dir, here.as_ref(), budget).map(|()| false).map_err(|error| {
            broken = Some(error);
            gix::Error::from_error(std::io::Error::other("the pack is broken"))
        })
    };
    let outcome = gix::protocol::fetch(
        &mut negotiation,
        consume,
        Discard,
        &budget.interrupt,
        Context {
            handshake: &mut session.handshake,
            transport: &mut session.transport,
            user_agent: ("agent", Some(AGENT.into())),
            trace_packetlines: false,
        },
        Options {
            shallow_file: git_dir.join("shallow"),
            shallow: &Shallow::NoChange,
            tags: Tags::None,
            reject_shallow_remote: true,
        },
    );
    match (outcome, broken) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(failed(budget, &error)),
        (Ok(_), None) => Ok(()),
    }
}

/// The tips of what we have and older commits at growing distances: after a force-push one of them is likely still known.
fn haves(objects: &Objects, tips: &[ObjectId]) -> Vec<ObjectId> {
    let (mut haves, mut seen, mut buffer) = (Vec::new(), HashSet::new(), Vec::new());
    let mut most = MAX_HAVES;
    for tip in tips.iter().take(1 + OTHER_LINES) {
        let (mut cursor, mut walked, mut next, end) = (Some(*tip), 0u64, 0u64, haves.len() + most);
        while let Some(id) = cursor
            && haves.len() < end
            && seen.insert(id)
        {
            let Ok(commit) = objects.commit(id, &mut buffer) else { break };
            if walked == next {
                haves.push(id);
                // One by one at first, as most rewrites are short; then by half as much again.
                next = walked + 1 + walked / 2 * u64::from(walked >= 8);
            }
            walked += 1;
            cursor = commit.parents.first().copied();
        }
        most = OTHER_HAVES;
    }
    haves
}

/// Says everything at once, so that the remote answers with the pack.
struct OneRound {
    wants: Vec<ObjectId>,
    haves: Vec<ObjectId>,
}

impl Negotiate for OneRound {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate { remote_ref_target_known: vec![false] })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        for want in &self.wants {
            arguments.want(to_gix(*want));
        }
        true
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> gix::Result<(negotiate::Round, bool)> {
        for have in &self.haves {
            arguments.have(to_gix(*have));
        }
        let haves_sent = self.haves.len();
        let round = negotiate::Round {
            haves_sent,
            in_vain: 0,
            haves_to_send: haves_sent,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

/// Brings a pack into the folder, with its index.
fn write(reader: &mut dyn BufRead, pack_dir: &Path, here: Option<&Objects>, budget: &Budget) -> Result<(), GitError> {
    let failed = || GitError::io("the pack cannot be stored");
    let file = tempfile::Builder::new().prefix("tmp-").tempfile_in(pack_dir).map_err(failed())?;
    let mut pack = store::take_in(reader, file.as_file(), budget)?;
    if pack.entries.is_empty() {
        return Ok(());
    }
    budget.indexing.store(true, Ordering::Relaxed);
    resolve::resolve(&mut pack, file.as_file(), pack_dir, here, budget)?;
    let index = tempfile::Builder::new().prefix("tmp-").tempfile_in(pack_dir).map_err(failed())?;
    index::write(&mut pack.entries, &pack.checksum, std::io::BufWriter::new(index.as_file()))?;
    let place = pack_dir.join(format!("pack-{}.pack", pack.checksum));
    // The index last: a pack without one is not there.
    file.persist(&place).map_err(|error| failed()(error.error))?;
    index.persist(place.with_extension("idx")).map_err(|error| failed()(error.error))?;
    Ok(())
}

/// What it means that a pack cannot be read on.
fn pack_error(error: &std::io::Error, budget: &Budget) -> GitError {
    use std::io::ErrorKind::UnexpectedEof;
    match error.kind() {
        kind if is_full(kind) => GitError::DiskFull,
        UnexpectedEof => GitError::corrupt(format!("{} ended the pack before it was complete", budget.host)),
        _ => GitError::corrupt(format!("the pack that {} sent cannot be read: {error}", budget.host)),
    }
}

/// Counts the pack while it streams in and looks at its header, which says how many objects follow.
struct PackReader<'a> {
    inner: &'a mut dyn BufRead,
    budget: &'a Budget,
    header: [u8; 12],
    header_length: usize,
    header_read: usize,
    begun: bool,
}

impl<'a> PackReader<'a> {
    fn new(inner: &'a mut dyn BufRead, budget: &'a Budget) -> Self {
        Self { inner, budget, header: [0; 12], header_length: 0, header_read: 0, begun: false }
    }

    fn begin(&mut self) -> std::io::Result<()> {
        self.begun = true;
        while self.header_length < self.header.len() {
            let read = self.inner.read(&mut self.header[self.header_length..])?;
            if read == 0 {
                // Too short: gix says what is wrong with it.
                return Ok(());
            }
            self.header_length += read;
        }
        let objects = self.header.last_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_be_bytes(*bytes)));
        self.budget.pack_objects.store(objects, Ordering::Relaxed);
        let limit = self.budget.limits.objects;
        if self.header.starts_with(b"PACK") && objects > limit {
            return Err(self.budget.stop(GitError::TooManyObjects { limit }));
        }
        Ok(())
    }
}

impl Read for PackReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PackReader<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.budget.check()?;
        if !self.begun {
            self.begin()?;
        }
        if self.header_read < self.header_length {
            return Ok(&self.header[self.header_read..self.header_length]);
        }
        let available = self.inner.fill_buf()?;
        self.budget.indexing.store(available.is_empty(), Ordering::Relaxed);
        Ok(available)
    }

    fn consume(&mut self, count: usize) {
        if self.header_read < self.header_length {
            self.header_read += count;
        } else {
            self.inner.consume(count);
        }
        let received = self.budget.pack_bytes.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        let limit = self.budget.limits.pack_bytes;
        if received > limit {
            // Makes the next read fail.
            let _ = self.budget.stop(GitError::TooLarge { limit });
        }
    }
}
