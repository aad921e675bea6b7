//! Versions of one resource: the text of one, two compared.

use std::time::Duration;

use app::context::ServerContext;
use axum::{Json, extract::State};
use entity::view::{PageQuery, ResourceVersion, VersionDiff, VersionText};
use serde::Deserialize;
use similar::TextDiff;
use store::{db::Db, given};
use utoipa::IntoParams;
use uuid::Uuid;

use super::resources::find;
use crate::web::api::{
    extract::{Check, Id, Params},
    problem::Problem,
};

const NOT_FOUND: &str = "Version not found";

/// Texts come from outside; comparing them must end. What remains is told as replaced.
const COMPARE_WITHIN: Duration = Duration::from_millis(400);

/// Versions that are read at once while looking for one.
const STEP: u64 = 1_000;

/// No resource has as many versions.
const MOST_VERSIONS: i64 = 1_000_000_000_000_000_000;

/// Which two versions.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffParams {
    /// The older side: the number of a version or the id of its event; without it the one before `to`.
    #[param(pattern = "^([1-9][0-9]{0,17}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")]
    from: Option<String>,
    /// The newer side; without it the newest version.
    #[param(pattern = "^([1-9][0-9]{0,17}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")]
    to: Option<String>,
}

/// Which version.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ManifestParams {
    /// The number of a version or the id of its event; without it the resource as it stands, or last stood.
    #[param(pattern = "^([1-9][0-9]{0,17}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")]
    version: Option<String>,
}

/// How a request names a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Number(i64),
    Event(Uuid),
}

impl Wanted {
    fn read(check: &mut Check, name: &str, given: Option<&str>) -> Option<Self> {
        let given = given?;
        let number = given::number(given).ok().and_then(|number| i64::try_from(number).ok());
        if let Some(number @ 1..MOST_VERSIONS) = number {
            return Some(Self::Number(number));
        }
        if let Ok(event) = given::id(given) {
            return Some(Self::Event(event));
        }
        check.refuse(name, given, "version", "must be the number of a version, from 1, or the id of its event");
        None
    }

    fn is(self, version: &ResourceVersion) -> bool {
        match self {
            Self::Number(number) => version.number == number,
            Self::Event(event) => version.event.id == event,
        }
    }
}

/// Two versions of a resource compared
#[utoipa::path(
    get, path = "/resources/{resource_id}/diff", operation_id = "diff_resource", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource"), DiffParams),
    responses(
        (status = 200, description = "Both texts, a unified difference and the changed fields", body = VersionDiff),
        (status = 404, description = "No such resource or version", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn diff_resource(
    State(db): State<Db>,
    State(context): State<ServerContext>,
    Id(id): Id,
    Params(params): Params<DiffParams>,
) -> Result<Json<VersionDiff>, Problem> {
    let mut check = Check::default();
    let from = Wanted::read(&mut check, "from", params.from.as_deref());
    let to = Wanted::read(&mut check, "to", params.to.as_deref());
    check.finish()?;
    find(&db, id).await?;

    let newer = match to {
        Some(to) => at(&db, id, to).await?,
        None => nth(&db, id, 0).await?,
    };
    let newer = newer.ok_or_else(|| Problem::not_found(NOT_FOUND))?;
    let older = match from {
        Some(from) => at(&db, id, from).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))?,
        // The first version has none before it and is compared with itself.
        None => nth(&db, id, newer.0 + 1).await?.unwrap_or(newer),
    };
    // Asked for the other way round, what changed is told the other way round.
    let backwards = older.0 < newer.0;
    let (first, last) = if backwards { (newer.1, older.1) } else { (older.1, newer.1) };
    let mut by_source = store::resources::list_source_changes(&db.read, id, first, last).await?;
    if backwards {
        for change in &mut by_source {
            std::mem::swap(&mut change.old, &mut change.new);
        }
    }
    let (from, to) = (text(&db, id, older.1).await?, text(&db, id, newer.1).await?);
    let (from, to, unified, changes) = tokio::task::spawn_blocking(move || {
        let unified = unified(&from, &to);
        let mut changes = (context.compare)(&from.text, &to.text);
        changes.extend(by_source);
        (from, to, unified, changes)
    })
    .await
    .map_err(|error| Problem::internal(&error))?;
    Ok(Json(VersionDiff { resource_id: id, from, to, unified, changes }))
}

/// The text of a resource, secrets masked
#[utoipa::path(
    get, path = "/resources/{resource_id}/manifest", operation_id = "get_resource_manifest", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource"), ManifestParams),
    responses(
        (status = 200, description = "The YAML as written, secrets' values masked", body = VersionText),
        (status = 404, description = "No such resource or version", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_resource_manifest(
    State(db): State<Db>,
    Id(id): Id,
    Params(params): Params<ManifestParams>,
) -> Result<Json<VersionText>, Problem> {
    let mut check = Check::default();
    let wanted = Wanted::read(&mut check, "version", params.version.as_deref());
    check.finish()?;
    find(&db, id).await?;
    let event = match wanted {
        None => {
            let text = store::resources::find_current_text(&db.read, id).await?;
            return text.map(Json).ok_or_else(|| Problem::not_found(NOT_FOUND));
        }
        Some(Wanted::Event(event)) => event,
        Some(number @ Wanted::Number(_)) => {
            let (_, event) = at(&db, id, number).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))?;
            event
        }
    };
    text(&db, id, event).await.map(Json)
}

/// Place of a version among all, from 0 for the newest, and its event.
type Found = (u64, Uuid);

/// The version at a place.
async fn nth(db: &Db, id: Uuid, skip: u64) -> Result<Option<Found>, Problem> {
    let found = store::resources::list_versions(&db.read, id, PageQuery { skip, limit: 1 }).await?;
    Ok(found.data.first().map(|version| (skip, version.event.id)))
}

/// The version that a request names.
async fn at(db: &Db, id: Uuid, wanted: Wanted) -> Result<Option<Found>, Problem> {
    let mut skip = 0;
    if let Wanted::Number(number) = wanted {
        // Numbers are given without gaps, so the place follows from how many there are.
        let all = store::resources::list_versions(&db.read, id, PageQuery { skip: 0, limit: 1 }).await?.count;
        match all.checked_sub(number.unsigned_abs()) {
            Some(place) => skip = place,
            None => return Ok(None),
        }
    }
    loop {
        let limit = if matches!(wanted, Wanted::Number(_)) { 1 } else { STEP };
        let found = store::resources::list_versions(&db.read, id, PageQuery { skip, limit }).await?;
        if let Some(place) = found.data.iter().position(|version| wanted.is(version)) {
            return Ok(Some((skip + place as u64, found.data[place].event.id)));
        }
        skip += found.data.len() as u64;
        if found.data.is_empty() || skip >= found.count {
            return Ok(None);
        }
    }
}

async fn text(db: &Db, resource: Uuid, event: Uuid) -> Result<VersionText, Problem> {
    store::resources::find_version_text(&db.read, resource, event).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))
}

fn unified(from: &VersionText, to: &VersionText) -> String {
    let name = |side: &VersionText| format!("{}@{}", side.file_path, side.commit.get(..12).unwrap_or(&side.commit));
    TextDiff::configure()
        .timeout(COMPARE_WITHIN)
        .diff_lines(from.text.as_str(), to.text.as_str())
        .unified_diff()
        .context_radius(3)
        .header(&name(from), &name(to))
        .to_string()
}
