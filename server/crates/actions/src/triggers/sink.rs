//! Addresses at which targets tell what became of what they were told: Tekton sends its events of runs there. Tekton can be given
//! an address and nothing beside it, so that the address holds the secret. Of that only a hash is kept, sealed.

use auth::token::mint_opaque;
use entity::kind::{AuditAction, Permission, TargetKind};
use entity::view::Timestamp;
use store::db::{ConnectionTrait, DataError};
use store::secrets::of_sink;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::change::tell_open_pages;
use super::{find, object};
use crate::audit::Change;
use crate::secrets::purpose;
use crate::{Actions, Actor, Refusal, Result};

/// An address that was made, to be shown once. It has no `Debug`, which logs are made of.
pub struct MadeSink {
    /// Below the address of this program; its last part is the secret.
    pub path: Zeroizing<String>,
    pub made_at: Timestamp,
}

/// Makes the address at which Tekton tells of the runs that a trigger began, in place of the one before. Triggers of the
/// configuration may have one as well: it is no part of what they are.
///
/// # Errors
/// The refusal, also where the target is not Tekton's.
pub async fn make_sink(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<MadeSink> {
    actor.may_to_all(AuditAction::SetTriggerSink)?;
    let trigger = find(ctx, id).await?;
    if trigger.target.kind() != TargetKind::Tekton {
        let why = "only Tekton tells how its runs end; this trigger tells a target of another kind";
        return Err(Refusal::Unusable(why.to_owned()));
    }
    let (name, minted, now) = (of_sink(id), mint_opaque(), ctx.now());
    let sealed = ctx.outside.keys.seal(&purpose(&name), &minted.hash);
    let txn = ctx.db.begin().await?;
    store::secrets::put_secret(&txn, &name, sealed, now).await?;
    ctx.tell(&txn, actor, AuditAction::SetTriggerSink, object(id, &trigger.name), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    tell_open_pages(ctx, id);
    let path = Zeroizing::new(format!("/webhooks/tekton/{id}/{}", *minted.text));
    Ok(MadeSink { path, made_at: now })
}

/// Forgets a trigger's address: what comes to it is taken no more.
///
/// # Errors
/// The refusal, also where there is none.
pub async fn remove_sink(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    actor.may_to_all(AuditAction::RemoveTriggerSink)?;
    let trigger = find(ctx, id).await?;
    let txn = ctx.db.begin().await?;
    if !forget_sink(&txn, id).await? {
        return Err(Refusal::Missing("sink"));
    }
    ctx.tell(&txn, actor, AuditAction::RemoveTriggerSink, object(id, &trigger.name), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    tell_open_pages(ctx, id);
    Ok(())
}

/// Forgets it; whether there was one.
pub(super) async fn forget_sink(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    Ok(store::secrets::remove_secret(w, &of_sink(id)).await?)
}

/// Since when a trigger has such an address; nothing where it has none.
///
/// # Errors
/// The refusal.
pub async fn find_sink_time(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Option<Timestamp>> {
    actor.need(Permission::Read)?;
    Ok(store::secrets::find_secret_time(&ctx.db.read, &of_sink(id)).await?)
}
