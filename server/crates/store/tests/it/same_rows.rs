use std::collections::BTreeMap;

use sea_orm::{QueryResult, Statement};
use store::db::{ConnectionTrait, Db, Engine};

use crate::fill::{Scale, fill};
use crate::support::TestDb;

/// Columns whose values are new each time: ids that are drawn, and what is made of them.
const DRAWN: &[&str] = &[
    "id",
    "repository_id",
    "resource_id",
    "release_id",
    "sync_run_id",
    "number",
    "started_at",
    "finished_at",
    "applied_at",
];

const TABLES: &[&str] = &[
    "repository",
    "repository_facet",
    "scan_run",
    "kubernetesresource",
    "resource_data",
    "resource_image",
    "reference",
    "\"commit\"",
    "kubernetesresourceevent",
    "repository_day",
    "problem",
    "manifest",
    "chart",
    "chart_source",
    "chart_alias",
    "chart_release",
    "chart_use",
    "chart_value",
    "value_path",
    "image",
    "image_use",
    "use_commit",
];

fn value(row: &QueryResult, column: &str) -> String {
    macro_rules! as_one_of {
        ($($kind:ty => $text:expr),+ $(,)?) => {
            $(if let Ok(Some(value)) = row.try_get::<Option<$kind>>("", column) {
                let text: fn($kind) -> String = $text;
                return text(value);
            })+
        };
    }
    // Numbers first: SQLite would read them as times as well.
    as_one_of! {
        i64 => |value| value.to_string(),
        i32 => |value| value.to_string(),
        i16 => |value| value.to_string(),
        bool => |value| i64::from(value).to_string(),
        chrono::DateTime<chrono::Utc> => |value| value.to_rfc3339(),
        String => |value| value,
        Vec<u8> => |value| format!("{value:02x?}"),
    }
    "-".to_owned()
}

/// Every table's rows as text, sorted, without what is drawn.
async fn rows(db: &Db) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in TABLES {
        let statement = Statement::from_string(db.read.get_database_backend(), format!("SELECT * FROM {table}"));
        let mut lines: Vec<String> = db
            .read
            .query_all_raw(statement)
            .await
            .unwrap()
            .iter()
            .map(|row| {
                let mut names = row.column_names();
                names.sort();
                let named = names.iter().filter(|name| !DRAWN.contains(&name.as_str()) || *table == "manifest");
                named.map(|name| format!("{name}={}", value(row, name))).collect::<Vec<_>>().join(" ")
            })
            .collect();
        lines.sort();
        all.insert(*table, lines);
    }
    all
}

#[tokio::test]
async fn same_data_through_both_engines_gives_the_same_rows() {
    let scale = Scale { repositories: 2, resources: 40, events: 200 };
    let lite = TestDb::open(Engine::Sqlite).await.unwrap();
    fill(&lite.db, scale).await.unwrap();
    let expected = rows(&lite.db).await;
    for (table, rows) in &expected {
        assert!(!rows.is_empty(), "{table} is empty: nothing is compared");
    }
    let again = TestDb::open(Engine::Sqlite).await.unwrap();
    fill(&again.db, scale).await.unwrap();
    assert_eq!(rows(&again.db).await, expected, "the comparison itself is stable");
    if let Some(postgres) = TestDb::open(Engine::Postgres).await {
        fill(&postgres.db, scale).await.unwrap();
        let found = rows(&postgres.db).await;
        for (table, rows) in &expected {
            for (ours, theirs) in rows.iter().zip(&found[table]) {
                assert_eq!(ours, theirs, "{table}");
            }
            assert_eq!(rows.len(), found[table].len(), "{table}");
        }
        postgres.close().await;
    }
    again.close().await;
    lite.close().await;
}
