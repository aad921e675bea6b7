use sea_orm_migration::prelude::*;

use super::statements;

/// Mails that are to be sent, and whether an account was told that a token of it ends soon.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // Written with what it tells of, so that neither is there without the other. `sealed` may hold a link, and goes with the
    // last try.
    "CREATE TABLE mail (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        account_id UUID REFERENCES account (id) ON DELETE CASCADE,
        recipient TEXT NOT NULL,
        sealed BYTEA,
        created_at TIMESTAMPTZ NOT NULL,
        attempts INTEGER NOT NULL,
        next_try_at TIMESTAMPTZ,
        ended_at TIMESTAMPTZ,
        error TEXT
    )",
    "CREATE INDEX mail_by_next_try ON mail (next_try_at)",
    "CREATE INDEX mail_by_account ON mail (account_id)",
    "CREATE INDEX mail_by_recipient ON mail (recipient, created_at)",
    "ALTER TABLE api_token ADD COLUMN expiry_told_at TIMESTAMPTZ",
];

const DOWN: &[&str] = &["ALTER TABLE api_token DROP COLUMN expiry_told_at", "DROP TABLE mail"];

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
