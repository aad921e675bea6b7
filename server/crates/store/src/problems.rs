//! Problems: files at the head that could not be read as they should.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::row::{ProblemRow, object_id};
use entity::found::{FileProblems, FoundProblem};
use entity::kind::ProblemClass;
use entity::view::{Listing, PageQuery, Problem, Timestamp};

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

/// Every file with problems as it was found, by path: since which commit is what a scan wants to know again.
pub async fn known_problems(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<FileProblems>> {
    let mut sql = Sql::new(
        "SELECT file_path, line, column_number, class, message, commit_sha, since FROM problem WHERE repository_id = ",
    );
    sql.bind(repository).push(" ORDER BY file_path, id");
    let mut files: Vec<FileProblems> = Vec::new();
    for row in sql.all::<KnownProblem>(c).await? {
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        let problem = FoundProblem {
            class: row.class,
            line: number(row.line),
            column: number(row.column_number),
            message: row.message,
        };
        match files.last_mut().filter(|file| file.file_path == row.file_path) {
            Some(file) => file.problems.push(problem),
            None => files.push(FileProblems {
                file_path: row.file_path,
                commit: object_id(&row.commit_sha)?,
                since: row.since,
                problems: vec![problem],
            }),
        }
    }
    Ok(files)
}

#[derive(FromQueryResult)]
struct KnownProblem {
    file_path: String,
    line: Option<i32>,
    column_number: Option<i32>,
    class: ProblemClass,
    message: String,
    commit_sha: Vec<u8>,
    since: Timestamp,
}
