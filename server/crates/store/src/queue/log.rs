//! What jobs say while they run, kept with them and bounded.

use sea_orm::{EntityTrait as _, IdenStatic as _, QueryFilter as _, QueryTrait as _, Set};
use uuid::Uuid;

use super::JobQueue;
use crate::db::{ConnectionTrait, Result};
use crate::repositories::shorten;
use entity::kind::LogLevel;
use entity::table::{job, job_log};
use entity::view::Timestamp;

/// Lines kept of one job, over all its tries.
pub const MAX_LOG_LINES: i64 = 1_000;

/// A line that a job says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub level: LogLevel,
    pub text: String,
}

impl JobQueue {
    /// Keeps lines with a job; those past [`MAX_LOG_LINES`] are only counted. A job that is gone needs none.
    pub async fn append_log(&self, job: Uuid, lines: &[LogLine]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let txn = self.db.begin().await?;
        append_in(&txn, job, lines).await?;
        txn.commit().await?;
        Ok(())
    }
}

pub(super) async fn append_in(txn: &impl ConnectionTrait, job: Uuid, lines: &[LogLine]) -> Result<()> {
    let more = i64::try_from(lines.len()).unwrap_or(0);
    let count = job::Entity::update_many().col_expr(job::Column::LogLines, job::COLUMN.log_lines.add(more));
    let mut count = count.filter(job::COLUMN.id.eq(job)).into_query();
    count.returning_col(job::Column::LogLines);
    let Some(row) = txn.query_one(&count).await? else { return Ok(()) };
    let said: i64 = row.try_get("", job::Column::LogLines.as_str())?;
    let first = said - more;
    let room = usize::try_from(MAX_LOG_LINES - first).unwrap_or(0);
    let rows = lines.iter().take(room).zip(first..).map(|(line, position)| job_log::ActiveModel {
        job_id: Set(job),
        position: Set(position),
        at: Set(line.at.into()),
        level: Set(line.level),
        text: Set(shorten(&line.text)),
    });
    let rows: Vec<job_log::ActiveModel> = rows.collect();
    for rows in rows.chunks(100) {
        job_log::Entity::insert_many(rows.iter().cloned()).exec_without_returning(txn).await?;
    }
    Ok(())
}
