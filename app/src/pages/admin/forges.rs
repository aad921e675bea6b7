use entity::view::Timestamp;
use leptos::prelude::*;

use super::act::{RemoveForgeToken, SetForgeToken};
use super::data::{ForgeRow, ForgesData, read_forges};
use super::{head, load_still, show, skeleton};
use crate::components::{ActForm, InputField, PageUrl, Section, TimeAgo};
use crate::pages::outcome::outcome;

/// `/admin/forges`
#[component]
pub fn AdminForges() -> impl IntoView {
    let page = load_still(|_, query| read_forges(query));
    show(page, "The forges", skeleton, view)
}

fn view(data: ForgesData, _: PageUrl) -> AnyView {
    let ForgesData { now, forges, outcome: told } = data;
    view! {
        {head("Forges", ().into_any())}
        {outcome(told)}
        <div class="settings">{forges.into_iter().map(|forge| row(forge, now)).collect_view()}</div>
    }
    .into_any()
}

fn row(forge: ForgeRow, now: Timestamp) -> AnyView {
    let (set, remove) = (ServerAction::<SetForgeToken>::new(), ServerAction::<RemoveForgeToken>::new());
    let ForgeRow { host, about, budgets, last_error, entered_at, scopes } = forge;
    let lines = |lines: Vec<String>| lines.into_iter().map(|line| view! { <p class="quiet">{line}</p> }).collect_view();
    let error = last_error.map(|error| view! { <p class="field-error">{error}</p> });
    let entered = entered_at.map(|at| {
        let host = host.clone();
        view! {
            <ActForm action=remove class="settings-line">
                <input type="hidden" name="host" value=host />
                <button type="submit" class="button">"Remove token"</button>
                <span class="quiet">"entered " <TimeAgo time=at now /></span>
            </ActForm>
        }
    });
    view! {
        <Section title=host.clone()>
            <p>{about}</p>
            {lines(budgets)}
            {error}
            {entered}
            <details class="disclosure">
                <summary class="button">"Enter token…"</summary>
                <ActForm action=set class="settings-form" clear=true>
                    <p class="field-hint">{scopes}</p>
                    <input type="hidden" name="host" value=host />
                    <InputField name="token" label="Token" kind="password" within="forge" />
                    <p>
                        <button type="submit" class="button" name="act" value="test">"Test"</button>
                        " "
                        <button type="submit" class="button primary" name="act" value="save">"Save"</button>
                    </p>
                </ActForm>
            </details>
        </Section>
    }
    .into_any()
}
