use auth::totp::{Secret, hash_recovery_code, recovery_codes};
use chrono::TimeDelta;
use entity::kind::{AuditAction, Via};
use entity::view::Timestamp;
use serde_json::json;
use store::accounts::{self as stored, Credentials, find_credentials};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::own::confirm;
use super::sign_in::{SignedIn, came_in};
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
pub(crate) fn purpose(id: Uuid) -> String {
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
    let found = confirm(ctx, actor, own.id, Some(password)).await?;
    if found.password_hash.is_some() {
        // A shorter password was enough beside the codes.
        usable_password(password, false, &[&own.email, own.full_name.as_deref().unwrap_or_default()])?;
    }
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

/// Somebody else's second factor goes, who lost the device and all that stands for it. All their sessions end.
///
/// # Errors
/// The refusal; the own one is removed with the own password.
pub async fn remove_second_factor_of(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    actor.administers()?;
    if actor.account().is_some_and(|own| own.id == id) {
        return Err(Refusal::Unusable(
            "remove your own second factor on your account's page, with your password".into(),
        ));
    }
    let txn = ctx.db.begin().await?;
    let found = find_credentials(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    if found.totp_since.is_none() {
        return Err(Refusal::Unusable(format!("{} has no second factor", found.email)));
    }
    stored::set_totp(&txn, id, None, None).await?;
    stored::replace_recovery_codes(&txn, id, &[]).await?;
    let ended = stored::delete_sessions(&txn, id, None).await?;
    // Where the admin asks from is nothing to tell others.
    let switched = Content::SecondFactor { is_on: false, at: ctx.now(), from: None };
    let mail = ctx.mail(&txn, actor, (id, &found.email), &switched).await?;
    let object = Object::new("account", id, found.email);
    let change = Change::to(json!({ "sessions": ended }));
    ctx.tell(&txn, actor, AuditAction::RemoveSecondFactor, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(())
}

/// After so many wrong codes in a row the password is asked for anew.
const CODES_AT_ONCE: i32 = 10;
/// How long the first such wait is; each is twice as long as the one before, up to an hour.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// Until when no code counts after the one that is the `number`th wrong one.
fn wait(number: i32, now: Timestamp) -> Option<Timestamp> {
    let doubled = u32::try_from(number / CODES_AT_ONCE).unwrap_or_default().saturating_sub(1).min(10);
    (number % CODES_AT_ONCE == 0).then(|| now + Ord::min(FIRST_WAIT * (1 << doubled), LONGEST_WAIT))
}

fn seconds_until(time: Timestamp, now: Timestamp) -> u32 {
    u32::try_from((time - now).num_seconds() + 1).unwrap_or(1)
}

/// Lets somebody in whose code was right.
async fn enter(ctx: &Actions, actor: &Actor, who: &Credentials, first: Via, by: &str) -> Result<()> {
    stored::forget_wrong_codes(&ctx.db.write, who.id).await?;
    match came_in(ctx, actor, who, first, by).await? {
        true => Ok(()),
        false => Err(Refusal::WrongCode),
    }
}

/// Checks the code of somebody who was known by `first` at that time: of the app, or one of those that stand for it. None works
/// twice. Wrong ones are counted for the account, whatever the door and the process: after ten in a row the password is asked
/// for anew, and only after a while. One that stands for the app is too long to be guessed and counts at any time, so that who
/// has the password and guesses locks nobody out.
///
/// # Errors
/// [`Refusal::WrongCode`]; [`Refusal::Later`] where the password is to be given anew, then.
pub async fn check_second_factor(
    ctx: &Actions,
    actor: &Actor,
    known: &SignedIn,
    since: Timestamp,
    first: Via,
    code: &str,
) -> Result<()> {
    let (w, account) = (&ctx.db.write, known.account);
    let found = find_credentials(w, account).await?.filter(|found| found.is_active);
    // The password that was right then has to be the one of now.
    let found = found.filter(|found| found.password_changed_at.map(Timestamp::from) == known.password_since);
    let found = found.filter(|_| !code.trim().is_empty()).ok_or(Refusal::WrongCode)?;
    if let Some(hash) = hash_recovery_code(code)
        && stored::take_recovery_code(w, account, &hash).await?
    {
        return enter(ctx, actor, &found, first, &format!("{first} and recovery code")).await;
    }
    let now = ctx.now();
    let after = found.codes_after.map(Timestamp::from);
    if let Some(after) = after.filter(|after| *after > since) {
        return Err(Refusal::Later(seconds_until(Ord::max(after, now), now)));
    }
    let next = wait(found.wrong_codes.saturating_add(1), now);
    // Counted before it is looked at: who sends a hundred at once has tried a hundred.
    if !stored::count_code(w, account, found.wrong_codes, next).await? {
        return Err(Refusal::Busy);
    }
    let secret = open(ctx, &found)?;
    let step = secret.and_then(|secret| secret.check(code, now.timestamp(), found.totp_step));
    if let Some(step) = step
        && stored::take_totp_step(w, account, step).await?
    {
        return enter(ctx, actor, &found, first, &format!("{first} and code")).await;
    }
    let object = Object::new("account", account, found.email.clone());
    let of = ["code", found.email.as_str()];
    ctx.tell_now_and_then(actor, AuditAction::SignInRefused, object, &of, Some("code")).await?;
    Err(next.map_or(Refusal::WrongCode, |after| Refusal::Later(seconds_until(after, now))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_every_ten_wrong_codes_up_to_an_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let minutes = |number| wait(number, now).map(|until| (until - now).num_minutes());
        assert_eq!([1, 9, 11, 25].map(minutes), [None; 4]);
        assert_eq!(
            [10, 20, 30, 60, 70, 80, 1_000, 2_000_000_000].map(minutes),
            [1, 2, 4, 32, 60, 60, 60, 60].map(Some)
        );
        assert_eq!(seconds_until(now, now), 1);
    }
}
