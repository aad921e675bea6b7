//! The schema's history, for SQLite and PostgreSQL alike. Knows nothing of the entities: history must not
//! move when they do.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// Every step in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![]
    }
}
