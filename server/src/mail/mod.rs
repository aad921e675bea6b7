//! Sending mails: a connection to the configured server, and what mails say.

mod text;

use std::time::Duration;

use actions::mail::Content;
use auth::seal::Keys;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use uuid::Uuid;

use crate::config::{Encryption, MailConfig};

/// A server that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_secs(20);
/// However slowly it goes on, nothing takes longer.
const WITHIN: Duration = Duration::from_mins(1);
/// A connection is kept for what follows at once, no longer.
const KEPT: Duration = Duration::from_secs(5);
/// What a server says is told in so many characters.
const MOST_SAID: usize = 300;

/// Why a mail is not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server can't be used: whatever is to be sent waits.
    #[error("the mail server can't be used: {0}")]
    Server(String),
    /// It takes this mail later.
    #[error("the mail server does not take it now: {0}")]
    Later(String),
    /// This process can't open it; one with its key may.
    #[error("what it says can't be read here: {0}")]
    Sealed(String),
    /// It will never take this mail.
    #[error("the mail server refuses it: {0}")]
    Refused(String),
}

/// Sends mails. It holds a password, so it has no `Debug`, which logs are made of.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    public_url: String,
    /// Opens what mails say.
    pub keys: Keys,
    /// How long sending takes at least where a stranger asked for it: jobs can be watched, and are not to tell whether there
    /// was somebody to send to.
    pub takes_at_least: Duration,
}

impl Mailer {
    /// To this server, with links that begin with `public_url`.
    ///
    /// # Errors
    /// If its name can be no server's, or this machine's certificates can't be read.
    pub fn new(config: &MailConfig, public_url: &str, keys: Keys) -> Result<Self, MailError> {
        let smtp = &config.smtp;
        let name = smtp.host.trim_matches(['[', ']']).to_owned();
        let parameters = || TlsParameters::new(name.clone()).map_err(|error| MailError::Server(said(&error)));
        let tls = match smtp.encryption {
            Encryption::Tls => Tls::Wrapper(parameters()?),
            Encryption::Starttls => Tls::Required(parameters()?),
            Encryption::None => Tls::None,
        };
        let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let hello = ClientId::Domain(host.unwrap_or_else(|| "localhost".to_owned()));
        let pool = PoolConfig::new().max_size(1).min_idle(0).idle_timeout(KEPT);
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(name)
            .port(smtp.port.get())
            .tls(tls)
            .hello_name(hello)
            .timeout(Some(PATIENCE))
            .pool_config(pool);
        if let (Some(username), Some(password)) = (&smtp.username, &smtp.password) {
            transport = transport.credentials(Credentials::new(username.clone(), password.expose().to_owned()));
        }
        Ok(Self {
            transport: transport.build(),
            from: config.from.clone(),
            public_url: public_url.to_owned(),
            keys,
            takes_at_least: Duration::from_secs(5),
        })
    }

    /// Connects, says hello and who we are, and sends nothing.
    ///
    /// # Errors
    /// Why the server can't be used.
    pub async fn check(&self) -> Result<(), MailError> {
        match tokio::time::timeout(WITHIN, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(MailError::Server("it closes the connection".to_owned())),
            Ok(Err(error)) => Err(MailError::Server(said(&error))),
            Err(_) => Err(MailError::Server(format!("it is not done within {} s", WITHIN.as_secs()))),
        }
    }

    /// Sends a mail. One that is sent again has the same name, by which receivers know it.
    ///
    /// # Errors
    /// Why not.
    pub async fn send(&self, id: Uuid, to: &str, content: &Content) -> Result<(), MailError> {
        let message = self.message(id, to, content)?;
        match tokio::time::timeout(WITHIN, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(MailError::Refused(said(&error))),
            Ok(Err(error)) if error.is_transient() => Err(MailError::Later(said(&error))),
            Ok(Err(error)) => Err(MailError::Server(said(&error))),
            Err(_) => Err(MailError::Server(format!("it is not done within {} s", WITHIN.as_secs()))),
        }
    }

    fn message(&self, id: Uuid, to: &str, content: &Content) -> Result<Message, MailError> {
        let refused = |error: &dyn std::fmt::Display| MailError::Refused(format!("{to:?} can't be sent to: {error}"));
        let address: Address = to.parse().map_err(|error| refused(&error))?;
        let domain = self.from.email.domain();
        let (subject, body) = text::written(content, to, &self.public_url);
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(subject)
            .date_now()
            .message_id(Some(format!("<{id}@{domain}>")))
            // No holiday answers, please.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        message.body(body).map_err(|error| refused(&error))
    }
}

/// An error with its causes, in one line of a bearable length: servers may say anything.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_SAID).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use entity::view::Timestamp;

    use super::*;

    fn mailer() -> Mailer {
        let text = "server: {public_url: 'https://kubestats.example.org'}\n\
                    mail: {smtp: {host: localhost}, from: 'Kubestats <kubestats@example.org>'}";
        let config = crate::config::parse(Path::new("test"), text, [].into()).unwrap();
        Mailer::new(&config.mail.unwrap(), "https://kubestats.example.org", Keys::new([7; 32], None)).unwrap()
    }

    #[tokio::test]
    async fn nothing_that_people_chose_becomes_a_header() {
        let (mailer, at) = (mailer(), Timestamp::UNIX_EPOCH);
        let evil = "x\r\nBcc: eve@example.org\r\n\r\nWin a prize";
        let content = Content::TokenExpires { name: evil.to_owned(), at };
        let sent = mailer.message(Uuid::nil(), "ada@example.org", &content).unwrap().formatted();
        let sent = String::from_utf8(sent).unwrap();
        let (head, _) = sent.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let known = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "Content-Type",
            "Content-Transfer-Encoding",
            "MIME-Version",
        ];
        assert!(names.iter().all(|name| known.contains(name)), "{head}");
        assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1, "{head}");
        for to in ["ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org", "ada", ""] {
            assert!(matches!(mailer.message(Uuid::nil(), to, &content), Err(MailError::Refused(_))), "{to:?}");
        }
    }

    #[tokio::test]
    async fn a_mail_that_is_sent_again_has_the_same_name() {
        let (mailer, at) = (mailer(), Timestamp::UNIX_EPOCH);
        let content = Content::PasswordChanged { at, from: Some("192.0.2.7".to_owned()), is_reset: false };
        let sent = mailer.message(Uuid::nil(), "ada@example.org", &content).unwrap().formatted();
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.contains("Message-ID: <00000000-0000-0000-0000-000000000000@example.org>\r\n"), "{sent}");
        assert!(sent.contains("192.0.2.7") && sent.contains("https://kubestats.example.org"), "{sent}");
    }
}
