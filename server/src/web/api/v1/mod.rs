//! `/api/v1`: a superset of the Kubestats v1 API, one file per word.

pub mod access;
pub mod accounts;
pub mod admin;
pub mod at;
pub mod audit;
pub mod branches;
pub mod chart_parts;
pub mod chart_values;
pub mod charts;
pub mod commits;
pub mod configuration;
pub mod deliveries;
pub mod discovery;
pub mod ecosystem;
pub mod elsewhere;
pub mod events;
pub mod forges;
pub mod images;
pub mod jobs;
pub mod repositories;
pub mod repository_parts;
pub mod resources;
pub mod tasks;
pub mod trigger_bodies;
pub mod triggers;
pub mod versions;
pub mod watch;

use actions::Refusal;
use axum::http::{HeaderName, StatusCode, header};
use entity::view::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::super::stream;
use super::problem::{Problem, Refused};
use crate::state::AppState;

/// Every operation, with paths relative to `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(repositories::list_repositories, discovery::add_repositories))
        .routes(routes!(discovery::discover_repositories))
        .routes(routes!(discovery::get_discovery))
        .routes(routes!(discovery::why_not_here))
        .routes(routes!(repositories::get_repository_stats))
        .routes(routes!(repositories::list_recent_repositories))
        .routes(routes!(repositories::search_repositories))
        .routes(routes!(repositories::get_repository, discovery::delete_repository))
        .routes(routes!(discovery::approve_repository))
        .routes(routes!(discovery::block_repository))
        .routes(routes!(repositories::list_repository_metrics))
        .routes(routes!(repositories::sync_repository))
        .routes(routes!(repositories::scan_repository))
        .routes(routes!(events::list_repository_events))
        .routes(routes!(events::list_repository_event_counts))
        .routes(routes!(events::list_repository_event_trends))
        .routes(routes!(events::list_event_upgrades))
        .routes(routes!(
            access::get_repository_access,
            access::change_repository_access,
            access::delete_repository_access
        ))
        .routes(routes!(watch::get_watch, watch::change_watch, watch::delete_watch))
        .routes(routes!(watch::get_watch_preview))
        .routes(routes!(watch::create_webhook_secret, watch::delete_webhook_secret))
        .routes(routes!(watch::list_repository_webhooks))
        .routes(routes!(branches::list_repository_branches))
        .routes(routes!(branches::list_branches))
        .routes(routes!(branches::get_branch))
        .routes(routes!(branches::list_branch_events))
        .routes(routes!(branches::get_branch_event))
        .routes(routes!(repository_parts::list_repository_resources))
        .routes(routes!(repository_parts::list_repository_tree))
        .routes(routes!(repository_parts::list_repository_problems))
        .routes(routes!(repository_parts::list_repository_charts))
        .routes(routes!(repository_parts::list_release_values))
        .routes(routes!(repository_parts::list_repository_images))
        .routes(routes!(resources::list_resources))
        .routes(routes!(resources::list_grouped_resources))
        .routes(routes!(resources::get_resource))
        .routes(routes!(resources::list_resource_versions))
        .routes(routes!(resources::get_resource_state))
        .routes(routes!(resources::list_resource_uses))
        .routes(routes!(versions::diff_resource))
        .routes(routes!(versions::get_resource_manifest))
        .routes(routes!(commits::get_commit))
        .routes(routes!(charts::list_charts))
        .routes(routes!(charts::find_chart_by_key))
        .routes(routes!(charts::get_chart))
        .routes(routes!(charts::list_chart_neighbours))
        .routes(routes!(chart_parts::list_chart_releases))
        .routes(routes!(chart_values::list_chart_values))
        .routes(routes!(chart_values::list_chart_path_values))
        .routes(routes!(chart_values::get_chart_value_path))
        .routes(routes!(chart_parts::list_chart_upgrades))
        .routes(routes!(chart_parts::compare_chart_releases))
        .routes(routes!(chart_parts::list_chart_snippets))
        .routes(routes!(images::list_images_in_use))
        .routes(routes!(images::find_image_by_name))
        .routes(routes!(images::list_image_places))
        .routes(routes!(tasks::trigger_schedule))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::get_workers))
        .routes(routes!(tasks::list_tasks))
        .routes(routes!(tasks::get_tasks_overview))
        .routes(routes!(repositories::sync_repositories))
        .routes(routes!(repositories::sync_all_repositories))
        .routes(routes!(ecosystem::list_ecosystem_stats))
        .routes(routes!(ecosystem::get_latest_ecosystem_stats))
        .routes(routes!(ecosystem::get_ecosystem_trends))
        .routes(routes!(ecosystem::get_ecosystem_overview))
        .routes(routes!(ecosystem::get_ecosystem_charts))
        .routes(routes!(ecosystem::trigger_aggregation))
        .routes(routes!(ecosystem::list_helm_release_activity))
        .routes(routes!(ecosystem::get_database_stats))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::get_job_log))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(accounts::login))
        .routes(routes!(accounts::refresh))
        .routes(routes!(accounts::logout))
        .routes(routes!(elsewhere::begin_elsewhere))
        .routes(routes!(elsewhere::end_elsewhere))
        .routes(routes!(accounts::read_me))
        .routes(routes!(accounts::read_own, accounts::change_own))
        .routes(routes!(accounts::list_sessions))
        .routes(routes!(accounts::end_session))
        .routes(routes!(accounts::list_tokens, accounts::create_token))
        .routes(routes!(accounts::revoke_token))
        .routes(routes!(admin::list_accounts, admin::create_account))
        .routes(routes!(admin::change_account, admin::delete_account))
        .routes(routes!(admin::make_link))
        .routes(routes!(admin::delete_second_factor))
        .routes(routes!(admin::list_roles))
        .routes(routes!(admin::put_role, admin::delete_role))
        .routes(routes!(audit::list_audit_entries))
        .routes(routes!(configuration::reload_configuration))
        .routes(routes!(configuration::list_reloads))
        .routes(routes!(configuration::validate_configuration))
        .routes(routes!(forges::list_forges))
        .routes(routes!(forges::set_forge_token, forges::remove_forge_token))
        .routes(routes!(triggers::list_triggers, triggers::create_trigger))
        .routes(routes!(triggers::test_condition))
        .routes(routes!(triggers::test_dry_run))
        .routes(routes!(triggers::get_trigger, triggers::change_trigger, triggers::delete_trigger))
        .routes(routes!(triggers::enable_trigger))
        .routes(routes!(triggers::disable_trigger))
        .routes(routes!(triggers::change_trigger_secret, triggers::delete_trigger_secret))
        .routes(routes!(triggers::create_trigger_sink, triggers::delete_trigger_sink))
        .routes(routes!(triggers::test_trigger))
        .routes(routes!(deliveries::replay_trigger))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(deliveries::replay_delivery))
}

/// Operations whose answers are not built in memory.
pub fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream::stream_live)).routes(routes!(audit::get_audit_export))
}

/// The answer to a request for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// What will be done, for people.
    pub message: String,
    /// The job that does it, at `/api/v1/jobs/{job_id}`.
    pub job_id: Uuid,
}

/// What was asked for and is not done, in the words that clients of the v1 API know where they know any.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(error) => Self::from(error),
            Refusal::Missing("repository") => Problem::not_found(repositories::NOT_FOUND),
            Refusal::Missing("trigger") => Problem::not_found(triggers::NOT_FOUND),
            Refusal::Missing("delivery") => Problem::not_found(deliveries::NOT_FOUND),
            Refusal::Missing("job") => Problem::not_found(jobs::NOT_FOUND),
            Refusal::NoSuchSchedule { name, known } => Problem::not_found(format!(
                "Periodic task '{}' not found; there are: {}",
                name.chars().take(100).collect::<String>(),
                known.join(", ")
            )),
            Refusal::NothingToApprove { status, .. } => Problem::new(
                StatusCode::BAD_REQUEST,
                format!("Repository is neither blocked nor pending approval, but {status}"),
            ),
            Refusal::NotSignedIn => Problem::new(StatusCode::UNAUTHORIZED, "Not authenticated"),
            // In the words that clients of the v1 API know.
            Refusal::NotAllowed(permission) => Problem::new(
                StatusCode::FORBIDDEN,
                format!("The user doesn't have enough privileges: {permission} is needed"),
            ),
            Refusal::Later(seconds) => Problem::too_many(refusal.sentence(), seconds),
            Refusal::NotInPerson | Refusal::OtherRepository => Problem::new(StatusCode::FORBIDDEN, refusal.text()),
            Refusal::WrongPassword => Problem::new(StatusCode::BAD_REQUEST, refusal.text()),
            Refusal::WrongCode => Problem::new(StatusCode::BAD_REQUEST, refusal.text()),
            Refusal::Wrong(errors) => Problem::refused(errors.into_iter().map(refused_field).collect()),
            Refusal::Unusable(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.sentence()),
            Refusal::DeadLink => Problem::new(StatusCode::GONE, refusal.text()),
            Refusal::Busy => Problem::unavailable(refusal.text(), 5),
            refusal if refusal.is_missing() => Problem::not_found(refusal.text()),
            refusal => Problem::conflict(refusal.text()),
        }
    }
}

/// A field of a body that can't be taken.
fn refused_field(error: FieldError) -> Refused {
    let way = error.field.split('.').map(str::to_owned);
    Refused {
        loc: std::iter::once("body".to_owned()).chain(way).collect(),
        msg: error.message,
        kind: "value",
        input: String::new(),
    }
}

/// That a job is queued, and where it can be watched.
fn accepted(job_id: Uuid, message: String) -> (StatusCode, [(HeaderName, String); 1], axum::Json<Accepted>) {
    (StatusCode::ACCEPTED, [watch_job(job_id)], axum::Json(Accepted { message, job_id }))
}

/// Where a job can be watched.
fn watch_job(job_id: Uuid) -> (HeaderName, String) {
    (header::LOCATION, format!("/api/v1/jobs/{job_id}"))
}
