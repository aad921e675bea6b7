//! Git without a git program: what a remote has, a bare clone kept in step with it, and its history told commit by commit.
//!
//! Three subjects, each usable alone:
//! - `remote`: parse an address, list refs, fetch one branch into a bare clone and commits of
//!   others beside it, everything bounded in bytes, objects and time.
//! - `repo`: open a clone (or anybody's repository, read only), find commits, list a commit's files, read blobs.
//! - `walk`: the fast part; every commit of a first-parent history with the YAML files that it changed, on all cores, in order.
//!
//! All calls block: run them off the async threads. Nothing here ever checks out a file, runs a hook or asks for a password,
//! and neither the user's nor the machine's Git configuration or `GIT_*` variables are read.

mod error;
mod remote;
mod repo;
mod walk;

pub use error::GitError;
pub use remote::{
    Auth, CloneInUse, FetchProgress, Fetched, FetchedCommits, Limits, ListedRefs, RemoteRef, RemoteUrl, Secret,
    UrlPolicy, fetch, fetch_commits, fetch_revision, forget_branches, is_branch_name, kept_branches, list_head,
    list_refs, remove_clone, use_clone,
};
pub use repo::{
    BELOW_DEPTH, BelowLimits, Chain, ChainCommit, CommitInfo, FileKind, FilesBelow, KnownCommit, OddPath, OddReason,
    Repo, Stretch, TreeFile, TreeLimits, TreeListing, is_read_path, is_yaml_path, odd_reason,
};
pub use walk::{BlobReader, Change, ChangedPaths, CommitChanges, WalkError, WalkOptions, walk};
