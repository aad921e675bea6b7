//! The states a resource went through, and their texts.

use std::collections::HashMap;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::events;
use crate::row::{TextRow, json};
use entity::kind::Provider;
use entity::view::{FieldChange, Listing, PageQuery, ResourceVersion, VersionText, web_url};

/// A source changes with its releases: more than this is no history that anybody compares.
const MOST_SOURCE_CHANGES: u32 = 5_000;

/// Every state of a resource, newest first.
pub async fn list_versions(
    c: &impl ConnectionTrait,
    resource: Uuid,
    page: PageQuery,
) -> Result<Listing<ResourceVersion>> {
    let mut sql = Sql::new("SELECT r.provider, r.web_url, k.events FROM kubernetesresource k ");
    sql.push("JOIN repository r ON r.id = k.repository_id WHERE k.id = ").bind(resource);
    let Some(origin) = sql.one::<VersionOrigin>(c).await? else { return Ok(Listing::default()) };
    let listing = events::list_of_resource(c, resource, page).await?;
    let mut places = Sql::new("SELECT e.id, e.line_start, e.line_end FROM kubernetesresourceevent e WHERE e.id IN ");
    places.bind_list(listing.iter().map(|event| event.id));
    let places: HashMap<Uuid, (Option<i32>, Option<i32>)> =
        places.all::<PlaceRow>(c).await?.into_iter().map(|row| (row.id, (row.line_start, row.line_end))).collect();
    let skip = i64::try_from(page.skip).unwrap_or(i64::MAX);
    let data = listing
        .into_iter()
        .zip(0..)
        .map(|(event, place)| {
            let (start, end) = places.get(&event.id).copied().unwrap_or_default();
            let lines = start.zip(end);
            // A deletion has no text, and its commit has no such file.
            let web_url = lines.and_then(|lines| {
                let (commit, path) = (event.commit.as_str(), event.file_path.as_str());
                web_url(origin.provider, origin.web_url.as_deref(), commit, Some(path), Some(lines))
            });
            let number = origin.events.saturating_sub(skip).saturating_sub(place);
            ResourceVersion { number, event, line_start: start.unwrap_or(0), line_end: end.unwrap_or(0), web_url }
        })
        .collect();
    Ok(Listing { data, count: u64::try_from(origin.events).unwrap_or(0) })
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
    let mut sql = Sql::new(
        "SELECT e.id, e.resource_id, e.sequence, u.id AS cause_id, u.resource_id AS cause_resource_id \
         FROM kubernetesresourceevent e LEFT JOIN kubernetesresourceevent u ON u.resource_id = e.caused_by_resource_id \
         AND u.sequence = e.sequence AND e.file_hash_before = e.file_hash_after WHERE e.id = ",
    );
    sql.bind(event).push(" ORDER BY u.id LIMIT 1");
    let Some(row) = sql.row(c).await? else { return Ok(None) };
    let (own, resource, sequence): (Uuid, Uuid, i64) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let cause: (Option<Uuid>, Option<Uuid>) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    let (id, resource_id) = cause.0.zip(cause.1).unwrap_or((own, resource));
    let mut number = Sql::new("SELECT COUNT(*) FROM kubernetesresourceevent v WHERE v.resource_id = ");
    number.bind(resource_id).push(" AND (v.sequence < ").bind(sequence).push(" OR (v.sequence = ").bind(sequence);
    number.push(" AND v.id <= ").bind(id).push("))");
    let mut count = Sql::new("SELECT COUNT(*) FROM kubernetesresourceevent v WHERE v.resource_id = ");
    count.bind(resource_id);
    let number = i64::try_from(number.count(c).await?).unwrap_or(i64::MAX);
    Ok(Some(VersionPlace { resource_id, number, count: count.count(c).await? }))
}

/// What sources changed after one event of a resource up to another: each field once, as it was before and is then.
pub async fn list_source_changes(
    c: &impl ConnectionTrait,
    resource: Uuid,
    after: Uuid,
    until: Uuid,
) -> Result<Vec<FieldChange>> {
    let place = "(SELECT p.sequence, p.id FROM kubernetesresourceevent p WHERE p.id = ";
    let mut sql = Sql::new("SELECT e.changes FROM kubernetesresourceevent e WHERE e.resource_id = ");
    sql.bind(resource).push(" AND e.caused_by_resource_id IS NOT NULL AND (e.sequence, e.id) > ");
    sql.push(place).bind(after).push(") AND (e.sequence, e.id) <= ").push(place).bind(until);
    sql.push(&format!(") ORDER BY e.sequence, e.id LIMIT {MOST_SOURCE_CHANGES}"));
    let mut folded: Vec<FieldChange> = Vec::new();
    for row in sql.rows(c).await? {
        let changes: Vec<FieldChange> = json("event.changes", &row.try_get_by_index::<String>(0)?)?;
        for change in changes.into_iter().filter(FieldChange::is_of_source) {
            match folded.iter_mut().find(|known| known.path == change.path) {
                Some(known) => known.new = change.new,
                None => folded.push(change),
            }
        }
    }
    folded.retain(|change| change.old != change.new);
    Ok(folded)
}

/// The text of a resource as one of its events left it; `None` where the event is not this resource's.
pub async fn find_version_text(c: &impl ConnectionTrait, resource: Uuid, event: Uuid) -> Result<Option<VersionText>> {
    let mut sql = Sql::new(
        "SELECT e.id AS event_id, k.sha, e.file_path, e.blob, e.line_start, e.line_end, m.dictionary, m.size, \
         m.compressed FROM kubernetesresourceevent e \
         JOIN \"commit\" k ON k.repository_id = e.repository_id AND k.sequence = e.sequence \
         LEFT JOIN manifest m ON m.id = e.blob WHERE e.id = ",
    );
    sql.bind(event).push(" AND e.resource_id = ").bind(resource);
    sql.one::<TextRow>(c).await?.map(TextRow::into_view).transpose()
}

/// The text of a resource as it stands, or last stood.
pub async fn find_current_text(c: &impl ConnectionTrait, resource: Uuid) -> Result<Option<VersionText>> {
    // The newest event that left a text; the resource's own row says what stands now.
    let mut sql = Sql::new(
        "SELECT COALESCE((SELECT e.id FROM kubernetesresourceevent e WHERE e.resource_id = k.id \
         AND e.blob IS NOT NULL ORDER BY e.sequence DESC, e.id DESC LIMIT 1), k.id) AS event_id, \
         k.commit_sha AS sha, k.file_path, k.blob, k.line_start, k.line_end, m.dictionary, m.size, m.compressed \
         FROM kubernetesresource k LEFT JOIN manifest m ON m.id = k.blob WHERE k.id = ",
    );
    sql.bind(resource);
    sql.one::<TextRow>(c).await?.map(TextRow::into_view).transpose()
}

#[derive(FromQueryResult)]
struct VersionOrigin {
    provider: Provider,
    web_url: Option<String>,
    events: i64,
}

#[derive(FromQueryResult)]
struct PlaceRow {
    id: Uuid,
    line_start: Option<i32>,
    line_end: Option<i32>,
}
