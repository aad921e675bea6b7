use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::hex;
use entity::kind::{ProblemClass, Provider};
use entity::view::{Problem, Timestamp, web_url};

/// A problem with what its link is made of.
#[derive(Debug, FromQueryResult)]
pub(crate) struct ProblemRow {
    id: Uuid,
    repository_id: Uuid,
    file_path: String,
    line: Option<i32>,
    column_number: Option<i32>,
    class: ProblemClass,
    message: String,
    commit_sha: Vec<u8>,
    since: Timestamp,
    provider: Provider,
    web_url: Option<String>,
}

impl ProblemRow {
    pub(crate) fn into_view(self) -> Problem {
        let commit = hex(&self.commit_sha);
        let lines = self.line.map(|line| (line, line));
        Problem {
            id: self.id,
            repository_id: self.repository_id,
            web_url: web_url(self.provider, self.web_url.as_deref(), &commit, Some(&self.file_path), lines),
            file_path: self.file_path,
            line: self.line,
            column: self.column_number,
            class: self.class,
            message: self.message,
            commit,
            since: self.since,
        }
    }
}
