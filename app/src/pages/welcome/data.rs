use entity::kind::LinkKind;
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

/// Somebody else who can say who a person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// What it is called.
    pub name: String,
    /// Where signing in there begins.
    pub href: String,
}

/// Whose account a link opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOf {
    pub kind: LinkKind,
    /// Nothing where there is no account yet. Of a link for a new address, that: whoever has it may be a stranger.
    pub email: Option<String>,
    pub full_name: Option<String>,
    /// Whether whoever looks is signed in to the account.
    pub is_own: bool,
}

/// What the pages show that somebody comes in by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WelcomeData {
    /// The address that was typed last.
    pub email: String,
    /// What was wrong with the last try, or what went well.
    pub outcome: Option<OutcomeText>,
    /// Where it leads after that.
    pub from: String,
    /// Whether anybody can sign in yet.
    pub is_set_up: bool,
    pub providers: Vec<Provider>,
    /// Whether a link for a new password can be had by mail.
    pub sends_mail: bool,
    /// What the address's link opens; nothing where it opens nothing.
    pub link: Option<LinkOf>,
}

/// What one comes in by, as the page's address says.
#[server(prefix = "/ui", endpoint = "welcome", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_welcome(#[server(default)] link: String, query: String) -> Result<WelcomeData, AppError> {
    use crate::components::PageUrl;
    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use actions::Refusal;
    use actions::accounts::look_at_link;

    let (ctx, params) = (ask::context()?, ask::params(&query)?);
    let from: String = params.get_str("from").unwrap_or_default().chars().take(2_000).collect();
    // An invitation is taken by whoever brings it; all others are led on.
    let (key, value) = if link.is_empty() { ("from", from.clone()) } else { ("invite", link.clone()) };
    let providers = ctx.providers.iter().map(|provider| Provider {
        name: provider.name.clone(),
        href: PageUrl::new(format!("/auth/{}", provider.id)).with(key, value.clone()).href(),
    });
    let email = ask::cookie(crate::context::EMAIL_COOKIE).unwrap_or_default();
    let email = percent_encoding::percent_decode_str(&email).decode_utf8_lossy().into_owned();
    let email: String = email.chars().filter(|c| !c.is_control()).take(254).collect();
    let link = match look_at_link(&ctx.actions, &link).await {
        Ok((found, account)) => {
            let own = ask::actor().account().map(|own| own.id);
            let is_own = own.is_some() && own == found.account_id;
            let (email, full_name) = match found.email {
                Some(email) => (Some(email), None),
                None => account.map(|account| (account.email, account.full_name)).unzip(),
            };
            Some(LinkOf { kind: found.kind, email, full_name: full_name.flatten(), is_own })
        }
        Err(Refusal::DeadLink) => None,
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(WelcomeData {
        email,
        outcome: tell::find_text(&ctx.db, &params).await?.or_else(|| said(&params)),
        from,
        is_set_up: store::accounts::is_set_up(&ctx.db.read).await?,
        providers: providers.collect(),
        sends_mail: ctx.actions.sends_mail(),
        link,
    })
}

/// The sentence for a word in the address, so that no link can put a sentence of its own here.
#[cfg(feature = "ssr")]
fn said(params: &leptos_router::params::ParamsMap) -> Option<OutcomeText> {
    use crate::pages::outcome::Tone;

    let of = |tone, text: String| Some(OutcomeText { tone, text, lines: Vec::new(), watch: None });
    if let Some(later) = params.get_str("later") {
        let wait = match later.parse::<u64>().unwrap_or(60) {
            1 => "1 second".to_owned(),
            seconds @ 0..=120 => format!("{seconds} seconds"),
            seconds => format!("{} minutes", seconds.min(86_400).div_ceil(60)),
        };
        return of(Tone::Warn, format!("Too many attempts. Try again in {wait}."));
    }
    if params.get_str("chosen").is_some() {
        return of(Tone::Good, "Your password is set. Sign in with it.".to_owned());
    }
    if params.get_str("connect").is_some() {
        let text = "There is an account with your address here. Sign in with its password once to connect the two.";
        return of(Tone::Warn, text.to_owned());
    }
    if params.get_str("sent").is_some() {
        let text = "If there is an account with that address, a link for a new password is on its way to it by mail.";
        return of(Tone::Good, text.to_owned());
    }
    let elsewhere = match params.get_str("elsewhere") {
        Some("away") => {
            "That site can’t be asked now who you are. Try again in a while, or sign in with your password."
        }
        Some(_) => "That sign-in took too long, or was finished already. Start again.",
        None => "",
    };
    if !elsewhere.is_empty() {
        return of(Tone::Bad, elsewhere.to_owned());
    }
    if params.get_str("wrong-code").is_some() {
        return of(Tone::Bad, "That code is wrong, expired or already used.".to_owned());
    }
    params.get_str("wrong")?;
    of(Tone::Bad, "Wrong e-mail address or password.".to_owned())
}
