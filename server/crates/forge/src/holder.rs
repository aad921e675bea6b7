//! Whose a token is, and what it is for: as much as a forge tells.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::ForgeError;
use crate::exchange::{Ask, Exchange};

/// The header in which GitHub tells a token's scopes; of fine-grained ones it tells none.
const SCOPES: &str = "x-oauth-scopes";

/// What a forge tells of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Whose it is; not told to tokens that may not read it.
    pub login: Option<String>,
    /// What it is for; not every forge tells, nor of every kind of token.
    pub scopes: Option<Vec<String>>,
}

/// An account as any forge describes it.
#[derive(Default, Deserialize)]
struct Account {
    #[serde(alias = "username")]
    login: Option<String>,
}

#[derive(Default, Deserialize)]
struct OwnToken {
    scopes: Option<Vec<String>>,
}

/// Asks whose the token is. One that may not ask this works for other things.
pub(crate) async fn holder(exchange: &Exchange) -> Result<Holder, ForgeError> {
    let Some((account, scopes)) = own::<Account>(exchange, &["user"]).await? else { return Ok(Holder::default()) };
    let listed = |text: String| text.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(short).collect();
    Ok(Holder { login: account.login.as_deref().map(short), scopes: scopes.map(listed) })
}

/// GitLab tells a token's scopes at an address of their own.
pub(crate) async fn gitlab_holder(exchange: &Exchange) -> Result<Holder, ForgeError> {
    let holder = holder(exchange).await?;
    let token = match own::<OwnToken>(exchange, &["personal_access_tokens", "self"]).await {
        // A deploy or job token has no such address.
        Ok(found) => found.map(|(token, _)| token).unwrap_or_default(),
        Err(ForgeError::TokenRefused { .. } | ForgeError::Unreadable { .. }) => OwnToken::default(),
        Err(error) => return Err(error),
    };
    let scopes = token.scopes.map(|scopes| scopes.iter().map(|scope| short(scope)).collect());
    Ok(Holder { scopes, ..holder })
}

/// What stands there, and the scopes that the answer tells; nothing where the token may not read it.
async fn own<T: DeserializeOwned>(
    exchange: &Exchange,
    parts: &[&str],
) -> Result<Option<(T, Option<String>)>, ForgeError> {
    let ask = Ask { what: "whose the token is", resource: "core", url: exchange.url(parts), body: None };
    let (head, body) = match exchange.look(&ask).await {
        Ok(found) => found,
        Err(ForgeError::Forbidden { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let scopes = head.headers.get(SCOPES).and_then(|scopes| scopes.to_str().ok()).map(str::to_owned);
    let found = serde_json::from_slice(&body).map_err(|error| exchange.unreadable(&ask, error.to_string()))?;
    Ok(Some((found, scopes)))
}

/// Names come from outside.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
