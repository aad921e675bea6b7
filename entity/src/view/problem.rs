use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kind::ProblemClass;

/// A file at the head of the branch that could not be read as it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub file_path: String,
    /// 1-based.
    pub line: Option<i32>,
    pub column: Option<i32>,
    pub class: ProblemClass,
    pub message: String,
    /// The commit that brought it.
    pub commit: String,
    pub since: DateTime<Utc>,
    /// Link to the line on its forge.
    pub web_url: Option<String>,
}
