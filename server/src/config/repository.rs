use std::time::Duration;

use entity::credential::has_credentials;
use entity::kind::Provider;
use serde::Serialize;

use super::duration;
use super::reader::Section;
use super::secret::Secret;
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
    /// The branch to follow: the default branch if it matches, else the first that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_regex: Option<String>,
    pub enabled: bool,
    #[serde(serialize_with = "duration::serialize_option", skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
}

impl RepositoryConfig {
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
        let branch_regex = section.value("branch_regex", |text| match regex::Regex::new(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => Err(format!("{text:?} is no regular expression: {error}")),
        });
        let api_base_url = section.value("api_base_url", |text| match url::Url::parse(text) {
            Ok(_) if has_credentials(text) => {
                Err("credentials in a URL end up in logs; use the key token instead".to_owned())
            }
            Ok(found) if found.scheme() == "https" || found.scheme() == "http" => Ok(text.to_owned()),
            _ => Err(format!("{text:?} is no http or https URL")),
        });
        let name = section.text("name");
        let token = section.text("token").map(Secret::new);
        let enabled = section.switch("enabled").unwrap_or(true);
        let polling_interval = section.duration("polling_interval", Duration::from_secs(60));
        section.finish();
        let url = url?;
        Some(Self {
            name: name.unwrap_or_else(|| name_of(&url)),
            provider: provider.unwrap_or_else(|| provider_of(&url)),
            token,
            branch_regex,
            enabled,
            polling_interval,
            api_base_url,
            url,
        })
    }
}

fn check_url(text: &str, security: &SecurityConfig) -> Result<(), String> {
    let local = |what: &str| match security.allow_local_repositories {
        true => Ok(()),
        false => Err(format!("{what} are not allowed; set security.allow_local_repositories to true to allow them")),
    };
    if text.starts_with('/') || text.starts_with("./") || text.starts_with("../") {
        return local("paths");
    }
    if has_credentials(text) {
        return Err("credentials in a URL end up in logs; use the key token instead".to_owned());
    }
    if !text.contains("://") && text.contains('@') && text.contains(':') {
        return Ok(());
    }
    let url = url::Url::parse(text)
        .map_err(|error| format!("{text:?} is no URL ({error}); write it as https://host/owner/name"))?;
    match url.scheme() {
        "file" => return local("file:// URLs"),
        "http" if security.require_https => {
            return Err("plain http is not allowed; use https, or set security.require_https to false".to_owned());
        }
        "https" | "http" | "ssh" => {}
        other => return Err(format!("scheme {other:?} is not known here; allowed: https, http, ssh, file")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{text:?} names no host"));
    }
    Ok(())
}

/// `owner/name` of a URL or path.
#[must_use]
pub fn name_of(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or(rest, |(_, path)| path));
    let path = path.rsplit_once(':').map_or(path, |(_, path)| path);
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    let mut parts: Vec<&str> =
        path.rsplit('/').filter(|part| !part.is_empty() && *part != "." && *part != "..").collect();
    let local = url.starts_with('/') || url.starts_with('.') || url.starts_with("file:");
    parts.truncate(if local { 1 } else { usize::MAX });
    parts.reverse();
    parts.join("/")
}

/// The forge behind a URL as far as its host tells.
#[must_use]
pub fn provider_of(url: &str) -> Provider {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| {
        url.split_once('@')
            .and_then(|(_, rest)| rest.split_once(':'))
            .map_or_else(String::new, |(host, _)| host.to_owned())
    });
    match host.as_str() {
        host if host.contains("github") => Provider::Github,
        host if host.contains("gitlab") => Provider::Gitlab,
        "codeberg.org" => Provider::Forgejo,
        host if host.contains("forgejo") || host.contains("gitea") => Provider::Forgejo,
        _ => Provider::Git,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_every_kind_of_address() {
        for (url, name) in [
            ("https://github.com/owner/name", "owner/name"),
            ("https://github.com/owner/name.git", "owner/name"),
            ("https://gitlab.com/group/sub/name", "group/sub/name"),
            ("git@github.com:owner/name.git", "owner/name"),
            ("ssh://git@host:22/owner/name", "owner/name"),
            ("/srv/git/name.git", "name"),
            ("file:///srv/git/name", "name"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }
}
