//! Reads addresses that people want to add: what they name, and whether that may be cloned from here.

use std::sync::Arc;
use std::time::Duration;

use actions::NotUsable;
use entity::credential::has_credentials;
use entity::input::FoundRepository;
use entity::kind::{AddVerdict, Origin};
use forge::Address;
use net::{AddressGuard, Refused};
use store::discovery::matches;
use url::Url;

use crate::config::{Config, ForgeConfig, provider_of};
use crate::forges::is_plain_by_choice;

/// Asking for a name must not take for ever.
const RESOLVE: Duration = Duration::from_secs(5);
/// A longer address is none.
const MAX_LENGTH: usize = 2_000;

/// What decides about addresses.
pub struct Adding {
    guard: Arc<AddressGuard>,
    forges: Vec<ForgeConfig>,
    block: Vec<String>,
    require_https: bool,
}

impl Adding {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            guard: Arc::new(crate::forges::guard(config)),
            forges: config.forges.clone(),
            block: config.discovery.block.clone(),
            require_https: config.security.require_https,
        }
    }

    /// The repository that an address names, if it may be added.
    ///
    /// # Errors
    /// Why not.
    pub async fn read(&self, text: &str) -> Result<FoundRepository, NotUsable> {
        let invalid = |reason: String| NotUsable { verdict: AddVerdict::Invalid, reason };
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return Err(invalid("this is no address; write it as https://github.com/owner/name".to_owned()));
        }
        if has_credentials(text) {
            // Neither kept nor said again.
            let said = "it carries credentials, and addresses end up in logs; set token: in the configuration instead";
            return Err(invalid(said.to_owned()));
        }
        // `owner/name` is what people copy from GitHub's pages.
        let spelled = match text.split('/').collect::<Vec<_>>()[..] {
            [owner, name] if is_word(owner) && is_word(name) => format!("https://github.com/{text}"),
            [host, _, ..] if !text.contains("://") && !text.contains('@') && host.contains('.') && host.len() > 1 => {
                format!("https://{text}")
            }
            _ => text.to_owned(),
        };
        let is_scp = !spelled.contains("://")
            && spelled
                .split_once(':')
                .and_then(|(host, _)| host.split_once('@'))
                .is_some_and(|(user, _)| is_word(user));
        let as_url = if is_scp { format!("ssh://{}", spelled.replacen(':', "/", 1)) } else { spelled.clone() };
        let mut url = Url::parse(&as_url).map_err(|error| {
            let why = match error {
                url::ParseError::RelativeUrlWithoutBase => String::new(),
                error => format!(" ({error})"),
            };
            invalid(format!("this is no address{why}; write it as https://github.com/owner/name"))
        })?;
        match url.scheme() {
            "https" | "ssh" => {}
            "http" if self.require_https && !is_plain_by_choice(&self.forges, &url) => {
                let text = "plain http is not allowed; use https, or set security.require_https to false";
                return Err(invalid(text.to_owned()));
            }
            "http" => {}
            "file" => {
                return Err(invalid("paths and file:// addresses can only be named in the configuration".to_owned()));
            }
            other => return Err(invalid(format!("the scheme {other:?} is not known here; use https or ssh"))),
        }
        url.set_query(None);
        url.set_fragment(None);
        let configured = self.forges.iter().find(|forge| forge::host_of(&url).is_some_and(|host| host == forge.host()));
        let provider = configured.map_or_else(|| provider_of(url.as_str()), |forge| forge.provider);
        let address = Address::parse(url.as_str(), provider).ok_or_else(|| {
            invalid("it names a host but no repository on it; write it as https://github.com/owner/name".to_owned())
        })?;
        if let Some(pattern) = self.block.iter().find(|pattern| matches(pattern, &address.host, &address.full_name)) {
            let reason = format!("{} is blocked: discovery.block has {pattern}", address.full_name);
            return Err(NotUsable { verdict: AddVerdict::Blocked, reason });
        }
        self.check_place(&url).await?;
        let clone_url = match url.scheme() {
            "ssh" if is_scp => spelled,
            "ssh" => url.to_string(),
            scheme => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{}{port}/{}", url.host_str().unwrap_or_default(), address.full_name)
            }
        };
        let (owner, name) = address.full_name.rsplit_once('/').unwrap_or(("", &address.full_name));
        Ok(FoundRepository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            full_name: address.full_name.clone(),
            description: None,
            provider,
            origin: Origin::Added,
            web_url: clone_url.starts_with("http").then(|| clone_url.clone()),
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
            url: clone_url,
        })
    }

    /// Where the name leads now. What is connected to later is checked again then.
    async fn check_place(&self, url: &Url) -> Result<(), NotUsable> {
        let refusal = |refused: Refused| {
            let verdict = match refused {
                Refused::Address { .. } => AddVerdict::Private,
                Refused::Unresolved { .. } | Refused::NoHost { .. } => AddVerdict::Invalid,
            };
            NotUsable { verdict, reason: refused.to_string() }
        };
        self.guard.check_url(url).map_err(refusal)?;
        let Some(host) = url.host_str().map(str::to_owned) else {
            return Err(NotUsable { verdict: AddVerdict::Invalid, reason: "it names no host".to_owned() });
        };
        let guard = Arc::clone(&self.guard);
        let port = url.port_or_known_default().unwrap_or(22);
        let resolved = tokio::task::spawn_blocking(move || guard.resolve(&host, port));
        match tokio::time::timeout(RESOLVE, resolved).await {
            Ok(Ok(Err(refused))) => Err(refusal(refused)),
            Ok(Ok(Ok(_))) => Ok(()),
            // Too slow a name server is the sync's trouble, which checks again.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
