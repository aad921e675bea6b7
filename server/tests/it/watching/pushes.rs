//! Many pushes to many repositories, told by webhooks that come twice, too late and forged, and by looks at the same time,
//! while processes are killed: every change is one event, and every event has one effect at a receiver that counts.

mod check;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actions::secrets::purpose;
use actions::triggers::put_secrets;
use auth::seal::Keys;
use entity::kind::{JobRequest, Priority, RequestedBy};
use entity::view::{Condition, Pace, Target};
use forge::hooks::HookKind;
use server::clock;
use store::db::{ConnectionTrait as _, Db};
use store::queue::JobQueue;
use store::repositories::list_sync_targets;
use store::secrets::put_secret;
use store::triggers::{NewTrigger, insert_trigger};
use store::watch::watch_state;
use triggers::{TargetSecrets, new_webhook_secret};
use uuid::Uuid;

use super::receiver::Receiver;
use super::webhooks::{SECRET, sign};
use crate::jobs::processes::{Seed, open};
use check::check;
use world::{Process, Remotes, until};

/// What secrets are sealed with, the same in all processes.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// Two that only go on, and one that is made, set to any commit and deleted.
const BRANCHES: [&str; 3] = ["main", "release/1", "feature/ünïcode"];
const LOOSE: usize = 2;
/// The branch of which somebody wants to know what it brings for Tekton: decisions about it wait for its commits, others do not.
const BUILT: &str = BRANCHES[1];

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
            let port = processes[seed.below(processes.len() as u64) as usize].port.number;
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
