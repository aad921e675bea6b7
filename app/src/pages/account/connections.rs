use entity::view::{AccountIdentity, Timestamp};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::act::{LinkIdentity, UnlinkIdentity};
use super::data::ConnectOffer;
use crate::components::{ActFailed, ActForm, InputField, Section, TimeAgo};

/// Who else lets somebody in; nothing where nobody could.
pub(super) fn view(
    identities: Vec<AccountIdentity>,
    providers: Vec<(String, String)>,
    offer: Option<ConnectOffer>,
    has_password: bool,
    now: Timestamp,
) -> Option<AnyView> {
    if identities.is_empty() && providers.is_empty() {
        return None;
    }
    // One form's answer is shown once, not in every row.
    let action = ServerAction::<UnlinkIdentity>::new();
    let rows = identities.into_iter().map(|identity| one(identity, action, now)).collect_view();
    let buttons = providers.into_iter().map(|(name, href)| {
        view! { <a class="button small" href=href rel="external">"Connect " {name}</a> }
    });
    Some(
        view! {
            <Section title="Connections" id="connections" aside=buttons.collect_view().into_any()>
                <p class="quiet">"Sites that can sign you in here, beside your password."</p>
                {offer.map(|offer| ask(offer, has_password))}
                <ActFailed action />
                <ul class="connections">{rows}</ul>
            </Section>
        }
        .into_any(),
    )
}

fn one(identity: AccountIdentity, action: ServerAction<UnlinkIdentity>, now: Timestamp) -> AnyView {
    let AccountIdentity { issuer, subject, email, linked_at } = identity;
    let site = issuer.split("://").nth(1).unwrap_or(&issuer).to_owned();
    let (who, label) = (email.unwrap_or_else(|| subject.clone()), format!("Disconnect {site}"));
    view! {
        <li>
            <strong>{site}</strong> " " {who} " " <span class="quiet">"since " <TimeAgo time=linked_at now /></span>
            <ActionForm action>
                <input type="hidden" name="issuer" value=issuer />
                <input type="hidden" name="subject" value=subject />
                <button type="submit" class="button small" aria-label=label>"Disconnect"</button>
            </ActionForm>
        </li>
    }
    .into_any()
}

/// Nobody is connected without seeing to whom.
fn ask(offer: ConnectOffer, has_password: bool) -> AnyView {
    let action = ServerAction::<LinkIdentity>::new();
    let ConnectOffer { provider, who } = offer;
    let password = has_password.then(|| {
        view! { <InputField name="password" label="Password" kind="password" autocomplete="current-password" within="connect" first=true /> }
    });
    view! {
        <ActForm action class="settings-form" clear=true>
            <p>"Whoever signs in at " <strong>{provider}</strong> " as " <strong>{who}</strong> " will be you here."</p>
            {password}
            <p><button type="submit" class="button primary">"Connect"</button></p>
        </ActForm>
    }
    .into_any()
}
