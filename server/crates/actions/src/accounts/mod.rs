//! Accounts and what lets them in. Who somebody is stands in the [`Actor`](crate::Actor); here it is decided who becomes one.

mod address;
mod admin;
mod elsewhere;
mod own;
mod roles;
mod sealed;
mod second_factor;
mod set_up;
mod shown_once;
mod sign_in;
mod tokens;

use serde_json::{Value, json};
use store::accounts::{Holder, find_account};
use store::db::{ConnectionTrait, DataError};
use uuid::Uuid;

pub use address::{cancel_address, confirm_address};
pub use admin::{
    AccountChange, Invited, change_account, create_account, create_account_with_password, delete_account,
    end_sessions_of, make_link, set_password_of,
};
pub use elsewhere::{
    Admission, KeptIdentity, keep_identity, kept_identity, link_identity, sign_in_elsewhere, take_account_elsewhere,
    unlink_identity,
};
pub use own::{change_password, change_profile, end_other_sessions, end_session, sign_out};
pub use roles::{create_role, delete_role, set_role};
pub use sealed::{keep_sealed, open_sealed};
pub(crate) use second_factor::purpose as second_factor_purpose;
pub use second_factor::{
    SecondFactorOffer, begin_second_factor, check_second_factor, confirm_second_factor, pending_second_factor,
    remove_second_factor, remove_second_factor_of,
};
pub use set_up::{Person, ensure_superuser, look_at_link, make_set_up_link, set_up, take_account};
pub use shown_once::{keep_shown, open_shown};
pub use sign_in::{SignedIn, refresh, sign_in, start_api_session};
pub use tokens::{MadeToken, TokenRequest, create_token, revoke_token};

use crate::{Refusal, Result};

/// How long an invitation or a link for a new password works.
const LINK_WORKS: chrono::TimeDelta = chrono::TimeDelta::hours(48);

/// An e-mail address as it is kept: in lower case.
pub(crate) fn email(text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let parts = text.split_once('@');
    let usable = parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    let plain =
        text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"(),;\\".contains(c));
    match usable && plain {
        true => Ok(text),
        false => Err(Refusal::Unusable("this is no e-mail address; one looks like name@example.org".to_owned())),
    }
}

/// What somebody is called; nothing where nothing is given.
fn full_name(text: Option<&str>) -> Result<Option<String>> {
    const MOST: usize = 255;
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.chars().count() <= MOST && !text.chars().any(char::is_control) {
        true => Ok(Some(text.to_owned())),
        false => Err(Refusal::Unusable(format!("a name has at most {MOST} characters, in one line"))),
    }
}

/// Whether a password may be chosen.
fn usable_password(password: &str, second_factor: bool, about: &[&str]) -> Result<()> {
    auth::password::check(password, second_factor, about).map_err(|weak| Refusal::Unusable(weak.to_string()))
}

/// An account as one who acts.
async fn holder(c: &impl ConnectionTrait, id: Uuid) -> Result<Holder> {
    let account = find_account(c, id).await?.ok_or(Refusal::Missing("account"))?;
    Ok(Holder {
        id,
        email: account.email,
        full_name: account.full_name,
        role: account.role,
        permissions: account.permissions.into_iter().collect(),
    })
}

/// Makes every link of an account stop working, and sends none that still waits.
async fn end_links(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    store::accounts::remove_links(w, id).await?;
    Ok(store::mail::drop_waiting_links(w, id).await?)
}

/// What a reset of a password ended, beside sessions and links.
struct Ended {
    tokens: u64,
    /// Who the account was elsewhere, as the log tells it.
    identities: Vec<Value>,
}

/// Ends whatever let somebody in before their password was reset: links, sessions, tokens, and who they are elsewhere. With the
/// old one a token can be made, and the account tied to somebody else's identity.
async fn end_ways_in(w: &impl ConnectionTrait, id: Uuid) -> Result<Ended> {
    end_links(w, id).await?;
    store::accounts::delete_sessions(w, id, None).await?;
    let tokens = store::accounts::delete_tokens(w, id).await?;
    let tied = store::accounts::unlink_identities(w, id).await?.into_iter();
    let told = tied.map(|tied| json!({ "issuer": tied.issuer, "subject": tied.subject, "email": tied.email }));
    Ok(Ended { tokens, identities: told.collect() })
}

/// With a password that is reset end all that let somebody in before, what is still on its way too.
fn changed_meanwhile() -> Refusal {
    Refusal::Unusable("the password of your account was changed meanwhile; sign in again".to_owned())
}

/// What a failed insert of a unique text means.
fn taken(error: DataError, what: &str) -> Refusal {
    match error.is_taken() {
        true => Refusal::Unusable(format!("{what} is there already; give another")),
        false => error.into(),
    }
}
