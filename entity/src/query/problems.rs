//! Problems: files at the head that could not be read as they should.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::view::{Listing, PageQuery, Problem};

/// Problems of a repository by path and line.
pub async fn list_problems(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<Problem>> {
    Err(DataError::NotReady)
}
