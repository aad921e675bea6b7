//! The files below one folder of a commit, and what changed up to one, as a forge's API tells them: what a clone's reader would
//! give, within the same bounds.

mod changes;
mod listed;
mod lists;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use entity::input::ObjectId;
use git::{BelowLimits, FilesBelow, GitError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use self::changes::{Changes, WantedChanges};
use self::listed::{Blob, Listed};
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange};

/// Until all of it is there.
const WITHIN: Duration = Duration::from_mins(5);
/// An answer that lists entries; GitHub gives up to 7 MB.
const LIST_BYTES: usize = 16 << 20;

/// Which files of a commit are read.
#[derive(Clone, Copy, Debug)]
pub struct WantedFiles<'a> {
    pub commit: ObjectId,
    /// From the root of the repository, without a slash at either end.
    pub folder: &'a str,
    pub limits: BelowLimits,
    /// By the whole path.
    pub is_wanted: fn(&str) -> bool,
}

/// Where a repository is below an API's address, by the name or number that it has now. Names change: it is good for as long as
/// a job runs, and is looked for anew where it does not lead to what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryPath {
    /// The repository, for errors.
    pub(crate) full_name: String,
    pub(crate) parts: Vec<String>,
}

impl RepositoryPath {
    pub(crate) fn new(full_name: &str, parts: &[&str]) -> Self {
        Self { full_name: full_name.to_owned(), parts: parts.iter().map(|&part| part.to_owned()).collect() }
    }
}

/// How a forge tells of trees and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Git's trees and blobs, a tree in one answer.
    Github,
    /// The same, a tree in pages.
    Forgejo,
    /// A folder by its path, in pages; blobs as they are.
    Gitlab,
}

/// What Git's blobs are answered with.
#[derive(Deserialize)]
struct Content {
    /// Forgejo leaves out what is very large.
    content: Option<String>,
    encoding: Option<String>,
}

/// One repository's files at one forge.
pub(crate) struct Files<'a> {
    pub exchange: &'a Exchange,
    pub dialect: Dialect,
    /// The repository, for errors.
    full_name: &'a str,
    /// Its path below the API's base.
    at: Vec<&'a str>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(exchange: &'a Exchange, dialect: Dialect, path: &'a RepositoryPath) -> Self {
        Self { exchange, dialect, full_name: &path.full_name, at: path.parts.iter().map(String::as_str).collect() }
    }

    /// Reads what is wanted; nothing at the folder is no error.
    pub(crate) async fn below(&self, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        self.in_time(format!("{} of {}", wanted.folder, self.full_name), self.read(wanted)).await
    }

    async fn in_time<T>(
        &self,
        what: String,
        work: impl Future<Output = Result<T, ForgeError>> + Send,
    ) -> Result<T, ForgeError> {
        tokio::time::timeout(WITHIN, work).await.unwrap_or_else(|_| {
            let reason = format!("reading it took longer than {} s", WITHIN.as_secs());
            Err(ForgeError::Unreachable { host: self.exchange.host.clone(), what, reason })
        })
    }

    async fn read(&self, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        let mut listed = Listed::new(wanted);
        let is_there = match self.dialect {
            Dialect::Github | Dialect::Forgejo => self.list_trees(&mut listed).await?,
            Dialect::Gitlab => self.list_folder(&mut listed).await?,
        };
        if !is_there {
            return Ok(FilesBelow::default());
        }
        let (mut below, blobs) = listed.finish();
        let limits = &wanted.limits;
        let (mut left, mut asked) = (limits.total_bytes, 0);
        for blob in blobs {
            if !below.takes(&blob.path, blob.is_regular, asked, limits) {
                continue;
            }
            let most = limits.file_bytes.min(left);
            if let Some(size) = blob.size.filter(|size| *size > most) {
                below.leave_out_path(blob.path.as_bytes(), &GitError::BlobTooLarge { id: blob.id, size, limit: most });
                continue;
            }
            asked += 1;
            match self.blob(&blob, most).await? {
                Ok(bytes) => {
                    left = left.saturating_sub(bytes.len() as u64);
                    below.files.push((blob.path, bytes));
                }
                Err(why) => below.leave_out_path(blob.path.as_bytes(), &why),
            }
        }
        Ok(below)
    }

    /// A file's bytes, or why it is left out.
    async fn blob(&self, blob: &Blob, most: u64) -> Result<Result<Vec<u8>, String>, ForgeError> {
        let id = blob.id.to_string();
        let (url, is_raw) = match self.dialect {
            Dialect::Github | Dialect::Forgejo => (self.url(&["git", "blobs", &id]), false),
            Dialect::Gitlab => (self.url(&["repository", "blobs", &id, "raw"]), true),
        };
        let what = format!("a file of {}", self.full_name);
        let ask = ask(&what, url);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let too_large = || format!("it has more than {most} bytes");
        // In base64, in lines that are told apart.
        let within = if is_raw { most } else { most.saturating_mul(2).saturating_add(8 << 10) };
        let bytes = match self.exchange.fetch(&ask, within).await {
            Ok(Answer::Here { value, .. }) => value,
            Ok(Answer::Gone(_)) => return Ok(Err(format!("{} does not give it out", self.exchange.host))),
            Err(ForgeError::TooLarge { .. }) => return Ok(Err(too_large())),
            Err(error) => return Err(error),
        };
        let bytes = if is_raw { bytes.to_vec() } else { self.decoded(&ask, &bytes)? };
        Ok(if bytes.len() > most { Err(too_large()) } else { Ok(bytes) })
    }

    fn decoded(&self, ask: &Ask<'_>, answer: &Bytes) -> Result<Vec<u8>, ForgeError> {
        let unreadable = |reason: &str| self.exchange.unreadable(ask, reason.to_owned());
        let Content { content, encoding } = self.exchange.read(ask, answer)?;
        let (Some(content), Some("base64")) = (content, encoding.as_deref()) else {
            return Err(unreadable("it is not in base64"));
        };
        let content: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64_STANDARD.decode(content).map_err(|error| unreadable(&error.to_string()))
    }

    /// Nothing was found at a commit: either it is as empty as that, or it is not known.
    async fn check_commit(&self, commit: ObjectId) -> Result<(), ForgeError> {
        let what = format!("commit {} of {}", commit.short(), self.full_name);
        match self.exchange.fetch(&ask(&what, self.commit_url(commit)), LIST_BYTES).await {
            Ok(Answer::Here { .. }) => return Ok(()),
            // That is how some say that there is none.
            Ok(Answer::Gone(_)) | Err(ForgeError::BadQuery { .. }) => {}
            Err(error) => return Err(error),
        }
        let repository = ask(self.full_name, self.url(&[]));
        match self.exchange.fetch(&repository, LIST_BYTES).await? {
            Answer::Gone(reason) => Err(self.exchange.gone(self.full_name, reason)),
            Answer::Here { .. } => Err(ForgeError::NoCommit {
                host: self.exchange.host.clone(),
                full_name: self.full_name.to_owned(),
                commit,
            }),
        }
    }

    /// Asks for an answer in JSON; nothing where the forge knows nothing of that name.
    async fn told<T: DeserializeOwned>(&self, what: &str, url: Url) -> Result<Option<T>, ForgeError> {
        let what = format!("{what} of {}", self.full_name);
        let ask = ask(&what, url);
        match self.exchange.fetch(&ask, LIST_BYTES).await {
            Ok(Answer::Here { value, .. }) => Ok(Some(self.exchange.read(&ask, &value)?)),
            // Forgejo says with status 400 that there is none, and so does GitLab of common ancestors.
            Ok(Answer::Gone(_)) | Err(ForgeError::BadQuery { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where a commit is told of.
    fn commit_url(&self, commit: ObjectId) -> Url {
        let id = commit.to_string();
        let mut url = match self.dialect {
            Dialect::Github | Dialect::Forgejo => self.url(&["git", "commits", &id]),
            Dialect::Gitlab => self.url(&["repository", "commits", &id]),
        };
        if self.dialect == Dialect::Forgejo {
            // Which files it changed is looked up otherwise, which takes a while.
            url.set_query(Some("stat=false&verification=false&files=false"));
        }
        url
    }

    /// An address below the repository's.
    fn url(&self, parts: &[&str]) -> Url {
        self.exchange.url(&[self.at.as_slice(), parts].concat())
    }
}

fn ask(what: &str, url: Url) -> Ask<'_> {
    Ask { what, resource: "core", url, body: None }
}
