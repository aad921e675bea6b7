use sea_orm::entity::prelude::*;

use crate::kind::ProblemClass;
use crate::value::{ObjectId, StoredTimestamp};

/// Why a file at the head gave no resources, or fewer than it holds.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "problem")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub file_path: String,
    pub line: Option<i32>,
    pub column_number: Option<i32>,
    pub class: ProblemClass,
    pub message: String,
    pub commit_sha: ObjectId,
    pub since: StoredTimestamp,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
