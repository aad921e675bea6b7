//! Problems: files at the head that could not be read as they should.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::row::ProblemRow;
use crate::view::{Listing, PageQuery, Problem};

/// Problems of a repository by path and line.
pub async fn list_problems(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<Problem>> {
    let mut count = Sql::new("SELECT COUNT(*) FROM problem WHERE repository_id = ");
    count.bind(repository);
    let mut rows = Sql::new(
        "SELECT p.id, p.repository_id, p.file_path, p.line, p.column_number, p.class, p.message, p.commit_sha, \
         p.since, r.provider, r.web_url FROM problem p JOIN repository r ON r.id = p.repository_id \
         WHERE p.repository_id = ",
    );
    rows.bind(repository).push(" ORDER BY p.file_path, p.line, p.id").page(page);
    let count = count.count(c).await?;
    Ok(Listing { data: rows.all::<ProblemRow>(c).await?.into_iter().map(ProblemRow::into_view).collect(), count })
}
