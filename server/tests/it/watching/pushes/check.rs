//! What is stored and what was told, held against the pushes.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use entity::kind::{BranchEventKind, DeliveryState, Priority};
use entity::view::{BranchEvent, BranchEventFilter, Delivery, DeliveryFilter, PageQuery};
use store::db::Db;
use store::triggers::list_deliveries;
use store::watch::list_branch_events;
use uuid::Uuid;

use super::world::{Process, Remotes, brings_pipeline, until};
use super::{BRANCHES, BUILD, BUILT, COUNT, LOOSE, look_at_all};
use crate::watching::a_while_later;
use crate::watching::receiver::Receiver;

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
pub(super) async fn check(remotes: &Remotes, processes: &[Process], db: &Db, ids: &[Uuid], receiver: &Receiver) {
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
