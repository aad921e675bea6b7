//! Marked values in every place where people put secrets, scanned as jobs do, and then looked for wherever anything is
//! kept, shown or said. What contains `hunter` must be nowhere; what contains `visible` must be readable.

mod planted;
mod program;

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use sea_orm::Statement;
use serde_json::json;
use store::db::{ConnectionTrait as _, Db, Engine, text};

use planted::{MARK, planted, visible};

use super::repository::Bench;
use crate::support::{TestApp, on_each_engine};

fn assert_unmarked(what: &str, text: &str) {
    if let Some(at) = text.find(MARK) {
        let from = text[..at].char_indices().rev().nth(100).map_or(0, |(at, _)| at);
        panic!("{what} tells a secret: {}", text[from..].chars().take(200).collect::<String>());
    }
}

/// Everything in every table, texts unpacked.
async fn dump(db: &Db) -> String {
    let ask = async |sql: &str| {
        let statement = Statement::from_string(db.read.get_database_backend(), sql.to_owned());
        db.read.query_all_raw(statement).await.unwrap()
    };
    let tables = match db.engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Engine::Postgres => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    };
    let mut all = String::new();
    for table in ask(tables).await {
        let table: String = table.try_get_by_index(0).unwrap();
        let columns = match db.engine {
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
            Engine::Postgres => {
                format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'")
            }
        };
        for column in ask(&columns).await {
            let column: String = column.try_get_by_index(0).unwrap();
            for row in ask(&format!("SELECT COALESCE(CAST(\"{column}\" AS TEXT), '') FROM \"{table}\"")).await {
                // What is no text in SQLite's eyes is looked at below.
                all.push_str(&row.try_get_by_index::<String>(0).unwrap_or_default());
                all.push('\n');
            }
        }
    }
    for row in ask("SELECT dictionary, compressed, size FROM manifest").await {
        let dictionary: i16 = row.try_get_by_index(0).unwrap();
        let packed: Vec<u8> = row.try_get_by_index(1).unwrap();
        let unpacked = text::decompress(dictionary, &packed, row.try_get_by_index(2).unwrap()).unwrap();
        all.push_str(std::str::from_utf8(&unpacked).unwrap());
    }
    all
}

/// Every page that links lead to.
async fn crawl(app: &TestApp) -> usize {
    let starts = ["/", "/repositories", "/resources", "/ecosystem", "/tasks"];
    let mut waiting: Vec<String> = starts.map(str::to_owned).to_vec();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut read = 0;
    while let Some(path) = waiting.pop() {
        let mut page = app.get_with(&path, &[(header::ACCEPT, "text/html")]).await;
        // A busy machine answers some pages too late.
        for _ in 0..5 {
            if page.status == StatusCode::SERVICE_UNAVAILABLE {
                page = app.get_with(&path, &[(header::ACCEPT, "text/html")]).await;
            }
        }
        assert!(!page.status.is_server_error(), "{path}: {}", page.status);
        let text = page.text();
        assert_unmarked(&path, &text);
        read += 1;
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(link, _)| link) {
            let link = link.replace("&amp;", "&");
            let is_page = link.starts_with('/')
                && !link.starts_with("//")
                && !link.contains("/pkg/")
                && !link.starts_with("/docs");
            // Sorting and paging show the same again.
            let is_new = is_page && !link.contains("sort=") && seen.len() < 600 && seen.insert(link.clone());
            waiting.extend(is_new.then_some(link));
        }
    }
    read
}

/// What programs are told of everything that was found.
async fn rest(app: &TestApp, repository: uuid::Uuid) -> String {
    let mut told = String::new();
    let mut ask = async |path: String| {
        let answer = app.get(&path).await;
        let text = answer.text();
        assert!(answer.status.is_success(), "{path}: {text}");
        assert_unmarked(&path, &text);
        told.push_str(&text);
        answer
    };
    for part in ["", "/events?limit=500", "/resources?limit=500", "/problems?limit=500", "/charts", "/images"] {
        ask(format!("/api/v1/repositories/{repository}{part}")).await;
    }
    ask("/api/v1/jobs?limit=100".to_owned()).await;
    let resources = ask("/api/v1/kubernetes/resources?limit=500".to_owned()).await;
    for id in resources.column("id") {
        ask(format!("/api/v1/resources/{id}")).await;
        ask(format!("/api/v1/resources/{id}/manifest")).await;
        ask(format!("/api/v1/resources/{id}/diff")).await;
        ask(format!("/api/v1/resources/{id}/versions")).await;
    }
    told
}

#[tokio::test]
async fn no_secret_is_kept_or_shown_and_what_is_none_stays_readable() {
    let origin = planted();
    on_each_engine(async |app| {
        let db = &app.state.db;
        let bench = Bench::new(db);
        let mut news = bench.deps.queue.bus().subscribe();
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        assert_unmarked("the database", &dump(db).await);
        let mut stream = String::new();
        while let Ok(live) = news.try_recv() {
            stream.push_str(&serde_json::to_string(&live).unwrap());
        }
        assert!(stream.contains(&repository.to_string()), "the stream tells of the scan: {stream}");
        assert_unmarked("the stream", &stream);
        let told = rest(app, repository).await;
        for value in visible() {
            assert!(told.contains(&value), "{value} is not shown");
        }
        assert!(crawl(app).await > 100, "pages lead to pages");
        // That they changed is told, by name.
        let events = app.get(&format!("/api/v1/repositories/{repository}/events?limit=500")).await.json();
        let modified: BTreeSet<String> = events["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["event_type"] == "MODIFIED")
            .map(|event| event["resource_name"].as_str().unwrap_or_default().to_owned())
            .collect();
        for name in
            ["visible02", "visible05", "visible10", "visible16", "visible21", "visible28", "visible50", "visible58"]
        {
            assert!(modified.contains(name), "{name} in {modified:?}");
        }
        for event in events["data"].as_array().unwrap().iter().filter(|event| event["event_type"] == "MODIFIED") {
            assert!(event["changes_total"].as_i64().unwrap() > 0, "{event}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_other_rules_stored_is_taken_anew() {
    let origin = planted();
    on_each_engine(async |app| {
        let db = &app.state.db;
        let mut bench = Bench::new(db);
        let repository = bench.pin(&origin.path()).await;
        let strict = bench.deps.mask;
        bench.deps.mask = scan::mask::Rules { credentials: false, urls: false, emails: false };
        bench.bring_up_to_date(repository).await;
        let shown = dump(db).await;
        // Secrets are masked whatever the configuration says; the rest is shown to those who want it.
        assert!(shown.contains("hunter44") && shown.contains("hunter53") && shown.contains("hunter46@"));
        assert!(!shown.contains("hunter05") && !shown.contains("hunter51") && !shown.contains("hunter62"));
        // Of what is masked a change of the value is none, so that spans of values are fewer.
        let rows = async |bench: &Bench| {
            bench.rows().await.into_iter().filter(|row| !row.starts_with("10:") && !row.starts_with("12:")).count()
        };
        let before = rows(&bench).await;
        bench.deps.mask = strict;
        assert!(bench.sync(repository).await.unwrap().contains("to be scanned"), "the remote has nothing new");
        bench.scan(repository).await.unwrap();
        assert_unmarked("the database", &dump(db).await);
        assert_eq!(rows(&bench).await, before);
        assert!(bench.sync(repository).await.unwrap().contains("nothing new"));
    })
    .await;
}

#[tokio::test]
async fn credentials_in_added_addresses_are_neither_kept_nor_told() {
    on_each_engine(async |app| {
        let urls = [
            "https://user:hunter@140.82.121.3/a/b",
            "https://hunter@140.82.121.3/a/b",
            "https://140.82.121.3/a/b?private_token=hunter",
            "https://140.82.121.3/a/b#access_token=hunter",
            "user:hunter@140.82.121.3/a/b",
            "hunter:x-oauth-basic@140.82.121.3:a/b.git",
            "https:/user:hunter@140.82.121.3/a/b",
            "ssh://git:hunter@140.82.121.3/a/b",
            "ftp://user:hunter@140.82.121.3/a/b",
            "140.82.121.3/a/b?token=hunter",
        ];
        let body = json!({ "urls": urls }).to_string();
        let request = Request::post("/api/v1/repositories/").header(header::CONTENT_TYPE, "application/json");
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        assert_unmarked("REST", &answer.text());
        for added in answer.json()["data"].as_array().unwrap() {
            assert_eq!(added["added"], false, "{added}");
            assert!(added["refused"].as_str().unwrap().contains("token:"), "{added}");
        }
        let form: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("urls", &urls.join("\n")).finish();
        let request = Request::post("/ui/add").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = app.send(request.header(header::ACCEPT, "text/html").body(Body::from(form)).unwrap()).await;
        assert!(answer.status.is_redirection(), "{}: {}", answer.status, answer.text());
        assert_unmarked("the form's answer", &format!("{:?}{}", answer.headers, answer.text()));
        let page = app.get(answer.header("location").trim_start_matches("http://localhost")).await;
        assert_unmarked("the outcome's page", &page.text());
        let kept = dump(&app.state.db).await;
        assert_unmarked("the database", &kept);
        assert!(kept.contains("140.82.121.3"), "the outcome is kept");
    })
    .await;
}
