//! Events of branches as they are listed.

use chrono::TimeDelta;
use sea_orm::sea_query::{Condition, ExprTrait as _, Func, JoinType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select, Set,
};
use uuid::Uuid;

use crate::db::pattern::contains;
use crate::db::select::{count, from_nearer_end, is_like, matching, paged};
use crate::db::{ConnectionTrait, Result, first_id};
use crate::repositories::shorten;
use entity::kind::{BranchEventKind, BranchEventState, NoticedBy};
use entity::table::{branch, branch_event, repository};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{BranchEvent, BranchEventFilter, Listing, TektonFound, Timestamp, Verdict};

/// So many of the newest events are looked through for a text.
const READ: u64 = 20_000;

#[derive(DerivePartialModel)]
#[sea_orm(entity = "branch_event::Entity")]
struct Row {
    id: Uuid,
    repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository_full_name: String,
    branch_id: Uuid,
    #[sea_orm(from_expr = "branch::Column::Name")]
    branch_name: String,
    kind: BranchEventKind,
    old_commit: Option<ObjectId>,
    new_commit: Option<ObjectId>,
    is_forced: Option<bool>,
    noticed_by: NoticedBy,
    noticed_at: Timestamp,
    state: BranchEventState,
    matches: i32,
    processed_at: Option<Timestamp>,
    error: Option<String>,
}

impl From<Row> for BranchEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            repository_id: row.repository_id,
            repository_full_name: row.repository_full_name,
            branch_id: row.branch_id,
            branch_name: row.branch_name,
            kind: row.kind,
            old_commit: row.old_commit.map(|commit| commit.to_string()),
            new_commit: row.new_commit.map(|commit| commit.to_string()),
            is_forced: row.is_forced,
            noticed_by: row.noticed_by,
            noticed_at: row.noticed_at,
            state: row.state,
            matches: row.matches,
            verdicts: Vec::new(),
            tekton: None,
            processed_at: row.processed_at,
            error: row.error,
        }
    }
}

fn find_views() -> Select<branch_event::Entity> {
    branch_event::Entity::find().left_join(repository::Entity).left_join(branch::Entity)
}

/// One event, with what each trigger made of it and what Tekton's resources it brings.
pub async fn find_branch_event(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<BranchEvent>> {
    use branch_event::Column::{Id, Tekton, Verdicts};
    let row = find_views().filter(branch_event::COLUMN.id.eq(id)).into_partial_model::<Row>().one(c).await?;
    let Some(event) = row.map(BranchEvent::from) else { return Ok(None) };
    let more = branch_event::Entity::find().select_only().columns([Verdicts, Tekton]).filter(Id.eq(id));
    type More = (JsonText<Vec<Verdict>>, Option<JsonText<TektonFound>>);
    let more: Option<More> = more.into_tuple().one(c).await?;
    let Some((verdicts, tekton)) = more else { return Ok(None) };
    Ok(Some(BranchEvent { verdicts: verdicts.0, tekton: tekton.map(|tekton| tekton.0), ..event }))
}

/// Which events, newest first: of one branch in its own order, whatever clocks say.
pub async fn list_branch_events(c: &impl ConnectionTrait, filter: &BranchEventFilter) -> Result<Listing<BranchEvent>> {
    use branch_event::Column::{Id, Kind, Sequence};
    let events = matching::<branch_event::Entity>(conditions(filter));
    let count = count(c, events.clone()).await?;
    let order = |events: Select<branch_event::Entity>, order: Order| match filter.branch_id {
        Some(_) => events.order_by(Sequence, order.clone()).order_by(Kind, order),
        None => events.order_by(Id, order),
    };
    let (page, back) = from_nearer_end(filter.page, count);
    let ids = order(events.select_only().column(Id), if back { Order::Asc } else { Order::Desc });
    let ids = paged(ids, page).into_query();
    let rows = order(find_views().filter(branch_event::COLUMN.id.in_subquery(ids)), Order::Desc);
    let rows = rows.into_partial_model::<Row>().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(BranchEvent::from).collect(), count })
}

fn conditions(filter: &BranchEventFilter) -> Condition {
    use branch_event::{COLUMN, Column};
    let time = StoredTimestamp::from;
    let text = filter.text.as_deref().filter(|text| !text.is_empty()).map(contains);
    let of_text = text.map(|pattern| match (filter.branch_id, filter.repository_id) {
        (None, None) => COLUMN.id.in_subquery(newest_with(pattern)),
        (branch, repository) => COLUMN.branch_id.in_subquery(branches_with(pattern, branch, repository)),
    });
    // Ids begin with their time: every index that ends in them finds the first and the last of a span.
    let of_span = Condition::all()
        .add_option(filter.since.map(|since| Column::Id.gte(first_id(since))))
        .add_option(filter.until.map(|until| Column::Id.lt(id_after(until))));
    Condition::all()
        .add_option((!of_span.is_empty()).then_some(of_span))
        .add_option(filter.repository_id.map(|id| COLUMN.repository_id.eq(id)))
        .add_option(filter.branch_id.map(|id| COLUMN.branch_id.eq(id)))
        .add_option(of_text)
        .add_option(filter.kind.map(|kind| Column::Kind.eq(kind)))
        .add_option(filter.state.map(|state| Column::State.eq(state)))
        .add_option(filter.since.map(|since| COLUMN.noticed_at.gte(time(since))))
        .add_option(filter.until.map(|until| COLUMN.noticed_at.lt(time(until))))
}

/// Branches whose names hold it.
fn branches_with(pattern: String, branch: Option<Uuid>, repository: Option<Uuid>) -> SelectStatement {
    let named = branch::Entity::find().select_only().column(branch::Column::Id);
    let named = named.filter(is_like(Func::lower(branch::Column::Name.into_expr()), pattern));
    let named = named.apply_if(branch, |named, id| named.filter(branch::COLUMN.id.eq(id)));
    named.apply_if(repository, |named, id| named.filter(branch::COLUMN.repository_id.eq(id))).into_query()
}

/// Those of the newest events whose branches' names hold it.
fn newest_with(pattern: String) -> SelectStatement {
    use branch_event::Column::{BranchId, Id};
    let newest = branch_event::Entity::find().select_only().columns([Id, BranchId]).order_by_desc(Id).limit(READ);
    Query::select()
        .column(("i", Id))
        .from_subquery(newest.into_query(), "i")
        .join(JoinType::InnerJoin, branch::Entity, branch::Column::Id.into_expr().equals(("i", BranchId)))
        .and_where(is_like(Func::lower(branch::Column::Name.into_expr()), pattern))
        .to_owned()
}

/// An id that nothing made at a time or before it has.
fn id_after(time: Timestamp) -> Uuid {
    first_id(time.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(time))
}

/// Deciding failed, and is tried again then. Whether it was still to be decided.
pub async fn postpone_event(w: &impl ConnectionTrait, id: Uuid, error: &str, again: Timestamp) -> Result<bool> {
    use branch_event::Column::Tries;
    let row = branch_event::ActiveModel {
        state: Set(BranchEventState::Retrying),
        error: Set(Some(shorten(error))),
        due_at: Set(Some(again.into())),
        ..Default::default()
    };
    let update = branch_event::Entity::update_many().set(row).col_expr(Tries, branch_event::COLUMN.tries.add(1));
    let update = update.filter(branch_event::COLUMN.id.eq(id)).filter(branch_event::COLUMN.due_at.is_not_null());
    Ok(update.exec(w).await?.rows_affected > 0)
}
