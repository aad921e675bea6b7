//! The configuration: reading it again, and checking one.

use actions::Actions;
use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
};
use entity::kind::ReloadOutcome;
use entity::view::{ConfigCheck, ConfigReload};

use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

/// Read the configuration again
///
/// As a changed file and SIGHUP do. It is checked as a whole: with one error nothing changes. What needs a restart is named. Where
/// several processes share a database, the one that answers reads its own file; the others notice by themselves when theirs changes.
#[utoipa::path(
    post, path = "/config/reload", operation_id = "reload_configuration", tag = "configuration",
    responses(
        (status = 200, description = "It is in force, as far as it can be without a restart", body = ConfigReload),
        (status = 409, description = "This process has no configuration that it could read again", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It has errors, and the one before stays in force", body = ConfigReload),
    )
)]
pub async fn reload_configuration(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
) -> Result<(StatusCode, Json<ConfigReload>), Problem> {
    let reload = actions::reload_configuration(&ctx, &actor).await?;
    let status = match reload.outcome {
        ReloadOutcome::Applied | ReloadOutcome::Unchanged => StatusCode::OK,
        ReloadOutcome::Refused => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok((status, Json(reload)))
}

/// When the configuration was read again
#[utoipa::path(
    get, path = "/config/reloads", operation_id = "list_configuration_reloads", tag = "configuration",
    responses((
        status = 200, description = "The last times in all processes, newest first; errors and names for admins alone",
        body = [ConfigReload],
    ))
)]
pub async fn list_reloads(State(ctx): State<Actions>, Actor(actor): Actor) -> Result<Json<Vec<ConfigReload>>, Problem> {
    Ok(Json(actions::list_reloads(&ctx, &actor).await?))
}

/// A configuration as it is written.
pub struct Yaml(String);

impl<S: Send + Sync> FromRequest<S> for Yaml {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_yaml(request.headers()) {
            let detail = "What is sent here is YAML: its content type must be application/yaml";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let text = String::from_request(request, state).await;
        text.map(Self).map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))
    }
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // Parameters such as a charset may follow.
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim).unwrap_or_default();
    ["application/yaml", "application/x-yaml", "text/yaml"].iter().any(|yaml| kind.eq_ignore_ascii_case(yaml))
}

/// Check a configuration
///
/// Says everything that is wrong with it, and has no effect. Variables are those that this process was started with. Other files are
/// read only where they are in use already.
#[utoipa::path(
    post, path = "/config/validate", operation_id = "validate_configuration", tag = "configuration",
    request_body(content = serde_json::Value, content_type = "application/yaml", description = "A whole `kubestats.yaml`"),
    responses(
        (status = 200, description = "Whether it could be put in force, and all errors", body = ConfigCheck),
        (status = 409, description = "This process has no configuration that it could read again", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not YAML", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn validate_configuration(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Yaml(text): Yaml,
) -> Result<Json<ConfigCheck>, Problem> {
    Ok(Json(actions::check_configuration(&ctx, &actor, text).await?))
}
