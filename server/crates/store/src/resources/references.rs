//! What resources name, and what names them.
//!
//! One name may fit several resources of a repository: those of a staging and a production cluster, say. A reference means
//! one of them, by one rule, whichever end is asked: see [`meant`].

use std::cmp::Reverse;
use std::collections::HashSet;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use entity::kind::ReferenceKind;
use entity::view::{Reference, References, file_of, shared_folders};

/// The most references of one direction that are shown.
const MAX_REFERENCES: usize = 500;

/// A resource that a reference may mean.
#[derive(Clone, Debug, FromQueryResult)]
struct Candidate {
    target_id: Uuid,
    target_path: String,
    /// As written.
    target_written: Option<String>,
    /// Inherited, else as written.
    target_namespace: Option<String>,
}

/// A reference, and where it stands.
#[derive(Clone, Debug, FromQueryResult)]
struct Asked {
    position: i32,
    relation: ReferenceKind,
    kind: String,
    name: String,
    /// The namespace that the reference itself names.
    written: Option<String>,
    /// That, else the namespace of the resource that it stands in.
    namespace: Option<String>,
    path: String,
}

/// A resource with a reference to the one that is asked about.
#[derive(Debug, FromQueryResult)]
struct Referrer {
    id: Uuid,
    #[sea_orm(nested)]
    asked: Asked,
    own_namespace: Option<String>,
}

/// A reference beside one of the resources that it may mean.
#[derive(Debug, FromQueryResult)]
struct Pair {
    #[sea_orm(nested)]
    asked: Asked,
    #[sea_orm(nested)]
    candidate: Option<Candidate>,
}

/// The candidate that a reference means: one in the wanted namespace before one whose namespace Git does not tell, then the
/// one whose folder is nearest, then the one whose folder has the most names of the asking one (`apps/staging` means
/// `infrastructure/staging`); what is left is equal, and the first path is taken.
fn meant<'c>(asked: &Asked, candidates: impl IntoIterator<Item = &'c Candidate>) -> Option<&'c Candidate> {
    let path = file_of(&asked.path);
    let names: HashSet<&str> = folders(path).collect();
    let rank = |candidate: &&Candidate| {
        let target = file_of(&candidate.target_path);
        let common = folders(target).filter(|name| names.contains(name)).count();
        let first = Reverse((candidate.target_path.clone(), candidate.target_id));
        (namespace_fits(asked, candidate), shared_folders(path, target), common, first)
    };
    candidates.into_iter().filter(|candidate| namespace_fits(asked, candidate) > 0).max_by_key(rank)
}

/// 2 in the namespace that is wanted, 1 where Git tells none of one side, else 0.
fn namespace_fits(asked: &Asked, candidate: &Candidate) -> u8 {
    match (&asked.namespace, &candidate.target_namespace) {
        (Some(wanted), Some(namespace)) if wanted == namespace => 2,
        _ if asked.written.is_some() && asked.written == candidate.target_written => 2,
        (Some(_), Some(_)) => 0,
        (None, _) | (_, None) => 1,
    }
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit_once('/').into_iter().flat_map(|(folder, _)| folder.split('/'))
}

/// What a resource names and what names it.
pub async fn find_references(c: &impl ConnectionTrait, resource: Uuid) -> Result<References> {
    Ok(References { outgoing: outgoing(c, resource).await?, incoming: incoming(c, resource).await? })
}

async fn outgoing(c: &impl ConnectionTrait, resource: Uuid) -> Result<Vec<Reference>> {
    let mut sql = Sql::new(
        "SELECT f.position, f.relation, f.kind, f.name, f.namespace AS written, \
         COALESCE(f.namespace, k.namespace_inherited, k.namespace) AS namespace, k.file_path AS path, \
         t.id AS target_id, t.file_path AS target_path, t.namespace AS target_written, \
         COALESCE(t.namespace_inherited, t.namespace) AS target_namespace \
         FROM resource_reference f JOIN kubernetesresource k ON k.id = f.resource_id \
         LEFT JOIN kubernetesresource t ON t.repository_id = f.repository_id AND t.kind = f.kind AND t.name = f.name \
         AND t.status = 'ACTIVE' WHERE f.resource_id = ",
    );
    sql.bind(resource).push(" ORDER BY f.position, t.file_path, t.id LIMIT 5000");
    let pairs: Vec<Pair> = sql.all(c).await?;
    let mut references: Vec<Reference> = Vec::new();
    for of_one in pairs.chunk_by(|a, b| a.asked.position == b.asked.position).take(MAX_REFERENCES) {
        let asked = of_one[0].asked.clone();
        let target = meant(&asked, of_one.iter().filter_map(|pair| pair.candidate.as_ref()));
        references.push(Reference {
            relation: asked.relation,
            kind: asked.kind.clone(),
            name: asked.name.clone(),
            namespace: asked.namespace.clone(),
            resource_id: target.map(|target| target.target_id),
            file_path: target.map(|target| target.target_path.clone()),
        });
    }
    // One name may be written with the namespace that the other is without.
    references
        .dedup_by(|b, a| (a.relation, &a.kind, &a.name, &a.namespace) == (b.relation, &b.kind, &b.name, &b.namespace));
    Ok(references)
}

async fn incoming(c: &impl ConnectionTrait, resource: Uuid) -> Result<Vec<Reference>> {
    let mut sql = Sql::new(
        "SELECT o.id AS target_id, o.file_path AS target_path, o.namespace AS target_written, \
         COALESCE(o.namespace_inherited, o.namespace) AS target_namespace FROM kubernetesresource t \
         JOIN kubernetesresource o ON o.repository_id = t.repository_id AND o.kind = t.kind AND o.name = t.name \
         AND o.status = 'ACTIVE' WHERE t.id = ",
    );
    sql.bind(resource).push(" ORDER BY o.file_path, o.id LIMIT 500");
    let candidates: Vec<Candidate> = sql.all(c).await?;
    let mut sql = Sql::new(
        "SELECT k.id, f.position, f.relation, k.kind, k.name, f.namespace AS written, \
         COALESCE(f.namespace, k.namespace_inherited, k.namespace) AS namespace, k.file_path AS path, \
         COALESCE(k.namespace_inherited, k.namespace) AS own_namespace FROM kubernetesresource t \
         JOIN resource_reference f ON f.repository_id = t.repository_id AND f.kind = t.kind AND f.name = t.name \
         JOIN kubernetesresource k ON k.id = f.resource_id AND k.status = 'ACTIVE' WHERE t.id = ",
    );
    sql.bind(resource).push(" ORDER BY k.kind, k.name, k.id, f.position LIMIT 5000");
    let referrers: Vec<Referrer> = sql.all(c).await?;
    let means_it = |referrer: &Referrer| {
        meant(&referrer.asked, &candidates).is_some_and(|candidate| candidate.target_id == resource)
    };
    let references = referrers.into_iter().filter(means_it).take(MAX_REFERENCES).map(|referrer| Reference {
        relation: referrer.asked.relation,
        kind: referrer.asked.kind,
        name: referrer.asked.name,
        namespace: referrer.own_namespace,
        resource_id: Some(referrer.id),
        file_path: Some(referrer.asked.path),
    });
    Ok(references.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, namespace: Option<&str>) -> Asked {
        Asked {
            position: 0,
            relation: ReferenceKind::SourceRef,
            kind: "GitRepository".to_owned(),
            name: "home".to_owned(),
            written: None,
            namespace: namespace.map(str::to_owned),
            path: path.to_owned(),
        }
    }

    fn nearest(path: &str, namespace: Option<&str>, candidates: &[(&str, Option<&str>)]) -> Option<String> {
        let candidate = |(path, namespace): &(&str, Option<&str>)| Candidate {
            target_id: Uuid::from_u128(1),
            target_path: (*path).to_owned(),
            target_written: namespace.map(str::to_owned),
            target_namespace: namespace.map(str::to_owned),
        };
        let candidates: Vec<Candidate> = candidates.iter().map(candidate).collect();
        meant(&asked(path, namespace), &candidates).map(|candidate| candidate.target_path.clone())
    }

    #[test]
    fn a_reference_means_the_nearest_of_those_in_its_namespace() {
        let both = [("clusters/production/source.yaml", Some("flux")), ("clusters/staging/source.yaml", Some("flux"))];
        let means = |path: &str| nearest(path, Some("flux"), &both);
        assert_eq!(means("clusters/staging/apps/web.yaml#1").as_deref(), Some("clusters/staging/source.yaml"));
        assert_eq!(means("clusters/production/web.yaml").as_deref(), Some("clusters/production/source.yaml"));
        // Nothing shared but a name further down.
        assert_eq!(means("apps/staging/web.yaml").as_deref(), Some("clusters/staging/source.yaml"));
        assert_eq!(means("apps/base/web.yaml").as_deref(), Some("clusters/production/source.yaml"));
        assert_eq!(nearest("clusters/staging/web.yaml", Some("other"), &both), None);
        let unknown = [("clusters/staging/source.yaml", None), ("elsewhere/source.yaml", Some("flux"))];
        assert_eq!(
            nearest("clusters/staging/web.yaml", Some("flux"), &unknown).as_deref(),
            Some("elsewhere/source.yaml")
        );
        assert_eq!(nearest("a/web.yaml", Some("other"), &unknown).as_deref(), Some("clusters/staging/source.yaml"));
    }
}
