//! When processes read their configuration again: all that share a database tell of all.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};

use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::{ReloadCause, ReloadOutcome};
use entity::table::config_reload;
use entity::value::{JsonText, StoredTimestamp, clean};
use entity::view::{ConfigProblem, ConfigReload};

/// So many of one process are kept, so that none crowds the others out.
const KEPT_OF_ONE: u64 = 20;
/// So many are kept of all together: processes come and go.
const KEPT: u64 = 200;
/// So many are told.
const TOLD: u64 = 50;
/// So many things that are wrong with a file are kept.
const MAX_ERRORS: usize = 100;
/// The longest text that is kept, in characters.
const MAX_TEXT: usize = 1_000;

/// Keeps what came of reading a configuration again, and lets the oldest go. Wants a transaction.
pub async fn record_reload(w: &impl ConnectionTrait, reload: &ConfigReload) -> Result<()> {
    use config_reload::Column::{Id, ReadAt};
    let at = StoredTimestamp::from(reload.at);
    let of_this = || config_reload::COLUMN.worker.eq(reload.worker.as_str());
    // Later ones of the same process are of a clock that was set back since; one of this very time is this one, kept by a try of
    // which nobody heard how it ended.
    let ahead = config_reload::Entity::delete_many().filter(of_this()).filter(ReadAt.gte(at));
    ahead.exec(w).await?;
    let row = config_reload::Model {
        id: new_id(reload.at),
        worker: reload.worker.clone(),
        host: cut(&reload.host),
        read_at: at,
        cause: reload.cause,
        outcome: reload.outcome,
        asked_by: reload.asked_by.as_deref().map(cut),
        applied: JsonText(reload.applied.clone()),
        needs_restart: JsonText(reload.needs_restart.clone()),
        error_count: i32::try_from(reload.error_count).unwrap_or(i32::MAX),
        errors: JsonText(reload.errors.iter().take(MAX_ERRORS).map(kept).collect()),
    };
    let newest = || config_reload::Entity::find().order_by_desc(ReadAt).order_by_desc(Id);
    let last = newest().filter(of_this()).one(w).await?;
    if let Some(last) = last.filter(|last| is_once_more(last, &row)) {
        config_reload::Entity::delete_by_id(last.id).exec(w).await?;
    }
    config_reload::Entity::insert(config_reload::ActiveModel::from(row).reset_all()).exec_without_returning(w).await?;
    let ids = || newest().select_only().column(Id);
    let of_one = ids().filter(of_this()).limit(KEPT_OF_ONE).into_query();
    let older = config_reload::Entity::delete_many().filter(of_this());
    older.filter(config_reload::COLUMN.id.not_in_subquery(of_one)).exec(w).await?;
    let of_all = ids().limit(KEPT).into_query();
    let older = config_reload::Entity::delete_many().filter(config_reload::COLUMN.id.not_in_subquery(of_all));
    older.exec(w).await?;
    Ok(())
}

/// Whether nothing came of a file that a process looks at again and again, for the same reason as before: that is told once, of
/// its newest time, and crowds out nothing that led to it.
fn is_once_more(last: &config_reload::Model, row: &config_reload::Model) -> bool {
    let same = config_reload::Model { id: last.id, read_at: last.read_at, ..row.clone() };
    row.outcome == ReloadOutcome::Refused && row.cause == ReloadCause::File && *last == same
}

fn kept(problem: &ConfigProblem) -> ConfigProblem {
    ConfigProblem {
        file: cut(&problem.file),
        line: problem.line,
        key: cut(&problem.key),
        message: cut(&problem.message),
    }
}

fn cut(text: &str) -> String {
    clean(text).chars().take(MAX_TEXT).collect()
}

/// The last times that processes read their configuration again, newest first.
pub async fn list_reloads(c: &impl ConnectionTrait) -> Result<Vec<ConfigReload>> {
    use config_reload::Column::{Id, ReadAt};
    let newest = config_reload::Entity::find().order_by_desc(ReadAt).order_by_desc(Id).limit(TOLD);
    Ok(newest.all(c).await?.into_iter().map(told).collect())
}

fn told(row: config_reload::Model) -> ConfigReload {
    ConfigReload {
        at: row.read_at.into(),
        worker: row.worker,
        host: row.host,
        cause: row.cause,
        asked_by: row.asked_by,
        outcome: row.outcome,
        applied: row.applied.0,
        needs_restart: row.needs_restart.0,
        error_count: u32::try_from(row.error_count).unwrap_or_default(),
        errors: row.errors.0,
    }
}
