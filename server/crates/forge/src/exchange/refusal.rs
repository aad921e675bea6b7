//! What it means when a forge refuses, or cannot be asked at all.

use chrono::Utc;

use super::{Ask, Exchange};
use crate::error::ForgeError;
use crate::facts::GoneReason;
use crate::limit;
use crate::wire::WireError;

impl Exchange {
    pub(super) fn limited(&self, ask: &Ask<'_>, until: chrono::DateTime<Utc>) -> ForgeError {
        let hint = if self.has_token { "" } else { "; a token raises it" };
        ForgeError::RateLimited {
            host: self.host.clone(),
            what: ask.what.to_owned(),
            resource: ask.resource.to_owned(),
            until,
            hint,
        }
    }

    /// What an answer without success means.
    pub(super) fn refusal(
        &self,
        ask: &Ask<'_>,
        parts: &http::response::Parts,
        body: &str,
    ) -> Result<GoneReason, ForgeError> {
        let (host, what) = (self.host.clone(), ask.what.to_owned());
        let key = self.settings.token_key.clone();
        if net::limit::is_limit(&parts.headers, parts.status.as_u16(), body) {
            let window = limit::window(&parts.headers, parts.status, body, Utc::now());
            let until = window.and_then(|window| window.blocked_until).unwrap_or_else(Utc::now);
            return Err(self.limited(ask, until));
        }
        let said = said(body);
        match parts.status.as_u16() {
            404 | 410 => Ok(GoneReason::NotFound),
            451 => Ok(GoneReason::Legal),
            403 if body.contains("\"block\"") || said.to_lowercase().contains("access blocked") => {
                Ok(GoneReason::Blocked)
            }
            401 if self.has_token => Err(ForgeError::TokenRefused { host, what, key }),
            401 => Err(ForgeError::TokenMissing { host, what, key }),
            403 => Err(ForgeError::Forbidden { host, what, said, key }),
            400 | 422 => Err(ForgeError::BadQuery { host, what, said }),
            status => Err(ForgeError::Status { host, what, status, said }),
        }
    }

    /// For questions that only make sense of a repository that is there.
    pub(crate) fn gone(&self, what: &str, reason: GoneReason) -> ForgeError {
        let key = self.settings.token_key.clone();
        ForgeError::Gone { host: self.host.clone(), what: what.to_owned(), reason, key }
    }

    pub(crate) fn unreadable(&self, ask: &Ask<'_>, reason: String) -> ForgeError {
        let reason = reason.chars().take(300).collect();
        ForgeError::Unreadable { host: self.host.clone(), what: ask.what.to_owned(), reason }
    }

    pub(super) fn unreachable(&self, ask: &Ask<'_>, reason: String) -> ForgeError {
        ForgeError::Unreachable { host: self.host.clone(), what: ask.what.to_owned(), reason }
    }

    pub(super) fn wire(&self, ask: &Ask<'_>, error: WireError) -> ForgeError {
        let (host, what) = (self.host.clone(), ask.what.to_owned());
        match error {
            WireError::Refused(net::Refused::Unresolved { host: name, reason }) => {
                ForgeError::Unreachable { host, what, reason: format!("the name {name} leads nowhere: {reason}") }
            }
            WireError::Refused(refused) => refused.into(),
            WireError::TooLarge(limit) => ForgeError::TooLarge { host, what, limit },
            WireError::Failed(reason) => ForgeError::Unreachable { host, what, reason },
        }
    }

    /// octocrab wraps what the wire says.
    pub(super) fn octocrab(&self, ask: &Ask<'_>, error: &octocrab::Error) -> ForgeError {
        let mut cause: &(dyn std::error::Error + 'static) = error;
        loop {
            if let Some(error) = cause.downcast_ref::<WireError>() {
                return self.wire(ask, error.clone());
            }
            match cause.source() {
                Some(inner) => cause = inner,
                None => return self.unreachable(ask, cause.to_string()),
            }
        }
    }
}

/// What the forge says is wrong, in one line.
fn said(body: &str) -> String {
    let message = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|value| {
        let text = |name: &str| value.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        text("message").or_else(|| text("error"))
    });
    let text = message.unwrap_or_else(|| body.to_owned());
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    if line.is_empty() { "nothing more".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_forge_says_fits_on_a_line() {
        assert_eq!(said("{\"message\": \"Bad\\n credentials\"}"), "Bad credentials");
        assert_eq!(said("<html>no</html>"), "<html>no</html>");
        assert_eq!(said(""), "nothing more");
        assert_eq!(said(&"x".repeat(9_000)).len(), 200);
    }
}
