//! Problems: files at the head that could not be read as they should.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::kind::ProblemClass;
use crate::row::ProblemRow;
use crate::view::{Listing, PageQuery, Problem};

/// Problems of a repository by path and line: of one class, or without it all that somebody may want to mend.
pub async fn list_problems(
    c: &impl ConnectionTrait,
    repository: Uuid,
    class: Option<ProblemClass>,
    page: PageQuery,
) -> Result<Listing<Problem>> {
    let wanted = |sql: &mut Sql| {
        sql.push(" WHERE p.repository_id = ").bind(repository);
        match class {
            Some(class) => sql.push(" AND p.class = ").bind(class.as_str()),
            None => sql.push(" AND p.class <> ").bind(ProblemClass::HelmTemplate.as_str()),
        };
    };
    let mut count = Sql::new("SELECT COUNT(*) FROM problem p");
    wanted(&mut count);
    let mut rows = Sql::new(
        "SELECT p.id, p.repository_id, p.file_path, p.line, p.column_number, p.class, p.message, p.commit_sha, \
         p.since, r.provider, r.web_url FROM problem p JOIN repository r ON r.id = p.repository_id",
    );
    wanted(&mut rows);
    rows.push(" ORDER BY p.file_path, p.line, p.id").page(page);
    let count = count.count(c).await?;
    Ok(Listing { data: rows.all::<ProblemRow>(c).await?.into_iter().map(ProblemRow::into_view).collect(), count })
}
