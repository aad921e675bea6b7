//! Figures kept with a repository, so that lists and filters need no counting.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DerivePartialModel, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Set,
};
use uuid::Uuid;

use super::apply::clean;
use super::group_of;
use super::totals::Totals;
use crate::db::bulk::Bulk;
use crate::db::upsert::sum_up;
use crate::db::{DataError, Result};
use crate::resources::is_active;
use entity::found::FoundResource;
use entity::kind::{Facet, GitOpsTool, ProblemClass, ResourceStatus};
use entity::table::{problem, repository, repository_facet, resource, resource_chart, resource_image};
use entity::view::{RepositoryCounts, Timestamp};

/// By how much a batch changes what stands in filters.
#[derive(Default)]
pub(super) struct Deltas {
    facets: BTreeMap<(Facet, String), [i64; 2]>,
    groups: BTreeMap<(String, String), [i64; 2]>,
    /// The first day of a resource that now counts for other charts than before.
    pub(super) recharted_since: Option<Timestamp>,
    active: i64,
    deleted: i64,
    helm_releases: i64,
}

/// What of a resource is counted.
struct Counted {
    api_version: String,
    kind: String,
    /// Only where kinds and names are counted together.
    name: Option<String>,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    status: ResourceStatus,
}

/// A resource as it is stored, as far as figures and indexes go.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
struct StoredRow {
    id: Uuid,
    repository_id: Uuid,
    file_path: String,
    first_sequence: i64,
    source_kind: Option<String>,
    source_name: Option<String>,
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    status: ResourceStatus,
}

/// How the row of a resource stands before it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// With the identity, place, status and source that it keeps: but for the time, no index is touched.
    InPlace,
    /// With others.
    Elsewhere,
}

impl StoredRow {
    fn stays(&self, resource: &FoundResource) -> bool {
        let source = resource.source.as_ref();
        self.api_version == resource.api_version
            && self.kind == resource.kind
            && self.name == resource.name
            && self.namespace == resource.namespace
            && self.namespace_inherited == resource.namespace_inherited
            && self.status == resource.status
            && self.file_path == resource.file_path
            && self.first_sequence == resource.first_sequence
            && self.source_kind.as_deref() == source.map(|source| source.kind.as_str())
            && self.source_name.as_deref() == source.map(|source| source.name.as_str())
    }

    fn counted(self) -> Counted {
        Counted {
            api_version: self.api_version,
            kind: self.kind,
            name: Some(self.name),
            namespace: self.namespace,
            namespace_inherited: self.namespace_inherited,
            status: self.status,
        }
    }
}

impl Deltas {
    /// Takes the resources off the figures as they are stored; tells of those that are stored whether they stand in
    /// lists and indexes as they will.
    pub(super) async fn take_stored(
        &mut self,
        c: &impl ConnectionTrait,
        repository: Uuid,
        resources: &[FoundResource],
        stored: &mut HashMap<Uuid, Stored>,
    ) -> Result<()> {
        let found: HashMap<Uuid, &FoundResource> = resources.iter().map(|resource| (resource.id, resource)).collect();
        let these = resource::Entity::find().filter(resource::COLUMN.id.is_in(found.keys().copied()));
        for row in these.into_partial_model::<StoredRow>().all(c).await? {
            if row.repository_id != repository {
                let reason = format!("a resource of repository {} in a batch of {repository}", row.repository_id);
                return Err(DataError::Damaged { what: "batch", reason });
            }
            if let Some(resource) = found.get(&row.id) {
                stored.insert(row.id, if row.stays(resource) { Stored::InPlace } else { Stored::Elsewhere });
            }
            self.count(&row.counted(), -1);
        }
        Ok(())
    }

    /// Adds a resource as it is now.
    pub(super) fn put(&mut self, resource: &FoundResource) {
        let counted = Counted {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
            name: Some(resource.name.clone()),
            namespace: resource.namespace.clone(),
            namespace_inherited: resource.namespace_inherited.clone(),
            status: resource.status,
        };
        self.count(&counted, 1);
    }

    fn count(&mut self, resource: &Counted, sign: i64) {
        let active = resource.status == ResourceStatus::Active;
        if active {
            self.active += sign;
            let flux = group_of(&resource.api_version) == "helm.toolkit.fluxcd.io";
            self.helm_releases += if flux && resource.kind == "HelmRelease" { sign } else { 0 };
        } else {
            self.deleted += sign;
        }
        let inherited =
            resource.namespace_inherited.as_ref().filter(|_| resource.namespace_inherited != resource.namespace);
        let values = [
            (Facet::Kind, Some(&resource.kind)),
            (Facet::ApiVersion, Some(&resource.api_version)),
            (Facet::Namespace, resource.namespace.as_ref()),
            (Facet::Namespace, inherited),
        ];
        for (facet, value) in values {
            let Some(value) = value else { continue };
            self.facets.entry((facet, clean(value))).or_default()[usize::from(!active)] += sign;
        }
        if let Some(name) = &resource.name {
            self.groups.entry((clean(&resource.kind), clean(name))).or_default()[usize::from(!active)] += sign;
        }
    }

    /// What the totals over all repositories change by.
    pub(super) fn into_totals(self) -> Totals {
        let mut totals = Totals { groups: self.groups, facets: self.facets, ..Totals::default() };
        if let Some(since) = self.recharted_since {
            totals.mark_stale(since.date_naive().to_string());
        }
        totals
    }
}

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
    #[sea_orm(from_expr = "Expr::col(Asterisk).count()")]
    count: i64,
    #[sea_orm(from_expr = "resource::COLUMN.events.sum().cast_as(\"BIGINT\")")]
    events: i64,
}

/// Counts everything anew, and puts the totals over all repositories right by the difference.
pub(super) async fn refresh(c: &impl ConnectionTrait, repository: Uuid) -> Result<RepositoryCounts> {
    let (counts, difference) = recount(c, repository).await?;
    difference.write(c).await?;
    Ok(counts)
}

/// Counts everything of one repository anew; tells by how much its facets were wrong, which is hardly ever.
pub(super) async fn recount(c: &impl ConnectionTrait, repository: Uuid) -> Result<(RepositoryCounts, Totals)> {
    use resource::Column::{ApiVersion, Kind, Namespace, NamespaceInherited, Status};
    let columns = [ApiVersion, Kind, Namespace, NamespaceInherited, Status];
    let of = resource::Entity::find().filter(resource::COLUMN.repository_id.eq(repository));
    let groups = columns.into_iter().fold(of, |groups, column| groups.group_by(column));
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
    let charts = resource_chart::Entity::find()
        .inner_join(resource::Entity)
        .filter(is_active(resource::Entity))
        .filter(resource_chart::COLUMN.repository_id.eq(repository))
        .select_only()
        .expr(resource_chart::Column::Name.into_expr().count_distinct());
    let images = resource_image::Entity::find()
        .inner_join(resource::Entity)
        .filter(is_active(resource::Entity))
        .filter(resource_image::COLUMN.repository_id.eq(repository))
        .select_only()
        .expr(resource_image::Column::Image.into_expr().count_distinct());
    let problems = |which: Expr| {
        let of = problem::Entity::find().filter(problem::COLUMN.repository_id.eq(repository)).filter(which);
        Expr::from(of.select_only().expr(Expr::col(Asterisk).count()).into_query())
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
