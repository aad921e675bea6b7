use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kind::{AuditAction, Needs, Permission, Permissions, SessionKind, Via};

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    pub id: Uuid,
    pub email: String,
    pub full_name: Option<String>,
    /// The name of a role.
    pub role: String,
    pub is_active: bool,
    /// Whether it may do everything; the name is the v1 API's.
    pub is_superuser: bool,
    /// What its role may do.
    pub permissions: Vec<Permission>,
    pub has_password: bool,
    pub has_second_factor: bool,
    pub created_at: DateTime<Utc>,
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

/// An address that an account is to have, once the link is opened that was mailed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingAddress {
    pub email: String,
    pub asked_at: DateTime<Utc>,
}

/// Who an account is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountIdentity {
    /// The address of who vouches, such as `https://github.com`.
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub linked_at: DateTime<Utc>,
}

/// A browser or a program that somebody signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    pub id: Uuid,
    pub kind: SessionKind,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// A program's key, without what opens anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiToken {
    pub id: Uuid,
    pub name: String,
    /// It may do what its account may do of these.
    pub scopes: Vec<Permission>,
    /// Patterns of full names that it may change, such as `owner/*`; all where there is none.
    pub repositories: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub used_at: Option<DateTime<Utc>>,
    pub used_from: Option<String>,
}

/// What is shown to its maker once, on the next page, and never again. It has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownOnce {
    /// A token that was made.
    Token { name: String, text: String },
    /// The codes that stand for a second factor where the device is lost.
    RecoveryCodes(Vec<String>),
    /// A second factor is being set up: its picture is shown until a code of it was given.
    SecondFactor,
    /// A link that works once, for somebody else's account.
    Link { account_id: Uuid, email: String, path: String },
    /// A secret that was made for a trigger.
    TriggerSecret { trigger_id: Uuid, text: String },
    /// The path of the address at which a trigger's target tells of runs, which holds the secret.
    TriggerSink { trigger_id: Uuid, path: String },
    /// The secret that a forge signs its webhooks for a repository with.
    WebhookSecret { repository_id: Uuid, text: String },
    /// What stands in the field of an API's address after it was refused: it may be anything, and is in no address of a page.
    ApiAddress { repository_id: Uuid, text: String },
}

/// What an authenticator app is given. It has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorPicture {
    /// For typing.
    pub secret: String,
    /// For apps on the same device.
    pub url: String,
    /// A picture of the same, as SVG.
    pub svg: String,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub action: AuditAction,
    /// Of the account, where it was one; it may be gone.
    pub account_id: Option<Uuid>,
    /// The account's e-mail address then, or what acted.
    pub who: String,
    pub via: Via,
    /// The session or token.
    pub via_id: Option<Uuid>,
    /// What it was done to: `account`, `repository`, `job`, ...
    pub object_kind: String,
    pub object_id: Option<String>,
    pub object_name: String,
    /// What was there before, where something was.
    pub before: Option<serde_json::Value>,
    /// What is there since.
    pub after: Option<serde_json::Value>,
    pub address: Option<String>,
    pub request_id: Option<String>,
}

/// Which of what people did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub action: Option<AuditAction>,
    pub account_id: Option<Uuid>,
    /// A part of who, or of what it was done to.
    pub text: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// A role with what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleDetail {
    pub name: String,
    pub permissions: Vec<Permission>,
    /// Whether it is one of the program's, which can't be changed.
    pub is_built_in: bool,
    pub accounts: i64,
}

/// Something that can be asked for over the network, and what whoever asks needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub verb: String,
    /// With `{}` around what differs.
    pub path: String,
    pub needs: Needs,
}

/// Who looks at a page, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Nobody who signed in.
    pub account: Option<ViewerAccount>,
    /// What pages may offer.
    pub permissions: Vec<Permission>,
    /// Whether anybody can sign in yet.
    pub is_set_up: bool,
}

impl Viewer {
    /// Whether something is to be offered.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.iter().copied().collect::<Permissions>().has(permission)
    }
}

/// The account that looks at a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewerAccount {
    pub id: Uuid,
    pub email: String,
    pub full_name: Option<String>,
}
