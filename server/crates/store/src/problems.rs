//! Problems: files at the head that could not be read as they should.

use sea_orm::{ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::{count, paged};
use entity::input::{FileProblems, FoundProblem};
use entity::kind::{ProblemClass, Provider};
use entity::table::{problem, repository};
use entity::view::{Listing, PageQuery, Problem, web_url};

/// A problem with what its link is made of.
#[derive(DerivePartialModel)]
struct ProblemRow {
    #[sea_orm(nested)]
    problem: problem::Model,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    web_url: Option<String>,
}

impl From<ProblemRow> for Problem {
    fn from(ProblemRow { problem, provider, web_url: forge }: ProblemRow) -> Self {
        let commit = problem.commit_sha.to_string();
        let lines = problem.line.map(|line| (line, line));
        Self {
            id: problem.id,
            repository_id: problem.repository_id,
            web_url: web_url(provider, forge.as_deref(), &commit, Some(&problem.file_path), lines),
            file_path: problem.file_path,
            line: problem.line,
            column: problem.column_number,
            class: problem.class,
            message: problem.message,
            commit,
            since: problem.since.into(),
        }
    }
}

/// Problems of a repository by path and line: of one class, or without it all that somebody may want to mend.
pub async fn list_problems(
    c: &impl ConnectionTrait,
    repository: Uuid,
    class: Option<ProblemClass>,
    page: PageQuery,
) -> Result<Listing<Problem>> {
    use problem::Column::{Class, FilePath, Id, Line};
    let wanted = match class {
        Some(class) => Class.eq(class),
        None => Class.ne(ProblemClass::HelmTemplate),
    };
    let problems = problem::Entity::find().filter(problem::COLUMN.repository_id.eq(repository)).filter(wanted);
    let count = count(c, problems.clone()).await?;
    let rows = problems.inner_join(repository::Entity).order_by_asc(FilePath).order_by_asc(Line).order_by_asc(Id);
    let rows: Vec<ProblemRow> = paged(rows, page).into_partial_model().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(Problem::from).collect(), count })
}

/// Every file with problems as it was found, by path: since which commit is what a scan wants to know again.
pub async fn known_problems(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<FileProblems>> {
    let known = problem::Entity::find().filter(problem::COLUMN.repository_id.eq(repository));
    let known = known.order_by_asc(problem::Column::FilePath).order_by_asc(problem::Column::Id);
    let mut files: Vec<FileProblems> = Vec::new();
    for row in known.all(c).await? {
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
                commit: row.commit_sha,
                since: row.since.into(),
                problems: vec![problem],
            }),
        }
    }
    Ok(files)
}
