//! Reading the configuration again, and checking one before it is written down.

use std::pin::Pin;

use entity::kind::{AuditAction, Permission};
use entity::view::{ConfigCheck, ConfigReload};
use serde_json::json;
use store::db::DataError;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// What comes later.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The configuration of this process, which actions know nothing of.
pub trait Configuration: Send + Sync {
    /// Reads the files again and puts in force what can change; `asked_by` is who wants it.
    fn reload(&self, asked_by: String) -> Soon<'_, ConfigReload>;
    /// Says what is wrong with a text, without any effect.
    fn check(&self, text: String) -> Soon<'_, ConfigCheck>;
}

fn configuration(ctx: &Actions) -> Result<&dyn Configuration> {
    ctx.configuration.as_deref().ok_or(Refusal::NoConfiguration)
}

/// Has this process read its configuration again. One with errors changes nothing and says so in the answer.
///
/// # Errors
/// The refusal.
pub async fn reload_configuration(ctx: &Actions, actor: &Actor) -> Result<ConfigReload> {
    actor.may_to_all(AuditAction::ReloadConfiguration)?;
    let reload = configuration(ctx)?.reload(actor.name()).await;
    let after = json!({
        "outcome": reload.outcome, "applied": reload.applied, "needs_restart": reload.needs_restart,
        "errors": reload.error_count,
    });
    tell(ctx, actor, AuditAction::ReloadConfiguration, Change::to(after)).await?;
    Ok(reload)
}

/// Says everything that is wrong with a configuration; it has no effect.
///
/// # Errors
/// The refusal.
pub async fn check_configuration(ctx: &Actions, actor: &Actor, text: String) -> Result<ConfigCheck> {
    actor.may_to_all(AuditAction::CheckConfiguration)?;
    let check = configuration(ctx)?.check(text).await;
    let after = json!({ "is_valid": check.is_valid, "errors": check.errors.len() });
    tell(ctx, actor, AuditAction::CheckConfiguration, Change::to(after)).await?;
    Ok(check)
}

/// The last times that processes read their configuration again, newest first. Errors quote it, so only admins see them.
///
/// # Errors
/// The refusal.
pub async fn list_reloads(ctx: &Actions, actor: &Actor) -> Result<Vec<ConfigReload>> {
    actor.need(Permission::Read)?;
    let mut reloads = store::reloads::list_reloads(&ctx.db.read).await?;
    if !actor.permissions().has(Permission::Admin) {
        for reload in &mut reloads {
            reload.errors.clear();
            reload.asked_by = None;
        }
    }
    Ok(reloads)
}

async fn tell(ctx: &Actions, actor: &Actor, action: AuditAction, change: Change) -> Result<()> {
    let txn = ctx.db.begin().await?;
    ctx.tell(&txn, actor, action, Object::new("configuration", None, ""), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
