//! One spelling for each address.

/// Names of Docker Hub's registry.
const DOCKER_HUB: [&str; 3] = ["registry-1.docker.io", "index.docker.io", "registry.hub.docker.com"];

/// A registry by its one name.
pub fn registry(host: &str) -> &str {
    if DOCKER_HUB.contains(&host) { "docker.io" } else { host }
}

/// How a chart is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceScheme {
    /// A chart repository.
    Https,
    /// A registry.
    Oci,
    Git,
}

/// An address in its one spelling: `https://` for repositories and Git, `oci://` for registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    pub scheme: SourceScheme,
    pub url: String,
}

/// A chart at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinates {
    pub source: String,
    pub chart: String,
    /// Names the chart at this place; in lower case.
    pub key: String,
}

impl SourceAddress {
    /// Reads an address; `None` where it is none.
    #[must_use]
    pub fn read(url: &str) -> Option<Self> {
        let url = url.trim();
        if !url.starts_with("http")
            && !url.starts_with("oci")
            && let Some(address) = Self::with_user(url)
        {
            return Some(address);
        }
        let (scheme, rest) = url.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.split_once('@').map_or(authority, |(_, host)| host).to_lowercase();
        if !is_scheme || host.is_empty() {
            return None;
        }
        let path = single_slashes(path);
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix("/index.yaml").unwrap_or(path);
        let without = |port: &str| host.strip_suffix(port).unwrap_or(&host).to_owned();
        match scheme.to_ascii_lowercase().as_str() {
            "oci" => {
                let host = without(":443");
                Some(Self { scheme: SourceScheme::Oci, url: format!("oci://{}{path}", registry(&host)) })
            }
            "https" => Some(Self { scheme: SourceScheme::Https, url: format!("https://{}{path}", without(":443")) }),
            "http" => Some(Self { scheme: SourceScheme::Https, url: format!("https://{}{path}", without(":80")) }),
            "ssh" | "git" => {
                let path = path.strip_suffix(".git").unwrap_or(path);
                Some(Self { scheme: SourceScheme::Git, url: format!("https://{}{path}", without(":80")) })
            }
            _ => None,
        }
    }

    /// `git@host:path` and `ssh://git@host/path`.
    fn with_user(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("git::").unwrap_or(url);
        let rest = rest.strip_prefix("ssh://").unwrap_or(rest);
        let is_word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
        let (user, rest) = rest.split_once('@')?;
        let (host, path) = rest.split_once([':', '/'])?;
        if !is_word(user) || !is_word(host) || path.is_empty() {
            return None;
        }
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        Some(Self { scheme: SourceScheme::Git, url: format!("https://{}/{path}", host.to_lowercase()) })
    }

    /// The address of a Git repository, without `.git`.
    #[must_use]
    pub fn without_git(&self) -> &str {
        self.url.strip_suffix(".git").unwrap_or(&self.url)
    }

    /// Where a chart of a repository or registry is. With an empty name the address is that of the chart itself.
    #[must_use]
    pub fn chart(&self, name: &str) -> Coordinates {
        let whole = match name {
            "" => self.url.clone(),
            name => format!("{}/{}", self.url, name.trim_matches('/')),
        };
        if self.scheme == SourceScheme::Oci {
            let (source, chart) = whole.rsplit_once('/').unwrap_or_default();
            let key = whole.trim_start_matches("oci://").to_lowercase();
            return Coordinates { source: source.to_owned(), chart: chart.to_owned(), key };
        }
        let key = format!("{}/{name}", self.url.trim_start_matches("https://")).to_lowercase();
        Coordinates { source: self.url.clone(), chart: name.to_owned(), key }
    }

    /// The key of a chart in a folder of a Git repository.
    #[must_use]
    pub fn git_key(&self, folder: &str) -> String {
        format!("{}//{folder}", self.without_git().trim_start_matches("https://")).to_lowercase()
    }
}

fn single_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (written, right) in [
            ("HTTP://Charts.Example.org:80//a/index.yaml", "https://charts.example.org/a"),
            ("https://me:word@charts.example.org:443/a/?x=1#y", "https://charts.example.org/a"),
            ("oci://index.docker.io/me/charts/", "oci://docker.io/me/charts"),
            ("git@Example.org:me/home.git", "https://example.org/me/home"),
            ("ssh://git@example.org/me/home.git/", "https://example.org/me/home"),
            ("ssh://example.org/me/home.git", "https://example.org/me/home"),
        ] {
            assert_eq!(SourceAddress::read(written).map(|address| address.url).as_deref(), Some(right), "{written}");
        }
        for written in ["", "charts", "file:///a", "https://", "@alias", "1x://a/b"] {
            assert_eq!(SourceAddress::read(written), None, "{written}");
        }
    }

    #[test]
    fn both_ways_to_write_a_chart_of_a_registry_give_the_same() {
        let whole = SourceAddress::read("oci://ghcr.io/Me/charts/web").unwrap().chart("");
        let parts = SourceAddress::read("oci://ghcr.io/Me/charts").unwrap().chart("web");
        assert_eq!(whole, parts);
        assert_eq!(whole.source, "oci://ghcr.io/Me/charts");
        assert_eq!(whole.key, "ghcr.io/me/charts/web");
        assert_eq!(SourceAddress::read("https://a.example/x").unwrap().chart("Web").key, "a.example/x/web");
        assert_eq!(
            SourceAddress::read("https://a.example/me/x.git").unwrap().git_key("charts/web"),
            "a.example/me/x//charts/web"
        );
    }
}
