//! `/api/v1/jobs`.

use std::time::Duration;

use entity::kind::{JobKind, JobRequest, Priority, RequestedBy};
use store::queue::Outcome;
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, day, on_each_engine};

async fn two_jobs(app: &TestApp) -> [Uuid; 2] {
    let repository_id = RepositoryBuilder::new("ada/home-ops").store(app).await;
    let queue = &app.state.queue;
    let sync = JobRequest::SyncRepository { repository_id };
    let done = queue.enqueue(&sync, RequestedBy::Start, Priority::ROUTINE, day(2)).await.unwrap();
    let claimed = queue.claim("worker-1", JobKind::ALL, day(2), Duration::from_mins(1)).await.unwrap().unwrap();
    assert_eq!(claimed.id, done);
    queue.finish(done, "worker-1", Outcome::Succeeded("3 new commits".to_owned()), day(2)).await.unwrap();
    let scan = JobRequest::ScanRepository { repository_id };
    let waiting = queue.enqueue(&scan, RequestedBy::Job, Priority::FOLLOW_UP, day(3)).await.unwrap();
    [done, waiting]
}

#[tokio::test]
async fn jobs_are_listed_and_filtered() {
    on_each_engine(async |app| {
        let [done, waiting] = two_jobs(app).await;
        let all = app.get("/api/v1/jobs").await;
        assert_eq!((all.count(), all.column("id")), (2, vec![waiting.to_string(), done.to_string()]));
        let repository = all.json()["data"][0]["repository_id"].as_str().unwrap().to_owned();
        for (query, ids) in [
            ("kind=scan_repository".to_owned(), vec![waiting]),
            ("state=succeeded".to_owned(), vec![done]),
            ("unfinished=true".to_owned(), vec![waiting]),
            (format!("repository_id={repository}"), vec![waiting, done]),
            (format!("repository_id={}", Uuid::now_v7()), vec![]),
            ("limit=1&skip=1".to_owned(), vec![done]),
            ("skip=900".to_owned(), vec![]),
        ] {
            let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            assert_eq!(app.get(&format!("/api/v1/jobs?{query}")).await.column("id"), ids, "{query}");
        }
        app.holds_etag("/api/v1/jobs").await;
        for (query, place) in [
            ("kind=dance", "query.kind"),
            ("state=done", "query.state"),
            ("unfinished=perhaps", "query.unfinished"),
            ("repository_id=x", "query.repository_id"),
        ] {
            assert_eq!(app.refused(&format!("/api/v1/jobs?{query}")).await, [place]);
        }
    })
    .await;
}

#[tokio::test]
async fn one_job_tells_what_came_of_it() {
    on_each_engine(async |app| {
        let [done, _] = two_jobs(app).await;
        let path = format!("/api/v1/jobs/{done}");
        let job = app.get(&path).await.json();
        assert_eq!((&job["state"], &job["result"]), (&"succeeded".into(), &"3 new commits".into()));
        assert_eq!((&job["attempts"], &job["repository_full_name"]), (&1.into(), &"ada/home-ops".into()));
        app.holds_etag(&path).await;
        assert_eq!(app.missing(&format!("/api/v1/jobs/{}", Uuid::now_v7())).await, "Job not found");
        assert_eq!(app.refused("/api/v1/jobs/1").await, ["path.job_id"]);
    })
    .await;
}
