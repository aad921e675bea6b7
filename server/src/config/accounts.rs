//! `accounts`: how long people stay signed in, who is the first, and what seals secrets.

use std::time::Duration;

use serde::Serialize;

use super::duration;
use super::reader::Section;
use super::secret::Secret;

/// The account that is made at the first start.
#[derive(Clone, Debug, Serialize)]
pub struct Superuser {
    pub email: String,
    pub password: Secret,
}

/// `accounts`, and what the environment says of them.
#[derive(Clone, Debug, Serialize)]
pub struct AccountsConfig {
    /// A session that is not used ends.
    #[serde(serialize_with = "duration::serialize")]
    pub session_idle: Duration,
    /// A session ends, used or not.
    #[serde(serialize_with = "duration::serialize")]
    pub session_max: Duration,
    /// How long an access token of the API works.
    #[serde(serialize_with = "duration::serialize")]
    pub access_token: Duration,
    /// `FIRST_SUPERUSER` and `FIRST_SUPERUSER_PASSWORD`.
    #[serde(skip)]
    pub first_superuser: Option<Superuser>,
    /// `KUBESTATS_SECRET_KEY`: 32 bytes, in base64 or hexadecimal; a file of the data directory where none is set.
    #[serde(skip)]
    pub secret_key: Option<Secret>,
    /// `KUBESTATS_SECRET_KEY_PREVIOUS`, while secrets are sealed anew.
    #[serde(skip)]
    pub previous_secret_key: Option<Secret>,
}

impl AccountsConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const MINUTE: Duration = Duration::from_mins(1);
        const DAY: Duration = Duration::from_hours(24);
        let email = from_environment(&section, "FIRST_SUPERUSER");
        let password = from_environment(&section, "FIRST_SUPERUSER_PASSWORD");
        for (name, missing, other) in [
            ("FIRST_SUPERUSER", email.is_none(), password.is_some()),
            ("FIRST_SUPERUSER_PASSWORD", password.is_none(), email.is_some()),
        ] {
            if missing && other {
                let message = format!("is missing; set it, or {name}_FILE to a file that holds it");
                section.reader().error(&format!("${name}"), None, message);
            }
        }
        let minutes = from_environment(&section, "ACCESS_TOKEN_EXPIRE_MINUTES").and_then(|text| {
            let minutes = text.trim().parse::<u64>().ok().filter(|minutes| (1..=525_600).contains(minutes));
            if minutes.is_none() {
                let message = format!("found {text:?}; a whole number from 1 to 525600 is allowed");
                section.reader().error("$ACCESS_TOKEN_EXPIRE_MINUTES", None, message);
            }
            minutes.map(Duration::from_mins)
        });
        let secret = |name| from_environment(&section, name).map(Secret::new);
        let config = Self {
            session_idle: section.duration("session_idle", MINUTE).unwrap_or(7 * DAY),
            session_max: section.duration("session_max", MINUTE).unwrap_or(30 * DAY),
            access_token: section.duration("access_token", MINUTE).or(minutes).unwrap_or(8 * DAY),
            first_superuser: email
                .zip(password)
                .map(|(email, password)| Superuser { email: email.trim().to_owned(), password: Secret::new(password) }),
            secret_key: secret("KUBESTATS_SECRET_KEY"),
            previous_secret_key: secret("KUBESTATS_SECRET_KEY_PREVIOUS"),
        };
        section.finish();
        config
    }
}

/// A variable, or what the file holds that `NAME_FILE` names: container platforms hand secrets over like that.
pub(super) fn from_environment(section: &Section<'_>, name: &str) -> Option<String> {
    const MOST: u64 = 64 << 10;
    let environment = section.reader().environment();
    if let Some(value) = environment.get(name).filter(|value| !value.is_empty()) {
        return Some(value.clone());
    }
    let variable = format!("{name}_FILE");
    let path = environment.get(&variable).filter(|path| !path.is_empty())?;
    let small = std::fs::metadata(path).and_then(|about| {
        (about.len() <= MOST).then_some(()).ok_or_else(|| std::io::Error::other("is larger than 64 KiB"))
    });
    match small.and_then(|()| std::fs::read_to_string(path)) {
        Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()).filter(|text| !text.is_empty()),
        Err(error) => {
            section.reader().error(&format!("${variable}"), None, format!("{path} can't be read: {error}"));
            None
        }
    }
}
