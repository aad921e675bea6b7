//! What a commit brings in `.tekton/`, told by the forge's API where no clone can tell.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::kind::{BranchEventKind, BranchEventState, JobRequest, TektonAction};
use entity::view::{BranchEvent, Condition, DeliveryFilter, Pace, PageQuery, Target, TektonFound};
use server::{
    clock,
    jobs::{self, JobContext},
};
use standin::{Fault, Repository, Rule};
use store::db::Db;
use store::repositories::record_set_aside;
use store::triggers::{NewTrigger, insert_trigger, list_deliveries};
use store::watch::events_to_follow;
use uuid::Uuid;

use super::world::AtForge;
use super::{COMPARISONS, GIT};
use crate::support::on_each_engine;

pub(super) const PIPELINE: &str =
    "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: build\nspec:\n  tasks: []\n";
/// So long that a sync, which finds Git well again, is sooner.
const LIMITED: Fault = Fault::TooMany { retry_after: Some(600) };

pub(super) async fn trigger(db: &Db, name: &str, condition: Condition) {
    let target = Target::Webhook { url: "https://ci.example.org/".to_owned(), headers: [].into() };
    let pace = Pace { timeout_ms: 2_000, waits_ms: vec![1] };
    let new = NewTrigger { name: name.to_owned(), is_enabled: true, condition, target, pace };
    insert_trigger(&db.write, &new, clock::now()).await.unwrap();
}

/// Of whom it asks what a commit brings, and of whom that a commit brings something.
async fn triggers(db: &Db) {
    trigger(db, "brings", Condition { tekton: Some(true), ..Condition::default() }).await;
    let detected = vec![BranchEventKind::TektonDetected];
    trigger(db, "found", Condition { events: detected, ..Condition::default() }).await;
}

/// A repository whose branch `topic` Git has listed.
pub(super) async fn start(db: &Db, polling: &str) -> AtForge {
    let at = AtForge::with_polling(db, polling).await;
    at.github().make_branches(at.id, &["topic"]).unwrap();
    at.sync().await.unwrap();
    at
}

/// A push to `topic` that brings a pipeline.
pub(super) fn push(at: &AtForge) {
    at.github().commit_on(at.id, "topic", &[(".tekton/build.yaml", Some(PIPELINE))], "tekton").unwrap();
}

fn found(event: &BranchEvent) -> &TektonFound {
    event.tekton.as_ref().unwrap_or_else(|| panic!("it is not known what {event:#?} brings"))
}

/// Branch, kind, what is best done, and whether the API told.
fn told(events: &[BranchEvent]) -> Vec<(&str, BranchEventKind, TektonAction, bool)> {
    let told = events.iter().map(|event| {
        let found = found(event);
        (event.branch_name.as_str(), event.kind, found.estimated_action, found.read_by_api)
    });
    told.collect()
}

pub(super) fn matched(event: &BranchEvent) -> Vec<&str> {
    let matched = event.verdicts.iter().filter(|verdict| verdict.is_match);
    matched.map(|verdict| verdict.trigger_name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_can_t_give_is_told_by_the_api_and_to_nobody_twice() {
    use BranchEventKind::{BranchUpdated, TektonDetected};
    on_each_engine(async |app| {
        let db = &app.state.db;
        triggers(db).await;
        let at = start(db, "").await;
        at.github().fail(Rule::new(LIMITED).on(GIT));
        at.github().fail(Rule::new(Fault::Status { code: 502 }).on(COMPARISONS));
        at.commit("main", "a: 2\n");
        push(&at);
        at.failed_sync().await;
        at.follow().await;
        let events = at.whole_events().await;
        let (skip, apply) = (TektonAction::Skip, TektonAction::Apply);
        let expected = |by_api| {
            [
                ("main", BranchUpdated, skip, by_api),
                ("topic", BranchUpdated, apply, by_api),
                ("topic", TektonDetected, apply, true),
            ]
        };
        assert_eq!(told(&events), expected(true));
        assert!(events.iter().all(|event| event.processed_at.is_some() && event.is_forced.is_none()), "{events:#?}");
        let who: Vec<Vec<&str>> = events.iter().map(matched).collect();
        assert_eq!(who, [vec![], vec!["brings"], vec!["found"]]);

        // What the API does not tell is waited for. The next push is followed meanwhile.
        at.github().commit_on(at.id, "topic", &[(".tekton/build.yaml", None)], "without").unwrap();
        at.failed_sync().await;
        at.follow().await;
        let events = at.whole_events().await;
        assert_eq!(events.len(), 4);
        assert_eq!(told(&events[3..]), [("topic", BranchUpdated, skip, true)]);

        at.github().clear_faults();
        at.sync().await.unwrap();
        at.follow().await;
        let events = at.whole_events().await;
        assert_eq!(told(&events[..3]), expected(false), "now the clone told");
        assert_eq!(told(&events[3..]), [("topic", BranchUpdated, skip, false)]);
        let pushes = events.iter().filter(|event| event.kind == BranchUpdated);
        assert!(pushes.clone().all(|event| event.is_forced == Some(false)), "{events:#?}");
        let page = PageQuery { skip: 0, limit: 10 };
        let deliveries = DeliveryFilter { page, ..DeliveryFilter::default() };
        assert_eq!(list_deliveries(&db.read, &deliveries).await.unwrap().count, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_too_many_is_left_out_and_said() {
    on_each_engine(async |app| {
        let at = start(&app.state.db, "").await;
        at.github().fail(Rule::new(Fault::Status { code: 503 }).on(GIT));
        let large = format!("a: {}\n", "x".repeat(1 << 20));
        let names: Vec<String> = (0..1_001).map(|number| format!(".tekton/many/{number:04}.yaml")).collect();
        let mut files: Vec<(&str, Option<&str>)> =
            names.iter().map(|name| (name.as_str(), Some("# nothing\n"))).collect();
        files.push((".tekton/large.yaml", Some(&large)));
        at.github().commit_on(at.id, "topic", &files, "much").unwrap();
        at.failed_sync().await;
        at.follow().await;
        let event = at.whole_events().await.remove(0);
        let found = found(&event);
        assert!(found.read_by_api && found.total_files == 1_000, "{} files", found.total_files);
        let has =
            |name: &str, why: &str| found.warnings.iter().any(|said| said.starts_with(name) && said.contains(why));
        assert!(has(".tekton/large.yaml: ", "more than the 1048576 that are read"), "{:?}", found.warnings);
        assert!(has(".tekton/many/1000.yaml: ", "1000 files were read before it"), "{:?}", found.warnings);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_paths_waits_for_git_while_it_is_known_what_a_commit_brings() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        triggers(db).await;
        trigger(db, "paths", Condition { paths: vec![".tekton/**".to_owned()], ..Condition::default() }).await;
        let at = start(db, "").await;
        at.github().fail(Rule::new(LIMITED).on(GIT));
        at.github().fail(Rule::new(Fault::Status { code: 502 }).on(COMPARISONS));
        push(&at);
        at.failed_sync().await;
        for _ in 0..2 {
            at.follow().await;
            let events = at.whole_events().await;
            assert_eq!(told(&events), [("topic", BranchEventKind::BranchUpdated, TektonAction::Apply, true)]);
            assert_eq!((events[0].state, events[0].verdicts.len()), (BranchEventState::Retrying, 0));
        }
        assert!(at.objects_asked() > 0);
        at.github().clear_faults();
        at.sync().await.unwrap();
        at.follow().await;
        let events = at.whole_events().await;
        let who: Vec<Vec<&str>> = events.iter().map(matched).collect();
        assert_eq!(who, [vec!["brings", "paths"], vec!["found"]], "the change first, then what it brings");
        assert!(events.iter().all(|event| !found(event).read_by_api), "{events:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_not_asked_for_what_git_does_not_show_or_where_it_is_not_to_be() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        triggers(db).await;
        let off = ", enable_api_fallback: false";
        for (polling, fault) in [("", Fault::BadCredentials), (off, Fault::Status { code: 503 })] {
            let what = format!("{polling} {fault:?}");
            let at = start(db, polling).await;
            push(&at);
            at.sync().await.unwrap();
            at.github().fail(Rule::new(fault).on(GIT));
            at.follow().await;
            let events = at.whole_events().await;
            assert_eq!((events.len(), events[0].state), (1, BranchEventState::Retrying), "{what}");
            assert_eq!((&events[0].tekton, at.objects_asked()), (&None, 0), "{what}");
        }
    })
    .await;
}

/// Neither its clone nor a part of it is fetched.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_repository_that_is_set_aside_the_api_tells() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        triggers(db).await;
        let at = start(db, "").await;
        push(&at);
        at.sync().await.unwrap();
        record_set_aside(&db.write, at.repository, "it is too large", clock::now()).await.unwrap();
        at.github().reset();
        at.follow().await;
        let events = at.whole_events().await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| found(event).read_by_api), "{events:#?}");
        assert!(events.iter().all(|event| event.is_forced == Some(false)), "{events:#?}");
        assert!(at.github().requests().iter().all(|request| !request.path.contains(GIT)), "nothing is fetched");
        let later = clock::now() + TimeDelta::days(30);
        assert_eq!(
            events_to_follow(&db.read, at.repository, later, 10).await.unwrap(),
            [],
            "nothing is left to be read"
        );
    })
    .await;
}

/// Pushes to two branches bring a pipeline each, of which the API alone can tell.
async fn push_twice(at: &AtForge, db: &Db) {
    at.github().make_branches(at.id, &["other"]).unwrap();
    at.sync().await.unwrap();
    // Now it is known which branches are protected.
    at.follow().await;
    for branch in ["other", "topic"] {
        at.github().commit_on(at.id, branch, &[(".tekton/build.yaml", Some(PIPELINE))], branch).unwrap();
    }
    at.sync().await.unwrap();
    record_set_aside(&db.write, at.repository, "it is too large", clock::now()).await.unwrap();
    at.github().reset();
}

/// Whether both pushes are known to bring something, by the API.
async fn are_both_told(at: &AtForge) -> bool {
    let events = at.whole_events().await;
    let pushes: Vec<_> = events.iter().filter(|event| event.kind == BranchEventKind::BranchUpdated).collect();
    let is_told =
        |event: &&BranchEvent| found(event).read_by_api && found(event).estimated_action == TektonAction::Apply;
    pushes.len() == 2 && pushes.iter().all(is_told)
}

#[tokio::test(flavor = "multi_thread")]
async fn for_all_commits_of_a_job_the_api_is_asked_for_the_repository_once() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let at = start(db, "").await;
        push_twice(&at, db).await;
        at.follow().await;
        assert!(are_both_told(&at).await, "{:#?}", at.whole_events().await);
        let asked: Vec<String> = at.github().requests().into_iter().map(|request| request.path).collect();
        assert_eq!(asked.iter().filter(|path| path.ends_with("/repos/ada/home")).count(), 1, "{asked:#?}");
        assert_eq!(at.objects_asked(), 8, "two trees, a file and a comparison each: {asked:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_found_although_somebody_else_took_the_name_of_its_repository_meanwhile() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let at = start(db, "").await;
        // Its number is known.
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        push_twice(&at, db).await;
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join("other");
        standin::bare::create(&git, &[&[("other.yaml", Some("a: 1\n"))]]).unwrap();
        let home = at.github().repository("ada/home").unwrap();
        let other = Repository { id: home.id + 1, git, ..home };
        // The first commit is read, and the second one asked for.
        at.github().fail(Rule::new(Fault::Slow { ms: 2_000 }).on("/git/").after(3).times(1));
        let rename = async {
            let began = Instant::now();
            while !at.github().faults().is_empty() {
                assert!(began.elapsed() < Duration::from_mins(1), "nobody asks");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(at.github().rename(at.id, "renamed"));
            at.github().add(other);
        };
        tokio::join!(at.follow(), rename);
        assert!(are_both_told(&at).await, "{:#?}", at.whole_events().await);
        let asked: Vec<String> = at.github().requests().into_iter().map(|request| request.path).collect();
        assert!(asked.iter().any(|path| path.contains("/repos/ada/renamed/git/")), "{asked:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_clone_is_made_for_long_the_api_tells() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        triggers(db).await;
        let at = start(db, "").await;
        push(&at);
        at.sync().await.unwrap();
        std::fs::remove_dir_all(at.deps.clone_dir(at.repository)).unwrap();
        at.github().fail(Rule::new(Fault::Slow { ms: 10_000 }).on(GIT).times(1));
        let (deps, repository_id) = (at.deps.clone(), at.repository);
        let follow = tokio::spawn(async move {
            let context = JobContext::new(Uuid::now_v7());
            jobs::handle(&deps, &context, &JobRequest::FollowBranches { repository_id }).await
        });
        let began = Instant::now();
        while at.events().await.len() < 2 {
            assert!(began.elapsed() < Duration::from_mins(1), "{:#?}", at.whole_events().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!follow.is_finished(), "the clone was made before");
        let events = at.whole_events().await;
        assert!(events.iter().all(|event| found(event).read_by_api), "{events:#?}");
        assert_eq!(matched(&events[0]), ["brings"]);
        follow.await.unwrap().unwrap();
        let events = at.whole_events().await;
        assert_eq!((events.len(), events[0].is_forced, found(&events[0]).read_by_api), (2, Some(false), false));
        assert_eq!(matched(&events[1]), ["found"]);
    })
    .await;
}
