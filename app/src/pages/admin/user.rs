use leptos::prelude::*;

use super::act::{
    ChangeAccountRole, DeleteAccount, EndSessionsOf, MakeAccountLink, RemoveSecondFactorOf, SwitchAccount,
};
use super::data::{UserData, find_user};
use super::users::state;
use super::{load_still, role_options, show, skeleton};
use crate::components::{
    ActForm, Breadcrumb, Crumb, MaybeTimeAgo, Notice, Once, PageHead, PageUrl, Section, TimeAgo, counted,
};
use crate::pages::outcome::outcome;

/// `/admin/users/{id}`
#[component]
pub fn AdminUser() -> impl IntoView {
    let page = load_still(|path, query| find_user(path.get("id").unwrap_or_default(), query));
    show(page, "The account", skeleton, view)
}

fn view(data: UserData, _: PageUrl) -> AnyView {
    let UserData { now, account, is_own, roles, sessions, tokens, outcome: told, link } = data;
    let many = |count: usize, one, more| counted(i64::try_from(count).unwrap_or(i64::MAX), one, more);
    let facts = view! {
        {state(&account)}
        <span class="tag">{account.role.clone()}</span>
        {account.full_name.clone()}
        <span class="quiet">"created " <TimeAgo time=account.created_at now /></span>
        <span class="quiet">"last sign-in " <MaybeTimeAgo time=account.last_sign_in_at now /></span>
        <span class="quiet">{if account.has_second_factor { "second factor on" } else { "no second factor" }}</span>
        <span class="quiet">{many(sessions, "session", "sessions")}</span>
        <span class="quiet">{many(tokens, "token", "tokens")}</span>
        <a href=format!("/admin/audit?account_id={}", account.id)>"What they did"</a>
    };
    let id = account.id.to_string();
    let own = is_own.then(|| view! { <Notice>"This is your own account. " <a href="/account">"Its page"</a> " has password, sessions and tokens."</Notice> });
    let crumbs = vec![
        Crumb::link("Administration", "/admin/users"),
        Crumb::link("Users", "/admin/users"),
        Crumb::here(account.email.clone()),
    ];
    view! {
        <Breadcrumb crumbs />
        <PageHead title=account.email.clone() facts=facts.into_any() />
        {outcome(told)}
        {link.map(shown)}
        {own}
        <div class="settings">
            {role(id.clone(), roles, &account.role)}
            {access(id.clone(), account.has_password, account.is_active)}
            {(account.has_second_factor && !is_own).then(|| second_factor(id.clone()))}
            {delete(id, account.email)}
        </div>
    }
    .into_any()
}

fn shown(path: String) -> AnyView {
    let is_bare = path.starts_with('/');
    view! {
        <Once name="this link" what="link" text=path beside=" It works once, for 48 hours.">
            {is_bare.then(|| view! { <p class="quiet">"Put this site’s address before it."</p> })}
            <p class="quiet">"Send it so that only the owner of the account reads it: whoever opens it first chooses the password."</p>
        </Once>
    }
    .into_any()
}

fn role(id: String, roles: Vec<String>, now: &str) -> AnyView {
    let action = ServerAction::<ChangeAccountRole>::new();
    let options = role_options(roles, now);
    view! {
        <Section title="Role">
            <ActForm action class="settings-line">
                <input type="hidden" name="account_id" value=id />
                <label class="field-inline"><span class="field-label">"Role"</span><select name="role">{options}</select></label>
                <button type="submit" class="button">"Change role"</button>
                <a href="/admin/roles">"What roles may do"</a>
            </ActForm>
        </Section>
    }
    .into_any()
}

fn access(id: String, has_password: bool, is_active: bool) -> AnyView {
    let (link, end, switch) = (
        ServerAction::<MakeAccountLink>::new(),
        ServerAction::<EndSessionsOf>::new(),
        ServerAction::<SwitchAccount>::new(),
    );
    let (same, again) = (id.clone(), id.clone());
    let make = if has_password { "Make a new-password link" } else { "Make a new invitation link" };
    let (word, about) = if is_active {
        ("Switch off", "Can’t sign in any more, and is signed out everywhere at once. Tokens stop working too.")
    } else {
        ("Switch on", "Can sign in again.")
    };
    view! {
        <Section title="Access">
            <ul class="settings-acts">
                <li>
                    <ActForm action=link><input type="hidden" name="account_id" value=id /><button type="submit" class="button">{make}</button></ActForm>
                    <p class="quiet">"Earlier links stop working. Once it is used, all sessions, tokens and connections end."</p>
                </li>
                <li>
                    <ActForm action=end><input type="hidden" name="account_id" value=same /><button type="submit" class="button">"Sign out everywhere"</button></ActForm>
                    <p class="quiet">"Ends all sessions of browsers and programs. Tokens go on working."</p>
                </li>
                <li>
                    <ActForm action=switch>
                        <input type="hidden" name="account_id" value=again />
                        <input type="hidden" name="is_active" value=(!is_active).to_string() />
                        <button type="submit" class="button">{word}</button>
                    </ActForm>
                    <p class="quiet">{about}</p>
                </li>
            </ul>
        </Section>
    }
    .into_any()
}

fn second_factor(id: String) -> AnyView {
    let action = ServerAction::<RemoveSecondFactorOf>::new();
    view! {
        <Section title="Second factor">
            <ActForm action class="settings-line">
                <input type="hidden" name="account_id" value=id />
                <button type="submit" class="button">"Remove second factor"</button>
            </ActForm>
            <p class="quiet">"For who lost the device and all recovery codes. No code is asked for any more, and all sessions end. Be sure who asks you."</p>
        </Section>
    }
    .into_any()
}

fn delete(id: String, email: String) -> AnyView {
    let action = ServerAction::<DeleteAccount>::new();
    view! {
        <Section title="Delete">
            <details class="disclosure">
                <summary class="button danger">"Delete account…"</summary>
                <p>"Deletes " <strong>{email}</strong> " with sessions, tokens and linked identities. This can’t be undone. The audit log keeps what they did."</p>
                <ActForm action>
                    <input type="hidden" name="account_id" value=id />
                    <button type="submit" class="button danger">"Delete for good"</button>
                </ActForm>
            </details>
        </Section>
    }
    .into_any()
}
