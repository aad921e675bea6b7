//! What `.tekton/` holds at a commit, and what the way there changed, as the forge's API tells it: for commits that a clone can't
//! tell of now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use entity::kind::LogLevel;
use entity::value::ObjectId;
use entity::view::TektonFound;
use forge::{Changes, Forge, ForgeError, Key, RepositoryPath, WantedChanges, WantedFiles};
use git::FilesBelow;
use store::db::DataError;
use triggers::is_tekton_file;
use uuid::Uuid;

use super::api::at_forge;
use super::reader::{LIMITS, TEKTON, tekton_of};
use crate::forges::RepositoryForge;
use crate::jobs::{Deps, JobContext};

/// So long one job goes on to ask. What is left is asked for by the next one.
const ASKS_WITHIN: Duration = Duration::from_mins(10);

/// Where a repository is asked about.
enum Place {
    /// Nobody looked yet.
    Unknown,
    At(RepositoryForge, Asked),
    /// There is no API, or it does not answer.
    Nowhere,
}

/// A repository, as its forge is asked for many of its commits.
struct Asked {
    key: Key,
    /// Where it was for the last of them.
    path: Option<RepositoryPath>,
}

impl Asked {
    /// Reads a commit where the last one was read.
    async fn below(&mut self, client: &dyn Forge, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        let was_known = self.path.is_some();
        let read = client.files_below(self.path(client).await?, wanted).await;
        match was_known && is_missed(&read) && self.has_moved(client).await? {
            true => client.files_below(self.path(client).await?, wanted).await,
            false => read,
        }
    }

    /// Asks what changed where the last commit was asked for. Forges tell nothing of commits that they do not have.
    async fn changes(&mut self, client: &dyn Forge, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        let was_known = self.path.is_some();
        let told = client.changes(self.path(client).await?, wanted).await;
        let is_missed = is_missed(&told) || matches!(&told, Ok(told) if *told == Changes::default());
        match was_known && is_missed && self.has_moved(client).await? {
            true => client.changes(self.path(client).await?, wanted).await,
            false => told,
        }
    }

    async fn path(&mut self, client: &dyn Forge) -> Result<&RepositoryPath, ForgeError> {
        let path = match self.path.take() {
            Some(path) => path,
            None => client.find_path(&self.key).await?,
        };
        Ok(self.path.insert(path))
    }

    /// Looks where the repository is now, where something was not found: it may have got another name meanwhile, and somebody else
    /// its old one.
    async fn has_moved(&mut self, client: &dyn Forge) -> Result<bool, ForgeError> {
        let before = self.path.take();
        let now = self.path(client).await?;
        Ok(before.as_ref() != Some(now))
    }
}

/// Whether the repository or its commit was not where it was looked for.
fn is_missed<T>(read: &Result<T, ForgeError>) -> bool {
    matches!(read, Err(ForgeError::NoCommit { .. } | ForgeError::Gone { .. }))
}

/// Reads commits of one repository, each once, while a job runs. A forge that does not answer is not asked again by it.
pub(super) struct ApiReader {
    repository: Uuid,
    place: Place,
    asked_since: Option<Instant>,
    known: HashMap<ObjectId, TektonFound>,
}

impl ApiReader {
    pub(super) fn new(repository: Uuid) -> Self {
        Self { repository, place: Place::Unknown, asked_since: None, known: HashMap::new() }
    }

    /// What Tekton's resources a commit brings; nothing where the API is not to be asked or does not tell, of which the job's
    /// log says why.
    ///
    /// # Errors
    /// If the database refuses.
    pub(super) async fn read(
        &mut self,
        deps: &Deps,
        context: &JobContext,
        commit: ObjectId,
    ) -> Result<Option<TektonFound>, DataError> {
        if let Some(found) = self.known.get(&commit) {
            return Ok(Some(found.clone()));
        }
        let Some((forge, asked)) = self.place(deps, context).await? else { return Ok(None) };
        let wanted = WantedFiles { commit, folder: TEKTON, limits: LIMITS, is_wanted: is_tekton_file };
        let _aside = context.step_aside();
        let read = tokio::select! {
            read = asked.below(forge.client.as_ref(), &wanted) => read,
            () = context.cancelled() => return Ok(None),
        };
        match read {
            Ok(below) => {
                let found = TektonFound { read_by_api: true, ..tekton_of(&below) };
                self.known.insert(commit, found.clone());
                Ok(Some(found))
            }
            Err(error) => {
                let error = forge.told(error);
                let text = format!("the API does not tell of {TEKTON} at {}: {error}", commit.short());
                context.note(LogLevel::Warn, &text);
                if !is_of_commit(&error) {
                    self.place = Place::Nowhere;
                }
                Ok(None)
            }
        }
    }

    /// What a branch's way to a commit changed, as far as the API tells; nothing where it is not to be asked or fails. Of what it
    /// does not tell the job's log says so.
    ///
    /// # Errors
    /// If the database refuses.
    pub(super) async fn changes(
        &mut self,
        deps: &Deps,
        context: &JobContext,
        wanted: &WantedChanges,
    ) -> Result<Option<Changes>, DataError> {
        let Some((forge, asked)) = self.place(deps, context).await? else { return Ok(None) };
        let _aside = context.step_aside();
        let read = tokio::select! {
            read = asked.changes(forge.client.as_ref(), wanted) => read,
            () = context.cancelled() => return Ok(None),
        };
        let commit = wanted.new.short();
        match read {
            Ok(changes) => {
                if wanted.old.is_some() && changes.is_forced.is_none() {
                    let text = format!("the API does not tell whether {commit} leaves behind what was there");
                    context.note(LogLevel::Warn, &text);
                }
                if wanted.paths.is_some() && changes.paths.as_ref().is_none_or(|paths| !paths.is_complete) {
                    context.note(LogLevel::Warn, &format!("the API does not tell of all files that {commit} changed"));
                }
                Ok(Some(changes))
            }
            Err(error) => {
                let error = forge.told(error);
                context.note(LogLevel::Warn, &format!("the API does not tell what {commit} changed: {error}"));
                // Forges give up on comparisons that are too much for them.
                if !is_of_commit(&error) && !matches!(error, ForgeError::Status { .. }) {
                    self.place = Place::Nowhere;
                }
                Ok(None)
            }
        }
    }

    /// Where to ask; nothing where that is not to be, or no longer by this job.
    async fn place(
        &mut self,
        deps: &Deps,
        context: &JobContext,
    ) -> Result<Option<(&RepositoryForge, &mut Asked)>, DataError> {
        if !deps.polling.enable_api_fallback || context.is_cancelled() {
            return Ok(None);
        }
        if matches!(self.place, Place::Unknown) {
            let place = at_forge(deps, context, self.repository).await?;
            self.place = place.map_or(Place::Nowhere, |(forge, key)| Place::At(forge, Asked { key, path: None }));
        }
        if matches!(self.place, Place::At(..))
            && self.asked_since.get_or_insert_with(Instant::now).elapsed() > ASKS_WITHIN
        {
            let minutes = ASKS_WITHIN.as_secs() / 60;
            let text = format!("the API was asked of commits for {minutes} min: the others are asked for later");
            context.note(LogLevel::Warn, &text);
            self.place = Place::Nowhere;
        }
        Ok(match &mut self.place {
            Place::At(forge, asked) => Some((forge, asked)),
            Place::Unknown | Place::Nowhere => None,
        })
    }
}

/// Whether it says nothing of other commits.
fn is_of_commit(error: &ForgeError) -> bool {
    use ForgeError::{NoCommit, TooLarge, TooMany, Unreadable};
    matches!(error, NoCommit { .. } | TooLarge { .. } | TooMany { .. } | Unreadable { .. })
}
