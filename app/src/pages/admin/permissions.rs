use entity::kind::{AuditAction, Permission, Permissions};
use entity::view::RoleDetail;
use leptos::prelude::*;

use super::data::{RolesData, read_roles};
use super::{head, load_still, show, skeleton};
use crate::components::{Glyph, Icon, PageUrl, Section, Table};

/// `/admin/permissions`
#[component]
pub fn AdminPermissions() -> impl IntoView {
    let page = load_still(|_, query| read_roles(query));
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
fn view(data: RolesData, _: PageUrl) -> AnyView {
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
