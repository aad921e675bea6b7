//! What happened, for those who ask what a trigger would have made of it.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::kind::{BranchEventKind, Provider};
use entity::table::{branch, branch_event, repository};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{TektonFound, Timestamp};

/// The most events that are looked back at.
const MOST: u64 = 10_000;
/// The most events of which Tekton's resources are read at once.
const MOST_FOUND: usize = 100;

/// An event as conditions are held against it.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "branch_event::Entity")]
pub struct PastEvent {
    pub id: Uuid,
    pub repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    pub repository_full_name: String,
    #[sea_orm(from_expr = "repository::Column::Url")]
    pub repository_url: String,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    pub provider: Provider,
    pub branch_id: Uuid,
    #[sea_orm(from_expr = "branch::Column::Name")]
    pub branch_name: String,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    pub new_commit: Option<ObjectId>,
    pub is_forced: Option<bool>,
    pub noticed_at: Timestamp,
    /// Whether it was read what the new commit brings in `.tekton/`: [`find_tekton`] says it.
    #[sea_orm(from_expr = "branch_event::COLUMN.tekton.is_not_null()")]
    pub is_tekton_known: bool,
}

/// Events that were noticed from one time on and before another, newest first; at most so many, and never more than 10,000.
pub async fn branch_events_between(
    c: &impl ConnectionTrait,
    since: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Result<Vec<PastEvent>> {
    use branch_event::Column::{Id, NoticedAt};
    let events = branch_event::Entity::find().inner_join(repository::Entity).inner_join(branch::Entity);
    let events = events.filter(NoticedAt.gte(StoredTimestamp::from(since)));
    let events = events.filter(NoticedAt.lt(StoredTimestamp::from(until)));
    let events = events.order_by_desc(NoticedAt).order_by_desc(Id).limit(std::cmp::min(limit, MOST));
    Ok(events.into_partial_model().all(c).await?)
}

/// What events' commits bring in `.tekton/`, where that was read; of the first hundred.
pub async fn find_tekton(c: &impl ConnectionTrait, events: &[Uuid]) -> Result<HashMap<Uuid, TektonFound>> {
    use branch_event::Column::{Id, Tekton};
    let found = branch_event::Entity::find().select_only().columns([Id, Tekton]).filter(Tekton.is_not_null());
    let found = found.filter(is_any(Id.into_expr(), events.iter().copied().take(MOST_FOUND)));
    let found: Vec<(Uuid, JsonText<TektonFound>)> = found.into_tuple().all(c).await?;
    Ok(found.into_iter().map(|(id, found)| (id, found.0)).collect())
}
