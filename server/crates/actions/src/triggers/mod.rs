//! Triggers: what people and programs do with them, their secrets and what they told. What a trigger is asked is for all
//! repositories at once, so a token for some of them may not change any.

mod change;
mod check;
mod dry_run;
mod replay;
mod secret;
mod shown;
mod sink;

use std::pin::Pin;

use entity::value::ObjectId;
use entity::view::{TektonFound, Trigger};
use triggers::{ChangedPaths, Needs};
use uuid::Uuid;

use crate::audit::Object;
use crate::{Actions, Refusal, Result};

pub use change::{ChangedTrigger, MadeTrigger, TriggerRequest, add, change, origin, remove, switch};
pub use check::{check, try_condition};
pub use dry_run::dry_run;
pub use replay::{MOST_REPLAYED, Replay, count_failed, replay, replay_one, test};
pub use secret::{
    NewSecret, SecretPart, find_secret_state, open_secrets, put_secrets, remove_secret, set_secret, wants_secret,
};
pub use shown::{show_attempts, show_delivery, show_progress, show_trigger};
pub use sink::{MadeSink, find_sink_time, make_sink, remove_sink};

/// What a commit changed and what Tekton's resources it brings, read from the clone: implemented by the server.
pub trait CommitReader: Send + Sync {
    /// What is needed of a commit, where a branch went from `old` to `new`. Without an old commit it is what the new one changed
    /// against its first parent.
    fn read(
        &self,
        repository: Uuid,
        old: Option<ObjectId>,
        new: ObjectId,
        needs: Needs,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<CommitFacts, String>> + Send + '_>>;
}

/// What was read of a commit; what was not needed is not there.
#[derive(Clone, Debug, Default)]
pub struct CommitFacts {
    pub paths: Option<ChangedPaths>,
    pub tekton: Option<TektonFound>,
    pub is_forced: Option<bool>,
}

/// The trigger, which has to be one that may be changed here.
async fn changeable(ctx: &Actions, id: Uuid) -> Result<Trigger> {
    let trigger = find(ctx, id).await?;
    match trigger.is_configured {
        true => Err(Refusal::ConfiguredTrigger { name: trigger.name }),
        false => Ok(trigger),
    }
}

async fn find(ctx: &Actions, id: Uuid) -> Result<Trigger> {
    let found = store::triggers::find_trigger(&ctx.db.read, id, ctx.now()).await?;
    found.ok_or(Refusal::Missing("trigger"))
}

fn object(id: Uuid, name: &str) -> Object {
    Object::new("trigger", id, name)
}
