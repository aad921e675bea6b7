//! Repositories as they are shown: lists, one of them, and what forges told of them.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, Order, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use super::branches::{default_branch, scanned};
use crate::db::pattern::{contains, holds};
use crate::db::select::{MAX_PAGE, count, count_all, is_counted, is_like, matching, paged};
use crate::db::{ConnectionTrait, Result};
use entity::address::shown_url;
use entity::kind::SyncStatus;
use entity::table::{repository, repository_metrics};
use entity::value::StoredTimestamp;
use entity::view::{
    Listing, NamedCount, Repository, RepositoryCounts, RepositoryFilter, RepositoryMetrics, RepositorySort, Sort,
    Timestamp,
};

/// What the language is called where no forge told it.
pub(crate) const UNKNOWN_LANGUAGE: &str = "Unknown";

/// A repository with its newest metrics; read from [`with_metrics`].
#[derive(DerivePartialModel)]
pub(crate) struct RepositoryRow {
    #[sea_orm(nested)]
    repository: repository::Model,
    #[sea_orm(nested)]
    metrics: Option<RepositoryMetrics>,
}

/// Repositories, each with the newest metrics that there are of it.
pub(crate) fn with_metrics() -> Select<repository::Entity> {
    join_metrics(repository::Entity::find())
}

/// The same of those that a question names by their ids, one page of them: metrics are looked up for these alone.
fn page_with_metrics(ids: Select<repository::Entity>) -> Select<repository::Entity> {
    let ids = ids.select_only().column(repository::Column::Id).into_query();
    let same = ExprTrait::equals(repository::Column::Id.into_expr(), ("i", repository::Column::Id));
    let mut page = repository::Entity::find();
    QuerySelect::query(&mut page).from_clear().from_subquery(ids, "i").inner_join(repository::Entity, same);
    join_metrics(page)
}

fn join_metrics(mut repositories: Select<repository::Entity>) -> Select<repository::Entity> {
    use repository_metrics::Column::{Id, RecordedAt, RepositoryId};
    let of_repository = RepositoryId.into_expr().equals((repository::Entity, repository::Column::Id));
    let newest = repository_metrics::Entity::find().select_only().column(Id).filter(of_repository);
    let newest = newest.order_by_desc(RecordedAt).order_by_desc(Id).limit(1).into_query();
    QuerySelect::query(&mut repositories).left_join(repository_metrics::Entity, Id.into_expr().eq(newest));
    repositories
}

impl From<RepositoryRow> for Repository {
    fn from(RepositoryRow { repository: row, metrics }: RepositoryRow) -> Self {
        Self {
            counts: RepositoryCounts {
                commits: row.commits,
                active_resources: row.active_resources,
                deleted_resources: row.deleted_resources,
                events: row.events,
                helm_releases: row.helm_releases,
                charts: row.charts,
                images: row.images,
                problems: row.problems,
                helm_templates: row.helm_templates,
                yaml_files: row.yaml_files,
                clone_bytes: row.clone_bytes,
            },
            id: row.id,
            github_id: row.github_id.unwrap_or(0),
            name: row.name,
            full_name: row.full_name,
            owner: row.owner,
            description: row.description,
            language: row.language,
            topics: row.topics.0,
            license_name: row.license_name,
            default_branch: default_branch(row.default_branch),
            scanned_branch: scanned(row.scanned_branch),
            scanned_branches: Vec::new(),
            created_at: row.created_at.into(),
            discovery_tags: row.discovery_tags.0,
            discovered_at: row.discovered_at.into(),
            last_sync_at: row.last_sync_at.map(Into::into),
            sync_status: row.sync_status,
            sync_error: row.sync_error,
            working_directory_path: None,
            last_scan_at: row.last_scan_at.map(Into::into),
            scan_status: row.scan_status,
            scan_error: row.scan_error,
            last_scan_total_resources: row.last_scan_at.map(|_| row.active_resources),
            latest_metrics: metrics,
            url: shown_url(&row.url),
            web_url: row.web_url,
            provider: row.provider,
            origin: row.origin,
            enabled: row.enabled,
            gitops_tool: row.gitops_tool,
            head_commit: row.head_commit.map(|commit| commit.to_string()),
            head_committed_at: row.head_committed_at.map(Into::into),
            scanned_commit: row.scanned_commit.map(|commit| commit.to_string()),
        }
    }
}

/// Reads repositories of [`with_metrics`].
pub(crate) async fn read(c: &impl ConnectionTrait, select: Select<repository::Entity>) -> Result<Vec<Repository>> {
    let rows: Vec<RepositoryRow> = select.into_partial_model().all(c).await?;
    Ok(rows.into_iter().map(Repository::from).collect())
}

/// The first of them, if there is one.
async fn read_one(c: &impl ConnectionTrait, select: Select<repository::Entity>) -> Result<Option<Repository>> {
    let row: Option<RepositoryRow> = select.into_partial_model().one(c).await?;
    Ok(row.map(Repository::from))
}

/// In the order that a list asks for.
fn ordered(rows: Select<repository::Entity>, filter: &RepositoryFilter) -> Select<repository::Entity> {
    let direction = match filter.direction {
        Sort::Ascending => Order::Asc,
        Sort::Descending => Order::Desc,
    };
    let sorted = sorted_by(filter.sort);
    // What is not known stands last, whatever the direction; engines would differ.
    let rows = rows.order_by_asc(sorted.clone().is_null()).order_by(sorted, direction);
    rows.order_by_asc(repository::Column::FullName).order_by_asc(repository::Column::Id)
}

/// Which repositories there are, by name: ids and full names alone.
pub async fn list_names(c: &impl ConnectionTrait, limit: u64) -> Result<Vec<(Uuid, String)>> {
    use repository::Column::{FullName, Id};
    let names = repository::Entity::find().filter(is_counted(Id)).select_only().column(Id).column(FullName);
    let names = names.order_by_asc(Expr::from(Func::lower(FullName.into_expr()))).order_by_asc(Id).limit(limit);
    Ok(names.into_tuple().all(c).await?)
}

/// Which repositories, one page of them.
pub async fn list_repositories(c: &impl ConnectionTrait, filter: &RepositoryFilter) -> Result<Listing<Repository>> {
    let wanted = conditions(filter);
    let count = count(c, matching::<repository::Entity>(wanted.clone())).await?;
    let ids = ordered(matching::<repository::Entity>(wanted), filter);
    let rows = ordered(page_with_metrics(paged(ids, filter.page)), filter);
    Ok(Listing { data: read(c, rows).await?, count })
}

fn conditions(filter: &RepositoryFilter) -> Condition {
    use repository::Column::{GitopsTool, Id, Language, Origin, ScanStatus, Search, SyncStatus as Status, Topics};
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    // Topics are a list in JSON, and are looked for as they stand in it.
    let topic = filter.topic.as_ref().map(|topic| serde_json::Value::from(topic.as_str()).to_string());
    let language = |language| match language {
        UNKNOWN_LANGUAGE => Language.is_null(),
        _ => Language.eq(language),
    };
    let status = |status| match status {
        SyncStatus::Error | SyncStatus::Syncing => Status.eq(status).or(ScanStatus.eq(status)),
        _ => Status.eq(status),
    };
    Condition::all()
        .add(is_counted(Id))
        .add_option(text.map(|text| is_like(Search.into_expr(), contains(text))))
        .add_option(filter.language.as_deref().map(language))
        .add_option(topic.map(|quoted| is_like(Topics.into_expr(), holds(&quoted))))
        .add_option(filter.status.map(status))
        .add_option(filter.gitops_tool.map(|tool| GitopsTool.eq(tool)))
        .add_option(filter.origin.map(|origin| Origin.eq(origin)))
}

fn sorted_by(sort: RepositorySort) -> Expr {
    use repository::Column;
    match sort {
        RepositorySort::Name => Func::lower(Column::FullName.into_expr()).into(),
        RepositorySort::Resources => Column::ActiveResources.into_expr(),
        RepositorySort::HelmReleases => Column::HelmReleases.into_expr(),
        RepositorySort::Events => Column::Events.into_expr(),
        RepositorySort::Problems => Column::Problems.into_expr(),
        RepositorySort::LastSync => Column::LastSyncAt.into_expr(),
        RepositorySort::LastCommit => Column::HeadCommittedAt.into_expr(),
        RepositorySort::Discovered => Column::DiscoveredAt.into_expr(),
    }
}

/// One repository by id.
pub async fn find_repository(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Repository>> {
    read_one(c, with_metrics().filter(repository::COLUMN.id.eq(id))).await
}

/// One repository by its full name, any case.
pub async fn find_repository_by_name(c: &impl ConnectionTrait, full_name: &str) -> Result<Option<Repository>> {
    read_one(c, named(with_metrics(), full_name)).await
}

/// Those of this full name, any case; of several the one that is on first.
fn named(repositories: Select<repository::Entity>, full_name: &str) -> Select<repository::Entity> {
    use repository::Column::{Enabled, FullName, Id};
    let lower = Expr::from(Func::lower(FullName.into_expr())).eq(full_name.to_lowercase());
    repositories.filter(lower.or(FullName.eq(full_name))).order_by_desc(Enabled).order_by_asc(Id)
}

/// Id and full name of the repository that somebody means: by its id, by its name in any case, or by a part of the name that no
/// other has.
pub async fn find_meant(c: &impl ConnectionTrait, text: &str) -> Result<Option<(Uuid, String)>> {
    use repository::Column::{FullName, Id};
    let names = || repository::Entity::find().select_only().column(Id).column(FullName);
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(names().filter(Id.eq(id)).into_tuple().one(c).await?);
    }
    if let Some(exact) = named(names(), text).into_tuple().one(c).await? {
        return Ok(Some(exact));
    }
    let lower = Expr::from(Func::lower(FullName.into_expr()));
    let holding = names().filter(is_counted(Id)).filter(is_like(lower, contains(text))).order_by_asc(Id);
    let mut holding = holding.limit(2).into_tuple().all(c).await?;
    Ok(holding.pop().filter(|_| holding.is_empty()))
}

/// Those that came here last, or last until a time, the newest first.
pub(crate) async fn list_newest(
    c: &impl ConnectionTrait,
    limit: u64,
    until: Option<Timestamp>,
) -> Result<Vec<Repository>> {
    use repository::Column::{DiscoveredAt, Id};
    let newest = |rows: Select<repository::Entity>| rows.order_by_desc(DiscoveredAt).order_by_desc(Id);
    let known = repository::Entity::find().filter(is_counted(Id)).apply_if(until, |known, until| {
        known.filter(repository::COLUMN.discovered_at.lte(StoredTimestamp::from(until)))
    });
    read(c, newest(page_with_metrics(newest(known).limit(limit)))).await
}

/// Languages with the number of repositories, most frequent first.
pub async fn list_languages(c: &impl ConnectionTrait) -> Result<Vec<NamedCount>> {
    use repository::Column::{Id, Language};
    let known = repository::Entity::find().filter(is_counted(Id)).filter(Language.is_not_null());
    let named = known.select_only().column_as(Language, "name").expr_as(count_all(), "count").group_by(Language);
    Ok(named.order_by_desc(Expr::col("count")).order_by_asc(Language).into_model().all(c).await?)
}

/// A forge's figures over time, newest first; `count` is how many are stored.
pub async fn list_metrics(
    c: &impl ConnectionTrait,
    repository: Uuid,
    limit: u64,
) -> Result<Listing<RepositoryMetrics>> {
    use repository_metrics::Column::{Id, RecordedAt};
    let stored = repository_metrics::Entity::find().filter(repository_metrics::COLUMN.repository_id.eq(repository));
    let count = count(c, stored.clone()).await?;
    let rows = stored.order_by_desc(RecordedAt).order_by_desc(Id).limit(std::cmp::min(limit, MAX_PAGE));
    Ok(Listing { count, data: rows.into_partial_model().all(c).await? })
}
