//! One file per page.

mod commit;
mod components_gallery;
mod not_found;
mod overview;
mod repositories;
mod repository;
mod resource;
mod resources;
mod system_line;

pub use commit::Commit;
pub use components_gallery::ComponentsGallery;
pub use not_found::NotFound;
pub use overview::Overview;
pub use repositories::Repositories;
pub use repository::Repository;
pub use resource::Resource;
pub use resources::Resources;
pub use system_line::SystemLine;
