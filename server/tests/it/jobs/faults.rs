//! Every fault of a forge at every step of the work. While it lasts nobody else is disturbed and nothing hangs; once it is
//! over, and some time has passed, all is as if it had never been.
//!
//! Every fault at one step and every step with one fault run with every test run; `KUBESTATS_FAULTS=all` runs all
//! combinations.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use chrono::Utc;
use entity::kind::JobRequest;
use futures::FutureExt as _;
use standin::{Access, Fault, Rule};

use super::world::{PATIENCE, VICTIM, World};
use crate::support::on_each_engine;

/// What the program does when the fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A page of a search.
    Search,
    /// The figures of many repositories at once.
    Figures,
    /// The figures of one, as it is done without a token.
    Lookup,
    /// What a repository has, before it is here.
    Refs,
    /// The greeting before a fetch.
    Greeting,
    /// The whole of a repository.
    Clone,
    /// What a repository has, when it is here already.
    RefsAgain,
    /// What is new in a repository.
    Fetch,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Search,
        Self::Figures,
        Self::Lookup,
        Self::Refs,
        Self::Greeting,
        Self::Clone,
        Self::RefsAgain,
        Self::Fetch,
    ];

    fn rule(self, fault: Fault) -> Rule {
        let rule = Rule::new(fault);
        match self {
            Self::Search => rule.on("/search/"),
            Self::Figures => rule.on("/graphql"),
            Self::Lookup => rule.on("/repos/"),
            Self::Refs | Self::RefsAgain => rule.on("/r0.git/git-upload-pack"),
            Self::Greeting => rule.on("/r0.git/info/refs"),
            // Refs are asked for twice, to look and to fetch, by the same path.
            Self::Clone | Self::Fetch => rule.on("/r0.git/git-upload-pack").after(2),
        }
    }

    fn is_later(self) -> bool {
        matches!(self, Self::RefsAgain | Self::Fetch)
    }

    fn is_git(self) -> bool {
        !matches!(self, Self::Search | Self::Figures | Self::Lookup)
    }

    /// Who has nothing to do with it. A limit is the whole machine's: who else waits for that one is not asked for either.
    fn bystanders(self, fault: &Fault) -> &'static [&'static str] {
        match self.is_git() && !is_limit(fault) {
            true => &["bob/elsewhere", "ada/r1", "ada/r2"],
            false => &["bob/elsewhere"],
        }
    }
}

fn faults() -> Vec<Fault> {
    let fields = ["full_name", "clone_url", "nameWithOwner", "repositoryTopics", "topics", "databaseId", "id"];
    vec![
        Fault::Slow { ms: 400 },
        Fault::Status { code: 500 },
        Fault::Status { code: 502 },
        Fault::PrimaryLimit { reset: 900 },
        Fault::SecondaryLimit { retry_after: Some(120) },
        Fault::SecondaryLimit { retry_after: None },
        Fault::TooMany { retry_after: Some(90) },
        Fault::TooMany { retry_after: None },
        Fault::Cut,
        Fault::WrongJson,
        Fault::MissingFields { fields: fields.map(str::to_owned).to_vec() },
        Fault::BadCredentials,
        Fault::Blocked,
        Fault::Endless,
    ]
}

fn is_limit(fault: &Fault) -> bool {
    matches!(fault, Fault::PrimaryLimit { .. } | Fault::SecondaryLimit { retry_after: Some(_) } | Fault::TooMany { .. })
}

/// What becomes of a repository on its forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Renamed,
    Transferred,
    Deleted,
    HiddenForAWhile,
    BlockedForAWhile,
    Rewritten,
    Emptied,
}

impl Happening {
    const ALL: [Self; 7] = [
        Self::Renamed,
        Self::Transferred,
        Self::Deleted,
        Self::HiddenForAWhile,
        Self::BlockedForAWhile,
        Self::Rewritten,
        Self::Emptied,
    ];

    fn befall(self, world: &World) {
        let (github, id) = (world.github(), world.ids[VICTIM]);
        let done = match self {
            Self::Renamed => github.rename(id, "renamed"),
            Self::Transferred => github.transfer(id, "eve"),
            Self::Deleted => github.delete(id),
            Self::HiddenForAWhile => github.set_access(id, Access::Private),
            Self::BlockedForAWhile => github.set_access(id, Access::Blocked),
            Self::Rewritten => github.rewrite(id).is_ok(),
            Self::Emptied => github.empty(id).is_ok(),
        };
        assert!(done, "{self:?}");
    }

    fn is_over(self, world: &World) {
        if matches!(self, Self::HiddenForAWhile | Self::BlockedForAWhile) {
            assert!(world.github().set_access(world.ids[VICTIM], Access::Public));
        }
    }
}

/// Which combinations to run: all, or so many that each step and each of the others comes at least once.
fn choose<T: Clone>(steps: &[Step], others: &[T]) -> Vec<(Step, T)> {
    let all = std::env::var("KUBESTATS_FAULTS").is_ok_and(|which| which == "all");
    let rounds = if all { steps.len() } else { 1 };
    let count = others.len().max(if all { 0 } else { steps.len() });
    // One step further in each round, so that none comes twice.
    let turns = (0..rounds).flat_map(|round| (0..count).map(move |turn| (round, turn)));
    turns.map(|(round, turn)| (steps[(turn + round) % steps.len()], others[turn % others.len()].clone())).collect()
}

/// The first look at everything, then a change in one repository and a look at everything again.
async fn first_half(world: &World) {
    world.ask(JobRequest::DiscoverRepositories).await;
    world.ask(JobRequest::SyncAllRepositories).await;
    world.settle().await;
}

async fn second_half(world: &World) {
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pushed\n";
    world.github().commit(world.ids[VICTIM], &[("pushed.yaml", Some(manifest))], "Push").unwrap();
    world.ask(JobRequest::SyncAllRepositories).await;
    world.settle().await;
}

/// Lets days pass until everything is as expected.
async fn recover(world: &World, expected: &[String], what: &str) {
    let mut state = Vec::new();
    for _ in 0..3 {
        world.github().reset();
        world.pass_a_day().await;
        world.settle().await;
        world.assert_nothing_is_stuck(what).await;
        state = world.state().await;
        if state == expected {
            return;
        }
    }
    let missing: Vec<_> = expected.iter().filter(|row| !state.contains(row)).take(6).collect();
    let extra: Vec<_> = state.iter().filter(|row| !expected.contains(row)).take(6).collect();
    panic!(
        "{what}: not as if undisturbed, {} rows and not {}\nmissing {missing:#?}\nextra {extra:#?}\n{:#?}",
        state.len(),
        expected.len(),
        world.jobs(None).await
    );
}

/// What a run without any fault comes to.
async fn undisturbed(with_token: bool) -> Vec<String> {
    let state = std::sync::Mutex::new(Vec::new());
    crate::support::on_sqlite(async |app| {
        let mut world = World::start(&app.state.db, with_token).await;
        world.run();
        first_half(&world).await;
        second_half(&world).await;
        world.assert_nothing_is_stuck("undisturbed").await;
        assert!(world.failed(&[]).await.is_empty(), "{:#?}", world.failed(&[]).await);
        assert!(world.are_well(&["ada/r0", "ada/r1", "ada/r2", "bob/elsewhere"]).await);
        *state.lock().unwrap() = world.state().await;
        world.end().await;
    })
    .await;
    state.into_inner().unwrap()
}

async fn befall(step: Step, fault: &Fault, expected: &[String]) {
    let what = format!("{fault:?} at {step:?}");
    let began = Instant::now();
    on_each_engine(async |app| {
        let mut world = World::start(&app.state.db, step != Step::Lookup).await;
        world.run();
        if step.is_later() {
            first_half(&world).await;
        }
        world.github().fail(step.rule(fault.clone()));
        if step.is_later() {
            second_half(&world).await;
        } else {
            first_half(&world).await;
        }
        let befallen = world.github().counters().faulted;
        assert!(befallen > 0, "{what}: nothing was befallen: {:#?}", world.github().requests());
        world.assert_nothing_is_stuck(&what).await;
        assert!(
            world.are_well(step.bystanders(fault)).await,
            "{what}: others are disturbed: {:#?}",
            world.standing().await
        );
        if is_limit(fault) {
            let failed = world.failed(&[]).await;
            assert!(failed.is_empty(), "{what}: a limit is no failure: {failed:#?}");
            let unwell: Vec<String> =
                world.standing().await.into_iter().filter(|standing| standing.contains("Error")).collect();
            assert!(unwell.is_empty(), "{what}: a limit is no failure: {unwell:#?}");
        }
        world.github().clear_faults();
        if !step.is_later() {
            world.github().reset();
            world.pass_a_day().await;
            world.settle().await;
            second_half(&world).await;
        }
        recover(&world, expected, &what).await;
        world.end().await;
    })
    .await;
    println!("{what}: {:.1} s", began.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_forge_leaves_no_trace() {
    let mut day = Utc::now().date_naive();
    let mut findings = Vec::new();
    let mut expected = (undisturbed(true).await, undisturbed(false).await);
    for (step, fault) in choose(&Step::ALL, &faults()) {
        if day != Utc::now().date_naive() {
            // Histories end today; what is expected of them has to be of the same day.
            day = Utc::now().date_naive();
            expected = (undisturbed(true).await, undisturbed(false).await);
        }
        let expected = if step == Step::Lookup { &expected.1 } else { &expected.0 };
        findings.extend(found(befall(step, &fault, expected)).await);
    }
    assert!(findings.is_empty(), "{} combinations: {}", findings.len(), findings.join("\n\n"));
}

/// What a combination came to, if not to what it should: all are run, and told of together.
async fn found(work: impl Future<Output = ()>) -> Option<String> {
    let panic = AssertUnwindSafe(work).catch_unwind().await.err()?;
    Some(panic.downcast::<String>().map_or_else(|_| "a panic without words".to_owned(), |text| *text))
}

/// Something becomes of a repository in the middle of a step; in the end all is as somebody sees it who comes then.
#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_a_repository_in_the_middle_of_a_step_is_followed() {
    let steps: Vec<Step> = Step::ALL.into_iter().filter(|step| *step != Step::Lookup).collect();
    let mut findings = Vec::new();
    for (step, happening) in choose(&steps, &Happening::ALL) {
        findings.extend(found(follow(step, happening)).await);
    }
    assert!(findings.is_empty(), "{} combinations: {}", findings.len(), findings.join("\n\n"));
}

async fn follow(step: Step, happening: Happening) {
    let what = format!("{happening:?} at {step:?}");
    let began = Instant::now();
    on_each_engine(async |app| {
        let mut world = World::start(&app.state.db, true).await;
        world.run();
        if step.is_later() {
            first_half(&world).await;
        }
        let before = world.state().await;
        // The answer is late, so that there is a middle to come into.
        world.github().fail(step.rule(Fault::Slow { ms: 300 }).times(1));
        if step == Step::Fetch {
            let manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pushed\n";
            world.github().commit(world.ids[VICTIM], &[("pushed.yaml", Some(manifest))], "Push").unwrap();
        }
        world.ask(JobRequest::DiscoverRepositories).await;
        world.ask(JobRequest::SyncAllRepositories).await;
        let began = Instant::now();
        while !world.github().faults().is_empty() {
            assert!(began.elapsed() < PATIENCE, "{what}: the step does not come");
            tokio::time::sleep(Duration::from_millis(10)).await;
            if step.is_later() && world.jobs(None).await.iter().all(|job| job.state.is_finished()) {
                world.ask(JobRequest::SyncAllRepositories).await;
            }
        }
        happening.befall(&world);
        world.settle().await;
        world.assert_nothing_is_stuck(&what).await;
        assert!(world.are_well(&["bob/elsewhere"]).await, "{what}: {:#?}", world.standing().await);
        for _ in 0..2 {
            world.pass_a_day().await;
            world.settle().await;
        }
        world.assert_nothing_is_stuck(&what).await;
        assert!(world.are_well(&["bob/elsewhere", "ada/r1", "ada/r2"]).await, "{what}: {:#?}", world.standing().await);
        happening.is_over(&world);
        let expected = match happening {
            Happening::Deleted | Happening::Emptied => None,
            // Somebody who comes now sees it so.
            _ => Some(seen_by_a_newcomer(&world).await),
        };
        match expected {
            Some(expected) => recover(&world, &expected, &what).await,
            // A repository without a commit is none that is wrong; what was found in it is kept.
            None if happening == Happening::Emptied => {
                assert!(world.standing().await.iter().all(|found| !found.contains("Error")), "{what}");
            }
            None => {
                let standing = world.standing().await;
                let gone: Vec<_> = standing.iter().filter(|found| found.starts_with("ada/r0:")).collect();
                let known = before.iter().any(|row| row.starts_with("ada/r0:"));
                // Either it never came in, or it is kept with the reason why it is not synced any more.
                assert!(gone.len() <= 1 && (gone.len() == 1 || !known), "{what}: {standing:#?}");
                assert!(
                    gone.iter()
                        .all(|found| found.contains("sync Blocked") && found.contains("deleted or made private")),
                    "{what}: {standing:#?}"
                );
                if step.is_later() {
                    let after = world.state().await;
                    let lost: Vec<_> =
                        before.iter().filter(|row| row.starts_with("1: ") && !after.contains(row)).collect();
                    assert!(lost.is_empty(), "{what}: events are lost: {lost:#?}");
                }
            }
        }
        world.end().await;
    })
    .await;
    println!("{what}: {:.1} s", began.elapsed().as_secs_f64());
}

/// The state of a program that sees this forge for the first time, on a database of its own.
async fn seen_by_a_newcomer(world: &World) -> Vec<String> {
    let state = std::sync::Mutex::new(Vec::new());
    crate::support::on_sqlite(async |app| {
        let mut newcomer = world.newcomer(&app.state.db).await;
        newcomer.run();
        first_half(&newcomer).await;
        *state.lock().unwrap() = newcomer.state().await;
        newcomer.end().await;
    })
    .await;
    state.into_inner().unwrap()
}
