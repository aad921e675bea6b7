//! What resources name, and what names them.
//!
//! One name may fit several resources of a repository: those of a staging and a production cluster, say. A reference means
//! one of them, by one rule, whichever end is asked: see [`meant`].

use std::cmp::Reverse;
use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait as _, IntoIden};
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, effective_namespace, is_active};
use entity::kind::ReferenceStatus;
use entity::table::{reference, resource};
use entity::view::{Reference, References, file_of, shared_folders};

/// The most references of one direction that are shown.
const MAX_REFERENCES: usize = 500;

/// The most resources of one kind and name that a reference may mean.
const MAX_CANDIDATES: u64 = 500;

/// The most references, each with each of its candidates, that are looked at.
const MAX_PAIRS: u64 = 5000;

/// What statements call the resource at the other end.
const TARGET: &str = "target";

/// A resource that a reference may mean.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "resource::Entity", alias = "target")]
struct Candidate {
    #[sea_orm(from_col = "id")]
    target_id: Uuid,
    #[sea_orm(from_col = "file_path")]
    target_path: String,
    /// Inherited, else as written.
    #[sea_orm(from_expr = "effective_namespace(TARGET)")]
    target_namespace: Option<String>,
}

/// A reference, and where it stands.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "reference::Entity")]
struct Asked {
    id: i64,
    field: String,
    status: ReferenceStatus,
    kind: String,
    name: String,
    namespace: Option<String>,
    #[sea_orm(from_col = "file_path")]
    path: String,
}

/// A resource with a reference to the one that is asked about.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
struct Referrer {
    id: Uuid,
    kind: String,
    name: String,
    #[sea_orm(nested)]
    asked: Asked,
    #[sea_orm(from_expr = "effective_namespace(resource::Entity)")]
    own_namespace: Option<String>,
}

/// A reference beside one of the resources that it may mean.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "reference::Entity")]
struct Pair {
    #[sea_orm(nested)]
    asked: Asked,
    #[sea_orm(nested)]
    candidate: Option<Candidate>,
}

/// Whether a target, called [`TARGET`], has the repository, kind and name that stand in another table.
fn is_named_by<C: IntoIden + Clone>(table: impl IntoIden, [repository, kind, name]: [C; 3]) -> Condition {
    use resource::Column::{Kind, Name, RepositoryId};
    let table = table.into_iden();
    let pairs = [(RepositoryId, repository), (Kind, kind), (Name, name)];
    pairs
        .into_iter()
        .fold(Condition::all(), |all, (target, of)| all.add(Expr::col((TARGET, target)).equals((table.clone(), of))))
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

/// References that stand now.
fn open() -> Select<reference::Entity> {
    reference::Entity::find().filter(reference::Column::ToSequence.is_null())
}

/// Whether a resource is the one in whose document a reference stands.
fn is_of_document(table: impl IntoIden) -> Condition {
    use resource::Column::{FilePath, Kind, Name, RepositoryId};
    let table = table.into_iden();
    let pairs = [
        (RepositoryId, reference::Column::RepositoryId),
        (Kind, reference::Column::FromKind),
        (Name, reference::Column::FromName),
        (FilePath, reference::Column::FilePath),
    ];
    let own = |column: resource::Column| Expr::col((table.clone(), column));
    pairs.into_iter().fold(Condition::all(), |all, (column, of)| all.add(own(column).eq(of.into_expr())))
}

async fn outgoing(c: &impl ConnectionTrait, resource: Uuid) -> Result<Vec<Reference>> {
    use reference::Column::{Field, Id, Kind, Name, Namespace, RepositoryId};
    const OWN: &str = "own";
    let mut pairs = open();
    QuerySelect::query(&mut pairs).join_as(JoinType::InnerJoin, resource::Entity, OWN, is_of_document(OWN));
    let may_mean = is_named_by(reference::Entity, [RepositoryId, Kind, Name]).add(is_active(TARGET));
    QuerySelect::query(&mut pairs).join_as(JoinType::LeftJoin, resource::Entity, TARGET, may_mean);
    let pairs = pairs
        .filter(Expr::col((OWN, resource::Column::Id)).eq(resource))
        .order_by_asc(Field)
        .order_by_asc(Kind)
        .order_by_asc(Name)
        .order_by_asc(Namespace)
        .order_by_asc(Id)
        .order_by_asc(Expr::col((TARGET, resource::Column::FilePath)))
        .order_by_asc(Expr::col((TARGET, resource::Column::Id)))
        .limit(MAX_PAIRS);
    let pairs: Vec<Pair> = pairs.into_partial_model().all(c).await?;
    let mut references: Vec<Reference> = Vec::new();
    for of_one in pairs.chunk_by(|a, b| a.asked.id == b.asked.id).take(MAX_REFERENCES) {
        let asked = of_one[0].asked.clone();
        let target = meant(&asked, of_one.iter().filter_map(|pair| pair.candidate.as_ref()));
        references.push(Reference {
            field: asked.field.clone(),
            status: asked.status,
            kind: asked.kind.clone(),
            name: asked.name.clone(),
            namespace: asked.namespace.clone(),
            resource_id: target.map(|target| target.target_id),
            file_path: target.map(|target| target.target_path.clone()),
        });
    }
    Ok(references)
}

async fn incoming(c: &impl ConnectionTrait, resource: Uuid) -> Result<Vec<Reference>> {
    use resource::Column::{FilePath, Id, Kind, Name, RepositoryId};
    let named = resource::Entity::find_by_id(resource).select_only().columns([RepositoryId, Kind, Name]);
    let Some((repository, kind, name)) = named.into_tuple::<(Uuid, String, String)>().one(c).await? else {
        return Ok(Vec::new());
    };
    let mut candidates = resource::Entity::find_by_id(resource);
    let same = is_named_by(resource::Entity, [RepositoryId, Kind, Name]).add(is_active(TARGET));
    QuerySelect::query(&mut candidates).join_as(JoinType::InnerJoin, resource::Entity, TARGET, same);
    let candidates = candidates
        .order_by_asc(Expr::col((TARGET, FilePath)))
        .order_by_asc(Expr::col((TARGET, Id)))
        .limit(MAX_CANDIDATES);
    let candidates: Vec<Candidate> = candidates.into_partial_model().all(c).await?;

    let mut referrers = open();
    let of_document = is_of_document(resource::Entity).add(is_active(resource::Entity));
    QuerySelect::query(&mut referrers).join(JoinType::InnerJoin, resource::Entity, of_document);
    let referrers = referrers
        .filter(reference::COLUMN.repository_id.eq(repository))
        .filter(reference::COLUMN.kind.eq(kind))
        .filter(reference::COLUMN.name.eq(name))
        .order_by_asc(Expr::col((resource::Entity, Kind)))
        .order_by_asc(Expr::col((resource::Entity, Name)))
        .order_by_asc(Expr::col((resource::Entity, Id)))
        .order_by_asc(reference::Column::Field)
        .order_by_asc(reference::Column::Id)
        .limit(MAX_PAIRS);
    let referrers: Vec<Referrer> = referrers.into_partial_model().all(c).await?;
    let means_it = |referrer: &Referrer| {
        meant(&referrer.asked, &candidates).is_some_and(|candidate| candidate.target_id == resource)
    };
    let references = referrers.into_iter().filter(means_it).take(MAX_REFERENCES).map(|referrer| Reference {
        field: referrer.asked.field,
        status: referrer.asked.status,
        kind: referrer.kind,
        name: referrer.name,
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
            id: 0,
            field: "spec.sourceRef".to_owned(),
            status: ReferenceStatus::Resolved,
            kind: "GitRepository".to_owned(),
            name: "home".to_owned(),
            namespace: namespace.map(str::to_owned),
            path: path.to_owned(),
        }
    }

    fn nearest(path: &str, namespace: Option<&str>, candidates: &[(&str, Option<&str>)]) -> Option<String> {
        let candidate = |(path, namespace): &(&str, Option<&str>)| Candidate {
            target_id: Uuid::from_u128(1),
            target_path: (*path).to_owned(),
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
