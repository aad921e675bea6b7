use chrono::TimeDelta;
use entity::kind::Permission;
use entity::view::{ApiToken, Timestamp};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::act::{CreateToken, RevokeToken};
use crate::components::{
    ActFailed, ActForm, EmptyState, Glyph, Icon, InputField, MaybeTimeAgo, Once, Section, Table, TimeAgo, status,
};

/// A notice comes so long before a token stops working.
const SOON: TimeDelta = TimeDelta::days(3);

/// When a token stops working, where that is soon.
pub(super) fn ends_soon(token: &ApiToken, now: Timestamp) -> Option<Timestamp> {
    token.expires_at.filter(|end| *end > now && *end - now <= SOON)
}

/// Tokens of programs.
pub(super) fn view(
    tokens: Vec<ApiToken>,
    scopes: Vec<Permission>,
    made: Option<(String, String)>,
    now: Timestamp,
) -> AnyView {
    let action = ServerAction::<RevokeToken>::new();
    let none = tokens.is_empty();
    let list = if none {
        view! { <EmptyState title="No tokens" glyph=Glyph::Inbox><p>"A token lets a program use the API as you."</p></EmptyState> }.into_any()
    } else {
        let rows = tokens.into_iter().map(|token| row(token, action, now)).collect_view();
        view! {
            <Table caption="Tokens">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Scopes"</th>
                        <th scope="col">"Repositories"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Expires"</th>
                        <th scope="col"><span class="sr-only">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        }
        .into_any()
    };
    view! {
        <Section title="API tokens" id="tokens">
            {made.map(shown)}
            <ActFailed action />
            {list}
            {create(scopes)}
        </Section>
    }
    .into_any()
}

fn shown((name, text): (String, String)) -> AnyView {
    view! {
        <Once name=format!("the token {name}") what="token" text>
            <p class="quiet">"Send it with each request: " <code>"Authorization: Bearer kst_…"</code></p>
        </Once>
    }
    .into_any()
}

fn row(token: ApiToken, action: ServerAction<RevokeToken>, now: Timestamp) -> AnyView {
    let soon = ends_soon(&token, now).is_some();
    let scopes = token
        .scopes
        .into_iter()
        .map(|scope| view! { <span class="tag" title=scope.label()>{scope.as_str()}</span> " " });
    let repositories = if token.repositories.is_empty() { "all".to_owned() } else { token.repositories.join(", ") };
    let expiry = match token.expires_at {
        None => view! { <span class="quiet">"never"</span> }.into_any(),
        Some(end) if end <= now => status("bad", Glyph::Failed, "expired"),
        Some(end) if soon => {
            view! { <span class="status" data-tone="warn"><Icon glyph=Glyph::Warning /> <TimeAgo time=end now /></span> }.into_any()
        }
        Some(end) => view! { <TimeAgo time=end now /> }.into_any(),
    };
    let from = token.used_from.map(|from| view! { <span class="quiet">" from " {from}</span> });
    let (id, label) = (token.id.to_string(), format!("Revoke {}", token.name));
    view! {
        <tr>
            <th scope="row" data-label="Name">{token.name}</th>
            <td data-label="Scopes">{scopes.collect_view()}</td>
            <td data-label="Repositories">{repositories}</td>
            <td data-label="Last used"><MaybeTimeAgo time=token.used_at now /> {from}</td>
            <td data-label="Expires">{expiry}</td>
            <td class="num">
                <ActionForm action>
                    <input type="hidden" name="token_id" value=id />
                    <button type="submit" class="button small danger" aria-label=label>"Revoke"</button>
                </ActionForm>
            </td>
        </tr>
    }
    .into_any()
}

fn create(scopes: Vec<Permission>) -> AnyView {
    let action = ServerAction::<CreateToken>::new();
    let boxes = scopes
        .into_iter()
        .map(|scope| {
            let read = scope == Permission::Read;
            view! {
                <label class="choice">
                    <input type="checkbox" name="scope[]" value=scope.as_str() checked=read />
                    <span><code>{scope.as_str()}</code> <span class="quiet">{scope.label()}</span></span>
                </label>
            }
        })
        .collect_view();
    let days = [("30", "30 days"), ("90", "90 days"), ("180", "180 days"), ("365", "1 year"), ("never", "never")];
    let days = days.map(|(value, label)| view! { <option value=value selected={value == "90"}>{label}</option> });
    view! {
        <details class="disclosure">
            <summary class="button">"New token…"</summary>
            <ActForm action class="settings-form" clear=true>
                <InputField name="name" label="Name" within="token" hint="What it is for, such as “backup script”." />
                <fieldset class="choices">
                    <legend>"Scopes"</legend>
                    {boxes}
                    <p class="field-hint">"A token may never do more than you."</p>
                </fieldset>
                <div class="field">
                    <label for="token-repositories">"Repositories (optional)"</label>
                    <textarea
                        id="token-repositories"
                        name="repositories"
                        class="input"
                        rows="2"
                        spellcheck="false"
                        autocapitalize="off"
                        placeholder="owner/*"
                        aria-describedby="token-repositories-about"
                    ></textarea>
                    <p class="field-hint" id="token-repositories-about">"Full names or patterns, one on each line. It may change only these; all if empty."</p>
                </div>
                <label class="field-inline settings-days"><span class="field-label">"Expires after"</span><select name="days">{days}</select></label>
                <p><button type="submit" class="button primary">"Create token"</button></p>
            </ActForm>
        </details>
    }
    .into_any()
}
