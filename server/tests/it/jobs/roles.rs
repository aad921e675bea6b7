//! What a process serves that works on jobs only.

use std::time::{Duration, Instant};

use server::clock;
use store::{db::ConnectionTrait as _, workers};
use uuid::Uuid;

use super::database::{asked, send};
use super::processes::{Machine, PATIENCE, open, stop};
use super::repository::Origins;
use crate::support::address_in;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_where_tells_its_health_there_and_nothing_else() {
    let Ok(server) = std::env::var("KUBESTATS_TEST_POSTGRES_URL") else {
        println!("skipped on PostgreSQL: KUBESTATS_TEST_POSTGRES_URL is not set");
        return;
    };
    let origin = Origins::new();
    origin.commit("first", &[("app.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"))]);
    let origins = [origin];
    let admin = open(&server).await;
    let name = format!("kubestats_roles_{}", Uuid::now_v7().simple());
    admin.write.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);

    let told = Machine::new(&origins, Some(url.as_str()));
    let mut listening = told.start_listening("worker");
    let address = address_in(&|| told.log()).await;
    for path in ["/health", "/api/health", "/api/health/db", "/api/health/redis"] {
        let (status, body) = asked(address, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(body.contains("\"healthy\""), "{path}: {body}");
    }
    for path in [
        "/",
        "/repositories",
        "/docs/",
        "/robots.txt",
        "/api/v1/openapi.json",
        "/api/v1/repositories/",
        "/api/v1/jobs",
        "/api/v1/stream",
        "/health/",
    ] {
        let (status, body) = asked(address, path).await;
        assert_eq!(status, 404, "{path}: {body}");
        assert!(body.contains("application/problem+json"), "{path}: {body}");
    }
    for (request, expected) in [
        ("POST /ui/add", 404),
        ("POST /api/v1/repositories/", 404),
        ("POST /api/v1/tasks/trigger-periodic/sync_all_repositories", 404),
        ("POST /health", 405),
    ] {
        let (status, body) = tokio::task::spawn_blocking(move || send(address, request)).await.unwrap();
        assert_eq!(status, expected, "{request}: {body}");
    }

    // One that is told nothing listens nowhere, whatever app.listen says.
    let silent = Machine::new(&origins, Some(url.as_str()));
    let mut working = silent.start("worker");
    let db = open(url.as_str()).await;
    let began = Instant::now();
    while workers::list_workers(&db.read, clock::now()).await.unwrap().len() < 2 {
        assert!(began.elapsed() < PATIENCE, "it does not begin to work: {}", silent.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(silent.log().contains("started") && !silent.log().contains("serving http://"), "{}", silent.log());

    stop(&mut listening);
    stop(&mut working);
    db.close().await.unwrap();
    admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
