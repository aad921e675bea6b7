//! Deliveries as people see them.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use crate::db::select::{constant, count, from_nearer_end, is_any, matching, paged};
use crate::db::{ConnectionTrait, Result, first_id};
use entity::kind::{BranchEventKind, BranchEventState, DeliveryState, RunState, TargetKind};
use entity::table::{branch, delivery, delivery_attempt, repository, trigger};
use entity::value::ObjectId;
use entity::view::{Delivery, DeliveryAttempt, DeliveryFilter, DeliveryProgress, Listing, Timestamp};

/// Deliveries that are not finished; written so that their index serves.
pub(crate) fn is_unfinished() -> Expr {
    use DeliveryState::{Behind, Pending, Retrying, Sending};
    delivery::Column::State.into_expr().is_in([Behind, Pending, Retrying, Sending].map(constant))
}

/// Deliveries that wait for an attempt; written so that their index serves.
pub(super) fn is_waiting() -> Expr {
    let waiting = [DeliveryState::Pending, DeliveryState::Retrying];
    delivery::Column::State.into_expr().is_in(waiting.map(constant))
}

/// Deliveries that a worker holds; written so that their index serves.
pub(super) fn is_sending() -> Expr {
    delivery::Column::State.into_expr().eq(constant(DeliveryState::Sending))
}

/// The state of an event whose deliveries have these. `is_whole`: nothing that a trigger asked for stayed unknown.
pub(super) fn state_of(states: &[DeliveryState], is_whole: bool) -> BranchEventState {
    let has = |state| states.contains(&state);
    if has(DeliveryState::Retrying) {
        BranchEventState::Retrying
    } else if states.iter().any(|state| !state.is_finished()) {
        BranchEventState::Pending
    } else if has(DeliveryState::Failed) || !is_whole {
        BranchEventState::Failed
    } else {
        BranchEventState::Processed
    }
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "delivery::Entity")]
struct Row {
    id: Uuid,
    trigger_id: Uuid,
    #[sea_orm(from_expr = "trigger::Column::Name")]
    trigger_name: String,
    #[sea_orm(from_expr = "trigger::Column::TargetKind")]
    target_kind: TargetKind,
    event_id: Uuid,
    kind: BranchEventKind,
    repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository_full_name: String,
    branch_id: Uuid,
    #[sea_orm(from_expr = "branch::Column::Name")]
    branch_name: String,
    commit_hash: ObjectId,
    state: DeliveryState,
    attempts: i32,
    next_try_at: Option<Timestamp>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    status: Option<i32>,
    error: Option<String>,
    answer_id: Option<String>,
    run_state: Option<RunState>,
    run_name: Option<String>,
    run_at: Option<Timestamp>,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            trigger_id: row.trigger_id,
            trigger_name: row.trigger_name,
            target_kind: row.target_kind,
            event_id: row.event_id,
            kind: row.kind,
            repository_id: row.repository_id,
            repository_full_name: row.repository_full_name,
            branch_id: row.branch_id,
            branch_name: row.branch_name,
            commit: row.commit_hash.to_string(),
            state: row.state,
            attempts: row.attempts,
            next_try_at: row.next_try_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
            status: row.status,
            error: row.error,
            answer_id: row.answer_id,
            run_state: row.run_state,
            run_name: row.run_name,
            run_at: row.run_at,
        }
    }
}

fn find_views() -> Select<delivery::Entity> {
    let views = delivery::Entity::find().left_join(trigger::Entity);
    views.left_join(repository::Entity).left_join(branch::Entity)
}

/// One delivery.
pub async fn find_delivery(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Delivery>> {
    let row = find_views().filter(delivery::COLUMN.id.eq(id)).into_partial_model::<Row>().one(c).await?;
    Ok(row.map(Delivery::from))
}

/// How far those of these deliveries are that are there, in no order.
pub async fn find_progress(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<DeliveryProgress>> {
    let these = delivery::Entity::find().filter(is_any(delivery::Column::Id.into_expr(), ids.iter().copied()));
    Ok(these.into_partial_model().all(c).await?)
}

/// Which deliveries, newest first.
pub async fn list_deliveries(c: &impl ConnectionTrait, filter: &DeliveryFilter) -> Result<Listing<Delivery>> {
    use delivery::Column::Id;
    let deliveries = matching::<delivery::Entity>(conditions(filter));
    let count = count(c, deliveries.clone()).await?;
    let (page, back) = from_nearer_end(filter.page, count);
    let order = if back { Order::Asc } else { Order::Desc };
    let ids = paged(deliveries.select_only().column(Id).order_by(Id, order), page).into_query();
    let rows = find_views().filter(delivery::COLUMN.id.in_subquery(ids)).order_by_desc(Id);
    let rows = rows.into_partial_model::<Row>().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(Delivery::from).collect(), count })
}

fn conditions(filter: &DeliveryFilter) -> Condition {
    use delivery::{COLUMN, Column};
    Condition::all()
        .add_option(filter.trigger_id.map(|id| COLUMN.trigger_id.eq(id)))
        .add_option(filter.event_id.map(|id| COLUMN.event_id.eq(id)))
        .add_option(filter.repository_id.map(|id| COLUMN.repository_id.eq(id)))
        .add_option(filter.branch_id.map(|id| COLUMN.branch_id.eq(id)))
        .add_option(filter.state.map(|state| Column::State.eq(state)))
        .add_option(filter.since.map(|since| COLUMN.id.gte(first_id(since))))
        .add_option(filter.until.map(|until| COLUMN.id.lt(first_id(until))))
}

/// Attempts of a delivery, the last first; at most so many.
pub async fn list_attempts(c: &impl ConnectionTrait, delivery: Uuid, limit: u64) -> Result<Vec<DeliveryAttempt>> {
    use delivery_attempt::Column::Number;
    let rows = delivery_attempt::Entity::find().filter(delivery_attempt::COLUMN.delivery_id.eq(delivery));
    let rows = rows.order_by_desc(Number).limit(limit).all(c).await?;
    let attempt = |row: delivery_attempt::Model| DeliveryAttempt {
        number: row.number,
        started_at: row.started_at.into(),
        duration_ms: row.duration_ms,
        request: row.request.map(|request| request.0),
        status: row.status,
        answer: row.answer,
        error: row.error,
        next_try_at: row.next_try_at.map(Into::into),
    };
    Ok(rows.into_iter().map(attempt).collect())
}
