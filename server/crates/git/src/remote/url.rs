//! Addresses of repositories: what we may and can fetch from.

use std::path::PathBuf;

use entity::address::{Address, Scheme};
use entity::credential::{has_credentials, shown_address};
use url::Url;

use crate::GitError;

/// Which kinds of addresses are allowed beside https, http and ssh.
#[derive(Clone, Copy, Debug, Default)]
pub struct UrlPolicy {
    /// `file://` and plain paths: the CLI's and the samples' way, not for addresses that strangers enter.
    pub allow_local: bool,
}

/// An address that was checked. Holds no credentials: those written into it are dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RemoteUrl {
    place: Place,
    /// The address carried a password, which was dropped.
    had_credentials: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Http(Url),
    /// `user@` stays: it is part of the address, not a secret.
    Ssh {
        host: String,
        address: String,
    },
    Local(PathBuf),
}

impl RemoteUrl {
    /// Reads `https://…`, `http://…`, `ssh://…`, `user@host:path`, and where allowed `file://…` and paths.
    ///
    /// # Errors
    /// `RefusedUrl`, with what would be taken instead.
    pub fn parse(text: &str, policy: UrlPolicy) -> Result<Self, GitError> {
        let text = text.trim();
        let refused = |reason: &str| GitError::RefusedUrl { url: shown(text), reason: reason.to_owned() };
        let address = Address::read(text).map_err(|error| refused(&error.to_string()))?;
        let had_credentials = has_credentials(text);
        let written = address.to_string();
        let place = match address.scheme() {
            Scheme::Https | Scheme::Http => {
                Place::Http(Url::parse(&written).map_err(|error| refused(&format!("it cannot be read: {error}")))?)
            }
            Scheme::Ssh => {
                // ssh is started by a shell that must not find anything of its own in the name.
                let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
                let (host, user) = (address.host(), address.user().unwrap_or_default());
                if host.starts_with('-') || !host.chars().all(is_name) || user.starts_with('-') {
                    return Err(refused("it names no host that ssh can be given"));
                }
                Place::Ssh { host: host.to_owned(), address: written }
            }
            Scheme::File if text.contains("://") => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                Self::local(text, path.ok_or_else(|| refused("write file:///absolute/path"))?, policy)?
            }
            Scheme::File => Self::local(text, PathBuf::from(text), policy)?,
            Scheme::Other(scheme) if scheme == "git" => {
                return Err(refused("the git:// protocol is neither encrypted nor checked; use https://"));
            }
            Scheme::Other(_) => return Err(refused("only https, http, ssh and file addresses are understood")),
        };
        Ok(Self { place, had_credentials })
    }

    fn local(text: &str, path: PathBuf, policy: UrlPolicy) -> Result<Place, GitError> {
        if !policy.allow_local {
            return Err(GitError::RefusedUrl {
                url: shown(text),
                reason: "local paths are not allowed here; use an https:// address, or allow them in the configuration"
                    .to_owned(),
            });
        }
        Ok(Place::Local(path))
    }

    /// Whether a user name or password in the address was dropped: it belongs into `token`.
    #[must_use]
    pub fn had_credentials(&self) -> bool {
        self.had_credentials
    }

    /// The folder, if the address is a local one.
    #[must_use]
    pub fn local_path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Http(_) | Place::Ssh { .. } => None,
        }
    }

    /// For messages: whom we talk to.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.place {
            Place::Http(url) => url.host_str().unwrap_or_default().to_owned(),
            Place::Ssh { host, .. } => host.clone(),
            Place::Local(_) => "this machine".to_owned(),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}

impl std::fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Http(url) => f.write_str(url.as_str()),
            Place::Ssh { address, .. } => f.write_str(address),
            Place::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

impl std::fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

/// An address for an error message: without credentials, and bounded.
fn shown(text: &str) -> String {
    shown_address(text).chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: UrlPolicy = UrlPolicy { allow_local: true };

    #[test]
    fn takes_the_usual_addresses() {
        for (text, shown, host) in [
            ("https://github.com/o/n", "https://github.com/o/n", "github.com"),
            (" https://github.com/o/n.git/ ", "https://github.com/o/n.git", "github.com"),
            ("HTTP://Example.COM:8080/n", "http://example.com:8080/n", "example.com"),
            ("ssh://git@github.com/o/n", "ssh://git@github.com/o/n", "github.com"),
            ("git@github.com:o/n.git", "git@github.com:o/n.git", "github.com"),
        ] {
            let url = RemoteUrl::parse(text, UrlPolicy::default()).unwrap();
            assert_eq!((url.to_string().as_str(), url.host().as_str()), (shown, host));
            assert!(!url.had_credentials());
        }
    }

    #[test]
    fn drops_credentials_and_says_so() {
        let url = RemoteUrl::parse("https://me:hunter2@example.com/n?token=hunter2", UrlPolicy::default()).unwrap();
        assert_eq!(url.to_string(), "https://example.com/n");
        assert!(url.had_credentials());
        assert!(!format!("{url:?}").contains("hunter2"));
    }

    #[test]
    fn refuses_with_a_reason_and_without_the_password() {
        for text in [
            "",
            "https://",
            "https://example.com",
            "https://example.com/",
            "git://example.com/n",
            "ftp://u:hunter2@e.com/n",
            "ext::sh -c id",
            "ssh://-oProxyCommand=x/n",
            "https://u:hunter2@/n",
            "ssh://host",
            "ssh://a$(id)/n",
            "a`id`:n",
            "a\u{0}b",
            "/etc",
            "../x",
            "file:///etc",
            "https://u:hunter2@exa mple.com/n",
        ] {
            let error = RemoteUrl::parse(text, UrlPolicy::default()).unwrap_err();
            assert!(matches!(error, GitError::RefusedUrl { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn paths_only_where_allowed() {
        for text in ["/srv/git/n", "file:///srv/git/n"] {
            let url = RemoteUrl::parse(text, LOCAL).unwrap();
            assert_eq!(url.local_path(), Some(std::path::Path::new("/srv/git/n")));
        }
        assert!(RemoteUrl::parse("file://host/srv", LOCAL).is_err());
    }
}
