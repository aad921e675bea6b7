use migration::{Migrator, MigratorTrait as _};
use store::db::{Db, Engine};

use crate::support::TestDb;

async fn tables(db: &Db) -> Vec<String> {
    use sea_orm::{ConnectionTrait as _, Statement};
    let sql = match db.engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
        Engine::Postgres => {
            "SELECT relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i') ORDER BY relname"
        }
    };
    let backend = db.write.get_database_backend();
    let rows = db.write.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

#[tokio::test]
async fn up_down_and_up_again_give_the_same_schema_and_leave_nothing_between() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open_bare(engine).await else { continue };
        Migrator::up(&test.db.write, None).await.unwrap();
        let first = tables(&test.db).await;
        assert!(first.iter().any(|name| name == "kubernetesresourceevent"), "{first:?}");
        Migrator::down(&test.db.write, None).await.unwrap();
        let between = tables(&test.db).await;
        assert!(between.iter().all(|name| name.starts_with("seaql_migrations")), "{between:?}");
        Migrator::up(&test.db.write, None).await.unwrap();
        assert_eq!(tables(&test.db).await, first);
        test.close().await;
    }
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open(engine).await else { continue };
        let before = tables(&test.db).await;
        Migrator::up(&test.db.write, None).await.unwrap();
        assert_eq!(tables(&test.db).await, before);
        test.close().await;
    }
}
