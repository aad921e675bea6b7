//! Addresses of repositories: what we may and can fetch from.

use std::path::PathBuf;

use entity::credential::shown_address;
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
    Ssh(String),
    Local(PathBuf),
}

/// Longest address that is read.
const MAX_LENGTH: usize = 2_000;

impl RemoteUrl {
    /// Reads `https://…`, `http://…`, `ssh://…`, `user@host:path`, and where allowed `file://…` and paths.
    ///
    /// # Errors
    /// `RefusedUrl`, with what would be taken instead.
    pub fn parse(text: &str, policy: UrlPolicy) -> Result<Self, GitError> {
        let text = text.trim();
        let refused = |reason: &str| GitError::RefusedUrl { url: shown(text), reason: reason.to_owned() };
        if text.is_empty() {
            return Err(refused("it is empty; write something like https://github.com/owner/name"));
        }
        if text.len() > MAX_LENGTH {
            return Err(refused("it is longer than 2,000 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(refused("it holds control characters"));
        }
        match text.split_once("://") {
            Some((scheme, _)) => match scheme.to_ascii_lowercase().as_str() {
                "https" | "http" => Self::http(text),
                "ssh" | "git+ssh" => Self::ssh(text),
                "file" => Self::file(text, policy),
                "git" => Err(refused("the git:// protocol is neither encrypted nor checked; use https://")),
                _ => Err(refused("only https, http, ssh and file addresses are understood")),
            },
            None if text.split('/').next().is_some_and(|start| start.contains("::")) => {
                Err(refused("remote helpers are not run; use https://"))
            }
            None => match scp_like(text) {
                Some((host, path)) => Self::ssh(&format!("ssh://{host}/{}", path.trim_start_matches('/')))
                    .map(|_| Self { place: Place::Ssh(text.to_owned()), had_credentials: false }),
                None => Self::local(text, PathBuf::from(text), policy),
            },
        }
    }

    fn http(text: &str) -> Result<Self, GitError> {
        let refused = |reason: &str| GitError::RefusedUrl { url: shown(text), reason: reason.to_owned() };
        let mut url = Url::parse(text).map_err(|error| refused(&format!("it cannot be read: {error}")))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("it names no host"));
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(refused("it names a host but no repository on it"));
        }
        let had_credentials = !url.username().is_empty() || url.password().is_some();
        // Neither can fail: the URL has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        url.set_query(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { place: Place::Http(url), had_credentials })
    }

    fn ssh(text: &str) -> Result<Self, GitError> {
        let refused = |reason: &str| GitError::RefusedUrl { url: shown(text), reason: reason.to_owned() };
        let mut url = Url::parse(text).map_err(|error| refused(&format!("it cannot be read: {error}")))?;
        let host = url.host_str().unwrap_or_default();
        // ssh is started by a shell that must not find anything of its own in the name.
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || host.starts_with('-') || !host.chars().all(is_name) || url.username().starts_with('-') {
            return Err(refused("it names no host that ssh can be given"));
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(refused("it names a host but no repository on it"));
        }
        let had_credentials = url.password().is_some();
        let _ = url.set_password(None);
        Ok(Self { place: Place::Ssh(url.to_string()), had_credentials })
    }

    fn file(text: &str, policy: UrlPolicy) -> Result<Self, GitError> {
        let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
        let path = path.ok_or_else(|| GitError::RefusedUrl {
            url: shown(text),
            reason: "write file:///absolute/path".to_owned(),
        })?;
        Self::local(text, path, policy)
    }

    fn local(text: &str, path: PathBuf, policy: UrlPolicy) -> Result<Self, GitError> {
        if !policy.allow_local {
            return Err(GitError::RefusedUrl {
                url: shown(text),
                reason: "local paths are not allowed here; use an https:// address, or allow them in the configuration"
                    .to_owned(),
            });
        }
        Ok(Self { place: Place::Local(path), had_credentials: false })
    }

    /// Whether a user name or password in the address was dropped: it belongs into `token`.
    pub fn had_credentials(&self) -> bool {
        self.had_credentials
    }

    /// The folder, if the address is a local one.
    pub fn local_path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Http(_) | Place::Ssh(_) => None,
        }
    }

    /// For messages: whom we talk to.
    pub fn host(&self) -> String {
        match &self.place {
            Place::Http(url) => url.host_str().unwrap_or_default().to_owned(),
            Place::Ssh(text) => match Url::parse(text) {
                Ok(url) => url.host_str().unwrap_or_default().to_owned(),
                Err(_) => scp_like(text)
                    .map_or(text.as_str(), |(host, _)| host)
                    .rsplit('@')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            },
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
            Place::Ssh(text) => f.write_str(text),
            Place::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

impl std::fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

/// `[user@]host:path`, unless a slash comes first, as in Git.
fn scp_like(text: &str) -> Option<(&str, &str)> {
    let (host, path) = text.split_once(':')?;
    (!host.contains('/') && host.len() > 1 && !path.is_empty()).then_some((host, path))
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
