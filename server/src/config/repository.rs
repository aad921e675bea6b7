use std::time::Duration;

use entity::address::{Address, Scheme, is_local, name_of, provider_of};
use entity::credential::has_credentials;
use entity::kind::Provider;
use git::is_branch_name;
use serde::Serialize;
use triggers::BranchPattern;

use super::duration;
use super::reader::Section;
use super::secret::{Secret, read_secret};
use super::sections::SecurityConfig;

/// One entry of `repositories`.
#[derive(Clone, Debug, Serialize)]
pub struct RepositoryConfig {
    /// `owner/name` as shown; from the URL where none is set.
    pub name: String,
    /// Where it is cloned from, without credentials.
    pub url: String,
    pub provider: Provider,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Branches whose changes are watched, by a match anywhere in their names; none are where there is none. The branch that is
    /// scanned is the default branch if it matches, else the first that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_regex: Option<String>,
    /// Further branches that are scanned, each by its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scan_branches: Vec<String>,
    pub enabled: bool,
    #[serde(serialize_with = "duration::serialize_option", skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
}

impl RepositoryConfig {
    /// How far apart looks at it are, in whole seconds.
    #[must_use]
    pub fn polling_seconds(&self) -> Option<i64> {
        self.polling_interval.and_then(|interval| i64::try_from(interval.as_secs()).ok())
    }

    /// `None` if the URL is unusable; the errors are with the reader then.
    pub(super) fn read(section: Section<'_>, security: &SecurityConfig) -> Option<Self> {
        let url = section.text("url");
        if url.is_none() && !section.has("url") {
            section.error(
                "url",
                "is missing; write the address that git clones from, such as https://github.com/owner/name",
            );
        }
        let url = url.and_then(|url| match check_url(&url, security) {
            Ok(()) => Some(url),
            Err(message) => {
                section.error("url", message);
                None
            }
        });
        let provider = section.word::<Provider>("provider");
        let branch_regex = section.value("branch_regex", |text| match BranchPattern::new(Some(text)) {
            Ok(_) => Ok(text.to_owned()),
            Err(why) => Err(format!("{text:?}: {why}")),
        });
        let scan_branches = scan_branches(&section);
        let api_base_url = section.value("api_base_url", |text| match url::Url::parse(text) {
            Ok(_) if has_credentials(text) => {
                Err("credentials in a URL end up in logs; use the key token instead".to_owned())
            }
            Ok(found) if found.scheme() == "https" || found.scheme() == "http" => Ok(text.to_owned()),
            _ => Err(format!("{text:?} is no http or https URL")),
        });
        let name = section.text("name");
        let token = read_secret(&section, "token", |_| Ok(()));
        let enabled = section.switch("enabled").unwrap_or(true);
        let polling_interval = section.duration_within("polling_interval", duration::POLLING_INTERVAL);
        section.finish();
        let url = url?;
        Some(Self {
            name: name.unwrap_or_else(|| name_of(&url)),
            provider: provider.unwrap_or_else(|| provider_of(&url)),
            token,
            branch_regex,
            scan_branches,
            enabled,
            polling_interval,
            api_base_url,
            url,
        })
    }
}

/// The most branches of a repository that are scanned beside its main one: each is fetched and read as a repository is.
const MAX_SCAN_BRANCHES: usize = 10;

fn scan_branches(section: &Section<'_>) -> Vec<String> {
    let name = |text: &str| match text.strip_prefix("refs/heads/") {
        Some(name) => Err(format!("{text:?}: write the branch alone, {name:?}")),
        None if is_branch_name(text) => Ok(text.to_owned()),
        None => Err(format!("{text:?} is no name of a branch; each stands here by its whole name, not by a pattern")),
    };
    let mut names = section.list("scan_branches", name).unwrap_or_default();
    if names.len() > MAX_SCAN_BRANCHES {
        section
            .error("scan_branches", format!("has {} branches; at most {MAX_SCAN_BRANCHES} are scanned", names.len()));
        names.truncate(MAX_SCAN_BRANCHES);
    }
    let twice = (1..names.len()).find(|place| names[..*place].contains(&names[*place]));
    if let Some(name) = twice.map(|place| &names[place]) {
        section.error("scan_branches", format!("{name:?} stands twice"));
    }
    names
}

fn check_url(text: &str, security: &SecurityConfig) -> Result<(), String> {
    if has_credentials(text) {
        return Err("credentials in a URL end up in logs; use the key token instead".to_owned());
    }
    let address = Address::read(text).map_err(|error| format!("{text:?} is no address of a repository: {error}"))?;
    match address.scheme() {
        Scheme::File if security.allow_local_repositories => Ok(()),
        Scheme::File if is_local(text) => {
            Err("paths and file:// URLs are not allowed; set security.allow_local_repositories to true to allow them"
                .to_owned())
        }
        Scheme::File => Err(format!("{text:?} is no address of a repository; write it as https://host/owner/name")),
        Scheme::Http if security.require_https => {
            Err("plain http is not allowed; use https, or set security.require_https to false".to_owned())
        }
        Scheme::Https | Scheme::Http | Scheme::Ssh => Ok(()),
        Scheme::Other(other) => Err(format!("scheme {other:?} is not known here; allowed: https, http, ssh, file")),
    }
}
