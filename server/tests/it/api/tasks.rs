//! `/api/v1/tasks/*`, and what else is done with all jobs.

use std::time::Duration;

use axum::http::StatusCode;
use entity::kind::{JobKind, JobRequest, LogLevel, Priority, RequestedBy};
use server::clock;
use store::{
    queue::{LogLine, Outcome},
    schedules::{self, PlannedSchedule},
    workers::{self, FoundWorker},
};
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, day, on_each_engine};

const LEASE: Duration = Duration::from_mins(1);

async fn with_schedule(app: &TestApp) {
    let (kind, cron, next) = (JobKind::Prune, "45 3 * * *".to_owned(), Some(day(4)));
    let prune = PlannedSchedule { name: "prune", kind, cron: cron.clone(), enabled: true, next_run_at: next };
    let name = "discover-repositories";
    let discover =
        PlannedSchedule { name, kind: JobKind::DiscoverRepositories, cron, enabled: false, next_run_at: None };
    let planned = [prune, discover];
    schedules::upsert_schedules(&app.state.db.write, &planned).await.unwrap();
}

#[tokio::test]
async fn a_schedule_is_triggered_by_its_name_and_watched_as_a_task() {
    on_each_engine(async |app| {
        with_schedule(app).await;
        let started = app.post("/api/v1/tasks/trigger-periodic/prune").await;
        assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text());
        let body = started.json();
        assert_eq!(body["status"], "PENDING");
        let id = body["task_id"].as_str().unwrap().to_owned();
        assert_eq!(started.header("location"), format!("/api/v1/jobs/{id}"));
        // A click on what waits already is the same job.
        assert_eq!(app.post("/api/v1/tasks/trigger-periodic/prune").await.json()["task_id"], id.as_str());
        let task = app.get(&format!("/api/v1/tasks/status/{id}")).await.json();
        assert_eq!((&task["status"], &task["name"]), (&"PENDING".into(), &"kubestats.tasks.prune.prune".into()));
        let workers = app.get("/api/v1/tasks/workers").await.json();
        let periodic = &workers["periodic_tasks"][1];
        assert_eq!((&periodic["name"], &periodic["total_run_count"]), (&"prune".into(), &2.into()));
        assert_eq!(workers["reserved"]["queue"][0]["task_id"], id.as_str());
        let unknown = app.post("/api/v1/tasks/trigger-periodic/dance").await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert!(
            unknown.json()["detail"].as_str().unwrap().contains("there are: discover-repositories, prune"),
            "{}",
            unknown.text()
        );
        // Both ways to ask for it say that nothing would be searched.
        let off = app.without_discovery();
        for path in ["tasks/trigger-periodic/discover-repositories", "repositories/discover"] {
            let path = format!("/api/v1/{path}");
            assert_eq!(app.post(&path).await.status, StatusCode::ACCEPTED, "{path}");
            let refused = off.post(&path).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.text());
        }
        assert_eq!(app.missing(&format!("/api/v1/tasks/status/{}", Uuid::now_v7())).await, "Task not found");
        assert_eq!(app.refused("/api/v1/tasks/status/1").await, ["path.task_id"]);
    })
    .await;
}

#[tokio::test]
async fn tasks_have_celerys_states_and_can_be_filtered_by_them() {
    on_each_engine(async |app| {
        let queue = &app.state.queue;
        let mut ids = Vec::new();
        for number in 0..6 {
            let repository_id = RepositoryBuilder::new(&format!("ada/r{number}")).store(app).await;
            let request = JobRequest::SyncRepository { repository_id };
            ids.push(queue.enqueue(&request, RequestedBy::Api, Priority(10 - number), day(2)).await.unwrap());
        }
        let outcomes = [
            Some(Outcome::Succeeded("fetched".into())),
            Some(Outcome::GiveUp("no such host".into())),
            Some(Outcome::Retry("timed out".into())),
            Some(Outcome::Cancelled),
            None,
        ];
        for (id, outcome) in ids.iter().zip(outcomes) {
            let claimed = queue.claim("w", JobKind::ALL, day(3), LEASE).await.unwrap().unwrap();
            assert_eq!(claimed.id, *id);
            if let Some(outcome) = outcome {
                queue.finish(*id, "w", outcome, day(3)).await.unwrap();
            }
        }
        let words = ["SUCCESS", "FAILURE", "RETRY", "REVOKED", "STARTED", "PENDING"];
        for (id, word) in ids.iter().zip(words) {
            let tasks = app.get(&format!("/api/v1/tasks/tasks/?status={word}")).await.json();
            let found: Vec<&str> = tasks.as_array().unwrap().iter().map(|t| t["task_id"].as_str().unwrap()).collect();
            assert_eq!(found, [id.to_string()], "{word}");
            assert_eq!(tasks[0]["status"], word);
        }
        let failed = app.get(&format!("/api/v1/tasks/status/{}", ids[1])).await.json();
        assert_eq!((&failed["traceback"], &failed["worker"]), (&"no such host".into(), &"w".into()));
        let count = async |query: &str| {
            app.get(&format!("/api/v1/tasks/tasks/?{query}")).await.json().as_array().unwrap().len()
        };
        assert_eq!((count("").await, count("limit=2").await, count("offset=5").await), (6, 2, 1));
        assert_eq!(count("since=2026-01-03T00:00:00Z&until=2026-01-04T00:00:00Z").await, 3);
        assert_eq!(app.refused("/api/v1/tasks/tasks/?status=LOST&since=x&limit=0").await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_job_tells_its_log_and_can_be_called_off_once() {
    on_each_engine(async |app| {
        let queue = &app.state.queue;
        let job = queue.enqueue(&JobRequest::Prune, RequestedBy::Schedule, Priority::ROUTINE, day(2)).await.unwrap();
        let line = LogLine { at: day(2), level: LogLevel::Warn, text: "slow".into() };
        queue.append_log(job, &[line]).await.unwrap();
        let log = app.get(&format!("/api/v1/jobs/{job}/log")).await.json();
        assert_eq!((&log["log"][0]["text"], &log["log"][0]["level"]), (&"slow".into(), &"warn".into()));
        let cancel = format!("/api/v1/jobs/{job}/cancel");
        let cancelled = app.post(&cancel).await;
        assert_eq!((cancelled.status, &cancelled.json()["state"]), (StatusCode::ACCEPTED, &"cancelled".into()));
        assert_eq!(app.post(&cancel).await.status, StatusCode::CONFLICT);
        assert_eq!(app.post(&format!("/api/v1/jobs/{}/cancel", Uuid::now_v7())).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.missing(&format!("/api/v1/jobs/{}/log", Uuid::now_v7())).await, "Job not found");
    })
    .await;
}

#[tokio::test]
async fn sync_all_is_one_job_and_the_overview_tells_of_workers_and_queue() {
    on_each_engine(async |app| {
        with_schedule(app).await;
        let first = app.post("/api/v1/repositories/sync").await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
        let again = app.post("/api/v1/repositories/sync-all").await;
        assert_eq!(first.json()["job_id"], again.json()["job_id"]);
        let worker = FoundWorker {
            id: "w-0".into(),
            role: "all",
            host: "box".into(),
            pid: 7,
            version: "1.2.3",
            started_at: clock::now(),
            capacity: 4,
            disk_limit_bytes: None,
        };
        workers::record_worker(&app.state.db.write, &worker, clock::now()).await.unwrap();
        app.state.queue.claim("w-0", JobKind::ALL, clock::now(), LEASE).await.unwrap().unwrap();
        let overview = app.get("/api/v1/tasks/overview").await.json();
        assert_eq!(overview["workers"][0]["running"][0]["kind"], "sync_all_repositories");
        assert_eq!((&overview["queue"][0]["running"], &overview["schedules"][1]["name"]), (&1.into(), &"prune".into()));
        let workers = app.get("/api/v1/tasks/workers").await.json();
        let name = "kubestats.tasks.sync_repositories.sync_all_repositories";
        assert_eq!((&workers["active"]["w-0"][0]["name"], &workers["stats"]["w-0"]["pid"]), (&name.into(), &7.into()));
    })
    .await;
}
