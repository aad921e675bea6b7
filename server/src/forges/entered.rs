//! What somebody entered for one repository alone: to whom its token goes, and where its forge is asked.

use std::sync::Arc;

use actions::access::{Access, AskedAccess};
use entity::address::{Address, Scheme, address_key};
use forge::ForgeError;
use url::Url;

use super::{check_machine, entered_guard, is_plain_by_choice, known};
use crate::config::{Config, ForgeConfig, Secret};

/// Where such a token is set, for errors that tell how to mend them.
const ENTERED_KEY: &str = "the repository's own access, where it was entered";

/// The forge as it is asked about one repository.
pub(super) struct Entered {
    pub forge: ForgeConfig,
    /// Its API is at an address that somebody entered, and not where the forge's own is.
    pub is_elsewhere: bool,
}

/// The forge as it is asked by what somebody entered for a repository; nothing where nothing of that may be used for this address
/// and this host. `usual` is the forge as it is asked about all others.
pub(super) fn entered_forge(access: &Access, url: &str, host: &str, usual: &ForgeConfig) -> Option<Entered> {
    if !access.is_for(url) {
        return None;
    }
    let named = access.api_base_url.as_deref().and_then(|api| Url::parse(api).ok());
    let elsewhere = named.as_ref().filter(|named| !is_at(named, usual));
    // Without an address it is for the machine that the repository is cloned from. Its forge may be known by another host.
    let is_its_host = || Address::read(&access.url).is_ok_and(|address| address.forge_host().as_deref() == Some(host));
    let api = match elsewhere {
        Some(elsewhere) => elsewhere.clone(),
        None => usual.api()?,
    };
    let token = access.token.clone().filter(|_| takes_token(&api)).map(Secret::new);
    // Without a token that can be sent it is asked as all others are, unless that is at another place.
    let may_ask = elsewhere.is_some() || token.is_some() && (named.is_some() || is_its_host());
    let mut forge = ForgeConfig { token, token_key: ENTERED_KEY.to_owned(), ..usual.clone() };
    if elsewhere.is_some() {
        forge.api_base_url.clone_from(&access.api_base_url);
    }
    may_ask.then(|| Entered { forge, is_elsewhere: elsewhere.is_some() })
}

/// Whom jobs, limits and errors name where an API is asked at an address that somebody entered, which is not for everybody's eyes.
/// Each repository's is known for itself, so that none is held up by what another one's API says.
pub(super) fn entered_name(url: &str) -> String {
    format!("the API entered for {}", address_key(url))
}

/// What went wrong there, without what everybody who reads a job's log would learn by it: where it is, where its name leads, and
/// what answers there.
pub(super) fn without_place(name: &str, error: ForgeError) -> ForgeError {
    tracing::info!(api = name, %error, "an API at an address that was entered for one repository does not tell");
    let hidden = || "the server's log says why".to_owned();
    match error {
        ForgeError::Unreachable { host, what, .. } => ForgeError::Unreachable { host, what, reason: hidden() },
        ForgeError::Forbidden { host, what, key, .. } => ForgeError::Forbidden { host, what, said: hidden(), key },
        ForgeError::Status { host, what, status, .. } => ForgeError::Status { host, what, status, said: hidden() },
        ForgeError::BadQuery { host, what, .. } => ForgeError::BadQuery { host, what, said: hidden() },
        ForgeError::Unreadable { host, what, .. } => ForgeError::Unreadable { host, what, reason: hidden() },
        ForgeError::Redirected { host, what, .. } => {
            ForgeError::Redirected { host, what, to: "another place".to_owned() }
        }
        ForgeError::Refused(_) => ForgeError::Unreachable {
            host: name.to_owned(),
            what: "anything".to_owned(),
            reason: "its address may not be talked to".to_owned(),
        },
        // These are made of what we asked for alone.
        other @ (ForgeError::RateLimited { .. }
        | ForgeError::TokenRefused { .. }
        | ForgeError::TokenMissing { .. }
        | ForgeError::TooLarge { .. }
        | ForgeError::TooMany { .. }
        | ForgeError::Gone { .. }
        | ForgeError::NoCommit { .. }
        | ForgeError::Unsupported { .. }
        | ForgeError::Git(_)
        | ForgeError::Store(_)) => other,
    }
}

/// The token with which Git may fetch from an address: one that was entered for that machine, over a line that nobody reads.
#[must_use]
pub fn git_token(access: &Access, url: &str) -> Option<Secret> {
    let machine = Address::read(url).ok()?.machine()?;
    let may = access.is_for(url) && takes_token(&machine);
    access.token.clone().filter(|_| may).map(Secret::new)
}

/// Whether what somebody wants to enter for a repository may be talked to from here. Whoever connects checks it again.
///
/// # Errors
/// Why not, without a full stop.
pub async fn check_access(config: &Config, asked: &AskedAccess) -> Result<(), String> {
    let address = Address::read(&asked.url).map_err(|error| format!("the repository's address is none: {error}"))?;
    let Some(machine) = address.machine() else {
        return Err("the repository lies in a folder, which takes no token".to_owned());
    };
    if asked.has_token && *address.scheme() == Scheme::Http && !takes_token(&machine) {
        return Err("the repository is cloned by plain http, over which no token is sent; add it by https".to_owned());
    }
    let Some(api) = &asked.api_base_url else { return Ok(()) };
    let api = Url::parse(api).map_err(|error| format!("the address of the API can't be read: {error}"))?;
    if asked.has_token && !takes_token(&api) {
        return Err("the address of the API is plain http, over which no token is sent; write https".to_owned());
    }
    let host = address.forge_host().unwrap_or_default();
    if is_at(&api, &known(&config.forges, &host, asked.provider)) {
        return Ok(());
    }
    if api.scheme() == "http" && config.security.require_https && !is_by_choice(config, &api) {
        let text = "the address of the API is plain http, which is not allowed; write https, or set security.require_https to \
                    false";
        return Err(text.to_owned());
    }
    check_machine(&Arc::new(entered_guard(config)), &api).await.map_err(|refused| refused.to_string())
}

fn is_by_choice(config: &Config, api: &Url) -> bool {
    // An address of a repository has a path; what is compared is the machine.
    let below = format!("{}/api", api.as_str().trim_end_matches('/'));
    Address::read(&below).is_ok_and(|address| is_plain_by_choice(&config.forges, &address))
}

/// Whether an address is the one that a forge's API is at anyway.
fn is_at(api: &Url, forge: &ForgeConfig) -> bool {
    let root = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    forge.api().is_some_and(|usual| root(&usual) == root(api))
}

/// Whether a token may be sent to a place: encrypted, or without leaving this machine.
fn takes_token(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && net::is_here(url)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use entity::kind::Provider;

    use super::*;

    const HOME: &str = "https://git.example.org/ada/home";

    fn access(api: Option<&str>, token: Option<&str>) -> Access {
        Access { url: HOME.to_owned(), api_base_url: api.map(str::to_owned), token: token.map(str::to_owned) }
    }

    /// The API's address and the token that a repository is asked about with; nothing where it is asked as all others.
    fn asked(access: &Access, url: &str, host: &str) -> Option<(String, Option<String>, bool)> {
        let usual = ForgeConfig {
            token: Some(Secret::new("usual".to_owned())),
            ..ForgeConfig::of_host(host, Provider::Gitlab)
        };
        let found = entered_forge(access, url, host, &usual)?;
        let token = found.forge.token.as_ref().map(|token| token.expose().to_owned());
        Some((found.forge.api().unwrap().to_string(), token, found.is_elsewhere))
    }

    #[test]
    fn a_token_goes_to_its_machine_and_to_the_api_that_it_was_entered_with() {
        let (host, usual) = ("git.example.org", "https://git.example.org/api/v4");
        let own =
            |api: &str, token: Option<&str>, elsewhere| Some((api.to_owned(), token.map(str::to_owned), elsewhere));
        assert_eq!(asked(&access(None, Some("own")), HOME, host), own(usual, Some("own"), false));
        assert_eq!(asked(&access(Some(usual), Some("own")), HOME, host), own(usual, Some("own"), false));
        let other = "https://api.example.org/v4";
        assert_eq!(asked(&access(Some(other), Some("own")), HOME, host), own(other, Some("own"), true));
        // A token that is the host's goes to no address that somebody entered.
        assert_eq!(asked(&access(Some(other), None), HOME, host), own(other, None, true));
        // Not encrypted, moved to another machine, at a forge that is known by another host.
        let plain = "http://api.example.org/v4";
        assert_eq!(asked(&access(Some(plain), Some("own")), HOME, host), own(plain, None, true));
        for moved in ["https://evil.example/ada/home", "http://git.example.org/ada/home"] {
            for api in [None, Some(other)] {
                assert_eq!(asked(&access(api, Some("own")), moved, host), None, "{moved}");
            }
            assert!(git_token(&access(None, Some("own")), moved).is_none(), "{moved}");
        }
        assert_eq!(asked(&access(None, Some("own")), HOME, "forge.example.org"), None);
        assert_eq!(asked(&access(None, None), HOME, host), None);
        assert_eq!(git_token(&access(Some(other), Some("own")), HOME).unwrap().expose(), "own");
        assert!(git_token(&access(Some(other), None), HOME).is_none());
        // Where the forge's own API is not encrypted, only the host's token goes there, as the operator wrote it.
        let clear = ForgeConfig {
            url: format!("http://{host}"),
            token: Some(Secret::new("usual".to_owned())),
            ..ForgeConfig::of_host(host, Provider::Gitlab)
        };
        assert!(entered_forge(&access(None, Some("own")), HOME, host, &clear).is_none());
    }

    #[test]
    fn what_everybody_reads_of_an_entered_api_says_neither_where_it_is_nor_what_it_says() {
        let name = entered_name("https://Git.example.org/ada/home.git");
        assert_eq!(name, "the API entered for git.example.org/ada/home");
        let (host, what, inside) =
            (|| name.clone(), || "the branches of ada/home".to_owned(), || "10.0.0.7".to_owned());
        let key = || ENTERED_KEY.to_owned();
        let refused = net::Refused::Unresolved { host: inside(), reason: inside() };
        for error in [
            ForgeError::Unreachable { host: host(), what: what(), reason: inside() },
            ForgeError::Forbidden { host: host(), what: what(), said: inside(), key: key() },
            ForgeError::Status { host: host(), what: what(), status: 503, said: inside() },
            ForgeError::BadQuery { host: host(), what: what(), said: inside() },
            ForgeError::Unreadable { host: host(), what: what(), reason: inside() },
            ForgeError::Redirected { host: host(), what: what(), to: inside() },
            ForgeError::Refused(refused),
        ] {
            let told = without_place(&name, error).to_string();
            assert!(told.contains(&name) && !told.contains(&inside()), "{told}");
        }
        let told = without_place(&name, ForgeError::TokenRefused { host: host(), what: what(), key: key() });
        assert!(told.to_string().contains("where it was entered"), "{told}");
    }

    #[tokio::test]
    async fn what_leads_inside_or_is_not_encrypted_is_refused_before_it_is_kept() {
        let config = |text: &str| crate::config::parse(Path::new("test"), text, [].into()).unwrap();
        // The configuration's forge is trusted as it stands there; another address of that machine is not.
        let inside = "discovery: {forges: [{url: 'https://10.0.0.7', provider: gitlab}]}";
        let ask = async |text: &str, url: &str, api: Option<&str>, has_token: bool| {
            let api_base_url = api.map(str::to_owned);
            let asked = AskedAccess { url: url.to_owned(), provider: Provider::Gitlab, api_base_url, has_token };
            check_access(&config(text), &asked).await.err().unwrap_or_default()
        };
        assert_eq!(ask("app: {}", HOME, None, true).await, "");
        assert_eq!(ask("app: {}", HOME, Some("https://140.82.121.3/api/v4"), true).await, "");
        assert_eq!(
            ask("app: {}", "http://127.0.0.1:1/ada/home", None, true).await,
            "",
            "it does not leave the machine"
        );
        assert_eq!(ask(inside, "https://10.0.0.7/ada/home", Some("https://10.0.0.7/api/v4"), true).await, "");
        let allowed = "security: {allowed_networks: [10.0.0.0/8]}";
        assert_eq!(ask(allowed, HOME, Some("https://10.0.0.7/api/v4"), true).await, "");
        for (text, url, api, has_token, why) in [
            ("app: {}", HOME, Some("https://10.0.0.7/api/v4"), true, "security.allowed_networks"),
            (inside, HOME, Some("https://10.0.0.7/api/v4"), true, "security.allowed_networks"),
            (inside, "https://10.0.0.7/ada/home", Some("https://10.0.0.7/x"), false, "security.allowed_networks"),
            ("app: {}", HOME, Some("https://169.254.169.254/"), false, "a link-local address"),
            ("app: {}", HOME, Some("http://140.82.121.3/"), true, "no token is sent"),
            ("app: {}", HOME, Some("http://140.82.121.3/"), false, "security.require_https"),
            ("app: {}", "http://git.example.org/ada/home", None, true, "no token is sent"),
            ("app: {}", "/srv/home", None, true, "a folder"),
        ] {
            let said = ask(text, url, api, has_token).await;
            assert!(said.contains(why), "{url} {api:?}: {said:?}");
        }
    }
}
