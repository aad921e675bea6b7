//! Where charts come from: one spelling for each place, what a version pins, and which places hold the same chart.

mod canonical;
mod groups;
mod links;
mod version;

pub use canonical::{SourceAddress, SourceScheme, registry};
pub use groups::{ChartSources, SourcesError};
pub use links::kubesearch_keys;
pub use version::version_kind;
