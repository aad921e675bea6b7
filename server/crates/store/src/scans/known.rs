//! Known resources: what a replay compares with.

use std::collections::HashSet;

use sea_orm::sea_query::{CommonTableExpression, Expr, ExprTrait as _, Query, Values, WithClause};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect, Select};
use uuid::Uuid;

use super::{ConnectionTrait, Result, group_of};
use crate::resources::is_active;
use crate::resources::row::KnownRow;
use entity::input::{KnownResource, ObjectId, ResourceKey};
use entity::table::{commit, resource};
use entity::view::file_of;

/// Every resource of the repository, deleted ones too, in a stable order.
pub async fn known_all(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<KnownResource>> {
    all(c, known(repository).order_by_asc(resource::Column::Id)).await
}

/// Active resources that stand in these files (paths without `#index`).
pub async fn known_by_files<S: AsRef<str> + Sync>(
    c: &impl ConnectionTrait,
    repository: Uuid,
    files: &[S],
) -> Result<Vec<KnownResource>> {
    let path = resource::COLUMN.file_path;
    let mut known_here = Vec::new();
    for files in files.chunks(200) {
        let stand_in = files.iter().map(AsRef::as_ref).fold(Condition::any(), |any, file| {
            // `#` is followed by `$` in the order of bytes.
            any.add(path.eq(file)).add(path.gte(format!("{file}#")).and(path.lt(format!("{file}$"))))
        });
        known_here.extend(all(c, known(repository).filter(is_active(resource::Entity)).filter(stand_in)).await?);
    }
    // `a` also finds the place `a#b.yaml`, which is another file.
    known_here.retain(|known| files.iter().any(|file| file_of(&known.file_path) == file.as_ref()));
    known_here.sort_by(|a, b| (&a.file_path, a.id).cmp(&(&b.file_path, b.id)));
    known_here.dedup_by_key(|known| known.id);
    Ok(known_here)
}

/// Resources with these keys, active and deleted.
pub async fn known_by_keys(
    c: &impl ConnectionTrait,
    repository: Uuid,
    keys: &[ResourceKey],
) -> Result<Vec<KnownResource>> {
    use resource::Column::{Kind, Name};
    let mut known_here = Vec::new();
    for keys in keys.chunks(500) {
        let row = |key: &ResourceKey| Values(vec![key.kind.as_str().into(), key.name.as_str().into()]);
        let mut wanted = CommonTableExpression::new();
        wanted.table_name("wanted").columns(["kind", "name"]).values(keys.iter().map(row).collect());
        let pairs = Query::select().columns(["kind", "name"]).from("wanted").to_owned();
        let these = Expr::tuple([Kind.into_expr(), Name.into_expr()]).in_subquery(pairs);
        let mut known = known(repository).filter(these);
        QuerySelect::query(&mut known).with_cte(WithClause::new().cte(wanted).to_owned());
        known_here.extend(all(c, known).await?);
    }
    let wanted: HashSet<&ResourceKey> = keys.iter().collect();
    known_here.retain(|known| {
        let key = ResourceKey {
            group: group_of(&known.api_version).to_owned(),
            kind: known.kind.clone(),
            namespace: known.namespace.clone().unwrap_or_default(),
            name: known.name.clone(),
        };
        wanted.contains(&key)
    });
    known_here.sort_by_key(|known| known.id);
    known_here.dedup_by_key(|known| known.id);
    Ok(known_here)
}

/// Active resources that get what they deploy from a source of this kind and name.
pub async fn known_by_source(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    let of_source = resource::COLUMN.source_kind.eq(kind).and(resource::COLUMN.source_name.eq(name));
    let known = known(repository).filter(is_active(resource::Entity)).filter(of_source);
    all(c, known.order_by_asc(resource::Column::Id)).await
}

/// Active resources of this kind and name: the sources that a reference may mean, whatever their namespace.
pub async fn known_sources(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    let named = resource::COLUMN.kind.eq(kind).and(resource::COLUMN.name.eq(name));
    let known = known(repository).filter(is_active(resource::Entity)).filter(named);
    all(c, known.order_by_asc(resource::Column::Id)).await
}

/// Commits with events, newest first: where a rewritten history forks off.
pub async fn event_commits(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<(ObjectId, i64)>> {
    use commit::Column::{Sequence, Sha};
    let commits = commit::Entity::find().filter(commit::COLUMN.repository_id.eq(repository));
    let commits = commits.select_only().columns([Sha, Sequence]).order_by_desc(Sequence);
    Ok(commits.into_tuple().all(c).await?)
}

fn known(repository: Uuid) -> Select<resource::Entity> {
    resource::Entity::find().filter(resource::COLUMN.repository_id.eq(repository))
}

async fn all(c: &impl ConnectionTrait, known: Select<resource::Entity>) -> Result<Vec<KnownResource>> {
    let rows = known.into_partial_model::<KnownRow>().all(c).await?;
    Ok(rows.into_iter().map(KnownRow::into_known).collect())
}
