use entity::kind::Permission;
use entity::view::RoleDetail;
use leptos::prelude::*;

use super::act::{CreateRole, DeleteRole, SetRole};
use super::data::{RolesData, read_roles};
use super::permissions::may;
use super::{head, load_still, show, skeleton};
use crate::components::{ActForm, InputField, Number, PageUrl, Section, Table};
use crate::pages::outcome::outcome;

/// `/admin/roles`
#[component]
pub fn AdminRoles() -> impl IntoView {
    let page = load_still(|_, query| read_roles(query));
    show(page, "The roles", skeleton, view)
}

fn view(data: RolesData, _: PageUrl) -> AnyView {
    let RolesData { roles, outcome: told } = data;
    let made = roles.iter().filter(|role| !role.is_built_in).cloned().map(edit).collect_view();
    let heads = Permission::ALL
        .iter()
        .map(|permission| view! { <th scope="col" title=permission.label()>{permission.as_str()}</th> });
    let action = ServerAction::<CreateRole>::new();
    view! {
        {head("Roles", ().into_any())}
        {outcome(told)}
        <Table caption="Roles and their permissions">
            <thead>
                <tr>
                    <th scope="col">"Role"</th>
                    <th scope="col" class="num">"Accounts"</th>
                    {heads.collect_view()}
                </tr>
            </thead>
            <tbody>{roles.into_iter().map(row).collect_view()}</tbody>
        </Table>
        <div class="settings">
            <Section title="Custom roles">
                <p class="quiet">"The four built-in roles can’t be changed. Make your own where none of them fits."</p>
                {made}
                <details class="disclosure">
                    <summary class="button primary">"New role…"</summary>
                    <ActForm action class="settings-form" clear=true>
                        <InputField name="name" label="Name" within="new-role" hint="a to z, 0 to 9, - and _" />
                        {boxes(&[Permission::Read])}
                        <p><button type="submit" class="button primary">"Create role"</button></p>
                    </ActForm>
                </details>
            </Section>
        </div>
    }
    .into_any()
}

fn row(role: RoleDetail) -> AnyView {
    let cells = Permission::ALL
        .iter()
        .map(|permission| {
            let has = role.permissions.contains(permission);
            view! { <td data-label=permission.as_str()>{may(has)}</td> }
        })
        .collect_view();
    let custom = (!role.is_built_in).then(|| view! { " " <span class="tag">"custom"</span> });
    view! {
        <tr>
            <th scope="row" data-label="Role"><strong>{role.name}</strong>{custom}</th>
            <td class="num" data-label="Accounts"><Number value=role.accounts /></td>
            {cells}
        </tr>
    }
    .into_any()
}

fn boxes(chosen: &[Permission]) -> AnyView {
    let one = |permission: &Permission| {
        let has = chosen.contains(permission);
        view! {
            <label class="choice">
                <input type="checkbox" name="permission[]" value=permission.as_str() checked=has />
                <span><code>{permission.as_str()}</code> <span class="quiet">{permission.label()}</span></span>
            </label>
        }
    };
    let boxes = Permission::ALL.iter().map(one).collect_view();
    view! { <fieldset class="choices"><legend>"Permissions"</legend>{boxes}</fieldset> }.into_any()
}

fn edit(role: RoleDetail) -> AnyView {
    let (set, delete) = (ServerAction::<SetRole>::new(), ServerAction::<DeleteRole>::new());
    let (name, same, choices) = (role.name.clone(), role.name.clone(), boxes(&role.permissions));
    view! {
        <details class="disclosure">
            <summary>{role.name}</summary>
            <ActForm action=set class="settings-form">
                <input type="hidden" name="name" value=name />
                {choices}
                <p><button type="submit" class="button">"Save role"</button></p>
            </ActForm>
            {if role.accounts == 0 {
                view! {
                    <ActForm action=delete>
                        <input type="hidden" name="name" value=same />
                        <button type="submit" class="button danger">"Delete role"</button>
                    </ActForm>
                }
                .into_any()
            } else {
                view! { <p class="quiet">"It can be deleted once no account has it."</p> }.into_any()
            }}
        </details>
    }
    .into_any()
}
