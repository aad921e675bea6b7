//! `/account`: who somebody is here, and what lets them in.

mod act;
mod connections;
mod data;
#[cfg(feature = "ssr")]
mod device;
mod second_factor;
mod sessions;
mod tokens;

use entity::view::{Account as View, ApiToken, ShownOnce, Timestamp, WaitingAddress};
use leptos::prelude::*;

use self::act::{CancelAddress, ChangePassword, ChangeProfile};
use self::data::{AccountData, read_account};
use self::tokens::ends_soon;
use super::outcome::outcome;
use super::{load_still, show};
use crate::components::{
    ActForm, Breadcrumb, Crumb, InputField, Notice, PageHead, PageUrl, Section, SkeletonBlock, SkeletonRows, TimeAgo,
};
use crate::theme::ThemeSwitch;

#[cfg(feature = "ssr")]
pub(super) use self::data::idle_since;
#[cfg(feature = "ssr")]
pub(super) use self::device::device;

/// The own account.
#[component]
pub fn Account() -> impl IntoView {
    let page = load_still(|_, query| read_account(query));
    show(page, "Your account", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=8 />
    }
    .into_any()
}

fn view(data: AccountData, _: PageUrl) -> AnyView {
    let AccountData { now, account, waiting, sessions, tokens, scopes, outcome: told, shown, picture, .. } = data;
    let (identities, providers, offer) = (data.identities, data.providers, data.offer);
    let facts = view! {
        <span>{account.email.clone()}</span>
        <span class="fact"><span class="quiet">"role "</span><strong>{account.role.clone()}</strong></span>
    };
    let (token, codes) = match shown {
        Some(ShownOnce::Token { name, text }) => (Some((name, text)), None),
        Some(ShownOnce::RecoveryCodes(codes)) => (None, Some(codes)),
        _ => (None, None),
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Your account")] />
        <PageHead title="Your account" facts=facts.into_any() />
        {outcome(told)}
        {ending(&tokens, now)}
        <div class="settings">
            {profile(&account, waiting, now)}
            {appearance()}
            {password(&account)}
            {second_factor::view(&account, picture, codes)}
            {connections::view(identities, providers, offer, account.has_password, now)}
            {sessions::view(sessions, now)}
            {tokens::view(tokens, scopes, token, now)}
        </div>
    }
    .into_any()
}

/// Which tokens stop working soon: whoever sees it here can make others in time.
fn ending(tokens: &[ApiToken], now: Timestamp) -> Option<AnyView> {
    let ending = tokens.iter().filter_map(|token| Some((token.name.clone(), ends_soon(token, now)?)));
    let ending: Vec<(String, Timestamp)> = ending.collect();
    let what = match ending.len() {
        0 => return None,
        1 => "A token stops working soon. Make a new one before that: ",
        _ => "Tokens stop working soon. Make new ones before that: ",
    };
    let one = |(name, end): (String, Timestamp)| {
        view! { <li><strong>{name}</strong> " " <TimeAgo time=end now /></li> }
    };
    let list = ending.into_iter().map(one).collect_view();
    Some(
        view! {
            <Notice tone="warn">
                <p>{what} <a href="#tokens">"API tokens"</a></p>
                <ul>{list}</ul>
            </Notice>
        }
        .into_any(),
    )
}

/// The same switch as in the bar above; it is kept for this browser.
fn appearance() -> AnyView {
    view! {
        <Section title="Appearance" id="appearance">
            <div class="settings-line"><ThemeSwitch /></div>
            <p class="quiet">"Light, dark, or as your system is. This browser remembers it."</p>
        </Section>
    }
    .into_any()
}

fn profile(account: &View, waiting: Option<WaitingAddress>, now: Timestamp) -> AnyView {
    let action = ServerAction::<ChangeProfile>::new();
    let (email, name) = (account.email.clone(), account.full_name.clone());
    view! {
        <Section title="Profile" id="profile">
            {waiting.map(|waiting| waits(waiting, now))}
            <ActForm action class="settings-form" clear=true>
                <InputField name="full_name" label="Name" autocomplete="name" value=name required=false within="profile" />
                <InputField name="email" label="E-mail address" kind="email" autocomplete="email" value=Some(email) within="profile" />
                <InputField
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="current-password"
                    required=false
                    within="profile"
                    hint="Only needed to change the e-mail address."
                />
                <p><button type="submit" class="button">"Save profile"</button></p>
            </ActForm>
        </Section>
    }
    .into_any()
}

/// An address that its person has yet to show to be theirs.
fn waits(waiting: WaitingAddress, now: Timestamp) -> AnyView {
    let action = ServerAction::<CancelAddress>::new();
    let WaitingAddress { email, asked_at } = waiting;
    view! {
        <Notice>
            <p>
                "Your new address waits for confirmation: we sent a link to " <strong>{email}</strong> " "
                <TimeAgo time=asked_at now /> ". Until you open it, your address stays as it is."
            </p>
            <ActForm action><button type="submit" class="button small">"Cancel the change"</button></ActForm>
        </Notice>
    }
    .into_any()
}

fn password(account: &View) -> AnyView {
    if !account.has_password {
        return view! {
            <Section title="Password" id="password">
                <p class="quiet">"You sign in with another service and have no password here. An admin can send you a link to choose one."</p>
            </Section>
        }
        .into_any();
    }
    let action = ServerAction::<ChangePassword>::new();
    let email = account.email.clone();
    view! {
        <Section title="Password" id="password">
            <ActForm action class="settings-form" clear=true>
                // Password managers take the name of the account from it.
                <input type="hidden" autocomplete="username" value=email />
                <InputField name="current" label="Current password" kind="password" autocomplete="current-password" within="password" />
                <InputField
                    name="new"
                    label="New password"
                    kind="password"
                    autocomplete="new-password"
                    within="password"
                    hint="15 characters or more, or 8 with a second factor. Common passwords are refused. You are signed out everywhere else."
                />
                <p><button type="submit" class="button">"Change password"</button></p>
            </ActForm>
        </Section>
    }
    .into_any()
}
