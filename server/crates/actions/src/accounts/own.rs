use auth::password::{Standing, Verified};
use entity::kind::AuditAction;
use serde_json::json;
use store::accounts::{self as stored, find_credentials};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{address, changed_meanwhile, email, end_links, full_name, usable_password};
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// Changes what the account that asks is called. Another e-mail address is given with the password alone; where mails are sent it
/// counts once the link is opened that goes there, and the address that waits for that is given back.
///
/// # Errors
/// The refusal.
pub async fn change_profile(
    ctx: &Actions,
    actor: &Actor,
    new_email: &str,
    name: Option<&str>,
    password: Option<&Zeroizing<String>>,
) -> Result<Option<String>> {
    let own = actor.in_person()?;
    let (new_email, name) = (email(new_email)?, full_name(name)?);
    let is_new = new_email != own.email;
    let (is_set, waits) = (is_new && !ctx.sends_mail(), is_new && ctx.sends_mail());
    let known = match is_new {
        true => Some(confirm(ctx, actor, own.id, password).await?),
        false => None,
    };
    let txn = ctx.db.begin().await?;
    if let Some(known) = known
        && !stored::hold_account(&txn, own.id, known.password_changed_at.map(Into::into)).await?
    {
        return Err(changed_meanwhile());
    }
    stored::set_full_name(&txn, own.id, name.as_deref()).await?;
    let mail = match (is_set, waits) {
        (true, _) => address::set(ctx, actor, &txn, own, &new_email).await?,
        (_, true) => address::ask_for(ctx, actor, &txn, own, &new_email).await?,
        (false, false) => None,
    };
    if !waits || name != own.full_name {
        let email = if is_set { &new_email } else { &own.email };
        let before = json!({ "email": own.email, "full_name": own.full_name });
        let after = json!({ "email": email, "full_name": name });
        let object = Object::new("account", own.id, email.clone());
        ctx.tell(&txn, actor, AuditAction::ChangeAccount, object, Change::between(before, after)).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(waits.then_some(new_email))
}

/// Whoever sits at an open session proves again who they are. A session is what is asked for; a token is no person.
pub(super) async fn confirm(
    ctx: &Actions,
    actor: &Actor,
    id: Uuid,
    password: Option<&Zeroizing<String>>,
) -> Result<stored::Credentials> {
    (ctx.outside.tries)(actor.address(), &id.to_string()).map_err(Refusal::Later)?;
    let found = find_credentials(&ctx.db.read, id).await?.ok_or(Refusal::Missing("account"))?;
    if found.password_hash.is_none() {
        return signed_in_just_now(ctx, actor, id).await.map(|()| found);
    }
    let given = password.map_or("", |password| password.as_str());
    match ctx.outside.passwords.verify(given, found.password_hash.as_deref(), Standing::Known).await? {
        Verified::Wrong => {
            let change = Change::to(json!({ "by": "password, to confirm" }));
            let object = Object::new("account", id, found.email);
            ctx.tell(&ctx.db.write, actor, AuditAction::SignInRefused, object, change).await?;
            Err(Refusal::Unusable("this is not your password".to_owned()))
        }
        Verified::Right | Verified::RightButOld => Ok(found),
    }
}

/// Whoever has no password proves who they are by having signed in just now.
async fn signed_in_just_now(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    const JUST_NOW: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
    let sessions = stored::list_sessions(&ctx.db.read, id, ctx.now()).await?;
    let own = sessions.iter().find(|session| actor.session_id() == Some(session.id));
    match own.is_some_and(|own| ctx.now() - own.created_at < JUST_NOW) {
        true => Ok(()),
        false => Err(Refusal::Unusable("sign out and in again, then do this within ten minutes".to_owned())),
    }
}

/// Changes the own password; all other sessions end.
///
/// # Errors
/// The refusal.
pub async fn change_password(
    ctx: &Actions,
    actor: &Actor,
    current: &Zeroizing<String>,
    new: &Zeroizing<String>,
) -> Result<()> {
    let own = actor.in_person()?;
    let found = confirm(ctx, actor, own.id, Some(current)).await?;
    usable_password(new, found.totp_since.is_some(), &[&own.email, own.full_name.as_deref().unwrap_or_default()])?;
    let hash = ctx.outside.passwords.hash(new).await?;
    let txn = ctx.db.begin().await?;
    stored::set_password(&txn, own.id, &hash, ctx.now()).await?;
    end_links(&txn, own.id).await?;
    stored::delete_sessions(&txn, own.id, actor.session_id()).await?;
    let changed = Content::PasswordChanged { at: ctx.now(), from: Actions::from(actor), is_reset: false };
    let mail = ctx.mail(&txn, actor, (own.id, &own.email), &changed).await?;
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::ChangePassword, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(())
}

/// Ends the session that somebody came with.
///
/// # Errors
/// The database's.
pub async fn sign_out(ctx: &Actions, actor: &Actor) -> Result<()> {
    let Some(own) = actor.account() else { return Ok(()) };
    let Some(session) = actor.session_id() else { return Ok(()) };
    let txn = ctx.db.begin().await?;
    stored::delete_session(&txn, own.id, session).await?;
    let object = Object::new("session", session, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::SignOut, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

/// Ends one of the own sessions.
///
/// # Errors
/// The refusal.
pub async fn end_session(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    let own = actor.in_person()?;
    let txn = ctx.db.begin().await?;
    if !stored::delete_session(&txn, own.id, id).await? {
        return Err(Refusal::Missing("session"));
    }
    let object = Object::new("session", id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::EndSession, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

/// Ends all own sessions but the one that asks.
///
/// # Errors
/// The refusal.
pub async fn end_other_sessions(ctx: &Actions, actor: &Actor) -> Result<u64> {
    let own = actor.in_person()?;
    let txn = ctx.db.begin().await?;
    let ended = stored::delete_sessions(&txn, own.id, actor.session_id()).await?;
    let object = Object::new("session", None, format!("{ended} sessions"));
    ctx.tell(&txn, actor, AuditAction::EndSession, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(ended)
}
