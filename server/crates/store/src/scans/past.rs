//! Resources as their events tell them: what a rewritten history goes on from.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect, QueryTrait as _,
    Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::{constant, listed};
use crate::resources::row::KnownRow;
use entity::input::KnownResource;
use entity::kind::{EventType, ResourceStatus};
use entity::table::{commit, event, resource};
use entity::view::{Listing, ResourceTreeRow};

/// What statements call the last event of a resource.
const LAST: &str = "last";

/// What they call the last one that left a text.
const TEXT: &str = "text";

fn of(event: &'static str, column: event::Column) -> Expr {
    Expr::col((event, column))
}

fn was_deleted() -> Expr {
    of(LAST, event::Column::EventType).eq(constant(EventType::Deleted))
}

/// The repository's resources, each beside its last event up to a place on the line.
fn with_last(repository: Uuid, sequence: i64) -> Select<resource::Entity> {
    let mut resources = resource::Entity::find().filter(resource::COLUMN.repository_id.eq(repository));
    join(&mut resources, LAST, sequence);
    resources
}

fn join(resources: &mut Select<resource::Entity>, name: &'static str, sequence: i64) {
    use event::Column::{Id, ResourceId, Sequence};
    let mut events = event::Entity::find()
        .filter(ResourceId.into_expr().equals(resource::Column::Id.as_column_ref()))
        .filter(event::COLUMN.sequence.lte(sequence));
    if name == TEXT {
        events = events.filter(event::COLUMN.blob.is_not_null());
    }
    let newest = events.select_only().column(Id).order_by_desc(Sequence).order_by_desc(Id).limit(1).into_query();
    QuerySelect::query(resources).join_as(JoinType::InnerJoin, event::Entity, name, of(name, Id).eq(newest));
}

/// Every resource as the events up to a place on the line tell it. What no event keeps (source, chart, inherited namespace)
/// is as it is now; nothing is inherited in a tree that a resource is gone from.
pub async fn known_at(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<KnownResource>> {
    use event::Column::{
        Blob, EventTimestamp, FileHashAfter, FileHashBefore, FilePath, LineEnd, LineStart, ResourceApiVersion,
        ResourceKind, ResourceName, ResourceNamespace, VersionAfter, VersionBefore,
    };
    use resource::Column::{
        ChartName, ChartUrl, CreatedAt, FileHash, FirstSequence, Id, NamespaceInherited, SourceKind, SourceName,
        SourceNamespace,
    };
    let hash = [of(LAST, FileHashAfter), of(LAST, FileHashBefore), FileHash.into_expr()];
    let inherited = Expr::case(was_deleted().not(), NamespaceInherited.into_expr());
    let version = Expr::case(was_deleted(), of(LAST, VersionBefore)).finally(of(LAST, VersionAfter));
    let status = Expr::case(was_deleted(), constant(ResourceStatus::Deleted)).finally(constant(ResourceStatus::Active));
    let deleted_at = Expr::case(was_deleted(), of(LAST, EventTimestamp));
    let mut past = with_last(repository, sequence);
    join(&mut past, TEXT, sequence);
    let its_commit = Expr::col((commit::Entity, commit::Column::RepositoryId))
        .equals(resource::Column::RepositoryId.as_column_ref())
        .and(Expr::col((commit::Entity, commit::Column::Sequence)).equals((LAST, event::Column::Sequence)));
    QuerySelect::query(&mut past).join(JoinType::InnerJoin, commit::Entity, its_commit);
    let past = past
        .select_only()
        .columns([Id, CreatedAt, FirstSequence, SourceKind, SourceName, SourceNamespace, ChartName, ChartUrl])
        .expr_as(of(LAST, ResourceApiVersion), "api_version")
        .expr_as(of(LAST, ResourceKind), "kind")
        .expr_as(of(LAST, ResourceName), "name")
        .expr_as(of(LAST, ResourceNamespace), "namespace")
        .expr_as(inherited, "namespace_inherited")
        .expr_as(of(LAST, FilePath), "file_path")
        .expr_as(Func::coalesce(hash), "file_hash")
        .expr_as(version, "version")
        .expr_as(status, "status")
        .expr_as(of(TEXT, Blob), "blob")
        .expr_as(of(TEXT, LineStart), "line_start")
        .expr_as(of(TEXT, LineEnd), "line_end")
        .expr_as(of(LAST, EventTimestamp), "updated_at")
        .expr_as(deleted_at, "deleted_at")
        .column_as(commit::Column::Sha, "commit_sha")
        .order_by_asc(Id);
    let rows = past.into_model::<KnownRow>().all(c).await?;
    Ok(rows.into_iter().map(KnownRow::into_known).collect())
}

/// Resources that stood at a place on the line, by path. What they inherit is as it is now.
pub(crate) async fn leaves_at(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sequence: i64,
    most: u64,
) -> Result<Listing<ResourceTreeRow>> {
    use event::Column::{FilePath, ResourceKind, ResourceName, ResourceNamespace, VersionAfter};
    use resource::Column::{Id, NamespaceInherited};
    let namespace = Func::coalesce([NamespaceInherited.into_expr(), of(LAST, ResourceNamespace)]);
    let standing = with_last(repository, sequence).filter(was_deleted().not());
    let leaves = standing
        .clone()
        .select_only()
        .column(Id)
        .expr_as(of(LAST, FilePath), "file_path")
        .expr_as(of(LAST, ResourceKind), "kind")
        .expr_as(of(LAST, ResourceName), "name")
        .expr_as(of(LAST, VersionAfter), "version")
        .expr_as(namespace, "namespace")
        .order_by_asc(of(LAST, FilePath))
        .order_by_asc(of(LAST, ResourceKind))
        .order_by_asc(of(LAST, ResourceName))
        .order_by_asc(Id);
    let leaves = leaves.limit(most).into_model::<ResourceTreeRow>().all(c).await?;
    listed(c, leaves, most, standing).await
}

/// Resources that are gone at a place on the line and were back after it, with where they went: what they deployed then
/// is not what their rows say now.
pub async fn gone_for_a_while(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<(Uuid, i64)>> {
    let later = event::Entity::find()
        .filter(event::Column::ResourceId.into_expr().equals(resource::Column::Id.as_column_ref()))
        .filter(event::COLUMN.sequence.gt(sequence))
        .select_only()
        .expr(constant(1))
        .into_query();
    let gone = with_last(repository, sequence)
        .filter(was_deleted())
        .filter(Expr::exists(later))
        .select_only()
        .column(resource::Column::Id)
        .column_as(of(LAST, event::Column::Sequence), "sequence")
        .order_by_asc(resource::Column::Id);
    Ok(gone.into_tuple().all(c).await?)
}
