use auth::password::{Standing, Verified};
use auth::token::{family_of_refresh, hash_opaque, mint_refresh};
use entity::kind::{AuditAction, SessionKind, Via};
use serde_json::json;
use store::accounts::{
    Credentials, Holder, NewSession, StoredSession, delete_session, find_credentials_by_email, find_session,
    find_session_of_family, insert_session, record_sign_in, rotate_session, set_password,
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
    /// Whether a code is asked for before anything opens.
    pub needs_code: bool,
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
    if verified == Verified::RightButOld {
        let hash = ctx.outside.passwords.hash(password).await?;
        set_password(&ctx.db.write, found.id, &hash, ctx.now()).await?;
    }
    let needs_code = found.totp_since.is_some();
    if !needs_code {
        came_in(ctx, actor, &found, Via::Password, "password").await?;
    }
    Ok(SignedIn { account: found.id, needs_code })
}

/// Somebody tried; of what was given no more is told than could be an e-mail address.
async fn refused(ctx: &Actions, actor: &Actor, email: &str) -> Result<()> {
    // A password that somebody typed into the wrong field is kept nowhere.
    let name = super::email(email).unwrap_or_else(|_| "no e-mail address".to_owned());
    let object = Object::new("account", None, name.clone());
    ctx.tell_now_and_then(actor, AuditAction::SignInRefused, object, &["password", &name], None).await
}

/// Tells that somebody came in, and how.
pub(super) async fn came_in(ctx: &Actions, actor: &Actor, who: &Credentials, via: Via, by: &str) -> Result<()> {
    let txn = ctx.db.begin().await?;
    record_sign_in(&txn, who.id, ctx.now()).await?;
    let actor = actor.known(holder(&txn, who.id).await?, via);
    let object = Object::new("account", who.id, who.email.clone());
    ctx.tell(&txn, &actor, AuditAction::SignIn, object, Change::to(json!({ "by": by }))).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

/// Opens a session for a program that signed in with a password; gives its id and its first refresh token.
///
/// # Errors
/// The database's.
pub async fn start_api_session(
    ctx: &Actions,
    actor: &Actor,
    account: Uuid,
    user_agent: Option<String>,
    lasts: chrono::TimeDelta,
) -> Result<(Uuid, Holder, Zeroizing<String>)> {
    let (now, minted) = (ctx.now(), mint_refresh(None));
    let session = NewSession {
        id: new_id(now),
        token_hash: minted.hash,
        kind: SessionKind::Api,
        account_id: Some(account),
        data: "{}".to_owned(),
        created_at: now,
        expires_at: now + lasts,
        address: actor.address().map(|address| address.to_string()),
        user_agent,
        family_hash: Some(minted.family),
    };
    insert_session(&ctx.db.write, &session).await?;
    Ok((session.id, holder(&ctx.db.write, account).await?, minted.text))
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
