//! Events that wait for another try, once there is a reason to try sooner.

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::table::branch_event;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// What is tried again within this time is left to it: a forge's machines do not all know of a push at once.
const SOON: TimeDelta = TimeDelta::minutes(1);
/// So many events are written by one statement.
const AT_ONCE: usize = 500;

/// Whether events of a repository wait for a while until they are followed again.
pub async fn has_put_off(c: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<bool> {
    use branch_event::Column::{DueAt, FactsDueAt};
    // One index each.
    for waits in [DueAt, FactsDueAt] {
        if put_off(repository, waits, now).limit(1).into_tuple::<Uuid>().one(c).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Has a repository's events that wait for another try followed now, as what they wait for may be had; how many waits end so.
/// Those that somebody writes right now are left to them. Wants a transaction.
pub async fn hurry_events(w: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<u64> {
    use branch_event::Column::{DueAt, FactsDueAt, Id};
    let mut hurried = 0;
    for waits in [DueAt, FactsDueAt] {
        let ids = put_off(repository, waits, now).lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        let ids: Vec<Uuid> = ids.into_tuple().all(w).await?;
        for ids in ids.chunks(AT_ONCE) {
            let update = branch_event::Entity::update_many().col_expr(waits, Expr::val(StoredTimestamp::from(now)));
            let update = update.filter(is_any(Id.into_expr(), ids.iter().copied()));
            hurried += update.exec(w).await?.rows_affected;
        }
    }
    Ok(hurried)
}

/// Events of a repository that are to be followed later, for one of the two reasons, in the order of their index.
fn put_off(repository: Uuid, waits: branch_event::Column, now: Timestamp) -> Select<branch_event::Entity> {
    use branch_event::Column::{Id, Sequence};
    let later = branch_event::Entity::find().select_only().column(Id);
    let later = later.filter(branch_event::COLUMN.repository_id.eq(repository));
    later.filter(waits.gt(StoredTimestamp::from(now + SOON))).order_by_asc(Sequence).order_by_asc(Id)
}
