//! Somebody who answers late, and others that do not wait for that.

use std::time::{Duration, Instant};

use entity::kind::{JobKind, JobRequest, JobState, Origin, Priority, Provider, RequestedBy};
use entity::view::{BranchEvent, BranchEventFilter, Condition, JobFilter, PageQuery};
use server::{
    clock,
    jobs::{self, Identity, JobContext, Runner},
};
use standin::{Fault, Rule};
use store::db::Db;
use store::jobs::list_jobs;
use store::watch::list_branch_events;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::GIT;
use super::tekton::{PIPELINE, push, start, trigger};
use super::world::watched_at;
use crate::support::on_each_engine;

/// Everything that is waited for happens by then.
const PATIENCE: Duration = Duration::from_mins(1);

async fn wait(what: &str, is: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn events(db: &Db, repository: Uuid) -> Vec<BranchEvent> {
    let page = PageQuery { skip: 0, limit: 100 };
    let of = BranchEventFilter { repository_id: Some(repository), page, ..BranchEventFilter::default() };
    list_branch_events(&db.read, &of).await.unwrap().data
}

/// There is one place for jobs, and nobody but the slow one's own waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn while_one_forge_answers_late_the_events_of_another_are_decided() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        trigger(db, "brings", Condition { tekton: Some(true), ..Condition::default() }).await;
        let at = start(db, ", max_workers: 1").await;
        let url = at.standin.git().clone_url("ada/home");
        let beside = watched_at(db, Provider::Git, url, "home", Origin::Config).await;
        let sync = JobRequest::SyncRepository { repository_id: beside };
        at.run(sync.clone()).await.unwrap();
        at.github().fail(Rule::new(Fault::Status { code: 503 }).on(GIT));
        push(&at);
        at.failed_sync().await;

        at.github().fail(Rule::new(Fault::Slow { ms: 60_000 }).on("/git/trees/").times(1));
        let (stop, identity) = (CancellationToken::new(), Identity::take(&at.deps.data_dir, "all").unwrap());
        let runner = tokio::spawn(Runner::new(at.deps.clone(), identity).run(stop.clone()));
        wait("the API is asked", async || at.github().faults().len() == 1).await;
        let tekton = [(".tekton/build.yaml", Some(PIPELINE))];
        at.standin.git().commit_on(at.id, "main", &tekton, "tekton").unwrap();
        at.deps.queue.enqueue(&sync, RequestedBy::Api, Priority::CLICK, clock::now()).await.unwrap();
        let is_decided = |event: &BranchEvent| event.processed_at.is_some();
        wait("the other one's event is decided", async || events(db, beside).await.iter().any(is_decided)).await;
        let slow = JobFilter {
            kind: Some(JobKind::FollowBranches),
            state: Some(JobState::Running),
            repository_id: Some(at.repository),
            page: PageQuery { skip: 0, limit: 10 },
            ..JobFilter::default()
        };
        assert_eq!(list_jobs(&db.read, &slow).await.unwrap().count, 1, "the slow one was not waited for");
        assert!(!events(db, at.repository).await.iter().any(is_decided));
        stop.cancel();
        runner.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clone_tells_is_decided_while_git_gives_out_the_rest_slowly() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        trigger(db, "brings", Condition { tekton: Some(true), ..Condition::default() }).await;
        let at = start(db, "").await;
        at.github().make_branches(at.id, &["at-hand"]).unwrap();
        push(&at);
        at.sync().await.unwrap();
        at.github().fail(Rule::new(Fault::Slow { ms: 10_000 }).on(GIT).times(1));
        let (deps, repository_id) = (at.deps.clone(), at.repository);
        let follow = tokio::spawn(async move {
            let context = JobContext::new(Uuid::now_v7());
            jobs::handle(&deps, &context, &JobRequest::FollowBranches { repository_id }).await
        });
        let decided = async || {
            let events = events(db, at.repository).await.into_iter();
            events.filter(|event| event.processed_at.is_some()).map(|event| event.branch_name).collect::<Vec<_>>()
        };
        wait("something is decided", async || !decided().await.is_empty()).await;
        assert!(!follow.is_finished(), "it was decided only when all had come");
        assert_eq!(decided().await, ["at-hand"]);
        follow.await.unwrap().unwrap();
        assert_eq!(decided().await.len(), 3, "the other branch's, and what it brings");
    })
    .await;
}
