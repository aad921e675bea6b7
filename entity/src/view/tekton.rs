use serde::{Deserialize, Serialize};

use crate::kind::TektonAction;

/// What a commit brings in `.tekton/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TektonFound {
    pub has_directory: bool,
    /// Files of YAML in it.
    pub total_files: u32,
    /// Those of which every document could be read.
    pub valid_files: u32,
    pub resources: Vec<TektonResource>,
    /// What is best done with them.
    pub estimated_action: TektonAction,
    /// Why that is best.
    pub reasons: Vec<String>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
    /// The forge's API told it, as no clone could.
    #[serde(default)]
    pub read_by_api: bool,
}

impl TektonFound {
    /// So many resources of a commit are kept.
    pub const MOST_RESOURCES: usize = 200;

    /// Whether there is anything that Tekton can do with it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.estimated_action != TektonAction::Skip
    }
}

/// One of Tekton's resources, as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TektonResource {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub path: String,
    /// Which document of the file it is, from 0.
    pub index: u32,
    pub is_valid: bool,
    pub errors: Vec<String>,
    /// What it refers to, such as `Task/build`.
    pub dependencies: Vec<String>,
}
