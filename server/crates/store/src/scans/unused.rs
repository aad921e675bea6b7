//! Texts that nothing refers to any more: their repository was deleted, or its history rewritten.

use sea_orm::sea_query::{SelectStatement, UnionType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _};

use super::raw::lock_manifests;
use crate::db::{Connection, ConnectionTrait as _, Db, Engine, Result, begin};
use entity::table::{event, manifest, resource};

/// Sorting three lists, which both engines do within bounded memory: neither has an index by text.
fn unused() -> SelectStatement {
    let of_events = event::Entity::find().filter(event::COLUMN.blob.is_not_null());
    let of_events = of_events.select_only().column(event::Column::Blob).into_query();
    let of_resources = resource::Entity::find().select_only().column(resource::Column::Blob).into_query();
    let mut all = manifest::Entity::find().select_only().column(manifest::Column::Id).into_query();
    all.union(UnionType::Except, of_events).union(UnionType::Except, of_resources);
    all
}

/// Removes them; how many there were. Others may scan meanwhile: they wait for a moment, and only if there are any.
pub async fn remove_unused_manifests(db: &Db) -> Result<u64> {
    if db.read.query_one(unused().limit(1)).await?.is_none() {
        return Ok(0);
    }
    remove(&db.write, db.engine).await
}

async fn remove(w: &Connection, engine: Engine) -> Result<u64> {
    let txn = begin(w).await?;
    if engine == Engine::Postgres {
        // A scan that found a text in place and has not stored its event yet must not lose it: it holds this table.
        lock_manifests(&txn).await?;
    }
    let unused = manifest::COLUMN.id.in_subquery(unused());
    let removed = manifest::Entity::delete_many().filter(unused).exec(&txn).await?.rows_affected;
    txn.commit().await?;
    Ok(removed)
}
