//! `mail`: the server that mails go to, and who they are from.

use std::num::NonZeroU16;

use lettre::message::Mailbox;
use serde::Serialize;

use super::accounts::from_environment;
use super::reader::Section;
use super::secret::Secret;

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// From the first byte on, usually at port 465.
    Tls,
    /// After a greeting in clear, usually at port 587; without it nothing is sent.
    Starttls,
    /// Never.
    None,
}

/// `mail`: nothing is sent where no server is named.
#[derive(Clone, Debug, Serialize)]
pub struct MailConfig {
    pub smtp: SmtpConfig,
    /// Who mails are from, such as `Kubestats <kubestats@example.org>`.
    #[serde(serialize_with = "as_text")]
    pub from: Mailbox,
}

/// `mail.smtp`: the server.
#[derive(Clone, Debug, Serialize)]
pub struct SmtpConfig {
    pub host: String,
    pub port: NonZeroU16,
    pub encryption: Encryption,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

const SUBMISSIONS: NonZeroU16 = NonZeroU16::new(465).unwrap();
const SUBMISSION: NonZeroU16 = NonZeroU16::new(587).unwrap();
const SMTP: NonZeroU16 = NonZeroU16::new(25).unwrap();

fn as_text<S: serde::Serializer>(mailbox: &Mailbox, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(mailbox)
}

impl SmtpConfig {
    /// Whether the server is this machine, so that nobody else sees what goes there.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        super::is_this_machine(&self.host)
    }

    /// What to know of a connection that others can read; nothing where there is no such.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let is_open = self.encryption == Encryption::None && !self.is_this_machine();
        is_open.then(|| {
            format!(
                "mails go to {} in clear (mail.smtp.encryption: none): whoever reads that network can take over the \
                 accounts that links are sent for",
                self.host
            )
        })
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let host = section.value("host", |text| match text.trim() {
            text if text.is_empty() || text.contains(['/', '@', ' ']) || text.len() > 253 => {
                Err(format!("{text:?} is no name of a mail server, such as smtp.example.org"))
            }
            text => Ok(text.to_ascii_lowercase()),
        });
        let words = ["tls", "starttls", "none"];
        let encryption = section.one_of("encryption", &words).map(|word| match word {
            "tls" => Encryption::Tls,
            "none" => Encryption::None,
            _ => Encryption::Starttls,
        });
        let port = section.number("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
        let port = port.and_then(NonZeroU16::new);
        let username = section.text("username");
        let password = section.text("password").or_else(|| from_environment(section, "KUBESTATS_MAIL_SMTP_PASSWORD"));
        for (name, missing, other) in
            [("username", username.is_none(), password.is_some()), ("password", password.is_none(), username.is_some())]
        {
            if missing && other && !section.has(name) {
                section.error(name, "is missing; a mail server wants both or neither");
            }
        }
        let mut config = Self {
            host: host?,
            port: port.unwrap_or(SUBMISSION),
            encryption: Encryption::Starttls,
            username,
            password: password.map(Secret::new),
        };
        config.encryption = match (encryption, port) {
            (Some(encryption), _) => encryption,
            (None, Some(SUBMISSIONS)) => Encryption::Tls,
            // Nobody listens between.
            (None, _) if config.is_this_machine() => Encryption::None,
            (None, _) => Encryption::Starttls,
        };
        config.port = port.unwrap_or(match config.encryption {
            Encryption::Tls => SUBMISSIONS,
            Encryption::Starttls => SUBMISSION,
            Encryption::None => SMTP,
        });
        Some(config)
    }
}

impl MailConfig {
    /// `public_url` is what links in mails begin with.
    pub(super) fn read(section: &Section<'_>, public_url: Option<&str>) -> Option<Self> {
        let smtp = section.section("smtp");
        let from = section.value("from", |text| {
            text.parse::<Mailbox>().map_err(|_| {
                format!("{text:?} is no sender, such as kubestats@example.org or Kubestats <kubestats@example.org>")
            })
        });
        let has_host = smtp.has("host");
        if !has_host && ["port", "encryption", "username", "password"].iter().any(|key| smtp.has(key)) {
            smtp.error("host", "is missing; write the name of the mail server, such as smtp.example.org");
        }
        if !has_host && section.has("from") {
            section.error("smtp", "is missing; write the mail server as smtp: {host: smtp.example.org}");
        }
        if has_host && !section.has("from") {
            section.error("from", "is missing; write who mails are from, such as kubestats@example.org");
        }
        if has_host && public_url.is_none() {
            let message =
                "needs server.public_url, which links in mails begin with, such as https://kubestats.example.org";
            section.error("smtp", message);
        }
        let found = SmtpConfig::read(&smtp);
        smtp.finish();
        Some(Self { smtp: found?, from: from? })
    }
}
