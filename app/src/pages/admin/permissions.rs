use entity::kind::{AuditAction, Needs, Permission, Permissions};
use entity::view::{RoleDetail, Route};
use leptos::prelude::*;

use super::data::{PermissionsData, read_permissions};
use super::{head, load_still, show, skeleton};
use crate::components::{Glyph, Icon, PageUrl, Section, Table};

/// `/admin/permissions`
#[component]
pub fn AdminPermissions() -> impl IntoView {
    let page = load_still(|_, _| read_permissions());
    show(page, "The permissions", skeleton, view)
}

/// Whether a role may, in sign and word.
pub(super) fn may(has: bool) -> AnyView {
    let (glyph, word, class) = if has { (Glyph::Check, "yes", "may") } else { (Glyph::Minus, "no", "may-not") };
    view! { <span class=class><Icon glyph /><span class="sr-only">{word}</span></span> }.into_any()
}

/// An action as people read it.
pub(super) fn action_words(action: AuditAction) -> String {
    let words = action.as_str().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// What everybody may do is made of the same table that decides.
fn view(data: PermissionsData, _: PageUrl) -> AnyView {
    let own: Vec<_> =
        AuditAction::ALL.iter().copied().filter(|action| action.needs().is_none()).map(action_words).collect();
    let by_permission = Permission::ALL.iter().map(|permission| {
        let actions: Vec<AuditAction> =
            AuditAction::ALL.iter().copied().filter(|action| action.needs() == Some(*permission)).collect();
        group(*permission, actions, &data.roles)
    });
    let by_permission = by_permission.collect_view();
    let heads = data.roles.iter().map(|role| view! { <th scope="col">{role.name.clone()}</th> }).collect_view();
    view! {
        {head("Permissions", ().into_any())}
        <p class="quiet page-about">"Every action, the permission it needs, and the roles that have it. Whoever may administer may do everything."</p>
        <Table caption="Actions and roles">
            <thead><tr><th scope="col">"Action"</th><th scope="col">"Needs"</th>{heads}</tr></thead>
            {by_permission}
        </Table>
        <Section title="Needs no permission">
            <p class="quiet">"About one’s own account, or about getting in: " {own.join(", ")} "."</p>
        </Section>
        {routes("The API", "Operations and roles", data.operations, &data.roles, data.anonymous_read)}
        {routes("Pages", "What pages ask for, and roles", data.functions, &data.roles, data.anonymous_read)}
    }
    .into_any()
}

/// A permission with the actions that need it; one that none needs opens what is read.
fn group(permission: Permission, actions: Vec<AuditAction>, roles: &[RoleDetail]) -> AnyView {
    let cells = || {
        let one = |role: &RoleDetail| {
            let has = role.permissions.iter().copied().collect::<Permissions>().has(permission);
            view! { <td data-label=role.name.clone()>{may(has)}</td> }
        };
        roles.iter().map(one).collect_view()
    };
    let names: Vec<String> = match actions.is_empty() {
        true => vec![permission.label().to_owned()],
        false => actions.into_iter().map(action_words).collect(),
    };
    let row = |name: String| {
        view! {
            <tr>
                <th scope="row" data-label="Action">{name}</th>
                <td data-label="Needs" title=permission.label()><code>{permission.as_str()}</code></td>
                {cells()}
            </tr>
        }
    };
    let rows = names.into_iter().map(row).collect_view();
    view! { <tbody>{rows}</tbody> }.into_any()
}

/// What can be asked for at one of them, with what it needs and who is answered.
fn routes(
    title: &'static str,
    caption: &'static str,
    routes: Vec<Route>,
    roles: &[RoleDetail],
    anonymous_read: bool,
) -> AnyView {
    let mut who: Vec<(String, Permissions, bool)> =
        roles.iter().map(|role| (role.name.clone(), role.permissions.iter().copied().collect(), true)).collect();
    let nobody = anonymous_read.then_some(Permission::Read).into_iter().collect();
    who.insert(0, ("signed out".to_owned(), nobody, false));
    let heads = who.iter().map(|(name, ..)| view! { <th scope="col">{name.clone()}</th> }).collect_view();
    let row = |route: Route| {
        let cells = who.iter().map(|(name, permissions, is_signed_in)| {
            view! { <td data-label=name.clone()>{may(route.needs.allows(*permissions, *is_signed_in))}</td> }
        });
        let cells = cells.collect_view();
        let needs = match route.needs {
            Needs::Permission(permission) => view! { <code>{permission.as_str()}</code> }.into_any(),
            other => other.word().into_any(),
        };
        view! {
            <tr>
                <th scope="row" data-label="Request"><code>{route.verb} " " {route.path}</code></th>
                <td data-label="Needs">{needs}</td>
                {cells}
            </tr>
        }
    };
    let rows = routes.into_iter().map(row).collect_view();
    view! {
        <Section title>
            <Table caption>
                <thead><tr><th scope="col">"Request"</th><th scope="col">"Needs"</th>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}
