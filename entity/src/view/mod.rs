//! What pages and REST show: one struct serves as page data, API body and schema.

mod account;
mod chart;
mod chart_parts;
mod commit;
mod configuration;
mod discovery;
mod ecosystem;
mod ecosystem_charts;
mod event;
mod figures;
mod forge_status;
mod image;
mod job;
mod link;
mod live;
mod outcome;
mod overview;
mod page;
mod problem;
mod repository;
mod resource;
mod scan;
mod task;
mod tekton;
mod trigger;
mod trigger_check;
mod variable;
mod watch;
mod webhook;

pub use account::{
    Account, AccountIdentity, ApiToken, AuditEntry, AuditFilter, RoleDetail, Route, SecondFactorPicture, Session,
    ShownOnce, Viewer, ViewerAccount, WaitingAddress,
};
pub use chart::{
    ChangedPath, ChartAdoption, ChartAlternative, ChartComparison, ChartDetail, ChartFilter, ChartKindCount,
    ChartNeighbour, ChartRelease, ChartReleaseFilter, ChartReleaseSort, ChartSort, ChartSource, ChartSummary,
    ChartTrend, ChartUpgrade, ChartUpgrades, ChartValue, ChartValueFilter, ChartValuePath, ChartVersion, CommonValue,
    ComparedValue, ValueSpread,
};
pub use chart_parts::{ChartSnippet, ChartStep, ChartVersionOverTime, ChartVersionsOverTime, EventUpgrades, SharedUse};
pub use commit::{CommitDetail, CommitPlace, CommitRead, CommitSummary, CommitWords, Push, QuietCommit};
pub use configuration::{ConfigCheck, ConfigProblem, ConfigReload};
pub use discovery::{
    Added, Discovery, DiscoveryRun, DiscoverySearch, DiscoverySettings, RejectCount, RejectFilter, Rejected, WhyNot,
};
pub use ecosystem::{
    DatabaseStats, EcosystemGrowth, EcosystemOverview, EcosystemRange, EcosystemSpan, EcosystemStats, EcosystemTrend,
    EcosystemTrends, RecentStats, RecentSyncRun, ReleaseActivity, ReleaseChange, SyncRunStats, TableCounts,
};
pub use ecosystem_charts::{ChartMove, EcosystemCharts, NewChart, PopularChart, RecentUpgrade, Upgrader};
pub use event::{ActivityBucket, Event, EventDailyCount, EventFilter, EventTrend, FieldChange, MASK};
pub use figures::{RecentRepositories, RecentRepository, RepositoryStats};
pub use forge_status::{ForgeStatus, TokenTest};
pub use image::{
    ImageDetail, ImageFilter, ImagePlace, ImagePlaceFilter, ImageSummary, ImageTag, ImageThrough, WrittenImage,
};
pub use job::{Job, JobFilter};
pub use link::{branch_url, compare_url, file_of, shared_folders, web_page, web_url, webhooks_url};
pub use live::Live;
pub use outcome::{Outcome, OutcomeOf, Refused};
pub use overview::{
    ActiveRepository, BumpSubject, BumpedResource, NewRepository, Overview, OverviewGrowth, RunningWork, SystemState,
    VersionBump,
};
pub use page::{Listing, PageQuery, Sort};
pub use problem::Problem;
pub use repository::{
    NamedCount, Repository, RepositoryCounts, RepositoryFilter, RepositoryMetrics, RepositorySort, ScannedBranch,
};
pub use resource::{
    GroupedRepository, GroupedResource, Reference, References, Resource, ResourceFacets, ResourceFilter, ResourceSort,
    ResourceThen, ResourceTreeRow, ResourceVersion, VersionDiff, VersionText,
};
pub use scan::ScanRun;
pub use task::{DiskUse, ForgeBudget, JobDetail, JobLogLine, QueueDepth, Schedule, Tasks, Worker};
pub use tekton::{TektonFound, TektonResource};
pub use trigger::{
    Clause, Condition, Delivery, DeliveryAttempt, DeliveryFilter, DeliveryProgress, Pace, Replayed, SentRequest,
    Target, Trigger, TriggerDay, Verdict,
};
pub use trigger_check::{
    ConditionCheck, DeliveryDetail, DryRun, DryRunMatch, FieldError, HEALTH_DAYS, TriggerDetail, TriggerSecret,
};
pub use variable::variables_in;
pub use watch::{
    Branch, BranchEvent, BranchEventFilter, BranchFilter, RepositoryAccess, Watch, WatchedRepository,
    WatchedRepositoryFilter,
};
pub use webhook::{RepositoryWebhooks, WatchPreview, WebhookReceipt};

/// Time with an offset, RFC 3339 when written as text.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
