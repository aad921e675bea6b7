//! What happens to HelmReleases, put together by name.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, RELEASE, Result};
use crate::db::select::{MAX_PAGE, added, constant, count, count_all, is_any, is_counted, rows};
use crate::events;
use crate::resources::row::TextRow;
use entity::kind::Provider;
use entity::table::{commit, event, group_total, manifest, repository, resource};
use entity::view::{Event, Listing, PageQuery, ReleaseActivity, ReleaseChange, web_url};

/// So many resources are read first to find the names that changed last, and twice as many each further time.
const READ: u64 = 100;

/// Names of HelmReleases, those that changed last first, each with its newest changes, at most `most`; `count` is
/// the number of names. Their manifests are told with them where they are asked for: a page has no room for so many.
pub async fn list_release_activity(
    c: &impl ConnectionTrait,
    page: PageQuery,
    most: i64,
    with_texts: bool,
) -> Result<Listing<ReleaseActivity>> {
    let count = {
        use group_total::Column::{Active, Deleted, Kind};
        let names = group_total::Entity::find().filter(Kind.into_expr().eq(constant(RELEASE)));
        count(c, names.filter(added([Active, Deleted]).gt(constant(0)))).await?
    };
    if page.skip >= count {
        return Ok(Listing { data: Vec::new(), count });
    }
    let names = newest_names(c, page).await?;
    let mut ids: Vec<Uuid> = Vec::new();
    for name in &names {
        ids.extend(newest_events(c, name, most).await?);
    }
    let mut texts = if with_texts { texts(c, &ids).await? } else { HashMap::new() };
    let mut changes: HashMap<String, Vec<ReleaseChange>> = HashMap::new();
    for event in events::list_by_ids(c, &ids).await? {
        let yaml = texts.remove(&event.id);
        changes.entry(event.resource_name.clone()).or_default().push(change(event, yaml));
    }
    let origins = origins(c, changes.values().flatten()).await?;
    let link = |change: &ReleaseChange| {
        let (provider, address) = origins.get(&change.repository_id)?;
        web_url(*provider, address.as_deref(), &change.commit, None, None)
    };
    let release = |name: String| {
        let mut changes = changes.remove(&name).unwrap_or_default();
        for change in &mut changes {
            change.web_url = link(change);
        }
        ReleaseActivity { release_name: name, changes }
    };
    Ok(Listing { data: names.into_iter().map(release).collect(), count })
}

/// Releases, those that changed last first.
fn newest_releases() -> Select<resource::Entity> {
    use resource::Column::{Id, Kind, UpdatedAt};
    let releases = resource::Entity::find().select_only().filter(Kind.into_expr().eq(constant(RELEASE)));
    releases.filter(is_counted(Id)).order_by_desc(UpdatedAt).order_by_desc(Id)
}

/// A name, and how many of the resources that were read have it.
#[derive(FromQueryResult)]
struct NameRow {
    name: String,
    resources: i64,
}

/// The page's names. The database puts equal ones together: a row costs more to hand over than to read.
async fn newest_names(c: &impl ConnectionTrait, page: PageQuery) -> Result<Vec<String>> {
    use resource::Column::{Name, UpdatedAt};
    let wanted = usize::try_from(page.skip.saturating_add(Ord::min(page.limit, MAX_PAGE))).unwrap_or(usize::MAX);
    let (mut names, mut known, mut read, mut size) = (Vec::new(), HashSet::new(), 0, READ);
    while names.len() < wanted {
        let newest = newest_releases().columns([Name, UpdatedAt]).limit(size).offset(read);
        let by_name = Query::select()
            .expr_as(Expr::col(("w", Name)), "name")
            .expr_as(count_all(), "resources")
            .from_subquery(newest.into_query(), "w")
            .group_by_col(("w", Name))
            .order_by_expr(Expr::col(("w", UpdatedAt)).max(), Order::Desc)
            .order_by(("w", Name), Order::Asc)
            .take();
        let mut found = 0;
        for NameRow { name, resources } in rows(c, &by_name).await? {
            found += resources.unsigned_abs();
            if known.insert(name.clone()) {
                names.push(name);
            }
        }
        if found < size {
            break;
        }
        read += size;
        size *= 2;
    }
    names.truncate(wanted);
    Ok(names.split_off(usize::try_from(page.skip).unwrap_or(usize::MAX).min(names.len())))
}

/// The newest events are among those of the resources that changed last.
async fn newest_events(c: &impl ConnectionTrait, name: &str, most: i64) -> Result<Vec<Uuid>> {
    let most = u64::try_from(most).unwrap_or(0);
    let named = newest_releases().column(resource::Column::Id).filter(resource::COLUMN.name.eq(name)).limit(most);
    let events = event::Entity::find().select_only().column(event::Column::Id);
    let events = events.filter(event::COLUMN.resource_id.in_subquery(named.into_query()));
    Ok(events.order_by_desc(event::Column::Id).limit(most).into_tuple().all(c).await?)
}

/// The manifests as the events left them.
async fn texts(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    use event::Column::{Blob, FilePath, Id, LineEnd, LineStart};
    use manifest::Column::{Compressed, Dictionary, Size};
    let places = event::Entity::find().select_only().column_as(Id, "event_id");
    let texts = places
        .columns([FilePath, Blob, LineStart, LineEnd])
        .inner_join(commit::Entity)
        .column(commit::Column::Sha)
        .inner_join(manifest::Entity)
        .columns([Dictionary, Size, Compressed])
        .filter(is_any(Id.into_expr(), ids.iter().copied()));
    let texts = texts.into_model().all(c).await?.into_iter().map(TextRow::into_view);
    texts.map(|text| text.map(|text| (text.event_id, text.text))).collect()
}

async fn origins<'a>(
    c: &impl ConnectionTrait,
    changes: impl Iterator<Item = &'a ReleaseChange>,
) -> Result<HashMap<Uuid, (Provider, Option<String>)>> {
    use repository::Column::{Id, Provider, WebUrl};
    let ids: HashSet<Uuid> = changes.map(|change| change.repository_id).collect();
    let origins = repository::Entity::find().filter(is_any(Id.into_expr(), ids));
    let origins: Vec<(Uuid, _, _)> = origins.select_only().columns([Id, Provider, WebUrl]).into_tuple().all(c).await?;
    Ok(origins.into_iter().map(|(id, provider, web_url)| (id, (provider, web_url))).collect())
}

fn change(event: Event, yaml: Option<String>) -> ReleaseChange {
    ReleaseChange {
        change_type: event.event_type,
        timestamp: event.event_timestamp,
        yaml,
        user: Some(event.repository_full_name),
        author_name: event.author_name,
        event_id: event.id,
        resource_id: event.resource_id,
        repository_id: event.repository_id,
        namespace: event.resource_namespace,
        commit: event.commit,
        commit_subject: event.commit_subject,
        web_url: None,
        version_before: event.version_before,
        version_after: event.version_after,
        field_changes: event.changes,
        changes_total: event.changes_total,
        caused_by_resource_id: event.caused_by_resource_id,
        chart_step: event.chart_step,
    }
}
