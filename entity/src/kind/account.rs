//! Who may do what: permissions, the roles that are made of them, and words of what was done.

use super::words;

words! {
    /// One thing that somebody may do. Roles, sessions and the scopes of tokens are made of these.
    Permission {
        /// See everything but what other permissions open.
        Read = "read",
        /// Kept for clients of the v1 API, which know it; what changes something here has a permission of its own.
        Write = "write",
        /// Add, sync, scan, watch, approve, block and delete repositories.
        ManageRepositories = "repositories:write",
        /// Start and cancel jobs and schedules.
        RunJobs = "jobs:run",
        /// Manage triggers and pipelines.
        ManagePipelines = "pipelines:manage",
        /// Read the program's own metrics.
        ViewMetrics = "metrics:view",
        /// Manage accounts, roles, secrets, and see what everybody did.
        Admin = "admin",
    }
}

impl Permission {
    /// What it is for, as people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "See everything but accounts and what people did",
            Self::Write => "Kept for clients of the v1 API; allows nothing by itself",
            Self::ManageRepositories => "Add, sync, scan, watch, approve, block and delete repositories",
            Self::RunJobs => "Start and cancel jobs and schedules",
            Self::ManagePipelines => "Manage triggers and pipelines",
            Self::ViewMetrics => "Read the program's own metrics",
            Self::Admin => "Manage accounts, roles and secrets; see what everybody did",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Some permissions; small enough to be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<Permission>", into = "Vec<Permission>")]
pub struct Permissions(u16);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// Every one there is.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether this one is among them. Who may administer may do everything.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (permission.bit() | Permission::Admin.bit()) != 0
    }

    /// Those that both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Permission::ALL.iter().copied().filter(|permission| self.has(*permission) && other.has(*permission)).collect()
    }

    /// Whether none is among them.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in the order in which people are shown them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl From<Vec<Permission>> for Permissions {
    fn from(permissions: Vec<Permission>) -> Self {
        permissions.into_iter().collect()
    }
}

impl From<Permissions> for Vec<Permission> {
    fn from(permissions: Permissions) -> Self {
        permissions.iter().collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

words! {
    /// A role of the program; admins may make more.
    Role {
        Viewer = "viewer",
        User = "user",
        Developer = "developer",
        Admin = "admin",
    }
}

impl Role {
    /// What it may do: the one table of roles and permissions.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        use Permission::{ManagePipelines, ManageRepositories, Read, RunJobs, ViewMetrics, Write};
        match self {
            Self::Viewer => [Read, ViewMetrics].into_iter().collect(),
            Self::User => [Read].into_iter().collect(),
            Self::Developer => {
                [Read, Write, ManageRepositories, RunJobs, ManagePipelines, ViewMetrics].into_iter().collect()
            }
            Self::Admin => Permissions::all(),
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Sees everything, and the program's own metrics",
            Self::User => "Sees everything",
            Self::Developer => "Also manages repositories, jobs and pipelines",
            Self::Admin => "May do everything, accounts included",
        }
    }
}

words! {
    /// What holds a session open.
    SessionKind {
        /// A browser, by its cookie.
        Browser = "browser",
        /// A program that signed in with a password, by its refresh token.
        Api = "api",
    }
}

words! {
    /// What a link that works once is for.
    LinkKind {
        /// Making the first account.
        SetUp = "set_up",
        /// Taking an account that an admin made.
        Invite = "invite",
        /// A new password.
        Reset = "reset",
        /// A new e-mail address, which is shown to be its person's by opening it.
        Address = "address",
    }
}

words! {
    /// What a mail tells its account.
    MailKind {
        /// A link to choose a new password.
        Reset = "reset",
        /// A link to take an account that an admin made.
        Invite = "invite",
        PasswordChanged = "password_changed",
        SecondFactor = "second_factor",
        /// Somebody who is known elsewhere is let in from now on, or no more.
        Connection = "connection",
        TokenExpires = "token_expires",
        /// A link to the address that an account is to have.
        Address = "address",
        /// To the address that was the account's before.
        AddressChanged = "address_changed",
    }
}

words! {
    /// Where a forge's token comes from.
    TokenSource {
        None = "none",
        Environment = "environment",
        Configuration = "configuration",
        /// Somebody entered it here.
        Entered = "entered",
    }
}

words! {
    /// How somebody came in who did something.
    Via {
        Session = "session",
        Token = "token",
        /// A password, and a code where one is asked for, that let them in just now.
        Password = "password",
        /// Somebody else's word, such as GitHub's, that let them in just now.
        Provider = "provider",
        /// A link that works once.
        Link = "link",
        Command = "command",
        Schedule = "schedule",
        /// Nobody that is known: somebody who tried to sign in.
        Nobody = "nobody",
    }
}

words! {
    /// What was done, in the log of what people did.
    AuditAction {
        SetUp = "set_up",
        SignIn = "sign_in",
        SignInRefused = "sign_in_refused",
        SignOut = "sign_out",
        /// Somebody lacked the right to what they asked for.
        AccessRefused = "access_refused",
        CreateAccount = "create_account",
        ChangeAccount = "change_account",
        /// A new address of the own account waits until the link is opened that was mailed there.
        AskAddressChange = "ask_address_change",
        CancelAddressChange = "cancel_address_change",
        DeleteAccount = "delete_account",
        InviteAccount = "invite_account",
        TakeAccount = "take_account",
        ChangePassword = "change_password",
        AskPasswordReset = "ask_password_reset",
        SetSecondFactor = "set_second_factor",
        RemoveSecondFactor = "remove_second_factor",
        LinkIdentity = "link_identity",
        UnlinkIdentity = "unlink_identity",
        EndSession = "end_session",
        CreateToken = "create_token",
        RevokeToken = "revoke_token",
        CreateRole = "create_role",
        ChangeRole = "change_role",
        DeleteRole = "delete_role",
        SetSecret = "set_secret",
        RemoveSecret = "remove_secret",
        AddRepositories = "add_repositories",
        SyncRepository = "sync_repository",
        SyncRepositories = "sync_repositories",
        ScanRepository = "scan_repository",
        ApproveRepository = "approve_repository",
        BlockRepository = "block_repository",
        DeleteRepository = "delete_repository",
        SetWatch = "set_watch",
        UnsetWatch = "unset_watch",
        SetWebhookSecret = "set_webhook_secret",
        RemoveWebhookSecret = "remove_webhook_secret",
        SetRepositoryAccess = "set_repository_access",
        RemoveRepositoryAccess = "remove_repository_access",
        Discover = "discover",
        Aggregate = "aggregate",
        TriggerSchedule = "trigger_schedule",
        CancelJob = "cancel_job",
        AddTrigger = "add_trigger",
        ChangeTrigger = "change_trigger",
        SwitchTrigger = "switch_trigger",
        RemoveTrigger = "remove_trigger",
        SetTriggerSecret = "set_trigger_secret",
        RemoveTriggerSecret = "remove_trigger_secret",
        SetTriggerSink = "set_trigger_sink",
        RemoveTriggerSink = "remove_trigger_sink",
        TestTrigger = "test_trigger",
        ReplayDeliveries = "replay_deliveries",
        ReloadConfiguration = "reload_configuration",
        CheckConfiguration = "check_configuration",
    }
}

impl AuditAction {
    /// What is needed to do it; nothing where it is about the account that asks, or about getting in.
    #[must_use]
    pub const fn needs(self) -> Option<Permission> {
        match self {
            Self::SetUp
            | Self::SignIn
            | Self::SignInRefused
            | Self::SignOut
            | Self::AccessRefused
            | Self::AskAddressChange
            | Self::CancelAddressChange
            | Self::TakeAccount
            | Self::ChangePassword
            | Self::AskPasswordReset
            | Self::SetSecondFactor
            | Self::RemoveSecondFactor
            | Self::LinkIdentity
            | Self::UnlinkIdentity
            | Self::EndSession
            | Self::CreateToken
            | Self::RevokeToken => None,
            Self::CreateAccount
            | Self::ChangeAccount
            | Self::DeleteAccount
            | Self::InviteAccount
            | Self::CreateRole
            | Self::ChangeRole
            | Self::DeleteRole
            | Self::SetSecret
            | Self::RemoveSecret
            | Self::ReloadConfiguration
            | Self::CheckConfiguration => Some(Permission::Admin),
            Self::AddRepositories
            | Self::SyncRepository
            | Self::ScanRepository
            | Self::ApproveRepository
            | Self::BlockRepository
            | Self::DeleteRepository
            | Self::SetWatch
            | Self::UnsetWatch
            | Self::SetWebhookSecret
            | Self::RemoveWebhookSecret
            | Self::SetRepositoryAccess
            | Self::RemoveRepositoryAccess => Some(Permission::ManageRepositories),
            Self::SyncRepositories | Self::Discover | Self::Aggregate | Self::TriggerSchedule | Self::CancelJob => {
                Some(Permission::RunJobs)
            }
            Self::AddTrigger
            | Self::ChangeTrigger
            | Self::SwitchTrigger
            | Self::RemoveTrigger
            | Self::SetTriggerSecret
            | Self::RemoveTriggerSecret
            | Self::SetTriggerSink
            | Self::RemoveTriggerSink
            | Self::TestTrigger
            | Self::ReplayDeliveries => Some(Permission::ManagePipelines),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_what_their_documents_say() {
        let words = |role: Role| role.permissions().iter().map(Permission::as_str).collect::<Vec<_>>();
        assert_eq!(words(Role::User), ["read"]);
        assert_eq!(words(Role::Viewer), ["read", "metrics:view"]);
        assert!(["read", "write"].iter().all(|word| words(Role::Developer).contains(word)));
        assert!(!Role::Developer.permissions().has(Permission::Admin));
        assert_eq!(words(Role::Admin).len(), Permission::ALL.len());
    }

    #[test]
    fn a_token_may_no_more_than_its_account_and_no_more_than_its_scopes() {
        let all: Permissions = [Permission::Admin].into_iter().collect();
        let some: Permissions = [Permission::Read, Permission::RunJobs].into_iter().collect();
        assert_eq!(all.and(some), some);
        assert_eq!(Role::User.permissions().and(all).iter().collect::<Vec<_>>(), [Permission::Read]);
        assert!(Role::User.permissions().and([Permission::RunJobs].into_iter().collect()).is_empty());
    }
}
