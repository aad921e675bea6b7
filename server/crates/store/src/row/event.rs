use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{hex, json};
use crate::db::Result;
use entity::kind::EventType;
use entity::view::{Event, Timestamp};

/// An event with its commit and its repository's name.
#[derive(Debug, FromQueryResult)]
pub(crate) struct EventRow {
    id: Uuid,
    event_type: EventType,
    event_timestamp: Timestamp,
    resource_name: String,
    resource_namespace: Option<String>,
    resource_namespace_inherited: Option<String>,
    resource_kind: String,
    resource_api_version: String,
    file_path: String,
    changes_detected: String,
    sync_run_id: Uuid,
    repository_id: Uuid,
    repository_full_name: String,
    resource_id: Uuid,
    sha: Vec<u8>,
    subject: String,
    author_name: String,
    file_path_before: Option<String>,
    version_before: Option<String>,
    version_after: Option<String>,
    file_hash_before: Option<String>,
    file_hash_after: Option<String>,
    changes: String,
    changes_total: i64,
    caused_by_resource_id: Option<Uuid>,
}

impl EventRow {
    /// Columns of this row; `e` is the event, `k` the commit, `r` the repository. The resource is looked
    /// up for each row: as one join more, PostgreSQL would read all of them for a page.
    pub(crate) const COLUMNS: &'static str = "e.id, e.event_type, e.event_timestamp, e.resource_name, \
        e.resource_namespace, (SELECT x.namespace_inherited FROM kubernetesresource x WHERE x.id = e.resource_id) \
        AS resource_namespace_inherited, e.resource_kind, e.resource_api_version, e.file_path, e.changes_detected, \
        e.sync_run_id, e.repository_id, r.full_name AS repository_full_name, e.resource_id, k.sha, k.subject, \
        k.author_name, e.file_path_before, e.version_before, e.version_after, e.file_hash_before, \
        e.file_hash_after, e.changes, e.changes_total, e.caused_by_resource_id";

    /// What an event is read with.
    pub(crate) const JOINS: &'static str = " JOIN repository r ON r.id = e.repository_id \
        JOIN \"commit\" k ON k.repository_id = e.repository_id AND k.sequence = e.sequence";

    pub(crate) fn into_view(self) -> Result<Event> {
        Ok(Event {
            id: self.id,
            event_type: self.event_type,
            event_timestamp: self.event_timestamp,
            resource_name: self.resource_name,
            resource_namespace: self.resource_namespace,
            resource_namespace_inherited: self.resource_namespace_inherited,
            resource_kind: self.resource_kind,
            resource_api_version: self.resource_api_version,
            file_path: self.file_path,
            changes_detected: json("event.changes_detected", &self.changes_detected)?,
            sync_run_id: self.sync_run_id,
            repository_id: self.repository_id,
            repository_full_name: self.repository_full_name,
            resource_id: self.resource_id,
            commit: hex(&self.sha),
            commit_subject: self.subject,
            author_name: self.author_name,
            file_path_before: self.file_path_before,
            version_before: self.version_before,
            version_after: self.version_after,
            file_hash_before: self.file_hash_before,
            file_hash_after: self.file_hash_after,
            changes: json("event.changes", &self.changes)?,
            changes_total: self.changes_total,
            caused_by_resource_id: self.caused_by_resource_id,
        })
    }
}
