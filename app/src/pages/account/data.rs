use entity::kind::Permission;
use entity::view::{
    Account, AccountIdentity, ApiToken, SecondFactorPicture, Session, ShownOnce, Timestamp, WaitingAddress,
};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

/// What the page of the own account shows. It has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub account: Account,
    /// The address that they are to have once they open the link that went there.
    pub waiting: Option<WaitingAddress>,
    pub sessions: Vec<SessionRow>,
    pub tokens: Vec<ApiToken>,
    /// Who else lets them in.
    pub identities: Vec<AccountIdentity>,
    /// Who else could: what each is called, and where connecting begins.
    pub providers: Vec<(String, String)>,
    /// Who they are elsewhere, while they are asked whether it is to let them in.
    pub offer: Option<ConnectOffer>,
    /// What a token can be given: no more than its account.
    pub scopes: Vec<Permission>,
    /// What came of the last form.
    pub outcome: Option<OutcomeText>,
    /// What is shown this once.
    pub shown: Option<ShownOnce>,
    /// What an authenticator app is to be given, while that goes on.
    pub picture: Option<SecondFactorPicture>,
}

/// Who somebody is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectOffer {
    /// What the provider is called.
    pub provider: String,
    /// Their address there, or their name.
    pub who: String,
}

/// Where somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub session: Session,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// Browser and system, as far as they say so.
    pub device: String,
}

/// The own account.
#[server(prefix = "/ui", endpoint = "account", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_account(query: String) -> Result<AccountData, AppError> {
    use super::device::device;
    use crate::context::{IDENTITY_COOKIE, ServerContext};
    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use actions::accounts::{kept_identity, pending_second_factor};
    use store::accounts::{find_account, find_waiting_address, list_identities, list_open_sessions, list_tokens};

    let (ctx, actor) = ask::actions()?;
    let (ServerContext { db, providers, .. }, now) = (ask::context()?, ask::now());
    let params = ask::params(&query)?;
    let id = actor.signed_in()?.id;
    let account = find_account(&db.read, id).await?.ok_or(AppError::SignIn)?;
    let shown = ask::shown_once(&ctx, &actor, |shown| {
        matches!(shown, ShownOnce::Token { .. } | ShownOnce::RecoveryCodes(_) | ShownOnce::SecondFactor)
    });
    let picture = match shown {
        Some(ShownOnce::SecondFactor) => pending_second_factor(&ctx, &actor).await?,
        _ => None,
    };
    let open = list_open_sessions(&db.read, id, idle_since(), now).await?;
    let sessions = open.into_iter().map(|session| SessionRow {
        is_this: actor.session_id() == Some(session.id),
        device: device(session.user_agent.as_deref().unwrap_or_default()),
        session,
    });
    let kept = params.get_str("connect").and_then(|_| kept_identity(&ctx, &ask::cookie(IDENTITY_COOKIE)?));
    let identities = list_identities(&db.read, id).await?;
    let is_new = |kept: &actions::accounts::KeptIdentity| {
        !identities.iter().any(|known| known.issuer == kept.issuer && known.subject == kept.subject)
    };
    let offer = kept
        .filter(is_new)
        .map(|kept| ConnectOffer { who: kept.email.or(kept.name).unwrap_or(kept.subject), provider: kept.provider });
    Ok(AccountData {
        now,
        offer,
        identities,
        providers: providers.iter().map(|of| (of.name.clone(), format!("/auth/{}", of.id))).collect(),
        waiting: find_waiting_address(&db.read, id, now).await?,
        sessions: sessions.collect(),
        tokens: list_tokens(&db.read, id).await?,
        scopes: actor.permissions().iter().collect(),
        outcome: tell::find_text(&db, &params).await?,
        shown,
        picture: picture.map(|offer| SecondFactorPicture { secret: offer.secret, url: offer.url, svg: offer.picture }),
        account,
    })
}

/// Since when a browser's session has to have been seen to be open still, as the request at hand brings it.
#[cfg(feature = "ssr")]
pub(in crate::pages) fn idle_since() -> store::accounts::IdleSince {
    use axum::http::request::Parts;
    use store::accounts::IdleSince;

    let found = use_context::<Parts>().and_then(|request| request.extensions.get::<IdleSince>().copied());
    found.unwrap_or_else(|| IdleSince(Timestamp::default()))
}
