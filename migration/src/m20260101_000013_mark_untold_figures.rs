use sea_orm_migration::prelude::*;

use super::statements;

/// Which figures a forge has told. The counts stay numbers, as existing clients expect them; 0 stands for what is not known.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE repositorymetrics ADD COLUMN forks_known BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE repositorymetrics ADD COLUMN watchers_known BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE repositorymetrics ADD COLUMN open_issues_known BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE repositorymetrics ADD COLUMN size_known BOOLEAN NOT NULL DEFAULT TRUE",
    // A zero that is stored may stand for either; the next look at the forge tells. Searches of every forge leave watchers
    // out, GitLab may leave out the others too.
    "UPDATE repositorymetrics SET watchers_known = FALSE WHERE watchers_count = 0",
    "UPDATE repositorymetrics SET forks_known = (forks_count <> 0), open_issues_known = (open_issues_count <> 0),
        size_known = (size <> 0)
        WHERE repository_id IN (SELECT id FROM repository WHERE provider = 'gitlab')",
];

const DOWN: &[&str] = &[
    "ALTER TABLE repositorymetrics DROP COLUMN forks_known",
    "ALTER TABLE repositorymetrics DROP COLUMN watchers_known",
    "ALTER TABLE repositorymetrics DROP COLUMN open_issues_known",
    "ALTER TABLE repositorymetrics DROP COLUMN size_known",
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
