use super::{AuditAction, Permission, Permissions};

/// What whoever asks for something needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Needs {
    /// Everybody is answered: how the program is, and coming in.
    Nothing,
    /// A permission, which an account has by its role, and a token by its scopes as well.
    Permission(Permission),
    /// An account, whatever it may.
    Account,
    /// An account's person, which a token is not.
    Person,
    /// The token that the configuration sets for figures, or an account that may see them.
    MetricsToken,
    /// The secret that was made for this webhook: who sends it has no account.
    WebhookSecret,
    /// Nobody is answered at this address.
    NotHere,
}

impl Needs {
    /// What is needed to do something; its own permission decides.
    #[must_use]
    pub const fn to(action: AuditAction) -> Self {
        match action.needs() {
            Some(permission) => Self::Permission(permission),
            None => Self::Person,
        }
    }

    /// Whether somebody with these permissions is answered who signed in with a password, or, where they did not, nobody.
    #[must_use]
    pub const fn allows(self, permissions: Permissions, is_signed_in: bool) -> bool {
        match self {
            Self::Nothing => true,
            Self::Permission(permission) => permissions.has(permission),
            Self::Account | Self::Person => is_signed_in,
            Self::MetricsToken => permissions.has(Permission::ViewMetrics),
            Self::WebhookSecret | Self::NotHere => false,
        }
    }

    /// The permission, or what else it is, in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Permission(permission) => permission.as_str(),
            Self::Account => "an account",
            Self::Person => "an account, in person",
            Self::MetricsToken => "metrics:view, or the token of server.metrics.token",
            Self::WebhookSecret => "the webhook's own secret",
            Self::NotHere => "not answered here: server.metrics says to whom and where",
        }
    }
}
