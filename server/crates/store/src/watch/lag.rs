//! Lists of branches that lag behind: not all of a forge's machines know of a push at once, and a webhook has the next list asked
//! for within the second. And webhooks that come late.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::write::Known;
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::kind::{BranchEventKind, NoticedBy};
use entity::table::branch_event;
use entity::value::{ObjectId, StoredTimestamp};
use entity::view::Timestamp;

/// For so long a list may show a branch as it was before a webhook told of it, and a webhook may tell of it as it was before it
/// went. What is shown and told later is what was pushed.
const LAG: TimeDelta = TimeDelta::minutes(1);
/// Of so many branches events are read by one statement.
const AT_ONCE: usize = 500;

/// Where branches stood before what webhooks told of them right before a look began.
pub(super) struct Lag {
    /// Of each branch where it stood, nothing where it was not there, and when it was told that it does no more; the last first.
    stood: HashMap<Uuid, Vec<(Option<ObjectId>, Timestamp)>>,
}

impl Lag {
    /// Reads it of these branches, which a look that began then saw elsewhere than they stand. Costs nothing where none of them
    /// changed right before.
    pub(super) async fn read(c: &impl ConnectionTrait, elsewhere: &[&Known], began_at: Timestamp) -> Result<Self> {
        let changed = elsewhere.iter().filter(|known| (began_at - known.changed_at).abs() < LAG);
        let changed: Vec<&Known> = changed.copied().collect();
        let mut stood: HashMap<Uuid, Vec<_>> = HashMap::new();
        // What came before something that a list showed is older than that list.
        let (mut listed, mut has_event) = (HashSet::new(), HashSet::new());
        for some in changed.chunks(AT_ONCE) {
            let ids: Vec<Uuid> = some.iter().map(|known| known.id).collect();
            for told in told_since(c, &ids, began_at - LAG).await? {
                has_event.insert(told.branch_id);
                if told.noticed_by != NoticedBy::Webhook {
                    listed.insert(told.branch_id);
                } else if !listed.contains(&told.branch_id) {
                    stood.entry(told.branch_id).or_default().push((told.old_commit, told.noticed_at));
                }
            }
        }
        // One that is watched and went without an event is one of which a webhook told the end alone.
        let unseen =
            changed.iter().filter(|known| known.is_deleted && known.is_watched && !has_event.contains(&known.id));
        stood.extend(unseen.map(|known| (known.id, vec![(Some(known.commit), known.changed_at)])));
        Ok(Self { stood })
    }

    /// Until when a list that shows the branch so may lag behind; nothing where what it shows is news.
    pub(super) fn until(&self, branch: Uuid, shown: Option<ObjectId>) -> Option<Timestamp> {
        let (_, told_at) = self.stood.get(&branch)?.iter().find(|(stood, _)| *stood == shown)?;
        Some(*told_at + LAG)
    }
}

/// Whether a webhook by which a branch that is gone came to a commit may tell of a time before it went: that was right before, or
/// the branch stood at that commit once, as far as events are kept.
pub(super) async fn may_be_late(
    c: &impl ConnectionTrait,
    gone: &Known,
    commit: ObjectId,
    now: Timestamp,
) -> Result<bool> {
    use branch_event::Column::{BranchId, Id, NewCommit, OldCommit};
    if (now - gone.changed_at).abs() < LAG || gone.commit == commit {
        return Ok(true);
    }
    let stood = branch_event::Entity::find().select_only().column(Id).filter(BranchId.eq(gone.id));
    let there = Condition::any().add(NewCommit.eq(commit)).add(OldCommit.eq(commit));
    Ok(stood.filter(there).limit(1).into_tuple::<Uuid>().one(c).await?.is_some())
}

/// A change of a branch, as far as it says where lists may still show it.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "branch_event::Entity")]
pub struct ToldChange {
    pub branch_id: Uuid,
    /// Where the branch stood before; nothing where it was not there.
    pub old_commit: Option<ObjectId>,
    pub noticed_by: NoticedBy,
    pub noticed_at: Timestamp,
}

/// Changes of branches that were noticed after that time, the last of each branch first.
pub async fn told_since(c: &impl ConnectionTrait, branches: &[Uuid], since: Timestamp) -> Result<Vec<ToldChange>> {
    use branch_event::Column::{BranchId, Kind, NoticedAt, Sequence};
    let told = branch_event::Entity::find().filter(is_any(BranchId.into_expr(), branches.iter().copied()));
    let told = told.filter(NoticedAt.gt(StoredTimestamp::from(since)));
    let told = told.filter(Kind.ne(BranchEventKind::TektonDetected)).order_by_desc(Sequence);
    Ok(told.into_partial_model().all(c).await?)
}
