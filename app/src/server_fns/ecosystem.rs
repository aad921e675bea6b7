use entity::view::{
    ActivityBucket, EcosystemGrowth, EcosystemRange, EcosystemStats, Listing, NamedCount, PageQuery, RecentRepository,
    ReleaseActivity, Repository, Timestamp,
};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::wire::pack;
use crate::wire::{Packed, Text};

/// What the page of the ecosystem shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EcosystemData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub range: EcosystemRange,
    /// The newest day; `None` before the first is computed.
    pub latest: Option<EcosystemStats>,
    pub growth: EcosystemGrowth,
    /// Whether there is history that the numbers do not yet contain.
    pub stale: bool,
    pub activity: Vec<ActivityBucket>,
    /// The chart of it.
    pub chart: String,
    /// What there is most of on the newest day: kinds, charts, languages, topics.
    pub kinds: Vec<NamedCount>,
    pub charts: Vec<NamedCount>,
    pub languages: Vec<NamedCount>,
    pub topics: Vec<NamedCount>,
    pub newest: Vec<Repository>,
    pub most_active: Vec<RecentRepository>,
    /// HelmReleases that changed, newest first.
    pub releases: Listing<ReleaseActivity>,
    /// Which of them are here.
    pub page: PageQuery,
}

/// All repositories together over the range that the page's address names.
#[server(prefix = "/ui", endpoint = "ecosystem", input = GetUrl, output = Text)]
pub async fn read_ecosystem(query: String) -> Result<Packed<EcosystemData>, AppError> {
    use super::ask;
    use entity::query::ecosystem;

    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query));
    let range = ask::serde_word(&params, "range").unwrap_or_default();
    let overview = ecosystem::overview(&db.read, range, now).await?;
    let page = ask::page(&params, 10);
    let mut releases = ecosystem::list_release_activity(&db.read, page).await?;
    for change in releases.data.iter_mut().flat_map(|release| &mut release.changes) {
        // The text stands on the resource's own page.
        change.yaml = None;
    }
    let bucket = |span: &entity::view::EcosystemSpan| ActivityBucket {
        start: span.start.clone(),
        days: span.days,
        created: span.created,
        modified: span.modified,
        deleted: span.deleted,
        resurrected: span.resurrected,
    };
    let activity: Vec<ActivityBucket> = overview.spans.iter().map(bucket).collect();
    pack(&EcosystemData {
        now,
        range,
        latest: overview.latest,
        growth: overview.growth,
        stale: overview.stale,
        chart: crate::chart::activity_options(&activity),
        activity,
        kinds: overview.kinds,
        charts: overview.charts,
        languages: overview.languages,
        topics: overview.topics,
        newest: overview.newest,
        most_active: overview.most_active,
        releases,
        page,
    })
}
