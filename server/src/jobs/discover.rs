//! Searches the forges and takes up what the rules let in. One page at a time: each is stored with the place where the
//! search goes on, so that a killed run, or one that a limit stops, loses nothing.

use std::collections::HashMap;
use std::time::Duration;

use entity::address::address_key;
use entity::input::{RejectedRepository, RepositoryFacts, SearchState};
use entity::kind::{JobRequest, LogLevel, Origin, Priority, RejectReason, RequestedBy};
use entity::view::{Live, Timestamp};
use forge::{Cursor, ForgeError, SearchPage};
use store::db::DataError;
use store::discovery::{self as stored, Asked, KnownRepository, PageCounts, StoredRun};
use store::forges;
use uuid::Uuid;

use super::error::away;
use super::forge_facts::{facts_of, keep_good_address};
use super::{Deps, JobContext, JobError};
use crate::clock;
use crate::discovery::{Decision, Rules, decide, plan, same_plan, search_of};

/// A run that began longer ago is not gone on with: what it saw is old.
const STALE: Duration = Duration::from_hours(24);
/// A limit that ends so soon is waited for.
const SHORT_WAIT: Duration = Duration::from_secs(5);
/// A search with more pages than that is a loop.
const MAX_PAGES: i64 = 5_000;

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    if !deps.discovery.is_on() {
        return Ok(
            "discovery is switched off: discovery.enabled, a topic, a query or GITHUB_TOKEN switches it on".to_owned()
        );
    }
    let wanted = plan(&deps.discovery, deps.forges.configured());
    if wanted.is_empty() {
        return Ok("there is nothing to search for: discovery has neither topics nor queries".to_owned());
    }
    let now = clock::now();
    let begun = stored::find_current_run(&deps.db.read).await?.filter(|run| {
        same_plan(&run.searches, &wanted) && (now - run.started_at).to_std().is_ok_and(|age| age < STALE)
    });
    let mut run = match begun {
        Some(run) => run,
        None => {
            let txn = deps.db.begin().await?;
            let run = stored::begin_run(&txn, &wanted, now).await?;
            txn.commit().await.map_err(DataError::from)?;
            run
        }
    };
    let mut world = World::read(deps).await?;
    let mut waits: Option<(Timestamp, String)> = None;
    let mut failed: Option<String> = None;
    for index in 0..run.searches.len() {
        match search(deps, context, &mut run, index, &mut world).await? {
            Ended::Done => {}
            Ended::Later(until, reason) => {
                if waits.as_ref().is_none_or(|(earliest, _)| until < *earliest) {
                    waits = Some((until, reason));
                }
            }
            Ended::Failed(reason) => failed = Some(reason),
        }
    }
    if let Some((until, reason)) = waits {
        return Err(JobError::Later(reason, until));
    }
    if let Some(reason) = failed {
        return Err(JobError::Retry(reason));
    }
    finish(deps, &run).await
}

/// How a search ended for now.
enum Ended {
    Done,
    Later(Timestamp, String),
    /// For a reason that may pass.
    Failed(String),
}

/// What is here, to compare with what is found.
struct World {
    by_forge: HashMap<(String, i64), KnownRepository>,
    by_address: HashMap<String, KnownRepository>,
    deleted: Vec<stored::Tombstone>,
}

impl World {
    async fn read(deps: &Deps) -> Result<Self, DataError> {
        let mut world = Self {
            by_forge: HashMap::new(),
            by_address: HashMap::new(),
            deleted: stored::list_tombstones(&deps.db.read).await?,
        };
        for known in stored::list_known(&deps.db.read).await? {
            world.add(known);
        }
        Ok(world)
    }

    fn add(&mut self, known: KnownRepository) {
        if let (Some(host), Some(id)) = (&known.forge_host, known.forge_id) {
            self.by_forge.insert((host.clone(), id), known.clone());
        }
        self.by_address.insert(address_key(&known.url), known);
    }

    /// By the forge's number; by address only where no number is known yet, as a name may have a new owner.
    fn known(&self, facts: &RepositoryFacts) -> Option<&KnownRepository> {
        self.by_forge
            .get(&(facts.host.clone(), facts.forge_id))
            .or_else(|| self.by_address.get(&address_key(&facts.clone_url)).filter(|known| known.forge_id.is_none()))
    }

    fn is_deleted(&self, facts: &RepositoryFacts) -> bool {
        let address = address_key(&facts.clone_url);
        self.deleted.iter().any(|stone| match (&stone.forge_host, stone.forge_id) {
            (Some(host), Some(id)) => *host == facts.host && id == facts.forge_id,
            _ => address_key(&stone.url) == address,
        })
    }
}

async fn search(
    deps: &Deps,
    context: &JobContext,
    run: &mut StoredRun,
    index: usize,
    world: &mut World,
) -> Result<Ended, JobError> {
    let total = i64::try_from(run.searches.len()).unwrap_or(0);
    while !run.searches[index].shown.done {
        if context.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let state = run.searches[index].clone();
        let (host, what) = (state.shown.host.clone(), state.shown.search.clone());
        let text = format!("searching {host} for {what}: {} found", state.shown.found);
        context.say(deps, &text, Some((i64::try_from(index).unwrap_or(0), total))).await;
        // A forge may take long to answer.
        let asked = tokio::select! {
            asked = ask(deps, &state) => asked,
            () = context.cancelled() => return Err(JobError::Cancelled),
        };
        match asked {
            Ok(page) => take(deps, run, index, page, world).await?,
            Err(ref error @ ForgeError::RateLimited { until, .. }) => {
                let wait = (until - clock::now()).to_std().unwrap_or_default();
                if wait >= SHORT_WAIT {
                    return Ok(Ended::Later(until, error.to_string()));
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = context.cancelled() => return Err(JobError::Cancelled),
                }
            }
            Err(ForgeError::Store(error)) => return Err(away(&error)),
            Err(error) if error.is_temporary() => {
                context.note(LogLevel::Warn, &error.to_string());
                return Ok(Ended::Failed(error.to_string()));
            }
            Err(error) => {
                // Somebody has to mend something; the other searches go on meanwhile.
                context.note(LogLevel::Error, &error.to_string());
                let shown = &mut run.searches[index].shown;
                (shown.done, shown.error) = (true, Some(error.to_string()));
                stored::record_run(&deps.db.write, run, PageCounts::default()).await?;
            }
        }
    }
    Ok(Ended::Done)
}

async fn ask(deps: &Deps, state: &SearchState) -> Result<SearchPage, ForgeError> {
    let host = &state.shown.host;
    let configured = deps.forges.configured().iter().find(|forge| forge.host() == *host);
    let provider = configured.map_or(entity::kind::Provider::Github, |forge| forge.provider);
    deps.forges.refresh().await;
    let client = deps.forges.of_host(host, provider)?;
    let cursor = state.cursor.clone().map(Cursor);
    client.search(&search_of(state), cursor.as_ref()).await
}

/// Stores a page: what is known is brought up to date, what is new is decided about.
async fn take(
    deps: &Deps,
    run: &mut StoredRun,
    index: usize,
    page: SearchPage,
    world: &mut World,
) -> Result<(), JobError> {
    let now = clock::now();
    let state = &mut run.searches[index];
    let shown = &mut state.shown;
    shown.requests += 1;
    shown.unchanged += i64::from(page.unchanged);
    shown.found += i64::try_from(page.found.len()).unwrap_or(0);
    shown.total = page.total.and_then(|total| i64::try_from(total).ok()).or(shown.total);
    shown.incomplete |= page.incomplete || shown.requests >= MAX_PAGES;
    shown.done = page.next.is_none() || shown.requests >= MAX_PAGES;
    let (host, search) = (shown.host.clone(), shown.search.clone());
    state.cursor = page.next.map(|cursor| cursor.0);
    let provider = deps.forges.configured().iter().find(|forge| forge.host() == host);
    let provider = provider.map_or(entity::kind::Provider::Github, |forge| forge.provider);

    let mut counts = PageCounts { requests: 1, unchanged: i64::from(page.unchanged), ..PageCounts::default() };
    let rules = rules(deps);
    let (mut rejected, mut here, mut new) = (Vec::new(), Vec::new(), Vec::new());
    let txn = deps.db.begin().await?;
    let ids: Vec<i64> = page.found.iter().map(|found| found.id).collect();
    let first_seen = stored::record_seen(&txn, run.id, &host, &ids).await?;
    for found in page.found {
        // The same repository by another search of the run: it is decided about already.
        if !first_seen.contains(&found.id) {
            continue;
        }
        let mut facts = facts_of(found, &host, provider);
        let tags: Vec<String> =
            deps.discovery.topics.iter().filter(|topic| facts.topics.contains(topic)).cloned().collect();
        if let Some(known) = world.known(&facts) {
            counts.known += 1;
            here.push(facts.forge_id);
            let changed = known.full_name != facts.full_name || known.forge_id.is_none() || known.gone_at.is_some();
            // What the configuration names is read from the configuration; figures come with the next refresh.
            if changed && known.origin != Origin::Sample {
                keep_good_address(deps, &mut facts, &known.url);
                stored::record_facts(&txn, known.id, &facts, Asked::InSearch, now).await?;
            }
            stored::record_tags(&txn, known.id, &tags).await?;
            continue;
        }
        // Another repository had this address and has moved: it is told its new one first, the next run takes this one up.
        if world.by_address.contains_key(&address_key(&facts.clone_url)) {
            continue;
        }
        let decision = match deps.forges.check_address(&facts.clone_url) {
            Ok(()) => decide(&facts, &rules, world.is_deleted(&facts), now),
            Err(reason) => Decision::Leave(RejectReason::Address, reason),
        };
        let set_aside = match decision {
            Decision::Leave(reason, detail) => {
                counts.rejected += 1;
                rejected.push(RejectedRepository {
                    host: host.clone(),
                    forge_id: facts.forge_id,
                    full_name: facts.full_name,
                    web_url: facts.web_url,
                    reason,
                    detail,
                    stars: facts.stars,
                    pushed_at: facts.pushed_at,
                    search: search.clone(),
                });
                continue;
            }
            Decision::SetAside(why) => Some(why),
            Decision::TakeUp => None,
        };
        let id = stored::take_up(&txn, &facts, &tags, set_aside.as_deref(), now).await?;
        stored::record_metrics(&txn, id, &facts, now).await?;
        here.push(facts.forge_id);
        match set_aside {
            Some(_) => counts.set_aside += 1,
            None => {
                counts.accepted += 1;
                let request = JobRequest::SyncRepository { repository_id: id };
                deps.queue.enqueue_in(&txn, &request, RequestedBy::Job, Priority::ROUTINE, now).await?;
            }
        }
        new.push(known_as(id, &facts));
    }
    stored::record_rejected(&txn, &rejected, now).await?;
    stored::forget_rejected(&txn, &host, &here).await?;
    stored::record_run(&txn, run, counts).await?;
    txn.commit().await.map_err(DataError::from)?;
    deps.queue.ring();
    for known in new {
        deps.queue.bus().send(Live::Repository { repository_id: known.id });
        world.add(known);
    }
    Ok(())
}

fn known_as(id: Uuid, facts: &RepositoryFacts) -> KnownRepository {
    KnownRepository {
        id,
        url: facts.clone_url.clone(),
        full_name: facts.full_name.clone(),
        origin: Origin::Discovered,
        forge_host: Some(facts.host.clone()),
        forge_id: Some(facts.forge_id),
        sync_status: entity::kind::SyncStatus::Pending,
        gone_at: None,
    }
}

fn rules(deps: &Deps) -> Rules {
    Rules {
        max_size_mb: deps.scan.max_repository_size_mb,
        max_age: deps.discovery.max_age,
        archived: deps.discovery.archived,
        forks: deps.discovery.forks,
        block: deps.discovery.block.clone(),
    }
}

async fn finish(deps: &Deps, run: &StoredRun) -> Result<String, JobError> {
    let now = clock::now();
    let txn = deps.db.begin().await?;
    stored::finish_run(&txn, run, now).await?;
    // Searches do not tell who watches; what is new is asked about at once.
    deps.queue.enqueue_in(&txn, &JobRequest::RefreshMetrics, RequestedBy::Job, Priority::ROUTINE, now).await?;
    txn.commit().await.map_err(DataError::from)?;
    deps.queue.ring();
    forges::prune(&deps.db.write, now).await?;
    let done = stored::find_run(&deps.db.read, run.id).await?;
    let errors: Vec<&str> = run.searches.iter().filter_map(|search| search.shown.error.as_deref()).collect();
    let failures = if errors.is_empty() { String::new() } else { format!("; {}", errors.join("; ")) };
    Ok(match done {
        Some(done) => format!(
            "{} found with {} requests: {} new, {} to be approved, {} known, {} left out{failures}",
            done.found, done.requests, done.accepted, done.set_aside, done.known, done.rejected
        ),
        None => format!("the searches are done{failures}"),
    })
}
