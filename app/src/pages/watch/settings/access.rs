//! A token, and where the forge's API is, for this repository alone: entered here, shown to nobody again.

use entity::kind::{Permission, Provider};
use leptos::prelude::*;

use super::act::{RemoveAccess, SetAccess};
use super::data::SettingsData;
use crate::components::{ActForm, Glyph, InputField, Notice, Section, TimeAgo, status};
use crate::viewer::may;

pub(super) fn view(data: &SettingsData) -> AnyView {
    let body = match (&data.machine, data.is_configured) {
        (_, true) => view! {
            <p class="quiet">
                "The configuration gives its " <code>"token"</code> " and " <code>"api_base_url"</code> ", where it has any."
            </p>
        }
        .into_any(),
        (None, false) => return ().into_any(),
        (Some(machine), false) => {
            let change = may(Permission::ManageRepositories).then(|| form(data, machine));
            view! { {state(data)} {change} }.into_any()
        }
    };
    view! { <Section title="Access of its own" id="access">{body}</Section> }.into_any()
}

/// Whether there is a token, and whether it is used.
fn state(data: &SettingsData) -> AnyView {
    let access = &data.access;
    let words = match access.has_own_token {
        true => status("good", Glyph::Check, "It has a token of its own"),
        false => status("idle", Glyph::Minus, "No token of its own"),
    };
    let since =
        access.changed_at.map(|at| view! { <span class="quiet">"entered " <TimeAgo time=at now=data.now /></span> });
    let error = access.error.clone().map(|why| view! { <Notice tone="warn">"It is not used: " {why} "."</Notice> });
    view! { <p class="facts">{words} {since}</p> {error} }.into_any()
}

fn form(data: &SettingsData, machine: &str) -> AnyView {
    let (set, remove) = (ServerAction::<SetAccess>::new(), ServerAction::<RemoveAccess>::new());
    let (id, scopes) = (data.repository_id.to_string(), data.scopes.clone());
    let where_to = match data.provider {
        Provider::Git => format!("It is sent to {machine} alone, kept sealed, and never shown again."),
        _ => format!(
            "It is sent to {machine} and to the forge's API alone, kept sealed, and never shown again. With another address of \
             the API the token has to be entered anew."
        ),
    };
    // Plain Git servers have no API.
    let api = (data.provider != Provider::Git).then(|| {
        let value = data.typed_api.clone().or_else(|| data.access.api_base_url.clone());
        view! {
            <InputField
                name="api_base_url"
                within="access"
                label="Address of the API"
                value=value
                hint="Such as https://git.example.org/api/v4. Empty, it is at its usual place."
                required=false
            />
        }
    });
    let hint = match data.access.has_own_token {
        true => "Empty, the one that is kept stays.",
        false => "For a private repository, or one whose limits are not to be shared.",
    };
    let forget = data.access.changed_at.is_some().then(|| {
        let id = id.clone();
        view! {
            <ActForm action=remove class="settings-line">
                <input type="hidden" name="repository_id" value=id />
                <button type="submit" class="button">"Remove"</button>
                <span class="quiet">"It is asked as all others are then."</span>
            </ActForm>
        }
    });
    view! {
        <p class="quiet">{where_to} " What it opens is shown here to everybody who may read."</p>
        <ActForm action=set class="watch-form" clear=true>
            <input type="hidden" name="repository_id" value=id />
            <InputField name="token" within="access" label="Token" kind="password" hint required=false />
            <p class="field-hint">{scopes}</p>
            {api}
            <p class="watch-acts">
                <button type="submit" class="button primary">"Save access"</button>
            </p>
        </ActForm>
        {forget}
    }
    .into_any()
}
