//! Texts that nothing refers to any more: their repository was deleted, or its history rewritten.

use crate::db::sql::Sql;
use crate::db::{Connection, Db, Engine, Result, begin};

/// Sorting three lists, which both engines do within bounded memory: neither has an index by text.
const UNUSED: &str = "SELECT id FROM manifest EXCEPT SELECT blob FROM kubernetesresourceevent WHERE blob IS NOT NULL \
                      EXCEPT SELECT blob FROM kubernetesresource";

/// Removes them; how many there were. Others may scan meanwhile: they wait for a moment, and only if there are any.
pub async fn remove_unused_manifests(db: &Db) -> Result<u64> {
    if Sql::new(&format!("{UNUSED} LIMIT 1")).row(&db.read).await?.is_none() {
        return Ok(0);
    }
    remove(&db.write, db.engine).await
}

async fn remove(w: &Connection, engine: Engine) -> Result<u64> {
    let txn = begin(w).await?;
    if engine == Engine::Postgres {
        // A scan that found a text in place and has not stored its event yet must not lose it: it holds this table.
        Sql::new("LOCK TABLE manifest IN SHARE ROW EXCLUSIVE MODE").run(&txn).await?;
    }
    let removed = Sql::new(&format!("DELETE FROM manifest WHERE id IN ({UNUSED})")).run(&txn).await?.rows_affected();
    txn.commit().await?;
    Ok(removed)
}
