//! Fixed words: states, kinds and identities, each written once for rows, pages and REST.

mod account;
mod configuration;
mod decision;
mod discovery;
mod event;
mod job;
mod needs;
mod problem;
mod repository;
mod resource;
mod uses;
mod watch;

pub use account::{AuditAction, LinkKind, MailKind, Permission, Permissions, Role, SessionKind, TokenSource, Via};
pub use configuration::{ReloadCause, ReloadOutcome};
pub use decision::{AddVerdict, RepositoryAction, WhyNotKind};
pub use discovery::RejectReason;
pub use event::{ChangeTag, EventType};
pub use job::{Clocked, JobKind, JobRequest, JobState, Lane, LogLevel, Priority, RequestedBy};
pub use needs::Needs;
pub use problem::ProblemClass;
pub use repository::{GitOpsTool, Origin, Provider, SyncStatus};
pub use resource::{Facet, ResourceStatus};
pub use uses::{
    ChartResolution, ChartUseKind, ImagePlaceKind, ImageState, ReferenceStatus, Renderer, UnresolvedReason, ValueType,
    VersionKind,
};
pub use watch::{
    BranchEventKind, BranchEventState, ClauseKind, DeliveryState, NoticedBy, RunState, TargetKind, TektonAction,
};

/// Declares an enum whose variants are fixed words: one table serves serde, the database, `Display`
/// and `FromStr`, so that a word cannot differ between them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "db", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
        #[cfg_attr(feature = "db", sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(32))"))]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $word)] #[cfg_attr(feature = "db", sea_orm(string_value = $word))] $variant),+
        }

        impl $name {
            /// Every word, in the order in which people are shown them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word itself, as stored and as sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        // Written out, as the derive does not see words that come through a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::kind::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|word| word.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| crate::kind::UnknownWord {
                        found: text.chars().take(64).collect(),
                        allowed: Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                    })
            }
        }
    };
}
pub(crate) use words;

/// A word that is none of the fixed ones; names what was found and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// What was given, cut to a readable length.
    pub found: String,
    /// The allowed words, separated by commas.
    pub allowed: String,
}

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not known here; allowed: {}", self.found, self.allowed)
    }
}

impl std::error::Error for UnknownWord {}
