//! Who is known by somebody else's word: GitHub's, or an issuer's of OpenID Connect. An account is tied to issuer and subject,
//! never to an e-mail address alone: addresses change hands.

use auth::Identity;
use chrono::TimeDelta;
use entity::kind::{AuditAction, LinkKind, Permission, Role, Via};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::accounts::{self as stored, Credentials, NewAccount, find_account, find_credentials};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::admin::{admin_is_left, known_role};
use super::own::confirm;
use super::sealed::{keep_sealed, open_sealed};
use super::sign_in::{SignedIn, came_in};
use super::{changed_meanwhile, email, end_links, full_name, holder};
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// Who of a provider's people is let in, and as what.
#[derive(Clone, Debug)]
pub struct Admission {
    /// What the provider is called.
    pub provider: String,
    /// Whether somebody without an account gets one.
    pub sign_up: bool,
    /// Whether its addresses count as verified, whatever it says of them: some verify each and say so of none.
    pub trusts_email: bool,
    /// What they may do there whose groups say nothing.
    pub role: Option<String>,
    /// Groups and their roles; the first that somebody is in counts.
    pub roles: Vec<(String, String)>,
}

impl Admission {
    /// The role that somebody's groups give; none where the provider gives none to anybody.
    fn role(&self, groups: &[String]) -> Result<Option<&str>> {
        if self.roles.is_empty() {
            return Ok(None);
        }
        let of_group = self.roles.iter().find(|(group, _)| groups.contains(group)).map(|(_, role)| role);
        let role = of_group.or(self.role.as_ref()).map(String::as_str);
        let none = || Refusal::Unusable(format!("none of your groups at {} may come in here", self.provider));
        role.ok_or_else(none).map(Some)
    }
}

/// Lets in whom an issuer vouches for. Nothing where an account has the person's address that is not tied to the issuer: its
/// person has to agree first.
///
/// # Errors
/// The refusal.
pub async fn sign_in_elsewhere(
    ctx: &Actions,
    actor: &Actor,
    who: &Identity,
    admission: &Admission,
) -> Result<Option<SignedIn>> {
    let role = admission.role(&who.groups)?;
    let Some(found) = stored::find_by_identity(&ctx.db.read, &who.issuer, &who.subject).await? else {
        return sign_up(ctx, actor, who, admission, role).await;
    };
    if !found.is_active {
        return Err(Refusal::Unusable("your account is switched off; an admin can switch it on".to_owned()));
    }
    enter(ctx, actor, &found, admission, role).await.map(Some)
}

/// Lets somebody in, with the role that their groups give.
async fn enter(
    ctx: &Actions,
    actor: &Actor,
    who: &Credentials,
    admission: &Admission,
    role: Option<&str>,
) -> Result<SignedIn> {
    if let Some(role) = role.filter(|role| *role != who.role) {
        give_role(ctx, actor, who.id, role).await?;
    }
    let known = SignedIn::of(who);
    if !known.needs_code && !came_in(ctx, actor, who, Via::Provider, &admission.provider).await? {
        return Err(changed_meanwhile());
    }
    Ok(known)
}

/// What the provider says somebody may do holds from now on; but the last who may administer stays that.
async fn give_role(ctx: &Actions, actor: &Actor, id: Uuid, role: &str) -> Result<()> {
    let txn = ctx.db.begin_about_accounts().await?;
    known_role(&txn, role).await?;
    let before = find_account(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    let administers = stored::permissions_of(&txn, role).await?.has(Permission::Admin);
    if !administers {
        match admin_is_left(&txn, &before).await {
            Err(Refusal::Unusable(why)) => {
                tracing::warn!(account = %id, role, why, "an account keeps its role, whatever its groups say");
                return Ok(());
            }
            left => left?,
        }
    }
    stored::set_role(&txn, id, role).await?;
    let actor = actor.known(holder(&txn, id).await?, Via::Provider);
    let change = Change::between(json!({ "role": before.role }), json!({ "role": role }));
    ctx.tell(&txn, &actor, AuditAction::ChangeAccount, Object::new("account", id, before.email), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

async fn sign_up(
    ctx: &Actions,
    actor: &Actor,
    who: &Identity,
    admission: &Admission,
    role: Option<&str>,
) -> Result<Option<SignedIn>> {
    let provider = &admission.provider;
    let is_verified = who.email_verified || admission.trusts_email;
    let told = who.email.as_deref().filter(|_| is_verified).and_then(|told| email(told).ok());
    if let Some(address) = &told
        && stored::find_credentials_by_email(&ctx.db.read, address).await?.is_some()
    {
        return Ok(None);
    }
    if !admission.sign_up || !stored::is_set_up(&ctx.db.read).await? {
        return Err(Refusal::Unusable(format!(
            "nobody here is known by this account of {provider}; ask an admin to invite you, or sign in with your \
             password and connect {provider} on the page of your account"
        )));
    }
    let Some(email) = told else {
        return Err(Refusal::Unusable(format!("{provider} knows no verified e-mail address of yours; add one there")));
    };
    let new = NewAccount {
        email,
        full_name: full_name(who.name.as_deref()).unwrap_or(None),
        role: role.or(admission.role.as_deref()).unwrap_or(Role::Viewer.as_str()).to_owned(),
        password_hash: None,
    };
    // The role is there as long as this takes.
    let txn = ctx.db.begin_about_accounts().await?;
    known_role(&txn, &new.role).await?;
    let id = match stored::insert_account(&txn, &new, ctx.now()).await {
        Ok(id) => id,
        Err(error) if error.is_taken() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    tie(&txn, ctx, id, &KeptIdentity::of(who, provider)).await?;
    let actor = actor.known(holder(&txn, id).await?, Via::Provider);
    let change = Change::to(json!({ "role": new.role, "by": provider }));
    ctx.tell(&txn, &actor, AuditAction::CreateAccount, Object::new("account", id, new.email), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    let made = find_credentials(&ctx.db.read, id).await?.ok_or(Refusal::Missing("account"))?;
    enter(ctx, &actor, &made, admission, None).await.map(Some)
}

/// Takes an account by an invitation, without a password: its person comes in by the provider from now on.
///
/// # Errors
/// The refusal; the link works on where the identity is another account's.
pub async fn take_account_elsewhere(
    ctx: &Actions,
    actor: &Actor,
    link: &str,
    who: &Identity,
    admission: &Admission,
) -> Result<SignedIn> {
    let role = admission.role(&who.groups)?;
    let hash = auth::token::hash_opaque(link).ok_or(Refusal::DeadLink)?;
    let txn = ctx.db.begin().await?;
    let taken = stored::take_link(&txn, &hash, ctx.now()).await?.filter(|link| link.kind == LinkKind::Invite);
    let id = taken.and_then(|link| link.account_id).ok_or(Refusal::DeadLink)?;
    end_links(&txn, id).await?;
    let is_known_elsewhere = !stored::list_identities(&txn, id).await?.is_empty();
    let tied = KeptIdentity::of(who, &admission.provider);
    tie(&txn, ctx, id, &tied).await?;
    let found = find_credentials(&txn, id).await?.filter(|found| found.is_active).ok_or(Refusal::DeadLink)?;
    let actor = actor.known(holder(&txn, id).await?, Via::Link);
    let change = Change::to(json!({ "link": LinkKind::Invite, "by": admission.provider }));
    let object = Object::new("account", id, found.email.clone());
    ctx.tell(&txn, &actor, AuditAction::TakeAccount, object, change).await?;
    // Whoever takes their account for the first time has nothing to be told.
    let mail = match is_known_elsewhere {
        true => {
            let connected = connection(ctx, &actor, true, &tied.issuer, tied.who());
            ctx.mail(&txn, &actor, (id, &found.email), &connected).await?
        }
        false => None,
    };
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    enter(ctx, &actor, &found, admission, role).await
}

/// What an account is told of who lets somebody in, or no more. The issuer's address says which site it is, as on the account's
/// page.
fn connection(ctx: &Actions, actor: &Actor, is_on: bool, issuer: &str, who: &str) -> Content {
    let site = issuer.split_once("://").map_or(issuer, |(_, site)| site).to_owned();
    Content::Connection { is_on, site, who: who.to_owned(), at: ctx.now(), from: Actions::from(actor) }
}

async fn tie(w: &impl store::db::ConnectionTrait, ctx: &Actions, account: Uuid, who: &KeptIdentity) -> Result<()> {
    let KeptIdentity { issuer, subject, email, provider, .. } = who;
    let tied = stored::link_identity(w, account, issuer, subject, email.as_deref(), ctx.now()).await;
    tied.map_err(|error| match error.is_taken() {
        true => Refusal::Unusable(format!("this account of {provider} is connected to an account here already")),
        false => error.into(),
    })
}

/// Who somebody is elsewhere, while they are asked whether they want to come in by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptIdentity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub name: Option<String>,
    /// What the provider is called.
    pub provider: String,
}

impl KeptIdentity {
    fn of(who: &Identity, provider: &str) -> Self {
        Self {
            issuer: who.issuer.clone(),
            subject: who.subject.clone(),
            email: who.email.clone(),
            name: who.name.clone(),
            provider: provider.to_owned(),
        }
    }

    /// As people know them there.
    fn who(&self) -> &str {
        self.email.as_ref().unwrap_or(&self.subject)
    }
}

const KEPT: &str = "identity-to-connect";

/// Seals who somebody is elsewhere for their browser, until they agreed.
#[must_use]
pub fn keep_identity(ctx: &Actions, who: &Identity, provider: &str) -> Option<String> {
    keep_sealed(ctx, KEPT, &KeptIdentity::of(who, provider), TimeDelta::minutes(10))
}

/// Who the browser's person is elsewhere.
#[must_use]
pub fn kept_identity(ctx: &Actions, sealed: &str) -> Option<KeptIdentity> {
    open_sealed(ctx, KEPT, sealed)
}

/// Ties the own account to who its person is elsewhere: they see it and agree, with their password.
///
/// # Errors
/// The refusal.
pub async fn link_identity(
    ctx: &Actions,
    actor: &Actor,
    sealed: &str,
    password: Option<&Zeroizing<String>>,
) -> Result<KeptIdentity> {
    let own = actor.in_person()?;
    let too_late = || Refusal::Unusable("it took too long; begin again with the button".to_owned());
    let who = kept_identity(ctx, sealed).ok_or_else(too_late)?;
    let found = confirm(ctx, actor, own.id, password).await?;
    let txn = ctx.db.begin().await?;
    if !stored::hold_account(&txn, own.id, found.password_changed_at.map(Into::into)).await? {
        return Err(changed_meanwhile());
    }
    tie(&txn, ctx, own.id, &who).await?;
    let change = Change::to(json!({ "issuer": who.issuer, "subject": who.subject, "email": who.email }));
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::LinkIdentity, object, change).await?;
    let connected = connection(ctx, actor, true, &who.issuer, who.who());
    let mail = ctx.mail(&txn, actor, (own.id, &own.email), &connected).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(who)
}

/// Nobody comes in by it any more. One way in has to be left.
///
/// # Errors
/// The refusal.
pub async fn unlink_identity(ctx: &Actions, actor: &Actor, issuer: &str, subject: &str) -> Result<()> {
    let own = actor.in_person()?;
    let txn = ctx.db.begin_about_accounts().await?;
    let account = find_account(&txn, own.id).await?.ok_or(Refusal::Missing("account"))?;
    let known = stored::list_identities(&txn, own.id).await?;
    if !account.has_password && known.len() < 2 {
        let why = "it is the only way into your account; set a password first (an admin can send you a link)";
        return Err(Refusal::Unusable(why.to_owned()));
    }
    if !stored::unlink_identity(&txn, own.id, issuer, subject).await? {
        return Err(Refusal::Missing("connection"));
    }
    let tied = known.into_iter().find(|tied| tied.issuer == issuer && tied.subject == subject);
    let who = tied.and_then(|tied| tied.email).unwrap_or_else(|| subject.to_owned());
    let change = Change { before: Some(json!({ "issuer": issuer, "subject": subject })), after: None };
    let object = Object::new("account", own.id, own.email.clone());
    ctx.tell(&txn, actor, AuditAction::UnlinkIdentity, object, change).await?;
    let disconnected = connection(ctx, actor, false, issuer, &who);
    let mail = ctx.mail(&txn, actor, (own.id, &own.email), &disconnected).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(())
}
