use auth::totp::{Secret, hash_recovery_code, recovery_codes};
use entity::kind::AuditAction;
use entity::view::Timestamp;
use serde_json::json;
use store::accounts::{self as stored, Credentials, find_credentials};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::own::confirm;
use super::sign_in::came_in;
use super::usable_password;
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// What an authenticator app is given.
#[derive(Clone, Debug)]
pub struct SecondFactorOffer {
    /// For typing.
    pub secret: String,
    /// For apps on the same device.
    pub url: String,
    /// A picture of the same, as SVG.
    pub picture: String,
}

/// What a secret is sealed for, so that one of another account opens nothing.
fn purpose(id: Uuid) -> String {
    format!("totp:{id}")
}

fn open(ctx: &Actions, of: &Credentials) -> Result<Option<Secret>> {
    let Some(sealed) = &of.totp_secret else { return Ok(None) };
    let opened = ctx.outside.keys.open(&purpose(of.id), sealed);
    let bytes = opened.map_err(|error| Refusal::Unusable(format!("the second factor can't be read: {error}")))?;
    Ok(Secret::from_bytes(&bytes))
}

/// Makes a secret for the own account, which counts once a code of it was given. The password is asked for again.
///
/// # Errors
/// The refusal.
pub async fn begin_second_factor(
    ctx: &Actions,
    actor: &Actor,
    password: &Zeroizing<String>,
) -> Result<SecondFactorOffer> {
    let own = actor.in_person()?;
    let found = confirm(ctx, actor, own.id, Some(password)).await?;
    if found.totp_since.is_some() {
        return Err(Refusal::Unusable("a second factor is set already; remove it first".to_owned()));
    }
    let secret = Secret::generate();
    let sealed = ctx.outside.keys.seal(&purpose(own.id), secret.as_bytes());
    if !stored::offer_totp(&ctx.db.write, own.id, sealed).await? {
        return Err(Refusal::Unusable("a second factor is set already; remove it first".to_owned()));
    }
    Ok(offer(&secret, &own.email))
}

fn offer(secret: &Secret, email: &str) -> SecondFactorOffer {
    SecondFactorOffer { secret: secret.base32(), url: secret.otpauth_url(email), picture: secret.qr_svg(email) }
}

/// What was begun and not yet confirmed, once more: a mistyped code needs no new picture.
///
/// # Errors
/// The refusal.
pub async fn pending_second_factor(ctx: &Actions, actor: &Actor) -> Result<Option<SecondFactorOffer>> {
    let own = actor.in_person()?;
    let found = find_credentials(&ctx.db.read, own.id).await?.filter(|found| found.totp_since.is_none());
    let Some(found) = found else { return Ok(None) };
    Ok(open(ctx, &found)?.map(|secret| offer(&secret, &own.email)))
}

/// Has a code asked for from now on; gives the codes that stand for it where the device is lost. Other sessions end.
///
/// # Errors
/// The refusal.
pub async fn confirm_second_factor(ctx: &Actions, actor: &Actor, code: &str) -> Result<Vec<Zeroizing<String>>> {
    let own = actor.in_person()?;
    let found = find_credentials(&ctx.db.read, own.id).await?.ok_or(Refusal::Missing("account"))?;
    let secret = open(ctx, &found)?.filter(|_| found.totp_since.is_none());
    let secret = secret.ok_or_else(|| Refusal::Unusable("begin with the picture for your app".to_owned()))?;
    let step = secret.check(code, ctx.now().timestamp(), found.totp_step).ok_or(Refusal::WrongCode)?;
    let codes = recovery_codes();
    let hashes: Vec<[u8; 32]> = codes.iter().map(|(_, hash)| *hash).collect();
    let txn = ctx.db.begin().await?;
    stored::set_totp(&txn, own.id, found.totp_secret, Some(ctx.now())).await?;
    stored::take_totp_step(&txn, own.id, step).await?;
    stored::replace_recovery_codes(&txn, own.id, &hashes).await?;
    stored::delete_sessions(&txn, own.id, actor.session_id()).await?;
    let switched = Content::SecondFactor { is_on: true, at: ctx.now(), from: Actions::from(actor) };
    let mail = ctx.mail(&txn, actor, (own.id, &own.email), &switched).await?;
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::SetSecondFactor, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(codes.into_iter().map(|(code, _)| code).collect())
}

/// No code is asked for any more. The password is asked for again.
///
/// # Errors
/// The refusal.
pub async fn remove_second_factor(ctx: &Actions, actor: &Actor, password: &Zeroizing<String>) -> Result<()> {
    let own = actor.in_person()?;
    confirm(ctx, actor, own.id, Some(password)).await?;
    // A shorter password was enough beside the codes.
    usable_password(password, false, &[&own.email, own.full_name.as_deref().unwrap_or_default()])?;
    let txn = ctx.db.begin().await?;
    stored::set_totp(&txn, own.id, None, None).await?;
    stored::delete_sessions(&txn, own.id, actor.session_id()).await?;
    stored::replace_recovery_codes(&txn, own.id, &[]).await?;
    let switched = Content::SecondFactor { is_on: false, at: ctx.now(), from: Actions::from(actor) };
    let mail = ctx.mail(&txn, actor, (own.id, &own.email), &switched).await?;
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::RemoveSecondFactor, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(())
}

/// Checks the code of somebody whose password was right at that time: of the app, or one of those that stand for it. None works twice.
///
/// # Errors
/// [`Refusal::WrongCode`].
pub async fn check_second_factor(
    ctx: &Actions,
    actor: &Actor,
    account: Uuid,
    since: Timestamp,
    code: &str,
) -> Result<()> {
    let found = find_credentials(&ctx.db.read, account).await?.filter(|found| found.is_active);
    // The password that was right then is not the one of now.
    let found = found.filter(|found| found.password_changed_at.is_none_or(|at| Timestamp::from(at) <= since));
    let found = found.ok_or(Refusal::WrongCode)?;
    let secret = open(ctx, &found)?;
    let step = secret.and_then(|secret| secret.check(code, ctx.now().timestamp(), found.totp_step));
    let by = match (step, hash_recovery_code(code)) {
        (Some(step), _) if stored::take_totp_step(&ctx.db.write, account, step).await? => "password and code",
        (None, Some(hash)) if stored::take_recovery_code(&ctx.db.write, account, &hash).await? => {
            "password and recovery code"
        }
        _ => {
            let change = Change::to(json!({ "by": "code" }));
            let object = Object::new("account", account, found.email.clone());
            ctx.tell(&ctx.db.write, actor, AuditAction::SignInRefused, object, change).await?;
            return Err(Refusal::WrongCode);
        }
    };
    came_in(ctx, actor, &found, by).await
}
