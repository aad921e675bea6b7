use auth::seal::Keys;

use super::report::Report;
use crate::config::Config;
use crate::mail::Mailer;

const PART: &str = "mail";

/// Connects and says who we are; nothing is sent, and so no key is needed to read what mails say.
pub(super) async fn look(report: &mut Report, config: &Config, offline: bool) {
    let (Some(mail), Some(public_url)) = (&config.mail, &config.server.public_url) else {
        return report.ok(PART, "no server is configured; admins make links for new passwords");
    };
    let name = format!("{}:{}", mail.smtp.host, mail.smtp.port);
    if offline {
        return report.ok(PART, format!("{name} is not asked (--offline)"));
    }
    let checked = match Mailer::new(mail, public_url, Keys::new([0; 32], None)) {
        Ok(mailer) => mailer.check().await,
        Err(error) => Err(error),
    };
    match (checked, mail.smtp.warning()) {
        (Ok(()), None) => report.ok(PART, format!("{name} would take mails")),
        (Ok(()), Some(warning)) => report.warn(PART, warning, "let it be starttls or tls"),
        (Err(error), _) => {
            let advice = "mend mail.smtp, or what stands between; mails wait for hours before they are given up";
            report.fail(PART, format!("{name}: {error}"), advice);
        }
    }
}
