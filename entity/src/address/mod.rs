//! The one reader of a repository's address: what it names, on which machine, and whether two of them name the same.
//!
//! It says what is written; what may be talked to is decided elsewhere.

mod error;

use std::fmt;

use url::Url;

pub use error::AddressError;

use crate::credential::shown_address;
use crate::kind::Provider;

/// Longest address that is read.
const MAX_LENGTH: usize = 2_000;

/// How a repository is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `https://`
    Https,
    /// `http://`, in the clear.
    Http,
    /// `ssh://`, or `user@host:path`.
    Ssh,
    /// `file://`, or a path.
    File,
    /// One that is not fetched by.
    Other(String),
}

/// A repository's address, taken apart. It holds no password: what is written before an `@` is a user of ssh or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: Scheme,
    user: Option<String>,
    /// The whole of it, without query, fragment and password.
    text: String,
    /// In lower case, without a dot at its end; empty for folders of this machine.
    host: String,
    /// Where it is not the scheme's usual one.
    port: Option<u16>,
    /// Without query, fragment and slashes around it; of a folder as it is written.
    path: String,
}

/// A repository as its forge names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeName {
    /// As in [`forge_host`].
    pub host: String,
    /// `owner/name`; with GitLab's nested groups more.
    pub full_name: String,
}

impl Address {
    /// Reads `https://host/path`, `ssh://host/path`, `user@host:path`, `file:///path`, and paths.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(AddressError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control);
        }
        if text.contains("://") {
            return Self::of_url(text);
        }
        if text.split('/').next().is_some_and(|start| start.contains("::")) {
            return Err(AddressError::Helper);
        }
        match short(text).filter(|_| !is_local(text)) {
            Some((host, path)) => {
                let spelled = Self::of_url(&format!("ssh://{host}/{}", path.trim_start_matches('/')))?;
                // An absolute path is another one than the same from the user's home.
                Ok(Self { text: text.to_owned(), ..spelled })
            }
            None => Ok(Self::of_file(text)),
        }
    }

    /// The same with what people leave out: `owner/name` is GitHub's, and `host/owner/name` begins with `https://`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read_pasted(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let is_word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        match text.trim_end_matches('/').split('/').collect::<Vec<_>>()[..] {
            [owner, name] if is_word(owner) && is_word(name) && !is_local(text) => {
                Self::read(&format!("https://github.com/{owner}/{name}"))
            }
            [host, _, ..] if short(text).is_none() && host.contains('.') && !host.contains(':') && !is_local(text) => {
                Self::read(&format!("https://{text}"))
            }
            _ => Self::read(text),
        }
    }

    fn of_url(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => AddressError::NoHost,
            error => AddressError::Unreadable(error.to_string()),
        })?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" => Scheme::Ssh,
            "file" => return Ok(Self::of_file(text)),
            other => Scheme::Other(other.to_owned()),
        };
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        let path = url.path().trim_matches('/').to_owned();
        if path.is_empty() {
            return Err(AddressError::NoRepository);
        }
        let is_shell = scheme == Scheme::Ssh;
        let user = Some(url.username()).filter(|user| is_shell && !user.is_empty()).map(str::to_owned);
        let port = url.port().filter(|port| !is_shell || *port != 22);
        let text = format!(
            "{}://{}{}{}/{path}",
            if is_shell { "ssh" } else { url.scheme() },
            user.as_ref().map(|user| format!("{user}@")).unwrap_or_default(),
            // Names of hosts that only ssh's configuration knows may be in any case.
            url.host_str().unwrap_or_default(),
            port.map(|port| format!(":{port}")).unwrap_or_default(),
        );
        Ok(Self { scheme, user, text, host, port, path })
    }

    fn of_file(text: &str) -> Self {
        let path = text.split_once("://").map_or(text, |(_, path)| path).to_owned();
        Self { scheme: Scheme::File, user: None, text: text.to_owned(), host: String::new(), port: None, path }
    }

    /// How it is reached.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The machine, without its port; empty for a folder of this one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whom ssh is told to be.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The machine with its port, where that is not the usual one.
    #[must_use]
    pub fn place(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// Another repository of the same place; `None` for folders and for what is not of the web.
    #[must_use]
    pub fn web_address_of(&self, full_name: &str) -> Option<String> {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Ssh | Scheme::File | Scheme::Other(_) => return None,
        };
        Some(format!("{scheme}://{}/{full_name}", self.place()))
    }

    /// The machine alone, as a URL; `None` for folders.
    #[must_use]
    pub fn machine(&self) -> Option<Url> {
        let scheme = match &self.scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Ssh => "ssh",
            Scheme::Other(scheme) => scheme,
            Scheme::File => return None,
        };
        Url::parse(&format!("{scheme}://{}/", self.place())).ok()
    }

    /// What all ways to write one repository's address share: `github.com/ada/home-ops`.
    #[must_use]
    pub fn key(&self) -> String {
        let path = self.path.trim_matches('/');
        format!("{}/{}", self.place(), path.strip_suffix(".git").unwrap_or(path)).to_lowercase()
    }

    /// The repository's name as far as its address tells: the path, of a folder its own name.
    #[must_use]
    pub fn full_name(&self) -> String {
        let path = self.path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        if self.scheme == Scheme::File {
            let mut names = path.rsplit('/').filter(|name| !matches!(*name, "" | "." | ".."));
            return names.next().unwrap_or_default().to_owned();
        }
        path.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// The host of the forge that it would be at, as in [`forge_host`]; `None` for folders.
    #[must_use]
    pub fn forge_host(&self) -> Option<String> {
        match self.scheme {
            Scheme::Https | Scheme::Http => Some(known_host(&self.place()).to_owned()),
            // The port of ssh says nothing of the forge's.
            Scheme::Ssh => Some(known_host(&self.host).to_owned()),
            Scheme::File | Scheme::Other(_) => None,
        }
    }

    /// Host and name as a forge knows them, with whatever a browser's address bar has behind them left out. `None` where
    /// the path is too short for one, and for folders.
    #[must_use]
    pub fn at_forge(&self, provider: Provider) -> Option<ForgeName> {
        let host = self.forge_host()?;
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let parts = match provider {
            Provider::Github | Provider::Forgejo => parts.get(..2)?,
            // Everything that is no group or project stands behind `/-/`.
            Provider::Gitlab => parts.split(|part| *part == "-").next()?,
            Provider::Git => &parts,
        };
        let full_name = parts.join("/");
        let full_name = full_name.strip_suffix(".git").unwrap_or(&full_name).to_owned();
        (!full_name.is_empty()).then_some(ForgeName { host, full_name })
    }

    /// The forge behind it as far as its host tells.
    #[must_use]
    pub fn provider(&self) -> Provider {
        provider_of_host(&self.host)
    }
}

impl fmt::Display for Address {
    /// The address itself, without query, fragment and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// [`Address::key`] of what is stored or said by a forge; what is no address is only like itself.
#[must_use]
pub fn address_key(text: &str) -> String {
    Address::read(text).map_or_else(|_| text.trim().to_lowercase(), |address| address.key())
}

/// [`Address::full_name`] of a text; what is no address names itself.
#[must_use]
pub fn name_of(text: &str) -> String {
    Address::read(text).map_or_else(|_| text.to_owned(), |address| address.full_name())
}

/// [`Address::provider`] of a text.
#[must_use]
pub fn provider_of(text: &str) -> Provider {
    Address::read(text).map_or(Provider::Git, |address| address.provider())
}

/// The forge on a machine as far as its name tells.
#[must_use]
pub fn provider_of_host(host: &str) -> Provider {
    match host {
        host if host.contains("github") => Provider::Github,
        host if host.contains("gitlab") => Provider::Gitlab,
        "codeberg.org" => Provider::Forgejo,
        host if host.contains("forgejo") || host.contains("gitea") => Provider::Forgejo,
        _ => Provider::Git,
    }
}

/// Whether an address is of a folder on this machine.
#[must_use]
pub fn is_local(text: &str) -> bool {
    text.starts_with(['/', '.']) || text.starts_with("file:")
}

/// The host that people know a forge by: `github.com` for `https://api.github.com`, with the port where it is unusual.
#[must_use]
pub fn forge_host(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    let host = known_host(&host);
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn known_host(host: &str) -> &str {
    if matches!(host, "api.github.com" | "www.github.com") { "github.com" } else { host }
}

/// An address as it may be shown: without credentials, and of a folder on the server only its own name, since paths
/// there are nobody's business.
#[must_use]
pub fn shown_url(url: &str) -> String {
    if !is_local(url) {
        return shown_address(url).into_owned();
    }
    let name = url.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or_default();
    format!("file:{name}")
}

/// `[user@]host:path`, unless a slash comes first, as in Git; a single letter is a drive.
fn short(text: &str) -> Option<(&str, &str)> {
    let (host, path) = text.split_once(':')?;
    (!host.contains('/') && host.len() > 1 && !path.is_empty()).then_some((host, path))
}

#[cfg(test)]
mod tests;
