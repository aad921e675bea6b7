//! Looks at remotes: what they note, what is decided, what is told.

use std::time::Duration;

use actions::triggers::put_secrets;
use auth::seal::Keys;
use entity::kind::{BranchEventKind, BranchEventState, ClauseKind, DeliveryState, JobRequest};
use entity::view::{
    BranchEvent, BranchEventFilter, BranchFilter, Condition, Delivery, DeliveryFilter, Pace, PageQuery, Target,
};
use server::{
    clock,
    jobs::{self, JobContext},
    start,
    watching::Teller,
};
use store::{
    db::Db,
    triggers::{NewTrigger, insert_trigger, list_deliveries},
    watch::{WatchSettings, find_branch_event, list_branch_events, list_branches, set_watch},
};
use tokio_util::sync::CancellationToken;
use triggers::{TargetSecrets, new_webhook_secret};
use uuid::Uuid;

use super::receiver::Receiver;
use crate::jobs::repository::{Bench, Origins};
use crate::support::{KEYS, TestApp, on_each_engine};

/// Everything that is waited for happens by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// A repository that is watched, jobs over it, and somebody who tells.
pub struct Watched {
    pub origin: Origins,
    pub bench: Bench,
    pub repository: Uuid,
    pub keys: Keys,
    stop: CancellationToken,
}

impl Watched {
    pub async fn new(db: &Db, pattern: Option<&str>) -> Self {
        let config =
            "security: {allow_local_repositories: true, require_https: false, allowed_networks: [127.0.0.0/8]}";
        Self::with_config(db, pattern, config).await
    }

    pub async fn with_config(db: &Db, pattern: Option<&str>, config: &str) -> Self {
        let origin = Origins::new();
        origin.commit("first", &[("app.yaml", Some("a: 1\n"))]);
        let bench = Bench::with_config(db, config);
        let keys = KEYS();
        let repository = bench.pin(&origin.path()).await;
        let settings =
            WatchSettings { is_enabled: true, branch_regex: pattern.map(str::to_owned), ..WatchSettings::default() };
        set_watch(&bench.deps.db.write, repository, &settings).await.unwrap();
        Self { origin, bench, repository, keys, stop: CancellationToken::new() }
    }

    /// Looks at the remote and follows what it says.
    pub async fn look(&self) {
        self.bench.sync(self.repository).await.unwrap();
        self.follow().await;
    }

    pub async fn follow(&self) {
        let context = JobContext::new(Uuid::now_v7());
        let follow = JobRequest::FollowBranches { repository_id: self.repository };
        jobs::handle(&self.bench.deps, &context, &follow).await.unwrap();
    }

    /// Events, the first one first, whole.
    pub async fn events(&self) -> Vec<BranchEvent> {
        let db = &self.bench.deps.db;
        let page = PageQuery { skip: 0, limit: 1_000 };
        let listed = list_branch_events(&db.read, &BranchEventFilter { page, ..BranchEventFilter::default() }).await;
        let mut events = Vec::new();
        for event in listed.unwrap().data.into_iter().rev() {
            events.push(find_branch_event(&db.read, event.id).await.unwrap().unwrap());
        }
        // What one look saw has no order but that of names.
        events.sort_by(|a, b| (a.noticed_at, &a.branch_name).cmp(&(b.noticed_at, &b.branch_name)));
        events
    }

    pub async fn deliveries(&self) -> Vec<Delivery> {
        let filter = DeliveryFilter { page: PageQuery { skip: 0, limit: 1_000 }, ..DeliveryFilter::default() };
        let mut listed = list_deliveries(&self.bench.deps.db.read, &filter).await.unwrap().data;
        listed.reverse();
        listed
    }

    pub async fn tell(&self, name: &str, condition: Condition, target: Target, waits_ms: &[u64]) -> Uuid {
        let pace = Pace { timeout_ms: 30_000, waits_ms: waits_ms.to_vec() };
        let new = NewTrigger { name: name.to_owned(), is_enabled: true, condition, target, pace };
        let db = &self.bench.deps.db;
        let id = insert_trigger(&db.write, &new, clock::now()).await.unwrap();
        let secrets = TargetSecrets { current: Some(new_webhook_secret().unwrap()), previous: None };
        put_secrets(&db.write, &self.keys, id, &secrets, clock::now()).await.unwrap();
        id
    }

    /// Somebody who tells, until this is dropped.
    pub fn start_telling(&self) -> tokio::task::JoinHandle<()> {
        self.run(self.teller())
    }

    pub fn teller(&self) -> Teller {
        start::teller(&self.bench.deps.clone().into(), &self.keys, "teller")
    }

    pub fn run(&self, teller: Teller) -> tokio::task::JoinHandle<()> {
        tokio::spawn(teller.run(self.stop.clone()))
    }

    pub async fn until_told(&self) -> Vec<Delivery> {
        let began = std::time::Instant::now();
        loop {
            let deliveries = self.deliveries().await;
            if deliveries.iter().all(|delivery| delivery.state.is_finished()) {
                return deliveries;
            }
            assert!(began.elapsed() < PATIENCE, "{deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn webhook(receiver: &Receiver) -> Target {
    Target::Webhook { url: receiver.url(), headers: [].into() }
}

#[tokio::test]
async fn a_push_is_one_event_and_told_once() {
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let watched = Watched::new(&app.state.db, Some("^(main|release/.*)$")).await;
        let condition = Condition { branches: Some("^release/".to_owned()), ..Condition::default() };
        watched.tell("deploy", condition, webhook(&receiver), &[0]).await;
        watched.look().await;
        assert_eq!(watched.events().await, [], "what the first look finds is what later ones are compared with");
        let telling = watched.start_telling();

        watched.origin.git(&["branch", "release/1"]);
        watched.origin.git(&["branch", "other"]);
        let second = watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        watched.look().await;
        watched.look().await;
        let events = watched.events().await;
        let told: Vec<_> = events.iter().map(|event| (event.branch_name.as_str(), event.kind)).collect();
        assert_eq!(
            told,
            [("main", BranchEventKind::BranchUpdated), ("release/1", BranchEventKind::BranchCreated)],
            "one that is not watched is no event"
        );
        assert_eq!(events[0].new_commit.as_deref(), Some(second.as_str()));
        assert_eq!(events[0].is_forced, Some(false), "it descends from where the branch stood");
        let verdict = &events[0].verdicts[0];
        assert!(!verdict.is_match && verdict.clauses.last().unwrap().kind == ClauseKind::Branch, "{verdict:?}");

        let deliveries = watched.until_told().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:#?}");
        assert_eq!((deliveries[0].state, deliveries[0].status), (DeliveryState::Delivered, Some(200)));
        let came = receiver.came();
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].header("webhook-id"), deliveries[0].id.to_string());
        assert_eq!(came[0].body["data"]["branch"], "release/1");
        assert_eq!(came[0].body["type"], "repository.branch_created");

        watched.origin.git(&["branch", "-D", "release/1"]);
        watched.look().await;
        let deliveries = watched.until_told().await;
        assert_eq!(deliveries.len(), 2);
        let events = watched.events().await;
        assert_eq!(events[2].kind, BranchEventKind::BranchDeleted);
        assert_eq!(events[2].state, BranchEventState::Pending.max(events[2].state));
        drop(watched);
        telling.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_is_gone_starts_nothing_from_a_commit() {
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let watched = Watched::new(&app.state.db, None).await;
        watched.origin.git(&["branch", "topic"]);
        watched.look().await;
        let named = Condition { events: vec![BranchEventKind::BranchDeleted], ..Condition::default() };
        let tekton = || Target::Tekton { url: receiver.url(), headers: [].into() };
        let api_url = format!("http://{}", receiver.address);
        let (repository, event_type) = (Some("ada/ci".to_owned()), "gone".to_owned());
        watched.tell("any", Condition::default(), tekton(), &[]).await;
        watched.tell("forge", named.clone(), Target::GithubDispatch { api_url, repository, event_type }, &[]).await;
        watched.tell("named", named, tekton(), &[]).await;
        watched.origin.git(&["branch", "-D", "topic"]);
        watched.look().await;
        let event = watched.events().await.remove(0);
        let verdicts: Vec<_> =
            event.verdicts.iter().map(|verdict| (verdict.trigger_name.as_str(), verdict.is_match)).collect();
        assert_eq!(verdicts, [("any", false), ("forge", false), ("named", true)]);
        let why = &event.verdicts[0].clauses[0].why;
        assert!(why.ends_with("branch_deleted has to be named"), "{why}");
        let telling = watched.start_telling();
        assert_eq!(watched.until_told().await.len(), 1);
        let came = receiver.came();
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].header("ce-type"), "dev.reposentry.repository.branch_deleted");
        drop(watched);
        telling.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_fails_is_tried_again_by_the_same_id_and_in_order() {
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        watched.tell("all", Condition::default(), webhook(&receiver), &[1, 1, 1]).await;
        receiver.answer(&[500, 503]);
        for commit in 0..3 {
            watched.origin.commit(&format!("change {commit}"), &[]);
            watched.look().await;
        }
        let telling = watched.start_telling();
        let deliveries = watched.until_told().await;
        assert_eq!(deliveries.len(), 3);
        assert!(deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered), "{deliveries:#?}");
        assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [3, 1, 1]);
        let came = receiver.came();
        let ids: Vec<&str> = came.iter().map(|came| came.header("webhook-id")).collect();
        assert!(ids[0] == ids[1] && ids[1] == ids[2], "the same id at every try: {ids:?}");
        assert_eq!(receiver.by_id().len(), 3);
        let events = watched.events().await;
        assert!(events.iter().all(|event| event.state == BranchEventState::Processed), "{events:#?}");
        drop(watched);
        telling.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_target_that_is_gone_switches_its_trigger_off_and_says_so() {
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let trigger = watched.tell("all", Condition::default(), webhook(&receiver), &[1]).await;
        receiver.answer(&[410]);
        watched.origin.commit("change", &[]);
        watched.look().await;
        let telling = watched.start_telling();
        let deliveries = watched.until_told().await;
        assert_eq!(deliveries[0].state, DeliveryState::Failed);
        let db = &watched.bench.deps.db;
        let trigger = store::triggers::find_trigger(&db.read, trigger, clock::now()).await.unwrap().unwrap();
        assert!(!trigger.is_enabled && trigger.disabled_reason.is_some(), "{trigger:?}");
        assert_eq!(watched.events().await[0].state, BranchEventState::Failed);
        drop(watched);
        telling.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_was_rewritten_is_marked() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        watched.look().await;
        // What the branch stood at is in the clone from here on.
        watched.bench.bring_up_to_date(watched.repository).await;
        watched.origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        watched.origin.commit("another", &[("app.yaml", Some("a: 3\n"))]);
        watched.look().await;
        let events = watched.events().await;
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].kind, events[0].is_forced), (BranchEventKind::BranchUpdated, Some(true)));
    })
    .await;
}

#[tokio::test]
async fn tekton_s_resources_are_found_at_the_commit_and_are_an_event() {
    const PIPELINE: &str = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: build\nspec:\n  tasks: []\n";
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let with_tekton = Condition { tekton: Some(true), ..Condition::default() };
        watched.tell("with", with_tekton, webhook(&receiver), &[1]).await;
        let paths = Condition { paths: vec!["docs/**".to_owned()], ..Condition::default() };
        watched.tell("docs", paths, webhook(&receiver), &[1]).await;
        watched.origin.commit("none", &[("docs/a.md", Some("a\n"))]);
        watched.look().await;
        watched.origin.git(&["checkout", "--quiet", "-b", "feature/tekton"]);
        watched.origin.commit("some", &[(".tekton/build.yaml", Some(PIPELINE))]);
        watched.look().await;
        let events = watched.events().await;
        let kinds: Vec<_> = events.iter().map(|event| (event.branch_name.as_str(), event.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("main", BranchEventKind::BranchUpdated),
                ("feature/tekton", BranchEventKind::BranchCreated),
                ("feature/tekton", BranchEventKind::TektonDetected),
            ]
        );
        let none = events[0].tekton.as_ref().unwrap();
        assert_eq!((none.estimated_action.as_str(), none.has_directory), ("skip", false));
        let found = events[1].tekton.as_ref().unwrap();
        assert_eq!((found.estimated_action.as_str(), found.resources.len()), ("apply", 1));
        let matched = |event: &BranchEvent| -> Vec<String> {
            let matched = event.verdicts.iter().filter(|verdict| verdict.is_match);
            matched.map(|verdict| verdict.trigger_name.clone()).collect()
        };
        assert_eq!(matched(&events[0]), ["docs"]);
        assert_eq!(matched(&events[1]), ["with"]);
        assert_eq!(matched(&events[2]), Vec::<String>::new(), "nobody asked for events of this kind");
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_branches_with_any_name_are_noted_once() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let long = format!("long/{}", "x".repeat(245));
        let mut names: Vec<String> = (0..300).map(|number| format!("team/{number:03}/feature")).collect();
        names.extend([long, "ünïcode/日本語".to_owned(), "with.dots-and_underscores".to_owned()]);
        let refs: String = names.iter().map(|name| format!("create refs/heads/{name} HEAD\n")).collect();
        let file = watched.origin.folder.path().join("refs");
        std::fs::write(&file, refs).unwrap();
        let update = format!("git update-ref --stdin < {}", file.display());
        let done = std::process::Command::new("sh").args(["-c", &update]).current_dir(watched.origin.path()).status();
        assert!(done.unwrap().success());
        watched.look().await;
        watched.look().await;
        let events = watched.events().await;
        assert_eq!(events.len(), names.len());
        assert!(events.iter().all(|event| event.kind == BranchEventKind::BranchCreated));
        let page = PageQuery { skip: 0, limit: 1 };
        let filter = BranchFilter { repository_id: Some(watched.repository), page, ..BranchFilter::default() };
        let listed = list_branches(&watched.bench.deps.db.read, &filter).await.unwrap();
        assert_eq!(listed.count, names.len() as u64 + 1);
    })
    .await;
}

#[tokio::test]
async fn a_remote_that_vanishes_takes_no_branch_away() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let away = watched.origin.folder.path().join("away");
        std::fs::rename(watched.origin.path(), &away).unwrap();
        assert!(watched.bench.sync(watched.repository).await.is_err());
        std::fs::rename(&away, watched.origin.path()).unwrap();
        watched.origin.commit("later", &[]);
        watched.look().await;
        let kinds: Vec<_> = watched.events().await.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [BranchEventKind::BranchUpdated]);
    })
    .await;
}

/// A branch's page once it tells this of commits: it waits for a clone for a moment alone, and where that takes longer goes
/// without.
async fn page_with(app: &TestApp, at: &str, words: &str) -> String {
    let began = std::time::Instant::now();
    loop {
        let page = app.get(at).await;
        assert_eq!(page.status.as_u16(), 200, "{}", page.text());
        let text = page.text();
        if text.contains(words) {
            return text;
        }
        assert!(began.elapsed() < PATIENCE, "{words}: {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_branchs_page_tells_what_commits_say_that_changed_no_resource() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let sha = watched.origin.commit("Say how it is built", &[("README.md", Some("by make\n"))]);
        watched.look().await;
        let event = watched.events().await.pop().unwrap();
        assert_eq!(event.new_commit.as_deref(), Some(sha.as_str()));
        let at = format!("/branches/{}", event.branch_id);
        let here = app.with_config(&format!("app: {{data_dir: {}}}", watched.bench.deps.data_dir.display()));
        let page = page_with(&here, &at, "Say how it is built").await;
        let link = format!("/commits/{}/{sha}", watched.repository);
        assert!(page.contains(&link), "{page}");
        // Where there is no clone, all else is told.
        let elsewhere = app.get(&at).await.text();
        assert!(elsewhere.contains(&sha[..7]) && !elsewhere.contains("Say how it is built"), "{elsewhere}");
    })
    .await;
}

#[tokio::test]
async fn a_branchs_page_tells_what_all_commits_of_a_push_changed() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let map =
            |value: u8| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  a: \"{value}\"\n");
        watched.origin.commit("Add the map", &[("map.yaml", Some(map(1).as_str()))]);
        watched.origin.commit("Say how", &[("README.md", Some("by make\n"))]);
        watched.origin.commit("Change the map", &[("map.yaml", Some(map(2).as_str()))]);
        watched.origin.commit("Say why", &[("README.md", Some("as it is\n"))]);
        watched.origin.git(&["branch", "topic"]);
        watched.look().await;
        watched.bench.bring_up_to_date(watched.repository).await;
        let events = watched.events().await;
        let names: Vec<&str> = events.iter().map(|event| event.branch_name.as_str()).collect();
        assert_eq!(names, ["main", "topic"]);
        let here = app.with_config(&format!("app: {{data_dir: {}}}", watched.bench.deps.data_dir.display()));
        let page =
            async |event: &BranchEvent| page_with(&here, &format!("/branches/{}", event.branch_id), "Say why").await;
        let main = page(&events[0]).await;
        for told in ["Change the map", "Add the map", "1 more commit"] {
            assert!(main.contains(told), "{told}: {main}");
        }
        assert!(!main.contains("Say how") && !main.contains("It is not scanned"), "{main}");
        let topic = page(&events[1]).await;
        assert!(topic.contains("It is not scanned"), "{topic}");
    })
    .await;
}
