//! The REST API that RepoSentry's clients know.

use axum::http::StatusCode;
use chrono::Utc;
use entity::input::ObjectId;
use entity::kind::NoticedBy;
use serde_json::{Value, json};
use store::watch::{self, Look, SeenBranch, WatchSettings};
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, commit_id, on_each_engine};

/// What is in the envelope of an answer that went well.
async fn data(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    let body = answer.json();
    assert!(body["success"] == true && body["error"].is_null() && body["timestamp"].is_string(), "{path}: {body}");
    body["data"].clone()
}

/// Why an answer did not go well.
async fn failure(app: &TestApp, path: &str, status: StatusCode) -> String {
    let answer = app.get(path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    let body = answer.json();
    assert!(body["success"] == false && body["timestamp"].is_string(), "{path}: {body}");
    body["error"].as_str().unwrap().to_owned()
}

fn commit(number: usize) -> ObjectId {
    commit_id("ada/home", number)
}

/// A look that sees these branches.
async fn see(app: &TestApp, repository: Uuid, branches: &[(&str, usize)]) {
    let db = &app.state.db;
    let began = watch::watch_state(&db.read, repository).await.unwrap().unwrap();
    let branches = branches.iter().map(|(name, number)| SeenBranch {
        name: (*name).to_owned(),
        commit: commit(*number),
        is_watched: true,
        is_protected: Some(*name == "main"),
    });
    let look = Look::new(&began, NoticedBy::Poll, branches.collect());
    let txn = db.begin().await.unwrap();
    watch::note_refs(&txn, repository, &look, Utc::now()).await.unwrap();
    txn.commit().await.unwrap();
}

/// A watched repository with a branch that came, moved and went.
async fn watched(app: &TestApp) -> Uuid {
    let id = RepositoryBuilder::new("ada/home").store(app).await;
    RepositoryBuilder::new("kim/lab").store(app).await;
    let settings =
        WatchSettings { is_enabled: true, branch_regex: Some("^[a-z]".to_owned()), ..WatchSettings::default() };
    watch::set_watch(&app.state.db.write, id, &settings).await.unwrap();
    see(app, id, &[("main", 1)]).await;
    see(app, id, &[("main", 2), ("topic", 3)]).await;
    see(app, id, &[("main", 2)]).await;
    id
}

#[tokio::test]
async fn watched_repositories_are_told_in_reposentrys_fields() {
    on_each_engine(async |app| {
        let id = watched(app).await;
        let listed = data(app, "/api/repositories").await;
        assert_eq!((&listed["total"], listed["repositories"].as_array().unwrap().len()), (&1.into(), 1));
        let expected = json!({
            "name": "ada/home", "url": "https://github.com/ada/home.git", "provider": "github", "branch_regex": "^[a-z]",
            "enabled": true, "polling_interval": "3600s", "polling_interval_seconds": 3600,
            "api_base_url": "https://api.github.com",
        });
        assert_eq!(listed["repositories"][0], expected);
        for name in ["ada%2Fhome", &id.to_string()] {
            assert_eq!(data(app, &format!("/api/repositories/{name}")).await, expected, "{name}");
            let status = data(app, &format!("/api/v1/repositories/{name}/status")).await;
            assert_eq!((&status["name"], &status["branches"]), (&"ada/home".into(), &1.into()), "{status}");
            assert_eq!((&status["enabled"], &status["watched_branches"]), (&true.into(), &1.into()), "{status}");
        }
        for path in ["/api/repositories/kim%2Flab", "/api/repositories/home", "/api/v1/repositories/x/status"] {
            assert_eq!(failure(app, path, StatusCode::NOT_FOUND).await, "Repository not found", "{path}");
        }
        assert_eq!(data(app, "/api/repositories?offset=1").await["repositories"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_interval_and_the_api_are_those_that_are_in_force() {
    on_each_engine(async |app| {
        let id = watched(app).await;
        let told = async |config: &str| {
            let app = app.with_config(config);
            let one = data(&app, "/api/repositories/ada%2Fhome").await;
            assert_eq!(data(&app, "/api/repositories").await["repositories"], json!([one]));
            let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
            assert_eq!(format!("{}s", one["polling_interval_seconds"]), text("polling_interval"));
            (text("polling_interval"), text("api_base_url"))
        };
        let is = |interval: &str, api: &str| (interval.to_owned(), api.to_owned());
        let (usual, own) = ("https://api.github.com", "https://ghe.example.org/api/v3");
        assert_eq!(told("polling: {interval: 7m}").await, is("420s", usual));
        let forge =
            "discovery: {enabled: false, forges: [{url: 'https://github.com', api_base_url: 'https://h.example/gh/'}]}";
        assert_eq!(told(forge).await.1, "https://h.example/gh");
        let of_one = format!("repositories: [{{url: 'https://github.com/ada/home.git', api_base_url: '{own}'}}]");
        assert_eq!(told(&of_one).await.1, own);
        let settings =
            WatchSettings { is_enabled: true, polling_interval_seconds: Some(300), ..WatchSettings::default() };
        watch::set_watch(&app.state.db.write, id, &settings).await.unwrap();
        assert_eq!(told("polling: {interval: 7m}").await, is("300s", usual));
        assert_eq!(told("{}").await, is("300s", usual));
    })
    .await;
}

#[tokio::test]
async fn events_are_told_in_reposentrys_fields_newest_first() {
    on_each_engine(async |app| {
        watched(app).await;
        let page = data(app, "/api/events").await;
        assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&3.into(), &100.into(), &0.into()), "{page}");
        let events = page["events"].as_array().unwrap();
        let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[0], "branch_deleted");
        let updated = events.iter().find(|event| event["type"] == "branch_updated").unwrap();
        let (old, new) = (commit(1).to_string(), commit(2).to_string());
        for (field, value) in [
            ("repository", "ada/home"),
            ("branch", "main"),
            ("commit_sha", &new),
            ("prev_commit", &old),
            ("provider", "github"),
            ("status", "pending"),
        ] {
            assert_eq!(updated[field], value, "{updated}");
        }
        assert!(updated["processed_at"].is_null() && updated["error_message"].is_null(), "{updated}");
        assert_eq!(updated["timestamp"], updated["created_at"]);
        let metadata = json!({
            "repository": "ada/home", "provider": "github", "branch": "main", "change_type": "updated",
            "old_commit_sha": old, "new_commit_sha": new, "protected": "true", "source": "reposentry-poller",
            "poller_version": "1.0.0", "repository_url": "https://github.com/ada/home.git",
        });
        assert_eq!(updated["metadata"], metadata);
        let created = events.iter().find(|event| event["type"] == "branch_created").unwrap();
        assert_eq!((&created["prev_commit"], &created["metadata"]["change_type"]), (&"".into(), &"new".into()));
        let deleted = &events[0];
        assert_eq!((&deleted["commit_sha"], &deleted["metadata"]["new_commit_sha"]), (&"".into(), &"".into()));
        assert_eq!(deleted["metadata"]["protected"], "false");

        let one = data(app, &format!("/api/events/{}", updated["id"].as_str().unwrap())).await;
        assert_eq!(&one, updated);
        for id in ["event_0123456789abcdef", "00000000-0000-7000-8000-000000000000"] {
            let path = format!("/api/events/{id}");
            assert_eq!(failure(app, &path, StatusCode::NOT_FOUND).await, "Event not found");
        }
        let second = data(app, "/api/events?limit=1&offset=1").await;
        assert_eq!((&second["total"], &second["count"], &second["events"][0]), (&1.into(), &3.into(), &events[1]));
        for (query, found) in [
            ("", 3),
            ("?repository=ada%2Fhome", 3),
            ("?type=branch_deleted", 1),
            ("?since=2100-01-01T00:00:00Z", 0),
            ("?until=2100-01-01T00:00:00Z&limit=1", 3),
        ] {
            let told = data(app, &format!("/api/v1/events{query}")).await;
            assert_eq!(told["count"], found, "{query}");
        }
        assert_eq!(data(app, "/api/v1/events").await, page);
        assert_eq!(&data(app, &format!("/api/v1/events/{}", updated["id"].as_str().unwrap())).await, updated);
        failure(app, "/api/v1/events?repository=kim%2Flab", StatusCode::NOT_FOUND).await;
        let said = failure(app, "/api/v1/events?type=x&since=y", StatusCode::UNPROCESSABLE_ENTITY).await;
        assert!(said.contains("type") && said.contains("since"), "{said}");
        let recent = data(app, "/api/events/recent").await;
        assert_eq!(data(app, "/api/v1/events/recent").await["events"], recent["events"]);
        assert_eq!((&recent["total"], &recent["events"]), (&3.into(), &page["events"]));
        assert!(recent["since"].is_string());
        for query in ["limit=0", "limit=1001", "limit=x", "offset=-1"] {
            let said = failure(app, &format!("/api/events?{query}"), StatusCode::UNPROCESSABLE_ENTITY).await;
            assert!(said.contains(query.split('=').next().unwrap()), "{said}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_program_tells_what_it_is_and_how() {
    on_each_engine(async |app| {
        for path in ["/version", "/api/v1/version"] {
            let version = data(app, path).await;
            assert_eq!(
                (&version["api_version"], &version["app_version"]),
                (&"v1".into(), &env!("CARGO_PKG_VERSION").into())
            );
            assert!(version["build_time"].is_string() && version["git_commit"].is_string());
        }
        let folder = tempfile::tempdir().unwrap();
        let with_disk = app.with_config(&format!("app: {{data_dir: {}}}", folder.path().display()));
        for path in ["/status", "/api/v1/status"] {
            let status = data(&with_disk, path).await;
            // Nobody does jobs here.
            assert_eq!(
                (&status["state"], &status["components"]["poller"]["state"]),
                (&"error".into(), &"error".into())
            );
            assert!(status["uptime"].as_i64().unwrap() > 0 && status["started_at"].is_string(), "{status}");
            let names: Vec<&String> = status["components"].as_object().unwrap().keys().collect();
            assert_eq!(names, ["api_server", "config", "git_client", "poller", "storage", "trigger"]);
            assert_eq!(
                status["components"]["storage"]["health"],
                json!({"status": "healthy", "message": null}),
                "{status}"
            );
        }
        let described = data(app, "/api").await;
        let has =
            |path: &str| described["endpoints"].as_array().unwrap().iter().any(|endpoint| endpoint["path"] == path);
        assert!(has("/api/events/recent") && has("/status") && has("/api/v1/repositories/"), "{described}");
        assert_eq!(app.request(http::Method::DELETE, "/api", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    })
    .await;
}

#[tokio::test]
async fn probes_are_for_everybody_and_the_rest_for_who_may_read() {
    on_each_engine(async |app| {
        assert_eq!(data(app, "/healthz").await["status"], "alive");
        assert_eq!(data(app, "/ready").await["status"], "ready");
        let closed = app.with_config("server: {anonymous_read: false}");
        for path in ["/healthz", "/ready"] {
            assert_eq!(closed.get(path).await.status, StatusCode::OK, "{path}");
        }
        for path in ["/status", "/version", "/api", "/api/repositories", "/api/events", "/api/v1/status"] {
            assert_eq!(closed.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        app.state.shutdown.cancel();
        assert_eq!(
            failure(app, "/ready", StatusCode::SERVICE_UNAVAILABLE).await,
            "the database does not answer, or the program stops"
        );
        assert_eq!(data(app, "/healthz").await["status"], "alive");
    })
    .await;
}
