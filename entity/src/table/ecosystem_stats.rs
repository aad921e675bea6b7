use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::value::{JsonText, StoredTimestamp};

/// All repositories together at the end of one day, UTC.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ecosystemstats")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `YYYY-MM-DD`.
    #[sea_orm(unique)]
    pub day: String,
    pub total_repositories: i64,
    pub active_repositories: i64,
    pub repositories_with_resources: i64,
    pub measured_repositories: i64,
    pub total_resources: i64,
    pub active_resources: i64,
    pub total_resource_events: i64,
    pub daily_created_resources: i64,
    pub daily_modified_resources: i64,
    pub daily_deleted_resources: i64,
    pub daily_resurrected_resources: i64,
    pub total_stars: i64,
    pub total_forks: i64,
    pub total_watchers: i64,
    pub total_open_issues: i64,
    pub repository_growth: i64,
    pub resource_growth: i64,
    pub star_growth: i64,
    pub resource_type_breakdown: JsonText<BTreeMap<String, i64>>,
    pub popular_helm_charts: JsonText<BTreeMap<String, i64>>,
    /// Nothing where nobody looked on that day.
    pub language_breakdown: Option<JsonText<BTreeMap<String, i64>>>,
    pub popular_topics: Option<JsonText<BTreeMap<String, i64>>>,
    pub calculated_at: StoredTimestamp,
    pub calculation_duration_seconds: f64,
    pub active_helm_releases: i64,
    pub repositories_with_known_issues: i64,
}

impl ActiveModelBehavior for ActiveModel {}
