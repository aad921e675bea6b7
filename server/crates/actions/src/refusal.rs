use chrono::NaiveDate;
use entity::kind::{JobState, Permission, SyncStatus};
use entity::view::FieldError;
use store::db::DataError;

use crate::MAX_ADDED;

/// Why something that was asked for is not done. Repositories are named in full.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such thing: `repository`, `job`.
    Missing(&'static str),
    /// There are only these schedules.
    NoSuchSchedule {
        name: String,
        known: Vec<String>,
    },
    /// There is nothing to approve in this state.
    NothingToApprove {
        name: String,
        status: SyncStatus,
    },
    /// It would be back after the next start.
    Configured {
        name: String,
    },
    /// Its branches are watched as the configuration says, which would be so again after the next start.
    ConfiguredWatch {
        name: String,
    },
    /// It is asked by the token and at the address that the configuration gives, which alone changes them.
    ConfiguredAccess {
        name: String,
    },
    /// It comes with the program, and nothing is asked for it that wants a token.
    SampleAccess {
        name: String,
    },
    /// The configuration switched it off, or names it no more.
    Disabled {
        name: String,
    },
    Blocked {
        name: String,
    },
    PendingApproval {
        name: String,
        reason: Option<String>,
    },
    /// There is nothing to scan yet.
    NeverSynced {
        name: String,
    },
    /// No address, or more than are taken at once.
    AddressCount(usize),
    /// The day has not begun.
    Future(NaiveDate),
    /// No forge is searched, so that a run would do nothing.
    DiscoveryOff,
    /// The process that is asked works with a configuration that it cannot read again.
    NoConfiguration,
    /// The job has ended already.
    Ended(JobState),
    /// Nobody signed in, and this needs somebody.
    NotSignedIn,
    /// Who signed in may not.
    NotAllowed(Permission),
    /// A token asks for what only its person may.
    NotInPerson,
    /// Too many tries; so many seconds have to pass.
    Later(u32),
    /// The token is for other repositories.
    OtherRepository,
    /// What was given can't be taken, and why.
    Unusable(String),
    /// Fields of what was given can't be taken; all of them.
    Wrong(Vec<FieldError>),
    /// The trigger stands in the configuration, which alone changes it.
    ConfiguredTrigger {
        name: String,
    },
    /// The trigger is off, so that nothing is sent.
    TriggerOff {
        name: String,
    },
    /// Who signs in is not known by that e-mail address and password; which of the two is wrong is not told.
    WrongPassword,
    /// The second factor's code is wrong, or was used.
    WrongCode,
    /// The link was used, or its time is over.
    DeadLink,
    /// So much is asked for at once that it has to wait.
    Busy,
    /// The database failed; nothing is changed.
    Failed(DataError),
}

impl Refusal {
    /// A sentence without its full stop, with what to do.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Missing(what) => format!("there is no such {what} here"),
            Self::NoSuchSchedule { name, known } => {
                format!("there is no schedule {name:.100?}; there are: {}", known.join(", "))
            }
            Self::NothingToApprove { name, status } => {
                format!("{name} is neither blocked nor pending approval, but {status}")
            }
            Self::Configured { name } => {
                format!("{name} stands in the configuration; take it out there, or block it here")
            }
            Self::ConfiguredWatch { name } => {
                format!("{name} stands in the configuration, which says how its branches are watched; change it there")
            }
            Self::ConfiguredAccess { name } => {
                format!("{name} stands in the configuration, which gives its token and api_base_url; change them there")
            }
            Self::SampleAccess { name } => {
                format!("{name} is a sample that comes with the program; it is read without a token")
            }
            Self::Disabled { name } => format!("{name} is switched off in the configuration (enabled: false)"),
            Self::Blocked { name } => format!("{name} is blocked; approve it to have it synced"),
            Self::PendingApproval { name, reason } => {
                format!("{name} waits for approval: {}", reason.as_deref().unwrap_or("no reason is known"))
            }
            Self::NeverSynced { name } => {
                format!("{name} has no commits here yet: ask for a sync first, the scan follows by itself")
            }
            Self::DiscoveryOff => {
                "Discovery is switched off, no forge is asked: set discovery.enabled, topics or queries \
                 in the configuration, or GITHUB_TOKEN"
                    .to_owned()
            }
            Self::NoConfiguration => "this process has no configuration that it could read again".to_owned(),
            Self::AddressCount(0) => "Nothing was added: no address is given, write at least one".to_owned(),
            Self::AddressCount(count) => {
                format!("Nothing was added: {count} addresses, but no more than {MAX_ADDED} at once")
            }
            Self::Future(day) => format!("{day} has not begun yet"),
            Self::Ended(state) => format!("The job has ended already: it {state}"),
            Self::NotSignedIn => "sign in to do this".to_owned(),
            Self::NotAllowed(permission) => {
                format!("your role does not have the permission {permission}; an admin can give you one that has")
            }
            Self::NotInPerson => "a token can't do this; sign in with your password".to_owned(),
            Self::Later(seconds @ ..120) => format!("too many tries; try again in {seconds} seconds"),
            Self::Later(seconds) => format!("too many tries; try again in {} minutes", seconds.div_ceil(60)),
            Self::OtherRepository => "this token is for other repositories".to_owned(),
            Self::Unusable(why) => why.clone(),
            Self::Wrong(errors) => {
                let errors = errors.iter().map(|error| format!("{}: {}", error.field, error.message));
                errors.collect::<Vec<_>>().join("; ")
            }
            Self::ConfiguredTrigger { name } => {
                format!("the trigger {name} stands in the configuration; change it there")
            }
            Self::TriggerOff { name } => format!("the trigger {name} is off and sends nothing; switch it on first"),
            Self::WrongPassword => "Incorrect email or password".to_owned(),
            Self::WrongCode => "the code is wrong, too old, or was used already".to_owned(),
            Self::DeadLink => "this link was used already, or its time is over; ask for another one".to_owned(),
            Self::Busy => "too many people sign in at once; try again in a few seconds".to_owned(),
            Self::Failed(error) => format!("the database failed: {error}"),
        }
    }

    /// The same as people write it: with a capital, unless a name comes first, and with its full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let text = self.text();
        let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
        let mut letters = text.chars();
        match letters.next().filter(|_| self.repository().is_none()) {
            Some(first) => format!("{}{}{end}", first.to_uppercase(), letters.as_str()),
            None => format!("{text}{end}"),
        }
    }

    /// The repository that it is about, by its full name.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::NothingToApprove { name, .. }
            | Self::Configured { name }
            | Self::ConfiguredWatch { name }
            | Self::ConfiguredAccess { name }
            | Self::SampleAccess { name }
            | Self::Disabled { name }
            | Self::Blocked { name }
            | Self::PendingApproval { name, .. }
            | Self::NeverSynced { name } => Some(name),
            Self::Missing(_)
            | Self::NoSuchSchedule { .. }
            | Self::AddressCount(_)
            | Self::Future(_)
            | Self::DiscoveryOff
            | Self::NoConfiguration
            | Self::Ended(_)
            | Self::NotSignedIn
            | Self::NotAllowed(_)
            | Self::NotInPerson
            | Self::Later(_)
            | Self::OtherRepository
            | Self::Unusable(_)
            | Self::Wrong(_)
            | Self::ConfiguredTrigger { .. }
            | Self::TriggerOff { .. }
            | Self::WrongPassword
            | Self::WrongCode
            | Self::DeadLink
            | Self::Busy
            | Self::Failed(_) => None,
        }
    }

    /// Whether what was asked for is not there at all, rather than in a state that does not allow it.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::NoSuchSchedule { .. })
    }
}

impl From<DataError> for Refusal {
    fn from(error: DataError) -> Self {
        Self::Failed(error)
    }
}

impl From<auth::password::Busy> for Refusal {
    fn from(_: auth::password::Busy) -> Self {
        Self::Busy
    }
}
