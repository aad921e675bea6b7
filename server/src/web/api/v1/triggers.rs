//! Triggers: who is told of which events. No answer holds a secret, but the one that makes it.

use actions::Actions;
use actions::triggers::{self as ask, SecretPart, show_trigger};
use axum::{Json, extract::State, http::StatusCode};
use entity::view::{ConditionCheck, Delivery, DryRun, Trigger, TriggerDetail, TriggerSecret};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};

use super::trigger_bodies::{TriedCondition, TriggerTest, WantedDryRun, WantedSecret, WantedTrigger};
use crate::clock;
use crate::web::api::extract::{Body, Check, Id, Params};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

pub(super) const NOT_FOUND: &str = "Trigger not found";

/// All triggers
///
/// Who may not manage pipelines sees of a target the machine alone.
#[utoipa::path(
    get, path = "/triggers", operation_id = "list_triggers", tag = "triggers",
    responses((status = 200, description = "By name, each with what came of it on each of the last 30 days", body = [Trigger]))
)]
pub async fn list_triggers(State(db): State<Db>, Actor(actor): Actor) -> Result<Json<Vec<Trigger>>, Problem> {
    let all = store::triggers::list_triggers(&db.read, clock::now()).await?;
    Ok(Json(all.into_iter().map(|trigger| show_trigger(&actor, trigger)).collect()))
}

/// One trigger
#[utoipa::path(
    get, path = "/triggers/{trigger_id}", operation_id = "get_trigger", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 200, description = "The trigger, whether a secret is kept for it, and whether its target may tell of runs", body = TriggerDetail),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_trigger(
    State(db): State<Db>,
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<Json<TriggerDetail>, Problem> {
    let found = store::triggers::find_trigger(&db.read, id, clock::now()).await?;
    let trigger = found.ok_or_else(|| Problem::not_found(NOT_FOUND))?;
    let secret = ask::find_secret_state(&ctx, &actor, id).await?;
    let sink_made_at = ask::find_sink_time(&ctx, &actor, id).await?;
    Ok(Json(TriggerDetail { trigger: show_trigger(&actor, trigger), secret, sink_made_at }))
}

/// A trigger that was made.
#[derive(Serialize, ToSchema)]
pub struct MadeTrigger {
    pub trigger: Trigger,
    /// What the receiver checks signatures with, for targets that take webhooks. Shown this once.
    #[schema(value_type = Option<String>)]
    pub secret: Option<zeroize::Zeroizing<String>>,
}

/// Make a trigger
///
/// It is off unless it is asked for otherwise: hold its condition against what happened before first (`/triggers/dry-run`).
#[utoipa::path(
    post, path = "/triggers", operation_id = "create_trigger", tag = "triggers",
    request_body = WantedTrigger,
    responses((status = 201, description = "The trigger", body = MadeTrigger))
)]
pub async fn create_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Body(wanted): Body<WantedTrigger>,
) -> Result<(StatusCode, Json<MadeTrigger>), Problem> {
    let ask::MadeTrigger { trigger, secret } = ask::add(&ctx, &actor, &wanted.into()).await?;
    Ok((StatusCode::CREATED, Json(MadeTrigger { trigger, secret })))
}

/// A trigger that was changed.
#[derive(Serialize, ToSchema)]
pub struct ChangedTrigger {
    pub trigger: Trigger,
    /// The target is another kind or another machine: the secret was not for it, and is forgotten.
    pub forgot_secret: bool,
}

/// Change a trigger
///
/// The whole of it, as `create_trigger` takes it. What it told before stays.
#[utoipa::path(
    put, path = "/triggers/{trigger_id}", operation_id = "change_trigger", tag = "triggers",
    request_body = WantedTrigger,
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 200, description = "The trigger", body = ChangedTrigger),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Body(wanted): Body<WantedTrigger>,
) -> Result<Json<ChangedTrigger>, Problem> {
    let ask::ChangedTrigger { trigger, forgot_secret } = ask::change(&ctx, &actor, id, &wanted.into()).await?;
    Ok(Json(ChangedTrigger { trigger, forgot_secret }))
}

/// Delete a trigger
///
/// With its secret and its deliveries.
#[utoipa::path(
    delete, path = "/triggers/{trigger_id}", operation_id = "delete_trigger", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch a trigger on
#[utoipa::path(
    post, path = "/triggers/{trigger_id}/enable", operation_id = "enable_trigger", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 200, description = "It is on; what waited goes out", body = Trigger),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn enable_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<Json<Trigger>, Problem> {
    Ok(Json(ask::switch(&ctx, &actor, id, true).await?))
}

/// Switch a trigger off
///
/// What it still has to tell waits. What happens while it is off it is never told.
#[utoipa::path(
    post, path = "/triggers/{trigger_id}/disable", operation_id = "disable_trigger", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 200, description = "It is off", body = Trigger),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn disable_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<Json<Trigger>, Problem> {
    Ok(Json(ask::switch(&ctx, &actor, id, false).await?))
}

/// A secret that was kept.
#[derive(Serialize, ToSchema)]
pub struct KeptSecret {
    /// Where it was made here. Shown this once.
    #[schema(value_type = Option<String>)]
    pub secret: Option<zeroize::Zeroizing<String>>,
    pub state: TriggerSecret,
}

/// Enter a trigger's secret, or have one made
///
/// Webhooks are signed with this one and the one before, until that is removed: the receiver can change over at any time.
#[utoipa::path(
    put, path = "/triggers/{trigger_id}/secret", operation_id = "change_trigger_secret", tag = "triggers",
    request_body = WantedSecret,
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 200, description = "It is used from now on", body = KeptSecret),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change_trigger_secret(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Body(wanted): Body<WantedSecret>,
) -> Result<Json<KeptSecret>, Problem> {
    let ask::NewSecret { made, state } = ask::set_secret(&ctx, &actor, id, wanted.secret.as_ref()).await?;
    Ok(Json(KeptSecret { secret: made, state }))
}

/// Which secret.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SecretParams {
    /// Only the one that is being replaced.
    #[param(value_type = Option<bool>, default = false)]
    previous: Option<String>,
}

/// Forget a trigger's secret
#[utoipa::path(
    delete, path = "/triggers/{trigger_id}/secret", operation_id = "delete_trigger_secret", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger"), SecretParams),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No such trigger, or it has no secret", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_trigger_secret(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Params(params): Params<SecretParams>,
) -> Result<StatusCode, Problem> {
    let mut check = Check::default();
    let previous = check.flag("previous", params.previous.as_deref());
    check.finish()?;
    let part = if previous { SecretPart::Previous } else { SecretPart::All };
    ask::remove_secret(&ctx, &actor, id, part).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An address that was made.
#[derive(Serialize, ToSchema)]
pub struct TriggerSink {
    /// Where Tekton sends its CloudEvents to, below the address of this program. Its last part is a secret: whoever knows the
    /// address may tell of runs. Shown this once.
    #[schema(value_type = String)]
    pub path: zeroize::Zeroizing<String>,
    pub made_at: chrono::DateTime<chrono::Utc>,
}

/// Make the address at which Tekton tells of a trigger's runs
///
/// It is entered as `sink` in Tekton's ConfigMap `config-events`. Deliveries then say whether their runs started, succeeded or
/// failed. It takes the place of the one before, which is unknown from then on.
#[utoipa::path(
    post, path = "/triggers/{trigger_id}/sink", operation_id = "create_trigger_sink", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger; one of the configuration may have an address as well")),
    responses(
        (status = 201, description = "The address", body = TriggerSink),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id, or the trigger's target is not Tekton's", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create_trigger_sink(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<(StatusCode, Json<TriggerSink>), Problem> {
    let ask::MadeSink { path, made_at } = ask::make_sink(&ctx, &actor, id).await?;
    Ok((StatusCode::CREATED, Json(TriggerSink { path, made_at })))
}

/// Forget the address at which Tekton tells of a trigger's runs
///
/// What is sent there is taken no more. What was told stays.
#[utoipa::path(
    delete, path = "/triggers/{trigger_id}/sink", operation_id = "delete_trigger_sink", tag = "triggers",
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No such trigger, or it has no such address", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_trigger_sink(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove_sink(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Check a condition
///
/// Whether it can be used, and what of commits it has to know.
#[utoipa::path(
    post, path = "/triggers/check", operation_id = "test_condition", tag = "triggers",
    request_body = TriedCondition,
    responses((status = 200, description = "All that is wrong with it; nothing where it can be used", body = ConditionCheck))
)]
pub async fn test_condition(
    Actor(actor): Actor,
    Body(tried): Body<TriedCondition>,
) -> Result<Json<ConditionCheck>, Problem> {
    Ok(Json(ask::try_condition(&actor, &tried.condition.into())?))
}

/// Hold a condition against what happened
///
/// Against the last 30 days: at most 10,000 events of watched branches, and 2,000 commits of default branches from before they
/// were watched, for at most 10 seconds. Nobody is told anything.
#[utoipa::path(
    post, path = "/triggers/dry-run", operation_id = "test_dry_run", tag = "triggers",
    request_body = WantedDryRun,
    responses((status = 200, description = "How often a trigger would have been for something, and for what", body = DryRun))
)]
pub async fn test_dry_run(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Body(wanted): Body<WantedDryRun>,
) -> Result<Json<DryRun>, Problem> {
    Ok(Json(ask::dry_run(&ctx, &actor, &wanted.condition.into(), wanted.target_kind).await?))
}

/// Test a trigger
///
/// Sends the newest event of a branch, whatever the condition says of it; of a watched branch of which nothing was noticed since
/// it was first seen, that it is there. An event that the trigger told before is told once more, by the same id.
#[utoipa::path(
    post, path = "/triggers/{trigger_id}/test", operation_id = "test_trigger", tag = "triggers",
    request_body = TriggerTest,
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 202, description = "The delivery, which goes out now", body = Delivery),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is off", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn test_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Body(with): Body<TriggerTest>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(ask::test(&ctx, &actor, id, with.branch_id).await?)))
}
