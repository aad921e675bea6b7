//! What each server function needs, as `/admin/permissions` shows it. The functions ask their action, or the actor at hand; a
//! test asks every one of them as every role and compares.

use entity::kind::{AuditAction, Needs, Permission};
use entity::view::Route;
use leptos::server_fn::axum::server_fn_paths;

/// Where server functions are.
const PLACE: &str = "/ui/";

/// What a server function needs, by its path. What only reads needs that, unless it is here; what changes something is here.
#[must_use]
pub fn needs(path: &str, is_read: bool) -> Option<Needs> {
    use AuditAction::{
        AddRepositories, AddTrigger, CancelJob, ChangeAccount, ChangeRole, CreateAccount, CreateRole, DeleteAccount,
        DeleteRole, Discover, InviteAccount, ReloadConfiguration, RemoveRepositoryAccess, RemoveSecret, RemoveTrigger,
        RemoveTriggerSecret, RemoveTriggerSink, RemoveWebhookSecret, ReplayDeliveries, ScanRepository,
        SetRepositoryAccess, SetSecret, SetTriggerSecret, SetTriggerSink, SetWatch, SetWebhookSecret, SwitchTrigger,
        SyncRepositories, SyncRepository, TestTrigger, TriggerSchedule, UnsetWatch,
    };
    Some(match path.strip_prefix(PLACE)? {
        "theme" | "welcome" => Needs::Nothing,
        "account" => Needs::Account,
        "change_profile"
        | "cancel_address"
        | "change_password"
        | "begin_second_factor"
        | "confirm_second_factor"
        | "remove_second_factor"
        | "end_session"
        | "end_other_sessions"
        | "link_identity"
        | "unlink_identity"
        | "create_token"
        | "revoke_token" => Needs::Person,
        "users"
        | "user"
        | "roles"
        | "permissions"
        | "forges"
        | "audit"
        | "end_sessions_of"
        | "remove_second_factor_of" => Needs::Permission(Permission::Admin),
        "create_account" => Needs::to(CreateAccount),
        "make_account_link" => Needs::to(InviteAccount),
        "change_account_role" | "switch_account" => Needs::to(ChangeAccount),
        "delete_account" => Needs::to(DeleteAccount),
        "create_role" => Needs::to(CreateRole),
        "set_role" => Needs::to(ChangeRole),
        "delete_role" => Needs::to(DeleteRole),
        "set_forge_token" => Needs::to(SetSecret),
        "remove_forge_token" => Needs::to(RemoveSecret),
        "adding" | "confirm" | "add" => Needs::to(AddRepositories),
        "act" | "request_sync" => Needs::to(SyncRepository),
        "set_watch" => Needs::to(SetWatch),
        "unset_watch" => Needs::to(UnsetWatch),
        "make_webhook_secret" => Needs::to(SetWebhookSecret),
        "remove_webhook_secret" => Needs::to(RemoveWebhookSecret),
        "set_access" => Needs::to(SetRepositoryAccess),
        "remove_access" => Needs::to(RemoveRepositoryAccess),
        "request_scan" => Needs::to(ScanRepository),
        "sync_all" => Needs::to(SyncRepositories),
        "discover" => Needs::to(Discover),
        "trigger_schedule" => Needs::to(TriggerSchedule),
        "cancel_job" => Needs::to(CancelJob),
        "trigger_form" | "check_trigger" | "dry_run_trigger" => Needs::Permission(Permission::ManagePipelines),
        "save_trigger" => Needs::to(AddTrigger),
        "switch_trigger" => Needs::to(SwitchTrigger),
        "remove_trigger" => Needs::to(RemoveTrigger),
        "set_trigger_secret" => Needs::to(SetTriggerSecret),
        "remove_trigger_secret" => Needs::to(RemoveTriggerSecret),
        "make_trigger_sink" => Needs::to(SetTriggerSink),
        "remove_trigger_sink" => Needs::to(RemoveTriggerSink),
        "test_trigger" => Needs::to(TestTrigger),
        "replay_delivery" | "replay_trigger" => Needs::to(ReplayDeliveries),
        "reload_configuration" => Needs::to(ReloadConfiguration),
        _ if is_read => Needs::Permission(Permission::Read),
        _ => return None,
    })
}

/// All server functions with what they need, by path.
#[must_use]
pub fn routes() -> Vec<Route> {
    let route = |(path, method): (&str, axum::http::Method)| Route {
        // What is not in the table is shown as what nobody but an admin should have.
        needs: needs(path, method.is_safe()).unwrap_or(Needs::Permission(Permission::Admin)),
        verb: method.to_string(),
        path: path.to_owned(),
    };
    let mut routes: Vec<Route> = server_fn_paths().map(route).collect();
    routes.sort_by(|a, b| (&a.path, &a.verb).cmp(&(&b.path, &b.verb)));
    routes
}
