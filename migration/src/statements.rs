//! Steps are written as SQL once, in PostgreSQL's words for types; SQLite gets its own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// PostgreSQL's types and what stands for them on SQLite: ids and hashes as bytes, times as text that sorts.
const TYPES: &[(&str, &str)] = &[(" UUID", " BLOB"), (" BYTEA", " BLOB"), (" TIMESTAMPTZ", " TEXT")];

/// Whether the step runs on SQLite.
pub fn is_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DbBackend::Sqlite
}

/// Runs statements in order.
pub async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let sqlite = is_sqlite(manager);
    for statement in statements {
        let text = if sqlite {
            TYPES.iter().fold((*statement).to_owned(), |text, (postgres, lite)| text.replace(postgres, lite))
        } else {
            // Bytes decide the order of text, as on SQLite, whatever the database's own language is.
            statement.replace(" TEXT", " TEXT COLLATE \"C\"")
        };
        manager.get_connection().execute_unprepared(&text).await?;
    }
    Ok(())
}

/// Drops tables in order.
pub async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    Ok(())
}
