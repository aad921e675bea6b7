//! `/admin/…`: accounts, roles, what they may do, forges and their tokens, and what everybody did. Only for those who may administer: what they read
//! checks it first.

mod act;
mod audit;
mod data;
mod forges;
mod permissions;
mod roles;
#[cfg(feature = "ssr")]
mod tell;
mod user;
mod users;

use leptos::prelude::*;

use self::audit::AdminAudit;
use self::forges::AdminForges;
use self::permissions::AdminPermissions;
use self::roles::AdminRoles;
use self::user::AdminUser;
use self::users::AdminUsers;
use super::{load_still, own_path, show};
use crate::components::{Breadcrumb, Crumb, PageHead, SkeletonBlock, SkeletonRows, Tab, Tabs};

/// All of them: one part of the WebAssembly, since who administers goes from one to the next.
#[component]
pub fn Admin() -> impl IntoView {
    match own_path().as_str() {
        "/admin/users" => view! { <AdminUsers /> }.into_any(),
        "/admin/roles" => view! { <AdminRoles /> }.into_any(),
        "/admin/permissions" => view! { <AdminPermissions /> }.into_any(),
        "/admin/forges" => view! { <AdminForges /> }.into_any(),
        "/admin/audit" => view! { <AdminAudit /> }.into_any(),
        _ => view! { <AdminUser /> }.into_any(),
    }
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

const PLACES: [(&str, &str); 5] = [
    ("Users", "/admin/users"),
    ("Roles", "/admin/roles"),
    ("Permissions", "/admin/permissions"),
    ("Forges", "/admin/forges"),
    ("Audit log", "/admin/audit"),
];

/// What stands above each of these pages.
fn head(here: &'static str, actions: AnyView) -> AnyView {
    let tabs = PLACES.map(|(label, href)| Tab::new(label, href, label == here)).into();
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Administration", "/admin/users"), Crumb::here(here)] />
        <PageHead title=here>{actions}</PageHead>
        <Tabs label="Administration" tabs />
    }
    .into_any()
}

/// Roles to choose from.
fn role_options(roles: Vec<String>, chosen: &str) -> Vec<AnyView> {
    let one = |role: String| {
        let (is_chosen, value) = (role == chosen, role.clone());
        view! { <option value=value selected=is_chosen>{role}</option> }.into_any()
    };
    roles.into_iter().map(one).collect()
}
