//! Container images: what a text names, and where in values and manifests such texts stand.

mod find;
mod parse;

pub use find::{ImagePlace, find_images};
pub use parse::{FoundImage, ImageName};
