//! Questions over all repositories, which everybody asks in the same words: what is asked again is answered from
//! memory until a batch is stored, days are computed, or a forge tells something else of a repository.

use std::fmt::Debug;

use uuid::Uuid;

use crate::db::{Db, Result};
use crate::{charts, ecosystem, images, overview};
use entity::view::{
    ChartAlternative, ChartComparison, ChartDetail, ChartFilter, ChartNeighbour, ChartRelease, ChartReleaseFilter,
    ChartStep, ChartSummary, ChartUpgrades, ChartValue, ChartValueFilter, ChartValuePath, EcosystemCharts,
    EcosystemOverview, EcosystemRange, EventUpgrades, ImageDetail, ImageFilter, ImagePlace, ImagePlaceFilter,
    ImageSummary, Listing, Overview, PageQuery, ReleaseActivity, Timestamp,
};

/// What is told of now and of days before it moves on with the clock by so many seconds.
const STEP: i64 = 300;
/// Longer pages are for programs that read all of them, each once.
const LONGEST: u64 = 100;

/// A question in words. `now` is a part of it where what is told depends on the clock.
fn words(what: &str, of: impl Debug, at: Option<Timestamp>, now: Timestamp) -> String {
    match at {
        None => format!("{what} {of:?} {}", now.timestamp().div_euclid(STEP)),
        Some(at) => format!("{what} {of:?} at {}", at.timestamp()),
    }
}

const fn is_long(page: PageQuery) -> bool {
    page.limit > LONGEST
}

/// [`charts::list_charts`].
pub async fn list_charts(db: &Db, filter: &ChartFilter, now: Timestamp) -> Result<Listing<ChartSummary>> {
    let ask = || charts::list_charts(&db.read, filter, now);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(words("charts", filter, filter.at, now), ask).await
}

/// [`charts::find_chart`].
pub async fn find_chart(db: &Db, id: i64, at: Option<Timestamp>, now: Timestamp) -> Result<Option<ChartDetail>> {
    db.kept(words("chart", id, at, now), || charts::find_chart(&db.read, id, at, now)).await
}

/// [`charts::list_users`].
pub async fn list_users(db: &Db, id: i64, at: Option<Timestamp>) -> Result<Vec<(Uuid, String)>> {
    db.kept(format!("users {id} {at:?}"), || charts::list_users(&db.read, id, at)).await
}

/// [`charts::users_named`].
pub async fn users_named(db: &Db, id: i64, named: &[String], at: Option<Timestamp>) -> Result<Vec<(Uuid, String)>> {
    db.kept(format!("users {id} {named:?} {at:?}"), || charts::users_named(&db.read, id, named, at)).await
}

/// [`charts::alternatives`].
pub async fn alternatives(db: &Db, id: i64, at: Option<Timestamp>, now: Timestamp) -> Result<Vec<ChartAlternative>> {
    db.kept(words("alternatives", id, at, now), || charts::alternatives(&db.read, id, at, now)).await
}

/// [`charts::used_with`].
pub async fn used_with(db: &Db, id: i64, at: Option<Timestamp>) -> Result<Vec<ChartNeighbour>> {
    db.kept(format!("used with {id} {at:?}"), || charts::used_with(&db.read, id, at)).await
}

/// [`charts::list_releases`].
pub async fn list_releases(db: &Db, filter: &ChartReleaseFilter) -> Result<Listing<ChartRelease>> {
    let ask = || charts::list_releases(&db.read, filter);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(format!("releases {filter:?}"), ask).await
}

/// [`charts::list_value_paths`].
pub async fn list_value_paths(db: &Db, filter: &ChartValueFilter) -> Result<Listing<ChartValuePath>> {
    let ask = || charts::list_value_paths(&db.read, filter);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(format!("paths {filter:?}"), ask).await
}

/// [`charts::path_summary`].
pub async fn path_summary(db: &Db, filter: &ChartValueFilter, path: &str) -> Result<Option<ChartValuePath>> {
    db.kept(format!("path {path:?} {filter:?}"), || charts::path_summary(&db.read, filter, path)).await
}

/// [`charts::list_path_values`].
pub async fn list_path_values(db: &Db, filter: &ChartValueFilter, path: &str) -> Result<Listing<ChartValue>> {
    let ask = || charts::list_path_values(&db.read, filter, path);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(format!("values {path:?} {filter:?}"), ask).await
}

/// [`charts::compare_releases`].
pub async fn compare_releases(
    db: &Db,
    id: i64,
    repositories: &[Uuid],
    name: Option<&str>,
    at: Option<Timestamp>,
) -> Result<ChartComparison> {
    let ask = || charts::compare_releases(&db.read, id, repositories, name, at);
    db.kept(format!("comparison {id} {repositories:?} {name:?} {at:?}"), ask).await
}

/// [`charts::list_upgrades`].
pub async fn list_upgrades(
    db: &Db,
    id: i64,
    versions: (Option<&str>, Option<&str>),
    at: Option<Timestamp>,
    page: PageQuery,
) -> Result<ChartUpgrades> {
    let ask = || charts::list_upgrades(&db.read, id, versions, at, page);
    if is_long(page) {
        return ask().await;
    }
    db.kept(format!("upgrades {id} {versions:?} {at:?} {page:?}"), ask).await
}

/// What others changed with the step that an event made.
pub async fn list_step_upgrades(
    db: &Db,
    step: ChartStep,
    at: Option<Timestamp>,
    page: PageQuery,
) -> Result<EventUpgrades> {
    let versions = (Some(step.from.as_str()), Some(step.to.as_str()));
    let upgrades = list_upgrades(db, step.chart_id, versions, at, page).await?;
    let ChartStep { chart_id, chart_key, from, to } = step;
    Ok(EventUpgrades { chart_id, chart_key, from, to, upgrades })
}

/// [`images::list_images`].
pub async fn list_images(db: &Db, filter: &ImageFilter) -> Result<Listing<ImageSummary>> {
    let ask = || images::list_images(&db.read, filter);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(format!("images {filter:?}"), ask).await
}

/// [`images::list_image_places`].
pub async fn list_image_places(db: &Db, filter: &ImagePlaceFilter) -> Result<Listing<ImagePlace>> {
    let ask = || images::list_image_places(&db.read, filter);
    if is_long(filter.page) {
        return ask().await;
    }
    db.kept(format!("places {filter:?}"), ask).await
}

/// [`images::find_image`].
pub async fn find_image(db: &Db, name: &str, at: Option<Timestamp>, now: Timestamp) -> Result<Option<ImageDetail>> {
    db.kept(words("image", name, at, now), || images::find_image(&db.read, name, at, now)).await
}

/// [`ecosystem::charts`].
pub async fn ecosystem_charts(
    db: &Db,
    range: EcosystemRange,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<EcosystemCharts> {
    let ask = || ecosystem::charts(&db.read, range, at, now);
    db.kept(words("charts of all", range, at, now), ask).await
}

/// [`ecosystem::overview`]. Who came last, and whether days wait to be computed, is told as it is.
pub async fn ecosystem_overview(
    db: &Db,
    range: EcosystemRange,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<EcosystemOverview> {
    // All that the rest asks of a time: the day that it lies in, and the last one that had ended.
    let (day, last) = (at.unwrap_or(now).date_naive(), at.and_then(ecosystem::last_whole_day));
    let ask = || ecosystem::of_days(&db.read, range, at, now);
    let of_days = db.kept(format!("days {range:?} {day} {last:?}"), ask).await?;
    ecosystem::with_newest(&db.read, of_days, at).await
}

/// [`ecosystem::list_release_activity`], without manifests.
pub async fn list_release_activity(db: &Db, page: PageQuery, most: i64) -> Result<Listing<ReleaseActivity>> {
    let ask = || ecosystem::list_release_activity(&db.read, page, most, false);
    if is_long(page) {
        return ask().await;
    }
    db.kept(format!("releases that changed {page:?} {most}"), ask).await
}

/// [`overview::overview`]. What jobs and syncs tell is told as it is.
pub async fn overview(db: &Db, now: Timestamp) -> Result<Overview> {
    let bumps = db.kept(words("bumps", (), None, now), || overview::bumps(&db.read, now)).await?;
    overview::with_bumps(&db.read, bumps, now).await
}
