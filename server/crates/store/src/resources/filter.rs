//! A filter as conditions, order, and how many resources match.

use sea_orm::sea_query::extension::sqlite::SqliteExpr as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, IntoIden, JoinType, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait as _, Condition, DbBackend, EntityTrait, Order, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _, Select,
};

use super::{ConnectionTrait, Result};
use crate::db::pattern::contains;
use crate::db::select::{constant, count, is_counted, is_like, matching, number, sum};
use entity::kind::{EventType, Facet, ResourceStatus};
use entity::table::{chart_use, event, facet_total, repository, repository_facet, resource};
use entity::view::{ResourceFilter, ResourceSort, Sort};

/// The filter as conditions on resources.
pub(super) fn conditions(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Condition {
    use resource::COLUMN;
    let chart = |name: &str| COLUMN.id.in_subquery(installing(name, filter));
    let namespace = |name: &str| COLUMN.namespace.eq(name).or(COLUMN.namespace_inherited.eq(name));
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    Condition::all()
        .add(match filter.repository_id {
            Some(id) => COLUMN.repository_id.eq(id),
            None => is_counted(resource::Column::Id),
        })
        .add_option(filter.kind.as_deref().map(|kind| COLUMN.kind.eq(kind)))
        .add_option(filter.name.as_deref().map(|name| COLUMN.name.eq(name)))
        .add_option(filter.api_version.as_deref().map(|version| COLUMN.api_version.eq(version)))
        .add_option(filter.chart.as_deref().map(chart))
        .add_option(filter.namespace.as_deref().map(namespace))
        .add_option(one_status(filter).map(|status| COLUMN.status.eq(status)))
        .add_option(text.map(|text| {
            let wide = filter.repository_id.is_none();
            text_condition(c.get_database_backend(), resource::Entity, text, wide)
        }))
}

/// What statements call a resource that installs a chart.
const HERE: &str = "here";

/// Ids of resources that install a chart of this name, and of those that did when they went.
fn installing(name: &str, filter: &ResourceFilter) -> SelectStatement {
    match one_status(filter) {
        Some(ResourceStatus::Active) => installing_now(name, filter),
        Some(ResourceStatus::Deleted) => installing_last(name, filter),
        None => installing_now(name, filter).union(UnionType::Distinct, installing_last(name, filter)).to_owned(),
    }
}

fn uses_of(name: &str, filter: &ResourceFilter) -> Select<chart_use::Entity> {
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_name.eq(name));
    uses.apply_if(filter.repository_id, |uses, id| uses.filter(chart_use::COLUMN.repository_id.eq(id)))
}

/// Ids of the resources that are joined.
fn ids(uses: Select<chart_use::Entity>) -> SelectStatement {
    uses.select_only().expr(Expr::col((HERE, resource::Column::Id))).into_query()
}

/// What stands where a use does.
fn installing_now(name: &str, filter: &ResourceFilter) -> SelectStatement {
    use chart_use::Column::{FilePath, RepositoryId};
    let mut uses = uses_of(name, filter).filter(chart_use::Column::ToTime.is_null());
    let same = |here: resource::Column, of: chart_use::Column| Expr::col((HERE, here)).equals((chart_use::Entity, of));
    let stands = Condition::all()
        .add(same(resource::Column::RepositoryId, RepositoryId))
        .add(same(resource::Column::FilePath, FilePath))
        .add(is_active(HERE));
    QuerySelect::query(&mut uses).join_as(JoinType::InnerJoin, resource::Entity, HERE, stands);
    ids(uses)
}

/// What statements call an event that came after the one that took a resource.
const LATER: &str = "later";

/// What the commit that ended a use took from its place for good.
fn installing_last(name: &str, filter: &ResourceFilter) -> SelectStatement {
    use chart_use::Column::{FilePath, RepositoryId, ToSequence};
    let mut uses = uses_of(name, filter).filter(chart_use::Column::ToTime.is_not_null());
    let same =
        |its: event::Column, of: chart_use::Column| Expr::col((event::Entity, its)).equals((chart_use::Entity, of));
    let took = Condition::all()
        .add(same(event::Column::RepositoryId, RepositoryId))
        .add(same(event::Column::Sequence, ToSequence))
        .add(same(event::Column::FilePath, FilePath))
        .add(event::Column::EventType.into_expr().eq(constant(EventType::Deleted.as_str())));
    let gone = Condition::all()
        .add(Expr::col((HERE, resource::Column::Id)).equals((event::Entity, event::Column::ResourceId)))
        .add(Expr::col((HERE, resource::Column::Status)).eq(constant(ResourceStatus::Deleted)));
    // Who came back and went once more may have had another chart by then.
    let of_later = |column| Expr::col((LATER, column));
    let later = Query::select()
        .expr(constant(1))
        .from_as(event::Entity, LATER)
        .and_where(of_later(event::Column::ResourceId).equals((event::Entity, event::Column::ResourceId)))
        .and_where(of_later(event::Column::Sequence).gt(event::Column::Sequence.into_expr()))
        .take();
    QuerySelect::query(&mut uses).join(JoinType::InnerJoin, event::Entity, took).join_as(
        JoinType::InnerJoin,
        resource::Entity,
        HERE,
        gone,
    );
    ids(uses.filter(Expr::not_exists(later)))
}

/// Those that stand at the head; `table` is what the statement calls resources.
pub(crate) fn is_active(table: impl IntoIden) -> Expr {
    Expr::col((table, resource::Column::Status)).eq(constant(ResourceStatus::Active))
}

/// The namespace that a resource lands in as far as Git tells.
pub(crate) fn effective_namespace(table: impl IntoIden) -> Expr {
    use resource::Column::{Namespace, NamespaceInherited};
    let table = table.into_iden();
    Func::coalesce([Expr::col((table.clone(), NamespaceInherited)), Expr::col((table, Namespace))]).into()
}

/// The only wanted status; nothing where all are.
pub(super) fn one_status(filter: &ResourceFilter) -> Option<ResourceStatus> {
    let first = *filter.statuses.first()?;
    filter.statuses.iter().all(|status| *status == first).then_some(first)
}

/// Resources whose name or path holds the text; `table` is what the statement calls them. SQLite looks parts of three
/// characters up first; PostgreSQL's index does so by itself. Shorter texts have no such parts: over all repositories
/// (`wide`) they find names that begin with them.
pub(crate) fn text_condition(backend: DbBackend, table: impl IntoIden, text: &str, wide: bool) -> Condition {
    let table = table.into_iden();
    let column = |column: resource::Column| Expr::col((table.clone(), column));
    let lower = searched(text);
    if wide && !lower.is_empty() && lower.len() < 3 {
        return spellings(&lower).into_iter().fold(Condition::any(), |any, begin| {
            let end = after_prefix(&begin).map(|end| column(resource::Column::Name).lt(end));
            any.add(Condition::all().add(column(resource::Column::Name).gte(begin)).add_option(end))
        });
    }
    let holds = is_like(column(resource::Column::Search), contains(text));
    let looked_up = (backend == DbBackend::Sqlite && lower.len() >= 3).then(|| {
        let found = Query::select()
            .column("rowid")
            .from("resource_search")
            .and_where(Expr::col("resource_search").matches(search_words(&lower)))
            .to_owned();
        Expr::col((table.clone(), "number")).in_subquery(found)
    });
    Condition::all().add_option(looked_up).add(holds)
}

/// A text's characters as they are looked for.
pub(super) fn searched(text: &str) -> Vec<char> {
    text.to_lowercase().chars().filter(|c| *c != '\0').collect()
}

/// The parts of a text as SQLite's index is asked for them.
pub(super) fn search_words(lower: &[char]) -> String {
    let quoted = |part: &[char]| format!("\"{}\"", part.iter().collect::<String>().replace('"', "\"\""));
    lower.windows(3).take(32).map(quoted).collect::<Vec<_>>().join(" AND ")
}

/// A short text in small and capital letters, mixed in every way.
pub(super) fn spellings(lower: &[char]) -> Vec<String> {
    lower.iter().fold(vec![String::new()], |begun, c| {
        let upper = c.to_uppercase().to_string();
        let mut letters = vec![c.to_string()];
        letters.extend((upper != letters[0]).then_some(upper));
        begun.iter().flat_map(|begin| letters.iter().map(move |letter| format!("{begin}{letter}"))).collect()
    })
}

/// The first text in the order of bytes that does not begin so any more.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let last = prefix.chars().next_back()?;
    let next = char::from_u32(u32::from(last) + 1).unwrap_or('\u{e000}');
    Some(format!("{}{next}", &prefix[..prefix.len() - last.len_utf8()])).filter(|_| last != char::MAX)
}

/// In the order that is asked for, or in the one back from its end.
pub(super) fn ordered(
    select: Select<resource::Entity>,
    filter: &ResourceFilter,
    back: bool,
) -> Select<resource::Entity> {
    use resource::Column::{CreatedAt, Id, Kind, Name, UpdatedAt};
    let columns: &[resource::Column] = match filter.sort {
        ResourceSort::Name => &[Name, Id],
        ResourceSort::Kind => &[Kind, Name, Id],
        ResourceSort::Updated => &[UpdatedAt, Id],
        ResourceSort::Created => &[CreatedAt, Id],
    };
    let direction = if (filter.direction == Sort::Descending) == back { Order::Asc } else { Order::Desc };
    columns.iter().fold(select, |select, column| select.order_by(*column, direction.clone()))
}

/// How many resources match; from kept figures where at most one of their kinds is asked for.
pub(super) async fn count_resources(
    c: &impl ConnectionTrait,
    filter: &ResourceFilter,
    conditions: &Condition,
) -> Result<u64> {
    let counted =
        filter.text.as_deref().is_some_and(|text| !text.is_empty()) || filter.name.is_some() || filter.chart.is_some();
    let facets: Vec<(Facet, &str)> =
        [(Facet::Kind, &filter.kind), (Facet::ApiVersion, &filter.api_version), (Facet::Namespace, &filter.namespace)]
            .into_iter()
            .filter_map(|(facet, value)| Some((facet, value.as_deref()?)))
            .collect();
    if counted || facets.len() > 1 {
        return count(c, matching::<resource::Entity>(conditions.clone())).await;
    }
    let kept = |active: Expr, deleted: Expr| {
        sum(match one_status(filter) {
            Some(ResourceStatus::Active) => active,
            Some(ResourceStatus::Deleted) => deleted,
            None => active.add(deleted),
        })
    };
    match (facets.first(), filter.repository_id) {
        (Some((facet, value)), Some(repository)) => {
            use repository_facet::Column::{Active, Deleted};
            let of = repository_facet::Entity::find_by_id((repository, *facet, (*value).to_owned()));
            number(c, of.select_only().column_as(kept(Active.into_expr(), Deleted.into_expr()), "count")).await
        }
        (Some((facet, value)), None) => {
            use facet_total::Column::{Active, Deleted};
            let of = facet_total::Entity::find_by_id((*facet, (*value).to_owned()));
            number(c, of.select_only().column_as(kept(Active.into_expr(), Deleted.into_expr()), "count")).await
        }
        (None, repository) => {
            use repository::Column::{ActiveResources, DeletedResources};
            let of = repository::Entity::find().filter(match repository {
                Some(id) => repository::COLUMN.id.eq(id),
                None => is_counted(repository::Column::Id),
            });
            number(
                c,
                of.select_only().column_as(kept(ActiveResources.into_expr(), DeletedResources.into_expr()), "count"),
            )
            .await
        }
    }
}
