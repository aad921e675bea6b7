use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

use super::statements;

/// Finds a part of a name or path among all resources without reading them all: trigrams on both engines.
#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE_UP: &[&str] = &[
    "CREATE VIRTUAL TABLE resource_search USING fts5(search, content='kubernetesresource', content_rowid='number',
        tokenize='trigram case_sensitive 1', detail='none', columnsize=0)",
    "INSERT INTO resource_search (resource_search) VALUES ('rebuild')",
    "CREATE TRIGGER resource_search_insert AFTER INSERT ON kubernetesresource BEGIN
        INSERT INTO resource_search (rowid, search) VALUES (new.number, new.search);
    END",
    "CREATE TRIGGER resource_search_update AFTER UPDATE OF search ON kubernetesresource
    WHEN old.search <> new.search BEGIN
        INSERT INTO resource_search (resource_search, rowid, search) VALUES ('delete', old.number, old.search);
        INSERT INTO resource_search (rowid, search) VALUES (new.number, new.search);
    END",
    "CREATE TRIGGER resource_search_delete AFTER DELETE ON kubernetesresource BEGIN
        INSERT INTO resource_search (resource_search, rowid, search) VALUES ('delete', old.number, old.search);
    END",
];

const SQLITE_DOWN: &[&str] = &[
    "DROP TRIGGER IF EXISTS resource_search_delete",
    "DROP TRIGGER IF EXISTS resource_search_update",
    "DROP TRIGGER IF EXISTS resource_search_insert",
    "DROP TABLE IF EXISTS resource_search",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if statements::is_sqlite(manager) {
            return statements::run(manager, SQLITE_UP).await;
        }
        // An owner of the database may make this extension; where it isn't installed, search works without its speed.
        let connection = manager.get_connection();
        let available = connection
            .query_one_raw(Statement::from_string(
                manager.get_database_backend(),
                "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'",
            ))
            .await?
            .is_some();
        if available {
            let statements = [
                "CREATE EXTENSION IF NOT EXISTS pg_trgm",
                "CREATE INDEX kubernetesresource_search ON kubernetesresource USING gin (search gin_trgm_ops)",
            ];
            statements::run(manager, &statements).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if statements::is_sqlite(manager) {
            return statements::run(manager, SQLITE_DOWN).await;
        }
        statements::run(manager, &["DROP INDEX IF EXISTS kubernetesresource_search"]).await
    }
}
