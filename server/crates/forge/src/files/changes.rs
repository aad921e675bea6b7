//! What the way from one commit of a branch to another changed, as a forge's API tells it: what a clone's reader would give.

use std::collections::{BTreeSet, HashMap};

use entity::input::ObjectId;
use git::ChangedPaths;
use serde::Deserialize;

use super::lists::{MAX_PAGES, Tree};
use super::{Dialect, Files};
use crate::error::ForgeError;

/// GitHub tells of no more files; where there are so many, there may be others.
const GITHUB_FILES: usize = 300;
/// Entries of a whole tree; of a larger one it is not found out what differs.
const MAX_ENTRIES: usize = 50_000;

/// From where to where a branch moved, and what is asked of that.
#[derive(Clone, Copy, Debug)]
pub struct WantedChanges {
    /// Nothing where the branch is new: its commit is compared with that one's first parent, as a clone's reader does.
    pub old: Option<ObjectId>,
    pub new: ObjectId,
    /// At most so many paths; none are asked for where there is no number.
    pub paths: Option<usize>,
}

/// What a forge tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether the old commit was left behind; nothing where there is none, or the forge does not tell.
    pub is_forced: Option<bool>,
    /// In which paths the two differ; nothing where nobody asked, or the forge does not tell.
    pub paths: Option<ChangedPaths>,
}

/// GitHub's comparison, which begins where the two parted.
#[derive(Deserialize)]
struct Comparison {
    status: Status,
    files: Option<Vec<File>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ahead,
    Identical,
    Behind,
    Diverged,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    status: String,
    previous_filename: Option<String>,
}

/// Forgejo's, which lists the commits from where the two parted to the second one.
#[derive(Deserialize)]
struct Between {
    total_commits: usize,
    commits: Option<Vec<Child>>,
}

#[derive(Deserialize)]
struct Child {
    parents: Vec<Named>,
}

impl Between {
    fn commits(&self) -> &[Child] {
        self.commits.as_deref().unwrap_or_default()
    }

    /// Whether one of them is a child of this commit, so that the last of them comes from it.
    fn comes_from(&self, commit: ObjectId) -> bool {
        self.commits().iter().any(|child| child.parents.iter().any(|parent| parent.sha == commit))
    }

    fn is_whole(&self) -> bool {
        self.commits().len() == self.total_commits
    }
}

/// GitLab's, straight from one to the other.
#[derive(Deserialize)]
struct Straight {
    diffs: Vec<Diff>,
    /// There are more than it tells of.
    compare_timeout: bool,
}

#[derive(Deserialize)]
struct Diff {
    old_path: String,
    new_path: String,
}

/// A commit by its name.
#[derive(Deserialize)]
struct Named {
    /// GitLab calls it `id`.
    #[serde(alias = "id")]
    sha: ObjectId,
}

/// What a commit came from: GitLab names it otherwise.
#[derive(Deserialize)]
struct Commit {
    parents: Option<Vec<Named>>,
    parent_ids: Option<Vec<ObjectId>>,
}

/// Modes and contents of files, by their paths.
type Contents = HashMap<String, (String, ObjectId)>;

impl Files<'_> {
    /// Finds out what is wanted of a branch's way, as far as the forge tells.
    pub(crate) async fn changes(&self, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        let what = format!("what changed up to {} in {}", wanted.new.short(), self.full_name);
        let mut found = self.in_time(what, self.find_changes(wanted)).await?;
        found.is_forced = wanted.old.and(found.is_forced);
        found.paths = wanted.paths.and_then(|most| {
            let mut paths = found.paths.take()?;
            paths.is_complete &= paths.paths.len() <= most;
            paths.paths.truncate(most);
            Some(paths)
        });
        Ok(found)
    }

    async fn find_changes(&self, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        let (new, wants_paths) = (wanted.new, wanted.paths.is_some());
        let from = match wanted.old {
            Some(old) => Some(old),
            None if !wants_paths => return Ok(Changes::default()),
            None => match self.first_parent(new).await? {
                Some(parent) => parent,
                None => return Ok(Changes::default()),
            },
        };
        let mut found = match (self.dialect, from) {
            (Dialect::Github, Some(from)) => self.github_comparison(from, new).await?,
            (Dialect::Forgejo, Some(from)) if wanted.old.is_some() => {
                Changes { is_forced: self.forgejo_forced(from, new).await?, paths: None }
            }
            (Dialect::Gitlab, Some(from)) => Changes {
                is_forced: if wanted.old.is_some() { self.gitlab_forced(from, new).await? } else { None },
                paths: if wants_paths { self.gitlab_paths(from, new).await? } else { None },
            },
            _ => Changes::default(),
        };
        let is_whole = found.paths.as_ref().is_some_and(|paths| paths.is_complete);
        // GitLab gives few entries at once, and tells what differs itself.
        if wants_paths
            && !is_whole
            && self.dialect != Dialect::Gitlab
            && let Some(paths) = self.tree_difference(from, new).await?
        {
            found.paths = Some(paths);
        }
        Ok(found)
    }

    async fn github_comparison(&self, old: ObjectId, new: ObjectId) -> Result<Changes, ForgeError> {
        let mut url = self.url(&["compare", &format!("{old}...{new}")]);
        // Its commits are of no interest; all of its files come with the first page.
        url.query_pairs_mut().append_pair("per_page", "1");
        let Some(Comparison { status, files }) = within(self.told("a comparison", url).await)? else {
            return Ok(Changes::default());
        };
        let is_forced = matches!(status, Status::Behind | Status::Diverged);
        // Of one that was forced it does not begin at the old commit.
        let paths = files.filter(|_| !is_forced).map(|files| {
            let is_complete = files.len() < GITHUB_FILES;
            let both = files.into_iter().flat_map(|file| {
                // What was copied is still there.
                let previous = file.previous_filename.filter(|_| file.status != "copied");
                previous.into_iter().chain([file.filename])
            });
            ChangedPaths { paths: sorted(both), is_complete }
        });
        Ok(Changes { is_forced: Some(is_forced), paths })
    }

    async fn forgejo_forced(&self, old: ObjectId, new: ObjectId) -> Result<Option<bool>, ForgeError> {
        let Some(ahead) = self.forgejo_between(old, new).await? else { return Ok(None) };
        if ahead.comes_from(old) {
            return Ok(Some(false));
        }
        if !ahead.is_whole() {
            return Ok(None);
        }
        if !ahead.commits().is_empty() {
            return Ok(Some(true));
        }
        // Either the branch was set back, or the two have nothing in common, or that was not found out.
        let behind = self.forgejo_between(new, old).await?;
        Ok(behind.is_some_and(|behind| behind.comes_from(new)).then_some(true))
    }

    async fn forgejo_between(&self, base: ObjectId, head: ObjectId) -> Result<Option<Between>, ForgeError> {
        let mut url = self.url(&["compare", &format!("{base}...{head}")]);
        // Both are looked up for each commit, which takes a while.
        url.set_query(Some("verification=false&files=false"));
        within(self.told("a comparison", url).await)
    }

    async fn gitlab_forced(&self, old: ObjectId, new: ObjectId) -> Result<Option<bool>, ForgeError> {
        let mut url = self.url(&["repository", "merge_base"]);
        url.query_pairs_mut().append_pair("refs[]", &old.to_string()).append_pair("refs[]", &new.to_string());
        let base: Option<Named> = self.told("what two commits come from", url).await?;
        Ok(base.map(|base| base.sha != old))
    }

    async fn gitlab_paths(&self, old: ObjectId, new: ObjectId) -> Result<Option<ChangedPaths>, ForgeError> {
        let mut url = self.url(&["repository", "compare"]);
        url.query_pairs_mut()
            .append_pair("from", &old.to_string())
            .append_pair("to", &new.to_string())
            .append_pair("straight", "true");
        let told: Option<Straight> = within(self.told("a comparison", url).await)?;
        Ok(told.map(|Straight { diffs, compare_timeout }| {
            let both = diffs.into_iter().flat_map(|diff| [diff.old_path, diff.new_path]);
            ChangedPaths { paths: sorted(both), is_complete: !compare_timeout }
        }))
    }

    /// The first commit that a commit came from, if there is any; nothing where the forge does not know the commit.
    async fn first_parent(&self, commit: ObjectId) -> Result<Option<Option<ObjectId>>, ForgeError> {
        let url = self.commit_url(commit);
        let Some(Commit { parents, parent_ids }) = self.told("a commit", url).await? else { return Ok(None) };
        let first = parents.map(|parents| parents.first().map(|parent| parent.sha));
        Ok(first.or_else(|| parent_ids.map(|ids| ids.first().copied())))
    }

    /// In which files the trees of two commits differ; all files of one that came from none. Nothing where not all of them are
    /// told.
    async fn tree_difference(&self, old: Option<ObjectId>, new: ObjectId) -> Result<Option<ChangedPaths>, ForgeError> {
        let Some(mut after) = self.contents(new).await? else { return Ok(None) };
        let mut paths = Vec::new();
        if let Some(old) = old {
            let Some(before) = self.contents(old).await? else { return Ok(None) };
            for (path, was) in before {
                if after.remove(&path).is_none_or(|is| is != was) {
                    paths.push(path);
                }
            }
        }
        paths.extend(after.into_keys());
        paths.sort_unstable();
        Ok(Some(ChangedPaths { paths, is_complete: true }))
    }

    /// All files of a commit; nothing where the forge does not tell of all, or not of the commit.
    async fn contents(&self, commit: ObjectId) -> Result<Option<Contents>, ForgeError> {
        let (mut contents, mut looked_at) = (Contents::new(), 0);
        for page in 1..=MAX_PAGES {
            let told = within(self.tree(commit, page, true).await)?;
            let Some(Tree { tree, truncated }) = told else { return Ok(None) };
            looked_at += tree.len();
            let is_last = tree.is_empty() || self.dialect == Dialect::Github;
            if looked_at > MAX_ENTRIES || truncated && is_last {
                return Ok(None);
            }
            let files = tree.into_iter().filter(|entry| !entry.is_folder());
            contents.extend(files.map(|entry| (entry.path, (entry.mode, entry.sha))));
            if !truncated {
                return Ok(Some(contents));
            }
        }
        Ok(None)
    }
}

/// What has more bytes than are taken in is as good as not told.
fn within<T>(told: Result<Option<T>, ForgeError>) -> Result<Option<T>, ForgeError> {
    match told {
        Err(ForgeError::TooLarge { .. }) => Ok(None),
        told => told,
    }
}

/// Each path once.
fn sorted(paths: impl Iterator<Item = String>) -> Vec<String> {
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}
