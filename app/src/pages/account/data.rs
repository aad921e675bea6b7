use entity::kind::Permission;
use entity::view::{Account, ApiToken, SecondFactorPicture, Session, ShownOnce, Timestamp};
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
    pub sessions: Vec<SessionRow>,
    pub tokens: Vec<ApiToken>,
    /// What a token can be given: no more than its account.
    pub scopes: Vec<Permission>,
    /// What came of the last form.
    pub outcome: Option<OutcomeText>,
    /// What is shown this once.
    pub shown: Option<ShownOnce>,
    /// What an authenticator app is to be given, while that goes on.
    pub picture: Option<SecondFactorPicture>,
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
    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use actions::accounts::pending_second_factor;
    use store::accounts::{find_account, list_sessions, list_tokens};

    let (ctx, actor) = ask::actions()?;
    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query)?);
    let id = actor.signed_in()?.id;
    let account = find_account(&db.read, id).await?.ok_or(AppError::SignIn)?;
    let shown = ask::shown_once(&ctx, &actor, |shown| !matches!(shown, ShownOnce::Link { .. }));
    let picture = match shown {
        Some(ShownOnce::SecondFactor) => pending_second_factor(&ctx, &actor).await?,
        _ => None,
    };
    let sessions = list_sessions(&db.read, id, now).await?.into_iter().map(|session| SessionRow {
        is_this: actor.session_id() == Some(session.id),
        device: device(session.user_agent.as_deref().unwrap_or_default()),
        session,
    });
    Ok(AccountData {
        now,
        sessions: sessions.collect(),
        tokens: list_tokens(&db.read, id).await?,
        scopes: actor.permissions().iter().collect(),
        outcome: tell::find_text(&db, &params).await?,
        shown,
        picture: picture.map(|offer| SecondFactorPicture { secret: offer.secret, url: offer.url, svg: offer.picture }),
        account,
    })
}
