//! What several share: repositories that are due, a forge's limits, a disk.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use entity::{
    input::FoundRepository,
    kind::{JobKind, JobRequest, Origin, Priority, Provider, RequestedBy, SyncStatus},
    view::Repository,
};
use server::{
    clock,
    jobs::{self, Deps, JobContext, JobError},
};
use standin::{Fault, Limits, Rule};
use store::{
    db::{Db, DbSettings, Engine},
    discovery,
    queue::{JobQueue, Room},
    repositories,
};
use uuid::Uuid;

use super::world::{VICTIM, World};
use crate::support::{TestApp, on_each_engine};

async fn run(deps: &Deps, request: JobRequest) -> Result<String, JobError> {
    jobs::handle(deps, &JobContext::new(Uuid::now_v7()), &request).await
}

/// The database as another process has it.
async fn another(app: &TestApp) -> Db {
    let mut settings = DbSettings::new(&app.url);
    settings.max_connections = 3;
    Db::connect(&settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_given_to_one_process_only() {
    on_each_engine(async |app| {
        let now = clock::now();
        let found = |number: usize| FoundRepository {
            url: format!("https://example.org/ada/r{number}"),
            owner: "ada".to_owned(),
            name: format!("r{number}"),
            full_name: format!("ada/r{number}"),
            description: None,
            provider: Provider::Git,
            origin: Origin::Config,
            web_url: None,
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
        };
        let all: Vec<FoundRepository> = (0..300).map(found).collect();
        let txn = app.state.db.begin().await.unwrap();
        for (id, _) in repositories::upsert_repositories(&txn, &all, now).await.unwrap() {
            let due = now - TimeDelta::minutes(1);
            repositories::plan_next_sync(&txn, id, Some(due), 0).await.unwrap();
        }
        txn.commit().await.unwrap();
        // SQLite is for one process; its tasks take turns all the same.
        let mut takers = Vec::new();
        for _ in 0..4 {
            let db = if app.state.db.engine == Engine::Postgres { another(app).await } else { app.state.db.clone() };
            takers.push(tokio::spawn(async move {
                let (mut taken, mut in_vain) = (Vec::new(), 0);
                // Who finds nothing because others hold it looks again, as the runner does.
                while in_vain < 20 {
                    let again = now + TimeDelta::minutes(10);
                    let mine = repositories::take_due(&db, now, again, 7).await.unwrap();
                    if mine.is_empty() {
                        in_vain += 1;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    taken.extend(mine);
                }
                taken
            }));
        }
        let mut taken = Vec::new();
        for taker in takers {
            taken.extend(taker.await.unwrap());
        }
        let once: HashSet<Uuid> = taken.iter().copied().collect();
        assert_eq!((taken.len(), once.len()), (300, 300), "given and given once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_one_process_meets_holds_for_the_others() {
    on_each_engine(async |app| {
        let first = World::start(&app.state.db, true).await;
        // Another process: clients of its own over the same database, the same forge and the same token.
        let db = another(app).await;
        let second = first.fellow(&db).await;
        first.github().fail(Rule::new(Fault::SecondaryLimit { retry_after: Some(300) }).on("/search/").times(1));
        let refused = run(&first.deps, JobRequest::DiscoverRepositories).await;
        assert!(matches!(refused, Err(JobError::Later(..))), "{refused:?}");
        let asked = first.github().counters().api;
        assert_eq!(asked, 1);
        let Err(JobError::Later(reason, until)) = run(&second.deps, JobRequest::DiscoverRepositories).await else {
            panic!("the other process asks all the same")
        };
        assert!(reason.contains("has to wait until") && until > clock::now() + TimeDelta::seconds(200), "{reason}");
        assert_eq!(first.github().counters().api, asked, "the forge is left alone");
        // Once it is over the other goes on where the first one was stopped.
        let past = clock::now() - TimeDelta::seconds(1);
        first.execute("UPDATE forge_budget SET blocked_until = $1", past).await;
        run(&second.deps, JobRequest::DiscoverRepositories).await.unwrap();
        assert_eq!(second.repositories().await.len(), 4);
        db.close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_stop_together_before_a_limit_is_used_up() {
    on_each_engine(async |app| {
        let limits = Limits { core_anonymous: 3, ..Limits::generous() };
        let first = World::start_limited(&app.state.db, limits).await;
        let db = another(app).await;
        let second = first.fellow(&db).await;
        run(&first.deps, JobRequest::DiscoverRepositories).await.unwrap();
        // Without a token repositories are asked about one by one: all three of them, then nothing is left.
        let said = run(&first.deps, JobRequest::RefreshMetrics).await.unwrap();
        assert!(said.starts_with("figures of 3 repositories"), "{said}");
        for repository in second.repositories().await.iter().filter(|found| found.provider == Provider::Github) {
            let truth = first.github().repository(&repository.full_name).unwrap();
            let found = repository.latest_metrics.clone().unwrap();
            assert_eq!(
                (found.stars_count, found.watchers_count, found.forks_count),
                (truth.stars as i64, truth.subscribers as i64, truth.forks as i64)
            );
        }
        let asked = first.github().counters();
        assert_eq!((asked.limited, asked.quota_by_resource.get("core")), (0, Some(&3)), "{asked:?}");
        first.execute("UPDATE repository SET facts_at = $1", clock::now() - TimeDelta::days(1)).await;
        for world in [&second, &first] {
            let later = run(&world.deps, JobRequest::RefreshMetrics).await;
            assert!(matches!(later, Err(JobError::Later(..))), "{later:?}");
        }
        let after = first.github().counters();
        assert_eq!((after.limited, after.api), (0, asked.api), "nobody runs into the limit: {after:?}");
        // The hour is over.
        first.github().reset();
        first.execute("UPDATE forge_budget SET resets_at = $1", clock::now() - TimeDelta::seconds(1)).await;
        let said = run(&second.deps, JobRequest::RefreshMetrics).await.unwrap();
        assert!(said.starts_with("figures of 3 repositories"), "{said}");
        db.close().await.unwrap();
    })
    .await;
}

fn named<'a>(all: &'a [Repository], name: &str) -> &'a Repository {
    all.iter().find(|found| found.full_name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_is_made_free_of_the_oldest_clones_that_nobody_uses() {
    on_each_engine(async |app| {
        let mut world = World::start(&app.state.db, true).await;
        let sync = |found: &Repository| JobRequest::SyncRepository { repository_id: found.id };
        let scan = |found: &Repository| JobRequest::ScanRepository { repository_id: found.id };
        run(&world.deps, JobRequest::DiscoverRepositories).await.unwrap();
        for found in world.repositories().await {
            run(&world.deps, sync(&found)).await.unwrap();
            run(&world.deps, scan(&found)).await.unwrap();
        }
        let before = world.state().await;
        let all = world.repositories().await;
        let is_here = |found: &Repository| world_dir(&world.deps, found).exists();
        assert!(all.iter().all(is_here));

        // Another's job works on r1; r2's remote did not answer last; the other two could go, r0 rests longest.
        let queue = JobQueue::new(app.state.db.clone());
        let request = sync(named(&all, "ada/r1"));
        let txn = app.state.db.begin().await.unwrap();
        queue.enqueue_in(&txn, &request, RequestedBy::Api, Priority::CLICK, clock::now()).await.unwrap();
        txn.commit().await.unwrap();
        let kinds = [JobKind::SyncRepository];
        let lease = Duration::from_mins(1);
        let room = Room { worker: "another", kinds: &kinds, jobs: 1, max_per_host: None, lease };
        let held = queue.claim_many(room, clock::now()).await.unwrap();
        assert_eq!(held[0].request, request);
        let unreachable = named(&all, "ada/r2").id;
        let write = &app.state.db.write;
        repositories::record_sync_failed(write, unreachable, SyncStatus::Error, "no answer", clock::now())
            .await
            .unwrap();
        world
            .execute(
                "UPDATE repository SET head_committed_at = $1 WHERE full_name = 'ada/r0'",
                clock::now() - TimeDelta::days(900),
            )
            .await;
        world.deps.max_disk_bytes = Some(clones_bytes(&world.deps) - 1);
        let said = run(&world.deps, JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        let is_here = |name: &str| world_dir(&world.deps, named(&all, name)).exists();
        assert!(!is_here("ada/r0") && is_here("bob/elsewhere"), "the oldest first, and no more than must be: {said}");
        world.deps.max_disk_bytes = Some(0);
        run(&world.deps, JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        let is_here = |name: &str| world_dir(&world.deps, named(&all, name)).exists();
        assert!(!is_here("bob/elsewhere"));
        assert!(is_here("ada/r1"), "a clone that is in use stays");
        assert!(is_here("ada/r2"), "what cannot be fetched again stays");

        // One that is only read, by a scan that this process does not know of, stays as well.
        queue
            .finish(held[0].id, "another", store::queue::Outcome::Succeeded(String::new()), clock::now())
            .await
            .unwrap();
        let reader = git::use_clone(&world_dir(&world.deps, named(&all, "ada/r1"))).unwrap();
        run(&world.deps, JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        assert!(world_dir(&world.deps, named(&all, "ada/r1")).exists(), "a clone that is being read stays");
        drop(reader);
        run(&world.deps, JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        assert!(!world_dir(&world.deps, named(&all, "ada/r1")).exists());

        // All come back with the next sync that finds something, and nothing is told twice.
        world.deps.max_disk_bytes = None;
        for found in &all {
            run(&world.deps, sync(found)).await.unwrap();
            run(&world.deps, scan(found)).await.unwrap();
        }
        assert_eq!(world.state().await, before);
        let manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pushed\n";
        world.github().commit(world.ids[VICTIM], &[("pushed.yaml", Some(manifest))], "Push").unwrap();
        let events = named(&world.repositories().await, "ada/r0").counts.events;
        run(&world.deps, sync(named(&all, "ada/r0"))).await.unwrap();
        run(&world.deps, scan(named(&all, "ada/r0"))).await.unwrap();
        assert_eq!(named(&world.repositories().await, "ada/r0").counts.events, events + 1);

        // Blocked and gone ones need no clone, whatever room there is.
        discovery::block(write, named(&all, "ada/r0").id, "by hand").await.unwrap();
        discovery::record_gone(write, named(&all, "ada/r2").id, "it is gone", clock::now()).await.unwrap();
        run(&world.deps, JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        let is_here = |name: &str| world_dir(&world.deps, named(&all, name)).exists();
        assert!(!is_here("ada/r0") && !is_here("ada/r2"));
    })
    .await;
}

fn world_dir(deps: &Deps, found: &Repository) -> std::path::PathBuf {
    deps.clone_dir(found.id)
}

fn clones_bytes(deps: &Deps) -> u64 {
    fn below(path: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(path).unwrap().flatten();
        entries
            .map(|entry| match entry.metadata().unwrap() {
                metadata if metadata.is_dir() => below(&entry.path()),
                metadata => metadata.len(),
            })
            .sum()
    }
    below(&deps.data_dir.join("repos"))
}
