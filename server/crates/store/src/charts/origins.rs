//! Commits and repositories that spans name.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::begun::{REPOSITORIES, by_repository, of_commits};
use super::{ConnectionTrait, Result};
use crate::db::select::is_any;
use entity::kind::Provider;
use entity::table::{repository, use_commit};
use entity::value::ObjectId;

/// Commits by repository and place on its line.
pub(crate) async fn commits_of(
    c: &impl ConnectionTrait,
    places: impl Iterator<Item = (Uuid, i64)>,
) -> Result<HashMap<(Uuid, i64), ObjectId>> {
    use use_commit::Column::{RepositoryId, Sequence, Sha};
    let mut found = HashMap::new();
    for these in by_repository(places).chunks(REPOSITORIES) {
        let rows = use_commit::Entity::find().filter(of_commits(RepositoryId, Sequence, these));
        let rows = rows.select_only().columns([RepositoryId, Sequence, Sha]).into_tuple::<(Uuid, i64, ObjectId)>();
        found.extend(rows.all(c).await?.into_iter().map(|(repository, sequence, sha)| ((repository, sequence), sha)));
    }
    Ok(found)
}

/// Names and addresses of repositories.
pub(crate) async fn origins_of(
    c: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, (String, Provider, Option<String>)>> {
    use repository::Column::{FullName, Id, Provider as Of, WebUrl};
    let these = is_any(Id.into_expr(), ids.collect::<HashSet<_>>());
    let rows = repository::Entity::find().filter(these).select_only().columns([Id, FullName, Of, WebUrl]);
    let rows: Vec<(Uuid, String, Provider, Option<String>)> = rows.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(id, name, provider, base)| (id, (name, provider, base))).collect())
}
