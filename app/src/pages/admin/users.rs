use entity::kind::Role;
use entity::view::{Account, Timestamp};
use leptos::prelude::*;

use super::act::CreateAccount;
use super::data::{UsersData, read_users};
use super::{head, load_still, role_options, show, skeleton};
use crate::components::{
    ActForm, EmptyState, FilterBar, Glyph, InputField, MaybeTimeAgo, PageUrl, Pager, Table, TextField, status,
};
use crate::pages::outcome::outcome;

/// `/admin/users`
#[component]
pub fn AdminUsers() -> impl IntoView {
    let page = load_still(|_, query| read_users(query));
    show(page, "The accounts", skeleton, view)
}

fn view(data: UsersData, url: PageUrl) -> AnyView {
    let UsersData { now, accounts, page, roles, outcome: told } = data;
    let text = url.get("text").map(str::to_owned);
    let list = if accounts.count == 0 {
        view! { <EmptyState title="No account matches"><p><a href="/admin/users">"See all accounts"</a></p></EmptyState> }.into_any()
    } else {
        let rows = accounts.data.into_iter().map(|account| row(account, now)).collect_view();
        view! {
            <Table caption="Accounts">
                <thead>
                    <tr>
                        <th scope="col">"E-mail address"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Second factor"</th>
                        <th scope="col">"Last sign-in"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        }
        .into_any()
    };
    view! {
        {head("Users", ().into_any())}
        {outcome(told)}
        <div class="settings-wide">{invite(roles)}</div>
        <FilterBar url=url.clone() keys=&["text"]>
            <TextField name="text" label="Search users" search=true placeholder="E-mail address or name" value=text />
        </FilterBar>
        {list}
        <Pager page count=accounts.count url what="accounts" />
    }
    .into_any()
}

fn invite(roles: Vec<String>) -> AnyView {
    let action = ServerAction::<CreateAccount>::new();
    view! {
        <details class="disclosure">
            <summary class="button primary">"Invite user…"</summary>
            <ActForm action class="settings-form" clear=true>
                <InputField name="email" label="E-mail address" kind="email" within="invite" />
                <InputField name="full_name" label="Name (optional)" required=false within="invite" />
                <label class="field-inline settings-days">
                    <span class="field-label">"Role"</span>
                    <select name="role">{role_options(roles, Role::User.as_str())}</select>
                </label>
                <p class="field-hint">"Kubestats makes a link for you to send. It works once, for 48 hours, and lets them choose a password."</p>
                <p><button type="submit" class="button primary">"Create account"</button></p>
            </ActForm>
        </details>
    }
    .into_any()
}

/// Whether an account may sign in, and did.
pub(super) fn state(account: &Account) -> AnyView {
    let (tone, glyph, word) = if !account.is_active {
        ("idle", Glyph::Blocked, "off")
    } else if account.last_sign_in_at.is_none() {
        ("warn", Glyph::Clock, if account.has_password { "never signed in" } else { "invited" })
    } else {
        ("good", Glyph::Check, "active")
    };
    status(tone, glyph, word)
}

fn row(account: Account, now: Timestamp) -> AnyView {
    let state = state(&account);
    let second = if account.has_second_factor { "on" } else { "off" };
    view! {
        <tr>
            <td class="row-link" data-label="E-mail address"><a href=format!("/admin/users/{}", account.id)>{account.email}</a></td>
            <td data-label="Name">{account.full_name.unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label="Role"><span class="tag">{account.role}</span></td>
            <td data-label="State">{state}</td>
            <td data-label="Second factor">{second}</td>
            <td data-label="Last sign-in"><MaybeTimeAgo time=account.last_sign_in_at now /></td>
        </tr>
    }
    .into_any()
}
