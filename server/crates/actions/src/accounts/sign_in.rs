use auth::password::{Standing, Verified};
use auth::token::{family_of_refresh, hash_opaque, mint_refresh};
use entity::kind::{AuditAction, SessionKind, Via};
use entity::view::Timestamp;
use serde_json::json;
use store::accounts::{
    Credentials, Holder, NewSession, StoredSession, delete_session, find_credentials_by_email, find_session,
    find_session_of_family, hold_account, insert_session, record_sign_in, replace_password_hash, rotate_session,
};
use store::db::{DataError, new_id};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::holder;
use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// A program signs in anew after so long, however often it refreshed.
const REFRESHED_FOR: chrono::TimeDelta = chrono::TimeDelta::days(90);

/// Who came in by their password, or by somebody else's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub account: Uuid,
    /// When the password was set that counted then; none where there was none. Nothing opens once it is another: whoever resets
    /// it ends all that the old one opened, and what is still on its way must not come after that.
    pub password_since: Option<Timestamp>,
    /// Whether a code is asked for before anything opens.
    pub needs_code: bool,
}

impl SignedIn {
    pub(super) fn of(who: &Credentials) -> Self {
        let password_since = who.password_changed_at.map(Into::into);
        Self { account: who.id, password_since, needs_code: who.totp_since.is_some() }
    }
}

/// Checks an e-mail address and a password. What is wrong is not told, nor does the time tell it.
///
/// # Errors
/// [`Refusal::WrongPassword`], also for accounts that are not there or are switched off.
pub async fn sign_in(ctx: &Actions, actor: &Actor, email: &str, password: &Zeroizing<String>) -> Result<SignedIn> {
    let email = email.trim().to_lowercase();
    let found = find_credentials_by_email(&ctx.db.read, &email).await?.filter(|found| found.is_active);
    let stored = found.as_ref().and_then(|found| found.password_hash.as_deref());
    let known = actor.address().is_some_and(|address| (ctx.outside.knows)(address, &email));
    let standing = if known { Standing::Known } else { Standing::New };
    let _line = match standing {
        Standing::Known => None,
        Standing::New => Some(ctx.outside.passwords.line_up(&email).await?),
    };
    let verified = ctx.outside.passwords.verify(password, stored, standing).await?;
    let Some(found) = found.filter(|_| verified != Verified::Wrong) else {
        refused(ctx, actor, &email).await?;
        return Err(Refusal::WrongPassword);
    };
    if verified == Verified::RightButOld
        && let Some(old) = &found.password_hash
    {
        let hash = ctx.outside.passwords.hash(password).await?;
        replace_password_hash(&ctx.db.write, found.id, old, &hash).await?;
    }
    let signed_in = SignedIn::of(&found);
    if !signed_in.needs_code && !came_in(ctx, actor, &found, Via::Password, "password").await? {
        refused(ctx, actor, &email).await?;
        return Err(Refusal::WrongPassword);
    }
    Ok(signed_in)
}

/// Somebody tried; of what was given no more is told than could be an e-mail address.
async fn refused(ctx: &Actions, actor: &Actor, email: &str) -> Result<()> {
    // A password that somebody typed into the wrong field is kept nowhere.
    let name = super::email(email).unwrap_or_else(|_| "no e-mail address".to_owned());
    let object = Object::new("account", None, name.clone());
    ctx.tell_now_and_then(actor, AuditAction::SignInRefused, object, &["password", &name], None).await
}

/// Tells that somebody came in, and how; false where their password is another since they were looked at.
pub(super) async fn came_in(ctx: &Actions, actor: &Actor, who: &Credentials, via: Via, by: &str) -> Result<bool> {
    let txn = ctx.db.begin().await?;
    if !hold_account(&txn, who.id, who.password_changed_at.map(Into::into)).await? {
        return Ok(false);
    }
    record_sign_in(&txn, who.id, ctx.now()).await?;
    let actor = actor.known(holder(&txn, who.id).await?, via);
    let object = Object::new("account", who.id, who.email.clone());
    ctx.tell(&txn, &actor, AuditAction::SignIn, object, Change::to(json!({ "by": by }))).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(true)
}

/// Opens a session for a program that signed in; gives its id and its first refresh token.
///
/// # Errors
/// [`Refusal::WrongPassword`] where the password is another since.
pub async fn start_api_session(
    ctx: &Actions,
    actor: &Actor,
    who: &SignedIn,
    user_agent: Option<String>,
    lasts: chrono::TimeDelta,
) -> Result<(Uuid, Holder, Zeroizing<String>)> {
    let (now, minted) = (ctx.now(), mint_refresh(None));
    let session = NewSession {
        id: new_id(now),
        token_hash: minted.hash,
        kind: SessionKind::Api,
        account_id: Some(who.account),
        data: "{}".to_owned(),
        created_at: now,
        expires_at: now + lasts,
        address: actor.address().map(|address| address.to_string()),
        user_agent,
        family_hash: Some(minted.family),
    };
    let txn = ctx.db.begin().await?;
    if !hold_account(&txn, who.account, who.password_since).await? {
        return Err(Refusal::WrongPassword);
    }
    insert_session(&txn, &session).await?;
    let holder = holder(&txn, who.account).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok((session.id, holder, minted.text))
}

/// Gives a program's session its next refresh token; the one before works no more. One that was used before ends the session:
/// somebody else has a copy, and nobody can say who of the two is right.
///
/// # Errors
/// [`Refusal::DeadLink`] where it does not work.
pub async fn refresh(
    ctx: &Actions,
    actor: &Actor,
    token: &str,
    lasts: chrono::TimeDelta,
) -> Result<(Uuid, Holder, Zeroizing<String>)> {
    let hash = hash_opaque(token).ok_or(Refusal::DeadLink)?;
    let now = ctx.now();
    let Some(found) = find_session(&ctx.db.write, &hash).await? else {
        end_copied(ctx, actor, token).await?;
        return Err(Refusal::DeadLink);
    };
    let StoredSession { id, holder: Some(holder), created_at, expires_at, .. } = found else {
        return Err(Refusal::DeadLink);
    };
    if expires_at <= now {
        return Err(Refusal::DeadLink);
    }
    let ends = Ord::min(now + lasts, created_at + REFRESHED_FOR);
    let minted = mint_refresh(Some(token));
    if !rotate_session(&ctx.db.write, &hash, (&minted.hash, &minted.family), ends, now).await? {
        // Another was quicker with the same token.
        end_copied(ctx, actor, token).await?;
        return Err(Refusal::DeadLink);
    }
    Ok((id, holder, minted.text))
}

/// Ends the session that a token was of once, and tells so.
async fn end_copied(ctx: &Actions, actor: &Actor, token: &str) -> Result<()> {
    let Some(family) = family_of_refresh(token) else { return Ok(()) };
    let txn = ctx.db.begin().await?;
    let Some(StoredSession { id, holder: Some(holder), .. }) = find_session_of_family(&txn, &family).await? else {
        return Ok(());
    };
    delete_session(&txn, holder.id, id).await?;
    let object = Object::new("session", id, holder.email.clone());
    let change = Change::to(json!({ "by": "a refresh token that was used before" }));
    ctx.tell(&txn, actor, AuditAction::EndSession, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
