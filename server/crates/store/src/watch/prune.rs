//! What is kept for a time only. Removing waits for nobody: what somebody works on right now goes the next time.

use std::collections::{BTreeMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, Query};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select};
use uuid::Uuid;

use crate::db::select::{at_most, constant, is_any};
use crate::db::{ConnectionTrait, Db, Result, Transaction};
use entity::kind::DeliveryState;
use entity::table::{branch, branch_event, delivery, watch, webhook_receipt};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// So many rows go in one transaction, so that others get their turn.
const CHUNK: usize = 500;

/// Those of a question that nobody holds; nobody else gets them until the transaction ends.
fn free<E: sea_orm::EntityTrait>(rows: Select<E>) -> Select<E> {
    rows.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
}

/// Webhooks that came before a time, the oldest first.
pub async fn old_receipts(c: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<Vec<(Uuid, String)>> {
    use webhook_receipt::Column::{DeliveryId, ReceivedAt, RepositoryId};
    let old = webhook_receipt::Entity::find().select_only().columns([RepositoryId, DeliveryId]);
    let old = old.filter(ReceivedAt.lt(StoredTimestamp::from(before))).order_by_asc(ReceivedAt).limit(at_most(limit));
    Ok(free(old).into_tuple().all(c).await?)
}

/// Forgets webhooks that came before a time, at most so many; how many.
pub async fn remove_receipts_before(db: &Db, before: Timestamp, limit: u64) -> Result<u64> {
    use webhook_receipt::Column::{DeliveryId, RepositoryId};
    let mut removed = 0;
    while removed < limit {
        let txn = db.begin().await?;
        let old = old_receipts(&txn, before, std::cmp::min(limit - removed, CHUNK as u64)).await?;
        let mut by_repository = BTreeMap::<Uuid, Vec<String>>::new();
        for (repository, id) in old {
            by_repository.entry(repository).or_default().push(id);
        }
        let mut gone = 0;
        for (repository, ids) in by_repository {
            let of = webhook_receipt::Entity::delete_many().filter(RepositoryId.eq(repository));
            gone += of.filter(is_any(DeliveryId.into_expr(), ids)).exec(&txn).await?.rows_affected;
        }
        txn.commit().await?;
        if gone == 0 {
            break;
        }
        removed += gone;
    }
    Ok(removed)
}

/// Events from before a time, the oldest first, without those that are not decided or of which a delivery is not finished.
pub async fn old_events(c: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    use branch_event::Column::{DueAt, Id, NoticedAt};
    let unfinished = DeliveryState::ALL.iter().copied().filter(|state| !state.is_finished());
    let open = Query::select()
        .expr(constant(1))
        .from(delivery::Entity)
        .and_where(delivery::Column::EventId.into_expr().equals((branch_event::Entity, Id)))
        .and_where(delivery::Column::State.is_in(unfinished))
        .to_owned();
    let old = branch_event::Entity::find().select_only().column(Id);
    let old = old.filter(NoticedAt.lt(StoredTimestamp::from(before))).filter(DueAt.is_null());
    let old = old.filter(Expr::not_exists(open)).order_by_asc(NoticedAt).order_by_asc(Id).limit(at_most(limit));
    Ok(old.into_tuple().all(c).await?)
}

/// Removes events from before a time with what they led to, the oldest first and at most so many; how many. Those that are
/// not decided, or of which a delivery is not finished, stay.
pub async fn remove_events_before(db: &Db, before: Timestamp, limit: u64) -> Result<u64> {
    let old = old_events(&db.read, before, limit).await?;
    let mut removed = 0;
    for old in old.chunks(CHUNK) {
        let txn = db.begin().await?;
        removed += remove_events(&txn, old).await?;
        txn.commit().await?;
    }
    Ok(removed)
}

async fn remove_events(txn: &Transaction, old: &[Uuid]) -> Result<u64> {
    use branch_event::Column::Id;
    use delivery::Column::{EventId, Id as DeliveryId, State};
    let of_events = || {
        let deliveries = delivery::Entity::find().select_only().columns([DeliveryId, EventId]);
        deliveries.filter(is_any(EventId.into_expr(), old.iter().copied()))
    };
    let finished = of_events().filter(State.is_in([DeliveryState::Delivered, DeliveryState::Failed]));
    let held: Vec<(Uuid, Uuid)> = free(finished).into_tuple().all(txn).await?;
    let is_held: HashSet<Uuid> = held.iter().map(|(id, _)| *id).collect();
    // Somebody works on a delivery of these, or asked for it once more.
    let all: Vec<(Uuid, Uuid)> = of_events().into_tuple().all(txn).await?;
    let busy: HashSet<Uuid> = all.into_iter().filter(|(id, _)| !is_held.contains(id)).map(|(_, event)| event).collect();
    let still = branch_event::Entity::find().select_only().column(Id);
    let still = still.filter(is_any(Id.into_expr(), old.iter().copied().filter(|id| !busy.contains(id))));
    let events: HashSet<Uuid> = free(still.filter(branch_event::COLUMN.due_at.is_null()))
        .into_tuple::<Uuid>()
        .all(txn)
        .await?
        .into_iter()
        .collect();
    let deliveries = held.iter().filter(|(_, event)| events.contains(event)).map(|(id, _)| *id);
    delivery::Entity::delete_many().filter(is_any(DeliveryId.into_expr(), deliveries)).exec(txn).await?;
    let removed = branch_event::Entity::delete_many().filter(is_any(Id.into_expr(), events));
    Ok(removed.exec(txn).await?.rows_affected)
}

/// Branches that are gone since before a time and of which no event is kept, each with its repository.
pub async fn gone_branches(c: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<Vec<(Uuid, Uuid)>> {
    use branch::Column::{DeletedAt, Id, RepositoryId};
    let gone = branch::Entity::find().select_only().columns([Id, RepositoryId]).filter(is_untold());
    let gone = gone.filter(DeletedAt.lt(StoredTimestamp::from(before)));
    Ok(gone.order_by_asc(DeletedAt).order_by_asc(Id).limit(at_most(limit)).into_tuple().all(c).await?)
}

/// Branches of which no event is kept.
fn is_untold() -> Expr {
    let told = Query::select()
        .expr(constant(1))
        .from(branch_event::Entity)
        .and_where(branch_event::Column::BranchId.into_expr().equals((branch::Entity, branch::Column::Id)))
        .to_owned();
    Expr::not_exists(told)
}

/// Removes branches that are gone since before a time and of which no event is kept, at most so many; how many.
pub async fn remove_branches_before(db: &Db, before: Timestamp, limit: u64) -> Result<u64> {
    use branch::Column::{DeletedAt, Id};
    let mut by_repository = BTreeMap::<Uuid, Vec<Uuid>>::new();
    for (branch, repository) in gone_branches(&db.read, before, limit).await? {
        by_repository.entry(repository).or_default().push(branch);
    }
    let mut removed = 0;
    for (repository, ids) in by_repository {
        for ids in ids.chunks(CHUNK) {
            let txn = db.begin().await?;
            // With the watch held no look brings one of them back meanwhile.
            let watch = watch::Entity::find_by_id(repository).select_only().column(watch::Column::RepositoryId);
            if free(watch).into_tuple::<Uuid>().one(&txn).await?.is_none() {
                break;
            }
            let gone = branch::Entity::delete_many().filter(is_any(Id.into_expr(), ids.iter().copied()));
            let gone = gone.filter(DeletedAt.lt(StoredTimestamp::from(before))).filter(is_untold());
            removed += gone.exec(&txn).await?.rows_affected;
            txn.commit().await?;
        }
    }
    Ok(removed)
}
