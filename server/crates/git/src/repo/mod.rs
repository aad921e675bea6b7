//! A repository on disk, read only: commits, trees and blobs.

mod ancestry;
mod below;
mod branches;
mod chain;
mod commit;
mod format;
mod objects;
mod trace;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use entity::input::ObjectId;
use gix::bstr::BString;

pub use below::{BELOW_DEPTH, BelowLimits, FilesBelow};
pub(crate) use branches::choose;
use branches::{stand_in, unborn_head};
pub use chain::{Chain, ChainCommit, KnownCommit};
pub use commit::CommitInfo;
pub(crate) use commit::CommitParts;
pub(crate) use objects::Objects;
use objects::Stores;
pub use trace::Stretch;
pub(crate) use tree::{Entry, EntryKind, ODD_PATHS, PATH_BYTES, PathIssue, TREE_DEPTH, entries, is_read, join};
pub use tree::{
    FileKind, OddPath, OddReason, TreeFile, TreeLimits, TreeListing, is_read_path, is_yaml_path, odd_reason,
};

use crate::GitError;
use crate::error::chain as causes;

/// An opened repository. Cheap to share between threads; each call opens its own view of the object store.
pub struct Repo {
    inner: gix::ThreadSafeRepository,
    stores: Arc<Stores>,
}

impl Repo {
    /// Opens a bare repository or a working copy. Only the repository's own configuration is read.
    ///
    /// # Errors
    /// `NoRepository` if there is none, `Unsupported` if it uses SHA-256 or other extensions that we cannot read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GitError> {
        let path = path.as_ref();
        let no_repository = || GitError::NoRepository { path: path.display().to_string() };
        if !path.is_dir() {
            return Err(no_repository());
        }
        format::check(path)?;
        let inner = gix::ThreadSafeRepository::open_opts(path, Stores::usual()).map_err(|error| {
            if error.is_unsupported() {
                GitError::Unsupported { feature: causes(&error) }
            } else if path.join("HEAD").exists() || path.join(".git").exists() {
                GitError::corrupt(format!("the repository at {} cannot be opened: {}", path.display(), causes(&error)))
            } else {
                no_repository()
            }
        })?;
        if inner.to_thread_local().object_hash() != gix::hash::Kind::Sha1 {
            return Err(GitError::Unsupported { feature: "SHA-256 object names".to_owned() });
        }
        Ok(Self { inner, stores: Arc::new(Stores::new(path.to_owned())) })
    }

    /// Where Git keeps its data: the bare repository itself or the `.git` folder.
    pub fn git_dir(&self) -> PathBuf {
        self.inner.path().to_owned()
    }

    /// The commit that a branch points to; `None` for the branch that HEAD names, or the one that stands in for it where
    /// there is none of that name.
    ///
    /// # Errors
    /// `EmptyRepository` if there is no branch at all, `HeadGone` if none is the obvious one, `BranchGone` if the named branch
    /// is not there.
    pub fn head(&self, branch: Option<&str>) -> Result<ObjectId, GitError> {
        let repo = self.inner.to_thread_local();
        let unreadable = |error: gix::Error| GitError::corrupt(causes(&error));
        let stand_in = match branch {
            Some(_) => None,
            None => unborn_head(&repo)?.map(|head| stand_in(&repo, Some(&head))).transpose()?,
        };
        let Some(branch) = branch.or(stand_in.as_deref()) else {
            return self.peel_to_commit(to_entity(&repo.head_id().map_err(unreadable)?));
        };
        let gone = || GitError::BranchGone { branch: branch.to_owned(), default: None };
        let name = format!("refs/heads/{branch}");
        let mut reference = repo.try_find_reference(name.as_str()).map_err(|_| gone())?.ok_or_else(gone)?;
        let id = reference.peel_to_id().map_err(unreadable)?;
        self.peel_to_commit(to_entity(&id))
    }

    /// The name of the branch that HEAD points to, if it points to one.
    pub fn head_branch(&self) -> Option<String> {
        let name = self.inner.to_thread_local().head_name().ok().flatten()?;
        Some(name.shorten().to_string())
    }

    /// The commit that `rev` names: a hash, a branch, a tag, `HEAD~3`.
    ///
    /// # Errors
    /// `UnknownRevision` if it names none.
    pub fn resolve(&self, rev: &str) -> Result<ObjectId, GitError> {
        let unknown = || GitError::UnknownRevision { rev: rev.chars().take(200).collect() };
        let repo = self.inner.to_thread_local();
        let spec = BString::from(rev);
        match repo.rev_parse_single(spec.as_ref() as &gix::bstr::BStr) {
            Ok(id) => self.peel_to_commit(to_entity(&id)).map_err(|_| unknown()),
            Err(_) if rev == "HEAD" => self.head(None),
            Err(_) => Err(unknown()),
        }
    }

    /// Whether the object is there. Reads no data.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.objects().contains(id)
    }

    /// A commit's time, author and subject.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt`.
    pub fn commit_info(&self, id: ObjectId) -> Result<CommitInfo, GitError> {
        let mut buffer = Vec::new();
        let parts = self.objects().commit(id, &mut buffer)?;
        Ok(parts.info(id))
    }

    /// A blob's text, if it has at most `max_bytes`; a larger one is not inflated.
    ///
    /// # Errors
    /// `BlobTooLarge`, `MissingObject` or `Corrupt`.
    pub fn read_blob(&self, id: ObjectId, max_bytes: u64) -> Result<Vec<u8>, GitError> {
        self.objects().blob(id, max_bytes, &mut Vec::new(), <[u8]>::to_vec)
    }

    /// This thread's view of the object store.
    pub(crate) fn objects(&self) -> Objects {
        Objects::new(&self.inner.objects, &self.stores)
    }

    /// Commits whose parents were cut off when the repository was cloned with `--depth`.
    pub(crate) fn shallow_commits(&self) -> Result<Vec<ObjectId>, GitError> {
        let commits = self.inner.to_thread_local().shallow_commits();
        let commits = commits.map_err(|error| GitError::corrupt(causes(&error)))?;
        Ok(commits.map(|commits| commits.iter().map(|id| to_entity(id)).collect()).unwrap_or_default())
    }

    /// Follows annotated tags to a commit.
    fn peel_to_commit(&self, mut id: ObjectId) -> Result<ObjectId, GitError> {
        let objects = self.objects();
        let mut buffer = Vec::new();
        for _ in 0..8 {
            match objects.find(id, &mut buffer)? {
                gix::objs::Kind::Commit => return Ok(id),
                gix::objs::Kind::Tag => {
                    let target = gix::objs::TagRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1).target_id();
                    let target = target.map_err(|error| GitError::corrupt(format!("tag {id}: {}", causes(&error))))?;
                    id = to_entity(&target);
                }
                kind => return Err(GitError::corrupt(format!("{id} is a {kind}, not a commit"))),
            }
        }
        Err(GitError::corrupt(format!("tag {id} points to a tag of a tag of a tag, and so on")))
    }
}

/// Our name of an object from gix's.
pub(crate) fn to_entity(id: &gix::hash::oid) -> ObjectId {
    let mut bytes = [0; 20];
    let length = id.as_bytes().len().min(20);
    bytes[..length].copy_from_slice(&id.as_bytes()[..length]);
    ObjectId(bytes)
}

/// gix's name of an object from ours.
pub(crate) fn to_gix(id: ObjectId) -> gix::ObjectId {
    gix::ObjectId::from(id.0)
}
