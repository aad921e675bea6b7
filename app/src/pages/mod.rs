//! One page a file: each asks the server once, shows the answer, and keeps its whole state in its address.

mod account;
mod add;
mod admin;
#[cfg(feature = "ssr")]
pub(crate) mod ask;
mod branches;
mod chart;
mod charts;
mod commit;
mod commits;
mod compare;
#[cfg(debug_assertions)]
mod components_gallery;
mod confirm;
mod connection;
mod coverage;
mod ecosystem;
mod filters;
mod image;
mod images;
mod load;
mod not_found;
mod outcome;
mod overview;
mod question;
mod repositories;
mod repository;
mod repository_choice;
mod resource;
mod resources;
mod routes;
#[cfg(feature = "ssr")]
mod scopes;
mod span;
mod system_line;
mod tasks;
mod triggers;
mod watch;
mod welcome;

pub use account::Account;
pub use add::AddRepositories;
pub use admin::Admin;
pub use chart::Chart;
pub use charts::Charts;
pub use commit::Commit;
pub use compare::Compare;
#[cfg(debug_assertions)]
pub use components_gallery::ComponentsGallery;
pub use confirm::Confirm;
pub use connection::Connection;
pub use coverage::Coverage;
pub use ecosystem::Ecosystem;
pub use image::Image;
pub use images::Images;
pub use not_found::NotFound;
// The gallery is for those who work on the components; other builds have nothing there.
#[cfg(not(debug_assertions))]
pub use not_found::NotFound as ComponentsGallery;
pub use overview::Overview;
pub use repositories::Repositories;
pub use repository::Repository;
pub use resource::Resource;
pub use resources::Resources;
pub use routes::{Pages, Place, RAIL};
pub use span::Span;
pub use system_line::SystemLine;
pub use tasks::{Job, Tasks};
pub use triggers::Triggers;
pub use watch::Watch;
pub use welcome::{SignIn, Welcome};

use load::{load, load_still, own_path, show};
