use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::kind::{ChartResolution, ChartUseKind, Renderer, UnresolvedReason, VersionKind};
use crate::value::JsonText;

/// A release while nothing about it but its values changes: from a commit, to a commit.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart_use")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub repository_id: Uuid,
    pub release_id: i64,
    /// Nothing where it is not known where the chart comes from.
    pub chart_id: Option<i64>,
    pub source_id: Option<i64>,
    /// Of the document, as resources say it: `path` or `path#1`.
    pub file_path: String,
    /// The document's number by the rules of counting.
    pub document: String,
    pub part: Option<i32>,
    pub kind: ChartUseKind,
    pub name: Option<String>,
    /// Helm's name.
    pub release_name: Option<String>,
    pub namespace: Option<String>,
    pub chart_name: Option<String>,
    pub source_url: Option<String>,
    pub version: Option<String>,
    pub version_kind: VersionKind,
    pub digest: Option<String>,
    pub how: ChartResolution,
    pub reason: Option<UnresolvedReason>,
    pub by_name: bool,
    pub rendered: Renderer,
    pub values_resolved: i32,
    pub values_missing: i32,
    pub values_secret: i32,
    /// What the variables stand for that the values name, as far as the repository says so.
    pub variables: Option<JsonText<BTreeMap<String, String>>>,
    pub from_sequence: i64,
    /// Seconds since 1970, as all times of spans: there are a million of them.
    pub from_time: i64,
    /// The first commit without it; nothing while it is there.
    pub to_sequence: Option<i64>,
    pub to_time: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "release_id", to = "id", on_delete = "Cascade")]
    pub release: BelongsTo<super::chart_release::Entity>,
    #[sea_orm(belongs_to, from = "chart_id", to = "id")]
    pub chart: BelongsTo<Option<super::chart::Entity>>,
    #[sea_orm(belongs_to, from = "source_id", to = "id")]
    pub source: BelongsTo<Option<super::chart_source::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
