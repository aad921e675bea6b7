use sea_orm_migration::prelude::*;

use super::statements;

/// Wrong codes are counted for each account, and a session knows every refresh token that it ever gave.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // Wrong codes in a row, over all processes and doors. A code counts where the password was right after `codes_after`.
    "ALTER TABLE account ADD COLUMN wrong_codes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE account ADD COLUMN codes_after TIMESTAMPTZ",
    // Of what all refresh tokens of a session have in common: one that is not the last was used before.
    "ALTER TABLE session ADD COLUMN family_hash BYTEA",
    "CREATE INDEX session_by_family ON session (family_hash)",
    // Whoever changed something a moment ago reads it where it was written, not from a replica.
    "ALTER TABLE session ADD COLUMN changed_at TIMESTAMPTZ",
    "ALTER TABLE api_token ADD COLUMN changed_at TIMESTAMPTZ",
];

const DOWN: &[&str] = &[
    "ALTER TABLE api_token DROP COLUMN changed_at",
    "ALTER TABLE session DROP COLUMN changed_at",
    "DROP INDEX session_by_family",
    "ALTER TABLE session DROP COLUMN family_hash",
    "ALTER TABLE account DROP COLUMN codes_after",
    "ALTER TABLE account DROP COLUMN wrong_codes",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, DOWN).await
    }
}
