//! What it costs the database to find out who asks, counted in statements on all of its connections.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderName, StatusCode, header};
use chrono::{TimeDelta, Utc};
use entity::kind::{Permission, Role};
use store::accounts;
use store::db::{Db, DbSettings};
use uuid::Uuid;

use super::people::{PASSWORD, cookie, form, person, token};
use super::permissions::session;
use crate::support::{RepositoryBuilder, TestApp, on_each_engine};

const ADA: &str = "ada@example.org";

/// Statements as they were done.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, statement: &str) {
        self.0.lock().unwrap().push(statement.to_owned());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// What a request costs of which everything is known that is kept.
async fn cost(app: &TestApp, told: &Told, path: &str, who: &[(HeaderName, &str)]) -> Vec<String> {
    for _ in 0..2 {
        told.take();
        let answer = app.get_with(path, who).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    }
    told.take()
}

/// Nothing that lets ada in is noted as seen while this test runs: nobody waits for that, and it is done once a minute.
async fn seen(app: &TestApp, account: Uuid) {
    let (db, later) = (&app.state.db, Utc::now() + TimeDelta::hours(1));
    let sessions = accounts::list_sessions(&db.read, account, Utc::now()).await.unwrap();
    let tokens = accounts::list_tokens(&db.read, account).await.unwrap();
    assert_eq!((sessions.len(), tokens.len()), (2, 1));
    for session in sessions {
        accounts::touch_session(&db.write, session.id, None, later).await.unwrap();
    }
    accounts::touch_token(&db.write, tokens[0].id, None, later).await.unwrap();
}

#[tokio::test]
async fn finding_out_who_asks_is_one_statement_at_most() {
    on_each_engine(async |app| {
        RepositoryBuilder::new("ada/home").store(app).await;
        let id = person(app, ADA, Role::User).await;
        let by_browser = form(app, "/sign-in", &[("email", ADA), ("password", PASSWORD)], None).await;
        let by_browser = cookie(&by_browser).unwrap();
        let bearer = |text: String| format!("Bearer {text}");
        let by_program = bearer(session(app, id).await);
        let by_token = bearer(token(app, id, &[Permission::Read], &[]).await);
        seen(app, id).await;

        let told = Told::default();
        let notes = told.clone();
        let mut settings = DbSettings::new(&app.url);
        settings.max_connections = 6;
        let db = Db::connect(&settings).await.unwrap().telling(move |statement| notes.note(statement));
        let counted = app.over(&db, "{}");
        for path in ["/repositories", "/api/v1/repositories/"] {
            let nobody = cost(&counted, &told, path, &[]).await;
            assert!(!nobody.is_empty(), "{path}: what is read is counted");
            for (how, name, value, table) in [
                ("a browser", header::COOKIE, &by_browser, "\"session\""),
                ("a program", header::AUTHORIZATION, &by_program, "\"session\""),
                ("a token", header::AUTHORIZATION, &by_token, "\"api_token\""),
            ] {
                let somebody = cost(&counted, &told, path, &[(name, value.as_str())]).await;
                let finds = |statements: &[String]| statements.iter().filter(|text| text.contains(table)).count();
                // What is not counted would be none here as well.
                assert_eq!((finds(&nobody), finds(&somebody)), (0, 1), "{how} at {path}: {somebody:#?}");
                let most = nobody.len() + 1;
                assert!(somebody.len() <= most, "{how} at {path}: {somebody:#?}\nand for nobody {nobody:#?}");
            }
        }
        // What is written is counted too.
        told.take();
        let out = form(&counted, "/sign-out", &[], Some(&by_browser)).await;
        assert_eq!(out.status, StatusCode::SEE_OTHER);
        let written = told.take();
        assert!(written.iter().any(|text| text.starts_with("DELETE FROM \"session\"")), "{written:#?}");
        db.close().await.unwrap();
    })
    .await;
}
