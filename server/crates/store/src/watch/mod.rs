//! Branches that are watched: settings, looks at them, and what happened to them.
//!
//! A look that finds nothing new costs one row. Every change is one event, however many processes look, and webhooks tell,
//! at once: whoever writes holds the watch's row, and no look overrules what was noted after it began (`version`).

mod branches;
mod events;
mod facts;
mod history;
pub(crate) mod hold;
mod hurry;
mod lag;
mod look;
mod origins;
mod prune;
mod receipts;
mod received;
mod seen;
mod standing;
mod watched;
pub(crate) mod write;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use crate::db::select::{count, is_any};
use crate::db::upsert::excluded;
use crate::db::{ConnectionTrait, Result};
use entity::table::{repository, watch};
use entity::view::{Listing, Timestamp, Watch};

pub use branches::{count_watched, find_branch, gone_names, list_branch_names, list_branches};
pub use events::{find_branch_event, list_branch_events, postpone_event};
pub use facts::{
    FollowedEvent, Learned, events_to_follow, knows_protection, lacks_protection, mark_protected, note_facts,
    note_told, postpone_facts, repositories_to_follow,
};
pub use history::list_branch_history;
pub use hurry::{has_put_off, hurry_events};
pub use lag::{ToldChange, told_since};
pub use look::{Change, Look, NewEvent, Noted, SeenBranch, Told, note_change, note_refs};
pub use origins::{BranchOrigin, branch_origins};
pub use prune::{
    gone_branches, old_events, old_receipts, remove_branches_before, remove_events_before, remove_receipts_before,
};
pub use receipts::{Took, take_receipt, tell_receipt};
pub use received::list_receipts;
pub use seen::keep_last_seen;
pub use standing::find_or_note_event;
pub(crate) use standing::newest_standing;
pub use watched::{find_watched_repository, list_watched_repositories};

/// How a repository's branches are to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSettings {
    pub is_enabled: bool,
    pub branch_regex: Option<String>,
    pub tells_first_look: bool,
    /// Of the whole repository, as its syncs are what looks at branches.
    pub polling_interval_seconds: Option<i64>,
}

impl WatchSettings {
    fn are_those_of(&self, watch: &Watch) -> bool {
        self.is_enabled == watch.is_enabled
            && self.branch_regex == watch.branch_regex
            && self.tells_first_look == watch.tells_first_look
            && self.polling_interval_seconds == watch.polling_interval_seconds
    }
}

/// A watch as a look begins: what is noted meanwhile has a higher version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchState {
    pub branch_regex: Option<String>,
    pub version: i64,
    pub first_look_at: Option<Timestamp>,
    pub(super) refs_hash: Option<Vec<u8>>,
}

/// Sets how a repository's branches are watched; whether that is new. What was seen so far stays: who watches again goes on
/// from there.
pub async fn set_watch(w: &impl ConnectionTrait, repository: Uuid, settings: &WatchSettings) -> Result<bool> {
    use watch::Column::{BranchRegex, IsEnabled, RefsHash, RepositoryId, TellsFirstLook};
    if find_watch(w, repository).await?.is_some_and(|known| settings.are_those_of(&known)) {
        return Ok(false);
    }
    let row = watch::ActiveModel {
        repository_id: Set(repository),
        is_enabled: Set(settings.is_enabled),
        branch_regex: Set(settings.branch_regex.clone()),
        tells_first_look: Set(settings.tells_first_look),
        version: Set(0),
        refs_hash: Set(None),
        first_look_at: Set(None),
    };
    let again = OnConflict::column(RepositoryId)
        .update_columns([IsEnabled, BranchRegex, TellsFirstLook])
        // Other names may be watched now.
        .value(RefsHash, excluded(RefsHash))
        .to_owned();
    watch::Entity::insert(row).on_conflict(again).exec_without_returning(w).await?;
    let interval = repository::ActiveModel {
        polling_interval_seconds: Set(settings.polling_interval_seconds),
        ..Default::default()
    };
    repository::Entity::update_many().set(interval).filter(repository::COLUMN.id.eq(repository)).exec(w).await?;
    Ok(true)
}

/// Nobody watches the repository's branches any more; what was seen stays.
pub async fn unset_watch(w: &impl ConnectionTrait, repository: Uuid) -> Result<bool> {
    Ok(unset_watches(w, &[repository]).await? > 0)
}

/// The same for several; of how many that is new.
pub async fn unset_watches(w: &impl ConnectionTrait, repositories: &[Uuid]) -> Result<u64> {
    use watch::Column::{IsEnabled, RepositoryId};
    let off = watch::Entity::update_many().col_expr(IsEnabled, Expr::val(false));
    let off = off.filter(is_any(RepositoryId.into_expr(), repositories.iter().copied()));
    Ok(off.filter(watch::COLUMN.is_enabled.eq(true)).exec(w).await?.rows_affected)
}

/// How a repository's branches are watched; nothing where they never were.
pub async fn find_watch(c: &impl ConnectionTrait, repository: Uuid) -> Result<Option<Watch>> {
    let watch = watch::Entity::find_by_id(repository).inner_join(repository::Entity);
    Ok(watch.into_partial_model::<WatchRow>().one(c).await?.map(Watch::from))
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "watch::Entity")]
struct WatchRow {
    is_enabled: bool,
    branch_regex: Option<String>,
    tells_first_look: bool,
    first_look_at: Option<Timestamp>,
    #[sea_orm(from_expr = "repository::Column::PollingIntervalSeconds")]
    polling_interval_seconds: Option<i64>,
}

impl From<WatchRow> for Watch {
    fn from(row: WatchRow) -> Self {
        let WatchRow { is_enabled, branch_regex, tells_first_look, first_look_at, polling_interval_seconds } = row;
        Self { is_enabled, branch_regex, tells_first_look, polling_interval_seconds, first_look_at }
    }
}

/// Where a watch stands, for a look that begins now; nothing where nobody watches. To be asked before the remote is.
pub async fn watch_state(c: &impl ConnectionTrait, repository: Uuid) -> Result<Option<WatchState>> {
    let row = watch::Entity::find_by_id(repository).filter(watch::COLUMN.is_enabled.eq(true)).one(c).await?;
    Ok(row.map(|row| WatchState {
        branch_regex: row.branch_regex,
        version: row.version,
        first_look_at: row.first_look_at.map(Into::into),
        refs_hash: row.refs_hash,
    }))
}

/// Repositories whose branches are watched: id and full name, by name and at most so many, and how many there are.
pub async fn list_watched_names(c: &impl ConnectionTrait, limit: u64) -> Result<Listing<(Uuid, String)>> {
    use repository::Column::FullName;
    let watched = || watch::Entity::find().filter(watch::COLUMN.is_enabled.eq(true));
    let names = watched().inner_join(repository::Entity).select_only();
    let names = names.column(watch::Column::RepositoryId).column(FullName);
    let names = names.order_by_asc(FullName).order_by_asc(watch::Column::RepositoryId).limit(limit);
    Ok(Listing { data: names.into_tuple().all(c).await?, count: count(c, watched()).await? })
}
