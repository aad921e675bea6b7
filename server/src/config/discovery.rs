use std::time::Duration;

use entity::address::{Address, forge_host, provider_of_host};
use entity::credential::has_credentials;
use entity::kind::Provider;
use serde::Serialize;
use url::Url;

use super::duration;
use super::reader::{Reader, Section};
use super::secret::{Secret, read_secret};

/// What is searched for where nothing else is said.
const TOPICS: [&str; 2] = ["kubesearch", "k8s-at-home"];

/// `discovery`: finding repositories.
#[derive(Clone, Debug, Serialize)]
pub struct DiscoveryConfig {
    /// Whether forges are searched at all; `auto` is settled when the configuration is read.
    pub enabled: bool,
    pub topics: Vec<String>,
    /// Searches in each forge's own words.
    pub queries: Vec<String>,
    /// New repositories without a push for longer are left out.
    #[serde(serialize_with = "duration::serialize")]
    pub max_age: Duration,
    /// Whether archived repositories are taken up.
    pub archived: bool,
    /// Whether forks are taken up, and asked for where a forge leaves them out.
    pub forks: bool,
    /// Patterns of names that are never taken up: `owner/*`, `gitlab.com/group/*`.
    pub block: Vec<String>,
    pub forges: Vec<ForgeConfig>,
}

/// One entry of `discovery.forges`.
#[derive(Clone, Debug, Serialize)]
pub struct ForgeConfig {
    /// Where people read it, such as `https://gitlab.example.org`.
    pub url: String,
    pub provider: Provider,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
    /// Whether it is searched; its token serves its repositories either way.
    pub search: bool,
    /// Where the token is set, for errors that tell how to mend them.
    #[serde(skip)]
    pub token_key: String,
    /// Written by the operator: wherever its name leads, it may be asked.
    #[serde(skip)]
    pub is_trusted: bool,
}

impl DiscoveryConfig {
    /// Whether forges are searched at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.enabled
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        let environment = section.reader().environment();
        let set = |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let tags = set("GITHUB_DISCOVERY_TAGS").map(list);
        let asked = ["topics", "queries", "forges"].iter().any(|key| section.has(key));
        // Topics, queries, forges or a token ask for searches.
        let is_asked_for = asked || tags.is_some() || set("GITHUB_TOKEN").is_some();
        let topics = section.texts("topics").or(tags);
        let mut forges: Vec<ForgeConfig> = Vec::new();
        for entry in section.sections("forges") {
            let place = entry.place();
            let Some(found) = ForgeConfig::read(entry) else { continue };
            if forges.iter().any(|other| other.host() == found.host()) {
                section.reader().error(&place.0, place.1, format!("{} stands twice; each forge once", found.url));
                continue;
            }
            forges.push(found);
        }
        let config = Self {
            enabled: match section.one_of("enabled", &["auto", "true", "false"]) {
                Some("true") => true,
                Some("false") => false,
                _ => is_asked_for,
            },
            topics: topics.unwrap_or_else(|| TOPICS.map(str::to_owned).to_vec()),
            queries: section.texts("queries").unwrap_or_default(),
            max_age: section.duration("max_age", Duration::from_hours(24)).unwrap_or(Duration::from_hours(2160)),
            archived: section.switch("archived").unwrap_or(false),
            forks: section.switch("forks").unwrap_or(false),
            block: section.texts("block").unwrap_or_default(),
            forges,
        };
        section.finish();
        config
    }
}

impl ForgeConfig {
    fn read(section: Section<'_>) -> Option<Self> {
        let is_web = |text: &str| match Url::parse(text) {
            Ok(_) if has_credentials(text) => {
                Err("credentials in a URL end up in logs; use the key token instead".to_owned())
            }
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.host_str().is_some() => Ok(text.to_owned()),
            _ => Err(format!("{text:?} is no http or https URL, such as https://gitlab.example.org")),
        };
        if !section.has("url") {
            section.error("url", "is missing; write the forge's address, such as https://gitlab.example.org");
        }
        let (key, _) = section.place();
        let url = section.value("url", is_web);
        let provider = section.word::<Provider>("provider");
        let token = read_secret(&section, "token", |_| Ok(()));
        let api_base_url = section.value("api_base_url", is_web);
        let search = section.switch("search").unwrap_or(true);
        let host = url.as_deref().and_then(|url| forge_host(&Url::parse(url).ok()?));
        let known = host.as_deref().map(provider_of_host).filter(|provider| *provider != Provider::Git);
        if url.is_some() && provider.or(known).is_none_or(|provider| provider == Provider::Git) {
            section.error("provider", "is missing; write github, gitlab or forgejo");
        }
        section.finish();
        let provider = provider.or(known).filter(|provider| *provider != Provider::Git)?;
        let token_key = format!("{key}.token");
        Some(Self { url: url?, provider, token, api_base_url, search, token_key, is_trusted: true })
    }

    /// The forge of a host that nobody configured.
    #[must_use]
    pub fn of_host(host: &str, provider: Provider) -> Self {
        Self {
            url: format!("https://{host}"),
            provider,
            token: None,
            api_base_url: None,
            search: false,
            token_key: format!("the token of an entry of discovery.forges for https://{host}"),
            is_trusted: false,
        }
    }

    /// The token with which git may fetch from a host: that of the entry that the operator wrote for it.
    #[must_use]
    pub fn git_token(forges: &[Self], host: &str) -> Option<Secret> {
        forges.iter().find(|forge| forge.is_trusted && forge.host() == host)?.token.clone()
    }

    /// The variable that holds github.com's token.
    pub const GITHUB_TOKEN: &str = "GITHUB_TOKEN";

    /// github.com as the environment describes it: `GITHUB_TOKEN`, `GITHUB_API_BASE_URL`.
    pub(super) fn github(reader: &Reader) -> Self {
        let set = |name: &str| reader.environment().get(name).filter(|value| !value.trim().is_empty()).cloned();
        let api_base_url = set("GITHUB_API_BASE_URL").filter(|text| match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "https" | "http") => true,
            _ => {
                let message = format!("{text:?} is no http or https URL, such as https://api.github.com");
                reader.error("$GITHUB_API_BASE_URL", None, message);
                false
            }
        });
        Self {
            token: set("GITHUB_TOKEN").map(Secret::new),
            search: true,
            token_key: Self::GITHUB_TOKEN.to_owned(),
            is_trusted: api_base_url.is_some(),
            api_base_url,
            ..Self::of_host("github.com", Provider::Github)
        }
    }

    /// The host that people know it by.
    #[must_use]
    pub fn host(&self) -> String {
        Url::parse(&self.url).ok().and_then(|url| forge_host(&url)).unwrap_or_else(|| self.url.clone())
    }

    /// Where its API is.
    #[must_use]
    pub fn api(&self) -> Option<Url> {
        if let Some(url) = &self.api_base_url {
            return Url::parse(url).ok();
        }
        let url = Url::parse(&self.url).ok()?;
        let path = url.path().trim_end_matches('/').to_owned();
        let below = |tail: &str| {
            let mut url = url.clone();
            url.set_path(&format!("{path}{tail}"));
            url
        };
        Some(match self.provider {
            Provider::Github if self.host() == "github.com" => Url::parse("https://api.github.com").ok()?,
            Provider::Github => below("/api/v3"),
            Provider::Gitlab => below("/api/v4"),
            Provider::Forgejo | Provider::Git => below("/api/v1"),
        })
    }
}

/// The forge whose token git fetches from an address with. github.com needs none for what is public, and one that ran out would
/// stop every sync.
#[must_use]
pub fn git_host(address: &Address) -> Option<String> {
    address.forge_host().filter(|host| host != "github.com")
}

/// `["a","b"]` as the original wrote it, or `a, b`.
fn list(text: &str) -> Vec<String> {
    let plain = || text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    serde_json::from_str::<Vec<String>>(text).unwrap_or_else(|_| plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_a_list_or_as_json() {
        assert_eq!(list("[\"a\", \"b\"]"), ["a", "b"]);
        assert_eq!(list("a, b,"), ["a", "b"]);
    }

    #[test]
    fn apis_are_where_each_kind_of_forge_has_them() {
        let api = |url: &str, provider| {
            let host = url.trim_start_matches("https://");
            ForgeConfig { url: url.to_owned(), ..ForgeConfig::of_host(host, provider) }.api().unwrap().to_string()
        };
        assert_eq!(api("https://github.com", Provider::Github), "https://api.github.com/");
        assert_eq!(api("https://ghe.corp", Provider::Github), "https://ghe.corp/api/v3");
        assert_eq!(api("https://gitlab.com/", Provider::Gitlab), "https://gitlab.com/api/v4");
        assert_eq!(api("https://h/sub", Provider::Gitlab), "https://h/sub/api/v4");
        assert_eq!(api("https://codeberg.org", Provider::Forgejo), "https://codeberg.org/api/v1");
    }
}
