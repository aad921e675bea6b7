//! What was done is told in the transaction that does it.

use entity::kind::AuditAction;
use entity::view::AuditEntry;
use serde_json::Value;
use store::db::ConnectionTrait;
use uuid::Uuid;

use crate::{Actions, Actor, Result};

/// What something was done to.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    kind: &'static str,
    id: Option<String>,
    name: String,
}

impl Object {
    pub(crate) fn new(kind: &'static str, id: impl Into<Option<Uuid>>, name: impl Into<String>) -> Self {
        Self { kind, id: id.into().map(|id: Uuid| id.to_string()), name: name.into() }
    }
}

/// What it was before, and what it is since.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Change {
    /// Nothing that has a before and an after.
    pub(crate) const NONE: Self = Self { before: None, after: None };

    pub(crate) fn to(after: Value) -> Self {
        Self { before: None, after: Some(after) }
    }

    pub(crate) fn between(before: Value, after: Value) -> Self {
        Self { before: Some(before), after: Some(after) }
    }
}

impl Actions {
    /// Tells that somebody did something.
    pub(crate) async fn tell(
        &self,
        w: &impl ConnectionTrait,
        actor: &Actor,
        action: AuditAction,
        object: Object,
        change: Change,
    ) -> Result<()> {
        let (via, via_id) = actor.via();
        let entry = AuditEntry {
            id: Uuid::nil(),
            at: self.now(),
            action,
            account_id: actor.account().map(|holder| holder.id),
            who: actor.name(),
            via,
            via_id,
            object_kind: object.kind.to_owned(),
            object_id: object.id,
            object_name: object.name,
            before: change.before,
            after: change.after,
            address: actor.address().map(|address| address.to_string()),
            request_id: actor.request_id().map(str::to_owned),
        };
        Ok(store::audit::add_audit_entry(w, &entry).await?)
    }
}
