//! Asks the forges that are configured.

use super::{Deps, JobContext, JobError};

pub(super) async fn run(_deps: &Deps, _context: &JobContext) -> Result<String, JobError> {
    Ok("no forge is configured".to_owned())
}
