//! Figures kept with a repository, so that lists and filters need no counting.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::bulk::Bulk;
use super::group_of;
use super::totals::Totals;
use crate::db::sql::Sql;
use crate::db::{DataError, Result};
use entity::found::FoundResource;
use entity::kind::{GitOpsTool, ProblemClass, ResourceStatus};
use entity::view::{RepositoryCounts, Timestamp};

/// By how much a batch changes what stands in filters.
#[derive(Default)]
pub(super) struct Deltas {
    facets: BTreeMap<(&'static str, String), [i64; 2]>,
    groups: BTreeMap<(String, String), [i64; 2]>,
    /// The first day of a resource that now counts for other charts than before.
    pub(super) recharted_since: Option<Timestamp>,
    active: i64,
    deleted: i64,
    helm_releases: i64,
}

/// What of a resource is counted.
#[derive(FromQueryResult)]
struct Counted {
    api_version: String,
    kind: String,
    /// Only where kinds and names are counted together.
    name: Option<String>,
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

impl Counted {
    fn is_of(&self, resource: &FoundResource) -> bool {
        self.api_version == resource.api_version
            && self.kind == resource.kind
            && self.name.as_ref() == Some(&resource.name)
            && self.namespace == resource.namespace
            && self.namespace_inherited == resource.namespace_inherited
            && self.status == resource.status
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
        let mut sql = Sql::new(
            "SELECT id, repository_id, file_path, first_sequence, source_kind, source_name, api_version, kind, name, \
             namespace, namespace_inherited, status FROM kubernetesresource WHERE id IN ",
        );
        sql.bind_list(found.keys().copied());
        for row in sql.rows(c).await? {
            let owner: Uuid = row.try_get_by_index(1)?;
            if owner != repository {
                let reason = format!("a resource of repository {owner} in a batch of {repository}");
                return Err(DataError::Damaged { what: "batch", reason });
            }
            let id: Uuid = row.try_get_by_index(0)?;
            let counted = Counted::from_query_result(&row, "")?;
            if let Some(resource) = found.get(&id) {
                let place: (String, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                let source: [Option<String>; 2] = [row.try_get_by_index(4)?, row.try_get_by_index(5)?];
                let stays = counted.is_of(resource)
                    && place == (resource.file_path.clone(), resource.first_sequence)
                    && source[0].as_deref() == resource.source.as_ref().map(|source| source.kind.as_str())
                    && source[1].as_deref() == resource.source.as_ref().map(|source| source.name.as_str());
                stored.insert(id, if stays { Stored::InPlace } else { Stored::Elsewhere });
            }
            self.count(&counted, -1);
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
            ("kind", Some(&resource.kind)),
            ("api_version", Some(&resource.api_version)),
            ("namespace", resource.namespace.as_ref()),
            ("namespace", inherited),
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
        let facets = self.facets.into_iter().map(|((facet, value), counts)| ((facet.to_owned(), value), counts));
        let mut totals = Totals { groups: self.groups, facets: facets.collect(), ..Totals::default() };
        if let Some(since) = self.recharted_since {
            totals.mark_stale(since.date_naive().to_string());
        }
        totals
    }
}

/// Text as it is stored.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Adds a batch's share.
pub(super) async fn add(c: &impl ConnectionTrait, repository: Uuid, deltas: &Deltas, events: u64) -> Result<()> {
    add_facets(c, repository, deltas).await?;
    let mut sql = Sql::new("UPDATE repository SET active_resources = active_resources + ");
    sql.bind(deltas.active).push(", deleted_resources = deleted_resources + ").bind(deltas.deleted);
    sql.push(", helm_releases = helm_releases + ").bind(deltas.helm_releases);
    sql.push(", events = events + ").bind(i64::try_from(events).unwrap_or(i64::MAX));
    sql.push(" WHERE id = ").bind(repository);
    sql.run(c).await?;
    Ok(())
}

async fn add_facets(c: &impl ConnectionTrait, repository: Uuid, deltas: &Deltas) -> Result<()> {
    let head = "INSERT INTO repository_facet (repository_id, facet, value, active, deleted)";
    let tail = " ON CONFLICT (repository_id, facet, value) DO UPDATE SET \
        active = repository_facet.active + excluded.active, deleted = repository_facet.deleted + excluded.deleted";
    let mut bulk = Bulk::new(c, head, tail, 5);
    for ((facet, value), [active, deleted]) in deltas.facets.iter().filter(|(_, counts)| **counts != [0, 0]) {
        let row: [Value; 5] =
            [repository.into(), (*facet).into(), value.as_str().into(), (*active).into(), (*deleted).into()];
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct GroupCount {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    status: ResourceStatus,
    count: i64,
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
    let mut sql = Sql::new(
        "SELECT api_version, kind, namespace, namespace_inherited, status, COUNT(*) AS count, \
         CAST(SUM(events) AS BIGINT) AS events FROM kubernetesresource WHERE repository_id = ",
    );
    sql.bind(repository).push(" GROUP BY api_version, kind, namespace, namespace_inherited, status");
    let mut totals = Deltas::default();
    let (mut events, mut flux, mut argo) = (0, false, false);
    for group in sql.all::<GroupCount>(c).await? {
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
    let uses = |table: &str, name: &str| {
        format!(
            "(SELECT COUNT(DISTINCT u.{name}) FROM {table} u JOIN kubernetesresource k ON k.id = u.resource_id \
             AND k.status = 'ACTIVE' WHERE u.repository_id = repository.id)"
        )
    };
    let mut sql = Sql::new("UPDATE repository SET active_resources = ");
    sql.bind(totals.active).push(", deleted_resources = ").bind(totals.deleted);
    sql.push(", helm_releases = ").bind(totals.helm_releases).push(", events = ").bind(events);
    sql.push(", gitops_tool = ").bind(tool.as_str());
    sql.push(", charts = ").push(&uses("resource_chart", "name"));
    sql.push(", images = ").push(&uses("resource_image", "image"));
    for (figure, is) in [("problems", "<>"), ("helm_templates", "=")] {
        sql.push(&format!(", {figure} = (SELECT COUNT(*) FROM problem p WHERE p.repository_id = repository.id"));
        sql.push(&format!(" AND p.class {is} ")).bind(ProblemClass::HelmTemplate.as_str()).push(")");
    }
    sql.push(" WHERE id = ").bind(repository);
    sql.run(c).await?;
    let difference = replace_facets(c, repository, &totals).await?;

    let mut sql = Sql::new(
        "SELECT commits, active_resources, deleted_resources, events, helm_releases, charts, images, problems, \
         helm_templates, yaml_files, clone_bytes FROM repository WHERE id = ",
    );
    sql.bind(repository);
    let counts = sql.one(c).await?.ok_or(DataError::NotFound { what: "repository", id: repository })?;
    Ok((counts, difference))
}

/// Stores the facets as they were counted, where they are not stored so already; gives back the difference.
async fn replace_facets(c: &impl ConnectionTrait, repository: Uuid, counted: &Deltas) -> Result<Totals> {
    let mut difference = Totals::default();
    difference.read_facets(c, repository, -1).await?;
    let same = difference.facets.len() == counted.facets.values().filter(|counts| **counts != [0, 0]).count();
    for ((facet, value), [active, deleted]) in &counted.facets {
        let counts = difference.facets.entry(((*facet).to_owned(), value.clone())).or_default();
        counts[0] += active;
        counts[1] += deleted;
    }
    if !same || difference.facets.values().any(|counts| *counts != [0, 0]) {
        let mut sql = Sql::new("DELETE FROM repository_facet WHERE repository_id = ");
        sql.bind(repository);
        sql.run(c).await?;
        add_facets(c, repository, counted).await?;
    }
    Ok(difference)
}
