//! What happened to watched branches.

use std::collections::HashMap;

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use entity::address::shown_url;
use entity::kind::{BranchEventKind, BranchEventState, NoticedBy, Provider};
use entity::view::{BranchEvent, BranchEventFilter, PageQuery};
use serde::{Deserialize, Serialize};
use store::db::{DataError, Db};
use store::watch::{BranchOrigin, branch_origins, find_branch_event, list_branch_events};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Envelope, Failure, Refused};
use crate::clock;
use crate::web::api::extract::{Check, MAX_LIMIT, MAX_SKIP, Params, PathText};
use crate::web::api::problem::Problem;

/// Events of one page, where nobody says how many.
pub(super) const USUAL_LIMIT: u64 = 100;
/// What "recent" means.
const RECENT: TimeDelta = TimeDelta::hours(24);
/// The version that RepoSentry's poller tells; clients know no other.
const POLLER_VERSION: &str = "1.0.0";

/// Which rows, in RepoSentry's words.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OffsetParams {
    /// Rows to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Rows to pass over.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000, default = 0)]
    offset: Option<String>,
}

impl OffsetParams {
    /// The checked page.
    pub(super) fn page(&self, check: &mut Check, usual: u64) -> PageQuery {
        PageQuery {
            limit: check.number("limit", self.limit.as_deref(), 1..=MAX_LIMIT, usual),
            skip: check.number("offset", self.offset.as_deref(), 0..=MAX_SKIP, 0),
        }
    }
}

/// What RepoSentry tells of an event beside its fields, all of it as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventMetadata {
    pub repository: String,
    pub provider: String,
    pub branch: String,
    /// `new`, `updated` or `deleted`.
    pub change_type: String,
    /// Empty where the branch is new.
    pub old_commit_sha: String,
    /// Empty where the branch is gone.
    pub new_commit_sha: String,
    /// `true` or `false`; `false` where the forge did not say.
    pub protected: String,
    /// `reposentry-poller`, or `reposentry-webhook` where the forge told.
    pub source: String,
    pub poller_version: String,
    pub repository_url: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReposentryEvent {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub kind: BranchEventKind,
    pub repository: String,
    pub branch: String,
    /// Where the branch stands; empty where it is gone.
    pub commit_sha: String,
    /// Where it stood; empty where it is new.
    pub prev_commit: String,
    pub provider: Provider,
    /// When it was noticed.
    pub timestamp: DateTime<Utc>,
    pub metadata: EventMetadata,
    pub status: BranchEventState,
    /// When it was decided who is told.
    pub processed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub error_message: Option<String>,
}

/// A page of events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReposentryEvents {
    /// Of this page, as RepoSentry counts.
    pub total: usize,
    /// Of all pages.
    pub count: u64,
    pub limit: u64,
    pub offset: u64,
    pub events: Vec<ReposentryEvent>,
}

/// Events of the last day, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecentEvents {
    /// Of those that are told.
    pub total: usize,
    /// Of all there are.
    pub count: u64,
    /// A day ago.
    pub since: DateTime<Utc>,
    /// At most the newest 1,000.
    pub events: Vec<ReposentryEvent>,
}

/// What happened to watched branches
///
/// `GET /api/v1/branch-events` tells more of each, and takes filters.
#[utoipa::path(
    get, path = "/api/events", operation_id = "list_reposentry_events", tag = "reposentry",
    params(OffsetParams),
    responses(
        (status = 200, description = "Newest first; 100 where no limit is given", body = Envelope<ReposentryEvents>),
        (status = 422, description = "Wrong parameters", body = Failure),
    )
)]
pub async fn list_reposentry_events(
    State(db): State<Db>,
    params: Result<Params<OffsetParams>, Problem>,
) -> Result<Json<Envelope<ReposentryEvents>>, Refused> {
    let mut check = Check::default();
    let page = params?.0.page(&mut check, USUAL_LIMIT);
    check.finish()?;
    let (events, count) = list(&db, &BranchEventFilter { page, ..BranchEventFilter::default() }).await?;
    let (limit, offset) = (page.limit, page.skip);
    Ok(Envelope::of(ReposentryEvents { total: events.len(), count, limit, offset, events }))
}

/// What happened to watched branches within the last day
#[utoipa::path(
    get, path = "/api/events/recent", operation_id = "list_recent_reposentry_events", tag = "reposentry",
    responses((status = 200, description = "Newest first", body = Envelope<RecentEvents>))
)]
pub async fn list_recent_reposentry_events(State(db): State<Db>) -> Result<Json<Envelope<RecentEvents>>, Refused> {
    let since = clock::now() - RECENT;
    let page = PageQuery { skip: 0, limit: MAX_LIMIT };
    let filter = BranchEventFilter { since: Some(since), page, ..BranchEventFilter::default() };
    let (events, count) = list(&db, &filter).await?;
    Ok(Envelope::of(RecentEvents { total: events.len(), count, since, events }))
}

/// One event
#[utoipa::path(
    get, path = "/api/events/{event_id}", operation_id = "get_reposentry_event", tag = "reposentry",
    params(("event_id" = String, Path, description = "The event")),
    responses(
        (status = 200, description = "The event", body = Envelope<ReposentryEvent>),
        (status = 404, description = "There is none of that id", body = Failure),
    )
)]
pub async fn get_reposentry_event(
    State(db): State<Db>,
    path: Result<PathText, Problem>,
) -> Result<Json<Envelope<ReposentryEvent>>, Refused> {
    let missing = || Refused::missing("Event not found");
    // Ids of RepoSentry's own are no ids here, and nothing is stored under them.
    let id = path?.get("event_id").and_then(|id| id.parse::<Uuid>().ok()).ok_or_else(missing)?;
    let event = find_branch_event(&db.read, id).await?.ok_or_else(missing)?;
    let origins = branch_origins(&db.read, [event.branch_id]).await?;
    told(event, &origins).map(Envelope::of).ok_or_else(missing)
}

pub(super) async fn list(db: &Db, filter: &BranchEventFilter) -> Result<(Vec<ReposentryEvent>, u64), DataError> {
    let found = list_branch_events(&db.read, filter).await?;
    let origins = branch_origins(&db.read, found.data.iter().map(|event| event.branch_id)).await?;
    let events = found.data.into_iter().filter_map(|event| told(event, &origins)).collect();
    Ok((events, found.count))
}

/// An event in RepoSentry's words; nothing where its branch went between two questions.
fn told(event: BranchEvent, origins: &HashMap<Uuid, BranchOrigin>) -> Option<ReposentryEvent> {
    let origin = origins.get(&event.branch_id)?;
    let commit_sha = event.new_commit.unwrap_or_default();
    let prev_commit = event.old_commit.unwrap_or_default();
    let change_type = match event.kind {
        BranchEventKind::BranchCreated => "new",
        BranchEventKind::BranchUpdated | BranchEventKind::TektonDetected => "updated",
        BranchEventKind::BranchDeleted => "deleted",
    };
    let source = match event.noticed_by {
        NoticedBy::Poll | NoticedBy::Api => "reposentry-poller",
        NoticedBy::Webhook => "reposentry-webhook",
    };
    let metadata = EventMetadata {
        repository: event.repository_full_name.clone(),
        provider: origin.provider.to_string(),
        branch: event.branch_name.clone(),
        change_type: change_type.to_owned(),
        old_commit_sha: prev_commit.clone(),
        new_commit_sha: commit_sha.clone(),
        protected: origin.is_protected.unwrap_or(false).to_string(),
        source: source.to_owned(),
        poller_version: POLLER_VERSION.to_owned(),
        repository_url: shown_url(&origin.repository_url),
    };
    Some(ReposentryEvent {
        id: event.id,
        kind: event.kind,
        repository: event.repository_full_name,
        branch: event.branch_name,
        commit_sha,
        prev_commit,
        provider: origin.provider,
        timestamp: event.noticed_at,
        metadata,
        status: event.state,
        processed_at: event.processed_at,
        created_at: event.noticed_at,
        updated_at: event.processed_at.unwrap_or(event.noticed_at),
        error_message: event.error,
    })
}
