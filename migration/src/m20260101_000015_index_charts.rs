use sea_orm_migration::prelude::*;

use super::statements;

/// Who installs a chart, over all repositories.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let up = ["CREATE INDEX resource_chart_by_chart ON resource_chart (name, resource_id)"];
        statements::run(manager, &up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, &["DROP INDEX IF EXISTS resource_chart_by_chart"]).await
    }
}
