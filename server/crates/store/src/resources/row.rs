use sea_orm::DerivePartialModel;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::db::{Result, text};
use entity::input::{KnownResource, SourceRef, TextPlace};
use entity::kind::ResourceStatus;
use entity::table::{commit, event, manifest, repository, resource, resource_data};
use entity::value::{JsonText, ObjectId};
use entity::view::{Resource, Timestamp, VersionText};

/// A resource with its repository's name.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
pub(crate) struct ResourceRow {
    id: Uuid,
    repository_id: Uuid,
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    file_path: String,
    file_hash: String,
    version: Option<String>,
    status: ResourceStatus,
    line_start: i32,
    line_end: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
    commit_sha: ObjectId,
    chart_name: Option<String>,
    chart_url: Option<String>,
    events: i64,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository_full_name: String,
}

impl ResourceRow {
    pub(crate) fn into_view(self, data: Option<Value>) -> Resource {
        let same_as_written = self.namespace_inherited == self.namespace;
        Resource {
            id: self.id,
            repository_id: self.repository_id,
            api_version: self.api_version,
            kind: self.kind,
            name: self.name,
            namespace_inherited: self.namespace_inherited.filter(|_| !same_as_written),
            namespace: self.namespace,
            file_path: self.file_path,
            file_hash: self.file_hash,
            version: self.version,
            data: data.filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new())),
            status: self.status,
            created_at: self.created_at,
            updated_at: self.updated_at,
            repository_full_name: self.repository_full_name,
            deleted_at: self.deleted_at,
            chart_name: self.chart_name,
            chart_url: self.chart_url,
            line_start: self.line_start,
            line_end: self.line_end,
            commit: self.commit_sha.to_string(),
            events: self.events,
        }
    }
}

/// The same with its `spec`.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
pub(crate) struct FullResourceRow {
    #[sea_orm(nested)]
    resource: ResourceRow,
    #[sea_orm(from_expr = "resource_data::Column::Data")]
    data: Option<JsonText<Value>>,
}

impl FullResourceRow {
    pub(crate) fn into_view(self) -> Resource {
        self.resource.into_view(self.data.map(|data| data.0))
    }
}

/// What a replay needs of a resource.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "resource::Entity")]
pub(crate) struct KnownRow {
    id: Uuid,
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
    namespace_inherited: Option<String>,
    file_path: String,
    file_hash: String,
    version: Option<String>,
    status: ResourceStatus,
    blob: ObjectId,
    line_start: i32,
    line_end: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
    first_sequence: i64,
    commit_sha: ObjectId,
    source_kind: Option<String>,
    source_name: Option<String>,
    source_namespace: Option<String>,
    chart_name: Option<String>,
    chart_url: Option<String>,
}

impl KnownRow {
    pub(crate) fn into_known(self) -> KnownResource {
        let source = match (self.source_kind, self.source_name) {
            (Some(kind), Some(name)) => Some(SourceRef { kind, name, namespace: self.source_namespace }),
            _ => None,
        };
        KnownResource {
            id: self.id,
            api_version: self.api_version,
            kind: self.kind,
            name: self.name,
            namespace: self.namespace,
            namespace_inherited: self.namespace_inherited,
            file_path: self.file_path,
            file_hash: self.file_hash,
            version: self.version,
            status: self.status,
            place: TextPlace { blob: self.blob, line_start: self.line_start, line_end: self.line_end },
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            first_sequence: self.first_sequence,
            commit: self.commit_sha,
            source,
            chart_name: self.chart_name,
            chart_url: self.chart_url,
        }
    }
}

/// An event's place and the manifest that it points to.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
pub(crate) struct TextRow {
    #[sea_orm(from_col = "id")]
    event_id: Uuid,
    #[sea_orm(from_expr = "commit::Column::Sha")]
    sha: ObjectId,
    file_path: String,
    blob: Option<ObjectId>,
    line_start: Option<i32>,
    line_end: Option<i32>,
    #[sea_orm(from_expr = "manifest::Column::Dictionary")]
    dictionary: Option<i16>,
    #[sea_orm(from_expr = "manifest::Column::Size")]
    size: Option<i64>,
    #[sea_orm(from_expr = "manifest::Column::Compressed")]
    compressed: Option<Vec<u8>>,
}

impl TextRow {
    /// Unpacks the manifest and cuts the document's lines out of it.
    pub(crate) fn into_view(self) -> Result<VersionText> {
        let line_start = self.line_start.unwrap_or(1).max(1);
        let (text, missing) = match (self.blob, self.dictionary, self.size, self.compressed) {
            (None, ..) => (String::new(), Some("The resource was deleted by this commit.".to_owned())),
            (Some(_), Some(dictionary), Some(size), Some(compressed)) => {
                let file = text::decompress(dictionary, &compressed, size)?;
                (cut_lines(&String::from_utf8_lossy(&file), line_start, self.line_end.unwrap_or(i32::MAX)), None)
            }
            (Some(blob), ..) => {
                let reason = format!("The text of this file (object {blob}) is not stored.");
                (String::new(), Some(reason))
            }
        };
        Ok(VersionText {
            event_id: self.event_id,
            commit: self.sha.to_string(),
            file_path: self.file_path,
            line_start,
            text,
            missing,
        })
    }
}

/// Lines `start` to `end` (from 1, inclusive) of a text, with the ends of lines as they are.
fn cut_lines(text: &str, start: i32, end: i32) -> String {
    let skip = usize::try_from(start.max(1) - 1).unwrap_or(0);
    let take = usize::try_from(i64::from(end) - i64::from(start.max(1)) + 1).unwrap_or(0);
    text.split_inclusive('\n').skip(skip).take(take).collect()
}

#[cfg(test)]
mod tests {
    use super::cut_lines;

    #[test]
    fn lines_are_cut_inclusively_and_beyond_the_end_is_nothing() {
        assert_eq!(cut_lines("a\nb\nc\n", 2, 3), "b\nc\n");
        assert_eq!(cut_lines("a\nb", 1, 9), "a\nb");
        assert_eq!(cut_lines("a\nb", 5, 9), "");
        assert_eq!(cut_lines("a\nb", 2, 1), "");
        assert_eq!(cut_lines("a\r\nb", 1, 1), "a\r\n");
    }
}
