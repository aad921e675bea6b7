use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChartAdoption, PageQuery};
use crate::kind::ImagePlaceKind;

/// A container image in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageSummary {
    /// Stays as long as the name does.
    pub id: i64,
    /// With its registry, such as `docker.io/library/nginx`.
    pub name: String,
    /// Repositories that use it.
    pub repositories: i64,
    /// Places in files.
    pub places: i64,
    /// Different tags.
    pub tags: i64,
    /// Places with a digest.
    pub pinned: i64,
}

/// Which images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageFilter {
    /// A part of the name.
    pub text: Option<String>,
    /// Used by so many repositories at least.
    pub used_by: i64,
    pub at: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// An image: its tags, and who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageDetail {
    pub image: ImageSummary,
    /// Highest first.
    pub tags_in_use: Vec<ImageTag>,
    /// Charts and kinds through which it is used, most used first.
    pub through: Vec<ImageThrough>,
    /// Repositories that used it, month by month; `releases` are places.
    pub adoption: Vec<ChartAdoption>,
}

/// A tag in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageTag {
    /// `None` where none is written.
    pub tag: Option<String>,
    pub repositories: i64,
    pub places: i64,
    /// Different digests that are written beside it.
    pub digests: i64,
    /// Those that most places have, at most ten, the most common first.
    pub most_pinned: Vec<String>,
    /// Places with a digest.
    pub pinned: i64,
}

/// What an image is used through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageThrough {
    /// The chart whose values name it.
    pub chart_key: Option<String>,
    /// The kind of resource that names it.
    pub kind: Option<String>,
    pub repositories: i64,
    pub places: i64,
}

/// A place where an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImagePlace {
    pub repository_id: Uuid,
    pub repository: String,
    pub stars: Option<i64>,
    pub place: ImagePlaceKind,
    pub image: Option<String>,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// The image as it is written, where no image can be told since a variable stands in it.
    pub written: Option<String>,
    /// What the variables in it stand for, as far as the repository says so.
    pub variables: BTreeMap<String, String>,
    /// Where in the document or the values.
    pub path: String,
    pub file_path: String,
    pub web_url: Option<String>,
    /// Of the resource that has it.
    pub kind: Option<String>,
    pub name: Option<String>,
    /// The chart whose values have it.
    pub chart_key: Option<String>,
    pub resource_id: Option<Uuid>,
    pub since: DateTime<Utc>,
}

/// An image of which no name can be told, since something in it is left to be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WrittenImage {
    /// As it is written.
    pub written: String,
    /// What the variables in it stand for, as far as the repository says so.
    pub variables: BTreeMap<String, String>,
}

/// Which places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImagePlaceFilter {
    pub image_id: Option<i64>,
    pub repository_id: Option<Uuid>,
    pub tag: Option<String>,
    pub at: Option<DateTime<Utc>>,
    pub page: PageQuery,
}
