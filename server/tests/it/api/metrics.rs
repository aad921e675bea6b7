//! Figures for Prometheus.

use std::collections::BTreeSet;

use axum::http::{StatusCode, header};
use chrono::{TimeDelta, Utc};
use entity::kind::{JobRequest, Priority, RequestedBy};
use entity::table::trigger_day;
use entity::view::{Condition, Pace, Target};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use store::forges;
use store::triggers::{NewTrigger, insert_trigger};

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, on_each_engine};

const TOKEN: &str = "0123456789abcdef";

/// The lines of one figure.
async fn read(app: &TestApp, name: &str) -> Vec<String> {
    let answer = app.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let is_of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    text.lines().filter(is_of).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_was_answered_is_counted_by_route_and_never_by_what_clients_write() {
    on_each_engine(async |app| {
        for path in ["/api/v1/repositories/", "/api/v1/repositories/", "/api/v1/jobs/not-a-job", "/api/v1/jobs/neither"]
        {
            app.get(path).await;
        }
        for number in 0..50 {
            app.get(&format!("/made/up/{number}")).await;
            app.get(&format!("/api/v1/made/up/{number}")).await;
        }
        let requests = read(app, "http_requests_total").await;
        for line in [
            r#"http_requests_total{method="GET",endpoint="/api/v1/repositories/",status="200"} 2"#,
            r#"http_requests_total{method="GET",endpoint="unmatched",status="404"} 50"#,
            r#"http_requests_total{method="GET",endpoint="/api/{*path}",status="404"} 50"#,
        ] {
            assert!(requests.iter().any(|found| found == line), "{line} is not in {requests:#?}");
        }
        assert!(requests.iter().all(|line| !line.contains("made") && !line.contains("not-a-job")), "{requests:#?}");
        assert!(requests.len() < 10, "{requests:#?}");
        let took = read(app, "http_request_duration_seconds_count").await;
        assert!(
            took.iter().any(|line| line.ends_with(r#"{method="GET",endpoint="/api/v1/repositories/"} 2"#)),
            "{took:#?}"
        );
        assert_eq!(read(app, "active_users_total").await, ["active_users_total 0"]);
        app.state.metrics.set_active_users(7);
        assert_eq!(read(app, "active_users_total").await, ["active_users_total 7"]);
    })
    .await;
}

#[tokio::test]
async fn jobs_forges_scans_and_connections_are_told_and_the_database_is_asked_seldom() {
    on_each_engine(async |app| {
        let release = Change::Create(Manifest::release("podinfo", "1.0.0"));
        RepositoryBuilder::new("ada/home")
            .commit(1, "first", vec![release])
            .problem("a.yaml", 1, "bad")
            .store(app)
            .await;
        let now = Utc::now();
        let asked = now - TimeDelta::minutes(5);
        app.state.queue.enqueue(&JobRequest::Prune, RequestedBy::Schedule, Priority::ROUTINE, asked).await.unwrap();
        let budget = forges::Budget {
            quota: Some(5_000),
            remaining: Some(4_000),
            resets_at: Some(now + TimeDelta::hours(1)),
            blocked_until: None,
            seen_at: now,
        };
        forges::record_budget(&app.state.db.write, ("github.com", "", "core"), &budget, 1_000).await.unwrap();
        let new = NewTrigger {
            name: "deploy".to_owned(),
            is_enabled: true,
            condition: Condition::default(),
            target: Target::Flux { url: "https://flux.example/hook".to_owned() },
            pace: Pace::default(),
        };
        let id = insert_trigger(&app.state.db.write, &new, now).await.unwrap();
        // As attempts count: the last 30 days, and no earlier one.
        for (ago, delivered) in [(0, 2), (3, 5), (40, 100)] {
            let day = (now - TimeDelta::days(ago)).date_naive().to_string();
            let (attempts, failed_attempts) = (delivered + 1, 1);
            let row = trigger_day::Model { trigger_id: id, day, delivered, failed: 1, attempts, failed_attempts };
            trigger_day::Entity::insert(row.into_active_model())
                .exec_without_returning(&app.state.db.write)
                .await
                .unwrap();
        }
        for (name, line) in [
            ("kubestats_deliveries_last_30_days", r#"{trigger="deploy",state="delivered"} 7"#),
            ("kubestats_deliveries_last_30_days", r#"{trigger="deploy",state="failed"} 2"#),
            ("kubestats_trigger_failures_in_row", r#"{trigger="deploy"} 0"#),
            ("kubestats_trigger_enabled", r#"{trigger="deploy"} 1"#),
            ("kubestats_late_delivery_seconds", "kubestats_late_delivery_seconds 0"),
            ("kubestats_jobs", r#"kubestats_jobs{kind="prune",state="ready"} 1"#),
            ("kubestats_forge_budget_remaining", r#"{host="github.com",resource="core"} 4000"#),
            ("kubestats_forge_budget_quota", r#"{host="github.com",resource="core"} 5000"#),
            ("kubestats_repositories", "kubestats_repositories 1"),
            ("kubestats_resources", "kubestats_resources 1"),
            ("kubestats_problems", "kubestats_problems 1"),
            ("kubestats_database_up", "kubestats_database_up 1"),
        ] {
            let found = read(app, name).await;
            assert!(found.iter().any(|found| found.ends_with(line)), "{line} is not in {found:?}");
        }
        let waits = read(app, "kubestats_oldest_waiting_job_age_seconds").await;
        let waits: i64 = waits[0].rsplit_once(' ').unwrap().1.parse().unwrap();
        assert!((300..400).contains(&waits), "{waits}");
        let connections = read(app, "kubestats_database_connections").await;
        assert!(connections.len() >= 2 && connections[0].contains("pool="), "{connections:?}");

        let more = JobRequest::RefreshMetrics;
        app.state.queue.enqueue(&more, RequestedBy::Schedule, Priority::ROUTINE, now).await.unwrap();
        let jobs = read(app, "kubestats_jobs").await;
        assert!(jobs.iter().all(|line| !line.contains("refresh-metrics")), "the database was asked again: {jobs:?}");
        // A server that has not asked yet sees it.
        let fresh = app.with_config("{}");
        let jobs = read(&fresh, "kubestats_jobs").await;
        assert!(jobs.iter().any(|line| line.contains("refresh")), "{jobs:?}");
        app.state.db.close().await.unwrap();
        let lost = app.with_config("{}");
        assert_eq!(read(&lost, "kubestats_database_up").await, ["kubestats_database_up 0"]);
        assert!(read(&lost, "kubestats_repositories").await.is_empty(), "an old figure is told");
    })
    .await;
}

#[tokio::test]
async fn json_tells_the_same_figures_one_by_one() {
    on_each_engine(async |app| {
        let list = async |app: &TestApp| {
            let answer = app.get("/api/v1/metrics").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert_eq!(answer.header("cache-control"), "no-store");
            let body = answer.json();
            assert!(body["success"] == true && body["error"].is_null() && body["timestamp"].is_string(), "{body}");
            let metrics = body["data"]["metrics"].as_array().unwrap().clone();
            assert_eq!(body["data"]["total"], metrics.len());
            metrics
        };
        let find = |metrics: &[Value], name: &str, tags: Value| {
            let fits = |metric: &&Value| metric["name"] == name && metric["tags"] == tags;
            metrics.iter().find(fits).map(|metric| (metric["value"].as_f64().unwrap(), metric["unit"].clone()))
        };
        let asked = Utc::now() - TimeDelta::minutes(5);
        app.state.queue.enqueue(&JobRequest::Prune, RequestedBy::Schedule, Priority::ROUTINE, asked).await.unwrap();
        app.get("/api/v1/jobs").await;
        let metrics = list(app).await;
        let requests = json!({"method": "GET", "endpoint": "/api/v1/jobs", "status": "200"});
        assert_eq!(find(&metrics, "http_requests_total", requests), Some((1.0, "".into())), "{metrics:#?}");
        let of_path = json!({"method": "GET", "endpoint": "/api/v1/jobs"});
        let (_, unit) = find(&metrics, "http_request_duration_seconds_sum", of_path).unwrap();
        assert_eq!(unit, "seconds");
        let jobs = json!({"kind": "prune", "state": "ready"});
        assert_eq!(find(&metrics, "kubestats_jobs", jobs), Some((1.0, "".into())), "{metrics:#?}");
        assert_eq!(find(&metrics, "kubestats_clones_bytes", json!({})), Some((0.0, "bytes".into())));
        assert!(metrics.iter().all(|metric| metric["timestamp"].is_string()), "{metrics:#?}");
        // Whatever Prometheus is told and is no part of a histogram.
        let text = app.get("/metrics").await.text();
        let series = |line: &&str| !line.starts_with('#') && !line.contains("_bucket{");
        let names: BTreeSet<&str> =
            text.lines().filter(series).map(|line| line.split(['{', ' ']).next().unwrap()).collect();
        let told: BTreeSet<&str> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
        assert_eq!(told, names);

        app.state.db.close().await.unwrap();
        let metrics = list(&app.with_config("{}")).await;
        assert_eq!(find(&metrics, "kubestats_database_up", json!({})), Some((0.0, "".into())), "{metrics:#?}");
        assert_eq!(find(&metrics, "kubestats_repositories", json!({})), None, "an old figure is told");
    })
    .await;
}

#[tokio::test]
async fn strangers_read_no_figures() {
    on_each_engine(async |app| {
        for (config, status) in [
            ("app: {listen: '127.0.0.1:3000'}", StatusCode::OK),
            ("app: {listen: '0.0.0.0:3000'}", StatusCode::NOT_FOUND),
            ("server: {trusted_proxies: [127.0.0.1]}", StatusCode::NOT_FOUND),
            ("server: {public_url: 'https://kubestats.example.org'}", StatusCode::NOT_FOUND),
            ("server: {public_url: 'http://localhost:8080'}", StatusCode::OK),
            ("server: {public_url: 'http://[::ffff:127.0.0.1]:8080'}", StatusCode::OK),
            ("server: {metrics: {enabled: false}}", StatusCode::NOT_FOUND),
            ("server: {metrics: {listen: '127.0.0.1:9090'}}", StatusCode::NOT_FOUND),
            ("server: {metrics: {token: 0123456789abcdef}}", StatusCode::UNAUTHORIZED),
            ("app: {listen: '0.0.0.0:3000'}\nserver: {metrics: {token: 0123456789abcdef}}", StatusCode::UNAUTHORIZED),
        ] {
            let app = app.with_config(config);
            for path in ["/metrics", "/api/v1/metrics"] {
                let answer = app.get(path).await;
                assert_eq!(answer.status, status, "{config}: {path}: {}", answer.text());
                assert_eq!(status == StatusCode::OK, answer.text().contains("kubestats_database_up"), "{config}");
                if status != StatusCode::UNAUTHORIZED {
                    continue;
                }
                assert_eq!(answer.header("www-authenticate"), "Bearer");
                for (told, status) in [
                    (format!("Bearer {TOKEN}"), StatusCode::OK),
                    (format!("bearer {TOKEN}"), StatusCode::OK),
                    (format!("Bearer {TOKEN}x"), StatusCode::UNAUTHORIZED),
                    (format!("Basic {TOKEN}"), StatusCode::UNAUTHORIZED),
                    ("Bearer ".to_owned(), StatusCode::UNAUTHORIZED),
                ] {
                    let answer = app.get_with(path, &[(header::AUTHORIZATION, &told)]).await;
                    assert_eq!(answer.status, status, "{path}: {told}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_have_an_address_of_their_own_where_one_is_set() {
    on_each_engine(async |app| {
        let state = app.with_config("server: {metrics: {listen: '127.0.0.1:9090'}}").state;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = server::start::limits(&server::config::ServerConfig::default()).unwrap();
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = tokio::spawn(server::web::serve_metrics(listener, state, limits, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = async |path: &str| client.get(format!("http://{address}{path}")).send().await.unwrap();
        assert!(ask("/metrics").await.text().await.unwrap().contains("kubestats_repositories 0"));
        assert!(ask("/api/v1/metrics").await.text().await.unwrap().contains(r#""name":"kubestats_repositories""#));
        for path in ["/", "/api/v1/jobs", "/health"] {
            assert_eq!(ask(path).await.status(), 404, "{path} is served beside the figures");
        }
        drop(client);
        stop.cancel();
        serving.await.unwrap().unwrap();
    })
    .await;
}
