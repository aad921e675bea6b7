//! What jobs say while they run, kept with them and bounded.

use uuid::Uuid;

use super::JobQueue;
use crate::db::Result;
use crate::db::sql::{Sql, stored_time};
use crate::repositories::shorten;
use entity::kind::LogLevel;
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

pub(super) async fn append_in(txn: &impl crate::db::ConnectionTrait, job: Uuid, lines: &[LogLine]) -> Result<()> {
    let mut sql = Sql::new("UPDATE job SET log_lines = log_lines + ");
    sql.bind(i64::try_from(lines.len()).unwrap_or(0)).push(" WHERE id = ").bind(job).push(" RETURNING log_lines");
    let Some(row) = sql.row(txn).await? else { return Ok(()) };
    let said: i64 = row.try_get_by_index(0)?;
    let first = said - i64::try_from(lines.len()).unwrap_or(0);
    let room = usize::try_from(MAX_LOG_LINES - first).unwrap_or(0);
    for (chunk, lines) in lines[..lines.len().min(room)].chunks(100).enumerate() {
        let mut sql = Sql::new("INSERT INTO job_log (job_id, position, at, level, text) VALUES ");
        for (index, line) in lines.iter().enumerate() {
            let position = first + i64::try_from(chunk * 100 + index).unwrap_or(0);
            sql.push(if index == 0 { "(" } else { ", (" }).bind(job).push(", ").bind(position).push(", ");
            sql.bind(stored_time(line.at)).push(", ").bind(line.level.as_str()).push(", ");
            sql.bind(shorten(&line.text)).push(")");
        }
        sql.run(txn).await?;
    }
    Ok(())
}
