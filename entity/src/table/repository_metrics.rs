use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// What a forge told of a repository at one time. Where a number is not known it is 0 and its `_known` false.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repositorymetrics")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub stars_count: i64,
    pub forks_count: i64,
    pub watchers_count: i64,
    pub open_issues_count: i64,
    /// Kilobytes, as forges count them.
    pub size: i64,
    pub kubernetes_resources_count: i64,
    pub updated_at: StoredTimestamp,
    pub pushed_at: Option<StoredTimestamp>,
    pub recorded_at: StoredTimestamp,
    pub forks_known: bool,
    pub watchers_known: bool,
    pub open_issues_known: bool,
    pub size_known: bool,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
