//! All branches of a repository, as a forge's API tells them: what Git's own list has not is which are protected.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use entity::input::{ObjectId, is_branch_name};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange};

/// The most branches that are listed; more is an error, as half a list would look like deleted branches.
const MAX_BRANCHES: usize = 10_000;
/// Servers that give few at once need more pages; more than this is a loop.
const MAX_PAGES: usize = 1_000;
/// Until the whole list is there.
const WITHIN: Duration = Duration::from_mins(5);
/// Without a token each request counts, so that few are made twice.
const FEW_PAGES: usize = 3;

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBranch {
    /// Without `refs/heads/`.
    pub name: String,
    pub commit: ObjectId,
    /// `None` where the forge does not tell.
    pub is_protected: Option<bool>,
}

/// The branches of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedBranches {
    /// By name.
    pub branches: Vec<ListedBranch>,
    pub default_branch: Option<String>,
    /// A branch that is not listed is not there, but for those that are left out. Lists of several pages may miss one while others
    /// come and go: they are looked at twice, and where they don't stand still this is false.
    pub is_complete: bool,
    /// Branches whose names nobody keeps ([`is_branch_name`]).
    pub left_out: usize,
}

/// What of a branch is read, from any of the forges.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    name: String,
    commit: Option<Commit>,
    #[serde(default)]
    protected: Option<bool>,
    #[serde(default)]
    default: Option<bool>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Commit {
    /// GitHub's word for it; others have `id`.
    #[serde(alias = "id")]
    sha: ObjectId,
}

/// What has come in so far.
#[derive(Default)]
struct Collected {
    names: HashSet<String>,
    listed: ListedBranches,
    /// Of some it is not told where they stand.
    has_gaps: bool,
}

impl Collected {
    /// Takes a page in; whether it brought anything.
    fn take(&mut self, rows: &[Row]) -> bool {
        let before = self.names.len();
        for row in rows {
            if !self.names.insert(row.name.clone()) {
                continue;
            }
            if !is_branch_name(&row.name) {
                self.listed.left_out += 1;
                continue;
            }
            let Some(commit) = &row.commit else {
                self.has_gaps = true;
                continue;
            };
            if row.default == Some(true) {
                self.listed.default_branch = Some(row.name.clone());
            }
            let branch = ListedBranch { name: row.name.clone(), commit: commit.sha, is_protected: row.protected };
            self.listed.branches.push(branch);
        }
        self.names.len() > before
    }

    fn finish(mut self, is_complete: bool) -> ListedBranches {
        self.listed.branches.sort_by(|a, b| a.name.cmp(&b.name));
        ListedBranches { is_complete: is_complete && !self.has_gaps, ..self.listed }
    }
}

/// One repository's list at one forge.
pub(crate) struct Listing<'a> {
    pub exchange: &'a Exchange,
    /// The repository, for errors.
    pub full_name: &'a str,
    /// Where the list is, without a query.
    pub url: Url,
    /// What the forge calls the number of rows in a page, and the most that it gives.
    pub size: (&'static str, usize),
}

impl Listing<'_> {
    /// Reads a list whose pages are numbered. Branches that come and go in between move others from page to page, so what was
    /// read is compared with what is there afterwards.
    pub(crate) async fn by_number(&self) -> Result<ListedBranches, ForgeError> {
        self.in_time(async {
            let (collected, pages) = self.numbered().await?;
            // One answer is one moment.
            let mut is_complete = pages.len() <= 1;
            if !is_complete && (self.exchange.has_token || pages.len() <= FEW_PAGES) {
                is_complete = self.stands_still(&pages).await?;
            }
            Ok(collected.finish(is_complete))
        })
        .await
    }

    /// Reads a list that goes on after a name, as GitLab's does: branches that come and go move no others. Servers that know
    /// only numbers are asked for these.
    pub(crate) async fn by_name(&self) -> Result<ListedBranches, ForgeError> {
        let listed = self
            .in_time(async {
                let mut collected = Collected::default();
                let mut after: Option<String> = None;
                for _ in 0..MAX_PAGES {
                    let mut query = vec![("pagination", "keyset")];
                    query.extend(after.as_deref().map(|after| ("page_token", after)));
                    let what = format!("the branches of {} after {:?}", self.full_name, after.as_deref().unwrap_or(""));
                    let (rows, more) = self.page(&what, &query).await?;
                    let is_new = self.take(&mut collected, &rows)?;
                    let last = rows.last().map(|row| row.name.clone()).filter(|_| more || rows.len() >= self.size.1);
                    match last {
                        None => return Ok(Some(collected.finish(true))),
                        Some(_) if !is_new => return Ok(None),
                        last => after = last,
                    }
                }
                Err(self.endless())
            })
            .await?;
        match listed {
            Some(listed) => Ok(listed),
            None => self.by_number().await,
        }
    }

    async fn numbered(&self) -> Result<(Collected, Vec<Vec<Row>>), ForgeError> {
        let (mut collected, mut pages) = (Collected::default(), Vec::new());
        for number in 1..=MAX_PAGES {
            let (rows, more) = self.numbered_page(number).await?;
            let is_new = self.take(&mut collected, &rows)?;
            // Servers may give fewer at once than they are asked for, so a short page need not be the last one.
            let is_last = rows.is_empty() || !more && rows.len() < self.size.1;
            if !rows.is_empty() {
                pages.push(rows);
            }
            if is_last {
                return Ok((collected, pages));
            }
            if !is_new {
                break;
            }
        }
        Err(self.endless())
    }

    /// Whether all pages but the last are as they were when the last one was read: then all of them were so at that moment.
    async fn stands_still(&self, pages: &[Vec<Row>]) -> Result<bool, ForgeError> {
        for (number, before) in (1..pages.len()).zip(pages) {
            if self.numbered_page(number).await?.0 != *before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn numbered_page(&self, number: usize) -> Result<(Vec<Row>, bool), ForgeError> {
        let what = format!("page {number} of the branches of {}", self.full_name);
        let number = number.to_string();
        self.page(&what, &[("page", number.as_str())]).await
    }

    async fn page(&self, what: &str, query: &[(&str, &str)]) -> Result<(Vec<Row>, bool), ForgeError> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair(self.size.0, &self.size.1.to_string()).extend_pairs(query);
        let ask = Ask { what, resource: "core", url, body: None };
        match self.exchange.ask::<Vec<Row>>(&ask).await? {
            Answer::Here { value, more, .. } => Ok((value, more)),
            Answer::Gone(reason) => Err(self.exchange.gone(self.full_name, reason)),
        }
    }

    fn take(&self, collected: &mut Collected, rows: &[Row]) -> Result<bool, ForgeError> {
        let is_new = collected.take(rows);
        if collected.names.len() > MAX_BRANCHES {
            let what = format!("the branches of {}", self.full_name);
            return Err(ForgeError::TooMany { host: self.exchange.host.clone(), what, limit: MAX_BRANCHES });
        }
        Ok(is_new)
    }

    fn endless(&self) -> ForgeError {
        let what = format!("the branches of {}", self.full_name);
        let reason = "its pages have no end, or the same branches again".to_owned();
        ForgeError::Unreadable { host: self.exchange.host.clone(), what, reason }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, ForgeError>> + Send) -> Result<T, ForgeError> {
        tokio::time::timeout(WITHIN, work).await.unwrap_or_else(|_| {
            Err(ForgeError::Unreachable {
                host: self.exchange.host.clone(),
                what: format!("the branches of {}", self.full_name),
                reason: format!("the list took longer than {} s", WITHIN.as_secs()),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, commit: Option<u8>) -> Row {
        let commit = commit.map(|commit| Commit { sha: ObjectId([commit; 20]) });
        Row { name: name.to_owned(), commit, protected: None, default: None }
    }

    /// What Git's own list has and this one has not would be taken for deleted.
    #[test]
    fn no_branch_is_dropped_that_others_keep_and_what_is_dropped_is_said() {
        let (long, longer) = ("x".repeat(1_024), "x".repeat(1_025));
        let mut collected = Collected::default();
        assert!(collected.take(&[row("main", Some(1)), row(&long, Some(2)), row("next\u{85}line", Some(3))]));
        // A page of nothing else is a page as well.
        assert!(collected.take(&[row(&longer, Some(4))]));
        assert!(!collected.take(&[row("main", Some(1)), row(&longer, Some(4))]));
        let listed = collected.finish(true);
        let names: Vec<&str> = listed.branches.iter().map(|branch| branch.name.as_str()).collect();
        assert_eq!(names, ["main", "next\u{85}line", long.as_str()]);
        assert_eq!((listed.left_out, listed.is_complete), (1, true));
        // Of one nobody says where it stands.
        let mut collected = Collected::default();
        collected.take(&[row("main", Some(1)), row("odd", None)]);
        let listed = collected.finish(true);
        assert_eq!((listed.branches.len(), listed.is_complete), (1, false));
    }
}
