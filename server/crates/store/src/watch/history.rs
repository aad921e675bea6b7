//! All that happened to a branch, with what each trigger made of it.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::events::list_branch_events;
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::table::branch_event;
use entity::value::JsonText;
use entity::view::{BranchEvent, BranchEventFilter, Listing, PageQuery, TektonFound, Verdict};

/// What is large of an event, by its id.
type Large = (Uuid, JsonText<Vec<Verdict>>, Option<JsonText<TektonFound>>);

/// Events of a branch, the last first, with what lists leave out: verdicts, and Tekton's resources.
pub async fn list_branch_history(
    c: &impl ConnectionTrait,
    branch: Uuid,
    page: PageQuery,
) -> Result<Listing<BranchEvent>> {
    use branch_event::Column::{Id, Tekton, Verdicts};
    let filter = BranchEventFilter { branch_id: Some(branch), page, ..BranchEventFilter::default() };
    let events = list_branch_events(c, &filter).await?;
    if events.data.is_empty() {
        return Ok(events);
    }
    let of = is_any(Id.into_expr(), events.data.iter().map(|event| event.id));
    let large = branch_event::Entity::find().select_only().columns([Id, Verdicts, Tekton]).filter(of);
    let large: Vec<Large> = large.into_tuple().all(c).await?;
    let mut large: HashMap<Uuid, (Vec<Verdict>, Option<TektonFound>)> =
        large.into_iter().map(|(id, verdicts, tekton)| (id, (verdicts.0, tekton.map(|found| found.0)))).collect();
    Ok(events.map(|event| match large.remove(&event.id) {
        Some((verdicts, tekton)) => BranchEvent { verdicts, tekton, ..event },
        None => event,
    }))
}
