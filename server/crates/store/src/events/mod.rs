//! Events: lists, facets, counts by day.

mod daily;
mod filter;

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder, QuerySelect, QueryTrait as _,
    Select,
};
use uuid::Uuid;

pub(crate) use daily::first_day;
pub use daily::{activity, daily_counts, trends};

use super::{ConnectionTrait, Result, days};
use crate::charts::{AskedEvent, steps_of};
use crate::db::select::{count_all, is_any, matching, paged, sum};
use entity::table::{commit, event, repository, resource};
use entity::value::{JsonText, ObjectId};
use entity::view::{Event, EventFilter, FieldChange, Listing, NamedCount, PageQuery};

/// An event with what its view takes in another form, or looks up.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct EventRow {
    #[sea_orm(nested)]
    event: Event,
    sequence: i64,
    changes_detected: JsonText<Vec<String>>,
    changes: JsonText<Vec<FieldChange>>,
    #[sea_orm(from_expr = "commit::Column::Sha")]
    commit: ObjectId,
    #[sea_orm(from_expr = "namespace_inherited()")]
    resource_namespace_inherited: Option<String>,
}

impl EventRow {
    fn asked(&self) -> AskedEvent {
        let event = &self.event;
        AskedEvent {
            id: event.id,
            repository_id: event.repository_id,
            resource_id: event.resource_id,
            sequence: self.sequence,
            event_type: event.event_type,
            resource_api_version: event.resource_api_version.clone(),
            file_path: event.file_path.clone(),
            version_before: event.version_before.clone(),
            version_after: event.version_after.clone(),
        }
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            changes_detected: row.changes_detected.0,
            changes: row.changes.0,
            commit: row.commit.to_string(),
            resource_namespace_inherited: row.resource_namespace_inherited,
            ..row.event
        }
    }
}

/// Looked up for each row: as one join more, PostgreSQL would read all resources for a page.
fn namespace_inherited() -> Expr {
    let its = resource::Column::Id.into_expr().equals((event::Entity, event::Column::ResourceId));
    let namespace = resource::Entity::find().select_only().column(resource::Column::NamespaceInherited);
    namespace.filter(its).into_query().into()
}

/// What comes first.
#[derive(Clone, Copy)]
enum Order {
    /// The newest in history's own order: clocks of committers may be wrong.
    Latest,
    /// The newest by their ids, which begin with the time of the commit.
    Newest,
    /// What the replay told first.
    Told,
}

impl Order {
    fn of<S: QueryOrder>(self, events: S) -> S {
        use event::Column::{Id, Sequence};
        match self {
            Self::Latest => events.order_by_desc(Sequence).order_by_desc(Id),
            Self::Newest => events.order_by_desc(Id),
            Self::Told => events.order_by_asc(Id),
        }
    }
}

/// Which events, newest first.
pub async fn list_events(c: &impl ConnectionTrait, filter: &EventFilter) -> Result<Listing<Event>> {
    let Some(mut conditions) = filter::conditions(c, filter).await? else { return Ok(Listing::default()) };
    let order = match (filter.repository_id, filter.resource_id) {
        (None, None) => Order::Newest,
        _ => Order::Latest,
    };
    let count = filter::count_events(c, filter, &conditions).await?;
    let mut page = filter.page;
    if let Some(columns) = filter::kept_by_day(filter).filter(|_| filter.repository_id.is_none()) {
        let counted: Vec<&str> = columns.iter().map(sea_orm::IdenStatic::as_str).collect();
        let jump = days::jump(c, &counted.join(" + "), page).await?;
        page = jump.page;
        if let Some(before) = jump.before {
            conditions = conditions.add(event::COLUMN.id.lt(crate::db::first_id(before)));
        }
    }
    let data = list(c, matching(conditions), order, page).await?;
    Ok(Listing { data, count })
}

/// Events of one commit in the order in which the replay told them.
pub(crate) async fn of_commit(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sequence: i64,
    page: PageQuery,
) -> Result<Vec<Event>> {
    let of_commit = event::COLUMN.repository_id.eq(repository).and(event::COLUMN.sequence.eq(sequence));
    list(c, event::Entity::find().filter(of_commit), Order::Told, page).await
}

/// A page of a resource's events, newest first.
pub(crate) async fn list_of_resource(c: &impl ConnectionTrait, resource: Uuid, page: PageQuery) -> Result<Vec<Event>> {
    list(c, event::Entity::find().filter(event::COLUMN.resource_id.eq(resource)), Order::Latest, page).await
}

/// Whole events, newest first.
pub(crate) async fn list_by_ids(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Event>> {
    let these = event::Entity::find().filter(is_any(event::Column::Id.into_expr(), ids.iter().copied()));
    read(c, Order::Newest.of(these)).await
}

/// One page of events. They are read whole only for the ids of the page, which an index alone has found.
async fn list(
    c: &impl ConnectionTrait,
    events: Select<event::Entity>,
    order: Order,
    page: PageQuery,
) -> Result<Vec<Event>> {
    let ids = paged(order.of(events.select_only().column(event::Column::Id)), page);
    read(c, order.of(with_ids(ids))).await
}

/// The events whose ids a question gives.
pub(crate) fn with_ids(ids: Select<event::Entity>) -> Select<event::Entity> {
    let same = event::Column::Id.into_expr().equals(("i", event::Column::Id));
    let mut events = event::Entity::find();
    let query = QuerySelect::query(&mut events);
    query.from_clear().from_subquery(ids.into_query(), "i").inner_join(event::Entity, same);
    events
}

async fn read(c: &impl ConnectionTrait, events: Select<event::Entity>) -> Result<Vec<Event>> {
    let rows = events.inner_join(repository::Entity).inner_join(commit::Entity);
    let rows: Vec<EventRow> = rows.into_partial_model().all(c).await?;
    let asked: Vec<AskedEvent> = rows.iter().map(EventRow::asked).collect();
    let mut steps = steps_of(c, &asked).await?;
    let with_step = |row: EventRow| {
        let chart_step = steps.remove(&row.event.id);
        Event { chart_step, ..Event::from(row) }
    };
    Ok(rows.into_iter().map(with_step).collect())
}

/// Kinds and namespaces (written or inherited) that a repository's events are about, most frequent first.
pub async fn event_facets(c: &impl ConnectionTrait, repository: Uuid) -> Result<(Vec<NamedCount>, Vec<NamedCount>)> {
    use resource::Column::{Kind, Namespace, NamespaceInherited};
    let resources = |name: resource::Column| {
        let of_repository = resource::Entity::find().filter(resource::COLUMN.repository_id.eq(repository));
        let named = of_repository.select_only().column_as(name, "name");
        named.column_as(sum(resource::Column::Events.into_expr()), "count").group_by(name)
    };
    let kinds = resources(Kind).filter(resource::COLUMN.events.gt(0_i64));
    let kinds: Vec<NamedCount> = kinds.into_model().all(c).await?;

    // What was written may be another namespace today; what is inherited is so by all that a resource went through.
    let written = event::Entity::find().filter(event::COLUMN.repository_id.eq(repository));
    let written = written.filter(event::COLUMN.resource_namespace.is_not_null()).select_only();
    let written = written.column_as(event::Column::ResourceNamespace, "name").column_as(count_all(), "count");
    let written = written.group_by(event::Column::ResourceNamespace);
    let is_other = Expr::col((resource::Entity, Namespace)).ne(Expr::col((resource::Entity, NamespaceInherited)));
    let inherited = resources(NamespaceInherited).filter(resource::COLUMN.namespace_inherited.is_not_null());
    let inherited = inherited.filter(resource::COLUMN.namespace.is_null().or(is_other));

    let mut namespaces = BTreeMap::new();
    let written: Vec<NamedCount> = written.into_model().all(c).await?;
    let inherited: Vec<NamedCount> = inherited.into_model().all(c).await?;
    for found in written.into_iter().chain(inherited) {
        *namespaces.entry(found.name).or_default() += found.count;
    }
    let kinds = kinds.into_iter().map(|found| (found.name, found.count)).collect();
    Ok((most_frequent(kinds), most_frequent(namespaces)))
}

/// As many as a list to choose from can hold.
fn most_frequent(counts: BTreeMap<String, i64>) -> Vec<NamedCount> {
    let mut counts: Vec<NamedCount> = counts.into_iter().map(|(name, count)| NamedCount { name, count }).collect();
    counts.sort_by_key(|named| std::cmp::Reverse(named.count));
    counts.truncate(500);
    counts
}
