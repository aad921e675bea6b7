//! A filter as conditions, and how many events match.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func};
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::first_id;
use crate::db::pattern::contains;
use crate::db::select::{constant, count, is_counted, is_like, matching, number, sum};
use crate::resources::text_condition;
use entity::kind::EventType;
use entity::table::{commit, day_total, event, repository, repository_day, resource};
use entity::value::{ObjectId, StoredTimestamp};
use entity::view::EventFilter;

/// The filter as conditions; nothing where it names a commit that is not known.
pub(super) async fn conditions(c: &impl ConnectionTrait, filter: &EventFilter) -> Result<Option<Condition>> {
    use event::{COLUMN, Column};
    let whole_history = filter.repository_id.is_none() && filter.resource_id.is_none();
    let places = match &filter.commit {
        None => None,
        Some(commit) => match of_commit(c, commit, filter.repository_id, whole_history).await? {
            None => return Ok(None),
            places => places,
        },
    };
    let namespace = filter
        .resource_namespace
        .as_deref()
        .map(|namespace| COLUMN.resource_namespace.eq(namespace).or(inherits(namespace, filter.repository_id)));
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    let id_since = filter.since.filter(|_| whole_history).map(first_id);
    let id_until = filter.until.filter(|_| whole_history);
    let id_until = id_until.map(|until| first_id(until + chrono::TimeDelta::milliseconds(1)));
    let time = |time| StoredTimestamp::from(time);
    Ok(Some(
        Condition::all()
            .add_option(whole_history.then(|| is_counted(Column::Id)))
            .add_option(places)
            .add_option(filter.repository_id.map(|id| COLUMN.repository_id.eq(id)))
            .add_option(filter.resource_id.map(|id| COLUMN.resource_id.eq(id)))
            .add_option(filter.event_type.map(|event_type| Column::EventType.eq(event_type)))
            .add_option(filter.resource_kind.as_deref().map(|kind| COLUMN.resource_kind.eq(kind)))
            .add_option(namespace)
            .add_option(text.map(|text| holds(c, text, whole_history)))
            // As the indexes of version changes say it.
            .add_option(filter.version_changes_only.then(|| Column::VersionChanged.into_expr()))
            .add_option(id_since.map(|id| COLUMN.id.gte(id)))
            .add_option(filter.since.map(|since| COLUMN.event_timestamp.gte(time(since))))
            .add_option(id_until.map(|id| COLUMN.id.lt(id)))
            .add_option(filter.until.map(|until| COLUMN.event_timestamp.lt(time(until)))),
    ))
}

/// Events of a commit, in whatever repositories it is, over the whole history in those that count; nothing where it is in none.
async fn of_commit(
    c: &impl ConnectionTrait,
    sha: &str,
    repository: Option<Uuid>,
    whole_history: bool,
) -> Result<Option<Condition>> {
    use commit::Column::{RepositoryId, Sequence};
    let Ok(sha) = sha.to_ascii_lowercase().parse::<ObjectId>() else { return Ok(None) };
    let commits = commit::Entity::find().filter(commit::Column::Sha.eq(sha));
    let commits = commits.apply_if(repository, |commits, id| commits.filter(commit::COLUMN.repository_id.eq(id)));
    let commits = if whole_history { commits.filter(is_counted(RepositoryId)) } else { commits };
    let places = commits.select_only().columns([RepositoryId, Sequence]).limit(100);
    let places: Vec<(Uuid, i64)> = places.into_tuple().all(c).await?;
    let at = |(repository, sequence): (Uuid, i64)| {
        event::COLUMN.repository_id.eq(repository).and(event::COLUMN.sequence.eq(sequence))
    };
    let any = places.into_iter().fold(Condition::any(), |any, place| any.add(at(place)));
    Ok((!any.is_empty()).then_some(any))
}

/// Events of resources that inherit a namespace: which one stands with the resource.
fn inherits(namespace: &str, repository: Option<Uuid>) -> Expr {
    let resources = resource::Entity::find().select_only().column(resource::Column::Id);
    let resources = resources.apply_if(repository, |all, id| all.filter(resource::COLUMN.repository_id.eq(id)));
    let resources = resources.filter(resource::COLUMN.namespace_inherited.eq(namespace));
    event::COLUMN.resource_id.in_subquery(resources.into_query())
}

/// Events of resources whose name or path holds the text. Over all repositories these are looked up where they are
/// indexed: with the resources.
fn holds(c: &impl ConnectionTrait, text: &str, whole_history: bool) -> Expr {
    if !whole_history {
        let holds = |column: event::Column| is_like(Func::lower(column.into_expr()), contains(text));
        return holds(event::Column::ResourceName).or(holds(event::Column::FilePath));
    }
    let found = text_condition(c.get_database_backend(), resource::Entity, text, true);
    let resources = resource::Entity::find().filter(found);
    event::COLUMN.resource_id.in_subquery(resources.select_only().column(resource::Column::Id).into_query())
}

/// Whether the filter asks for less than kept figures count.
fn is_narrowed(filter: &EventFilter) -> bool {
    filter.resource_kind.is_some()
        || filter.resource_namespace.is_some()
        || filter.text.as_deref().is_some_and(|text| !text.is_empty())
        || (filter.version_changes_only && (filter.resource_id.is_some() || filter.event_type.is_some()))
        || filter.since.is_some()
        || filter.until.is_some()
        || filter.commit.is_some()
}

/// The days' numbers that count together what the filter asks for.
pub(super) fn kept_by_day(filter: &EventFilter) -> Option<&'static [day_total::Column]> {
    use day_total::Column::{Created, Deleted, Modified, Resurrected, VersionChanges};
    if filter.resource_id.is_some() || is_narrowed(filter) {
        return None;
    }
    Some(match filter.event_type {
        _ if filter.version_changes_only => &[VersionChanges],
        Some(EventType::Created) => &[Created],
        Some(EventType::Modified) => &[Modified],
        Some(EventType::Deleted) => &[Deleted],
        Some(EventType::Resurrected) => &[Resurrected],
        None => &[Created, Modified, Deleted, Resurrected],
    })
}

/// How many events match; from kept figures where the filter allows.
pub(super) async fn count_events(
    c: &impl ConnectionTrait,
    filter: &EventFilter,
    conditions: &Condition,
) -> Result<u64> {
    let is_plain = filter.event_type.is_none() && !filter.version_changes_only;
    if let Some(id) = filter.resource_id.filter(|_| is_plain && !is_narrowed(filter)) {
        let kept = resource::Entity::find_by_id(id);
        let kept = kept.apply_if(filter.repository_id, |kept, id| kept.filter(resource::COLUMN.repository_id.eq(id)));
        return total(c, kept, resource::Column::Events.into_expr()).await;
    }
    let Some(columns) = kept_by_day(filter) else {
        return count(c, matching::<event::Entity>(conditions.clone())).await;
    };
    if is_plain {
        let kept = repository::Entity::find();
        let kept = kept.filter(match filter.repository_id {
            Some(id) => repository::COLUMN.id.eq(id),
            None => is_counted(repository::Column::Id),
        });
        return total(c, kept, repository::Column::Events.into_expr()).await;
    }
    // Days of one repository have their numbers by the same names.
    let by_day = columns.iter().map(|column| Expr::col(*column)).reduce(sea_orm::ExprTrait::add);
    let by_day = by_day.unwrap_or_else(|| constant(0));
    match filter.repository_id {
        Some(id) => {
            let kept = repository_day::Entity::find().filter(repository_day::COLUMN.repository_id.eq(id));
            total(c, kept, by_day).await
        }
        None => total(c, day_total::Entity::find(), by_day).await,
    }
}

/// The sum over some rows.
async fn total<E: EntityTrait>(c: &impl ConnectionTrait, rows: Select<E>, of: Expr) -> Result<u64> {
    number(c, rows.select_only().column_as(sum(of), "total")).await
}
