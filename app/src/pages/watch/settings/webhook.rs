//! The webhook by which a forge tells of pushes at once: where it goes, its secret, how it is set up, and whether one came.

use entity::kind::{Permission, Provider};
use entity::view::{RepositoryWebhooks, Timestamp, WebhookReceipt};
use leptos::prelude::*;

use super::act::{MakeWebhookSecret, RemoveWebhookSecret};
use super::data::{SettingsData, read_webhooks};
use crate::components::{ActForm, CopyButton, Glyph, Icon, Once, Section, Table, TimeAgo, status};
use crate::live::{Live, live_version};
use crate::viewer::may;

pub(super) fn view(data: &SettingsData) -> AnyView {
    let path = data.webhooks.path.clone();
    let url = match &data.origin {
        Some(origin) => format!("{origin}{path}"),
        None => path,
    };
    let beside = data.origin.is_none().then(|| {
        view! { <p class="field-hint">"Below the address by which the forge reaches this site (" <code>"server.public_url"</code> ")."</p> }
    });
    let latest = latest(data);
    let with =
        move |show: fn(&RepositoryWebhooks, Timestamp) -> AnyView| latest.with(|(webhooks, now)| show(webhooks, *now));
    let steps = data.webhooks.secret_made_at.is_some().then(|| how(data, &url));
    let new = data.secret.clone().map(|text| view! { <Once name="the secret" what="secret" text /> });
    let change = secret(data);
    view! {
        <Section title="Webhook" id="webhook">
            <p class="quiet">
                "Without one a push is noticed by the next sync. With one the forge tells of it at once; syncs go on, and find what no webhook told."
            </p>
            {new}
            <p class="fact">
                <span class="quiet">"Address "</span> <code class="path">{url.clone()}</code> <CopyButton text=url.clone() what="address" />
            </p>
            {beside}
            <p class="facts" role="status">{move || with(state)}</p>
            {change}
            {steps}
            {move || with(receipts)}
        </Section>
    }
    .into_any()
}

/// Webhooks that came as the page tells them, and as they come while it is open: who sets one up waits for the first.
fn latest(data: &SettingsData) -> Signal<(RepositoryWebhooks, Timestamp)> {
    let (id, first) = (data.repository_id.to_string(), (data.webhooks.clone(), data.now));
    let of = id.clone();
    let read = Action::new(move |(): &()| read_webhooks(of.clone()));
    let version = live_version(move |live| matches!(live, Live::Branches { repository_id } if *repository_id == id));
    Effect::new(move |_| {
        if version.get() > 0 {
            read.dispatch(());
        }
    });
    Signal::derive(move || read.value().get().and_then(Result::ok).unwrap_or_else(|| first.clone()))
}

/// Whether one came.
fn state(webhooks: &RepositoryWebhooks, now: Timestamp) -> AnyView {
    let last = webhooks.data.first().cloned();
    match (webhooks.secret_made_at, last) {
        (None, _) => status("idle", Glyph::Minus, "Off: there is no secret"),
        (Some(_), None) => view! {
            {status("idle", Glyph::Clock, "None came yet")}
            <span class="quiet">"Push something, or have the forge send a test."</span>
        }
        .into_any(),
        (Some(_), Some(last)) => view! {
            {status("good", Glyph::Check, "They come in")}
            <span class="fact"><span class="quiet">"the last one "</span> <TimeAgo time=last.received_at now /></span>
        }
        .into_any(),
    }
}

fn secret(data: &SettingsData) -> AnyView {
    if !may(Permission::ManageRepositories) {
        return ().into_any();
    }
    let (make, remove) = (ServerAction::<MakeWebhookSecret>::new(), ServerAction::<RemoveWebhookSecret>::new());
    let id = data.repository_id.to_string();
    let Some(made) = data.webhooks.secret_made_at else {
        return view! {
            <ActForm action=make class="settings-line">
                <input type="hidden" name="repository_id" value=id />
                <button type="submit" class="button primary">"Make the secret"</button>
                <span class="quiet">"The forge signs its webhooks with it; others are refused."</span>
            </ActForm>
        }
        .into_any();
    };
    let same = id.clone();
    view! {
        <div class="settings-line">
            <ActForm action=make>
                <input type="hidden" name="repository_id" value=id />
                <button type="submit" class="button" title="The one before no longer works then">"Make another secret"</button>
            </ActForm>
            <ActForm action=remove>
                <input type="hidden" name="repository_id" value=same />
                <button type="submit" class="button" title="Webhooks are refused then">"Remove the secret"</button>
            </ActForm>
            <span class="quiet">"made " <TimeAgo time=made now=data.now /></span>
        </div>
    }
    .into_any()
}

/// What to do at the forge.
fn how(data: &SettingsData, url: &str) -> AnyView {
    let name = match data.provider {
        Provider::Github => "GitHub",
        Provider::Gitlab => "GitLab",
        Provider::Forgejo => "Forgejo",
        Provider::Git => "another server",
    };
    let place = |words: &'static str| match data.forge_url.clone() {
        Some(href) => {
            view! { <a href=href rel="noopener external">{words} " " <Icon glyph=Glyph::External /></a> }.into_any()
        }
        None => view! { {words} }.into_any(),
    };
    let address = url.to_owned();
    let steps = match data.provider {
        Provider::Github => view! {
            <li>"Open " {place("Settings, Webhooks, Add webhook")} "."</li>
            <li>"Payload URL: the address above. Content type: " <strong>"application/json"</strong> ". Secret: the one shown here once."</li>
            <li>"Choose “Let me select individual events”: Pushes, Branch or tag creation, Branch or tag deletion."</li>
            <li>"Add webhook. GitHub sends a ping at once, which is answered with 202."</li>
        }
        .into_any(),
        Provider::Gitlab => view! {
            <li>"Open " {place("Settings, Webhooks, Add new webhook")} "."</li>
            <li>"URL: the address above. Secret token: the one shown here once."</li>
            <li>"Trigger: Push events, all branches."</li>
            <li>"Add webhook, then Test, Push events."</li>
        }
        .into_any(),
        Provider::Forgejo => view! {
            <li>"Open " {place("Settings, Webhooks, Add webhook")} " and choose Forgejo (or Gitea)."</li>
            <li>"Target URL: the address above. POST content type: " <strong>"application/json"</strong> ". Secret: the one shown here once."</li>
            <li>"Trigger on: custom events Create, Delete, Push. Branch filter: " <code>"*"</code> "."</li>
            <li>"Add webhook, then open it and choose Test delivery."</li>
        }
        .into_any(),
        Provider::Git => view! {
            <li>
                "Have the server’s " <code>"post-receive"</code> " hook, or whatever knows of pushes, send a POST to the address with " <code>"{}"</code>
                " as its body. A look at the branches follows."
            </li>
            <li>
                "Sign the body: " <code>"X-Signature: sha256="</code> " and the HMAC-SHA256 of the body by the secret, in hexadecimal digits."
                <pre class="snippet"><code>{generic(&address)}</code></pre>
            </li>
        }
        .into_any(),
    };
    view! {
        <details class="disclosure">
            <summary>"How to set it up at " {name}</summary>
            <ol class="settings-steps">{steps}</ol>
        </details>
    }
    .into_any()
}

/// A hook in a few lines.
fn generic(url: &str) -> String {
    format!(
        "body='{{}}'\n\
         sign=$(printf %s \"$body\" | openssl dgst -sha256 -hmac \"$SECRET\" -r | cut -d' ' -f1)\n\
         curl -fsS -H 'Content-Type: application/json' \\\n  -H \"X-Signature: sha256=$sign\" -d \"$body\" {url}\n"
    )
}

fn receipts(webhooks: &RepositoryWebhooks, now: Timestamp) -> AnyView {
    if webhooks.data.is_empty() {
        return ().into_any();
    }
    let row = |receipt: WebhookReceipt| {
        let result = match receipt.result.is_empty() {
            true => "nothing yet".to_owned(),
            false => receipt.result,
        };
        view! {
            <tr>
                <td data-label="When"><TimeAgo time=receipt.received_at now /></td>
                <td data-label="What"><code>{receipt.event}</code></td>
                <td class="wide" data-label="Result">{result}</td>
                <td data-label="Delivery"><code class="path">{receipt.delivery_id}</code></td>
            </tr>
        }
    };
    let rows = webhooks.data.iter().cloned().map(row).collect_view();
    view! {
        <Table caption="Webhooks that came last">
            <thead>
                <tr>
                    <th scope="col">"When"</th>
                    <th scope="col">"What"</th>
                    <th scope="col" class="wide">"Result"</th>
                    <th scope="col">"Delivery"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}
