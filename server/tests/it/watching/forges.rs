//! Watched branches of a repository at a forge, which fails, is asked by its API, and has things become of the repository.

mod changes;
mod slow;
mod tekton;
pub(super) mod world;

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use entity::kind::{BranchEventKind, BranchEventState, JobKind, JobRequest, NoticedBy, SyncStatus};
use entity::view::{Condition, JobFilter, Pace, PageQuery, Target};
use serde_json::json;
use server::{
    clock,
    jobs::{self, JobContext},
};
use standin::{Access, Fault, Rule};
use store::triggers::{NewTrigger, insert_trigger};
use uuid::Uuid;

use self::world::AtForge;
use super::webhooks::{SECRET, push, set_up};
use crate::support::on_each_engine;

/// Paths of Git, not those of the API.
const GIT: &str = "/home.git/";
/// Where the API compares commits.
const COMPARISONS: &str = "/compare";

fn owned(told: &[(&str, BranchEventKind, NoticedBy)]) -> Vec<(String, BranchEventKind, NoticedBy)> {
    told.iter().map(|(name, kind, how)| ((*name).to_owned(), *kind, *how)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_git_can_t_be_had_branches_are_seen_by_the_api() {
    use BranchEventKind::{BranchCreated, BranchDeleted, BranchUpdated};
    on_each_engine(async |app| {
        // What a commit brings has to be read for it.
        let condition = Condition { tekton: Some(true), ..Condition::default() };
        let target = Target::Webhook { url: "https://ci.example.org/".to_owned(), headers: [].into() };
        let pace = Pace { timeout_ms: 2_000, waits_ms: vec![1] };
        let new = NewTrigger { name: "tekton".to_owned(), is_enabled: true, condition, target, pace };
        insert_trigger(&app.state.db.write, &new, clock::now()).await.unwrap();
        for fault in [Fault::Status { code: 503 }, Fault::TooMany { retry_after: Some(90) }] {
            let at = AtForge::start(&app.state.db).await;
            at.github().make_branches(at.id, &["old", "stays"]).unwrap();
            at.sync().await.unwrap();
            assert_eq!(at.events().await, []);
            assert!(at.asked().is_empty(), "Git is asked first");

            let limit = matches!(fault, Fault::TooMany { .. });
            at.github().fail(Rule::new(fault).on(GIT));
            let second = at.commit("main", "a: 2\n");
            at.github().make_branches(at.id, &["topic"]).unwrap();
            at.github().delete_branch(at.id, "old").unwrap();
            let why = at.failed_sync().await;
            assert!(why.contains("seen by the API of 127.0.0.1:") && why.contains("(3)"), "{why}");
            let expected = owned(&[
                ("main", BranchUpdated, NoticedBy::Api),
                ("old", BranchDeleted, NoticedBy::Api),
                ("topic", BranchCreated, NoticedBy::Api),
            ]);
            assert_eq!(at.told().await, expected, "{why}");
            assert_eq!(at.events().await[0].new_commit.as_deref(), Some(second.as_str()));
            // The second token is the repository's own.
            assert!(at.asked().iter().all(|token| *token == Some(1)), "{:?}", at.asked());
            let seen = at.seen().await;
            if limit {
                assert_eq!((seen.sync_status, seen.sync_error), (SyncStatus::Success, None), "a limit is no failure");
            } else {
                assert_eq!((seen.sync_status, seen.sync_error), (SyncStatus::Error, Some(why)));
            }

            // What the commits bring is told by the API too, so that nobody waits for Git.
            at.follow().await;
            let followed = at.whole_events().await;
            assert!(followed.iter().all(|event| event.state == BranchEventState::Processed), "{followed:#?}");
            let found = followed.iter().map(|event| event.tekton.as_ref().map(|found| found.read_by_api));
            assert_eq!(found.collect::<Vec<_>>(), [Some(true), None, Some(true)]);

            at.github().clear_faults();
            at.sync().await.unwrap();
            assert_eq!(at.told().await, expected, "Git says the same");
            assert_eq!(at.seen().await.sync_status, SyncStatus::Success);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_git_never_listed_begins_by_the_api() {
    on_each_engine(async |app| {
        let at = AtForge::start(&app.state.db).await;
        at.github().make_branches(at.id, &["topic"]).unwrap();
        at.github().protect(at.id, "main");
        at.github().fail(Rule::new(Fault::Status { code: 502 }).on(GIT));
        let why = at.failed_sync().await;
        assert!(why.contains("seen by the API"), "{why}");
        assert_eq!(at.events().await, [], "what the first look finds is what later ones are compared with");
        assert_eq!(at.protected().await, [("main".to_owned(), Some(true)), ("topic".to_owned(), Some(false))]);
        at.github().clear_faults();
        at.sync().await.unwrap();
        assert_eq!((at.events().await, at.names().await.len()), (Vec::new(), 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_not_asked_where_it_is_not_to_be_or_can_t_tell() {
    on_each_engine(async |app| {
        let off = AtForge::with_polling(&app.state.db, ", enable_api_fallback: false").await;
        off.sync().await.unwrap();
        off.commit("main", "a: 2\n");
        off.github().fail(Rule::new(Fault::Status { code: 503 }).on(GIT));
        let why = off.failed_sync().await;
        assert!(!why.contains("API") && off.asked().is_empty(), "{why}");
        assert_eq!(off.events().await, []);

        // Neither of the two answers, or the API only with nonsense.
        let at = AtForge::start(&app.state.db).await;
        at.github().make_branches(at.id, &["topic"]).unwrap();
        at.sync().await.unwrap();
        at.commit("main", "a: 2\n");
        for fault in [
            Fault::Status { code: 503 },
            Fault::BadCredentials,
            Fault::Blocked,
            Fault::WrongJson,
            Fault::MissingFields { fields: vec!["name".to_owned()] },
            Fault::Cut,
            Fault::SecondaryLimit { retry_after: Some(1) },
        ] {
            let what = format!("{fault:?}");
            at.github().clear_faults();
            at.github().fail(Rule::new(Fault::Status { code: 503 }).on(GIT));
            at.github().fail(Rule::new(fault).on("/repos/"));
            let why = at.failed_sync().await;
            assert!(why.contains("503") && !why.contains("API"), "{what}: {why}");
            assert_eq!((at.events().await, at.names().await.len()), (Vec::new(), 2), "{what}");
        }
    })
    .await;
}

/// Who asks is refused, or the repository is not there for him: no branch is lost by that, and the reason is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_can_t_be_seen_any_more_loses_no_branch() {
    on_each_engine(async |app| {
        type Befalls = fn(&AtForge);
        let cases: [(&str, Befalls, &str); 4] = [
            ("its token ran out", |at| at.github().fail(Rule::new(Fault::BadCredentials)), "refused the token"),
            ("it became private", |at| assert!(at.github().set_access(at.id, Access::Private)), "not visible to us"),
            ("it was taken down", |at| assert!(at.github().set_access(at.id, Access::Blocked)), "451"),
            ("it was deleted", |at| assert!(at.github().delete(at.id)), "not visible to us"),
        ];
        for (what, hide, reason) in cases {
            let at = AtForge::start(&app.state.db).await;
            at.github().make_branches(at.id, &["topic"]).unwrap();
            at.sync().await.unwrap();
            let last_seen: Vec<_> = at.branches().await.into_iter().map(|branch| branch.last_seen_at).collect();
            at.commit("main", "a: 2\n");
            let repository = at.github().repository("ada/home").unwrap();
            hide(&at);
            for _ in 0..2 {
                let why = at.failed_sync().await;
                assert!(why.contains(reason) && !why.contains("API"), "{what}: {why}");
                let seen = at.seen().await;
                assert_eq!((seen.sync_status, seen.sync_error), (SyncStatus::Error, Some(why)), "{what}");
                assert_eq!((at.events().await, at.names().await), (Vec::new(), vec!["main".into(), "topic".into()]));
            }
            let still: Vec<_> = at.branches().await.into_iter().map(|branch| branch.last_seen_at).collect();
            assert_eq!(still, last_seen, "{what}: nobody saw them since");
            assert!(at.asked().is_empty(), "{what}: the API would say no more");
            at.github().clear_faults();
            at.github().add(repository);
            at.sync().await.unwrap();
            let told = owned(&[("main", BranchEventKind::BranchUpdated, NoticedBy::Poll)]);
            assert_eq!(at.told().await, told, "{what}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_renamed_is_watched_on() {
    on_each_engine(async |app| {
        let at = AtForge::start(&app.state.db).await;
        at.github().make_branches(at.id, &["topic"]).unwrap();
        at.sync().await.unwrap();
        assert!(at.github().rename(at.id, "renamed") && at.github().transfer(at.id, "eve"));
        at.commit("main", "a: 2\n");
        at.sync().await.unwrap();
        let mut told = vec![("main", BranchEventKind::BranchUpdated, NoticedBy::Poll)];
        assert_eq!(at.told().await, owned(&told));

        // By the API too.
        at.github().fail(Rule::new(Fault::Status { code: 503 }).on(".git/"));
        at.commit("topic", "a: 3\n");
        let why = at.failed_sync().await;
        assert!(why.contains("seen by the API"), "{why}");
        told.push(("topic", BranchEventKind::BranchUpdated, NoticedBy::Api));
        assert_eq!(at.told().await, owned(&told));
        assert_eq!(at.names().await, ["main", "topic"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_branches_are_protected_is_asked_once_and_again_for_new_ones() {
    on_each_engine(async |app| {
        let at = AtForge::start(&app.state.db).await;
        at.github().make_branches(at.id, &["topic"]).unwrap();
        at.github().protect(at.id, "main");
        at.sync().await.unwrap();
        let page = PageQuery { skip: 0, limit: 10 };
        let follows = JobFilter { kind: Some(JobKind::FollowBranches), page, ..JobFilter::default() };
        let follows = store::jobs::list_jobs(&app.state.db.read, &follows).await.unwrap();
        assert_eq!(follows.count, 1, "the first look asks for it");
        at.follow().await;
        let mut expected = vec![("main".to_owned(), Some(true)), ("topic".to_owned(), Some(false))];
        assert_eq!(at.protected().await, expected);
        assert_eq!(at.asked(), vec![Some(1)]);
        assert_eq!(at.events().await, [], "it is no change");

        at.follow().await;
        at.commit("topic", "a: 2\n");
        at.sync().await.unwrap();
        at.follow().await;
        assert_eq!(at.asked().len(), 1, "nothing is new");

        at.github().make_branches(at.id, &["release/1"]).unwrap();
        at.github().protect(at.id, "release/1");
        at.sync().await.unwrap();
        at.follow().await;
        expected.insert(1, ("release/1".to_owned(), Some(true)));
        assert_eq!(at.protected().await, expected);

        // What the forge does not tell is unknown; the events are followed all the same.
        at.github().fail(Rule::new(Fault::BadCredentials).on("/repos/"));
        at.github().make_branches(at.id, &["release/2"]).unwrap();
        at.sync().await.unwrap();
        at.follow().await;
        expected.insert(2, ("release/2".to_owned(), None));
        assert_eq!(at.protected().await, expected);
        assert!(at.events().await.iter().all(|event| event.state == BranchEventState::Processed));
        at.github().clear_faults();
        at.github().reset();
        at.commit("release/2", "a: 3\n");
        at.sync().await.unwrap();
        at.follow().await;
        assert!(at.asked().is_empty(), "it is not asked again and again");

        // People change it without a push.
        at.github().protect(at.id, "topic");
        at.synced_before(TimeDelta::days(2)).await;
        for _ in 0..2 {
            at.sync().await.unwrap();
            assert_eq!(at.asked().len(), 1, "once a day");
        }
        (expected[2].1, expected[3].1) = (Some(false), Some(true));
        assert_eq!(at.protected().await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_asked_for_with_the_token_that_the_configuration_gives_a_repository() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        for is_alone in [false, true] {
            let at = match is_alone {
                true => AtForge::with_its_token_alone(db).await,
                false => AtForge::start(db).await,
            };
            at.run(JobRequest::RefreshMetrics).await.unwrap();
            let asked: Vec<_> = at.github().requests().into_iter().map(|request| request.token).collect();
            // The second token is the repository's own.
            assert!(!asked.is_empty() && asked.iter().all(|token| *token == Some(1)), "{asked:?}");
            assert!(at.seen().await.latest_metrics.is_some());
        }
    })
    .await;
}

/// What a webhook tells while a look goes on is newer than what the look says.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_began_before_a_webhook_and_ends_after_it_takes_nothing_back() {
    on_each_engine(async |app| {
        let at = AtForge::start(&app.state.db).await;
        set_up(app, at.repository).await;
        at.sync().await.unwrap();
        let head = at.branches().await[0].head_commit.clone();

        at.github().fail(Rule::new(Fault::Slow { ms: 5_000 }).on(GIT).times(1));
        let (deps, repository_id) = (at.deps.clone(), at.repository);
        let look = tokio::spawn(async move {
            let context = JobContext::new(Uuid::now_v7());
            jobs::handle(&deps, &context, &JobRequest::SyncRepository { repository_id }).await
        });
        while !at.github().faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The look will say that there is no such branch: it is pushed where the look does not see it any more.
        let zero = "0".repeat(40);
        let body = json!({ "ref": "refs/heads/topic", "before": zero, "after": head });
        let answer = app.send(push(at.repository, "1", SECRET, &body)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        assert!(!look.is_finished(), "the look ended before the webhook came");
        look.await.unwrap().unwrap();
        let told = owned(&[("topic", BranchEventKind::BranchCreated, NoticedBy::Webhook)]);
        assert_eq!((at.told().await, at.names().await), (told.clone(), vec!["main".to_owned(), "topic".to_owned()]));

        at.github().make_branches(at.id, &["topic"]).unwrap();
        at.sync().await.unwrap();
        assert_eq!(at.told().await, told, "the next look agrees");
        at.github().delete_branch(at.id, "topic").unwrap();
        super::a_while_later(&app.state.db).await;
        at.sync().await.unwrap();
        assert_eq!(at.names().await, ["main"], "and a later one sees what is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_branches_that_are_gone_are_not_kept() {
    on_each_engine(async |app| {
        let at = AtForge::start(&app.state.db).await;
        at.sync().await.unwrap();
        at.github().make_branches(at.id, &["gone", "stays"]).unwrap();
        let (gone, stays) = (at.commit("gone", "a: 2\n"), at.commit("stays", "a: 3\n"));
        at.sync().await.unwrap();
        at.follow().await;
        let kept = || {
            let kept = git::kept_branches(&at.deps.clone_dir(at.repository)).into_iter();
            kept.map(|(name, commit)| (name, commit.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(kept(), [("gone".to_owned(), gone), ("stays".to_owned(), stays.clone())]);
        at.run(JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        assert_eq!(kept().len(), 2, "both are there");
        at.github().delete_branch(at.id, "gone").unwrap();
        at.sync().await.unwrap();
        let said = at.run(JobRequest::CleanupRepositoryWorkdirs).await.unwrap();
        assert!(said.contains("1 branches that are gone"), "{said}");
        assert_eq!(kept(), [("stays".to_owned(), stays)]);
    })
    .await;
}
