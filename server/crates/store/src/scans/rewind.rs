//! History was rewritten: back to the last commit that is kept.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func, IntoIden as _, TableRef};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::apply::{move_cursor, replace_problems};
use super::figures;
use super::known_uses::rewind_uses;
use super::resources::{Count, write_resources};
use super::totals::Totals;
use crate::db::answers::mark_changed;
use crate::db::select::{constant, count_all, insert_from};
use crate::db::{Connection, Result, begin};
use entity::input::{Batch, ScannedCommit};
use entity::table::{commit, event, problem, repository_day, resource, use_commit};
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
    let first_use = first_use_after(&txn, repository, last).await?;
    delete_after(&txn, repository, last).await?;
    rewind_uses(&txn, repository, last).await?;
    write_resources(&txn, repository, &restored.resources, Count::Keep).await?;
    count_events(&txn, repository).await?;
    count_days(&txn, repository).await?;
    problem::Entity::delete_many().filter(problem::COLUMN.repository_id.eq(repository)).exec(&txn).await?;
    replace_problems(&txn, repository, &restored.problems, now).await?;
    move_cursor(&txn, repository, kept.as_ref()).await?;
    figures::recount(&txn, repository).await?;
    mark_changed(&txn, repository, now).await?;
    let mut difference = Totals::of(&txn, repository).await?;
    difference.subtract(before);
    difference.mark_changed_days();
    difference.mark_used(first_use);
    difference.write(&txn, repository).await?;
    txn.commit().await?;
    Ok(())
}

/// When anything was used otherwise for the first time after a place on the line.
pub(crate) async fn first_use_after(c: &impl ConnectionTrait, repository: Uuid, last: i64) -> Result<Option<i64>> {
    let later = use_commit::COLUMN.repository_id.eq(repository).and(use_commit::COLUMN.sequence.gt(last));
    let first = use_commit::Entity::find().filter(later).select_only().expr(use_commit::Column::Time.min());
    Ok(first.into_tuple::<Option<i64>>().one(c).await?.flatten())
}

/// Deletes what came after a place on the line.
async fn delete_after(c: &impl ConnectionTrait, repository: Uuid, last: i64) -> Result<()> {
    let events = event::COLUMN.repository_id.eq(repository).and(event::COLUMN.sequence.gt(last));
    event::Entity::delete_many().filter(events).exec(c).await?;
    let commits = commit::COLUMN.repository_id.eq(repository).and(commit::COLUMN.sequence.gt(last));
    commit::Entity::delete_many().filter(commits).exec(c).await?;
    let resources = resource::COLUMN.repository_id.eq(repository).and(resource::COLUMN.first_sequence.gt(last));
    resource::Entity::delete_many().filter(resources).exec(c).await?;
    Ok(())
}

/// Counts the events of every resource anew.
async fn count_events(c: &impl ConnectionTrait, repository: Uuid) -> Result<()> {
    let events = event::Entity::find()
        .filter(event::Column::ResourceId.into_expr().equals(resource::Column::Id.as_column_ref()))
        .select_only()
        .expr(count_all())
        .into_query();
    let counted = resource::Entity::update_many().col_expr(resource::Column::Events, events.into());
    counted.filter(resource::COLUMN.repository_id.eq(repository)).exec(c).await?;
    Ok(())
}

/// The day of a time, UTC. It stands in groups as well, where PostgreSQL knows it again by its constants only.
fn day(backend: DbBackend, time: impl ColumnTrait) -> Expr {
    let day = match backend {
        DbBackend::Postgres => {
            let time = time.into_expr().binary(BinOper::Custom("AT TIME ZONE"), constant("UTC"));
            Func::cust("to_char").args([time, constant("YYYY-MM-DD")])
        }
        // Times are stored in UTC, the day first.
        _ => Func::cust("substr").args([time.into_expr(), constant(1), constant(10)]),
    };
    day.into()
}

/// Counts the days anew.
async fn count_days(c: &impl ConnectionTrait, repository: Uuid) -> Result<()> {
    use repository_day::Column::{Commits, Created, Day, Deleted, Modified, RepositoryId, Resurrected, VersionChanges};
    repository_day::Entity::delete_many().filter(repository_day::COLUMN.repository_id.eq(repository)).exec(c).await?;
    let backend = c.get_database_backend();
    let day_of_commit = day(backend, commit::Column::CommittedAt);
    let days = commit::Entity::find()
        .filter(commit::COLUMN.repository_id.eq(repository))
        .select_only()
        .column(commit::Column::RepositoryId)
        .expr(day_of_commit.clone())
        .expr(commit::COLUMN.created.sum())
        .expr(commit::COLUMN.modified.sum())
        .expr(commit::COLUMN.deleted.sum())
        .expr(commit::COLUMN.resurrected.sum())
        .expr(count_all())
        .expr(constant(0))
        .group_by(commit::Column::RepositoryId)
        .group_by(day_of_commit)
        .into_query();
    let columns = [RepositoryId, Day, Created, Modified, Deleted, Resurrected, Commits, VersionChanges];
    insert_from::<repository_day::Entity>(c, columns, days).await?;

    let day_of_event = day(backend, event::Column::EventTimestamp);
    let changes = event::Entity::find()
        .filter(event::Column::VersionChanged.into_expr())
        .filter(event::COLUMN.repository_id.eq(repository))
        .select_only()
        .expr_as(day_of_event.clone(), "day")
        .expr_as(count_all(), "count")
        .group_by(day_of_event)
        .into_query();
    let mut update = repository_day::Entity::update_many()
        .col_expr(VersionChanges, Expr::col(("v", "count")))
        .filter(Day.into_expr().equals(("v", "day")))
        .filter(repository_day::COLUMN.repository_id.eq(repository));
    QueryFilter::query(&mut update).from(TableRef::SubQuery(Box::new(changes), "v".into_iden()));
    update.exec(c).await?;
    Ok(())
}
