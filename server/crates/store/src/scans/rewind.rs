//! History was rewritten: back to the last commit that is kept.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::apply::{move_cursor, replace_problems};
use super::figures;
use super::resources::{Count, write_resources};
use super::totals::Totals;
use crate::db::sql::Sql;
use crate::db::{Connection, Result, begin};
use entity::found::{Batch, ScannedCommit};
use entity::view::Timestamp;

/// Takes back all that came after `kept` (everything, for `None`): commits, events and resources first seen later go,
/// resources changed later get the states that `restored` has, days are counted anew, the cursor moves back.
/// Problems are those that `restored` tells of the kept commit's files.
pub async fn rewind(
    w: &Connection,
    repository: Uuid,
    kept: Option<ScannedCommit>,
    restored: &Batch,
    now: Timestamp,
) -> Result<()> {
    let last = kept.map_or(-1, |kept| kept.sequence);
    let txn = begin(w).await?;
    let before = Totals::of(&txn, repository).await?;
    for (table, column) in
        [("kubernetesresourceevent", "sequence"), ("\"commit\"", "sequence"), ("kubernetesresource", "first_sequence")]
    {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE repository_id = "));
        sql.bind(repository).push(&format!(" AND {column} > ")).bind(last);
        sql.run(&txn).await?;
    }
    let deltas = write_resources(&txn, repository, &restored.resources, Count::Keep).await?;
    let mut sql = Sql::new(
        "UPDATE kubernetesresource SET events = (SELECT COUNT(*) FROM kubernetesresourceevent e \
         WHERE e.resource_id = kubernetesresource.id) WHERE repository_id = ",
    );
    sql.bind(repository);
    sql.run(&txn).await?;
    count_days(&txn, repository).await?;
    let mut sql = Sql::new("DELETE FROM problem WHERE repository_id = ");
    sql.bind(repository);
    sql.run(&txn).await?;
    replace_problems(&txn, repository, &restored.problems, now).await?;
    move_cursor(&txn, repository, kept.as_ref()).await?;
    figures::recount(&txn, repository).await?;
    let mut difference = Totals::of(&txn, repository).await?;
    difference.subtract(before);
    difference.mark_changed_days();
    if let Some(since) = deltas.recharted_since {
        difference.mark_stale(since.date_naive().to_string());
    }
    difference.write(&txn).await?;
    txn.commit().await?;
    Ok(())
}

async fn count_days(c: &impl ConnectionTrait, repository: Uuid) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM repository_day WHERE repository_id = ");
    sql.bind(repository);
    sql.run(c).await?;
    let day = |column: &str| match c.get_database_backend() {
        DbBackend::Postgres => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
        // Times are stored in UTC, the day first.
        _ => format!("substr({column}, 1, 10)"),
    };
    let (of_commit, of_event) = (day("committed_at"), day("event_timestamp"));
    let mut sql = Sql::new("INSERT INTO repository_day (repository_id, day, created, modified, deleted, resurrected, ");
    sql.push(&format!("commits, version_changes) SELECT repository_id, {of_commit}, SUM(created), SUM(modified), "));
    sql.push("SUM(deleted), SUM(resurrected), COUNT(*), 0 FROM \"commit\" WHERE repository_id = ").bind(repository);
    sql.push(&format!(" GROUP BY repository_id, {of_commit}"));
    sql.run(c).await?;
    let mut sql = Sql::new("UPDATE repository_day SET version_changes = v.count FROM (SELECT ");
    sql.push(&format!("{of_event} AS day, COUNT(*) AS count FROM kubernetesresourceevent WHERE version_changed "));
    sql.push("AND repository_id = ").bind(repository).push(&format!(" GROUP BY {of_event}) v "));
    sql.push("WHERE repository_day.day = v.day AND repository_day.repository_id = ").bind(repository);
    sql.run(c).await?;
    Ok(())
}
