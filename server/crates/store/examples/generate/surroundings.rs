//! What the server keeps beside the scans' results: forges' facts and figures over a year, runs of discovery, and the
//! statistics of every day, computed as the server's own job computes them.

use chrono::{TimeDelta, Utc};
use entity::input::{RejectedRepository, RepositoryFacts, SearchState};
use entity::kind::{Provider, RejectReason};
use entity::view::{DiscoverySearch, Timestamp};
use store::db::{Db, Result};
use store::discovery::{self, KnownRepository, PageCounts};
use store::{ecosystem, repositories};

use crate::fill::Dice;

const HOST: &str = "github.com";
const TOPICS: &[&str] = &["flux", "talos", "kubernetes", "gitops", "homelab", "renovate", "argocd", "k3s"];
const LANGUAGES: &[&str] = &["YAML", "Shell", "Jinja", "HCL", "Python", "Go"];
/// A snapshot of each repository's figures a week, over a year.
const SNAPSHOTS: i64 = 52;
/// Runs of discovery that a server keeps.
const RUNS: i64 = 50;

/// Writes all of it; gives back how many days have statistics. Nothing is due to be synced afterwards.
pub async fn surround(db: &Db) -> Result<u64> {
    let now = Utc::now();
    let mut dice = Dice(0x5851_f42d_4c95_7f2d);
    let known = discovery::list_known(&db.write).await?;
    for (number, repository) in (1..).zip(&known) {
        let facts = facts_of(repository, number, now, &mut dice);
        let txn = db.begin().await?;
        let tags = ["kubesearch".to_owned()];
        let id = discovery::take_up(&txn, &facts, &tags, None, now).await?;
        for week in (0..SNAPSHOTS).rev() {
            let then = RepositoryFacts { stars: (facts.stars - week).max(0), ..facts.clone() };
            discovery::record_metrics(&txn, id, &then, now - TimeDelta::weeks(week)).await?;
        }
        repositories::plan_next_sync(&txn, id, None, 0).await?;
        txn.commit().await?;
    }
    for hours in (0..RUNS).rev() {
        run(db, known.len(), now - TimeDelta::hours(hours), &mut dice).await?;
    }
    ecosystem::aggregate(db, now).await
}

fn facts_of(repository: &KnownRepository, number: i64, now: Timestamp, dice: &mut Dice) -> RepositoryFacts {
    let (owner, name) = repository.full_name.split_once('/').unwrap_or(("", &repository.full_name));
    let mut roll = |sides: u64| dice.roll(sides);
    let topics = ["kubesearch", TOPICS[roll(8) as usize], TOPICS[roll(8) as usize]].map(str::to_owned);
    let stars = (roll(60) * roll(40)).cast_signed();
    RepositoryFacts {
        host: HOST.to_owned(),
        provider: Provider::Github,
        forge_id: 10_000_000 + number,
        node_id: Some(format!("R_{number}")),
        owner: owner.to_owned(),
        name: name.to_owned(),
        full_name: repository.full_name.clone(),
        clone_url: repository.url.clone(),
        web_url: Some(repository.url.clone()),
        description: Some(format!("Kubernetes at home, number {number}")),
        language: Some(LANGUAGES[roll(6) as usize].to_owned()),
        topics: topics.to_vec(),
        license_name: (roll(2) == 0).then(|| "MIT".to_owned()),
        default_branch: Some("main".to_owned()),
        created_at: Some(now - TimeDelta::days(1_500 + roll(300).cast_signed())),
        updated_at: Some(now),
        pushed_at: Some(now - TimeDelta::hours(roll(9_000).cast_signed())),
        stars,
        forks: Some(stars / 9),
        watchers: Some(1 + stars / 20),
        open_issues: Some(roll(40).cast_signed()),
        size_kb: Some(1_000 + roll(90_000).cast_signed()),
        is_archived: false,
        is_fork: false,
        is_private: false,
    }
}

/// A finished look around that found what is here and left some out.
async fn run(db: &Db, known: usize, at: Timestamp, dice: &mut Dice) -> Result<()> {
    let known = i64::try_from(known).unwrap_or(0);
    let pages = known / 100 + 1;
    let shown = DiscoverySearch {
        host: HOST.to_owned(),
        search: "topic:kubesearch".to_owned(),
        total: Some(known),
        found: known,
        requests: pages,
        done: true,
        ..DiscoverySearch::default()
    };
    let state = SearchState { shown, topic: Some("kubesearch".to_owned()), cursor: None };
    let rejected: Vec<RejectedRepository> = (0..40).map(|number| reject(number, at, dice)).collect();
    let txn = db.begin().await?;
    let run = discovery::begin_run(&txn, &[state], at).await?;
    discovery::record_rejected(&txn, &rejected, at).await?;
    let counts = PageCounts { requests: pages, known, rejected: 40, ..PageCounts::default() };
    discovery::record_run(&txn, &run, counts).await?;
    discovery::finish_run(&txn, &run, at).await?;
    txn.commit().await?;
    Ok(())
}

fn reject(number: i64, at: Timestamp, dice: &mut Dice) -> RejectedRepository {
    let reasons = [RejectReason::Archived, RejectReason::Fork, RejectReason::Inactive];
    let full_name = format!("left/out-{number}");
    RejectedRepository {
        host: HOST.to_owned(),
        forge_id: 90_000_000 + number,
        web_url: Some(format!("https://{HOST}/{full_name}")),
        full_name,
        reason: reasons[dice.roll(3) as usize],
        detail: "not what is looked for".to_owned(),
        stars: dice.roll(50).cast_signed(),
        pushed_at: Some(at - TimeDelta::days(400)),
        search: "topic:kubesearch".to_owned(),
    }
}
