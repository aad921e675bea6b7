//! `accounts.github` and `accounts.oidc`: who else may say who somebody is.

use std::path::Path;

use serde::Serialize;

use super::reader::Section;
use super::secret::{Secret, read_secret};

/// The provider that needs no entry of a list.
pub const GITHUB: &str = "github";

/// Who of an identity provider's people is let in, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdmissionConfig {
    /// Whether somebody without an account gets one.
    pub sign_up: bool,
    /// What they may do there whose groups say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What groups may do; the first that somebody is in counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<GroupRole>,
}

/// What the people of a group may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupRole {
    pub group: String,
    pub role: String,
}

impl AdmissionConfig {
    fn read(section: &Section<'_>, has_groups: bool) -> Self {
        let mut roles = Vec::new();
        for entry in if has_groups { section.sections("roles") } else { Vec::new() } {
            for key in ["group", "role"].into_iter().filter(|key| !entry.has(key)) {
                entry.error(key, "is missing; write {group: a group of the issuer, role: a role such as developer}");
            }
            let found = entry.text("group").zip(entry.text("role"));
            roles.extend(found.map(|(group, role)| GroupRole { group, role }));
            entry.finish();
        }
        Self { sign_up: section.switch("sign_up").unwrap_or(false), role: section.text("role"), roles }
    }
}

/// Signing in by GitHub: an OAuth app of github.com or of an Enterprise Server.
#[derive(Clone, Debug, Serialize)]
pub struct GithubSignIn {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
    pub client_id: String,
    pub client_secret: Secret,
    #[serde(flatten)]
    pub admission: AdmissionConfig,
}

/// Signing in by an issuer of OpenID Connect.
#[derive(Clone, Debug, Serialize)]
pub struct OidcSignIn {
    /// Stands in the address that the issuer leads back to: `/auth/<id>/callback`.
    pub id: String,
    /// What its button says.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// None for a client that proves itself by PKCE alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    pub scopes: Vec<String>,
    pub groups_claim: String,
    /// Whether its addresses count as verified, whatever it says of them.
    pub trusts_email: bool,
    #[serde(flatten)]
    pub admission: AdmissionConfig,
}

impl GithubSignIn {
    /// The section, else the environment's `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET`.
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let set = |name: &str| super::accounts::from_environment(&section, name);
        let is_wanted = ["client_id", "client_secret", "client_secret_file"].iter().any(|key| section.has(key));
        let client_id = section.text("client_id").or_else(|| set("GITHUB_CLIENT_ID"));
        let secret = client_secret(&section).or_else(|| set("GITHUB_CLIENT_SECRET").map(Secret::new));
        for (name, missing, other) in [
            ("client_id", client_id.is_none(), secret.is_some()),
            ("client_secret", secret.is_none(), client_id.is_some()),
        ] {
            if missing && (other || is_wanted) && !section.has(name) {
                let variable = name.to_uppercase();
                section
                    .error(name, format!("is missing; it is told by the OAuth app's page (or set GITHUB_{variable})"));
            }
        }
        let found = Self {
            url: section.value("url", address).unwrap_or_else(|| auth::github::WEB_BASE.to_owned()),
            api_base_url: section.value("api_base_url", address),
            client_id: client_id.clone().unwrap_or_default(),
            client_secret: secret.clone().unwrap_or_else(|| Secret::new(String::new())),
            admission: AdmissionConfig::read(&section, false),
        };
        section.finish();
        client_id.and(secret).map(|_| found)
    }

    /// Where its API is.
    #[must_use]
    pub fn api(&self) -> String {
        match (&self.api_base_url, self.url.as_str()) {
            (Some(api), _) => api.clone(),
            (None, auth::github::WEB_BASE) => auth::github::API_BASE.to_owned(),
            (None, url) => format!("{}/api/v3", url.trim_end_matches('/')),
        }
    }
}

impl OidcSignIn {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        for (key, such) in [
            ("id", "a word for addresses, such as company"),
            ("issuer", "its address as it names itself, such as https://id.example.org"),
            ("client_id", "what it calls us"),
        ] {
            if !section.has(key) {
                section.error(key, format!("is missing; write {such}"));
            }
        }
        let id = section.value("id", id);
        let texts =
            |key, or: &[&str]| section.texts(key).unwrap_or_else(|| or.iter().map(|t| (*t).to_owned()).collect());
        let (issuer, client_id) = (section.value("issuer", address), section.text("client_id"));
        let (name, client_secret) = (section.text("name"), client_secret(&section));
        let (scopes, groups_claim) = (texts("scopes", &["email", "profile"]), section.text("groups_claim"));
        let trusts_email = section.switch("trusts_email").unwrap_or(false);
        let admission = AdmissionConfig::read(&section, true);
        section.finish();
        let id = id?;
        Some(Self {
            name: name.unwrap_or_else(|| id.clone()),
            id,
            issuer: issuer?,
            client_id: client_id?,
            client_secret,
            scopes,
            groups_claim: groups_claim.unwrap_or_else(|| auth::oidc::GROUPS_CLAIM.to_owned()),
            trusts_email,
            admission,
        })
    }
}

/// A secret, or the file that holds it: container platforms hand them over like that.
fn client_secret(section: &Section<'_>) -> Option<Secret> {
    let file = section.value("client_secret_file", |path| {
        section.reader().may_read(Path::new(path))?;
        super::accounts::secret_of_file(Path::new(path))
    });
    read_secret(section, "client_secret", |_| Ok(())).or(file.map(Secret::new))
}

fn id(text: &str) -> Result<String, String> {
    const MOST: usize = 32;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text {
        "refresh" | "logout" => Err(format!("{text:?} is an address of the API; choose another word")),
        GITHUB => Err(format!("{GITHUB:?} is the one of accounts.github; choose another word")),
        text if (1..=MOST).contains(&text.len()) && text.bytes().all(plain) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no word of 1 to {MOST} small letters, digits and hyphens")),
    }
}

/// The address is kept as it is written: issuers are compared letter by letter.
fn address(text: &str) -> Result<String, String> {
    auth::check_address(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}
