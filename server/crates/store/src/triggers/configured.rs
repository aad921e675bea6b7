//! Triggers that are written in the configuration, which alone changes them.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Set,
};
use uuid::Uuid;

use super::NewTrigger;
use crate::db::select::is_any;
use crate::db::{DataError, Result, Transaction, Turn, new_id, wait_for_turn};
use entity::table::trigger;
use entity::view::Timestamp;

/// What became of a trigger that is written in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    Kept(Uuid),
    /// Somebody made a trigger of this name by hand, which stays as it is: one of them has to be named otherwise.
    NameTaken {
        by: Uuid,
    },
}

impl Pinned {
    /// The trigger's id, where it was brought in.
    #[must_use]
    pub const fn id(self) -> Option<Uuid> {
        match self {
            Self::Kept(id) => Some(id),
            Self::NameTaken { .. } => None,
        }
    }
}

/// Brings in the configuration's triggers, matched by name. Those that are no longer written there are off; what they told
/// stays. What became of each, in the order given. Processes that start at once do it one after the other.
pub async fn pin_triggers(txn: &Transaction, wanted: &[NewTrigger], now: Timestamp) -> Result<Vec<Pinned>> {
    if txn.get_database_backend() == DbBackend::Postgres {
        wait_for_turn(txn, Turn::Configure).await?;
    }
    let configured: Vec<trigger::Model> =
        trigger::Entity::find().filter(trigger::COLUMN.is_configured.eq(true)).all(txn).await?;
    let mut pinned = Vec::with_capacity(wanted.len());
    for new in wanted {
        pinned.push(match configured.iter().find(|known| known.name == new.name) {
            Some(known) => {
                if !is_as_written(known, new) {
                    let update = trigger::Entity::update_many().set(new.row(now));
                    update.filter(trigger::COLUMN.id.eq(known.id)).exec(txn).await?;
                }
                Pinned::Kept(known.id)
            }
            None => insert(txn, new, now).await?,
        });
    }
    let kept: Vec<Uuid> = pinned.iter().filter_map(|pinned| pinned.id()).collect();
    let left = configured.iter().filter(|known| !kept.contains(&known.id)).map(|known| known.id);
    let off = trigger::ActiveModel {
        is_enabled: Set(false),
        unconfigured_at: Set(Some(now.into())),
        changed_at: Set(now.into()),
        ..Default::default()
    };
    let off = trigger::Entity::update_many().set(off).filter(is_any(trigger::Column::Id.into_expr(), left));
    off.filter(trigger::COLUMN.unconfigured_at.is_null()).exec(txn).await?;
    Ok(pinned)
}

async fn insert(txn: &Transaction, new: &NewTrigger, now: Timestamp) -> Result<Pinned> {
    use trigger::Column::{Id, Name};
    let id = new_id(now);
    let mut insert = trigger::Entity::insert(new.new_row(id, true, now)).into_query();
    insert.on_conflict(OnConflict::column(Name).do_nothing().to_owned());
    if txn.execute(&insert).await?.rows_affected() > 0 {
        return Ok(Pinned::Kept(id));
    }
    let by = trigger::Entity::find().select_only().column(Id).filter(Name.eq(new.name.as_str()));
    let by: Option<Uuid> = by.into_tuple().one(txn).await?;
    Ok(Pinned::NameTaken { by: by.ok_or(DataError::NotFound { what: "trigger", id })? })
}

/// Whether nothing is to be written of it. One whose target is gone stays off until what is written about it changes.
fn is_as_written(known: &trigger::Model, new: &NewTrigger) -> bool {
    known.condition.0 == new.condition
        && known.target.0 == new.target
        && known.pace.0 == new.pace
        && known.unconfigured_at.is_none()
        && (known.is_enabled == new.is_enabled || (new.is_enabled && known.disabled_reason.is_some()))
}
