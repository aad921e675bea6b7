//! Where branches are from: what a list of events needs of each, asked once for all of them.

use std::collections::HashMap;

use sea_orm::{DerivePartialModel, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use crate::db::{ConnectionTrait, Result};
use entity::kind::Provider;
use entity::table::{branch, repository};

/// A branch's repository as others know it, and what the forge says of the branch.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "branch::Entity")]
pub struct BranchOrigin {
    id: Uuid,
    #[sea_orm(from_expr = "repository::Column::Url")]
    pub repository_url: String,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    pub provider: Provider,
    /// As the forge tells; nothing where it did not.
    pub is_protected: Option<bool>,
}

/// Where these branches are from; one that is no longer here is left out.
pub async fn branch_origins(
    c: &impl ConnectionTrait,
    branches: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, BranchOrigin>> {
    let mut ids: Vec<Uuid> = branches.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = branch::Entity::find().inner_join(repository::Entity);
    let rows = rows.filter(branch::COLUMN.id.is_in(ids));
    let rows: Vec<BranchOrigin> = rows.into_partial_model().all(c).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
