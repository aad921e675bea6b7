//! What a repository is asked with that somebody entered for it alone: read for the job that needs it, and kept no longer.

use actions::access::Access;
use entity::kind::{LogLevel, Origin};
use store::db::DataError;
use uuid::Uuid;

use super::{Deps, JobContext};
use crate::watching::SecretError;

/// A repository's own access. Of the configuration's repositories only what is written there counts. What can't be opened is
/// not used, and the job says so.
///
/// # Errors
/// The database's: asked without it, a private repository would seem to be gone.
pub(crate) async fn own_access(
    deps: &Deps,
    context: &JobContext,
    repository: Uuid,
    origin: Origin,
) -> Result<Option<Access>, DataError> {
    let may_have = matches!(origin, Origin::Added | Origin::Discovered);
    let Some(secrets) = deps.secrets.as_ref().filter(|_| may_have) else { return Ok(None) };
    match secrets.of_repository(repository).await {
        Ok(found) => Ok(found),
        Err(SecretError::Database(error)) => Err(error),
        Err(error @ SecretError::Sealed(_)) => {
            context.note(LogLevel::Warn, &format!("the repository's own access is not used: {error}"));
            Ok(None)
        }
    }
}
