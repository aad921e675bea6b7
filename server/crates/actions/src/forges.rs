//! Forges' tokens that admins enter: tried at the forge, kept sealed, shown to nobody again.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use auth::seal::Keys;
use entity::kind::{AuditAction, Permission, Provider, TokenSource};
use entity::view::{ForgeStatus, TokenTest};
use serde_json::json;
use store::db::DataError;
use store::secrets::{SealedSecret, of_forge};
use zeroize::Zeroizing;

use crate::audit::{Change, Object};
use crate::secrets::purpose;
use crate::{Actions, Actor, Refusal, Result};

/// No forge's token is longer.
const MOST: usize = 1_000;

/// A forge that the configuration or the program itself knows.
#[derive(Clone, Debug)]
pub struct KnownForge {
    pub host: String,
    pub provider: Provider,
    pub is_searched: bool,
    /// Where the configuration has a token for it.
    pub token: TokenSource,
}

/// Asks a forge what it thinks of a token, without keeping it.
pub type TryToken = Arc<
    dyn Fn(
            String,
            Provider,
            Zeroizing<String>,
        ) -> Pin<Box<dyn Future<Output = std::result::Result<TokenTest, String>> + Send>>
        + Send
        + Sync,
>;

/// A token that somebody entered, opened: for the one call that needs it.
///
/// # Errors
/// If it was sealed with another key, or is damaged.
pub fn open_token(keys: &Keys, secret: &SealedSecret) -> std::result::Result<Zeroizing<String>, String> {
    let plain = keys.open(&purpose(&secret.name), &secret.sealed).map_err(|error| error.to_string())?;
    let text = String::from_utf8(plain.to_vec()).map_err(|_| "a sealed token is no text".to_owned())?;
    Ok(Zeroizing::new(text))
}

/// Every forge that is known here: of the configuration, of repositories, and those that have a token.
///
/// # Errors
/// The refusal.
pub async fn list_forges(ctx: &Actions, actor: &Actor) -> Result<Vec<ForgeStatus>> {
    actor.need(Permission::Admin)?;
    let db = &ctx.db.read;
    let mut forges: BTreeMap<String, ForgeStatus> = BTreeMap::new();
    for known in (ctx.outside.forges)() {
        let status =
            ForgeStatus { token: known.token, is_searched: known.is_searched, ..unknown(&known.host, known.provider) };
        forges.insert(known.host.clone(), status);
    }
    for (host, provider, repositories) in store::forges::list_hosts(db).await? {
        forges.entry(host.clone()).or_insert_with(|| unknown(&host, provider)).repositories += repositories;
    }
    for (host, changed_at) in store::secrets::list_with_token(db).await? {
        let provider = entity::address::provider_of_host(&host);
        let forge = forges.entry(host.clone()).or_insert_with(|| unknown(&host, provider));
        forge.entered_at = Some(changed_at);
        if forge.token == TokenSource::None {
            forge.token = TokenSource::Entered;
        }
    }
    // Of each limit what was said last, by whichever token it was asked.
    for budget in store::forges::budgets(db, ctx.now()).await? {
        let Some(forge) = forges.get_mut(&budget.host) else { continue };
        match forge.budgets.iter_mut().find(|other| other.resource == budget.resource) {
            Some(other) if other.seen_at < budget.seen_at => *other = budget,
            Some(_) => {}
            None => forge.budgets.push(budget),
        }
    }
    if let Some(run) = store::discovery::list_runs(db, 1).await?.into_iter().next() {
        for search in run.searches {
            if let Some(forge) = forges.get_mut(&search.host) {
                forge.last_error = forge.last_error.take().or(search.error);
            }
        }
    }
    Ok(forges.into_values().collect())
}

fn unknown(host: &str, provider: Provider) -> ForgeStatus {
    ForgeStatus {
        host: host.to_owned(),
        provider,
        is_searched: false,
        repositories: 0,
        token: TokenSource::None,
        entered_at: None,
        budgets: Vec::new(),
        last_error: None,
    }
}

/// Asks a forge whose a token is and what it brings; it is kept nowhere.
///
/// # Errors
/// The refusal, also where the forge refuses the token.
pub async fn test_forge_token(
    ctx: &Actions,
    actor: &Actor,
    host: &str,
    token: &Zeroizing<String>,
) -> Result<TokenTest> {
    actor.may_to_all(AuditAction::SetSecret)?;
    let forge = list_forges(ctx, actor).await?.into_iter().find(|forge| forge.host == host);
    let forge = forge.ok_or(Refusal::Missing("forge"))?;
    (ctx.outside.try_token)(forge.host, forge.provider, read_token(token)?).await.map_err(Refusal::Unusable)
}

/// A token as somebody entered it, where it can be one. The refusal does not say it again.
pub(crate) fn read_token(text: &str) -> Result<Zeroizing<String>> {
    let token = Zeroizing::new(text.trim().to_owned());
    match !token.is_empty() && token.len() <= MOST && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(token),
        false => Err(Refusal::Unusable(format!("this is no token: it has 1 to {MOST} characters and no spaces"))),
    }
}

/// Keeps a token for a forge in place of the one before, once the forge took it. All processes ask with it within seconds.
///
/// # Errors
/// The refusal; a token that the forge does not take is not kept.
pub async fn set_forge_token(ctx: &Actions, actor: &Actor, host: &str, token: &Zeroizing<String>) -> Result<TokenTest> {
    let test = test_forge_token(ctx, actor, host, token).await?;
    let name = of_forge(host);
    let sealed = ctx.outside.keys.seal(&purpose(&name), token.trim().as_bytes());
    let txn = ctx.db.begin().await?;
    store::secrets::put_secret(&txn, &name, sealed, ctx.now()).await?;
    let change = Change::to(json!({ "login": test.login, "scopes": test.scopes }));
    ctx.tell(&txn, actor, AuditAction::SetSecret, Object::new("forge", None, host), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(test)
}

/// Forgets the token that was entered for a forge.
///
/// # Errors
/// The refusal.
pub async fn remove_forge_token(ctx: &Actions, actor: &Actor, host: &str) -> Result<()> {
    actor.may_to_all(AuditAction::RemoveSecret)?;
    let txn = ctx.db.begin().await?;
    // No name of ours holds a zero byte, and PostgreSQL takes none.
    if host.contains('\0') || !store::secrets::remove_secret(&txn, &of_forge(host)).await? {
        return Err(Refusal::Missing("token"));
    }
    ctx.tell(&txn, actor, AuditAction::RemoveSecret, Object::new("forge", None, host), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
