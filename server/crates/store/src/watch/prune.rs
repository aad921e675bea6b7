//! Webhooks that came in, and what is kept for a time only.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::look::Took;
use crate::db::select::{at_most, constant};
use crate::db::{ConnectionTrait, Result};
use crate::repositories::shorten;
use entity::kind::DeliveryState;
use entity::table::{branch, branch_event, delivery, webhook_receipt};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Takes a webhook, unless the same one was taken before. In the transaction that does what it asks for, so that one that
/// fails in the middle can come again.
pub async fn take_receipt(
    w: &impl ConnectionTrait,
    repository: Uuid,
    delivery_id: &str,
    event: &str,
    now: Timestamp,
) -> Result<Took> {
    let row = webhook_receipt::ActiveModel {
        repository_id: Set(repository),
        delivery_id: Set(shorten(delivery_id)),
        received_at: Set(now.into()),
        event: Set(shorten(event)),
        result: Set(String::new()),
    };
    let mut insert = webhook_receipt::Entity::insert(row).into_query();
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    let taken = w.execute(&insert).await?.rows_affected();
    Ok(if taken == 0 { Took::Again } else { Took::First })
}

/// Says what came of a webhook that was taken.
pub async fn tell_receipt(w: &impl ConnectionTrait, repository: Uuid, delivery_id: &str, result: &str) -> Result<()> {
    let row = webhook_receipt::ActiveModel { result: Set(shorten(result)), ..Default::default() };
    let told = webhook_receipt::Entity::update_many().set(row);
    let told = told.filter(webhook_receipt::COLUMN.repository_id.eq(repository));
    told.filter(webhook_receipt::COLUMN.delivery_id.eq(shorten(delivery_id))).exec(w).await?;
    Ok(())
}

/// Forgets webhooks that came before a time.
pub async fn remove_receipts_before(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    let old = webhook_receipt::COLUMN.received_at.lt(StoredTimestamp::from(before));
    Ok(webhook_receipt::Entity::delete_many().filter(old).exec(w).await?.rows_affected)
}

/// Removes events from before a time with what they led to, the oldest first and at most so many; how many. Those that are not
/// decided, or of which a delivery is not finished, stay.
pub async fn remove_events_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    use branch_event::Column::{DueAt, Id, NoticedAt};
    let unfinished = DeliveryState::ALL.iter().copied().filter(|state| !state.is_finished());
    let open = Query::select()
        .expr(constant(1))
        .from(delivery::Entity)
        .and_where(delivery::Column::EventId.into_expr().equals((branch_event::Entity, Id)))
        .and_where(delivery::Column::State.is_in(unfinished))
        .to_owned();
    let old = branch_event::Entity::find().select_only().column(Id);
    let old = old.filter(NoticedAt.lt(StoredTimestamp::from(before)));
    let old = old.filter(DueAt.is_null()).filter(Expr::not_exists(open)).order_by_asc(Id).limit(at_most(limit));
    let removed = branch_event::Entity::delete_many().filter(Id.in_subquery(old.into_query()));
    Ok(removed.exec(w).await?.rows_affected)
}

/// Removes branches that are gone since before a time and of which no event is kept; how many.
pub async fn remove_branches_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    use branch::Column::{ChangedAt, DeletedAt, Id};
    let told = Query::select()
        .expr(constant(1))
        .from(branch_event::Entity)
        .and_where(branch_event::Column::BranchId.into_expr().equals((branch::Entity, Id)))
        .to_owned();
    let gone = branch::Entity::find().select_only().column(Id);
    let gone = gone.filter(DeletedAt.lt(StoredTimestamp::from(before))).filter(Expr::not_exists(told));
    let gone = gone.order_by_asc(ChangedAt).order_by_asc(Id).limit(at_most(limit));
    let removed = branch::Entity::delete_many().filter(Id.in_subquery(gone.into_query()));
    Ok(removed.exec(w).await?.rows_affected)
}
