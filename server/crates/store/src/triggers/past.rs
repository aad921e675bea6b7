//! What happened before, for holding a condition against it: events of watched branches, and commits of default branches from
//! before they were watched.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, RelationTrait as _,
};
use uuid::Uuid;

use crate::db::select::{at_most, is_counted};
use crate::db::{ConnectionTrait, Result, first_id};
use entity::kind::{BranchEventKind, Provider};
use entity::table::{branch, branch_event, commit, repository, watch};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{TektonFound, Timestamp};

/// An event with all that a condition may ask, but for what has to be read from a clone.
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
    #[sea_orm(from_expr = "branch::Column::Name")]
    pub branch_name: String,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    pub new_commit: Option<ObjectId>,
    pub is_forced: Option<bool>,
    pub tekton: Option<JsonText<TektonFound>>,
    pub noticed_at: Timestamp,
}

/// A commit of a repository's default branch.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "commit::Entity")]
pub struct PastCommit {
    pub repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    pub repository_full_name: String,
    #[sea_orm(from_expr = "repository::Column::Url")]
    pub repository_url: String,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    pub provider: Provider,
    #[sea_orm(from_expr = "repository::Column::DefaultBranch")]
    pub branch_name: Option<String>,
    pub sha: ObjectId,
    pub committed_at: Timestamp,
    pub subject: String,
}

/// Events since then, newest first; at most so many.
pub async fn past_events(c: &impl ConnectionTrait, since: Timestamp, limit: u64) -> Result<Vec<PastEvent>> {
    use branch_event::Column::Id;
    let events = branch_event::Entity::find().inner_join(repository::Entity).inner_join(branch::Entity);
    let events = events.filter(branch_event::COLUMN.id.gte(first_id(since)));
    Ok(events.order_by_desc(Id).limit(at_most(limit)).into_partial_model().all(c).await?)
}

/// Commits of default branches since then that no watch noted as an event, newest first; at most so many. Of a repository that is
/// watched no longer nobody knows when that ended: all of them, also those that are events.
pub async fn past_commits(c: &impl ConnectionTrait, since: Timestamp, limit: u64) -> Result<Vec<PastCommit>> {
    use commit::Column::{CommittedAt, RepositoryId, Sequence};
    let of_its_watch = |column: watch::Column| Expr::col((watch::Entity, column));
    let first_look = || of_its_watch(watch::Column::FirstLookAt);
    let is_off = of_its_watch(watch::Column::IsEnabled).eq(false);
    let committed = Expr::col((commit::Entity, CommittedAt));
    // Those after it are events of the watch; but for a repository without one there are none.
    let unwatched = Condition::any().add(first_look().is_null()).add(is_off).add(committed.lt(first_look()));
    let of_watch = watch::Relation::Repository.def().rev();
    let newest = commit::Entity::find().select_only().columns([RepositoryId, Sequence]);
    let newest = newest.join(JoinType::InnerJoin, commit::Relation::Repository.def());
    let newest = newest.join(JoinType::LeftJoin, of_watch);
    let newest = newest.filter(commit::COLUMN.committed_at.gte(StoredTimestamp::from(since))).filter(unwatched);
    // Of other branches that are scanned, the repository's watch tells.
    let newest = newest.filter(is_counted(RepositoryId));
    let newest = newest.order_by_desc(CommittedAt).order_by_desc(RepositoryId).order_by_desc(Sequence);
    let newest = newest.limit(at_most(limit)).into_query();
    let is_wanted = [RepositoryId, Sequence]
        .into_iter()
        .fold(Condition::all(), |all, column| all.add(column.into_expr().equals(("i", column))));
    let mut rows = commit::Entity::find().inner_join(repository::Entity);
    sea_orm::QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, newest, "i", is_wanted);
    let rows = rows.order_by_desc(CommittedAt).order_by_desc(RepositoryId).order_by_desc(Sequence);
    Ok(rows.into_partial_model().all(c).await?)
}
