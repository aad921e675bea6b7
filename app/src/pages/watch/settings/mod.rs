//! `/repositories/{id}/watch`: which branches of a repository are watched, and the webhook that makes it faster. A page of its own,
//! as a repository's page reads itself anew with all news, and what is typed and what is shown once have to stay.

mod access;
mod act;
mod data;
mod pattern;
mod webhook;

use entity::kind::Permission;
use leptos::prelude::*;

use self::act::{SetWatch, UnsetWatch};
use self::data::{SettingsData, read_settings};
use self::pattern::PatternField;
use super::{load_still, show, skeleton};
use crate::components::{
    ActForm, Breadcrumb, Crumb, Glyph, InputField, Notice, PageHead, PageUrl, Section, repository_href, status,
    watch_href,
};
use crate::pages::outcome::outcome;
use crate::viewer::may;

/// How one repository's branches are watched.
#[component]
pub fn WatchSettings() -> impl IntoView {
    let page = load_still(|path, query| read_settings(path.get("id").unwrap_or_default(), query));
    show(page, "The repository", skeleton, view)
}

fn view(mut data: SettingsData, _: PageUrl) -> AnyView {
    let of = repository_href(data.repository_id);
    let tab = PageUrl::new(of.clone()).with("tab", "branches").at_part("views").href();
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(data.full_name.clone(), of),
        Crumb::link("Branches", tab.clone()),
        Crumb::here("Watch"),
    ];
    let told = outcome(data.outcome.take());
    let state = match data.watch.is_enabled {
        true => status("good", Glyph::Check, "Watched"),
        false => status("idle", Glyph::Minus, "Not watched"),
    };
    let facts = view! { <div class="facts">{state} <a href=tab>"See its branches"</a></div> };
    view! {
        <Breadcrumb crumbs />
        <PageHead title=format!("Watch branches of {}", data.full_name) facts=facts.into_any() />
        {told}
        <div class="settings">
            {which(&data)}
            {webhook::view(&data)}
            {access::view(&data)}
        </div>
    }
    .into_any()
}

fn which(data: &SettingsData) -> AnyView {
    let may_change = may(Permission::ManageRepositories);
    let body = match (data.is_configured, may_change) {
        (true, _) => view! {
            <Notice>"The configuration names this repository, and says how its branches are watched (" <code>"branch_regex"</code> ")."</Notice>
            {as_it_is(data)}
        }
        .into_any(),
        (false, false) => as_it_is(data),
        (false, true) => form(data),
    };
    view! { <Section title="Which branches" id="which">{body}</Section> }.into_any()
}

/// For those who may not change it.
fn as_it_is(data: &SettingsData) -> AnyView {
    let watch = &data.watch;
    let every = data.every.clone().map(|every| view! { <p>"The remote is looked at every " {every} "."</p> });
    let which = match (watch.is_enabled, watch.branch_regex.clone()) {
        (false, _) => view! { <p>"Its branches are not watched."</p> }.into_any(),
        (true, None) => view! { <p>"All branches are watched."</p> }.into_any(),
        (true, Some(regex)) => {
            view! { <p>"Branches whose names match " <code>{regex}</code> " are watched."</p> }.into_any()
        }
    };
    view! { {which} {every} }.into_any()
}

fn form(data: &SettingsData) -> AnyView {
    let (set, unset) = (ServerAction::<SetWatch>::new(), ServerAction::<UnsetWatch>::new());
    let id = data.repository_id;
    let (pattern, preview, interval) = (data.pattern.clone(), data.preview.clone(), data.interval.clone());
    // After the first look there is nothing that it could change.
    let first = data.watch.first_look_at.is_none().then(|| {
        let is_on = data.tells_first_look;
        view! {
            <label class="choice">
                <input type="checkbox" name="tells_first_look" value="true" checked=is_on />
                <span>
                    "Branches that are there already are events too"
                    <span class="quiet">"Otherwise the first look is only what later ones are compared with."</span>
                </span>
            </label>
        }
    });
    let kept = (data.watch.first_look_at.is_some() && data.watch.tells_first_look)
        .then(|| view! { <input type="hidden" name="tells_first_look" value="true" /> });
    let label = if data.watch.is_enabled { "Save" } else { "Watch these branches" };
    let stop = data.watch.is_enabled.then(|| {
        view! {
            <ActForm action=unset class="settings-line">
                <input type="hidden" name="repository_id" value=id.to_string() />
                <button type="submit" class="button">"Stop watching"</button>
                <span class="quiet">"What was seen stays."</span>
            </ActForm>
        }
    });
    view! {
        <p class="quiet">
            "Each change of a watched branch is noted, and held against the triggers. Syncs look at the branches; what is pushed between two of them is one change, unless a webhook of the forge tells of it at once."
        </p>
        <ActForm action=set class="watch-form">
            <input type="hidden" name="repository_id" value=id.to_string() />
            <PatternField repository=id pattern preview />
            <InputField
                name="polling_interval"
                within="watch"
                label="Look at it every"
                value=interval
                hint="Such as 5m, 2h or 1d; from 1m to 30d. Empty, it is looked at the more often the busier it is."
                required=false
            />
            {first} {kept}
            <p class="watch-acts">
                <button type="submit" class="button primary">{label}</button>
                // Where scripts run the expression is tried while it is typed.
                <button type="submit" class="button without-script" formmethod="get" formaction=watch_href(id)>"Try it"</button>
            </p>
        </ActForm>
        {stop}
    }
    .into_any()
}
