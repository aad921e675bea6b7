//! Mails that wait to be sent: written in the transaction of what they tell of, tried until they are sent or too old.

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};
use uuid::Uuid;

use crate::db::select::count;
use crate::db::{ConnectionTrait, Result};
use crate::repositories::shorten;
use entity::kind::MailKind;
use entity::table::mail;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// A mail that is to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// Its content is sealed for it.
    pub id: Uuid,
    pub kind: MailKind,
    pub account_id: Option<Uuid>,
    pub recipient: String,
    /// None where the content is made when it is sent.
    pub sealed: Option<Vec<u8>>,
}

/// A mail whose time has come.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "mail::Entity")]
pub struct DueMail {
    pub id: Uuid,
    pub kind: MailKind,
    pub account_id: Option<Uuid>,
    pub recipient: String,
    pub sealed: Option<Vec<u8>>,
    pub created_at: Timestamp,
    /// How often it was tried before.
    pub attempts: i32,
}

/// Has a mail sent.
pub async fn add_mail(w: &impl ConnectionTrait, new: NewMail, now: Timestamp) -> Result<()> {
    let row = mail::ActiveModel {
        id: Set(new.id),
        kind: Set(new.kind),
        account_id: Set(new.account_id),
        recipient: Set(new.recipient),
        sealed: Set(new.sealed),
        created_at: Set(now.into()),
        attempts: Set(0),
        next_try_at: Set(Some(now.into())),
        ended_at: Set(None),
        error: Set(None),
    };
    mail::Entity::insert(row).exec_without_returning(w).await?;
    Ok(())
}

/// Mails whose time has come, the oldest first.
pub async fn list_due_mails(c: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<DueMail>> {
    let due = mail::Entity::find().filter(mail::COLUMN.next_try_at.lte(StoredTimestamp::from(now)));
    Ok(due.order_by_asc(mail::Column::Id).limit(limit).into_partial_model().all(c).await?)
}

/// Takes a mail for a try; where that is lost with its process, the mail is due again at `again`. Of two that take it at once,
/// one gets true.
pub async fn take_mail(w: &impl ConnectionTrait, of: &DueMail, again: Timestamp) -> Result<bool> {
    let taken = mail::ActiveModel {
        attempts: Set(of.attempts.saturating_add(1)),
        next_try_at: Set(Some(again.into())),
        ..Default::default()
    };
    let as_read = mail::COLUMN.attempts.eq(of.attempts).and(mail::COLUMN.next_try_at.is_not_null());
    let update = mail::Entity::update_many().set(taken).filter(mail::COLUMN.id.eq(of.id)).filter(as_read);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Keeps what a mail says for its next tries.
pub async fn keep_content(w: &impl ConnectionTrait, id: Uuid, sealed: Vec<u8>) -> Result<()> {
    update(w, id, mail::ActiveModel { sealed: Set(Some(sealed)), ..Default::default() }).await
}

/// Notes why a try failed.
pub async fn note_failure(w: &impl ConnectionTrait, id: Uuid, error: &str) -> Result<()> {
    update(w, id, mail::ActiveModel { error: Set(Some(shorten(error))), ..Default::default() }).await
}

/// Forgets a mail that there is nobody to send to.
pub async fn remove_mail(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    mail::Entity::delete_by_id(id).exec(w).await?;
    Ok(())
}

/// Tries no more: it was sent, or `error` says why it can't be. What it said is forgotten.
pub async fn end_mail(w: &impl ConnectionTrait, id: Uuid, error: Option<&str>, now: Timestamp) -> Result<()> {
    let ended = mail::ActiveModel {
        sealed: Set(None),
        next_try_at: Set(None),
        ended_at: Set(Some(now.into())),
        error: Set(error.map(shorten)),
        ..Default::default()
    };
    update(w, id, ended).await
}

async fn update(w: &impl ConnectionTrait, id: Uuid, change: mail::ActiveModel) -> Result<()> {
    mail::Entity::update_many().set(change).filter(mail::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// When something is to be tried next.
pub async fn next_try(c: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
    let next = mail::Entity::find().filter(mail::COLUMN.next_try_at.is_not_null());
    let next = next.order_by_asc(mail::Column::NextTryAt).select_only().column(mail::Column::NextTryAt);
    let next: Option<StoredTimestamp> = next.limit(1).into_tuple().one(c).await?;
    Ok(next.map(Into::into))
}

/// Whether a link was asked for with this address since then, before this mail.
pub async fn was_asked_since(c: &impl ConnectionTrait, of: &DueMail, since: Timestamp) -> Result<bool> {
    let earlier = Condition::all()
        .add(mail::COLUMN.recipient.eq(of.recipient.as_str()))
        .add(mail::COLUMN.created_at.gte(StoredTimestamp::from(since)))
        .add(mail::Column::Kind.eq(of.kind))
        .add(mail::COLUMN.account_id.is_null())
        .add(mail::COLUMN.id.lt(of.id));
    Ok(count(c, mail::Entity::find().filter(earlier)).await? > 0)
}

/// Whether a link that somebody asked for with this address still waits to be sent.
pub async fn is_link_waiting(c: &impl ConnectionTrait, recipient: &str) -> Result<bool> {
    let waiting = Condition::all()
        .add(mail::COLUMN.recipient.eq(recipient))
        .add(mail::Column::Kind.eq(MailKind::Reset))
        .add(mail::COLUMN.account_id.is_null())
        .add(mail::COLUMN.next_try_at.is_not_null());
    Ok(count(c, mail::Entity::find().filter(waiting)).await? > 0)
}

/// Sends no links of an account any more that wait to be sent: they lead nowhere.
pub async fn drop_waiting_links(w: &impl ConnectionTrait, account_id: Uuid) -> Result<()> {
    let links = mail::Entity::delete_many()
        .filter(mail::COLUMN.account_id.eq(account_id))
        .filter(mail::Column::Kind.is_in([MailKind::Invite, MailKind::Reset, MailKind::Address]))
        .filter(mail::COLUMN.next_try_at.is_not_null());
    links.exec(w).await?;
    Ok(())
}

/// Sends no mails of an account any more that wait and tell of one thing. Those that were tried are kept without what they said:
/// the mail server may have one, or is just being given it, which [`count_written`] counts.
pub async fn drop_waiting(w: &impl ConnectionTrait, account_id: Uuid, kind: MailKind, now: Timestamp) -> Result<()> {
    let waiting = Condition::all()
        .add(mail::COLUMN.account_id.eq(account_id))
        .add(mail::Column::Kind.eq(kind))
        .add(mail::COLUMN.next_try_at.is_not_null());
    let untried = waiting.clone().add(mail::COLUMN.attempts.eq(0));
    mail::Entity::delete_many().filter(untried).exec(w).await?;
    let ended = mail::ActiveModel {
        sealed: Set(None),
        next_try_at: Set(None),
        ended_at: Set(Some(now.into())),
        ..Default::default()
    };
    mail::Entity::update_many().set(ended).filter(waiting).exec(w).await?;
    Ok(())
}

/// How many mails of one kind were written for an account since then, of those that are kept.
pub async fn count_written(
    c: &impl ConnectionTrait,
    account_id: Uuid,
    kind: MailKind,
    since: Timestamp,
) -> Result<u64> {
    let written = mail::Entity::find()
        .filter(mail::COLUMN.account_id.eq(account_id))
        .filter(mail::Column::Kind.eq(kind))
        .filter(mail::COLUMN.created_at.gte(StoredTimestamp::from(since)));
    count(c, written).await
}

/// Forgets mails that nothing more is tried with since then.
pub async fn remove_ended_before(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    let ended = mail::Entity::delete_many().filter(mail::COLUMN.ended_at.lt(StoredTimestamp::from(before)));
    Ok(ended.exec(w).await?.rows_affected)
}

/// How many wait, and how many could not be sent of those that are kept.
pub async fn count_unsent(c: &impl ConnectionTrait) -> Result<(u64, u64)> {
    let waiting = mail::Entity::find().filter(mail::COLUMN.next_try_at.is_not_null());
    let failed = mail::COLUMN.ended_at.is_not_null().and(mail::COLUMN.error.is_not_null());
    Ok((count(c, waiting).await?, count(c, mail::Entity::find().filter(failed)).await?))
}
