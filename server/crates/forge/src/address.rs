//! Addresses as people paste them: which host, which repository there.

use entity::kind::Provider;
use url::Url;

/// A repository's address taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As in [`host_of`].
    pub host: String,
    /// `owner/name`; with GitLab's nested groups more.
    pub full_name: String,
}

impl Address {
    /// Takes `https://host/owner/name`, with whatever a browser's address bar has behind it, and `git@host:owner/name.git`.
    /// `None` where there is no host or no path.
    #[must_use]
    pub fn parse(text: &str, provider: Provider) -> Option<Self> {
        let text = text.trim();
        let (host, path) = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "https" | "http") => (host_of(&url)?, url.path().to_owned()),
            // The port of ssh says nothing of the forge's.
            Ok(url) if matches!(url.scheme(), "ssh" | "git+ssh") => {
                (url.host_str()?.to_ascii_lowercase(), url.path().to_owned())
            }
            Ok(_) => return None,
            Err(_) => {
                let (host, path) = text.split_once(':')?;
                let host = host.rsplit('@').next()?;
                (host.to_ascii_lowercase(), path.to_owned())
            }
        };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let parts = match provider {
            Provider::Github | Provider::Forgejo => parts.get(..2)?,
            // Everything that is no group or project stands behind `/-/`.
            Provider::Gitlab => parts.split(|part| *part == "-").next()?,
            Provider::Git => &parts,
        };
        let full_name = parts.join("/");
        let full_name = full_name.strip_suffix(".git").unwrap_or(&full_name).to_owned();
        (!full_name.is_empty() && !host.is_empty()).then_some(Self { host, full_name })
    }
}

/// The host that people know a forge by: `github.com` for `https://api.github.com`, with the port where it is unusual.
#[must_use]
pub fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    let host = if host == "api.github.com" || host == "www.github.com" { "github.com".to_owned() } else { host };
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_as_people_paste_them() {
        for (text, provider, host, name) in [
            ("https://github.com/ada/home-ops", Provider::Github, "github.com", "ada/home-ops"),
            ("https://www.github.com/ada/home-ops.git/", Provider::Github, "github.com", "ada/home-ops"),
            ("https://github.com/ada/home-ops/tree/main/apps?x=1#y", Provider::Github, "github.com", "ada/home-ops"),
            ("git@github.com:ada/home-ops.git", Provider::Github, "github.com", "ada/home-ops"),
            ("ssh://git@git.lan:2222/ada/home-ops", Provider::Forgejo, "git.lan", "ada/home-ops"),
            ("https://gitlab.com/a/b/c/-/tree/main", Provider::Gitlab, "gitlab.com", "a/b/c"),
            ("https://git.lan:8443/srv/x.git", Provider::Git, "git.lan:8443", "srv/x"),
        ] {
            let address = Address::parse(text, provider).unwrap();
            assert_eq!((address.host.as_str(), address.full_name.as_str()), (host, name), "{text}");
        }
        for text in ["", "https://github.com/", "https://github.com/ada", "home-ops", "ftp://x/a/b"] {
            assert_eq!(Address::parse(text, Provider::Github), None, "{text}");
        }
    }
}
