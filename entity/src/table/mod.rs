//! The tables as they are stored, one entity each, named after the thing; `crate::view` has what is shown of them. Seen by
//! questions and writes only. `tests/it/tables.rs` compares each with the migrated database.

pub mod commit;
pub mod day_total;
pub mod discovery_reject;
pub mod discovery_run;
pub mod discovery_seen;
pub mod ecosystem_stats;
pub mod event;
pub mod facet_total;
pub mod forge_answer;
pub mod forge_budget;
pub mod forge_spending;
pub mod group_total;
pub mod job;
pub mod job_log;
pub mod manifest;
pub mod outcome;
pub mod problem;
pub mod repository;
pub mod repository_day;
pub mod repository_facet;
pub mod repository_metrics;
pub mod resource;
pub mod resource_chart;
pub mod resource_data;
pub mod resource_image;
pub mod resource_reference;
pub mod scan_run;
pub mod schedule;
pub mod stale_day;
pub mod tombstone;
pub mod worker;
