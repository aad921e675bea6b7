//! The one error between pages and server functions.

use leptos::server_fn::codec::PostcardEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::{Bytes, Encodes as _};
use serde::{Deserialize, Serialize};

/// Why a page could not be filled. Details stay in the server's log under the id; nothing inner reaches a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppError {
    /// There is no such thing.
    NotFound {
        /// What was looked for: `repository`.
        what: String,
    },
    /// The question makes no sense.
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// What was asked for does not fit the state of things.
    Conflict {
        /// Why not, with what to do.
        message: String,
    },
    /// It needs somebody who signed in.
    SignIn,
    /// Who signed in may not.
    Forbidden {
        /// What is missing.
        message: String,
    },
    /// Something broke on the server; the log has the reason under this id.
    Internal {
        /// What to quote.
        id: String,
    },
    /// The server could not be reached, or what came back was no answer.
    Unreachable {
        /// What the browser says about it.
        message: String,
    },
    /// The database is away, busy, or stopped a question that took too long.
    Unavailable {
        /// What to do about it.
        message: String,
    },
}

impl AppError {
    /// There is no such thing; the answer's status becomes 404.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// The question makes no sense.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// Something broke: the reason goes to the log, an id to the reader.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        let id = uuid::Uuid::now_v7().simple().to_string();
        // The end of a version 7 id is random, its start is the time.
        let id = id[20..].to_owned();
        tracing::error!(error.id = %id, "a page could not be filled: {reason}");
        Self::Internal { id }
    }

    /// Whether there is simply no such thing.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// What to quote when reporting it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Internal { id } => Some(id),
            _ => None,
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 400,
            Self::Conflict { .. } => 409,
            Self::SignIn => 401,
            Self::Forbidden { .. } => 403,
            Self::Internal { .. } => 500,
            Self::Unreachable { .. } => 502,
            Self::Unavailable { .. } => 503,
        }
    }

    /// Gives the page at hand the status that fits; in the browser it is too late for that.
    pub fn set_status(&self) {
        #[cfg(feature = "ssr")]
        if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>()
            && let Ok(status) = axum::http::StatusCode::from_u16(self.status())
        {
            response.set_status(status);
        }
    }

    /// Gives the answer to a browser's question the status that fits. A form that was sent without scripts leads on to a
    /// page instead.
    #[cfg(feature = "ssr")]
    pub(crate) fn set_answer_status(&self) {
        if !leads_on() {
            self.set_status();
        }
    }
}

/// Whether the request at hand is a form that was sent without scripts: its answer leads on to a page.
#[cfg(feature = "ssr")]
pub(crate) fn leads_on() -> bool {
    use axum::http::{Method, header, request::Parts};

    let Some(request) = leptos::prelude::use_context::<Parts>() else { return true };
    let accept = request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    request.method != Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound { what } => {
                write!(f, "There is no such {what} here. It may have been removed, or the address is mistyped.")
            }
            Self::Invalid { message } | Self::Conflict { message } | Self::Forbidden { message } => {
                f.write_str(message)
            }
            Self::SignIn => f.write_str("Sign in to do this."),
            Self::Internal { .. } => f.write_str("Something broke on the server; its log has the reason."),
            // The browser's own words for no connection say nothing to people.
            Self::Unreachable { message } if message.starts_with("TypeError") => {
                f.write_str("The server could not be reached.")
            }
            Self::Unreachable { message } => write!(f, "The server could not be reached: {message}."),
            Self::Unavailable { message } => write!(f, "{message}."),
        }
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = PostcardEncoding;

    fn ser(&self) -> Bytes {
        #[cfg(feature = "ssr")]
        self.set_answer_status();
        // There is nothing in it that cannot be written.
        Self::Encoder::encode(self).unwrap_or_default()
    }

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(message) | ServerFnErrorErr::MissingArg(message) => Self::Invalid { message },
            // Here it is the request that cannot be read, there the answer.
            #[cfg(feature = "ssr")]
            ServerFnErrorErr::Request(message) | ServerFnErrorErr::Deserialization(message) => {
                Self::Invalid { message }
            }
            #[cfg(not(feature = "ssr"))]
            ServerFnErrorErr::Request(message) => Self::Unreachable { message },
            // Something in between answered, or a server of another build.
            #[cfg(not(feature = "ssr"))]
            ServerFnErrorErr::Deserialization(_) => {
                Self::Unreachable { message: "what came back cannot be read here; load the page again".to_owned() }
            }
            ServerFnErrorErr::Response(message) => Self::Unreachable { message },
            #[cfg(feature = "ssr")]
            other => Self::internal(other),
            #[cfg(not(feature = "ssr"))]
            other => Self::Unreachable { message: other.to_string() },
        }
    }
}

#[cfg(feature = "ssr")]
impl From<actions::Refusal> for AppError {
    fn from(refusal: actions::Refusal) -> Self {
        use actions::Refusal;

        match refusal {
            Refusal::Failed(error) => Self::from(error),
            Refusal::Missing(what) => Self::not_found(what),
            Refusal::NotSignedIn => Self::SignIn,
            refusal @ (Refusal::NotAllowed(_) | Refusal::OtherRepository | Refusal::NotInPerson) => {
                Self::Forbidden { message: refusal.sentence() }
            }
            refusal @ (Refusal::Unusable(_)
            | Refusal::Wrong(_)
            | Refusal::Later(_)
            | Refusal::WrongPassword
            | Refusal::WrongCode) => Self::Invalid { message: refusal.sentence() },
            refusal if refusal.is_missing() => Self::not_found("schedule"),
            refusal => Self::Conflict { message: refusal.sentence() },
        }
    }
}

#[cfg(feature = "ssr")]
impl From<store::db::DataError> for AppError {
    fn from(error: store::db::DataError) -> Self {
        match error.passing_sentence() {
            Some(sentence) => {
                tracing::error!(%error, "a page could not be filled for now");
                Self::Unavailable { message: sentence.to_owned() }
            }
            None => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_went() {
        for error in [
            AppError::not_found("page: a \"b\""),
            AppError::invalid(""),
            AppError::Conflict { message: "a: b".to_owned() },
            AppError::SignIn,
            AppError::Forbidden { message: "c".to_owned() },
            AppError::Internal { id: "7f".to_owned() },
            AppError::Unreachable { message: "a:b".to_owned() },
            AppError::Unavailable { message: "d".to_owned() },
        ] {
            assert_eq!(AppError::de(error.ser()), error);
        }
    }
}
