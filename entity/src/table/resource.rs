use sea_orm::entity::prelude::*;

use crate::kind::ResourceStatus;
use crate::value::{ObjectId, StoredTimestamp};

/// A Kubernetes resource as it stands at the head, or stood when it was deleted. SQLite's table has a column more, `number`,
/// which only its search index refers to.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kubernetesresource")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub api_version: String,
    /// Empty for the core group.
    pub api_group: String,
    pub kind: String,
    pub name: String,
    /// As written.
    pub namespace: Option<String>,
    /// As a kustomization above sets it.
    pub namespace_inherited: Option<String>,
    pub file_path: String,
    /// What text is looked for in: lower case.
    pub search: String,
    /// Of the document as it is meant: layout and comments change nothing.
    pub file_hash: String,
    pub version: Option<String>,
    pub status: ResourceStatus,
    /// The file that it was last read from, and the lines of its document.
    pub blob: ObjectId,
    pub line_start: i32,
    pub line_end: i32,
    pub created_at: StoredTimestamp,
    pub updated_at: StoredTimestamp,
    pub deleted_at: Option<StoredTimestamp>,
    /// The place of the commit that brought it on the first-parent line.
    pub first_sequence: i64,
    /// The commit that changed it last.
    pub commit_sha: ObjectId,
    pub source_kind: Option<String>,
    pub source_name: Option<String>,
    pub source_namespace: Option<String>,
    pub chart_name: Option<String>,
    pub chart_url: Option<String>,
    pub events: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "blob", to = "id", skip_fk)]
    pub manifest: BelongsTo<super::manifest::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
