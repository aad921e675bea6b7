use chrono::TimeDelta;
use entity::kind::{AuditAction, Permission, Permissions};
use serde_json::json;
use store::accounts::{self as stored, NewToken};
use store::db::DataError;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// So many tokens an account has at most: more are found and revoked by nobody.
const MOST_TOKENS: u64 = 100;

/// What a token is to be.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub name: String,
    pub scopes: Vec<Permission>,
    /// Patterns such as `owner/*`; all repositories where there is none.
    pub repositories: Vec<String>,
    /// Days until it works no more; for ever only where nothing is given on purpose.
    pub days: Option<u16>,
}

/// A token that was made.
#[derive(Clone, Debug)]
pub struct MadeToken {
    pub id: Uuid,
    /// Shown once.
    pub text: Zeroizing<String>,
}

/// Makes a token of the account that asks. It may do no more than the account, whatever its scopes say.
///
/// # Errors
/// The refusal.
pub async fn create_token(ctx: &Actions, actor: &Actor, of: &TokenRequest) -> Result<MadeToken> {
    const MOST: usize = 100;
    let own = actor.in_person()?;
    let name = of.name.trim();
    if name.is_empty() || name.chars().count() > MOST || name.chars().any(char::is_control) {
        return Err(Refusal::Unusable(format!(
            "give the token a name of 1 to {MOST} characters that says what it is for"
        )));
    }
    if of.scopes.is_empty() {
        return Err(Refusal::Unusable("choose at least one scope, read for one".to_owned()));
    }
    // A token makes no token that may do more than itself.
    let wanted: Permissions = of.scopes.iter().copied().collect();
    wanted.iter().try_for_each(|permission| actor.need(permission))?;
    let patterns: Vec<String> = of.repositories.iter().map(|pattern| pattern.trim().to_owned()).collect();
    let patterns: Vec<String> = patterns.into_iter().filter(|pattern| !pattern.is_empty()).collect();
    if patterns.len() > MOST
        || patterns.iter().any(|pattern| pattern.len() > 500 || pattern.chars().any(char::is_control))
    {
        return Err(Refusal::Unusable(format!("at most {MOST} patterns of repositories, such as owner/*")));
    }
    if let Some(outside) = patterns.iter().find(|pattern| actor.covers("", pattern).is_err()) {
        return Err(Refusal::Unusable(format!("this token is not for {outside}")));
    }
    if of.days == Some(0) {
        return Err(Refusal::Unusable("a token works for at least one day".to_owned()));
    }
    let now = ctx.now();
    let minted = auth::token::mint();
    let new = NewToken {
        account_id: own.id,
        token_hash: minted.hash,
        name: name.to_owned(),
        scopes: wanted.iter().filter(|permission| of.scopes.contains(permission)).collect(),
        repositories: patterns,
        expires_at: of.days.map(|days| now + TimeDelta::days(i64::from(days))),
    };
    let txn = ctx.db.begin_about_accounts().await?;
    if stored::count_tokens(&txn, own.id).await? >= MOST_TOKENS {
        return Err(Refusal::Unusable(format!(
            "an account has at most {MOST_TOKENS} tokens; revoke one that nobody needs"
        )));
    }
    let id = stored::insert_token(&txn, &new, now).await?;
    let told = json!({ "scopes": new.scopes, "repositories": new.repositories, "expires_at": new.expires_at });
    ctx.tell(&txn, actor, AuditAction::CreateToken, Object::new("token", id, name), Change::to(told)).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(MadeToken { id, text: minted.text })
}

/// Makes a token of the account that asks stop working.
///
/// # Errors
/// The refusal.
pub async fn revoke_token(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    let own = actor.in_person()?;
    let txn = ctx.db.begin().await?;
    let tokens = stored::list_tokens(&txn, own.id).await?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or(Refusal::Missing("token"))?;
    stored::delete_token(&txn, own.id, id).await?;
    ctx.tell(&txn, actor, AuditAction::RevokeToken, Object::new("token", id, token.name), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
