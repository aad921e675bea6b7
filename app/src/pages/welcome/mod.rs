//! The pages that somebody comes in by: `/sign-in`, `/sign-in/code`, `/sign-in/forgot`, `/set-up/…` and `/welcome/…`. Their forms are plain ones,
//! so that they work without scripts and the page after them is loaded whole, with its new viewer.

mod data;

use entity::kind::LinkKind;
use leptos::prelude::*;

use self::data::{LinkOf, Provider, WelcomeData, read_welcome};
use super::outcome::{OutcomeText, outcome};
use super::{load_still, show};
use crate::components::{Breadcrumb, Crumb, EmptyState, Glyph, InputField, Notice, PageUrl, SkeletonBlock};
use crate::viewer::viewer;

fn skeleton() -> AnyView {
    view! { <SkeletonBlock of="head" /> }.into_any()
}

/// A form in the middle of the page, with its name above it.
fn door(title: &'static str, told: AnyView, inside: AnyView) -> AnyView {
    view! {
        <Breadcrumb crumbs=vec![Crumb::here(title)] />
        <section class="door" aria-labelledby="door-title">
            <h1 id="door-title">{title}</h1>
            {told}
            {inside}
        </section>
    }
    .into_any()
}

/// `/sign-in`, and what stands below it: one part of the WebAssembly for all of them.
#[component]
pub fn SignIn() -> impl IntoView {
    let page = load_still(|_, query| read_welcome(String::new(), query));
    show(page, "The form", skeleton, |data, url| match url.path() {
        "/sign-in/code" => code(data),
        "/sign-in/forgot" => forgot(data),
        _ => sign_in(data),
    })
}

fn sign_in(data: WelcomeData) -> AnyView {
    let WelcomeData { email, outcome: told, from, is_set_up, providers, sends_mail, .. } = data;
    if !is_set_up {
        return door("Sign in", ().into_any(), nobody_yet());
    }
    let known = !email.is_empty();
    let here = viewer().account.map(|account| {
        view! { <Notice>"You are signed in as " <strong>{account.email}</strong> ". " <a href="/account" rel="external">"Your account"</a></Notice> }
    });
    let form = view! {
        {here}
        {others(providers)}
        <form method="post" action="/sign-in" class="door-form">
            <InputField name="email" label="E-mail address" kind="email" autocomplete="username" value=Some(email) first=!known />
            <InputField name="password" label="Password" kind="password" autocomplete="current-password" first=known />
            <input type="hidden" name="from" value=from />
            <button type="submit" class="button primary">"Sign in"</button>
        </form>
        {match sends_mail {
            true => view! { <p><a href="/sign-in/forgot" rel="external">"Forgot your password?"</a></p> }.into_any(),
            false => view! { <p class="quiet">{ASK_AN_ADMIN}</p> }.into_any(),
        }}
    };
    door("Sign in", outcome(told), form.into_any())
}

const ASK_AN_ADMIN: &str = "Forgot your password? An admin can send you a link to choose a new one.";

fn forgot(data: WelcomeData) -> AnyView {
    let form = match data.sends_mail {
        false => view! { <p>{ASK_AN_ADMIN}</p> }.into_any(),
        true => view! {
            <form method="post" action="/sign-in/forgot" class="door-form">
                <InputField
                    name="email"
                    label="E-mail address"
                    kind="email"
                    autocomplete="username"
                    value=Some(data.email)
                    first=true
                    hint="A link to choose a new password goes there. It works once, for an hour."
                />
                <button type="submit" class="button primary">"Send link"</button>
            </form>
        }
        .into_any(),
    };
    let inside = view! { {form} <p><a href="/sign-in" rel="external">"Sign in"</a></p> };
    door("Forgot your password?", outcome(data.outcome), inside.into_any())
}

/// Buttons for those who can say who somebody is.
fn others(providers: Vec<Provider>) -> Option<AnyView> {
    if providers.is_empty() {
        return None;
    }
    let one = |Provider { name, href }| {
        view! { <li><a class="button" href=href rel="external">"Continue with " {name}</a></li> }
    };
    Some(
        view! {
            <ul class="door-others">{providers.into_iter().map(one).collect_view()}</ul>
            <p class="door-or quiet">"or"</p>
        }
        .into_any(),
    )
}

fn nobody_yet() -> AnyView {
    view! {
        <p>"There are no accounts yet. The first one is an admin’s and is made in one of two ways:"</p>
        <ol class="door-ways">
            <li>
                "Open the set-up link that Kubestats wrote to its log and terminal when it started. It begins with "
                <code>"/set-up/"</code> ", works once and for 24 hours; a restart makes a new one."
            </li>
            <li>
                "Or set " <code>"FIRST_SUPERUSER"</code> " (an e-mail address) and " <code>"FIRST_SUPERUSER_PASSWORD"</code>
                " (or " <code>"…_FILE"</code> ") in the environment and restart."
            </li>
        </ol>
        <p class="quiet">"Until then everything can be read and nothing can be changed."</p>
    }
    .into_any()
}

fn code(data: WelcomeData) -> AnyView {
    let form = view! {
        <form method="post" action="/sign-in/code" class="door-form">
            <InputField
                name="code"
                label="Code"
                autocomplete="one-time-code"
                inputmode="numeric"
                first=true
                hint="The six digits your authenticator app shows now."
            />
            <input type="hidden" name="from" value=data.from.clone() />
            <button type="submit" class="button primary">"Sign in"</button>
        </form>
        <details class="disclosure">
            <summary>"Lost your device?"</summary>
            <form method="post" action="/sign-in/code" class="door-form">
                <InputField name="code" within="recovery" label="Recovery code" hint="One of the ten you saved. Each works once." />
                <input type="hidden" name="from" value=data.from />
                <button type="submit" class="button">"Use recovery code"</button>
            </form>
            <p class="quiet">"None left? An admin can remove the second factor of your account."</p>
        </details>
        <p><a href="/sign-in" rel="external">"Sign in as somebody else"</a></p>
    };
    door("Two-factor code", outcome(data.outcome), form.into_any())
}

const PASSWORD: &str = "15 characters or more, or 8 with a second factor. Any characters; a few random words are good. Common \
                        passwords are refused.";

fn set_up(data: WelcomeData, url: PageUrl) -> AnyView {
    if data.is_set_up || data.link.is_none_or(|link| link.kind != LinkKind::SetUp) {
        return dead(if data.is_set_up {
            "Kubestats has been set up already."
        } else {
            "It was used or has expired. Restart Kubestats: the log shows a new one."
        });
    }
    let form = view! {
        <p>"This makes the first account. It may do everything, and it invites the others."</p>
        <form method="post" action=url.path().to_owned() class="door-form">
            <InputField name="email" label="E-mail address" kind="email" autocomplete="username" first=true />
            <InputField name="full_name" label="Name (optional)" autocomplete="name" required=false />
            <InputField name="password" label="Password" kind="password" autocomplete="new-password" hint=PASSWORD />
            <button type="submit" class="button primary">"Create account"</button>
        </form>
    };
    door("Set up Kubestats", outcome(data.outcome), form.into_any())
}

/// `/welcome/…` and `/set-up/…`
#[component]
pub fn Welcome() -> impl IntoView {
    let page = load_still(|path, query| read_welcome(path.get("link").unwrap_or_default(), query));
    show(page, "The form", skeleton, |data, url| match url.path().starts_with("/set-up/") {
        true => set_up(data, url),
        false => welcome(data, url),
    })
}

fn welcome(data: WelcomeData, url: PageUrl) -> AnyView {
    let Some(LinkOf { kind, email: Some(email), full_name, is_own }) = data.link else {
        return dead("It was used or has expired. Ask an admin for a new one.");
    };
    if kind == LinkKind::Address {
        return address(email, is_own, data.outcome, &url);
    }
    let (title, providers) = match kind {
        LinkKind::Reset => ("Choose a new password", Vec::new()),
        _ => ("Welcome to Kubestats", data.providers),
    };
    let form = view! {
        {others(providers)}
        <form method="post" action=url.path().to_owned() class="door-form">
            <div class="field">
                <label for="door-email">"E-mail address"</label>
                // Password managers take the name of the account from it.
                <span class="input off"><input id="door-email" type="email" value=email autocomplete="username" readonly=true /></span>
            </div>
            <InputField name="full_name" label="Name (optional)" autocomplete="name" value=full_name required=false />
            <InputField name="password" label="Password" kind="password" autocomplete="new-password" hint=PASSWORD first=true />
            <button type="submit" class="button primary">"Save"</button>
        </form>
    };
    door(title, outcome(data.outcome), form.into_any())
}

/// Whose an address is, shown by the link that went there. A button, as programs that look through mails open links too.
fn address(email: String, is_own: bool, told: Option<OutcomeText>, url: &PageUrl) -> AnyView {
    let inside = match is_own {
        true => view! {
            <p>"Your account gets the address " <strong>{email}</strong> ". You sign in with it from then on."</p>
            <form method="post" action=format!("{}/address", url.path()) class="door-form">
                <button type="submit" class="button primary">"Confirm address"</button>
            </form>
        }
        .into_any(),
        false => view! {
            <p>
                "Somebody gave " <strong>{email}</strong>
                " as the new address of their account. If that was you, sign in to that account in this browser, then open the link again."
            </p>
            <p><a class="button primary" href="/sign-in" rel="external">"Sign in"</a></p>
        }
        .into_any(),
    };
    door("Confirm your address", outcome(told), inside)
}

fn dead(why: &'static str) -> AnyView {
    let inside = view! {
        <EmptyState title="This link no longer works" glyph=Glyph::Link>
            <p>{why}</p>
            <p><a href="/sign-in" rel="external">"Sign in"</a></p>
        </EmptyState>
    };
    door("Link", ().into_any(), inside.into_any())
}
