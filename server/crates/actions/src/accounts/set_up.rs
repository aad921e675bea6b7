use auth::token::{hash_opaque, mint_opaque};
use entity::kind::{AuditAction, LinkKind, Role, Via};
use entity::view::Account;
use serde_json::json;
use store::accounts::{
    NewAccount, StoredLink, add_link, find_account, find_credentials, insert_account, is_set_up, set_full_name,
    set_password, take_link,
};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sign_in::SignedIn;
use super::{email, end_ways_in, full_name, holder, taken, usable_password};
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// How long the first start's link works; the next start makes another one.
const SET_UP_WORKS: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Who is to have an account.
#[derive(Clone, Debug)]
pub struct Person {
    pub email: String,
    pub full_name: Option<String>,
    pub password: Zeroizing<String>,
}

/// A link for the first account, where there is none yet: what stands behind `/set-up/`. Whoever merely reaches the port
/// first has no such link.
///
/// # Errors
/// The database's.
pub async fn make_set_up_link(ctx: &Actions) -> Result<Option<Zeroizing<String>>> {
    let txn = ctx.db.begin().await?;
    if is_set_up(&txn).await? {
        return Ok(None);
    }
    let minted = mint_opaque();
    let link = StoredLink::of(LinkKind::SetUp, None);
    add_link(&txn, &minted.hash, link, ctx.now() + SET_UP_WORKS, ctx.now()).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(Some(minted.text))
}

/// What a link is for, and whose account, so that its page can say so; it goes on working.
///
/// # Errors
/// [`Refusal::DeadLink`].
pub async fn look_at_link(ctx: &Actions, link: &str) -> Result<(StoredLink, Option<Account>)> {
    let hash = hash_opaque(link).ok_or(Refusal::DeadLink)?;
    let found = store::accounts::find_link(&ctx.db.read, &hash, ctx.now()).await?.ok_or(Refusal::DeadLink)?;
    let account = match found.account_id {
        Some(id) => Some(find_account(&ctx.db.read, id).await?.ok_or(Refusal::DeadLink)?),
        None => None,
    };
    Ok((found, account))
}

/// Makes the first account, of somebody who may do everything, by the link that the first start showed.
///
/// # Errors
/// The refusal; the link works on where the fault is in what was given.
pub async fn set_up(ctx: &Actions, actor: &Actor, link: &str, person: Person) -> Result<SignedIn> {
    // Whoever has no link costs no work.
    let hash = hash_opaque(link).ok_or(Refusal::DeadLink)?;
    let found = store::accounts::find_link(&ctx.db.read, &hash, ctx.now()).await?;
    if found.is_none_or(|link| link.kind != LinkKind::SetUp) {
        return Err(Refusal::DeadLink);
    }
    let new = admin_of(ctx, &person).await?;
    let txn = ctx.db.begin().await?;
    let taken_link = take_link(&txn, &hash, ctx.now()).await?;
    if taken_link.is_none_or(|link| link.kind != LinkKind::SetUp) || is_set_up(&txn).await? {
        return Err(Refusal::DeadLink);
    }
    let id = insert_account(&txn, &new, ctx.now()).await.map_err(|error| taken(error, &new.email))?;
    let actor = actor.known(holder(&txn, id).await?, Via::Link);
    ctx.tell(&txn, &actor, AuditAction::SetUp, Object::new("account", id, new.email), Change::NONE).await?;
    let made = find_credentials(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(SignedIn::of(&made))
}

/// Makes the account that the environment names, where there is no account yet.
///
/// # Errors
/// The refusal.
pub async fn ensure_superuser(ctx: &Actions, person: Person) -> Result<Option<Uuid>> {
    if is_set_up(&ctx.db.read).await? {
        return Ok(None);
    }
    let new = admin_of(ctx, &person).await?;
    let txn = ctx.db.begin().await?;
    if is_set_up(&txn).await? {
        return Ok(None);
    }
    let id = insert_account(&txn, &new, ctx.now()).await;
    let id = match id {
        Ok(id) => id,
        // Another process was first.
        Err(error) if error.is_taken() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let object = Object::new("account", id, new.email);
    ctx.tell(&txn, &Actor::command(), AuditAction::SetUp, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(Some(id))
}

async fn admin_of(ctx: &Actions, person: &Person) -> Result<NewAccount> {
    let email = email(&person.email)?;
    let full_name = full_name(person.full_name.as_deref())?;
    usable_password(&person.password, false, &[&email, full_name.as_deref().unwrap_or_default()])?;
    let password_hash = Some(ctx.outside.passwords.hash(&person.password).await?);
    Ok(NewAccount { email, full_name, role: Role::Admin.as_str().to_owned(), password_hash })
}

/// Whether a link lets somebody choose a password: one that shows whose an address is does not.
fn opens_account(link: &StoredLink) -> bool {
    matches!(link.kind, LinkKind::Invite | LinkKind::Reset)
}

/// Sets a password by a link that works once: an invitation or one for a new password. All sessions end, no token works any
/// more, and nobody comes in by who they are elsewhere: whoever needs a new password may no longer be the only one who had the
/// old.
///
/// # Errors
/// The refusal; the link works on where the password is refused.
pub async fn take_account(
    ctx: &Actions,
    actor: &Actor,
    link: &str,
    name: Option<&str>,
    password: &Zeroizing<String>,
) -> Result<Uuid> {
    let hash = hash_opaque(link).ok_or(Refusal::DeadLink)?;
    let found = store::accounts::find_link(&ctx.db.read, &hash, ctx.now()).await?.filter(opens_account);
    let id = found.and_then(|link| link.account_id).ok_or(Refusal::DeadLink)?;
    let account = find_account(&ctx.db.read, id).await?.ok_or(Refusal::DeadLink)?;
    let name = full_name(name)?.or(account.full_name);
    let about = [account.email.as_str(), name.as_deref().unwrap_or_default()];
    usable_password(password, account.has_second_factor, &about)?;
    let stored = ctx.outside.passwords.hash(password).await?;
    let txn = ctx.db.begin().await?;
    let link = take_link(&txn, &hash, ctx.now()).await?.filter(opens_account).ok_or(Refusal::DeadLink)?;
    set_password(&txn, id, &stored, ctx.now()).await?;
    set_full_name(&txn, id, name.as_deref()).await?;
    // Nor does any other link that lies in a mailbox still open it.
    let ended = end_ways_in(&txn, id).await?;
    let actor = actor.known(holder(&txn, id).await?, Via::Link);
    // Whoever takes their account for the first time has nothing to be told.
    let mail = match account.has_password || !ended.identities.is_empty() {
        true => {
            let changed = Content::PasswordChanged { at: ctx.now(), from: Actions::from(&actor), is_reset: true };
            ctx.mail(&txn, &actor, (id, &account.email), &changed).await?
        }
        false => None,
    };
    let object = Object::new("account", id, account.email);
    let change = Change::to(json!({ "link": link.kind, "tokens": ended.tokens, "identities": ended.identities }));
    ctx.tell(&txn, &actor, AuditAction::TakeAccount, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(id)
}
