//! What people did: added in the transaction that does it, read by admins, never changed.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use crate::db::pattern::contains;
use crate::db::select::{MAX_PAGE, count, is_like, matching};
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::AuditAction;
use entity::table::audit_entry;
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{AuditEntry, AuditFilter, Listing, PageQuery, Timestamp};

/// What anybody can do who reaches the program.
const ANYBODYS: [AuditAction; 3] =
    [AuditAction::SignInRefused, AuditAction::AccessRefused, AuditAction::AskPasswordReset];

/// Adds an entry; its id is made here.
pub async fn add_audit_entry(w: &impl ConnectionTrait, entry: &AuditEntry) -> Result<()> {
    let json = |value: &Option<serde_json::Value>| value.clone().map(JsonText);
    let row = audit_entry::ActiveModel {
        id: Set(new_id(entry.at)),
        at: Set(entry.at.into()),
        action: Set(entry.action),
        account_id: Set(entry.account_id),
        who: Set(entry.who.clone()),
        via: Set(entry.via),
        via_id: Set(entry.via_id),
        object_kind: Set(entry.object_kind.clone()),
        object_id: Set(entry.object_id.clone()),
        object_name: Set(entry.object_name.clone()),
        before: Set(json(&entry.before)),
        after: Set(json(&entry.after)),
        address: Set(entry.address.clone()),
        request_id: Set(entry.request_id.clone()),
    };
    audit_entry::Entity::insert(row).exec_without_returning(w).await?;
    Ok(())
}

/// Forgets tries to sign in that were refused before then, whatever else was, and asking for new passwords: anybody who reaches
/// the program can add such. What people did is kept.
pub async fn remove_refused_before(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    use audit_entry::Column::{Action, At};
    let refused = audit_entry::Entity::delete_many().filter(Action.is_in(ANYBODYS));
    Ok(refused.filter(At.lt(StoredTimestamp::from(before))).exec(w).await?.rows_affected)
}

/// Forgets what people did before then, where the configuration says for how long it is kept.
pub async fn remove_audit_entries_before(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    let old = audit_entry::Entity::delete_many().filter(audit_entry::Column::At.lt(StoredTimestamp::from(before)));
    Ok(old.exec(w).await?.rows_affected)
}

fn condition(filter: &AuditFilter) -> Condition {
    use audit_entry::Column::{AccountId, Action, At, ObjectName, Who};
    let mut of = Condition::all();
    if let Some(action) = filter.action {
        of = of.add(Action.eq(action));
    }
    if let Some(id) = filter.account_id {
        of = of.add(AccountId.eq(id));
    }
    if let Some(since) = filter.since {
        of = of.add(At.gte(StoredTimestamp::from(since)));
    }
    if let Some(until) = filter.until {
        of = of.add(At.lt(StoredTimestamp::from(until)));
    }
    if let Some(text) = &filter.text {
        let lower = |column| Expr::from(Func::lower(Expr::col(column)));
        of = of.add(is_like(lower(Who), contains(text)).or(is_like(lower(ObjectName), contains(text))));
    }
    of
}

fn view(row: audit_entry::Model) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.at.into(),
        action: row.action,
        account_id: row.account_id,
        who: row.who,
        via: row.via,
        via_id: row.via_id,
        object_kind: row.object_kind,
        object_id: row.object_id,
        object_name: row.object_name,
        before: row.before.map(|json| json.0),
        after: row.after.map(|json| json.0),
        address: row.address,
        request_id: row.request_id,
    }
}

/// What people did, the newest first.
pub async fn list_audit_entries(
    c: &impl ConnectionTrait,
    filter: &AuditFilter,
    page: PageQuery,
) -> Result<Listing<AuditEntry>> {
    use audit_entry::Column::{At, Id};
    let select = matching::<audit_entry::Entity>(condition(filter));
    let total = count(c, select.clone()).await?;
    let rows = select.order_by_desc(At).order_by_desc(Id).offset(page.skip).limit(Ord::min(page.limit, MAX_PAGE));
    Ok(Listing { data: rows.all(c).await?.into_iter().map(view).collect(), count: total })
}

/// So many of them at most, in the same order, that come after the one of this time and id. Whoever reads all of them goes on by
/// the last one, so that each page costs what the first does, and none is told twice because another was added meanwhile.
pub async fn list_audit_entries_after(
    c: &impl ConnectionTrait,
    filter: &AuditFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Vec<AuditEntry>> {
    use audit_entry::Column::{At, Id};
    let mut of = condition(filter);
    if let Some((at, id)) = after {
        let at = StoredTimestamp::from(at);
        // The first half alone says where the index is entered.
        of = of.add(At.lte(at)).add(Condition::any().add(At.lt(at)).add(Id.lt(id)));
    }
    let rows = matching::<audit_entry::Entity>(of).order_by_desc(At).order_by_desc(Id);
    let rows = rows.limit(Ord::min(limit, MAX_PAGE)).all(c).await?;
    Ok(rows.into_iter().map(view).collect())
}
