use sea_orm_migration::prelude::*;

use super::statements;

/// Charts, values and images that repositories use, as spans of history. Every repository is scanned anew for them.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE chart (id BIGINT PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL)",
    "CREATE UNIQUE INDEX chart_by_key ON chart (key)",
    "CREATE TABLE chart_source (
        id BIGINT PRIMARY KEY,
        key TEXT NOT NULL,
        url TEXT NOT NULL,
        chart_id BIGINT NOT NULL REFERENCES chart (id)
    )",
    "CREATE UNIQUE INDEX chart_source_by_key ON chart_source (key)",
    "CREATE INDEX chart_source_by_chart ON chart_source (chart_id)",
    "CREATE TABLE chart_alias (
        alias TEXT NOT NULL,
        chart_id BIGINT NOT NULL REFERENCES chart (id),
        PRIMARY KEY (alias, chart_id)
    )",
    "CREATE INDEX chart_alias_by_chart ON chart_alias (chart_id)",
    "CREATE TABLE chart_release (
        id BIGINT PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        first_sequence BIGINT NOT NULL
    )",
    "CREATE INDEX chart_release_by_repository ON chart_release (repository_id, first_sequence)",
    "CREATE TABLE chart_use (
        id BIGINT PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        release_id BIGINT NOT NULL REFERENCES chart_release (id) ON DELETE CASCADE,
        chart_id BIGINT REFERENCES chart (id),
        source_id BIGINT REFERENCES chart_source (id),
        file_path TEXT NOT NULL,
        document TEXT NOT NULL,
        part INTEGER,
        kind TEXT NOT NULL,
        name TEXT,
        release_name TEXT,
        namespace TEXT,
        chart_name TEXT,
        source_url TEXT,
        version TEXT,
        version_kind TEXT NOT NULL,
        digest TEXT,
        how TEXT NOT NULL,
        reason TEXT,
        by_name BOOLEAN NOT NULL,
        rendered TEXT NOT NULL,
        values_resolved INTEGER NOT NULL,
        values_missing INTEGER NOT NULL,
        values_secret INTEGER NOT NULL,
        from_sequence BIGINT NOT NULL,
        from_time BIGINT NOT NULL,
        to_sequence BIGINT,
        to_time BIGINT
    )",
    "CREATE INDEX chart_use_by_chart ON chart_use (chart_id, to_time, from_time, repository_id)",
    "CREATE INDEX chart_use_by_repository ON chart_use (repository_id, from_sequence)",
    // What a repository has now is counted after every scan, and history is mostly what went.
    "CREATE INDEX chart_use_open ON chart_use (repository_id) WHERE to_time IS NULL",
    "CREATE INDEX chart_use_by_release ON chart_use (release_id, from_sequence)",
    "CREATE INDEX chart_use_by_source ON chart_use (source_id)",
    "CREATE TABLE value_path (id BIGINT PRIMARY KEY, path TEXT NOT NULL)",
    "CREATE TABLE image (id BIGINT PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE UNIQUE INDEX image_by_name ON image (name)",
    "CREATE TABLE image_use (
        id BIGINT PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        release_id BIGINT REFERENCES chart_release (id) ON DELETE CASCADE,
        chart_id BIGINT REFERENCES chart (id),
        place TEXT NOT NULL,
        file_path TEXT NOT NULL,
        document TEXT NOT NULL,
        kind TEXT,
        name TEXT,
        path TEXT NOT NULL,
        ordinal INTEGER NOT NULL,
        state TEXT NOT NULL,
        image_id BIGINT REFERENCES image (id),
        tag TEXT,
        digest TEXT,
        from_sequence BIGINT NOT NULL,
        from_time BIGINT NOT NULL,
        to_sequence BIGINT,
        to_time BIGINT
    )",
    "CREATE INDEX image_use_by_repository ON image_use (repository_id, from_sequence)",
    "CREATE INDEX image_use_open ON image_use (repository_id) WHERE to_time IS NULL",
    "CREATE INDEX image_use_by_release ON image_use (release_id)",
    "CREATE TABLE use_commit (
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        sequence BIGINT NOT NULL,
        sha BYTEA NOT NULL,
        time BIGINT NOT NULL,
        PRIMARY KEY (repository_id, sequence)
    )",
];

/// On SQLite the rows lie in their key: they are read by it, and there are a million of them.
const VALUES: &str = "CREATE TABLE chart_value (
        release_id BIGINT NOT NULL REFERENCES chart_release (id) ON DELETE CASCADE,
        path_id BIGINT NOT NULL REFERENCES value_path (id),
        ordinal INTEGER NOT NULL,
        from_sequence BIGINT NOT NULL,
        from_time BIGINT NOT NULL,
        to_sequence BIGINT,
        to_time BIGINT,
        chart_id BIGINT REFERENCES chart (id),
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        masked BOOLEAN NOT NULL,
        file_path TEXT,
        line INTEGER NOT NULL,
        PRIMARY KEY (release_id, path_id, ordinal, from_sequence)
    )";

/// Of a past day it is read for what was set and by how many: on SQLite from the index alone, as the rows lie far apart.
const VALUES_BY_CHART: &str =
    "CREATE INDEX chart_value_by_chart ON chart_value (chart_id, path_id, to_time, from_time{text})";
/// All images are asked for at once, of past days too.
const IMAGES_BY_IMAGE: &str =
    "CREATE INDEX image_use_by_image ON image_use (image_id, to_time, from_time, repository_id{text})";
/// What most people set is asked for most, and of today. Values may be longer than PostgreSQL's indexes hold.
const OPEN_VALUES: &str =
    "CREATE INDEX chart_value_open ON chart_value (chart_id, path_id, {text}masked, kind, release_id, to_time)
        WHERE to_time IS NULL";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await?;
        let is_sqlite = statements::is_sqlite(manager);
        let end = if is_sqlite { " WITHOUT ROWID" } else { "" };
        let open = OPEN_VALUES.replace("{text}", if is_sqlite { "text, " } else { "" });
        let by_chart =
            VALUES_BY_CHART.replace("{text}", if is_sqlite { ", release_id, masked, kind, text" } else { "" });
        let images = IMAGES_BY_IMAGE.replace("{text}", if is_sqlite { ", tag, digest" } else { "" });
        // `open` is made last: of two indexes that hold what is asked for, SQLite takes the one made last.
        // Paths may be longer than PostgreSQL's usual indexes hold.
        let using = if is_sqlite { "" } else { " USING hash" };
        let paths = format!("CREATE INDEX value_path_by_path ON value_path{using} (path)");
        statements::run(manager, &[&paths, &format!("{VALUES}{end}"), &by_chart, &images, &open]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "chart_value",
            "image_use",
            "image",
            "value_path",
            "chart_use",
            "chart_release",
            "chart_alias",
            "chart_source",
            "chart",
            "use_commit",
        ];
        statements::drop_tables(manager, &tables).await
    }
}
