//! What happens to HelmReleases, put together by name.

use std::collections::{HashMap, HashSet};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::{MAX_PAGE, Sql};
use crate::events;
use crate::row::TextRow;
use entity::kind::Provider;
use entity::view::{Event, Listing, PageQuery, ReleaseActivity, ReleaseChange, web_url};

/// So many resources are read first to find the names that changed last, and twice as many each further time.
const READ: i64 = 100;

/// Names of HelmReleases, those that changed last first, each with its newest changes, at most `most`; `count` is
/// the number of names. Their manifests are told with them where they are asked for: a page has no room for so many.
pub async fn list_release_activity(
    c: &impl ConnectionTrait,
    page: PageQuery,
    most: i64,
    with_texts: bool,
) -> Result<Listing<ReleaseActivity>> {
    let count = Sql::new("SELECT COUNT(*) FROM group_total WHERE kind = 'HelmRelease' AND (active + deleted) > 0")
        .count(c)
        .await?;
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

/// The page's names. The database puts equal ones together: a row costs more to hand over than to read.
async fn newest_names(c: &impl ConnectionTrait, page: PageQuery) -> Result<Vec<String>> {
    let wanted = usize::try_from(page.skip.saturating_add(page.limit.min(MAX_PAGE))).unwrap_or(usize::MAX);
    let (mut names, mut known, mut read, mut size) = (Vec::new(), HashSet::new(), 0, READ);
    while names.len() < wanted {
        let mut sql = Sql::new(
            "SELECT name, CAST(COUNT(*) AS BIGINT) FROM (SELECT k.name, k.updated_at, k.id FROM kubernetesresource k \
             WHERE k.kind = 'HelmRelease' ORDER BY k.updated_at DESC, k.id DESC LIMIT ",
        );
        sql.bind(size).push(" OFFSET ").bind(read);
        sql.push(") w GROUP BY name ORDER BY MAX(updated_at) DESC, name");
        let mut found = 0;
        for row in sql.rows(c).await? {
            let name: String = row.try_get_by_index(0)?;
            found += row.try_get_by_index::<i64>(1)?;
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
    let mut sql = Sql::new(
        "SELECT e.id FROM kubernetesresourceevent e WHERE e.resource_id IN (SELECT k.id FROM kubernetesresource k \
         WHERE k.kind = 'HelmRelease' AND k.name = ",
    );
    sql.bind(name).push(" ORDER BY k.updated_at DESC, k.id DESC LIMIT ").bind(most);
    sql.push(") ORDER BY e.id DESC LIMIT ").bind(most);
    sql.rows(c).await?.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// The manifests as the events left them.
async fn texts(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let mut sql = Sql::new(
        "SELECT e.id AS event_id, k.sha, e.file_path, e.blob, e.line_start, e.line_end, m.dictionary, m.size, \
         m.compressed FROM kubernetesresourceevent e \
         JOIN \"commit\" k ON k.repository_id = e.repository_id AND k.sequence = e.sequence \
         JOIN manifest m ON m.id = e.blob WHERE e.id IN ",
    );
    sql.bind_list(ids.iter().copied());
    let texts = sql.all::<TextRow>(c).await?.into_iter().map(TextRow::into_view);
    texts.map(|text| text.map(|text| (text.event_id, text.text))).collect()
}

#[derive(FromQueryResult)]
struct OriginRow {
    id: Uuid,
    provider: Provider,
    web_url: Option<String>,
}

async fn origins<'a>(
    c: &impl ConnectionTrait,
    changes: impl Iterator<Item = &'a ReleaseChange>,
) -> Result<HashMap<Uuid, (Provider, Option<String>)>> {
    let ids: HashSet<Uuid> = changes.map(|change| change.repository_id).collect();
    let mut sql = Sql::new("SELECT id, provider, web_url FROM repository WHERE id IN ");
    sql.bind_list(ids);
    Ok(sql.all::<OriginRow>(c).await?.into_iter().map(|row| (row.id, (row.provider, row.web_url))).collect())
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
    }
}
