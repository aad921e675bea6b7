//! Every entity against the migrated database: columns, keys, relations, and a row of each there and back.

use std::collections::{BTreeMap, BTreeSet};

use entity::table::*;
use entity::value::StoredTimestamp;
use sea_orm::sea_query::{ColumnType, ForeignKeyAction, StringLen, TableRef};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    PrimaryKeyToColumn, RelationDef, RelationTrait, Statement, TryIntoModel, Value,
};
use store::db::{Db, Engine};
use uuid::Uuid;

use crate::support::{on_each_engine, time};

/// What stands in the database and is no table of ours: the migrations' own, and SQLite's search index with its parts.
const OTHERS: &[&str] = &[
    "seaql_migrations",
    "resource_search",
    "resource_search_config",
    "resource_search_data",
    "resource_search_docsize",
    "resource_search_idx",
];

/// What a table is, as far as both sides can tell.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name, type in the engine's words, whether it may be NULL.
    columns: BTreeSet<(String, String, bool)>,
    key: BTreeSet<String>,
    /// Column, table and column that it refers to, what becomes of the row when that one goes.
    references: BTreeSet<(String, String, String, String)>,
}

/// Does something for each entity, those that others refer to first.
macro_rules! for_each_entity {
    ($do:ident) => {
        for_each_entity!($do: repository repository_metrics repository_facet repository_day scan_run manifest resource
            resource_data resource_image reference commit event problem job job_log schedule worker
            tombstone forge_answer forge_budget forge_spending discovery_run discovery_seen discovery_reject day_total
            facet_total group_total stale_day ecosystem_stats outcome chart chart_source chart_alias chart_release chart_use
            value_path chart_value image image_use use_commit repository_change role account account_identity recovery_code
             session api_token one_time_link audit_entry sealed_secret mail watch branch branch_event trigger trigger_day
             delivery delivery_attempt webhook_receipt config_reload)
    };
    ($do:ident: $($name:ident)+) => {{ $($do!($name);)+ }};
}

/// The word that an engine has for a type.
fn stored_as(column: &ColumnType, engine: Engine) -> &'static str {
    let (lite, postgres) = match column {
        ColumnType::Uuid => ("BLOB", "uuid"),
        ColumnType::VarBinary(_) => ("BLOB", "bytea"),
        ColumnType::TimestampWithTimeZone => ("TEXT", "timestamp with time zone"),
        ColumnType::String(_) | ColumnType::Text => ("TEXT", "text"),
        ColumnType::SmallInteger => ("SMALLINT", "smallint"),
        ColumnType::Integer => ("INTEGER", "integer"),
        ColumnType::BigInteger => ("BIGINT", "bigint"),
        ColumnType::Boolean => ("BOOLEAN", "boolean"),
        ColumnType::Double => ("DOUBLE PRECISION", "double precision"),
        other => panic!("no column is stored as {other:?}"),
    };
    if engine == Engine::Sqlite { lite } else { postgres }
}

fn described<E: EntityTrait>(engine: Engine) -> (String, Table) {
    let name_of = |table: &TableRef| table.sea_orm_table().to_string();
    let reference = |relation: RelationDef| {
        let action = match relation.on_delete {
            Some(ForeignKeyAction::Cascade) => "CASCADE",
            None => "NO ACTION",
            other => panic!("{}: {other:?}", name_of(&relation.from_tbl)),
        };
        let from: Vec<String> = relation.from_col.into_iter().map(|column| column.to_string()).collect();
        let to: Vec<String> = relation.to_col.into_iter().map(|column| column.to_string()).collect();
        (from.join(", "), name_of(&relation.to_tbl), to.join(", "), action.to_owned())
    };
    let column = |column: E::Column| {
        let definition = column.def();
        let kind = stored_as(definition.get_column_type(), engine).to_owned();
        (column.as_str().to_owned(), kind, definition.is_null())
    };
    let table = Table {
        columns: E::Column::iter().map(column).collect(),
        key: E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect(),
        references: E::Relation::iter()
            .map(|relation| relation.def())
            .filter(|relation| !relation.is_owner && !relation.skip_fk)
            .map(reference)
            .collect(),
    };
    (E::default().table_name().to_owned(), table)
}

/// What the database says of its tables.
async fn stored(db: &Db) -> BTreeMap<String, Table> {
    #[derive(FromQueryResult)]
    struct Column {
        table_name: String,
        name: String,
        kind: String,
        nullable: bool,
        of_key: bool,
    }
    #[derive(FromQueryResult)]
    struct Reference {
        table_name: String,
        name: String,
        parent: String,
        parent_column: String,
        on_delete: String,
    }
    let (columns, references) = match db.engine {
        Engine::Sqlite => (
            "SELECT m.name AS table_name, p.name, p.type AS kind, p.\"notnull\" = 0 AND p.pk = 0 AS nullable, \
             p.pk > 0 AS of_key FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
            "SELECT m.name AS table_name, f.\"from\" AS name, f.\"table\" AS parent, f.\"to\" AS parent_column, f.on_delete \
             FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        ),
        Engine::Postgres => (
            "SELECT c.table_name::text, c.column_name::text AS name, c.data_type::text AS kind, \
             c.is_nullable = 'YES' AS nullable, EXISTS (SELECT 1 FROM information_schema.table_constraints t \
             JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name) \
             WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema AND k.table_name = c.table_name \
             AND k.column_name = c.column_name) AS of_key FROM information_schema.columns c WHERE c.table_schema = 'public'",
            "SELECT k.table_name::text, k.column_name::text AS name, u.table_name::text AS parent, \
             u.column_name::text AS parent_column, r.delete_rule::text AS on_delete \
             FROM information_schema.referential_constraints r \
             JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name) \
             JOIN information_schema.constraint_column_usage u USING (constraint_schema, constraint_name) \
             WHERE r.constraint_schema = 'public'",
        ),
    };
    let backend = db.read.get_database_backend();
    let mut tables = BTreeMap::<String, Table>::new();
    for row in db.read.query_all_raw(Statement::from_string(backend, columns)).await.unwrap() {
        let column = Column::from_query_result(&row, "").unwrap();
        let table = tables.entry(column.table_name).or_default();
        if column.of_key {
            table.key.insert(column.name.clone());
        }
        table.columns.insert((column.name, column.kind, column.nullable));
    }
    for row in db.read.query_all_raw(Statement::from_string(backend, references)).await.unwrap() {
        let row = Reference::from_query_result(&row, "").unwrap();
        let reference = (row.name, row.parent, row.parent_column, row.on_delete);
        tables.entry(row.table_name).or_default().references.insert(reference);
    }
    tables.retain(|name, _| !OTHERS.contains(&name.as_str()));
    tables
}

#[tokio::test]
async fn entities_are_the_tables_of_the_migrated_database() {
    on_each_engine(async |db| {
        let mut entities = BTreeMap::new();
        macro_rules! describe {
            ($name:ident) => {
                entities.extend([described::<$name::Entity>(db.engine)])
            };
        }
        for_each_entity!(describe);
        if db.engine == Engine::Sqlite {
            // A number for the search index to refer to; the id is unique beside it.
            let resource = entities.get_mut("kubernetesresource").unwrap();
            resource.columns.insert(("number".into(), "INTEGER".into(), false));
            resource.key = ["number".to_owned()].into();
        }
        let mut stored = stored(&db).await;
        for (name, entity) in entities {
            let table = stored.remove(&name).unwrap_or_else(|| panic!("{name} is no table"));
            assert_eq!(entity, table, "{name}");
        }
        assert!(stored.is_empty(), "without an entity: {:?}", stored.keys());
    })
    .await;
}

/// A value for a column, another one in each round. All ids of a round are one, so that rows refer to each other.
fn value(table: &str, column: &str, kind: &ColumnType, round: u8) -> Value {
    let number = i64::from(round) * 100 + column.len() as i64;
    match kind {
        ColumnType::Uuid => Uuid::from_u128(u128::from(round) + 1).into(),
        ColumnType::VarBinary(_) => Value::Bytes(Some(vec![round; 20])),
        ColumnType::TimestampWithTimeZone => {
            let times = ["2026-11-21T08:15:00Z", "1969-12-31T23:59:59.25Z", "9999-12-31T23:59:59.999999Z"];
            StoredTimestamp::from(time(times[usize::from(round) % times.len()])).into()
        }
        ColumnType::SmallInteger => (number as i16).into(),
        ColumnType::Integer => (number as i32).into(),
        ColumnType::BigInteger if column == "id" || column.ends_with("_id") => (i64::from(round) + 1).into(),
        ColumnType::BigInteger => number.into(),
        ColumnType::Boolean => round.is_multiple_of(2).into(),
        ColumnType::Double => (f64::from(round) + 0.5).into(),
        ColumnType::String(StringLen::N(_)) => word(table, column).into(),
        ColumnType::String(_) => format!("{column} {round} \"<ü>\" '%'").into(),
        ColumnType::Text => json(column).into(),
        other => panic!("{column}: {other:?}"),
    }
}

/// One of the fixed words that a column knows.
fn word(table: &str, column: &str) -> &'static str {
    match column {
        "kind" if table == "chart_use" => "dependency",
        "kind" if table == "session" => "api",
        "kind" if table == "branch_event" || table == "delivery" => "branch_updated",
        "state" if table == "branch_event" || table == "delivery" => "retrying",
        "noticed_by" => "webhook",
        "target_kind" => "flux",
        "run_state" => "succeeded",
        "kind" if table == "one_time_link" || table == "mail" => "invite",
        "action" => "sign_in",
        "cause" => "file",
        "outcome" => "refused",
        "via" => "token",
        "kind" if table == "chart_value" => "secret",
        "state" if table == "image_use" => "without-repository",
        "reason" if table == "chart_use" => "source-ambiguous",
        "place" => "kustomize",
        "version_kind" => "floating",
        "how" => "argo-git",
        "rendered" => "flux",
        "sync_status" => "pending_approval",
        "scan_status" => "error",
        "provider" => "gitlab",
        "origin" => "added",
        "gitops_tool" => "argocd",
        "facet" => "api_version",
        "status" if table == "reference" => "dangling",
        "status" => "DELETED",
        "event_type" => "RESURRECTED",
        "class" => "duplicate_key",
        "kind" => "sync_all_repositories",
        "state" => "cancelled",
        "requested_by" => "schedule",
        "level" => "warn",
        "reason" => "inactive",
        other => panic!("no word is known for {other}"),
    }
}

/// What a column of JSON may hold.
fn json(column: &str) -> &'static str {
    match column {
        "permissions" | "scopes" => r#"["read","jobs:run"]"#,
        "repositories" => r#"["owner/*"]"#,
        "applied" | "needs_restart" => r#"["polling.interval","triggers"]"#,
        "errors" => r#"[{"file":"kubestats.yaml","line":3,"key":"app.listen","message":"is \"none\""}]"#,
        "variables" => r#"{"DOMAIN":"example.org"}"#,
        "topics" | "discovery_tags" | "changes_detected" => r#"["flux","k8s at \"home\""]"#,
        "changes" => r#"[{"path":"spec.x","old":null,"new":"1"}]"#,
        "searches" => {
            r#"[{"host":"github.com","search":"topic:flux","total":9,"found":3,"requests":2,"unchanged":0,
            "incomplete":false,"done":true,"error":null,"topic":"flux","cursor":null}]"#
        }
        "body" => r#"{"Nothing":"it is so"}"#,
        "condition" => {
            r#"{"repositories":["owner/*"],"branches":"^main$","events":["branch_created"],"paths":[],"tekton":null,
            "expression":null}"#
        }
        "target" => r#"{"webhook":{"url":"https://h/x","headers":{"X-A":"b"}}}"#,
        "pace" => r#"{"timeout_ms":10000,"waits_ms":[5000]}"#,
        "verdicts" => {
            r#"[{"trigger_id":"0191d1a0-5c4e-7000-8000-000000000000","trigger_name":"ci","is_match":false,
            "clauses":[{"kind":"branch","is_match":false,"why":"x"}],"delivery_id":null,"is_repeated":false}]"#
        }
        "tekton" => {
            r#"{"has_directory":true,"total_files":1,"valid_files":1,"resources":[{"api_version":"tekton.dev/v1",
            "kind":"PipelineRun","name":"build","namespace":null,"path":".tekton/build.yaml","index":0,"is_valid":true,
            "errors":[],"dependencies":["Task/a"]}],"estimated_action":"trigger","reasons":["a run"],"errors":[],"warnings":[],
            "read_by_api":true}"#
        }
        "request" => r#"{"method":"POST","url":"https://h/x","headers":[["a","b"]],"body":"{}"}"#,
        _ => r#"{"HelmRelease":7,"Secret":2}"#,
    }
}

/// Stores a row and reads it back; with `nothing`, each column that may be NULL is.
async fn there_and_back<E>(db: &Db, round: u8, nothing: bool)
where
    E: EntityTrait,
    E::ActiveModel: ActiveModelTrait<Entity = E> + TryIntoModel<E::Model> + Default + Send,
    E::Model: PartialEq + sea_orm::IntoActiveModel<E::ActiveModel>,
{
    let table = E::default().table_name().to_owned();
    let mut row = <E::ActiveModel as Default>::default();
    for column in E::Column::iter() {
        let definition = column.def();
        let kind = definition.get_column_type();
        let value = value(&table, column.as_str(), kind, round);
        row.set(column, if nothing && definition.is_null() { value.as_null() } else { value });
    }
    let expected: E::Model = row.clone().try_into_model().unwrap();
    E::insert(row).exec_without_returning(&db.write).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    let found = E::find().all(&db.read).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    assert!(found.contains(&expected), "{table}: {found:#?}\nwithout {expected:#?}");
    if db.engine == Engine::Sqlite {
        // SQLite takes any value in any column: what is stored must be what the column is meant for.
        for column in E::Column::iter() {
            let meant = match column.def().get_column_type() {
                ColumnType::Uuid | ColumnType::VarBinary(_) => "blob",
                ColumnType::TimestampWithTimeZone | ColumnType::String(_) | ColumnType::Text => "text",
                ColumnType::Double => "real",
                _ => "integer",
            };
            let name = column.as_str();
            let sql = format!("SELECT DISTINCT typeof(\"{name}\") FROM \"{table}\" WHERE \"{name}\" IS NOT NULL");
            let statement = Statement::from_string(db.read.get_database_backend(), sql);
            for found in db.read.query_all_raw(statement).await.unwrap() {
                assert_eq!(found.try_get_by_index::<String>(0).unwrap(), meant, "{table}.{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_row_of_every_entity_comes_back_as_it_was_stored() {
    on_each_engine(async |db| {
        for (round, nothing) in [(0, false), (1, true), (2, false)] {
            macro_rules! go {
                ($name:ident) => {
                    there_and_back::<$name::Entity>(&db, round, nothing).await
                };
            }
            for_each_entity!(go);
        }
    })
    .await;
}

#[tokio::test]
async fn times_are_stored_as_text_statements_store_them_and_sort_as_they_do() {
    on_each_engine(async |db| {
        let nanosecond = time("2026-11-21T08:15:00.123456789Z");
        let cut = time("2026-11-21T08:15:00.123456Z");
        let body = entity::value::JsonText(entity::view::OutcomeOf::Nothing(String::new()));
        let row = |id: u128, made_at: StoredTimestamp| outcome::Model {
            id: Uuid::from_u128(id),
            made_at,
            body: body.clone(),
        };
        let times =
            [time("2026-11-21T08:15:00Z"), nanosecond, time("2026-11-21T08:15:00.2Z"), time("2026-11-21T08:15:01Z")];
        for (id, time) in times.into_iter().enumerate() {
            let row = outcome::ActiveModel::from(row(id as u128, time.into())).reset_all();
            outcome::Entity::insert(row).exec_without_returning(&db.write).await.unwrap();
        }
        let texts = "INSERT INTO outcome (id, made_at, body) VALUES ($1, $2, '{\"Nothing\":\"\"}')";
        let values = [Uuid::from_u128(9).into(), cut.into()];
        let statement = Statement::from_sql_and_values(db.write.get_database_backend(), texts, values);
        db.write.execute_raw(statement).await.unwrap();
        let same = "SELECT COUNT(DISTINCT CAST(made_at AS TEXT)) FROM outcome WHERE made_at >= $1 AND made_at <= $1";
        let statement = Statement::from_sql_and_values(db.read.get_database_backend(), same, [cut.into()]);
        let row = db.read.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 1);

        use sea_orm::{QueryFilter as _, QueryOrder as _};
        let found = outcome::Entity::find()
            .filter(outcome::COLUMN.made_at.gte(StoredTimestamp::from(nanosecond)))
            .order_by_asc(outcome::Column::MadeAt)
            .order_by_asc(outcome::Column::Id)
            .all(&db.read)
            .await
            .unwrap();
        let ids: Vec<u128> = found.iter().map(|row| row.id.as_u128()).collect();
        assert_eq!(ids, [1, 9, 2, 3]);
        assert_eq!(entity::view::Timestamp::from(found[0].made_at), cut);
    })
    .await;
}
