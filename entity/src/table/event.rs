use sea_orm::entity::prelude::*;

use crate::kind::EventType;
use crate::value::{JsonText, ObjectId, StoredTimestamp};
use crate::view::FieldChange;

/// A change of one resource by one commit. Ids begin with the commit's time: ordered by id is ordered by time.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kubernetesresourceevent")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub resource_id: Uuid,
    pub repository_id: Uuid,
    pub sequence: i64,
    /// The scan that stored it.
    pub sync_run_id: Uuid,
    pub event_type: EventType,
    pub event_timestamp: StoredTimestamp,
    pub resource_api_version: String,
    pub resource_kind: String,
    pub resource_name: String,
    pub resource_namespace: Option<String>,
    pub file_path: String,
    pub file_path_before: Option<String>,
    pub file_hash_before: Option<String>,
    pub file_hash_after: Option<String>,
    pub version_before: Option<String>,
    pub version_after: Option<String>,
    pub version_changed: bool,
    /// Tags, then the paths of changed fields.
    pub changes_detected: JsonText<Vec<String>>,
    pub changes: JsonText<Vec<FieldChange>>,
    /// All changed fields, also those beyond what `changes` keeps.
    pub changes_total: i64,
    /// The file after the change, and the lines of the document; nothing for a deletion.
    pub blob: Option<ObjectId>,
    pub line_start: Option<i32>,
    pub line_end: Option<i32>,
    /// The source whose change this is, where the manifest itself stayed the same.
    pub caused_by_resource_id: Option<Uuid>,
    #[sea_orm(belongs_to, from = "resource_id", to = "id", on_delete = "Cascade")]
    pub resource: BelongsTo<super::resource::Entity>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", skip_fk)]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "(repository_id, sequence)", to = "(repository_id, sequence)", skip_fk)]
    pub commit: BelongsTo<super::commit::Entity>,
    #[sea_orm(belongs_to, from = "blob", to = "id", skip_fk)]
    pub manifest: BelongsTo<Option<super::manifest::Entity>>,
    #[sea_orm(belongs_to, from = "sync_run_id", to = "id", skip_fk)]
    pub scan_run: BelongsTo<super::scan_run::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
