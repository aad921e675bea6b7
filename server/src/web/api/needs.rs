//! What each operation needs: one table, which the gate in front of all operations reads, and `/admin/permissions` shows.
//!
//! Actions ask for the same again, as they have other routes too; what an action needs stands in [`AuditAction::needs`] alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use actions::{Actor, Refusal};
use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use entity::kind::{AuditAction, Needs, Permission};
use entity::view::Route;
use utoipa::openapi::path::Operation;

use super::openapi;
use super::problem::Problem;
use crate::web::{metrics, rights::not_signed_in};

/// What an operation needs, by its name. Whatever only reads needs that; what is not here and changes something is refused to
/// all but admins, and a test names it.
fn by_name(operation: &str) -> Option<Needs> {
    use AuditAction::{
        AddRepositories, AddTrigger, Aggregate, ApproveRepository, BlockRepository, CancelJob, ChangeAccount,
        ChangeRole, ChangeTrigger, CheckConfiguration, CreateAccount, DeleteAccount, DeleteRepository, DeleteRole,
        Discover, InviteAccount, ReloadConfiguration, RemoveRepositoryAccess, RemoveSecret, RemoveTrigger,
        RemoveTriggerSecret, RemoveTriggerSink, RemoveWebhookSecret, ReplayDeliveries, ScanRepository,
        SetRepositoryAccess, SetSecret, SetTriggerSecret, SetTriggerSink, SetWatch, SetWebhookSecret, SwitchTrigger,
        SyncRepositories, SyncRepository, TestTrigger, TriggerSchedule, UnsetWatch,
    };
    Some(match operation {
        "get_access_token" | "get_next_access_token" | "end_own_session" => Needs::Nothing,
        "receive_github_webhook"
        | "receive_gitlab_webhook"
        | "receive_forgejo_webhook"
        | "receive_generic_webhook"
        | "receive_tekton_event" => Needs::WebhookSecret,
        "get_metrics" | "get_v1_metrics" => Needs::MetricsToken,
        "get_me" | "get_own_account" | "list_sessions" | "list_tokens" => Needs::Account,
        "change_own_account" | "end_session" | "create_token" | "revoke_token" => Needs::Person,
        "list_accounts"
        | "list_roles"
        | "list_audit_entries"
        | "get_audit_export"
        | "list_forges"
        | "get_database_stats"
        | "delete_second_factor" => Needs::Permission(Permission::Admin),
        "create_account" => Needs::to(CreateAccount),
        "change_account" => Needs::to(ChangeAccount),
        "delete_account" => Needs::to(DeleteAccount),
        "create_account_link" => Needs::to(InviteAccount),
        "change_role" => Needs::to(ChangeRole),
        "delete_role" => Needs::to(DeleteRole),
        "reload_configuration" => Needs::to(ReloadConfiguration),
        "validate_configuration" => Needs::to(CheckConfiguration),
        "change_forge_token" => Needs::to(SetSecret),
        "delete_forge_token" => Needs::to(RemoveSecret),
        "add_repositories" => Needs::to(AddRepositories),
        "delete_repository" => Needs::to(DeleteRepository),
        "approve_repository" => Needs::to(ApproveRepository),
        "block_repository" => Needs::to(BlockRepository),
        "sync_repository" => Needs::to(SyncRepository),
        "change_watch" => Needs::to(SetWatch),
        "delete_watch" => Needs::to(UnsetWatch),
        "create_webhook_secret" => Needs::to(SetWebhookSecret),
        "delete_webhook_secret" => Needs::to(RemoveWebhookSecret),
        "change_repository_access" => Needs::to(SetRepositoryAccess),
        "delete_repository_access" => Needs::to(RemoveRepositoryAccess),
        "scan_repository" => Needs::to(ScanRepository),
        "sync_repositories" | "sync_all_repositories" => Needs::to(SyncRepositories),
        "discover_repositories" => Needs::to(Discover),
        "trigger_aggregation" => Needs::to(Aggregate),
        "trigger_schedule" => Needs::to(TriggerSchedule),
        "cancel_job" => Needs::to(CancelJob),
        "create_trigger" => Needs::to(AddTrigger),
        "change_trigger" => Needs::to(ChangeTrigger),
        "enable_trigger" | "disable_trigger" => Needs::to(SwitchTrigger),
        "delete_trigger" => Needs::to(RemoveTrigger),
        "change_trigger_secret" => Needs::to(SetTriggerSecret),
        "delete_trigger_secret" => Needs::to(RemoveTriggerSecret),
        "create_trigger_sink" => Needs::to(SetTriggerSink),
        "delete_trigger_sink" => Needs::to(RemoveTriggerSink),
        "test_condition" | "test_dry_run" => Needs::Permission(Permission::ManagePipelines),
        "test_trigger" => Needs::to(TestTrigger),
        "replay_delivery" | "replay_trigger" => Needs::to(ReplayDeliveries),
        _ => return None,
    })
}

struct Known {
    name: String,
    path: String,
    needs: Needs,
    is_listed: bool,
}

/// Operations by verb and path.
static OPERATIONS: LazyLock<HashMap<(Method, String), Known>> = LazyLock::new(|| {
    let mut operations = HashMap::new();
    for (path, item) in openapi::operations().paths.paths {
        let of = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PUT, item.put),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        for (method, operation) in of {
            let Some(operation) = operation else { continue };
            let known = known(&path, &method, &operation);
            operations.insert((method, without_slash(&path)), known);
        }
    }
    operations
});

fn known(path: &str, method: &Method, operation: &Operation) -> Known {
    let name = operation.operation_id.clone().unwrap_or_default();
    let listed = by_name(&name);
    let otherwise = match method.is_safe() {
        true if crate::web::rights::is_open(path) => Needs::Nothing,
        true => Needs::Permission(Permission::Read),
        false => Needs::Permission(Permission::Admin),
    };
    Known {
        is_listed: listed.is_some() || method.is_safe(),
        needs: listed.unwrap_or(otherwise),
        path: path.to_owned(),
        name,
    }
}

/// Clients forget it, and are answered.
fn without_slash(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// What an operation needs; nothing where there is no such operation.
#[must_use]
pub fn of(method: &Method, path: &str) -> Option<Needs> {
    let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
    OPERATIONS.get(&(method, without_slash(path))).map(|known| known.needs)
}

/// Names of operations that change something and stand in no table.
#[must_use]
pub fn unlisted() -> Vec<&'static str> {
    OPERATIONS.values().filter(|known| !known.is_listed).map(|known| known.name.as_str()).collect()
}

/// All operations with what they need, by path; figures as where they are kept from strangers.
#[must_use]
pub fn routes() -> Vec<Route> {
    let route = |((method, _), known): (&(Method, String), &Known)| Route {
        verb: method.to_string(),
        path: known.path.clone(),
        needs: known.needs,
    };
    let mut routes: Vec<Route> = OPERATIONS.iter().map(route).collect();
    routes.sort_by(|a, b| (&a.path, &a.verb).cmp(&(&b.path, &b.verb)));
    routes
}

/// The same as this server answers them: whose figures are depends on its configuration.
#[must_use]
pub fn routes_here(figures: &metrics::Access) -> Vec<Route> {
    let mut routes = routes();
    for route in routes.iter_mut().filter(|route| route.needs == Needs::MetricsToken) {
        route.needs = figures.needs();
    }
    routes
}

/// The gate in front of all operations, before anything of a request is read.
pub async fn gate(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let needs = path.and_then(|path| of(request.method(), path.as_str()));
    match needs.map_or(Ok(()), |needs| check(needs, request.extensions().get::<Actor>())) {
        Ok(()) => next.run(request).await,
        Err(Refusal::NotSignedIn) => not_signed_in(),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

fn check(needs: Needs, actor: Option<&Actor>) -> Result<(), Refusal> {
    let actor = || actor.ok_or(Refusal::NotSignedIn);
    match needs {
        // Webhooks look at their secret by themselves.
        Needs::Nothing | Needs::WebhookSecret => Ok(()),
        Needs::Permission(permission) => actor()?.need(permission),
        // Figures look at their token by themselves, outside of this gate, which knows accounts alone.
        Needs::MetricsToken | Needs::NotHere => actor()?.need(Permission::ViewMetrics),
        Needs::Account => actor()?.signed_in().map(drop),
        Needs::Person => actor()?.in_person().map(drop),
    }
}
