//! Addresses that people want to add: refused with the reason, or taken in with a first sync.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use entity::address::address_key;
use entity::credential::shown_address;
use entity::input::FoundRepository;
use entity::kind::{AddVerdict, AuditAction, JobRequest, Priority, SyncStatus};
use entity::view::{Added, Live};
use store::db::DataError;
use store::discovery::{KnownRepository, Tombstone, lift_tombstones, list_known, list_tombstones};
use store::repositories::upsert_repositories;
use uuid::Uuid;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// Pasting more at once is a mistake.
pub const MAX_ADDED: usize = 1_000;
/// So much of an address is said again.
const SHOWN: usize = 200;

/// An address that nothing is to be added from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUsable {
    /// What is wrong, as a word.
    pub verdict: AddVerdict,
    /// The same as a sentence without its full stop.
    pub reason: String,
}

/// Reads what stands in an address, and whether that may be cloned from here; the database is not asked.
pub type ReadAddress = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = std::result::Result<FoundRepository, NotUsable>> + Send>>
        + Send
        + Sync,
>;

/// Takes in what can be taken in, and says of each address what became of it, in the order given. Open pages are told.
///
/// # Errors
/// The refusal; nothing is stored then.
pub async fn add(ctx: &Actions, actor: &Actor, urls: Vec<String>) -> Result<Vec<Added>> {
    actor.may(AuditAction::AddRepositories)?;
    if urls.is_empty() || urls.len() > MAX_ADDED {
        return Err(Refusal::AddressCount(urls.len()));
    }
    let mut answers = Vec::with_capacity(urls.len());
    let mut wanted: Vec<(usize, FoundRepository)> = Vec::new();
    for (index, text) in urls.into_iter().enumerate() {
        let url = shown(&text);
        let answer = |verdict, refused| Added { url, repository_id: None, added: false, verdict, refused };
        match (ctx.outside.read_address)(text).await {
            Ok(found) => {
                answers.push(answer(AddVerdict::Known, None));
                wanted.push((index, found));
            }
            Err(NotUsable { verdict, reason }) => answers.push(answer(verdict, Some(reason))),
        }
    }
    if !wanted.is_empty() {
        take_in(ctx, actor, wanted, &mut answers).await?;
    }
    for repository_id in answers.iter().filter(|answer| answer.added).filter_map(|answer| answer.repository_id) {
        ctx.queue.bus().send(Live::Repository { repository_id });
    }
    Ok(answers)
}

/// Stores those that are not here yet, in one transaction with their first jobs.
async fn take_in(
    ctx: &Actions,
    actor: &Actor,
    wanted: Vec<(usize, FoundRepository)>,
    answers: &mut [Added],
) -> Result<()> {
    let (now, by) = (ctx.now(), actor.requested_by());
    let txn = ctx.db.begin().await?;
    let known = list_known(&txn).await?;
    let known: HashMap<String, KnownRepository> =
        known.into_iter().rev().map(|known| (address_key(&known.url), known)).collect();
    let mut deleted: HashMap<String, Vec<Tombstone>> = HashMap::new();
    for stone in list_tombstones(&txn).await? {
        deleted.entry(address_key(&stone.url)).or_default().push(stone);
    }
    let mut new: HashMap<String, Uuid> = HashMap::new();
    for (index, found) in wanted {
        let (key, answer) = (address_key(&found.url), &mut answers[index]);
        if let Some(id) = new.get(&key) {
            answer.repository_id = Some(*id);
            answer.refused = Some("it stands twice in the list".to_owned());
            answer.verdict = AddVerdict::Repeated;
        } else if let Some(known) = known.get(&key) {
            answer.repository_id = Some(known.id);
            answer.refused = Some(here_already(known));
            if known.sync_status == SyncStatus::Blocked {
                answer.verdict = AddVerdict::Blocked;
            }
        } else {
            if let Err(refused) = actor.covers(&found.url, &found.full_name) {
                answer.refused = Some(refused.text());
                answer.verdict = AddVerdict::Invalid;
                continue;
            }
            lift_tombstones(&txn, deleted.get(&key).into_iter().flatten()).await?;
            for (id, _) in upsert_repositories(&txn, std::slice::from_ref(&found), now).await? {
                let sync = JobRequest::SyncRepository { repository_id: id };
                ctx.queue.enqueue_in(&txn, &sync, by, Priority::CLICK, now).await?;
                answer.repository_id = Some(id);
                answer.added = true;
                answer.verdict = AddVerdict::Added;
                new.insert(key.clone(), id);
                let object = Object::new("repository", id, found.full_name.clone());
                ctx.tell(&txn, actor, AuditAction::AddRepositories, object, Change::NONE).await?;
            }
        }
    }
    if !new.is_empty() {
        ctx.queue.enqueue_in(&txn, &JobRequest::RefreshMetrics, by, Priority::FOLLOW_UP, now).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.ring();
    Ok(())
}

fn here_already(known: &KnownRepository) -> String {
    match known.sync_status {
        SyncStatus::Blocked => format!("{} is here and blocked; approve it to have it synced", known.full_name),
        SyncStatus::PendingApproval => format!("{} is here and waits for approval", known.full_name),
        _ => format!("{} is here already", known.full_name),
    }
}

/// An address for the answer: without credentials, in one line, and bounded.
fn shown(text: &str) -> String {
    const ENOUGH: usize = 2_000;
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(ENOUGH).collect();
    shown_address(&text).chars().take(SHOWN).collect()
}
