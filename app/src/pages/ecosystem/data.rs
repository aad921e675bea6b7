use entity::view::{
    ActivityBucket, EcosystemCharts, EcosystemGrowth, EcosystemRange, EcosystemStats, Listing, NamedCount, PageQuery,
    RecentRepository, ReleaseActivity, Repository, Timestamp,
};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chart::LineData;
use crate::error::AppError;
use crate::pages::resource::Comparison;

/// What the page of the ecosystem shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EcosystemData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub range: EcosystemRange,
    /// The newest day; `None` before the first is computed.
    pub latest: Option<EcosystemStats>,
    pub growth: EcosystemGrowth,
    /// What the line over time is of, and the line.
    pub total: Total,
    pub line: LineData,
    /// Whether there is history that the numbers do not yet contain.
    pub stale: bool,
    pub activity: Vec<ActivityBucket>,
    /// The chart of it.
    pub chart: String,
    /// What there is most of on the newest day: kinds, languages, topics.
    pub kinds: Vec<NamedCount>,
    pub languages: Vec<NamedCount>,
    pub topics: Vec<NamedCount>,
    /// Charts as they are used now, and what the range and the last week did to that.
    pub charts: EcosystemCharts,
    pub newest: Vec<Repository>,
    /// Those with most changes in so many days.
    pub most_active: Vec<RecentRepository>,
    pub active_days: u32,
    /// The time that all this is of, where it is past.
    pub at: Option<Timestamp>,
    /// HelmReleases that changed, newest first; none where the time is past, since who changed last is known of now alone.
    pub releases: Listing<ReleaseActivity>,
    /// Which of them are here.
    pub page: PageQuery,
    /// The change that is shown whole.
    pub opened: Option<Box<OpenedChange>>,
}

/// Changes that are shown of a release; its own page has all of them.
#[cfg(feature = "ssr")]
const CHANGES: i64 = 5;

/// So many are shown of what there is most of.
#[cfg(feature = "ssr")]
const MOST: usize = 12;

/// What the line over time may be of; `line` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Total {
    #[default]
    Resources,
    Releases,
    Repositories,
}

impl Total {
    /// Each with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Resources, "Resources"), (Self::Releases, "Helm releases"), (Self::Repositories, "Repositories")];

    /// The word in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Releases => "releases",
            Self::Repositories => "repositories",
        }
    }
}

/// One change of a HelmRelease with both texts compared; `change` in the address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenedChange {
    pub event_id: Uuid,
    /// Whose texts these are: the release, or the source that its new version comes from.
    pub resource_id: Uuid,
    pub kind: String,
    pub name: String,
    pub comparison: Comparison,
}

/// All repositories together over the range that the page's address names.
#[server(prefix = "/ui", endpoint = "ecosystem", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_ecosystem(query: String) -> Result<EcosystemData, AppError> {
    use crate::pages::ask;
    use entity::view::EcosystemSpan;
    use store::kept;

    let (context, now, params) = (ask::context()?, ask::now(), ask::params(&query)?);
    let db = &context.db;
    let at = ask::at(&params)?;
    let mut overview = entity::view::EcosystemOverview::default();
    for range in EcosystemRange::candidates(ask::serde_word(&params, "range")) {
        overview = kept::ecosystem_overview(db, *range, at, now).await?;
        let changes = |span: &EcosystemSpan| span.created + span.modified + span.deleted + span.resurrected;
        if overview.latest.is_none() || overview.spans.iter().any(|span| changes(span) > 0) {
            break;
        }
    }
    let charts = kept::ecosystem_charts(db, overview.range, at, now).await?;
    let page = ask::page(&params, 10);
    let releases = match at {
        Some(_) => Listing { data: Vec::new(), count: 0 },
        None => kept::list_release_activity(db, page, CHANGES).await?,
    };
    let total: Total = ask::serde_word(&params, "line").unwrap_or_default();
    // Of a past day no release is shown.
    let opened = match ask::uuid(&params, "change").filter(|_| at.is_none()) {
        Some(event_id) => opened(&context, event_id, &params).await?.map(Box::new),
        None => None,
    };
    let bucket = |span: &EcosystemSpan| ActivityBucket {
        start: span.start.clone(),
        days: span.days,
        created: span.created,
        modified: span.modified,
        deleted: span.deleted,
        resurrected: span.resurrected,
    };
    let top = |mut counts: Vec<NamedCount>| {
        counts.truncate(MOST);
        counts
    };
    let activity: Vec<ActivityBucket> = overview.spans.iter().map(bucket).collect();
    Ok(EcosystemData {
        now,
        range: overview.range,
        line: line(total, &overview.spans),
        total,
        latest: overview.latest.map(without_names),
        growth: overview.growth,
        stale: overview.stale,
        chart: crate::chart::activity_options(&activity),
        activity,
        kinds: top(overview.kinds),
        languages: top(overview.languages),
        topics: top(overview.topics),
        charts,
        newest: overview.newest,
        most_active: overview.most_active,
        active_days: overview.active_days,
        at,
        releases,
        page,
        opened,
    })
}

/// A change with its texts; the texts may be those of the source that a release's new version comes from.
#[cfg(feature = "ssr")]
async fn opened(
    context: &crate::context::ServerContext,
    event_id: Uuid,
    params: &leptos_router::params::ParamsMap,
) -> Result<Option<OpenedChange>, AppError> {
    use crate::pages::resource::{compared_by, read_others};

    let Some((resource, mut comparison)) = compared_by(context, event_id, params).await? else { return Ok(None) };
    if comparison.others.is_none() {
        let of = store::charts::step_of_event(&context.db.read, event_id).await?;
        if let Some(step) = of.and_then(|of| of.step) {
            comparison.others = Some(read_others(&context.db, step).await?);
        }
    }
    let (resource_id, kind, name) = (resource.id, resource.kind, resource.name);
    Ok(Some(OpenedChange { event_id, resource_id, kind, name, comparison }))
}

/// The day's numbers: its names, hundreds of them, are here by rank already.
#[cfg(feature = "ssr")]
fn without_names(day: EcosystemStats) -> EcosystemStats {
    EcosystemStats {
        resource_type_breakdown: Default::default(),
        popular_helm_charts: Default::default(),
        language_breakdown: Default::default(),
        popular_topics: Default::default(),
        ..day
    }
}

/// The line of one number at the end of each span.
#[cfg(feature = "ssr")]
fn line(total: Total, spans: &[entity::view::EcosystemSpan]) -> LineData {
    let name = Total::ALL.iter().find(|(other, _)| *other == total).map_or("", |(_, name)| *name);
    let value = |span: &entity::view::EcosystemSpan| match total {
        Total::Resources => span.active_resources,
        Total::Releases => span.active_helm_releases,
        Total::Repositories => span.repositories,
    };
    // Totals are of the end of a span, not of its first day.
    let end = |span: &entity::view::EcosystemSpan| {
        let days = chrono::Days::new(u64::try_from(span.days - 1).unwrap_or(0));
        let end = span.start.parse::<chrono::NaiveDate>().ok().and_then(|start| start.checked_add_days(days));
        end.map_or_else(|| span.start.clone(), |end| end.to_string())
    };
    let points: Vec<(String, i64)> = spans.iter().map(|span| (end(span), value(span))).collect();
    crate::chart::draw_line(name, &points)
}
