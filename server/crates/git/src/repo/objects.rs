//! One thread's view of the object store, with the caches that make reading a history fast.
//!
//! What it may take to unpack an object is bounded twice: for what every thread may do at once, and far higher for what one
//! thread at a time may do.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use entity::input::ObjectId;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;

use super::{CommitParts, to_gix};
use crate::GitError;
use crate::error::chain as causes;

/// Delta bases kept per thread, in bytes. Neighbouring versions of a tree or a file are deltas of each other.
const DELTA_CACHE_BYTES: usize = 16 << 20;

/// What unpacking one object may take: the object, and what it is packed as a change of. Trees and commits beyond are nobody's.
const UNPACK_BYTES: usize = 32 << 20;
/// The same for a blob, which one thread at a time reads.
const LARGE_BYTES: usize = 128 << 20;
/// Buffers that grew beyond this are let go after use.
const KEPT_BYTES: usize = 4 << 20;

/// Held by whoever reads a blob that takes much memory, until it is done with it.
static LARGE: Mutex<()> = Mutex::new(());

/// How a repository is opened: its own configuration alone, and the bound of one object.
pub(super) fn options(unpack_bytes: usize) -> gix::open::Options {
    gix::open::Options::isolated()
        .config_overrides([format!("gitoxide.objects.allocLimit={unpack_bytes}")])
        .strict_config(false)
}

/// An object store, opened with either bound.
pub(super) struct Stores {
    /// Where the repository is, for opening it once more.
    path: PathBuf,
    large: OnceLock<Option<Arc<gix::odb::Store>>>,
}

impl Stores {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, large: OnceLock::new() }
    }

    pub(super) fn usual() -> gix::open::Options {
        options(UNPACK_BYTES)
    }

    fn large(&self) -> Option<&Arc<gix::odb::Store>> {
        let open = || gix::ThreadSafeRepository::open_opts(&self.path, options(LARGE_BYTES)).ok();
        self.large.get_or_init(|| open().map(|repo| Arc::clone(&repo.objects))).as_ref()
    }
}

/// Reads objects; one per thread.
pub(crate) struct Objects {
    handle: gix::odb::HandleArc,
    stores: Arc<Stores>,
}

impl Objects {
    pub(super) fn new(store: &Arc<gix::odb::Store>, stores: &Arc<Stores>) -> Self {
        let handle = store.to_cache_arc();
        let handle = handle.with_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE_BYTES)));
        Self { handle, stores: Arc::clone(stores) }
    }

    pub(crate) fn contains(&self, id: ObjectId) -> bool {
        gix::objs::Exists::exists(&self.handle, &to_gix(id))
    }

    /// Reads any object into the buffer.
    pub(crate) fn find(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<gix::objs::Kind, GitError> {
        find(&self.handle, id, UNPACK_BYTES, buffer)
    }

    fn find_kind(&self, id: ObjectId, wanted: gix::objs::Kind, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        let kind = self.find(id, buffer)?;
        if kind == wanted { Ok(()) } else { Err(unexpected(id, kind, wanted)) }
    }

    pub(crate) fn commit<'a>(&self, id: ObjectId, buffer: &'a mut Vec<u8>) -> Result<CommitParts<'a>, GitError> {
        self.find_kind(id, gix::objs::Kind::Commit, buffer)?;
        CommitParts::parse(buffer).ok_or_else(|| GitError::corrupt(format!("commit {id} has no valid header")))
    }

    pub(crate) fn tree(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        self.find_kind(id, gix::objs::Kind::Tree, buffer)
    }

    /// Reads a blob unless its header says that it is larger than `max_bytes`, and lets `work` look at it. Blobs that take much
    /// memory are read and looked at one at a time, whatever the number of threads.
    pub(crate) fn blob<T>(
        &self,
        id: ObjectId,
        max_bytes: u64,
        buffer: &mut Vec<u8>,
        work: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, GitError> {
        self.check_size(id, max_bytes)?;
        let wanted = gix::objs::Kind::Blob;
        let read = self.find_kind(id, wanted, buffer);
        let store = match &read {
            Err(GitError::TooMuchToUnpack { .. }) => self.stores.large(),
            _ => None,
        };
        let result = match store {
            Some(store) => {
                let _alone = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
                let mut buffer = Vec::new();
                match find(&store.to_cache_arc(), id, LARGE_BYTES, &mut buffer)? {
                    kind if kind == wanted => Ok(work(&buffer)),
                    kind => Err(unexpected(id, kind, wanted)),
                }
            }
            None => read.map(|()| work(buffer)),
        };
        if buffer.capacity() > KEPT_BYTES {
            *buffer = Vec::new();
        }
        result
    }

    /// Looks at an object's header only.
    pub(crate) fn check_size(&self, id: ObjectId, max_bytes: u64) -> Result<(), GitError> {
        match gix::objs::FindHeader::try_header(&self.handle, &to_gix(id)) {
            Ok(Some(header)) if header.size > max_bytes => {
                Err(GitError::BlobTooLarge { id, size: header.size, limit: max_bytes })
            }
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(GitError::MissingObject { id }),
            Err(error) => Err(GitError::corrupt(format!("object {id}: {}", causes(&error)))),
        }
    }
}

fn unexpected(id: ObjectId, kind: gix::objs::Kind, wanted: gix::objs::Kind) -> GitError {
    GitError::corrupt(format!("object {id} is a {kind} where a {wanted} is expected"))
}

fn find(
    handle: &impl gix::objs::Find,
    id: ObjectId,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> Result<gix::objs::Kind, GitError> {
    match handle.try_find(&to_gix(id), buffer) {
        Ok(Some(data)) => {
            let (kind, length) = (data.kind, data.data.len());
            buffer.truncate(length);
            Ok(kind)
        }
        Ok(None) => Err(GitError::MissingObject { id }),
        Err(error) if error.is_not_found() => Err(GitError::MissingObject { id }),
        Err(error) if error.is_resource_exhausted() => Err(GitError::TooMuchToUnpack { id, limit: limit as u64 }),
        Err(error) => Err(GitError::corrupt(format!("object {id}: {}", causes(&error)))),
    }
}
