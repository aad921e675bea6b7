//! What pages ask the server: one file per word, bodies of a few lines over `store`.
//!
//! A page asks once and gets everything it shows. The part of its address after `?` travels as it
//! stands and is read here, so that the browser carries no filter code. All live under `/ui`; reads
//! are GET, so that they may be repeated and cached.

mod actions;
mod commits;
mod coverage;
mod ecosystem;
mod jobs;
mod overview;
mod repositories;
mod resources;
mod tasks;

pub use actions::{
    ActOnRepositories, AddRepositories, Chosen, ConfirmData, MAX_CHOSEN, OutcomeText, StartDiscovery,
    SyncAllRepositories, Tone, act_on_repositories, add_repositories, read_confirm, start_discovery,
    sync_all_repositories,
};
pub use commits::{CommitData, CommitShown, find_commit};
pub use coverage::{AddData, CoverageData, read_add, read_coverage};
pub use ecosystem::{EcosystemData, OpenedChange, Total, read_ecosystem};
pub use jobs::{RequestScan, RequestSync, read_running_work, read_system_state, request_scan, request_sync};
pub use overview::{OverviewData, read_overview};
pub use repositories::{RepositoriesData, RepositoryData, RepositoryTab, find_repository, list_repositories};
pub use resources::{Comparison, ResourceData, ResourceList, ResourcesData, Shown, find_resource, list_resources};
pub use tasks::{CancelJob, JobData, TasksData, TriggerSchedule, cancel_job, find_job, read_tasks, trigger_schedule};

#[cfg(feature = "ssr")]
pub(crate) mod ask;
