//! Databases for tests: a SQLite file always, a PostgreSQL database of its own where a server is given.

pub mod input;

use std::future::Future;

use entity::view::Timestamp;
use migration::{Migrator, MigratorTrait as _};
use store::db::{ConnectionTrait, Db, DbSettings, Engine};
use uuid::Uuid;

/// Names a PostgreSQL server whose user may create databases.
pub const POSTGRES_URL: &str = "KUBESTATS_TEST_POSTGRES_URL";

/// The address of another database of the same server.
fn named(server: &str, name: &str) -> String {
    let (address, query) =
        server.split_once('?').map_or((server, String::new()), |(it, query)| (it, format!("?{query}")));
    let (base, _) = address.rsplit_once('/').unwrap();
    format!("{base}/{name}{query}")
}

/// A database that goes when the test ends.
pub struct TestDb {
    pub db: Db,
    /// For more handles on it.
    pub settings: DbSettings,
    _folder: Option<tempfile::TempDir>,
    server: Option<(Db, String)>,
}

impl TestDb {
    /// A database without rows on this engine; nothing for PostgreSQL without a server.
    pub async fn open(engine: Engine) -> Option<Self> {
        // Where the server's template has the tables, nothing is left to migrate.
        let test = Self::copy_of("template1", engine).await?;
        Migrator::up(&test.db.write, None).await.unwrap();
        Some(test)
    }

    /// The same without tables.
    pub async fn open_bare(engine: Engine) -> Option<Self> {
        Self::copy_of("template0", engine).await
    }

    async fn copy_of(template: &str, engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("test.db").display());
                let settings = DbSettings::new(url);
                let db = Db::connect(&settings).await.unwrap();
                Some(Self { db, settings, _folder: Some(folder), server: None })
            }
            Engine::Postgres => {
                let url = std::env::var(POSTGRES_URL).ok().filter(|url| !url.is_empty())?;
                let server = Db::connect(&DbSettings { max_connections: 2, ..DbSettings::new(&url) }).await.unwrap();
                let name = format!("kubestats_test_{}", Uuid::now_v7().simple());
                server.write.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
                let settings = DbSettings { max_connections: 5, ..DbSettings::new(named(&url, &name)) };
                let db = Db::connect(&settings).await.unwrap();
                Some(Self { db, settings, _folder: None, server: Some((server, name)) })
            }
        }
    }

    /// Where it is on the PostgreSQL server.
    pub fn url(&self) -> String {
        let server = std::env::var(POSTGRES_URL).unwrap();
        named(&server, &self.server.as_ref().unwrap().1)
    }

    pub async fn close(self) {
        self.db.close().await.unwrap();
        if let Some((server, name)) = self.server {
            server.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            server.close().await.unwrap();
        }
    }
}

/// Runs a test on every engine there is.
pub async fn on_each_engine<F, Fut>(test: F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(opened) = TestDb::open(engine).await {
            test(opened.db.clone()).await;
            opened.close().await;
        } else {
            eprintln!("skipped on PostgreSQL: {POSTGRES_URL} is not set");
        }
    }
}

/// A time on 21 November 2026.
pub fn at(hour: u32, minute: u32) -> Timestamp {
    format!("2026-11-21T{hour:02}:{minute:02}:00Z").parse().unwrap()
}

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
