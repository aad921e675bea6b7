//! What `.tekton/` holds at a commit, as the forge's API tells it: for commits that a clone can't tell of now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use entity::kind::LogLevel;
use entity::value::ObjectId;
use entity::view::TektonFound;
use forge::{Forge, ForgeError, Key, RepositoryPath, WantedFiles};
use git::FilesBelow;
use store::db::DataError;
use triggers::is_tekton_file;
use uuid::Uuid;

use super::api::at_forge;
use super::reader::{LIMITS, TEKTON, tekton_of};
use crate::forges::RepositoryForge;
use crate::jobs::{Deps, JobContext};

/// So long one job goes on to ask: others wait for its worker. What is left is asked for by the next one.
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
    /// Reads a commit where the last one was read. One that is not there is looked for where the repository is now, if that is another
    /// place: it may have got another name meanwhile, and somebody else its old one.
    async fn below(&mut self, client: &dyn Forge, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        use ForgeError::{Gone, NoCommit};
        let mut missed = None;
        if let Some(path) = self.path.take() {
            let read = client.files_below(&path, wanted).await;
            if !matches!(read, Err(NoCommit { .. } | Gone { .. })) {
                self.path = Some(path);
                return read;
            }
            missed = Some((path, read));
        }
        let path = client.find_path(&self.key).await?;
        let read = match missed {
            Some((before, read)) if before == path => read,
            _ => client.files_below(&path, wanted).await,
        };
        self.path = Some(path);
        read
    }
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
        if !deps.polling.enable_api_fallback || context.is_cancelled() {
            return Ok(None);
        }
        if matches!(self.place, Place::Unknown) {
            let place = at_forge(deps, context, self.repository).await?;
            self.place = place.map_or(Place::Nowhere, |(forge, key)| Place::At(forge, Asked { key, path: None }));
        }
        let Place::At(forge, asked) = &mut self.place else { return Ok(None) };
        if self.asked_since.get_or_insert_with(Instant::now).elapsed() > ASKS_WITHIN {
            let minutes = ASKS_WITHIN.as_secs() / 60;
            let text = format!("the API was asked of commits for {minutes} min: the others are asked for later");
            context.note(LogLevel::Warn, &text);
            self.place = Place::Nowhere;
            return Ok(None);
        }
        let wanted = WantedFiles { commit, folder: TEKTON, limits: LIMITS, is_wanted: is_tekton_file };
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
}

/// Whether it says nothing of other commits.
fn is_of_commit(error: &ForgeError) -> bool {
    use ForgeError::{NoCommit, TooLarge, TooMany, Unreadable};
    matches!(error, NoCommit { .. } | TooLarge { .. } | TooMany { .. } | Unreadable { .. })
}
