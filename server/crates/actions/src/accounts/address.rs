//! A new e-mail address of the own account. Where mails are sent it counts once its person opened the link that went there: a
//! password is reset by what goes to it, so that a mistyped one would hand the account to a stranger.

use auth::token::{hash_opaque, mint_opaque};
use chrono::TimeDelta;
use entity::kind::{AuditAction, LinkKind, MailKind};
use entity::view::Timestamp;
use serde_json::json;
use store::accounts::{self as stored, Holder, StoredLink};
use store::db::{ConnectionTrait, DataError, Transaction};
use store::mail::{count_written, drop_waiting};
use uuid::Uuid;

use super::{LINK_WORKS, end_links, taken};
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// So many links are mailed for an account within an hour: they go to whatever address is given.
const MOST_LINKS: u64 = 5;

/// Has a link sent to the address that the account is to have; one that was sent before works no more. Whether somebody else has
/// the address is not looked at here, so that nobody learns it who can't read what goes there.
pub(super) async fn ask_for(
    ctx: &Actions,
    actor: &Actor,
    txn: &Transaction,
    own: &Holder,
    address: &str,
) -> Result<Option<Uuid>> {
    let now = ctx.now();
    if count_written(txn, own.id, MailKind::Address, now - TimeDelta::hours(1)).await? >= MOST_LINKS {
        return Err(Refusal::Later(3_600));
    }
    take_back(txn, own.id, now).await?;
    let (minted, until) = (mint_opaque(), now + LINK_WORKS);
    let link = StoredLink { email: Some(address.to_owned()), ..StoredLink::of(LinkKind::Address, Some(own.id)) };
    stored::add_link(txn, &minted.hash, link, until, now).await?;
    let content = Content::Address { link: minted.text.to_string(), until };
    let mail = ctx.mail(txn, actor, (own.id, address), &content).await?;
    let object = Object::new("account", own.id, own.email.clone());
    let change = Change::between(json!({ "email": own.email }), json!({ "email": address }));
    ctx.tell(txn, actor, AuditAction::AskAddressChange, object, change).await?;
    Ok(mail)
}

/// Gives the account its new address at once. The old one learns of it, in case the change was not its owner's; links on their way
/// there open nothing any more.
pub(super) async fn set(
    ctx: &Actions,
    actor: &Actor,
    txn: &Transaction,
    own: &Holder,
    address: &str,
) -> Result<Option<Uuid>> {
    stored::set_email(txn, own.id, address).await.map_err(|error| taken(error, address))?;
    end_links(txn, own.id).await?;
    let changed = Content::AddressChanged { to: address.to_owned(), at: ctx.now() };
    ctx.mail(txn, actor, (own.id, &own.email), &changed).await
}

/// The link works no more, and is not sent where it still waits for that; whether there was one.
async fn take_back(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<bool> {
    drop_waiting(w, id, MailKind::Address, now).await?;
    Ok(stored::remove_links_for(w, id, LinkKind::Address).await?)
}

/// Gives the account that asks the address that its link was mailed to. Whoever merely has the link is not its person: it may
/// have gone to a stranger.
///
/// # Errors
/// The refusal; the link works on where somebody else opened it.
pub async fn confirm_address(ctx: &Actions, actor: &Actor, link: &str) -> Result<String> {
    let own = actor.in_person()?;
    let hash = hash_opaque(link).ok_or(Refusal::DeadLink)?;
    let txn = ctx.db.begin().await?;
    let found = stored::take_link(&txn, &hash, ctx.now()).await?;
    let is_own = |link: &StoredLink| link.kind == LinkKind::Address && link.account_id == Some(own.id);
    let address = found.filter(is_own).and_then(|link| link.email).ok_or(Refusal::DeadLink)?;
    let mail = set(ctx, actor, &txn, own, &address).await?;
    let change =
        Change::between(json!({ "email": own.email }), json!({ "email": address, "by": "the link mailed there" }));
    ctx.tell(&txn, actor, AuditAction::ChangeAccount, Object::new("account", own.id, address.clone()), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(address)
}

/// Leaves the own address as it is: the link that was mailed works no more.
///
/// # Errors
/// The refusal.
pub async fn cancel_address(ctx: &Actions, actor: &Actor) -> Result<()> {
    let own = actor.in_person()?;
    let txn = ctx.db.begin().await?;
    let waiting = stored::find_waiting_address(&txn, own.id, ctx.now()).await?;
    if !take_back(&txn, own.id, ctx.now()).await? {
        return Err(Refusal::Unusable("no new e-mail address waits for its confirmation".to_owned()));
    }
    let change = Change { before: Some(json!({ "email": waiting.map(|waiting| waiting.email) })), after: None };
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::CancelAddressChange, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
