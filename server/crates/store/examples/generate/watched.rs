//! Watched branches and what happened to them over the last month, written as looks, webhooks and whoever tells targets write.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use entity::input::ObjectId;
use entity::kind::{ClauseKind, NoticedBy, TektonAction};
use entity::view::{Clause, Condition, Pace, SentRequest, Target, TektonFound, TektonResource, Timestamp};
use futures::{TryStreamExt as _, stream};
use store::db::{DataError, Db, Result, Transaction};
use store::triggers::{
    Attempt, AttemptEnd, ClaimedDelivery, Decision, DeliveryRoom, NewTrigger, claim_deliveries, decide, insert_trigger,
    record_attempt,
};
use store::watch::{
    Change, Learned, Look, NewEvent, SeenBranch, Told, WatchSettings, note_change, note_facts, note_refs, set_watch,
    watch_state,
};
use uuid::Uuid;

use crate::fill::Dice;

/// Branches of each repository. The first of them moves every time, so that its history is long, and one of the others.
const BRANCHES: usize = 20;
const MOVES: usize = 2;
/// Triggers that every change is held against, and of how many of them it is told.
const TRIGGERS: usize = 8;
const TOLD: usize = 4;
/// One repository of so many brings something for Tekton.
const WITH_TEKTON: usize = 5;
/// The month over which it all happened, in minutes.
const MINUTES: i64 = 30 * 24 * 60;
/// How soon a target answered, and after what time those that failed are told again.
const ANSWERED: TimeDelta = TimeDelta::milliseconds(80);
const AGAIN: TimeDelta = TimeDelta::seconds(6);
/// Attempts that are written at the same time.
const AT_ONCE: usize = 8;
const ROOM: DeliveryRoom<'_> = DeliveryRoom { worker: "generate", most: 500, per_trigger: 500, failing: 8 };

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    pub events: u64,
    pub deliveries: u64,
}

struct Repository {
    id: Uuid,
    has_tekton: bool,
    heads: Vec<ObjectId>,
}

/// A trigger's id and name.
type Known = (Uuid, String);

/// Watches all branches of these repositories and has at least so many deliveries told of them, none of which waits at the end.
pub async fn watch(db: &Db, repositories: &[Uuid], deliveries: u32) -> Result<Watched> {
    let mut watched = Watched::default();
    if deliveries == 0 || repositories.is_empty() {
        return Ok(watched);
    }
    let now = Utc::now();
    let began = now - TimeDelta::minutes(MINUTES);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let triggers = triggers(db, began).await?;
    let mut known = Vec::with_capacity(repositories.len());
    for (place, id) in repositories.iter().enumerate() {
        let heads = (0..BRANCHES).map(|_| dice.object()).collect();
        let repository = Repository { id: *id, has_tekton: place.is_multiple_of(WITH_TEKTON), heads };
        look(db, &repository, began).await?;
        known.push(repository);
    }
    let rounds = u64::from(deliveries).div_ceil((known.len() * MOVES * TOLD) as u64) as i64;
    for round in 0..rounds {
        let at = began + TimeDelta::minutes(MINUTES * (round + 1) / (rounds + 1));
        for repository in &mut known {
            let txn = db.begin().await?;
            for branch in [0, 1 + dice.roll(BRANCHES as u64 - 1) as usize] {
                watched.events += push(&txn, repository, branch, &triggers, at, &mut dice).await?;
            }
            txn.commit().await?;
        }
        watched.deliveries += tell(db, at).await?;
    }
    Ok(watched)
}

/// Those that are told by CloudEvents and those that are told by webhooks in turn.
async fn triggers(db: &Db, at: Timestamp) -> Result<Vec<Known>> {
    let mut triggers = Vec::new();
    for number in 0..TRIGGERS {
        let (name, headers) = (format!("deploy-{number}"), BTreeMap::new());
        let url = format!("https://hooks.example.org/{name}");
        let target = match number.is_multiple_of(2) {
            true => Target::Tekton { url, headers },
            false => Target::Webhook { url, headers },
        };
        let condition = Condition { branches: Some(format!("({number}|main)$")), ..Condition::default() };
        let new = NewTrigger { name: name.clone(), is_enabled: true, condition, target, pace: Pace::default() };
        triggers.push((insert_trigger(&db.write, &new, at).await?, name));
    }
    Ok(triggers)
}

fn branch_name(number: usize) -> String {
    match number {
        0 => "main".to_owned(),
        number => format!("renovate/container-image-{number}"),
    }
}

/// The first look, which says where all branches stand.
async fn look(db: &Db, repository: &Repository, at: Timestamp) -> Result<()> {
    let settings = WatchSettings { is_enabled: true, ..WatchSettings::default() };
    let txn = db.begin().await?;
    set_watch(&txn, repository.id, &settings).await?;
    if let Some(began) = watch_state(&txn, repository.id).await? {
        let seen = repository.heads.iter().enumerate().map(|(number, commit)| SeenBranch {
            name: branch_name(number),
            commit: *commit,
            is_watched: true,
            is_protected: Some(number == 0),
        });
        let look = Look::new(&began, NoticedBy::Poll, seen.collect());
        note_refs(&txn, repository.id, &look, at).await?;
    }
    txn.commit().await?;
    Ok(())
}

/// Somebody pushed; how many events that led to. All of them are decided, and their commits read.
async fn push(
    txn: &Transaction,
    repository: &mut Repository,
    number: usize,
    triggers: &[Known],
    at: Timestamp,
    dice: &mut Dice,
) -> Result<u64> {
    let commit = dice.object();
    let change = Change {
        branch: branch_name(number),
        old: Some(repository.heads[number]),
        new: Some(commit),
        branch_regex: None,
        is_watched: true,
    };
    let how = if dice.roll(4) == 0 { NoticedBy::Poll } else { NoticedBy::Webhook };
    let Told::Noted(Some(event)) = note_change(txn, repository.id, &change, how, at).await? else { return Ok(0) };
    repository.heads[number] = commit;
    let found = if repository.has_tekton { tekton() } else { TektonFound::default() };
    let learned = Learned { tekton: Some(&found), is_forced: Some(dice.roll(40) == 0) };
    let first = dice.roll(TRIGGERS as u64) as usize;
    decide(txn, event.id, &decisions(triggers, &event, Some(first)), at).await?;
    let Some(detected) = note_facts(txn, event.id, learned, at).await? else { return Ok(1) };
    // Triggers that name no events are for changes of branches.
    decide(txn, detected.id, &decisions(triggers, &detected, None), at).await?;
    Ok(2)
}

/// What triggers make of an event: some of them, one after the other from `first` on, are for it.
fn decisions(triggers: &[Known], event: &NewEvent, first: Option<usize>) -> Vec<Decision> {
    let clause = |kind, is_match, why: String| Clause { kind, is_match, why };
    let decision = |(place, (id, name)): (usize, &Known)| {
        let is_match = first.is_some_and(|first| (place + TRIGGERS - first) % TRIGGERS < TOLD);
        let mut clauses = vec![clause(ClauseKind::Event, first.is_some(), format!("it is {}", event.kind))];
        if first.is_some() {
            let (named, found) = (&event.branch_name, if is_match { "matches" } else { "does not match" });
            clauses.push(clause(ClauseKind::Branch, is_match, format!("{named} {found} ({place}|main)$")));
        }
        Decision { trigger_id: *id, trigger_name: name.clone(), is_match, clauses }
    };
    triggers.iter().enumerate().map(decision).collect()
}

fn tekton() -> TektonFound {
    let resource = |index, kind: &str, dependencies: &[&str]| TektonResource {
        api_version: "tekton.dev/v1".to_owned(),
        kind: kind.to_owned(),
        name: "build".to_owned(),
        namespace: Some("ci".to_owned()),
        path: ".tekton/build.yaml".to_owned(),
        index,
        is_valid: true,
        errors: Vec::new(),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
    };
    TektonFound {
        has_directory: true,
        total_files: 1,
        valid_files: 1,
        resources: vec![resource(0, "Pipeline", &["Task/build"]), resource(1, "PipelineRun", &["Pipeline/build"])],
        estimated_action: TektonAction::Trigger,
        reasons: vec!["it brings runs, which begin by being applied".to_owned()],
        errors: Vec::new(),
        warnings: Vec::new(),
        read_by_api: false,
    }
}

/// Targets are told of what happened at this time, and those that fail once more; how many deliveries came to their end.
async fn tell(db: &Db, at: Timestamp) -> Result<u64> {
    let (mut now, mut ended) = (at, 0);
    for _ in 0..3 {
        loop {
            let claimed = claim_deliveries(db, ROOM, now).await?;
            if claimed.is_empty() {
                break;
            }
            let attempts: Vec<(Uuid, Attempt)> =
                claimed.iter().map(|delivery| (delivery.id, attempt(delivery, now))).collect();
            let is_last = |attempt: &Attempt| !matches!(attempt.end, AttemptEnd::Failed { .. });
            ended += attempts.iter().filter(|(_, attempt)| is_last(attempt)).count() as u64;
            stream::iter(attempts.into_iter().map(Ok::<_, DataError>))
                .try_for_each_concurrent(AT_ONCE, |(id, attempt)| async move {
                    record_attempt(db, id, ROOM.worker, &attempt, now + ANSWERED).await?;
                    Ok(())
                })
                .await?;
        }
        now += AGAIN;
    }
    Ok(ended)
}

/// One of 250 commits is refused, one of twelve is taken at the second attempt.
fn attempt(delivery: &ClaimedDelivery, started_at: Timestamp) -> Attempt {
    let [first, second, ..] = delivery.commit_hash.0;
    let (status, end) = match (u16::from_be_bytes([first, second]) % 250, delivery.attempts) {
        (0, _) => (404, AttemptEnd::Refused { why: "status 404 Not Found".to_owned() }),
        (1..=20, 1) => (503, AttemptEnd::Failed { why: "status 503 Service Unavailable".to_owned(), not_before: None }),
        _ => (202, AttemptEnd::Delivered),
    };
    let (full_name, branch, commit) = (&delivery.repository_full_name, &delivery.branch_name, delivery.commit_hash);
    let body = format!(
        "{{\"type\":\"repository.{kind}\",\"data\":{{\"delivery_id\":\"{id}\",\"trigger\":\"{trigger}\",\"repository\":\
         {{\"full_name\":\"{full_name}\",\"url\":\"{url}\"}},\"branch\":\"{branch}\",\"ref\":\"refs/heads/{branch}\",\
         \"commit\":{{\"sha\":\"{commit}\",\"message\":\"feat(container): update image\"}}}}}}",
        kind = delivery.kind,
        id = delivery.id,
        trigger = delivery.trigger_name,
        url = delivery.repository_url,
    );
    let header = |name: &str, value: String| (name.to_owned(), value);
    let request = SentRequest {
        method: "POST".to_owned(),
        url: format!("https://hooks.example.org/{}", delivery.trigger_name),
        headers: vec![
            header("Content-Type", "application/json".to_owned()),
            header("webhook-id", delivery.id.to_string()),
            header("webhook-timestamp", started_at.timestamp().to_string()),
        ],
        body,
    };
    Attempt {
        number: delivery.attempts,
        started_at,
        duration: Duration::from_millis(80),
        request: Some(request),
        status: Some(status),
        answer: Some(format!(
            "{{\"eventListener\":\"listener\",\"namespace\":\"ci\",\"eventID\":\"{}\"}}",
            delivery.id
        )),
        answer_id: (end == AttemptEnd::Delivered).then(|| delivery.id.to_string()),
        end,
    }
}
