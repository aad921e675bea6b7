//! Asks the forges for stars, topics and all else that they tell of the repositories that are here: many at once where a
//! forge can, else one by one, each kept as soon as it comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use entity::kind::{LogLevel, Origin, Provider};
use entity::view::{Live, Timestamp};
use forge::{Forge, ForgeError, Key, Sight};
use store::db::{ConnectionTrait, DataError};
use store::discovery::{self as stored, Asked, MetricsTarget};
use store::secrets::{find_secret_time, hold_access, of_access};
use uuid::Uuid;

use super::error::away;
use super::forge_facts::{facts_of, keep_good_address, place_of};
use super::{Deps, JobContext, JobError, entered_access};
use crate::clock;

/// What was asked for more recently is fresh enough; less than the schedule's six hours.
fn fresh() -> TimeDelta {
    TimeDelta::hours(5)
}

/// So many failures in a row are the forge's, not a repository's.
const MAX_FAILURES: usize = 5;

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    deps.forges.refresh().await;
    let with_access = store::secrets::list_with_access(&deps.db.read).await?;
    let asks_for_all = deps.discovery.is_on() || deps.forges.has_tokens();
    if !asks_for_all && with_access.is_empty() && deps.tokens.is_empty() {
        return Ok("no forge is asked: discovery is switched off and no token is set".to_owned());
    }
    let targets = stored::list_metrics_targets(&deps.db.read, clock::now() - fresh()).await?;
    let (own, others): (Vec<_>, Vec<_>) = targets.into_iter().partition(|target| with_access.contains(&target.id));
    let is_asked = |target: &MetricsTarget| asks_for_all || deps.tokens.contains_key(&target.url);
    let (groups, mut failed) = put_together(deps, context, others.into_iter().filter(is_asked));
    let total = own.len() + groups.iter().map(|group| group.targets.len()).sum::<usize>();
    let mut tally = Tally { total: i64::try_from(total).unwrap_or(0), ..Tally::default() };
    let mut later: Option<(Timestamp, String)> = None;
    for Group { client, mut targets } in groups {
        // Those of which the node is known are asked for by it; one without would have the whole batch asked by name.
        targets.sort_by_key(|(target, key)| (key.node_id.is_none(), target.id));
        match refresh(deps, context, client.as_ref(), &targets, &mut tally).await {
            Ok(()) => {}
            Err(Stop::Job(error)) => return Err(error),
            Err(Stop::Forge(error)) => match &error {
                ForgeError::RateLimited { until, .. } => {
                    if later.as_ref().is_none_or(|(earliest, _)| until < earliest) {
                        later = Some((*until, error.to_string()));
                    }
                }
                error => {
                    context.note(LogLevel::Error, &error.to_string());
                    failed = Some(error.to_string());
                }
            },
        }
    }
    for target in own {
        match refresh_one(deps, context, target, &mut tally).await {
            Ok(()) => {}
            Err(Stop::Job(error)) => return Err(error),
            // It says nothing of the others, who are asked about by other tokens.
            Err(Stop::Forge(error)) => context.note(LogLevel::Warn, &error.to_string()),
        }
    }
    if let Some((until, reason)) = later {
        return Err(JobError::Later(reason, until));
    }
    match failed {
        Some(reason) if tally.refreshed == 0 => Err(JobError::Retry(reason)),
        Some(reason) => Ok(format!("{}; {reason}", tally.say())),
        None => Ok(tally.say()),
    }
}

/// Repositories that are asked about together.
struct Group {
    client: Arc<dyn Forge>,
    targets: Vec<(MetricsTarget, Key)>,
}

/// Puts together whom one client asks about: each with the token and at the address that the configuration gives it, where it
/// does. Also why some can't be asked about, which is said once of each host.
fn put_together(
    deps: &Deps,
    context: &JobContext,
    targets: impl Iterator<Item = MetricsTarget>,
) -> (Vec<Group>, Option<String>) {
    let mut groups: BTreeMap<(String, Provider, usize), Group> = BTreeMap::new();
    let mut refused: BTreeSet<(String, Provider)> = BTreeSet::new();
    let mut failed = None;
    for target in targets {
        let Some((host, key)) = place_of(&target) else { continue };
        let provider = target.provider;
        match deps.forges.of_repository(&target.url, &host, provider, None) {
            Ok(forge) => {
                // The same client is given for all that it asks about.
                let client = Arc::as_ptr(&forge.client).cast::<()>().addr();
                let group = groups.entry((host, provider, client));
                let group = group.or_insert_with(|| Group { client: forge.client, targets: Vec::new() });
                group.targets.push((target, key));
            }
            Err(error) => {
                if refused.insert((host, provider)) {
                    context.note(LogLevel::Error, &error.to_string());
                    failed = Some(error.to_string());
                }
            }
        }
    }
    (groups.into_values().collect(), failed)
}

#[derive(Default)]
struct Tally {
    total: i64,
    refreshed: i64,
    gone: i64,
}

impl Tally {
    fn say(&self) -> String {
        format!("figures of {} repositories; {} are gone", self.refreshed, self.gone)
    }
}

/// Why a group's repositories are not gone on with.
enum Stop {
    Forge(ForgeError),
    Job(JobError),
}

impl From<DataError> for Stop {
    fn from(error: DataError) -> Self {
        Self::Job(error.into())
    }
}

async fn refresh(
    deps: &Deps,
    context: &JobContext,
    client: &dyn Forge,
    targets: &[(MetricsTarget, Key)],
    tally: &mut Tally,
) -> Result<(), Stop> {
    let host = client.host();
    let mut failures = 0;
    let by_node = targets.partition_point(|(_, key)| key.node_id.is_some());
    let (nodes, names) = targets.split_at(by_node);
    for batch in nodes.chunks(client.batch()).chain(names.chunks(client.batch())) {
        if context.is_cancelled() {
            return Err(Stop::Job(JobError::Cancelled));
        }
        let done = tally.refreshed + tally.gone;
        context.say(deps, &format!("asking {host} for figures"), Some((done, tally.total))).await;
        let keys: Vec<Key> = batch.iter().map(|(_, key)| key.clone()).collect();
        match ask(context, client, &keys).await {
            Ok(sights) => {
                failures = 0;
                store(deps, (host, client.provider()), batch, sights, tally, Way::Usual).await?;
            }
            Err(Stop::Forge(error)) if !matches!(error, ForgeError::RateLimited { .. }) => {
                failures += 1;
                if client.is_batched() || failures >= MAX_FAILURES {
                    return Err(Stop::Forge(error));
                }
                context.note(LogLevel::Warn, &error.to_string());
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

/// Asks a forge, which may take long, for as long as the job is not to stop.
async fn ask(context: &JobContext, client: &dyn Forge, keys: &[Key]) -> Result<Vec<Sight>, Stop> {
    let told = tokio::select! {
        told = client.facts(keys) => told,
        () = context.cancelled() => return Err(Stop::Job(JobError::Cancelled)),
    };
    told.map_err(|error| match error {
        ForgeError::Store(error) => Stop::Job(away(&error)),
        error => Stop::Forge(error),
    })
}

/// Asks about a repository for which somebody entered a token or an address of its own.
async fn refresh_one(deps: &Deps, context: &JobContext, target: MetricsTarget, tally: &mut Tally) -> Result<(), Stop> {
    if context.is_cancelled() {
        return Err(Stop::Job(JobError::Cancelled));
    }
    let Some((host, key)) = place_of(&target) else { return Ok(()) };
    let own = entered_access(deps, context, target.id, target.origin).await?;
    let forge = deps.forges.of_repository(&target.url, &host, target.provider, own.as_ref()).map_err(Stop::Forge)?;
    let done = tally.refreshed + tally.gone;
    context.say(deps, &format!("asking {} for figures", forge.client.host()), Some((done, tally.total))).await;
    let sights = ask(context, forge.client.as_ref(), std::slice::from_ref(&key)).await;
    let sights = sights.map_err(|stop| match stop {
        Stop::Forge(error) => Stop::Forge(forge.told(error)),
        stop @ Stop::Job(_) => stop,
    })?;
    let way = if forge.is_elsewhere { Way::Elsewhere } else { Way::Own };
    store(deps, (&host, forge.client.provider()), &[(target, key)], sights, tally, way).await
}

/// How a repository is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Usual,
    /// By what somebody entered for it alone. They want it here, whatever others see of it.
    Own,
    /// The same, at an address that somebody entered: whoever answers there tells figures, and not who is who at the forge.
    Elsewhere,
}

async fn store(
    deps: &Deps,
    (host, provider): (&str, Provider),
    batch: &[(MetricsTarget, Key)],
    sights: Vec<Sight>,
    tally: &mut Tally,
    way: Way,
) -> Result<(), Stop> {
    let now = clock::now();
    let txn = deps.db.begin().await?;
    for ((target, _), sight) in batch.iter().zip(sights) {
        match sight {
            Sight::Here(facts) => {
                let mut facts = facts_of(*facts, host, provider);
                keep_good_address(deps, &mut facts, &target.url);
                let mut gone = if way == Way::Usual { gone_anyway(deps, target, &facts) } else { None };
                if gone.is_some() && has_own_now(&txn, target.id).await? {
                    gone = None;
                }
                tally.refreshed += 1;
                if way == Way::Elsewhere {
                    stored::touch_facts(&txn, target.id, now).await?;
                    stored::record_metrics(&txn, target.id, &facts, now).await?;
                    continue;
                }
                let tags: Vec<String> =
                    deps.discovery.topics.iter().filter(|topic| facts.topics.contains(topic)).cloned().collect();
                // Another row may be the same repository under its old name; the first one keeps the number.
                if stored::is_taken(&txn, target.id, &facts.host, facts.forge_id).await? {
                    stored::touch_facts(&txn, target.id, now).await?;
                    continue;
                }
                match gone {
                    Some(reason) => stored::record_gone(&txn, target.id, &reason, now).await?,
                    None => {
                        stored::record_facts(&txn, target.id, &facts, Asked::ForItself, now).await?;
                        stored::record_tags(&txn, target.id, &tags).await?;
                    }
                }
                stored::record_metrics(&txn, target.id, &facts, now).await?;
            }
            // What the operator or a person named may be visible to git where it is not to the forge's API.
            Sight::Gone(_) if target.origin == Origin::Config || way != Way::Usual => {
                stored::touch_facts(&txn, target.id, now).await?;
            }
            Sight::Gone(reason) => {
                if has_own_now(&txn, target.id).await? {
                    continue;
                }
                tally.gone += 1;
                let reason = format!("{} is gone from {host}: {}", target.full_name, reason.as_str());
                stored::record_gone(&txn, target.id, &reason, now).await?;
            }
        }
    }
    txn.commit().await.map_err(DataError::from)?;
    for (target, _) in batch {
        deps.queue.bus().send(Live::Repository { repository_id: target.id });
    }
    Ok(())
}

/// Whether somebody entered a way to ask for it alone since this round began, which asked as for all others: what it was not shown
/// says nothing then, and the round that follows asks by that. Whoever enters one just now waits, and so has the last word.
async fn has_own_now(txn: &impl ConnectionTrait, repository: Uuid) -> Result<bool, DataError> {
    hold_access(txn, repository).await?;
    Ok(find_secret_time(txn, &of_access(repository)).await?.is_some())
}

/// A repository that a topic brought in, and that has none of the topics any more, does not want to be here. One that is
/// private by now neither.
fn gone_anyway(deps: &Deps, target: &MetricsTarget, facts: &entity::input::RepositoryFacts) -> Option<String> {
    if target.origin != Origin::Discovered {
        return None;
    }
    if facts.is_private {
        return Some(format!("{} is private now", facts.full_name));
    }
    let came_by_topic = target.discovery_tags != "[]";
    let has_topic = deps.discovery.topics.iter().any(|topic| facts.topics.contains(topic));
    (came_by_topic && !has_topic && deps.discovery.queries.is_empty() && deps.discovery.is_on())
        .then(|| format!("{} has none of the topics any more that are searched for", facts.full_name))
}
