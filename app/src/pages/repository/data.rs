use entity::view::{
    ActivityBucket, Branch, ChartRelease, ChartValue, Event, ImagePlace, Job, Listing, NamedCount, PageQuery, Problem,
    Repository, Resource, ResourceFacets, ResourceTreeRow, Timestamp, Watch,
};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;
use crate::pages::Span;
use crate::pages::outcome::OutcomeText;

/// What a repository's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepositoryData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub repository: Repository,
    /// Unfinished jobs first, then those that ended last.
    pub jobs: Vec<Job>,
    /// How far back the chart reaches.
    pub span: Span,
    pub activity: Vec<ActivityBucket>,
    /// The chart of it.
    pub chart: String,
    pub tab: RepositoryTab,
    /// What came of what was asked for last.
    pub outcome: Option<OutcomeText>,
}

/// What stands below the chart: one of the views that a repository has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RepositoryTab {
    Events {
        events: Listing<Event>,
        page: PageQuery,
        kinds: Vec<NamedCount>,
        namespaces: Vec<NamedCount>,
    },
    Tree {
        leaves: Listing<ResourceTreeRow>,
        at: Option<Timestamp>,
    },
    Table {
        resources: Listing<Resource>,
        page: PageQuery,
        facets: ResourceFacets,
    },
    Charts {
        charts: Listing<ChartRelease>,
        page: PageQuery,
        /// As of when, where that is not now.
        at: Option<Timestamp>,
    },
    /// What one release sets; nothing where it was not there at that time.
    Release {
        release: Option<Box<ChartRelease>>,
        values: Listing<ChartValue>,
        page: PageQuery,
        at: Option<Timestamp>,
    },
    Images {
        images: Listing<ImagePlace>,
        page: PageQuery,
        at: Option<Timestamp>,
    },
    /// Branches of the remote, and how they are watched.
    Branches {
        branches: Listing<Branch>,
        page: PageQuery,
        watch: Option<Watch>,
        /// Watched branches that are there.
        watched: u64,
        /// Whether the configuration says how they are watched.
        is_configured: bool,
    },
    /// Those that somebody may want to mend, or templates of Helm charts.
    Problems {
        problems: Listing<Problem>,
        templates: bool,
        page: PageQuery,
    },
}

/// A repository with the view that the page's address names.
#[server(prefix = "/ui", endpoint = "repository", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_repository(id: String, query: String) -> Result<RepositoryData, AppError> {
    use crate::pages::ask;
    use store::{jobs, repositories};

    let (db, params, now) = (ask::context()?.db, ask::params(&query)?, ask::now());
    let id = ask::id(&id, "repository")?;
    let found = repositories::find_repository(&db.read, id).await?;
    let mut repository = found.ok_or_else(|| ask::missing("repository"))?;
    repository.scanned_branches = repositories::list_scanned_branches(&db.read, id).await?;
    let (span, activity) = ask::activity(&db, Some(id), params.get_str("span"), now).await?;
    Ok(RepositoryData {
        now,
        jobs: jobs::list_jobs(&db.read, &read::recent_jobs(id)).await?.data,
        chart: crate::chart::activity_options(&activity),
        span,
        activity,
        tab: read::tab(&db, &repository, &params).await?,
        repository,
        outcome: crate::pages::outcome::tell::find_text(&db, &params).await?,
    })
}

/// Asks for a sync of a repository; gives back the job's id. One that is queued already serves for both.
#[server(prefix = "/ui", endpoint = "request_sync", output = Postcard, client = crate::client::PageClient)]
pub async fn request_sync(repository_id: Uuid) -> Result<Uuid, AppError> {
    use crate::pages::ask;

    let (ctx, actor) = ask::actions()?;
    ask::job(actions::sync(&ctx, &actor, repository_id).await?)
}

/// Asks for a scan of what is fetched of a repository; gives back the job's id.
#[server(prefix = "/ui", endpoint = "request_scan", output = Postcard, client = crate::client::PageClient)]
pub async fn request_scan(repository_id: Uuid) -> Result<Uuid, AppError> {
    use crate::pages::ask;

    let (ctx, actor) = ask::actions()?;
    ask::job(actions::scan(&ctx, &actor, repository_id).await?)
}

#[cfg(feature = "ssr")]
mod read {
    use entity::kind::{EventType, ProblemClass};
    use entity::view::{
        BranchFilter, ChartReleaseFilter, ChartReleaseSort, EventFilter, ImagePlaceFilter, JobFilter, Listing,
        PageQuery, Repository,
    };
    use leptos_router::params::ParamsMap;
    use store::db::Db;
    use store::{charts, events, problems, resources, watch};
    use uuid::Uuid;

    use super::RepositoryTab;
    use crate::error::AppError;
    use crate::pages::ask;
    use crate::pages::resources::{is_unknown_status, resource_filter};
    use crate::pages::watch::there;

    /// More leaves than this make a page that nobody can read and a browser only slowly.
    const MOST_LEAVES: u64 = 4_000;

    pub(super) fn recent_jobs(repository: Uuid) -> JobFilter {
        let page = PageQuery { skip: 0, limit: 6 };
        JobFilter { repository_id: Some(repository), page, ..JobFilter::default() }
    }

    pub(super) async fn tab(db: &Db, repository: &Repository, params: &ParamsMap) -> Result<RepositoryTab, AppError> {
        let (page, id) = (ask::page(params, 50), repository.id);
        Ok(match params.get_str("tab") {
            // Of a day of the past there is the tree alone.
            Some("resources") if params.get_str("view") == Some("table") && ask::at(params)?.is_none() => {
                let filter = resource_filter(params, Some(id))?;
                RepositoryTab::Table {
                    resources: match is_unknown_status(params) {
                        true => Listing::default(),
                        false => resources::list_resources(&db.read, &filter).await?,
                    },
                    page: filter.page,
                    facets: resources::resource_facets(&db.read, &filter).await?,
                }
            }
            Some("resources") => {
                let at = ask::at(params)?;
                RepositoryTab::Tree { leaves: resources::list_tree(&db.read, id, at, MOST_LEAVES).await?, at }
            }
            Some("charts") if params.get_str("view") == Some("images") => {
                let at = ask::at(params)?;
                let filter = ImagePlaceFilter { repository_id: Some(id), at, page, ..ImagePlaceFilter::default() };
                RepositoryTab::Images { images: store::kept::list_image_places(db, &filter).await?, page, at }
            }
            Some("charts") if params.get_str("release_id").is_some_and(|text| !text.is_empty()) => {
                release(db, id, params, page).await?
            }
            Some("charts") => {
                let (repository_id, sort) = (Some(id), ChartReleaseSort::Repository);
                let at = ask::at(params)?;
                let filter = ChartReleaseFilter { repository_id, sort, at, page, ..ChartReleaseFilter::default() };
                RepositoryTab::Charts { charts: store::kept::list_releases(db, &filter).await?, page, at }
            }
            Some("branches") => branches(db, repository, params).await?,
            Some("problems") => {
                let templates = params.get_str("view") == Some("templates");
                let class = templates.then_some(ProblemClass::HelmTemplate);
                let problems = problems::list_problems(&db.read, id, class, page).await?;
                RepositoryTab::Problems { problems, templates, page }
            }
            _ => {
                let (kinds, namespaces) = events::event_facets(&db.read, id).await?;
                let unknown_versions = params.get_str("versions").is_some_and(|word| !matches!(word, "" | "only"));
                let events = match unknown_versions || ask::is_unknown::<EventType>(params, "type") {
                    true => Listing::default(),
                    false => events::list_events(&db.read, &event_filter(params, id)?).await?,
                };
                RepositoryTab::Events { events, page, kinds, namespaces }
            }
        })
    }

    async fn release(db: &Db, id: Uuid, params: &ParamsMap, page: PageQuery) -> Result<RepositoryTab, AppError> {
        let (at, missing) = (ask::at(params)?, || ask::missing("release"));
        let release: i64 = params.get_str("release_id").and_then(|text| text.parse().ok()).ok_or_else(missing)?;
        let found = charts::find_release(&db.read, id, release, at).await?;
        if found.is_none() && at.is_none() {
            return Err(missing());
        }
        let values = charts::list_release_values(&db.read, id, release, at, page).await?;
        Ok(RepositoryTab::Release { release: found.map(Box::new), values, page, at })
    }

    async fn branches(db: &Db, repository: &Repository, params: &ParamsMap) -> Result<RepositoryTab, AppError> {
        let (page, id) = (ask::page(params, 50), Some(repository.id));
        let there = there(params);
        let is_watched = match params.get_str("watched").unwrap_or_default() {
            "" => Ok(None),
            "yes" => Ok(Some(true)),
            "no" => Ok(Some(false)),
            _ => Err(()),
        };
        let text = ask::text(params, "text")?;
        let branches = match is_watched {
            Ok(watched) if !there.is_unknown => {
                let filter = BranchFilter { repository_id: id, deleted: there.deleted, watched, text, page };
                watch::list_branches(&db.read, &filter).await?
            }
            _ => Listing::default(),
        };
        Ok(RepositoryTab::Branches {
            branches,
            page,
            watch: watch::find_watch(&db.read, repository.id).await?,
            watched: watch::count_watched(&db.read, id).await?,
            is_configured: actions::watch::is_configured(repository),
        })
    }

    fn event_filter(params: &ParamsMap, repository: Uuid) -> Result<EventFilter, AppError> {
        Ok(EventFilter {
            repository_id: Some(repository),
            event_type: ask::word(params, "type"),
            resource_kind: ask::text(params, "kind")?,
            resource_namespace: ask::text(params, "namespace")?,
            text: ask::text(params, "text")?,
            version_changes_only: params.get_str("versions") == Some("only"),
            page: ask::page(params, 50),
            ..EventFilter::default()
        })
    }
}
