//! Deliveries: what triggers told, with each attempt.

use actions::Actions;
use actions::triggers::{self as ask, Replay, show_attempts, show_delivery};
use axum::{Json, extract::State, http::StatusCode};
use entity::kind::DeliveryState;
use entity::view::{Delivery, DeliveryDetail, DeliveryFilter, Listing, Replayed};
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;

use super::trigger_bodies::WantedReplay;
use crate::web::api::extract::{Body, Check, Id, PageParams, Params};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

pub(super) const NOT_FOUND: &str = "Delivery not found";

/// So many attempts of a delivery are shown.
const ATTEMPTS: u64 = 100;

/// Which deliveries.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryParams {
    /// Only of this trigger.
    #[param(value_type = Option<Uuid>)]
    trigger_id: Option<String>,
    /// Only of this event.
    #[param(value_type = Option<Uuid>)]
    event_id: Option<String>,
    /// Only of this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
    /// Only of this branch.
    #[param(value_type = Option<Uuid>)]
    branch_id: Option<String>,
    /// How far they are.
    #[param(value_type = Option<DeliveryState>)]
    state: Option<String>,
    /// Only those that were made at or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    /// Only those that were made before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
}

/// Deliveries
#[utoipa::path(
    get, path = "/deliveries", operation_id = "list_deliveries", tag = "triggers",
    params(PageParams, DeliveryParams),
    responses(
        (status = 200, description = "Newest first", body = Listing<Delivery>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_deliveries(
    State(db): State<Db>,
    Actor(actor): Actor,
    Params(page): Params<PageParams>,
    Params(params): Params<DeliveryParams>,
) -> Result<Json<Listing<Delivery>>, Problem> {
    let mut check = Check::default();
    let filter = DeliveryFilter {
        trigger_id: check.uuid("trigger_id", params.trigger_id.as_deref()),
        event_id: check.uuid("event_id", params.event_id.as_deref()),
        repository_id: check.uuid("repository_id", params.repository_id.as_deref()),
        branch_id: check.uuid("branch_id", params.branch_id.as_deref()),
        state: check.word("state", params.state.as_deref()),
        since: check.time("since", params.since.as_deref()),
        until: check.time("until", params.until.as_deref()),
        page: page.page(&mut check),
    };
    check.finish()?;
    let found = store::triggers::list_deliveries(&db.read, &filter).await?;
    Ok(Json(found.map(|delivery| show_delivery(&actor, delivery))))
}

/// One delivery
///
/// With its last attempts. What was sent and answered only for those who may manage pipelines.
#[utoipa::path(
    get, path = "/deliveries/{delivery_id}", operation_id = "get_delivery", tag = "triggers",
    params(("delivery_id" = Uuid, Path, description = "The delivery")),
    responses(
        (status = 200, description = "The delivery and its attempts, newest first", body = DeliveryDetail),
        (status = 404, description = "No such delivery", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_delivery(
    State(db): State<Db>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<Json<DeliveryDetail>, Problem> {
    let found = store::triggers::find_delivery(&db.read, id).await?;
    let delivery = show_delivery(&actor, found.ok_or_else(|| Problem::not_found(NOT_FOUND))?);
    let attempts = show_attempts(&actor, store::triggers::list_attempts(&db.read, id, ATTEMPTS).await?);
    Ok(Json(DeliveryDetail { delivery, attempts }))
}

/// Send a delivery once more
///
/// By the same id, so that a receiver that knows ids sees one effect.
#[utoipa::path(
    post, path = "/deliveries/{delivery_id}/replay", operation_id = "replay_delivery", tag = "triggers",
    params(("delivery_id" = Uuid, Path, description = "The delivery")),
    responses(
        (status = 202, description = "It goes out now, or once its trigger is on", body = Delivery),
        (status = 404, description = "No such delivery", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id, or it is not finished", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn replay_delivery(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(ask::replay_one(&ctx, &actor, id).await?)))
}

/// Send many of a trigger's deliveries once more
///
/// Those that were given up since a time, the 1,000 oldest of them at once, or all that were made within a range, which may hold
/// as many; each by its own id, and those of a branch in their order.
#[utoipa::path(
    post, path = "/triggers/{trigger_id}/replay", operation_id = "replay_trigger", tag = "triggers",
    request_body = WantedReplay,
    params(("trigger_id" = Uuid, Path, description = "The trigger")),
    responses(
        (status = 202, description = "They go out now, or once the trigger is on", body = Replayed),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn replay_trigger(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Body(wanted): Body<WantedReplay>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let WantedReplay { since, until, only_failed } = wanted;
    let which = match (only_failed, until) {
        (false, until) => Replay::Made { since, until },
        (true, None) => Replay::Failed { since },
        (true, Some(until)) => {
            let mut check = Check::default();
            let why = "goes with only_failed: false; failed ones are asked for since a time";
            check.at("body").refuse("until", &until.to_rfc3339(), "value", why);
            return Err(check.problem());
        }
    };
    Ok((StatusCode::ACCEPTED, Json(ask::replay(&ctx, &actor, id, which).await?)))
}
