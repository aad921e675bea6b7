//! The schema's history, for SQLite and PostgreSQL alike. Knows nothing of the entities: history must not
//! move when they do.
#![allow(clippy::disallowed_methods, reason = "what a migration did must stay as it was done: in statements as text")]

mod m20260101_000001_create_repository;
mod m20260101_000002_create_resource;
mod m20260101_000003_create_history;
mod m20260101_000004_create_manifest;
mod m20260101_000005_create_problem;
mod m20260101_000006_create_job;
mod m20260101_000007_search_resources;
mod m20260101_000008_complete_jobs;
mod m20260101_000009_create_discovery;
mod m20260101_000010_create_days;
mod m20260101_000011_count_releases;
mod m20260101_000012_create_outcome;
mod m20260101_000013_mark_untold_figures;
mod m20260101_000014_count_known_issues;
mod m20260101_000015_index_charts;
mod m20260101_000016_mark_scan_format;
mod m20260101_000017_count_helm_templates;
mod m20260101_000018_create_uses;
mod m20260101_000019_create_reference;
mod m20260101_000020_create_account;
mod m20260101_000021_mark_changes;
mod m20260101_000022_trace_jobs;
mod m20260101_000024_create_mail;
mod m20260101_000025_count_codes;
mod m20260101_000026_create_watch;
mod m20260101_000027_follow_runs;
mod m20260101_000028_mark_facts;
mod m20260101_000029_note_variables;
mod m20260101_000031_keep_reloads;
mod m20260101_000032_ask_spans;
mod m20260101_000033_note_image_variables;
mod m20260101_000034_confirm_addresses;
mod m20260101_000035_scan_branches;
mod statements;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// Every step in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_create_repository::Migration),
            Box::new(m20260101_000002_create_resource::Migration),
            Box::new(m20260101_000003_create_history::Migration),
            Box::new(m20260101_000004_create_manifest::Migration),
            Box::new(m20260101_000005_create_problem::Migration),
            Box::new(m20260101_000006_create_job::Migration),
            Box::new(m20260101_000007_search_resources::Migration),
            Box::new(m20260101_000008_complete_jobs::Migration),
            Box::new(m20260101_000009_create_discovery::Migration),
            Box::new(m20260101_000010_create_days::Migration),
            Box::new(m20260101_000011_count_releases::Migration),
            Box::new(m20260101_000012_create_outcome::Migration),
            Box::new(m20260101_000013_mark_untold_figures::Migration),
            Box::new(m20260101_000014_count_known_issues::Migration),
            Box::new(m20260101_000015_index_charts::Migration),
            Box::new(m20260101_000016_mark_scan_format::Migration),
            Box::new(m20260101_000017_count_helm_templates::Migration),
            Box::new(m20260101_000018_create_uses::Migration),
            Box::new(m20260101_000019_create_reference::Migration),
            Box::new(m20260101_000020_create_account::Migration),
            Box::new(m20260101_000021_mark_changes::Migration),
            Box::new(m20260101_000022_trace_jobs::Migration),
            Box::new(m20260101_000024_create_mail::Migration),
            Box::new(m20260101_000025_count_codes::Migration),
            Box::new(m20260101_000026_create_watch::Migration),
            Box::new(m20260101_000027_follow_runs::Migration),
            Box::new(m20260101_000028_mark_facts::Migration),
            Box::new(m20260101_000029_note_variables::Migration),
            Box::new(m20260101_000031_keep_reloads::Migration),
            Box::new(m20260101_000032_ask_spans::Migration),
            Box::new(m20260101_000033_note_image_variables::Migration),
            Box::new(m20260101_000034_confirm_addresses::Migration),
            Box::new(m20260101_000035_scan_branches::Migration),
        ]
    }
}
