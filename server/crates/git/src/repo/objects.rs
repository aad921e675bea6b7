//! One thread's view of the object store, with the caches that make reading a history fast.

use std::sync::Arc;

use entity::found::ObjectId;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;

use super::{CommitParts, to_gix};
use crate::GitError;
use crate::error::chain as causes;

/// Delta bases kept per thread, in bytes. Neighbouring versions of a tree or a file are deltas of each other.
const DELTA_CACHE_BYTES: usize = 16 << 20;

/// Reads objects; one per thread.
pub(crate) struct Objects {
    handle: gix::odb::HandleArc,
}

impl Objects {
    pub(crate) fn new(store: &Arc<gix::odb::Store>) -> Self {
        let handle = store.to_cache_arc();
        Self { handle: handle.with_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE_BYTES))) }
    }

    /// For gix itself.
    pub(crate) fn into_handle(self) -> gix::odb::HandleArc {
        self.handle
    }

    pub(crate) fn contains(&self, id: ObjectId) -> bool {
        gix::objs::Exists::exists(&self.handle, &to_gix(id))
    }

    /// Reads any object into the buffer.
    pub(crate) fn find(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<gix::objs::Kind, GitError> {
        match gix::objs::Find::try_find(&self.handle, &to_gix(id), buffer) {
            Ok(Some(data)) => {
                let (kind, length) = (data.kind, data.data.len());
                buffer.truncate(length);
                Ok(kind)
            }
            Ok(None) => Err(GitError::MissingObject { id }),
            Err(error) if error.is_not_found() => Err(GitError::MissingObject { id }),
            Err(error) => Err(GitError::corrupt(format!("object {id}: {}", causes(&error)))),
        }
    }

    fn find_kind(&self, id: ObjectId, wanted: gix::objs::Kind, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        let kind = self.find(id, buffer)?;
        if kind != wanted {
            return Err(GitError::corrupt(format!("object {id} is a {kind} where a {wanted} is expected")));
        }
        Ok(())
    }

    pub(crate) fn commit<'a>(&self, id: ObjectId, buffer: &'a mut Vec<u8>) -> Result<CommitParts<'a>, GitError> {
        self.find_kind(id, gix::objs::Kind::Commit, buffer)?;
        CommitParts::parse(buffer).ok_or_else(|| GitError::corrupt(format!("commit {id} has no valid header")))
    }

    pub(crate) fn tree(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        self.find_kind(id, gix::objs::Kind::Tree, buffer)
    }

    /// Reads a blob unless its header says that it is larger than `max_bytes`.
    pub(crate) fn blob(&self, id: ObjectId, max_bytes: u64, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        let header = match gix::objs::FindHeader::try_header(&self.handle, &to_gix(id)) {
            Ok(Some(header)) => header,
            Ok(None) => return Err(GitError::MissingObject { id }),
            Err(error) => return Err(GitError::corrupt(format!("object {id}: {}", causes(&error)))),
        };
        if header.size > max_bytes {
            return Err(GitError::BlobTooLarge { id, size: header.size, limit: max_bytes });
        }
        self.find_kind(id, gix::objs::Kind::Blob, buffer)
    }
}
