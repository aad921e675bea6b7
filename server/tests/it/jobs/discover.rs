//! Discovery and metrics against a forge on this machine.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use entity::{
    kind::{JobRequest, RejectReason, SyncStatus},
    view::{DiscoverySettings, JobFilter, RejectFilter, Repository, RepositoryFilter},
};
use server::{
    clock, config,
    jobs::{self, Deps, JobContext, JobError},
};
use standin::{Access, Fault, Forge, Generator, Kind, Limits, Options, Rule, Standin, TOKEN};
use store::{db::Db, discovery, forges, queue::JobQueue, repositories};
use uuid::Uuid;

use crate::support::on_each_engine;

pub(super) struct Bench {
    pub(super) deps: Deps,
}

impl Bench {
    pub(super) fn new(db: &Db, forge: &Forge, more: &str) -> Self {
        let provider = match forge.kind() {
            Kind::GitHub => "github",
            Kind::GitLab => "gitlab",
            Kind::Forgejo => "forgejo",
            Kind::Git => "git",
        };
        let url = forge.url();
        let api = match forge.kind() {
            Kind::GitHub => format!("{{api_base_url: '{url}', "),
            _ => "{".to_owned(),
        };
        let text = format!(
            "discovery:\n  topics: [kubesearch]\n  max_age: 36500d\n  forges:\n    - {api}url: '{url}', \
             provider: {provider}, token: '${{FORGE_TOKEN}}'}}\n{more}"
        );
        Self::over(db, &text)
    }

    /// With a configuration of one's own; its forges may have `${FORGE_TOKEN}`.
    pub(super) fn over(db: &Db, text: &str) -> Self {
        let environment = [("FORGE_TOKEN".to_owned(), TOKEN.to_owned())].into();
        let config = config::parse(Path::new("test"), text, environment).unwrap();
        Self { deps: server::start::deps(&config, db, &JobQueue::new(db.clone()), None).unwrap() }
    }

    async fn run(&self, request: JobRequest) -> Result<String, JobError> {
        jobs::handle(&self.deps, &JobContext::new(Uuid::now_v7()), &request).await
    }

    pub(super) async fn discover(&self) -> Result<String, JobError> {
        self.run(JobRequest::DiscoverRepositories).await
    }

    pub(super) async fn refresh(&self) -> Result<String, JobError> {
        self.run(JobRequest::RefreshMetrics).await
    }

    pub(super) async fn coverage(&self) -> entity::view::Discovery {
        discovery::discovery(
            &self.deps.db.read,
            &DiscoverySettings::default(),
            &RejectFilter { page: entity::view::PageQuery { skip: 0, limit: 1_000 }, ..RejectFilter::default() },
        )
        .await
        .unwrap()
    }

    pub(super) async fn all(&self) -> Vec<Repository> {
        let mut all = Vec::new();
        loop {
            let page = entity::view::PageQuery { skip: all.len() as u64, limit: 1_000 };
            let filter = RepositoryFilter { page, ..RepositoryFilter::default() };
            let listing = repositories::list_repositories(&self.deps.db.read, &filter).await.unwrap();
            all.extend(listing.data);
            if all.len() as u64 >= listing.count {
                return all;
            }
        }
    }

    pub(super) async fn by_id(&self, forge_id: u64) -> Repository {
        let all = self.all().await;
        all.into_iter().find(|repository| repository.github_id == forge_id as i64).unwrap()
    }
}

pub(super) async fn start(count: usize, options: impl FnOnce(&mut Options)) -> Standin {
    // Nobody clones here; the path stands for the repositories' git.
    let repositories = Generator::new(count, vec![std::env::temp_dir()]).repositories();
    let mut given = Options { limits: Limits::generous(), search_etags: true, ..Options::with(repositories) };
    options(&mut given);
    Standin::start(given).await.unwrap()
}

/// Those that GitHub's search gives: forks only come when they are asked for.
fn searchable(forge: &Arc<Forge>) -> Vec<standin::Repository> {
    let seen = |repository: &standin::Repository| {
        repository.state == Access::Public && repository.topics.iter().any(|topic| topic == "kubesearch")
    };
    forge.repositories().into_iter().filter(|repository| seen(repository) && !repository.fork).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_beyond_a_thousand_is_found_and_asked_for_once() {
    on_each_engine(async |app| {
        // Forks are not searched; 2,500 remain.
        let standin = start(2_750, |_| {}).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "");
        let said = bench.discover().await.unwrap();
        let expected = searchable(github).len() as u64;
        let run = bench.coverage().await.last.unwrap();
        assert_eq!(run.found as u64, expected, "{said}");
        assert_eq!(run.accepted + run.set_aside + run.rejected, run.found, "{said}");
        let least = expected.div_ceil(100);
        let asked = github.counters().api;
        println!("{expected} repositories, {asked} requests, {least} at least");
        assert!(asked <= least + least / 10, "{asked} requests for {expected}; {least} at least");
        let here = bench.all().await.len() as i64;
        assert_eq!(here, run.accepted + run.set_aside);
        let syncs = JobFilter { kind: Some(entity::kind::JobKind::SyncRepository), ..JobFilter::default() };
        let jobs = store::jobs::list_jobs(&app.state.db.read, &syncs).await.unwrap();
        assert_eq!(jobs.count as i64, run.accepted, "each that is taken up is synced once");

        github.reset();
        bench.discover().await.unwrap();
        let counters = github.counters();
        assert_eq!((counters.api, counters.not_modified, counters.quota), (asked, asked, 0), "{counters:?}");
        let again = bench.coverage().await.last.unwrap();
        assert_eq!((again.found, again.accepted, again.known), (run.found, 0, here));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_of_a_thousand_cost_a_few_requests() {
    on_each_engine(async |app| {
        let standin = start(1_000, |_| {}).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "  archived: true\n");
        bench.discover().await.unwrap();
        github.reset();
        // What a search brings is fresh but for who watches: all of it is asked about.
        let now = clock::now() + chrono::TimeDelta::hours(6);
        let due = discovery::list_metrics_targets(&app.state.db.read, now).await.unwrap();
        for target in &due {
            discovery::touch_facts(&app.state.db.write, target.id, now - chrono::TimeDelta::days(1)).await.unwrap();
        }
        let said = bench.refresh().await.unwrap();
        let asked = github.counters().api;
        println!("{said}: {asked} requests for {}", due.len());
        assert!(asked <= 20 && asked >= (due.len() as u64).div_ceil(100), "{asked} requests for {}", due.len());
        for repository in bench.all().await {
            let truth = github.repository(&repository.full_name).unwrap();
            let found = repository.latest_metrics.unwrap();
            assert_eq!(
                (found.stars_count, found.forks_count, found.watchers_count, found.open_issues_count, found.size),
                (
                    truth.stars as i64,
                    truth.forks as i64,
                    truth.subscribers as i64,
                    (truth.open_issues + truth.open_pulls) as i64,
                    truth.size_kb as i64
                ),
            );
            assert_eq!((repository.language, repository.topics), (truth.language, truth.topics));
        }
        let budgets = forges::budgets(&app.state.db.read, clock::now()).await.unwrap();
        let graphql = budgets.iter().find(|budget| budget.resource == "graphql").unwrap();
        assert!(graphql.remaining.is_some() && graphql.spent_last_24_h >= asked as i64, "{graphql:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_moved_deleted_and_hidden_repositories_are_followed() {
    on_each_engine(async |app| {
        let standin = start(40, |_| {}).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "  archived: true\nscan: {max_repository_size_mb: 100000}\n");
        bench.discover().await.unwrap();
        let ids: Vec<u64> = searchable(github).iter().map(|repository| repository.id).collect();
        let before = bench.by_id(ids[0]).await;
        assert!(github.rename(ids[0], "renamed") && github.transfer(ids[0], "new-owner"));
        assert!(github.delete(ids[1]) && github.set_access(ids[2], Access::Blocked));
        assert!(github.change(ids[3], |repository| repository.topics.clear()));
        for target in discovery::list_metrics_targets(&app.state.db.read, clock::now()).await.unwrap() {
            let long_ago = clock::now() - chrono::TimeDelta::days(1);
            discovery::touch_facts(&app.state.db.write, target.id, long_ago).await.unwrap();
        }
        bench.refresh().await.unwrap();
        let after = bench.by_id(ids[0]).await;
        assert_eq!((after.id, after.full_name.as_str()), (before.id, "new-owner/renamed"));
        assert!(after.url.ends_with("/new-owner/renamed.git"), "{}", after.url);
        for (id, reason) in [(ids[1], "deleted or made private"), (ids[2], ""), (ids[3], "none of the topics")] {
            let gone = bench.by_id(id).await;
            assert_eq!(gone.sync_status, SyncStatus::Blocked, "{}", gone.full_name);
            assert!(gone.sync_error.as_deref().unwrap().contains(reason), "{gone:?}");
        }
        // Back again, it is synced again.
        assert!(github.change(ids[3], |repository| repository.topics = vec!["kubesearch".to_owned()]));
        bench.discover().await.unwrap();
        let back = bench.by_id(ids[3]).await;
        assert_eq!((back.sync_status, back.sync_error), (SyncStatus::Pending, None));
        assert_eq!(bench.all().await.len(), ids.len(), "nothing came in twice");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_has_a_reason_and_what_is_deleted_stays_away() {
    on_each_engine(async |app| {
        let standin = start(60, |_| {}).await;
        let github = standin.github();
        let found = searchable(github);
        let (archived, large, blocked) = (found[0].id, found[1].id, &found[2]);
        assert!(github.change(archived, |repository| repository.archived = true));
        assert!(github.change(large, |repository| {
            repository.size_kb = 200_000;
            repository.archived = false;
        }));
        let bench = Bench::new(&app.state.db, github, &format!("  block: ['{}']\n", blocked.full_name()));
        bench.discover().await.unwrap();
        let coverage = bench.coverage().await;
        let reason =
            |name: &str| coverage.rejected.data.iter().find(|left| left.full_name == name).map(|left| left.reason);
        assert_eq!(reason(&found[0].full_name()), Some(RejectReason::Archived));
        assert_eq!(reason(&blocked.full_name()), Some(RejectReason::Blocked));
        let aside = bench.by_id(large).await;
        assert_eq!(aside.sync_status, SyncStatus::PendingApproval);
        assert!(aside.sync_error.unwrap().contains("195 MB"));
        // An approval sticks, whatever discovery sees.
        discovery::approve(&app.state.db.write, aside.id, clock::now()).await.unwrap();
        let here = bench.all().await;
        let deleted = here.iter().find(|repository| repository.id != aside.id).unwrap();
        let txn = app.state.db.begin().await.unwrap();
        discovery::remove_repository_for_good(&txn, deleted.id, clock::now()).await.unwrap();
        txn.commit().await.unwrap();
        // Neither a new name nor the next run brings it back.
        assert!(github.rename(deleted.github_id as u64, "other-name"));
        bench.discover().await.unwrap();
        assert_eq!(bench.by_id(large).await.sync_status, SyncStatus::Pending);
        assert_eq!(bench.all().await.len(), here.len() - 1);
        let coverage = bench.coverage().await;
        assert!(coverage.by_reason.iter().any(|count| count.reason == RejectReason::Deleted && count.count == 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_never_hit_and_a_stopped_run_goes_on_where_it_was() {
    on_each_engine(async |app| {
        let standin = start(700, |options| {
            options.limits = Limits { search: 4, search_window: Duration::from_secs(2), ..Limits::generous() };
        })
        .await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "");
        bench.discover().await.unwrap();
        let expected = searchable(github).len() as i64;
        let counters = github.counters();
        assert_eq!((bench.coverage().await.last.unwrap().found, counters.limited), (expected, 0), "{counters:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_later_and_not_a_failure() {
    on_each_engine(async |app| {
        let standin = start(500, |_| {}).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "");
        github.fail(Rule::new(Fault::SecondaryLimit { retry_after: Some(120) }).on("/search/").after(3).times(1));
        let error = bench.discover().await.unwrap_err();
        let JobError::Later(reason, until) = &error else { panic!("{error:?}") };
        assert!((*until - clock::now()).num_seconds() > 60 && reason.contains("has to wait until"), "{reason}");
        assert_eq!(github.counters().api, 4);
        // Before that time nobody is asked, not even once.
        assert!(matches!(bench.discover().await, Err(JobError::Later(..))));
        assert_eq!(github.counters().api, 4);
        let current = bench.coverage().await.current.unwrap();
        assert_eq!((current.found, current.requests), (300, 3));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_to_stop_waits_for_no_answer_and_loses_no_page() {
    on_each_engine(async |app| {
        let standin = start(500, |_| {}).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "");
        // Whoever waits for it to the end fails for another reason.
        github.fail(Rule::new(Fault::Slow { ms: 600_000 }).on("/search/").after(3).times(1));
        let context = JobContext::new(Uuid::now_v7());
        let (stops, forge) = (context.clone(), Arc::clone(github));
        let stopping = tokio::spawn(async move {
            // It befell a question that is under way.
            while !forge.faults().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stops.cancel.store(true, Ordering::Relaxed);
        });
        let stopped = jobs::handle(&bench.deps, &context, &JobRequest::DiscoverRepositories).await;
        assert!(matches!(stopped, Err(JobError::Cancelled)), "{stopped:?}");
        stopping.await.unwrap();
        let current = bench.coverage().await.current.unwrap();
        assert_eq!((current.found, current.requests), (300, 3));
        bench.discover().await.unwrap();
        assert_eq!(bench.coverage().await.last.unwrap().found as usize, searchable(github).len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_answers_fail_with_a_reason_and_lose_nothing() {
    on_each_engine(async |app| {
        // An answer that is known already has no body to break.
        let standin = start(400, |options| options.search_etags = false).await;
        let github = standin.github();
        let bench = Bench::new(&app.state.db, github, "");
        for (fault, temporary) in [
            (Fault::Status { code: 502 }, true),
            (Fault::Cut, true),
            (Fault::WrongJson, false),
            (Fault::MissingFields { fields: vec!["full_name".to_owned()] }, false),
            (Fault::BadCredentials, false),
        ] {
            github.clear_faults();
            github.fail(Rule::new(fault.clone()).on("/search/").after(1).times(1));
            match bench.discover().await {
                Err(JobError::Retry(reason)) => {
                    assert!(temporary && reason.contains("127.0.0.1"), "{fault:?}: {reason}");
                    bench.discover().await.unwrap();
                }
                Ok(said) => {
                    assert!(!temporary, "{fault:?}: {said}");
                    let error = bench.coverage().await.last.unwrap().searches[0].error.clone().unwrap();
                    assert!(error.contains("127.0.0.1"), "{error}");
                    if fault == Fault::BadCredentials {
                        assert!(error.contains("discovery.forges[0].token"), "{error}");
                    }
                }
                Err(error) => panic!("{fault:?}: {error:?}"),
            }
        }
        github.clear_faults();
        bench.discover().await.unwrap();
        let run = bench.coverage().await.last.unwrap();
        assert_eq!(run.found as usize, searchable(github).len());
        assert_eq!(run.searches[0].error, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_and_forgejo_are_searched_to_the_end_as_well() {
    on_each_engine(async |app| {
        let standin = start(260, |_| {}).await;
        for forge in [standin.gitlab(), standin.forgejo()] {
            let bench = Bench::new(&app.state.db, forge, "  forks: true\n  archived: true\n");
            bench.discover().await.unwrap();
            let run = bench.coverage().await.last.unwrap();
            let public = |repository: &&standin::Repository| {
                repository.state == Access::Public && repository.topics.iter().any(|topic| topic == "kubesearch")
            };
            let expected = forge.repositories().iter().filter(public).count();
            assert_eq!((run.found as usize, run.searches[0].error.as_deref()), (expected, None), "{:?}", forge.kind());
            forge.reset();
            bench.discover().await.unwrap();
            let counters = forge.counters();
            // Forgejo gives its answers no tag.
            let expected = if forge.kind() == Kind::GitLab { counters.api } else { 0 };
            assert_eq!(counters.not_modified, expected, "{:?}: {counters:?}", forge.kind());
        }
    })
    .await;
}
