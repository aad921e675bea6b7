//! What the way to a commit changed, and whether a push was forced, told by the forge's API where no clone can tell.

use chrono::TimeDelta;
use entity::kind::{BranchEventKind, BranchEventState};
use entity::view::{BranchEvent, Condition};
use server::clock;
use standin::{Fault, Kind, Options, Rule};
use store::watch::events_to_follow;

use super::tekton::{matched, trigger};
use super::world::AtForge;
use super::{COMPARISONS, GIT};
use crate::support::on_each_engine;

const KINDS: [Kind; 3] = [Kind::GitHub, Kind::GitLab, Kind::Forgejo];
/// Where GitLab tells what two commits have in common.
const BASES: &str = "/merge_base";
/// What failed is tried again so late that a sync that succeeds has to ask for it.
const AWAY: Fault = Fault::TooMany { retry_after: Some(600) };

fn of_paths(pattern: &str) -> Condition {
    Condition { paths: vec![pattern.to_owned()], ..Condition::default() }
}

fn of(expression: &str) -> Condition {
    Condition { expression: Some(expression.to_owned()), ..Condition::default() }
}

/// A push of files that are new.
fn push(at: &AtForge, branch: &str, files: &[&str]) {
    let files: Vec<_> = files.iter().map(|file| (*file, Some("a: 1\n"))).collect();
    at.forge().commit_on(at.id, branch, &files, "push").unwrap();
}

/// Each branch, whether it was forced, and who is told.
fn told(events: &[BranchEvent]) -> Vec<(&str, Option<bool>, Vec<&str>)> {
    events.iter().map(|event| (event.branch_name.as_str(), event.is_forced, matched(event))).collect()
}

fn is_decided(event: &BranchEvent) -> bool {
    event.processed_at.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_forced_pushes_are_told_by_every_forge() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        trigger(db, "clusters", of_paths("clusters/**")).await;
        trigger(db, "forced", of("forced")).await;
        trigger(db, "only docs", of("paths.all(p, p.startsWith('docs/'))")).await;
        for kind in KINDS {
            let at = AtForge::of(db, kind, |_| {}).await;
            at.forge().make_branches(at.id, &["anew", "back", "topic"]).unwrap();
            for branch in ["anew", "back"] {
                push(&at, branch, &["docs/a.md"]);
            }
            at.sync().await.unwrap();
            at.forge().fail(Rule::new(AWAY).on(GIT));
            at.forge().rewrite_on(at.id, "anew").unwrap();
            at.forge().make_branches(at.id, &["back", "new"]).unwrap();
            push(&at, "new", &["clusters/new.yaml"]);
            push(&at, "topic", &["clusters/a.yaml"]);
            push(&at, "topic", &["docs/a.md"]);
            at.failed_sync().await;
            at.follow().await;
            let events = at.whole_events().await;
            let expected = [
                // Nothing but the commit is another one.
                ("anew", Some(true), vec!["forced", "only docs"]),
                // The clone has what it is set back to, and not what it left.
                ("back", Some(true), vec!["forced", "only docs"]),
                ("new", None, vec!["clusters"]),
                ("topic", Some(false), vec!["clusters"]),
            ];
            assert_eq!(told(&events), expected, "{kind:?}: {events:#?}");
            assert!(events.iter().all(is_decided), "{kind:?}: {events:#?}");
            let later = clock::now() + TimeDelta::days(30);
            let left = events_to_follow(&db.read, at.repository, later, 10).await.unwrap();
            assert_eq!(left, [], "{kind:?}: nothing is left to be read");

            // The clone says no other.
            at.forge().clear_faults();
            at.sync().await.unwrap();
            at.follow().await;
            assert_eq!(told(&at.whole_events().await), expected, "{kind:?}");
        }
    })
    .await;
}

/// What is not told is no "no".
#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_cuts_off_is_waited_for_unless_the_rest_does_not_matter() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        trigger(db, "last", of_paths("zz/last.yaml")).await;
        let none = of("!paths.exists(p, p == 'zz/last.yaml')");
        trigger(db, "none", Condition { branches: Some("^topic$".to_owned()), ..none }).await;
        type Less = fn(&mut Options);
        let github: (_, Less, usize) = (Kind::GitHub, |options| options.github_trees = 10, 300);
        let gitlab: (_, Less, usize) = (Kind::GitLab, |options| options.gitlab_diffs = 2, 2);
        for (kind, less, most) in [github, gitlab] {
            let at = AtForge::of(db, kind, less).await;
            at.forge().make_branches(at.id, &["first", "topic"]).unwrap();
            at.sync().await.unwrap();
            at.forge().fail(Rule::new(AWAY).on(GIT));
            let pushes = |folder: &str| {
                let names = (0..most).map(|number| format!("{folder}/{number:03}.yaml"));
                names.chain(["zz/last.yaml".to_owned()]).collect::<Vec<_>>()
            };
            for (branch, folder) in [("first", "zzz"), ("topic", "many")] {
                let files = pushes(folder);
                push(&at, branch, &files.iter().map(String::as_str).collect::<Vec<_>>());
            }
            at.failed_sync().await;
            at.follow().await;
            let events = at.whole_events().await;
            let expected = [("first", Some(false), vec!["last"]), ("topic", Some(false), vec![])];
            assert_eq!(told(&events), expected, "{kind:?}: {events:#?}");
            assert_eq!(events.iter().map(is_decided).collect::<Vec<_>>(), [true, false], "{kind:?}");
            assert_eq!((events[1].state, events[1].verdicts.len()), (BranchEventState::Retrying, 0), "{kind:?}");
            assert!(events[1].tekton.as_ref().is_some_and(|found| found.read_by_api), "{kind:?}");

            at.forge().clear_faults();
            at.sync().await.unwrap();
            at.follow().await;
            let events = at.whole_events().await;
            let expected = [("first", Some(false), vec!["last"]), ("topic", Some(false), vec!["last"])];
            assert_eq!(told(&events), expected, "{kind:?}: the clone tells");
            assert!(events.iter().all(is_decided), "{kind:?}: {events:#?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_api_does_not_compare_git_is_waited_for() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        trigger(db, "clusters", of_paths("clusters/**")).await;
        trigger(db, "forced", of("forced")).await;
        for kind in KINDS {
            for fault in [Fault::Status { code: 500 }, Fault::WrongJson, Fault::TooMany { retry_after: Some(600) }] {
                let what = format!("{kind:?}, {fault:?}");
                let at = AtForge::of(db, kind, |_| {}).await;
                at.forge().make_branches(at.id, &["other", "topic"]).unwrap();
                at.sync().await.unwrap();
                // The clone has what is left behind later.
                push(&at, "other", &["docs/a.md"]);
                at.sync().await.unwrap();
                at.follow().await;
                at.forge().fail(Rule::new(AWAY).on(GIT));
                for path in [COMPARISONS, BASES] {
                    at.forge().fail(Rule::new(fault.clone()).on(path));
                }
                at.forge().make_branches(at.id, &["other"]).unwrap();
                push(&at, "other", &["docs/b.md"]);
                push(&at, "topic", &["clusters/a.yaml"]);
                at.failed_sync().await;
                at.follow().await;
                let events = at.whole_events().await.split_off(1);
                assert_eq!(told(&events), [("other", None, vec![]), ("topic", None, vec![])], "{what}: {events:#?}");
                for event in &events {
                    assert_eq!((event.kind, event.state), (BranchEventKind::BranchUpdated, BranchEventState::Retrying));
                    assert!(event.verdicts.is_empty(), "{what}: {event:#?}");
                }
                at.forge().clear_faults();
                at.sync().await.unwrap();
                at.follow().await;
                let events = at.whole_events().await.split_off(1);
                let expected = [("other", Some(true), vec!["forced"]), ("topic", Some(false), vec!["clusters"])];
                assert_eq!(told(&events), expected, "{what}: {events:#?}");
            }
        }
    })
    .await;
}
