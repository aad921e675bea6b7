//! What people entered that a repository is asked with: for its forge, and for it alone, which is kept no longer than the job that
//! needs it.

use actions::access::Access;
use entity::kind::{LogLevel, Origin};
use store::db::DataError;
use uuid::Uuid;

use super::{Deps, JobContext};
use crate::watching::SecretError;

/// Has the forges' clients know the tokens that people entered, and gives what somebody entered for this repository alone. To be
/// called before a repository is asked by Git or by an API. Of the configuration's repositories only what is written there counts.
/// What can't be opened is not used, and the job says so.
///
/// # Errors
/// The database's: asked without it, a private repository would seem to be gone.
pub(crate) async fn entered_access(
    deps: &Deps,
    context: &JobContext,
    repository: Uuid,
    origin: Origin,
) -> Result<Option<Access>, DataError> {
    deps.forges.refresh().await;
    let Some(secrets) = deps.secrets.as_ref().filter(|_| origin.takes_access()) else { return Ok(None) };
    match secrets.of_repository(repository).await {
        Ok(found) => Ok(found),
        Err(SecretError::Database(error)) => Err(error),
        Err(error @ SecretError::Sealed(_)) => {
            context.note(LogLevel::Warn, &format!("the repository's own access is not used: {error}"));
            Ok(None)
        }
    }
}
