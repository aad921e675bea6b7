//! Many pushes to many repositories, told by webhooks that come twice, too late and forged, and by looks at the same time,
//! while processes are killed: every change is one event, and every event has one effect at a receiver that counts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actions::secrets::purpose;
use actions::triggers::put_secrets;
use auth::seal::Keys;
use entity::kind::{BranchEventKind, DeliveryState, JobRequest, Priority, RequestedBy};
use entity::view::{BranchEvent, BranchEventFilter, Condition, Delivery, DeliveryFilter, Pace, PageQuery, Target};
use forge::hooks::HookKind;
use serde_json::json;
use server::clock;
use store::db::{ConnectionTrait as _, Db};
use store::queue::JobQueue;
use store::repositories::list_sync_targets;
use store::secrets::put_secret;
use store::triggers::{NewTrigger, insert_trigger, list_deliveries};
use store::watch::{list_branch_events, watch_state};
use triggers::{TargetSecrets, new_webhook_secret};
use uuid::Uuid;

use super::a_while_later;
use super::receiver::Receiver;
use super::webhooks::{SECRET, sign};
use crate::jobs::processes::{Seed, open, stop};

/// What secrets are sealed with, the same in all processes.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// Two that only go on, and one that is made, set to any commit and deleted.
const BRANCHES: [&str; 3] = ["main", "release/1", "feature/ünïcode"];
const LOOSE: usize = 2;
const NOWHERE: &str = "0000000000000000000000000000000000000000";
/// The branch of which somebody wants to know what it brings for Tekton: decisions about it wait for its commits, others do not.
const BUILT: &str = BRANCHES[1];
/// What every second commit brings.
const PIPELINE: &str = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: build\nspec:\n  tasks: []\n";

/// The trigger that is for every change, and the one that is for what Tekton can build.
const COUNT: &str = "count";
const BUILD: &str = "build";

/// How much is pushed and killed.
#[derive(Clone, Copy)]
struct Sizes {
    pushes: usize,
    repositories: usize,
    /// Of the only process, in all: in a long run so often that each moment of its work is met.
    kills: usize,
}

impl Sizes {
    /// `KUBESTATS_PUSHES` sets the number for a long run, from which the others follow unless `KUBESTATS_PUSHED_REPOSITORIES` and
    /// `KUBESTATS_PUSH_KILLS` say otherwise.
    fn read() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<usize>().ok());
        let pushes = number("KUBESTATS_PUSHES").unwrap_or(150).max(1);
        let repositories = number("KUBESTATS_PUSHED_REPOSITORIES").unwrap_or((pushes / 5).min(200)).clamp(1, pushes);
        let kills = (pushes / 15).max(if pushes >= 1_000 { 200 } else { 0 });
        Self { pushes, repositories, kills: number("KUBESTATS_PUSH_KILLS").unwrap_or(kills) }
    }

    /// Commits of each repository.
    fn commits(self) -> usize {
        self.pushes / self.repositories + 2
    }

    /// Everything is told by then, or something hangs.
    fn patience() -> Duration {
        Duration::from_secs(300 + Self::read().pushes as u64)
    }
}

/// When a process is killed.
#[derive(Clone, Copy)]
enum Kills {
    /// So many times in all, spread over the pushes.
    InAll(usize),
    EachSecond,
}

/// Whether the commit at this place of the line brings something for Tekton.
const fn brings_pipeline(place: usize) -> bool {
    place % 2 == 1
}

/// Bare repositories whose commits are there before any branch moves to them.
struct Remotes {
    folder: tempfile::TempDir,
    /// Commits of each, the first one first.
    commits: Vec<Vec<String>>,
}

fn git(folder: &std::path::Path, args: &[&str], input: Option<&[u8]>) -> String {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Remotes {
    fn new(repositories: usize, length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut commits = Vec::new();
        for number in 0..repositories {
            let path = folder.path().join(number.to_string());
            std::fs::create_dir(&path).unwrap();
            git(&path, &["init", "--quiet", "--bare", "--initial-branch=main"], None);
            let mut stream = String::new();
            for commit in 0..length {
                let text = format!("a: {number}-{commit}\n");
                stream.push_str(&format!(
                    "commit refs/heads/line\nmark :{}\ncommitter Ada <ada@example.org> {} +0000\ndata 1\nx\n",
                    commit + 1,
                    1_700_000_000 + commit
                ));
                stream.push_str(&format!("M 100644 inline app.yaml\ndata {}\n{text}\n", text.len()));
                if brings_pipeline(commit) {
                    let file = format!("M 100644 inline .tekton/build.yaml\ndata {}\n{PIPELINE}\n", PIPELINE.len());
                    stream.push_str(&file);
                } else if commit.checked_sub(1).is_some_and(brings_pipeline) {
                    stream.push_str("D .tekton/build.yaml\n");
                }
            }
            git(&path, &["fast-import", "--quiet"], Some(stream.as_bytes()));
            let line = git(&path, &["rev-list", "--reverse", "line"], None);
            let line: Vec<String> = line.lines().map(str::to_owned).collect();
            for branch in &BRANCHES[..LOOSE] {
                git(&path, &["update-ref", &format!("refs/heads/{branch}"), &line[0]], None);
            }
            // What no branch has can't be fetched from everywhere; from here it can.
            git(&path, &["update-ref", "refs/keep/line", "refs/heads/line"], None);
            git(&path, &["update-ref", "-d", "refs/heads/line"], None);
            git(&path, &["config", "uploadpack.allowAnySHA1InWant", "true"], None);
            commits.push(line);
        }
        Self { folder, commits }
    }

    /// Moves a branch to a commit of the line, or takes it away; commits that are named never come back to it.
    fn push(&self, repository: usize, branch: usize, new: Option<usize>) {
        let path = self.folder.path().join(repository.to_string());
        let name = format!("refs/heads/{}", BRANCHES[branch]);
        match new {
            Some(new) => git(&path, &["update-ref", &name, &self.commits[repository][new]], None),
            None => git(&path, &["update-ref", "-d", &name], None),
        };
    }

    /// Where a branch stands.
    fn head(&self, repository: usize, branch: usize) -> Option<String> {
        let path = self.folder.path().join(repository.to_string());
        let name = format!("refs/heads/{}", BRANCHES[branch]);
        let head = git(&path, &["for-each-ref", "--format=%(objectname)", &name], None);
        (!head.is_empty()).then(|| head.trim().to_owned())
    }

    /// What a webhook tells of a push.
    fn told(&self, repository: usize, branch: usize, old: Option<usize>, new: Option<usize>) -> serde_json::Value {
        let line = &self.commits[repository];
        let commit = |at: Option<usize>| at.map_or(NOWHERE, |at| line[at].as_str());
        json!({
            "ref": format!("refs/heads/{}", BRANCHES[branch]), "before": commit(old), "after": commit(new),
            "created": old.is_none(), "deleted": new.is_none(), "forced": old > new && new.is_some(),
        })
    }
}

/// A process with a data directory of its own.
struct Process {
    folder: tempfile::TempDir,
    database: Option<String>,
    port: u16,
    child: Option<Child>,
}

impl Process {
    fn new(remotes: &Remotes, database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut text = format!(
            "app:\n  data_dir: {}\n  listen: 127.0.0.1:{port}\n  log_level: warn\nsecurity:\n  \
             allow_local_repositories: true\n  require_https: false\n  allowed_networks: [127.0.0.0/8]\npolling:\n  \
             max_workers: 3\nrepositories:\n",
            folder.path().join("data").display()
        );
        for number in 0..remotes.commits.len() {
            let path = remotes.folder.path().join(number.to_string());
            text.push_str(&format!("  - url: {}\n    name: ada/r{number}\n    branch_regex: .*\n", path.display()));
        }
        std::fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
        Self { folder, database: database.map(str::to_owned), port, child: None }
    }

    fn url(&self) -> String {
        let file = self.folder.path().join("data/kubestats.db");
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()))
    }

    fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_kubestats"))
            .args(["serve", "--config"])
            .arg(self.folder.path().join("kubestats.yaml"))
            .env("DATABASE_URL", self.url())
            .env("KUBESTATS_SECRET_KEY", KEY)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            stop(&mut child);
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn until(what: &str, processes: &[Process], is: impl AsyncFn() -> bool) {
    let (began, patience) = (Instant::now(), Sizes::patience());
    while !is().await {
        if began.elapsed() > patience {
            let logs: Vec<String> = processes.iter().map(Process::log).collect();
            panic!("not within {patience:?}: {what}\n{}", logs.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until a first process has everything ready, then watches all repositories and tells the receiver.
async fn set_up(processes: &[Process], receiver: &Receiver, count: usize) -> (Db, Vec<Uuid>) {
    let file = processes[0].folder.path().join("data/kubestats.db");
    let is_there = async || processes[0].database.is_some() || file.exists();
    until("there is a database", processes, is_there).await;
    let db = open(&processes[0].url()).await;
    let targets = async || list_sync_targets(&db.read).await.unwrap_or_default();
    until("all repositories are known", processes, async || targets().await.len() == count).await;
    let mut targets = targets().await;
    targets.sort_by_key(|target| target.full_name.trim_start_matches("ada/r").parse::<usize>().unwrap());
    let ids: Vec<Uuid> = targets.iter().map(|target| target.id).collect();
    let keys = Keys::load(processes[0].folder.path(), Some(KEY), None).unwrap();
    let built = Condition { branches: Some(format!("^{BUILT}$")), tekton: Some(true), ..Condition::default() };
    for (name, condition) in [(COUNT, Condition::default()), (BUILD, built)] {
        let pace = Pace { timeout_ms: 5_000, waits_ms: vec![50; 100] };
        let target = Target::Webhook { url: receiver.url(), headers: BTreeMap::new() };
        let new = NewTrigger { name: name.to_owned(), is_enabled: true, condition, target, pace };
        let trigger = insert_trigger(&db.write, &new, clock::now()).await.unwrap();
        let secrets = TargetSecrets { current: Some(new_webhook_secret().unwrap()), previous: None };
        put_secrets(&db.write, &keys, trigger, &secrets, clock::now()).await.unwrap();
    }
    for id in &ids {
        let name = format!("webhook:{id}");
        put_secret(&db.write, &name, keys.seal(&purpose(&name), SECRET.as_bytes()), clock::now()).await.unwrap();
    }
    look_at_all(&db, &ids, Priority::ROUTINE).await;
    until("every first look is done", processes, async || {
        for id in &ids {
            let state = watch_state(&db.read, *id).await.ok().flatten();
            if state.is_none_or(|state| state.first_look_at.is_none()) {
                return false;
            }
        }
        true
    })
    .await;
    (db, ids)
}

async fn look_at_all(db: &Db, ids: &[Uuid], priority: Priority) {
    let requests: Vec<JobRequest> = ids.iter().map(|id| JobRequest::SyncRepository { repository_id: *id }).collect();
    let queue = JobQueue::new(db.clone());
    queue.enqueue_many(&requests, RequestedBy::Schedule, priority, clock::now()).await.unwrap();
}

/// A push as a forge of this kind tells it, signed with a secret.
fn signed(
    request: reqwest::RequestBuilder,
    kind: HookKind,
    delivery: &str,
    secret: &str,
    text: String,
) -> reqwest::RequestBuilder {
    let request = request.header("content-type", "application/json");
    let signature = sign(secret, text.as_bytes());
    let request = match kind {
        HookKind::Github => {
            let request = request.header("x-github-event", "push").header("x-github-delivery", delivery);
            request.header("x-hub-signature-256", signature)
        }
        HookKind::Gitlab => {
            let request = request.header("x-gitlab-event", "Push Hook").header("idempotency-key", delivery);
            request.header("x-gitlab-token", secret)
        }
        HookKind::Forgejo => {
            let request = request.header("x-forgejo-event", "push").header("x-forgejo-delivery", delivery);
            request.header("x-forgejo-signature", signature.trim_start_matches("sha256="))
        }
        HookKind::Generic => request.header("x-signature", signature),
    };
    request.body(text)
}

/// Pushes everything while webhooks come and a process is killed now and then.
async fn push_all(remotes: &Remotes, processes: &mut [Process], db: &Db, ids: &[Uuid], pushes: usize, kills: Kills) {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let mut seed = Seed(23);
    let mut stands = vec![[Some(0), Some(0), None]; ids.len()];
    // The first commit is where the others begin.
    let mut unused: Vec<Vec<usize>> = remotes.commits.iter().map(|line| (1..line.len()).collect()).collect();
    let mut late: Vec<(usize, String, serde_json::Value)> = Vec::new();
    let (mut killed, mut taken) = (0, 0);
    let mut last_kill = Instant::now();
    for push in 0..pushes {
        let (repository, branch) = (push % ids.len(), seed.below(BRANCHES.len() as u64) as usize);
        let old = stands[repository][branch];
        let new = match branch {
            LOOSE if old.is_some() && seed.below(3) == 0 => None,
            LOOSE => {
                let left = &mut unused[repository];
                Some(left.swap_remove(seed.below(left.len() as u64) as usize))
            }
            _ => old.map(|old| old + 1),
        };
        stands[repository][branch] = new;
        remotes.push(repository, branch, new);
        late.push((repository, format!("push-{push}"), remotes.told(repository, branch, old, new)));
        // Some come at once, some twice, some much later and in another order, some never; some are forged.
        while late.len() > 6 || (!late.is_empty() && seed.below(3) > 0) {
            let (repository, delivery, body) = late.swap_remove(seed.below(late.len() as u64) as usize);
            let kind = seed.below(10);
            let secret = if kind == 0 { "forged" } else { SECRET };
            let port = processes[seed.below(processes.len() as u64) as usize].port;
            let forge = HookKind::ALL[seed.below(HookKind::ALL.len() as u64) as usize];
            for _ in 0..if kind == 1 { 2 } else { 1 } {
                let url = format!("http://127.0.0.1:{port}/webhooks/{}/{}", forge.as_str(), ids[repository]);
                let request = signed(client.post(url), forge, &delivery, secret, body.to_string());
                // A process that was just killed takes none: the next look sees what it would have told.
                if let Ok(answer) = request.send().await {
                    if secret == SECRET {
                        taken += u32::from(answer.status().as_u16() == 202);
                    } else {
                        assert_eq!(answer.status().as_u16(), 401, "forged");
                    }
                }
            }
        }
        if seed.below(20) == 0 {
            look_at_all(db, &[ids[seed.below(ids.len() as u64) as usize]], Priority::ROUTINE).await;
        }
        let is_time = match kills {
            Kills::InAll(kills) => killed * pushes < push * kills,
            Kills::EachSecond => last_kill.elapsed() >= Duration::from_secs(1),
        };
        if is_time {
            killed += 1;
            last_kill = Instant::now();
            let victim = seed.below(processes.len() as u64) as usize;
            processes[victim].kill();
            tokio::time::sleep(Duration::from_millis(seed.below(300))).await;
            processes[victim].start();
        }
    }
    assert!(taken > 0, "no webhook was ever taken");
    println!("{pushes} pushes, {killed} kills, {taken} webhooks taken");
}

/// Everything that a list has: it gives a thousand at a time.
async fn whole<T>(page_at: impl AsyncFn(PageQuery) -> Option<Vec<T>>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    loop {
        let page = page_at(PageQuery { skip: all.len() as u64, limit: 1_000 }).await?;
        if page.is_empty() {
            return Some(all);
        }
        all.extend(page);
    }
}

/// Changes of branches, and that commits were found to bring something for Tekton.
async fn all_events(db: &Db) -> Option<(Vec<BranchEvent>, Vec<BranchEvent>)> {
    let events = whole(async |page: PageQuery| {
        let filter = BranchEventFilter { page, ..BranchEventFilter::default() };
        Some(list_branch_events(&db.read, &filter).await.ok()?.data)
    });
    let is_change = |event: &BranchEvent| event.kind != BranchEventKind::TektonDetected;
    Some(events.await?.into_iter().partition(is_change))
}

async fn all_deliveries(db: &Db) -> Option<Vec<Delivery>> {
    whole(async |page: PageQuery| {
        let filter = DeliveryFilter { page, ..DeliveryFilter::default() };
        Some(list_deliveries(&db.read, &filter).await.ok()?.data)
    })
    .await
}

/// Looks until all is seen, waits until all is told, and holds what is stored and what was told against the pushes.
async fn check(remotes: &Remotes, processes: &[Process], db: &Db, ids: &[Uuid], receiver: &Receiver) {
    // What webhooks told right before may not be in lists yet: nobody waits for a minute here, nor for looks that do.
    a_while_later(db).await;
    look_at_all(db, ids, Priority::CLICK).await;
    let number = |event: &BranchEvent| ids.iter().position(|id| *id == event.repository_id).unwrap();
    let looked = Cell::new(Instant::now());
    until("every branch is seen where it stands, and all is told", processes, async || {
        let Some((changes, found)) = all_events(db).await else { return false };
        let Some(deliveries) = all_deliveries(db).await else { return false };
        // Commits that could not be had for a while are read as soon as a sync succeeds.
        let waiting = changes.iter().chain(&found).filter(|event| event.processed_at.is_none());
        let waiting: BTreeSet<Uuid> = waiting.map(|event| event.repository_id).collect();
        if !waiting.is_empty() && looked.get().elapsed() > Duration::from_secs(10) {
            looked.set(Instant::now());
            look_at_all(db, &Vec::from_iter(waiting), Priority::CLICK).await;
        }
        let is_seen = (0..ids.len()).all(|repository| {
            (0..BRANCHES.len()).all(|branch| {
                let steps = changes.iter().filter(|event| number(event) == repository);
                let steps: Vec<_> = steps.filter(|event| event.branch_name == BRANCHES[branch]).collect();
                let first = (branch != LOOSE).then(|| remotes.commits[repository][0].clone());
                let head = remotes.head(repository, branch);
                // Each commit is come to and left once: where the branch stands is what was not left.
                let left: BTreeSet<_> = steps.iter().filter_map(|event| event.old_commit.as_ref()).collect();
                let came = first.iter().chain(steps.iter().filter_map(|event| event.new_commit.as_ref()));
                came.filter(|commit| !left.contains(commit)).eq(head.iter())
            })
        });
        is_seen
            && changes.iter().chain(&found).all(|event| event.processed_at.is_some())
            && deliveries.iter().all(|delivery| delivery.state.is_finished())
    })
    .await;
    let (changes, found) = all_events(db).await.unwrap();
    for (repository, line) in remotes.commits.iter().enumerate() {
        for (branch, name) in BRANCHES.iter().enumerate() {
            let steps = changes.iter().filter(|event| number(event) == repository && event.branch_name == *name);
            check_chain(line, branch, &steps.collect::<Vec<_>>(), remotes.head(repository, branch));
        }
    }
    let deliveries = all_deliveries(db).await.unwrap();
    assert!(deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
    let of = |name: &str| deliveries.iter().filter(|delivery| delivery.trigger_name == name).collect::<Vec<_>>();
    assert_eq!(of(COUNT).len(), changes.len(), "one for each event");
    let brings = |event: &&BranchEvent| {
        let place = |commit: &String| remotes.commits[number(event)].iter().position(|one| one == commit).unwrap();
        event.new_commit.as_ref().map(place).is_some_and(brings_pipeline)
    };
    let built = changes.iter().filter(brings).filter(|event| event.branch_name == BUILT);
    let built: BTreeSet<_> = built.map(|event| (event.branch_id, event.new_commit.clone().unwrap())).collect();
    let told: Vec<_> = of(BUILD).iter().map(|delivery| (delivery.branch_id, delivery.commit.clone())).collect();
    assert_eq!((told.len(), told.into_iter().collect::<BTreeSet<_>>()), (built.len(), built), "what Tekton can build");
    assert!(found.iter().all(|event| brings(&event)), "nothing else was found to");
    let places: BTreeSet<_> = found.iter().map(|event| (event.branch_id, &event.new_commit)).collect();
    assert_eq!(places.len(), found.len(), "once for each branch and commit");
    let told = receiver.by_id();
    assert_eq!(told.len(), deliveries.len(), "one effect for each, by its id");
    let key = |delivery: &Delivery| (delivery.trigger_id, delivery.branch_id, delivery.commit.clone(), delivery.kind);
    let keys: BTreeSet<_> = deliveries.iter().map(key).collect();
    assert_eq!(keys.len(), deliveries.len());
    println!(
        "{} events, {} finds, {} webhooks sent for them",
        changes.len(),
        found.len(),
        told.values().sum::<usize>()
    );
}

/// Every change of a branch is one event, the kinds follow from the commits, and the events are a chain without gaps from where
/// the branch began to where it stands. Ids of events made by different processes may differ in order; commits do not.
fn check_chain(line: &[String], branch: usize, steps: &[&BranchEvent], head: Option<String>) {
    let place = |commit: &String| line.iter().position(|one| one == commit).unwrap();
    let (mut left, mut came, mut made, mut gone) = (BTreeSet::new(), BTreeSet::new(), 0_i32, 0_i32);
    for step in steps {
        let kind = match (&step.old_commit, &step.new_commit) {
            (None, Some(_)) => BranchEventKind::BranchCreated,
            (Some(_), Some(_)) => BranchEventKind::BranchUpdated,
            (Some(_), None) => BranchEventKind::BranchDeleted,
            (None, None) => panic!("an event of nothing"),
        };
        assert_eq!(step.kind, kind);
        made += i32::from(kind == BranchEventKind::BranchCreated);
        gone += i32::from(kind == BranchEventKind::BranchDeleted);
        if let (Some(old), Some(new), Some(is_forced)) = (&step.old_commit, &step.new_commit, step.is_forced) {
            assert_eq!(is_forced, place(new) < place(old), "from {old} to {new}");
        }
        if let Some(old) = &step.old_commit {
            assert!(left.insert(old.clone()), "two events leave {old}");
        }
        if let Some(new) = &step.new_commit {
            assert!(came.insert(new.clone()), "two events come to {new}");
        }
    }
    let first = (branch != LOOSE).then(|| line[0].clone());
    came.extend(first.clone());
    assert!(left.is_subset(&came), "the chain breaks before {:?}", left.difference(&came).next());
    let stands: Vec<&String> = came.difference(&left).collect();
    assert_eq!(stands, head.iter().collect::<Vec<_>>(), "where {} stands", BRANCHES[branch]);
    assert_eq!(made - gone, i32::from(head.is_some()) - i32::from(first.is_some()));
}

#[tokio::test]
async fn one_process_on_sqlite_that_is_killed_tells_every_push_once() {
    let sizes = Sizes::read();
    let remotes = Remotes::new(sizes.repositories, sizes.commits());
    let receiver = Receiver::start().await;
    let mut processes = [Process::new(&remotes, None)];
    processes[0].start();
    let (db, ids) = set_up(&processes, &receiver, sizes.repositories).await;
    push_all(&remotes, &mut processes, &db, &ids, sizes.pushes, Kills::InAll(sizes.kills)).await;
    check(&remotes, &processes, &db, &ids, &receiver).await;
    db.close().await.unwrap();
}

#[tokio::test]
async fn three_processes_on_postgres_of_which_one_is_killed_tell_every_push_once() {
    let Ok(server) = std::env::var("KUBESTATS_TEST_POSTGRES_URL") else {
        println!("skipped on PostgreSQL: KUBESTATS_TEST_POSTGRES_URL is not set");
        return;
    };
    let admin = open(&server).await;
    let name = format!("kubestats_pushes_{}", Uuid::now_v7().simple());
    admin.write.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    let sizes = Sizes::read();
    let remotes = Remotes::new(sizes.repositories, sizes.commits());
    let receiver = Receiver::start().await;
    let mut processes: Vec<Process> = (0..3).map(|_| Process::new(&remotes, Some(url.as_str()))).collect();
    processes.iter_mut().for_each(Process::start);
    let (db, ids) = set_up(&processes, &receiver, sizes.repositories).await;
    push_all(&remotes, &mut processes, &db, &ids, sizes.pushes, Kills::EachSecond).await;
    check(&remotes, &processes, &db, &ids, &receiver).await;
    processes.clear();
    db.close().await.unwrap();
    admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
