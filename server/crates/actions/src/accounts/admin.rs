use auth::token::mint_opaque;
use entity::kind::{AuditAction, LinkKind, Permission};
use entity::view::Account;
use serde_json::json;
use store::accounts::{self as stored, NewAccount, StoredLink, find_account, permissions_of};
use store::db::{ConnectionTrait, DataError, Transaction};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{LINK_WORKS, email, end_links, end_ways_in, full_name, taken, usable_password};
use crate::audit::{Change, Object};
use crate::mail::Content;
use crate::{Actions, Actor, Refusal, Result};

/// An account that was made, and what its person comes in by.
#[derive(Clone, Debug)]
pub struct Invited {
    pub id: Uuid,
    /// What stands behind `/welcome/`; shown once.
    pub link: Zeroizing<String>,
    /// Whether it goes to the account by mail, too.
    pub is_mailed: bool,
}

/// What is to be different about an account.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    pub role: Option<String>,
    pub is_active: Option<bool>,
}

/// A role that there is.
pub(super) async fn known_role(c: &impl ConnectionTrait, role: &str) -> Result<()> {
    let known = stored::list_roles(c).await?;
    if known.iter().any(|known| known.name == role) {
        return Ok(());
    }
    let names: Vec<String> = known.into_iter().map(|role| role.name).collect();
    Err(Refusal::Unusable(format!("there is no role {role:.100?}; there are: {}", names.join(", "))))
}

/// Makes an account and a link by which its person chooses a password.
///
/// # Errors
/// The refusal.
pub async fn create_account(
    ctx: &Actions,
    actor: &Actor,
    new_email: &str,
    name: Option<&str>,
    role: &str,
) -> Result<Invited> {
    let (txn, id, address) = insert(ctx, actor, new_email, name, role, None).await?;
    let (_, link, mail) = link_to(ctx, actor, &txn, false, (id, &address)).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(Invited { id, link, is_mailed: mail.is_some() })
}

/// Makes a link for an account in place of its earlier ones, for a new password or for the first one, and has it sent where mails
/// are: what it is for, the link, and the job that sends it.
async fn link_to(
    ctx: &Actions,
    actor: &Actor,
    txn: &impl ConnectionTrait,
    has_password: bool,
    (id, email): (Uuid, &str),
) -> Result<(LinkKind, Zeroizing<String>, Option<Uuid>)> {
    let (minted, until) = (mint_opaque(), ctx.now() + LINK_WORKS);
    let link = minted.text.to_string();
    let (kind, content) = match has_password {
        true => (LinkKind::Reset, Content::Reset { link, until }),
        false => (LinkKind::Invite, Content::Invite { link, until }),
    };
    end_links(txn, id).await?;
    stored::add_link(txn, &minted.hash, StoredLink::of(kind, Some(id)), until, ctx.now()).await?;
    let mail = ctx.mail(txn, actor, (id, email), &content).await?;
    Ok((kind, minted.text, mail))
}

/// Makes an account that signs in with this password, from the machine's own shell: with a password that can't be taken there
/// is no account either.
///
/// # Errors
/// The refusal.
pub async fn create_account_with_password(
    ctx: &Actions,
    actor: &Actor,
    new_email: &str,
    name: Option<&str>,
    role: &str,
    password: &Zeroizing<String>,
) -> Result<Uuid> {
    actor.may_to_all(AuditAction::CreateAccount)?;
    usable_password(password, false, &[new_email, name.unwrap_or_default()])?;
    let hash = ctx.outside.passwords.hash(password).await?;
    let (txn, id, _) = insert(ctx, actor, new_email, name, role, Some(hash)).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(id)
}

/// An account, told of and not yet committed.
async fn insert(
    ctx: &Actions,
    actor: &Actor,
    new_email: &str,
    name: Option<&str>,
    role: &str,
    password_hash: Option<String>,
) -> Result<(Transaction, Uuid, String)> {
    actor.may_to_all(AuditAction::CreateAccount)?;
    let new =
        NewAccount { email: email(new_email)?, full_name: full_name(name)?, role: role.to_owned(), password_hash };
    // The role is there as long as this takes.
    let txn = ctx.db.begin_about_accounts().await?;
    known_role(&txn, role).await?;
    let id = stored::insert_account(&txn, &new, ctx.now()).await.map_err(|error| taken(error, &new.email))?;
    let change = Change::to(json!({ "role": role }));
    ctx.tell(&txn, actor, AuditAction::CreateAccount, Object::new("account", id, new.email.clone()), change).await?;
    Ok((txn, id, new.email))
}

/// Makes a link by which an account's person chooses a new password; the one before works no more.
///
/// # Errors
/// The refusal.
pub async fn make_link(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Invited> {
    actor.may_to_all(AuditAction::InviteAccount)?;
    let account = find_account(&ctx.db.read, id).await?.ok_or(Refusal::Missing("account"))?;
    let txn = ctx.db.begin().await?;
    let (kind, link, mail) = link_to(ctx, actor, &txn, account.has_password, (id, &account.email)).await?;
    let change = Change::to(json!({ "link": kind }));
    ctx.tell(&txn, actor, AuditAction::InviteAccount, Object::new("account", id, account.email), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(Invited { id, link, is_mailed: mail.is_some() })
}

/// Sets somebody's password, from the machine's own shell; all their sessions end, their tokens work no more, and nobody comes in
/// by who they are elsewhere: who has to have a password reset may have shared it, and with it all that can be made.
///
/// # Errors
/// The refusal.
pub async fn set_password_of(ctx: &Actions, actor: &Actor, id: Uuid, password: &Zeroizing<String>) -> Result<()> {
    actor.administers()?;
    let account = find_account(&ctx.db.read, id).await?.ok_or(Refusal::Missing("account"))?;
    let about = [account.email.as_str(), account.full_name.as_deref().unwrap_or_default()];
    usable_password(password, account.has_second_factor, &about)?;
    let hash = ctx.outside.passwords.hash(password).await?;
    let txn = ctx.db.begin().await?;
    stored::set_password(&txn, id, &hash, ctx.now()).await?;
    let ended = end_ways_in(&txn, id).await?;
    let change = Change::to(json!({ "tokens": ended.tokens, "identities": ended.identities }));
    let mail = match account.has_password || !ended.identities.is_empty() {
        true => {
            let changed = Content::PasswordChanged { at: ctx.now(), from: Actions::from(actor), is_reset: true };
            ctx.mail(&txn, actor, (id, &account.email), &changed).await?
        }
        false => None,
    };
    let object = Object::new("account", id, account.email);
    ctx.tell(&txn, actor, AuditAction::ChangePassword, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce(mail.as_slice()).await;
    Ok(())
}

/// Somebody has to be left who may administer, or nobody could ever again.
pub(super) async fn admin_is_left(c: &impl ConnectionTrait, account: &Account) -> Result<()> {
    if !account.is_superuser || !account.is_active {
        return Ok(());
    }
    let roles = stored::list_roles(c).await?.into_iter();
    let roles: Vec<String> =
        roles.filter(|role| role.permissions.contains(&Permission::Admin)).map(|role| role.name).collect();
    match stored::count_admins(c, &roles).await? {
        0 | 1 => {
            Err(Refusal::Unusable("this is the last account that may administer; make another one first".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Gives an account another role, switches it off or on again. One that is switched off is signed out everywhere.
///
/// # Errors
/// The refusal.
pub async fn change_account(ctx: &Actions, actor: &Actor, id: Uuid, change: &AccountChange) -> Result<Account> {
    actor.may_to_all(AuditAction::ChangeAccount)?;
    let txn = ctx.db.begin_about_accounts().await?;
    let before = find_account(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    if let Some(role) = &change.role {
        known_role(&txn, role).await?;
        if !permissions_of(&txn, role).await?.has(Permission::Admin) {
            admin_is_left(&txn, &before).await?;
        }
        stored::set_role(&txn, id, role).await?;
    }
    if let Some(is_active) = change.is_active {
        if !is_active {
            admin_is_left(&txn, &before).await?;
            stored::delete_sessions(&txn, id, None).await?;
        }
        stored::set_active(&txn, id, is_active).await?;
    }
    let after = find_account(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    let told = |account: &Account| json!({ "role": account.role, "is_active": account.is_active });
    let object = Object::new("account", id, before.email.clone());
    let change = Change::between(told(&before), told(&after));
    ctx.tell(&txn, actor, AuditAction::ChangeAccount, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(after)
}

/// Deletes an account with all that lets it in; what it did stays told.
///
/// # Errors
/// The refusal.
pub async fn delete_account(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Account> {
    actor.may_to_all(AuditAction::DeleteAccount)?;
    let txn = ctx.db.begin_about_accounts().await?;
    let account = find_account(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    admin_is_left(&txn, &account).await?;
    stored::delete_account(&txn, id).await?;
    let change = Change { before: Some(json!({ "role": account.role })), after: None };
    let object = Object::new("account", id, account.email.clone());
    ctx.tell(&txn, actor, AuditAction::DeleteAccount, object, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(account)
}

/// Signs somebody out everywhere. Their tokens go on working.
///
/// # Errors
/// The refusal.
pub async fn end_sessions_of(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<u64> {
    actor.administers()?;
    let txn = ctx.db.begin().await?;
    let account = find_account(&txn, id).await?.ok_or(Refusal::Missing("account"))?;
    // Whoever does it to themselves stays where they are.
    let ended = stored::delete_sessions(&txn, id, actor.session_id()).await?;
    let change = Change::to(json!({ "sessions": ended }));
    ctx.tell(&txn, actor, AuditAction::EndSession, Object::new("account", id, account.email), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(ended)
}
