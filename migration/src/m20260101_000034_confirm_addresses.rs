use sea_orm_migration::prelude::*;

use super::statements;

/// Links by which people show that a new e-mail address is theirs: which address it is.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &["ALTER TABLE one_time_link ADD COLUMN email TEXT"];

/// A program of before knows neither links nor mails of this kind, and can't show a log with words that it does not know.
const DOWN: &[&str] = &[
    "DELETE FROM one_time_link WHERE kind = 'address'",
    "DELETE FROM mail WHERE kind = 'address'",
    "UPDATE audit_entry SET action = 'change_account' WHERE action IN ('ask_address_change', 'cancel_address_change')",
    "ALTER TABLE one_time_link DROP COLUMN email",
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
