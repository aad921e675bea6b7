//! Figures kept with a repository, so that lists and filters need no counting.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DerivePartialModel, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Set,
};
use uuid::Uuid;

use super::deltas::{Counted, Deltas};
use super::group_of;
use super::totals::Totals;
use crate::db::bulk::Bulk;
use crate::db::select::{count_all, sum};
use crate::db::upsert::sum_up;
use crate::db::{DataError, Result};
use entity::kind::{GitOpsTool, ProblemClass, ResourceStatus};
use entity::table::{chart_use, image_use, problem, repository, repository_facet, resource};
use entity::view::RepositoryCounts;

/// Adds a batch's share.
pub(super) async fn add(c: &impl ConnectionTrait, repository: Uuid, deltas: &Deltas, events: u64) -> Result<()> {
    add_facets(c, repository, deltas).await?;
    use repository::COLUMN;
    use repository::Column::{ActiveResources, DeletedResources, Events, HelmReleases};
    let events = i64::try_from(events).unwrap_or(i64::MAX);
    let update = repository::Entity::update_many()
        .col_expr(ActiveResources, COLUMN.active_resources.add(deltas.active))
        .col_expr(DeletedResources, COLUMN.deleted_resources.add(deltas.deleted))
        .col_expr(HelmReleases, COLUMN.helm_releases.add(deltas.helm_releases))
        .col_expr(Events, COLUMN.events.add(events));
    update.filter(COLUMN.id.eq(repository)).exec(c).await?;
    Ok(())
}

async fn add_facets(c: &impl ConnectionTrait, repository: Uuid, deltas: &Deltas) -> Result<()> {
    let mut bulk = Bulk::<_, repository_facet::Entity>::new(c).on_conflict(sum_up::<repository_facet::Entity>());
    for ((facet, value), [active, deleted]) in deltas.facets.iter().filter(|(_, counts)| **counts != [0, 0]) {
        let row = repository_facet::ActiveModel {
            repository_id: Set(repository),
            facet: Set(*facet),
            value: Set(value.clone()),
            active: Set(*active),
            deleted: Set(*deleted),
        };
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
struct GroupCount {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    status: ResourceStatus,
    #[sea_orm(from_expr = "count_all()")]
    count: i64,
    #[sea_orm(from_expr = "sum(resource::Column::Events.into_expr())")]
    events: i64,
}

/// Counts everything anew, and puts the totals over all repositories right by the difference.
pub(super) async fn refresh(c: &impl ConnectionTrait, repository: Uuid) -> Result<RepositoryCounts> {
    let (counts, difference) = recount(c, repository).await?;
    difference.write(c, repository).await?;
    Ok(counts)
}

/// Counts everything of one repository anew; tells by how much its facets were wrong, which is hardly ever.
pub(super) async fn recount(c: &impl ConnectionTrait, repository: Uuid) -> Result<(RepositoryCounts, Totals)> {
    use resource::Column::{ApiVersion, Kind, Namespace, NamespaceInherited, Status};
    let columns = [ApiVersion, Kind, Namespace, NamespaceInherited, Status];
    let of = resource::Entity::find().filter(resource::COLUMN.repository_id.eq(repository));
    let groups = columns.into_iter().fold(of, sea_orm::QuerySelect::group_by);
    let mut totals = Deltas::default();
    let (mut events, mut flux, mut argo) = (0, false, false);
    for group in groups.into_partial_model::<GroupCount>().all(c).await? {
        let GroupCount { api_version, kind, namespace, namespace_inherited, status, count, events: of_group } = group;
        events += of_group;
        if status == ResourceStatus::Active {
            let group = group_of(&api_version);
            flux |= group.ends_with(".toolkit.fluxcd.io");
            argo |= group == "argoproj.io" && matches!(kind.as_str(), "Application" | "ApplicationSet" | "AppProject");
        }
        totals.count(&Counted { api_version, kind, name: None, namespace, namespace_inherited, status }, count);
    }
    let tool = match (flux, argo) {
        (true, true) => GitOpsTool::Both,
        (true, false) => GitOpsTool::Flux,
        (false, true) => GitOpsTool::ArgoCd,
        (false, false) if totals.active > 0 => GitOpsTool::Plain,
        (false, false) => GitOpsTool::None,
    };
    write_figures(c, repository, &totals, events, tool).await?;
    let difference = replace_facets(c, repository, &totals).await?;
    let counts = find_counts(c, repository).await?;
    Ok((counts, difference))
}

/// Writes a repository's figures, with those that are counted in other tables.
async fn write_figures(
    c: &impl ConnectionTrait,
    repository: Uuid,
    totals: &Deltas,
    events: i64,
    tool: GitOpsTool,
) -> Result<()> {
    use repository::Column::{Charts, HelmTemplates, Images, Problems};
    // A chart whose source is not known is one by its name.
    let chart = Func::coalesce([
        chart_use::Column::ChartId.into_expr().cast_as("TEXT"),
        chart_use::Column::ChartName.into_expr(),
    ]);
    let charts = chart_use::Entity::find()
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(chart_use::COLUMN.to_time.is_null())
        .select_only()
        .expr(Expr::from(chart).count_distinct());
    let images = image_use::Entity::find()
        .filter(image_use::COLUMN.repository_id.eq(repository))
        .filter(image_use::COLUMN.to_time.is_null())
        .select_only()
        .expr(image_use::Column::ImageId.into_expr().count_distinct());
    let problems = |which: Expr| {
        let of = problem::Entity::find().filter(problem::COLUMN.repository_id.eq(repository)).filter(which);
        Expr::from(of.select_only().expr(count_all()).into_query())
    };
    let known = repository::ActiveModel {
        active_resources: Set(totals.active),
        deleted_resources: Set(totals.deleted),
        helm_releases: Set(totals.helm_releases),
        events: Set(events),
        gitops_tool: Set(tool),
        ..Default::default()
    };
    let update = repository::Entity::update_many()
        .set(known)
        .col_expr(Charts, charts.into_query().into())
        .col_expr(Images, images.into_query().into())
        .col_expr(Problems, problems(problem::Column::Class.ne(ProblemClass::HelmTemplate)))
        .col_expr(HelmTemplates, problems(problem::Column::Class.eq(ProblemClass::HelmTemplate)));
    update.filter(repository::COLUMN.id.eq(repository)).exec(c).await?;
    Ok(())
}

async fn find_counts(c: &impl ConnectionTrait, repository: Uuid) -> Result<RepositoryCounts> {
    use repository::Column::{
        ActiveResources, Charts, CloneBytes, Commits, DeletedResources, Events, HelmReleases, HelmTemplates, Images,
        Problems, YamlFiles,
    };
    let counts = repository::Entity::find_by_id(repository)
        .select_only()
        .columns([Commits, ActiveResources, DeletedResources, Events, HelmReleases, Charts, Images])
        .columns([Problems, HelmTemplates, YamlFiles, CloneBytes]);
    let counts = counts.into_model().one(c).await?;
    counts.ok_or(DataError::NotFound { what: "repository", id: repository })
}

/// Stores the facets as they were counted, where they are not stored so already; gives back the difference.
async fn replace_facets(c: &impl ConnectionTrait, repository: Uuid, counted: &Deltas) -> Result<Totals> {
    let mut difference = Totals::default();
    difference.read_facets(c, repository, -1).await?;
    let same = difference.facets.len() == counted.facets.values().filter(|counts| **counts != [0, 0]).count();
    for ((facet, value), [active, deleted]) in &counted.facets {
        let counts = difference.facets.entry((*facet, value.clone())).or_default();
        counts[0] += active;
        counts[1] += deleted;
    }
    if !same || difference.facets.values().any(|counts| *counts != [0, 0]) {
        let of = repository_facet::COLUMN.repository_id.eq(repository);
        repository_facet::Entity::delete_many().filter(of).exec(c).await?;
        add_facets(c, repository, counted).await?;
    }
    Ok(difference)
}
