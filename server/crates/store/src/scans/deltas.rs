//! By how much the resources of a batch change a repository's figures.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DerivePartialModel, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::group_of;
use super::totals::Totals;
use crate::db::clean::clean;
use crate::db::{DataError, Result};
use entity::input::FoundResource;
use entity::kind::{Facet, ResourceStatus};
use entity::table::resource;

/// By how much a batch changes what stands in filters.
#[derive(Default)]
pub(super) struct Deltas {
    pub(super) facets: BTreeMap<(Facet, String), [i64; 2]>,
    groups: BTreeMap<(String, String), [i64; 2]>,
    pub(super) active: i64,
    pub(super) deleted: i64,
    pub(super) helm_releases: i64,
}

/// What of a resource is counted.
pub(super) struct Counted {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Only where kinds and names are counted together.
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) namespace_inherited: Option<String>,
    pub(super) status: ResourceStatus,
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

    /// Adds so many resources of one kind, or takes them off.
    pub(super) fn count(&mut self, resource: &Counted, sign: i64) {
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
        Totals { groups: self.groups, facets: self.facets, ..Totals::default() }
    }
}
