//! What goes into a call and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use entity::input::ObjectId;
use net::AddressGuard;

use crate::GitError;
use crate::repo::choose;

/// A password or token. Never shown: neither in logs nor in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// How to prove who we are, given with each call. Nobody is ever asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    None,
    /// A forge's access token: sent as the password of basic authentication, which GitHub, GitLab, Gitea and Forgejo take.
    Token(Secret),
    Basic {
        username: String,
        password: Secret,
    },
    Bearer(Secret),
}

/// Bounds of one call to a remote.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the pack that is received; a larger repository is given up as soon as this much has come in.
    pub pack_bytes: u64,
    /// Objects that the pack announces.
    pub objects: u64,
    /// Largest single object that is taken, in bytes. Large ones are unpacked piece by piece and cost no memory.
    pub object_bytes: u64,
    /// Branches and tags that are listed.
    pub refs: usize,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Without a single byte from the remote.
    pub idle_timeout: Duration,
    /// The whole call.
    pub total_timeout: Duration,
    /// Fewer than 1,000 bytes within this time count as no progress.
    pub slow_window: Duration,
    /// Which addresses may be connected to; `None` where the operator wrote the address down himself.
    pub guard: Option<Arc<AddressGuard>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 100 << 20,
            objects: 2_000_000,
            object_bytes: 2 << 30,
            refs: 100_000,
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(1),
            total_timeout: Duration::from_mins(15),
            slow_window: Duration::from_mins(1),
            guard: None,
        }
    }
}

/// A branch or tag of a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRef {
    /// In full, such as `refs/heads/main`.
    pub name: String,
    /// The commit, also where an annotated tag stands between.
    pub id: ObjectId,
}

/// What a remote has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedRefs {
    /// Branches, by name. Those whose names are not UTF-8 are left out.
    pub branches: Vec<RemoteRef>,
    /// The branch that HEAD points to, without `refs/heads/`; it may not exist.
    pub default_branch: Option<String>,
    /// The commit of HEAD.
    pub head: Option<ObjectId>,
}

impl ListedRefs {
    /// The branches by their names without `refs/heads/`, each with its commit.
    pub fn named_branches(&self) -> impl Iterator<Item = (&str, ObjectId)> + Clone {
        self.branches.iter().filter_map(|branch| Some((branch.name.strip_prefix("refs/heads/")?, branch.id)))
    }

    /// The names of the branches, without `refs/heads/`.
    pub fn branch_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.named_branches().map(|(name, _)| name)
    }

    /// The branch to read where HEAD leads to none: `main`, else `master`, else the only one.
    ///
    /// # Errors
    /// `HeadGone` where none of them is the obvious one, `EmptyRepository` where there is none.
    pub fn stand_in(&self) -> Result<String, GitError> {
        let names = self.branch_names().map(str::to_owned).collect();
        choose(self.default_branch.as_deref(), names, None)
    }

    /// The commit of a branch.
    #[must_use]
    pub fn branch(&self, name: &str) -> Option<ObjectId> {
        let full = format!("refs/heads/{name}");
        self.branches.iter().find(|branch| branch.name == full).map(|branch| branch.id)
    }
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchProgress {
    /// Bytes of the pack received.
    pub bytes: u64,
    /// Objects that the pack announces; 0 until it begins.
    pub objects: u64,
    /// The pack is complete and being indexed.
    pub indexing: bool,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Without `refs/heads/`; `HEAD` where the remote's HEAD names no branch.
    pub branch: String,
    pub head: ObjectId,
    /// The branch that the remote's HEAD points to.
    pub default_branch: Option<String>,
    /// Where the clone's branch stood before; `None` for a new clone or another branch.
    pub previous: Option<ObjectId>,
    /// The clone was made, or made anew.
    pub cloned: bool,
    /// Bytes of the pack received; 0 where everything was there.
    pub received_bytes: u64,
    pub received_objects: u64,
    /// Size of the clone on disk.
    pub clone_bytes: u64,
}

/// What a fetch of single commits brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedCommits {
    /// Branches whose commit is in the clone now, brought or there before.
    pub here: Vec<(String, ObjectId)>,
    /// Branches whose commit the remote does not give out any more: they moved on, or are gone.
    pub missing: Vec<(String, ObjectId)>,
}
