//! What takes the database too long is stopped, and whoever asked is told so: by REST, on pages and by their functions.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use store::db::{ConnectionTrait as _, Db, DbSettings, Engine};

use crate::support::{RepositoryBuilder, on_each_engine};

/// What other questions are not stopped for on any machine.
const LIMIT: Duration = Duration::from_secs(1);
/// A page asks for several things.
const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_question_that_takes_too_long_is_answered_with_503_and_the_next_one_as_ever() {
    on_each_engine(async |app| {
        RepositoryBuilder::new("ada/home").store(app).await;
        let settings = DbSettings { question_timeout: LIMIT, ..DbSettings::new(&app.url) };
        let db = Db::connect(&settings).await.unwrap();
        let limited = app.over(&db, "{}");
        let write = async |sql: &str| app.state.db.write.execute_unprepared(sql).await.unwrap();
        let endless = match app.state.db.engine {
            Engine::Sqlite => "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)",
            Engine::Postgres => "(SELECT count(*) FROM pg_sleep(600))",
        };
        write("ALTER TABLE repository RENAME TO repository_away").await;
        write(&format!("CREATE VIEW repository AS SELECT * FROM repository_away WHERE {endless} > 0")).await;

        let began = Instant::now();
        let answer = limited.get("/api/v1/repositories/").await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "30"));
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("took too long") && detail.contains("ask for less"), "{detail}");
        let page = limited.get("/repositories").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text());
        assert!(page.text().contains("took too long over this"), "{}", page.text());
        let function = limited.get("/ui/repositories?query=").await;
        assert_eq!(function.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());

        write("DROP VIEW repository").await;
        write("ALTER TABLE repository_away RENAME TO repository").await;
        let answer = limited.get("/api/v1/repositories/").await;
        assert_eq!((answer.status, answer.column("full_name")), (StatusCode::OK, vec!["ada/home".to_owned()]));
        assert_eq!(limited.get("/repositories").await.status, StatusCode::OK);
        db.close().await.unwrap();
    })
    .await;
}
