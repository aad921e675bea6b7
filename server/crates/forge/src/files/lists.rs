//! How each forge is asked what is in a folder.

use entity::input::ObjectId;
use serde::{Deserialize, Deserializer};

use super::listed::{Entry, Listed};
use super::{Dialect, Files, LIST_BYTES, ask};
use crate::error::ForgeError;
use crate::exchange::Answer;

/// Entries that GitLab gives at once, at most.
const PAGE: usize = 100;
/// More pages of one folder are a loop.
pub(super) const MAX_PAGES: usize = 1_000;

/// A tree, or a page of one.
#[derive(Deserialize)]
pub(super) struct Tree {
    #[serde(deserialize_with = "entries")]
    pub tree: Vec<Entry>,
    /// There is more: on the next page at Forgejo, and nowhere at GitHub.
    #[serde(default)]
    pub truncated: bool,
}

/// Forgejo says null where there is none. A tree that is not told of at all is no answer.
fn entries<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Entry>, D::Error> {
    Ok(Option::<Vec<Entry>>::deserialize(from)?.unwrap_or_default())
}

impl Files<'_> {
    /// Follows Git's trees from the commit to the folder, and lists all below it; whether it is there.
    pub(super) async fn list_trees(&self, listed: &mut Listed<'_>) -> Result<bool, ForgeError> {
        let (commit, folder) = (listed.wanted.commit, listed.wanted.folder);
        // A commit's name stands for its tree.
        let mut at = commit;
        for name in folder.split('/') {
            match self.folder_of(at, name, at == commit).await? {
                Some(tree) => at = tree,
                None => return Ok(false),
            }
        }
        for page in 1..=MAX_PAGES {
            let Some(Tree { tree, truncated }) = self.tree(at, page, true).await? else {
                return Err(self.unreadable(folder, "it is listed and not there"));
            };
            if !tree.iter().all(|entry| listed.take(&entry.path, entry)) || !truncated || tree.is_empty() {
                return Ok(true);
            }
            if self.dialect == Dialect::Github {
                break;
            }
        }
        listed.leave_out_rest();
        Ok(true)
    }

    /// The folder of this name in a tree.
    async fn folder_of(&self, tree: ObjectId, name: &str, is_commit: bool) -> Result<Option<ObjectId>, ForgeError> {
        for page in 1..=MAX_PAGES {
            let Some(found) = self.tree(tree, page, false).await? else {
                // GitHub does not show a commit's tree where that is empty.
                return match is_commit {
                    true => self.check_commit(tree).await.map(|()| None),
                    false => Err(self.unreadable(name, "it is listed and not there")),
                };
            };
            if let Some(entry) = found.tree.iter().find(|entry| entry.path == name) {
                return Ok(entry.is_folder().then_some(entry.sha));
            }
            if !found.truncated {
                return Ok(None);
            }
            if found.tree.is_empty() || self.dialect == Dialect::Github {
                break;
            }
        }
        Err(self.unreadable(name, "the folder that it is in is too large to be listed"))
    }

    /// A page of a tree; nothing where the forge knows none of this name.
    pub(super) async fn tree(&self, id: ObjectId, page: usize, is_recursive: bool) -> Result<Option<Tree>, ForgeError> {
        let mut url = self.url(&["git", "trees", &id.to_string()]);
        if is_recursive {
            // GitHub takes any value for a yes.
            url.query_pairs_mut().append_pair("recursive", "1");
        }
        if self.dialect == Dialect::Forgejo {
            url.query_pairs_mut().append_pair("page", &page.to_string());
        }
        self.told("a tree", url).await
    }

    /// Lists all below a folder that GitLab is asked for by its path; whether it is there.
    pub(super) async fn list_folder(&self, listed: &mut Listed<'_>) -> Result<bool, ForgeError> {
        let (commit, folder) = (listed.wanted.commit, listed.wanted.folder);
        let what = format!("{folder} of {}", self.full_name);
        for page in 1..=MAX_PAGES {
            let mut url = self.url(&["repository", "tree"]);
            url.query_pairs_mut()
                .append_pair("ref", &commit.to_string())
                .append_pair("path", folder)
                .append_pair("recursive", "true")
                .append_pair("per_page", &PAGE.to_string())
                .append_pair("page", &page.to_string());
            let ask = ask(&what, url);
            let (rows, more): (Vec<Entry>, bool) = match self.exchange.fetch(&ask, LIST_BYTES).await? {
                Answer::Here { value, more, .. } => (self.exchange.read(&ask, &value)?, more),
                Answer::Gone(_) => (Vec::new(), false),
            };
            let below = |entry: &Entry| entry.path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
            if page == 1 && rows.iter().all(|entry| below(entry).is_none()) {
                // The same is said of a folder that is not there, of a file, and of a commit that is not known.
                return self.check_commit(commit).await.map(|()| false);
            }
            for entry in &rows {
                if let Some(below) = below(entry)
                    && !listed.take(&below, entry)
                {
                    return Ok(true);
                }
            }
            // Servers may give fewer at once than they are asked for, so a short page need not be the last one.
            if rows.is_empty() || !more && rows.len() < PAGE {
                return Ok(true);
            }
        }
        listed.leave_out_rest();
        Ok(true)
    }

    fn unreadable(&self, folder: &str, reason: &str) -> ForgeError {
        let what = format!("{folder} of {}", self.full_name);
        ForgeError::Unreadable { host: self.exchange.host.clone(), what, reason: reason.to_owned() }
    }
}
