//! The states a resource went through, and their texts.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect, QueryTrait as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::{count, is_any};
use crate::events;
use crate::resources::row::TextRow;
use entity::kind::Provider;
use entity::table::{commit, event, manifest, repository, resource};
use entity::value::JsonText;
use entity::view::{Event, FieldChange, Listing, PageQuery, ResourceVersion, VersionText, web_url};

/// A source changes with its releases: more than this is no history that anybody compares.
const MOST_SOURCE_CHANGES: u64 = 5_000;

/// Every state of a resource, newest first.
pub async fn list_versions(
    c: &impl ConnectionTrait,
    resource: Uuid,
    page: PageQuery,
) -> Result<Listing<ResourceVersion>> {
    let Some(origin) = find_origin(c, resource).await? else { return Ok(Listing::default()) };
    let events = events::list_of_resource(c, resource, page).await?;
    let skip = i64::try_from(page.skip).unwrap_or(i64::MAX);
    let data = versions_of(c, &origin, events, origin.events.saturating_sub(skip)).await?;
    Ok(Listing { data, count: u64::try_from(origin.events).unwrap_or(0) })
}

/// The newest state that a resource had before a place on the line; of all, where none is given. It is found by its event, not by
/// how many there are: a scan may add some meanwhile.
pub(super) async fn find_version_before(
    c: &impl ConnectionTrait,
    resource: Uuid,
    place: Option<i64>,
) -> Result<Option<ResourceVersion>> {
    use event::Column::{Id, Sequence};
    let until = event::Entity::find().filter(event::COLUMN.resource_id.eq(resource));
    let until = until.apply_if(place, |until, place| until.filter(event::COLUMN.sequence.lt(place)));
    let newest = until.clone().select_only().column(Id).order_by_desc(Sequence).order_by_desc(Id);
    let Some(newest) = newest.into_tuple::<Uuid>().one(c).await? else { return Ok(None) };
    let Some(origin) = find_origin(c, resource).await? else { return Ok(None) };
    let number = i64::try_from(count(c, until).await?).unwrap_or(i64::MAX);
    Ok(versions_of(c, &origin, events::list_by_ids(c, &[newest]).await?, number).await?.pop())
}

async fn find_origin(c: &impl ConnectionTrait, resource: Uuid) -> Result<Option<VersionOrigin>> {
    let this = resource::Entity::find_by_id(resource).inner_join(repository::Entity);
    Ok(this.into_partial_model::<VersionOrigin>().one(c).await?)
}

/// States that events left, newest first; the first of them has this number.
async fn versions_of(
    c: &impl ConnectionTrait,
    origin: &VersionOrigin,
    events: Vec<Event>,
    newest: i64,
) -> Result<Vec<ResourceVersion>> {
    let places: Vec<(Uuid, Option<i32>, Option<i32>)> = event::Entity::find()
        .filter(is_any(event::Column::Id.into_expr(), events.iter().map(|event| event.id)))
        .select_only()
        .columns([event::Column::Id, event::Column::LineStart, event::Column::LineEnd])
        .into_tuple()
        .all(c)
        .await?;
    let places: HashMap<Uuid, _> = places.into_iter().map(|(id, start, end)| (id, (start, end))).collect();
    let version = |(event, place): (Event, i64)| {
        let (start, end) = places.get(&event.id).copied().unwrap_or_default();
        let lines = start.zip(end);
        // A deletion has no text, and its commit has no such file.
        let web_url = lines.and_then(|lines| {
            let (commit, path) = (event.commit.as_str(), event.file_path.as_str());
            web_url(origin.provider, origin.web_url.as_deref(), commit, Some(path), Some(lines))
        });
        let number = newest.saturating_sub(place);
        ResourceVersion { number, event, line_start: start.unwrap_or(0), line_end: end.unwrap_or(0), web_url }
    };
    Ok(events.into_iter().zip(0..).map(version).collect())
}

/// Which version of which resource an event left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    pub resource_id: Uuid,
    /// Counted from 1, the oldest first.
    pub number: i64,
    /// How many versions there are.
    pub count: u64,
}

/// Where an event stands among its resource's; that of its cause, where the manifest itself stayed the same.
pub async fn find_version_place(c: &impl ConnectionTrait, event: Uuid) -> Result<Option<VersionPlace>> {
    use event::Column::{CausedByResourceId, FileHashAfter, FileHashBefore, Id, ResourceId, Sequence};
    let cause = |column: event::Column| Expr::col(("cause", column));
    let caused = Condition::all()
        .add(cause(ResourceId).equals(CausedByResourceId.as_column_ref()))
        .add(cause(Sequence).equals(Sequence.as_column_ref()))
        .add(FileHashBefore.into_expr().equals(FileHashAfter.as_column_ref()));
    let mut this = event::Entity::find_by_id(event);
    QuerySelect::query(&mut this).join_as(JoinType::LeftJoin, event::Entity, "cause", caused);
    let this = this.order_by_asc(cause(Id)).into_partial_model::<PlaceRow>();
    let Some(PlaceRow { id, resource_id, sequence, cause }) = this.one(c).await? else { return Ok(None) };
    let (id, resource_id) = cause.map_or((id, resource_id), |cause| (cause.id, cause.resource_id));
    let all = event::Entity::find().filter(event::COLUMN.resource_id.eq(resource_id));
    let within = event::COLUMN.sequence.eq(sequence).and(event::COLUMN.id.lte(id));
    let until = all.clone().filter(event::COLUMN.sequence.lt(sequence).or(within));
    let number = i64::try_from(count(c, until).await?).unwrap_or(i64::MAX);
    Ok(Some(VersionPlace { resource_id, number, count: count(c, all).await? }))
}

/// What sources changed after one event of a resource up to another: each field once, as it was before and is then.
pub async fn list_source_changes(
    c: &impl ConnectionTrait,
    resource: Uuid,
    after: Uuid,
    until: Uuid,
) -> Result<Vec<FieldChange>> {
    use event::Column::{Changes, Id, Sequence};
    let own = || Expr::tuple([Sequence.into_expr(), Id.into_expr()]);
    let place = |id: Uuid| event::Entity::find_by_id(id).select_only().columns([Sequence, Id]).into_query();
    let between = event::Entity::find()
        .filter(event::COLUMN.resource_id.eq(resource))
        .filter(event::COLUMN.caused_by_resource_id.is_not_null())
        .filter(own().gt(place(after)))
        .filter(own().lte(place(until)))
        .order_by_asc(Sequence)
        .order_by_asc(Id)
        .limit(MOST_SOURCE_CHANGES);
    let changes: Vec<JsonText<Vec<FieldChange>>> = between.select_only().column(Changes).into_tuple().all(c).await?;
    let mut folded: Vec<FieldChange> = Vec::new();
    for change in changes.into_iter().flat_map(|changes| changes.0).filter(FieldChange::is_of_source) {
        match folded.iter_mut().find(|known| known.path == change.path) {
            Some(known) => known.new = change.new,
            None => folded.push(change),
        }
    }
    folded.retain(|change| change.old != change.new);
    Ok(folded)
}

/// The text of a resource as one of its events left it; `None` where the event is not this resource's.
pub async fn find_version_text(c: &impl ConnectionTrait, resource: Uuid, event: Uuid) -> Result<Option<VersionText>> {
    let this = event::Entity::find_by_id(event).filter(event::COLUMN.resource_id.eq(resource));
    let row = this.inner_join(commit::Entity).left_join(manifest::Entity).into_partial_model::<TextRow>();
    row.one(c).await?.map(TextRow::into_view).transpose()
}

/// The text of a resource as it stands, or last stood.
pub async fn find_current_text(c: &impl ConnectionTrait, resource: Uuid) -> Result<Option<VersionText>> {
    use manifest::Column::{Compressed, Dictionary, Size};
    use resource::Column::{Blob, CommitSha, FilePath, Id, LineEnd, LineStart};
    // The newest event that left a text; the resource's own row says what stands now.
    let newest = event::Entity::find()
        .filter(event::Column::ResourceId.into_expr().equals(Id.as_column_ref()))
        .filter(event::COLUMN.blob.is_not_null())
        .select_only()
        .column(event::Column::Id)
        .order_by_desc(event::Column::Sequence)
        .order_by_desc(event::Column::Id)
        .limit(1)
        .into_query();
    let row = resource::Entity::find_by_id(resource)
        .left_join(manifest::Entity)
        .select_only()
        .column_as(Expr::from(Func::coalesce([newest.into(), Id.into_expr()])), "event_id")
        .column_as(CommitSha, "sha")
        .columns([FilePath, Blob, LineStart, LineEnd])
        .columns([Dictionary, Size, Compressed])
        .into_model::<TextRow>();
    row.one(c).await?.map(TextRow::into_view).transpose()
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
struct VersionOrigin {
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    web_url: Option<String>,
    events: i64,
}

/// An event, and the one that caused it.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct PlaceRow {
    id: Uuid,
    resource_id: Uuid,
    sequence: i64,
    #[sea_orm(nested, alias = "cause")]
    cause: Option<CauseRow>,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct CauseRow {
    id: Uuid,
    resource_id: Uuid,
}
