//! What is known of one chart: its releases, steps between versions, comparisons, and texts that install it.

use axum::{Json, extract::State};
use entity::view::{
    ChartComparison, ChartRelease, ChartReleaseFilter, ChartReleaseSort, ChartSnippet, ChartUpgrades, Listing,
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};

use super::{
    at::AtParams,
    charts::{exists, not_found},
};
use crate::{
    clock,
    web::api::{
        extract::{Check, NumberId, PageParams, Params},
        problem::Problem,
    },
};

/// Charts that `with` names at most: each is a question of its own.
pub(super) const MOST_WITH: usize = 10;
/// Repositories that fit beside each other.
const MOST_COMPARED: usize = 6;

const RELEASE_SORTS: &[(&str, ChartReleaseSort)] = &[
    ("stars", ChartReleaseSort::Stars),
    ("recent", ChartReleaseSort::Recent),
    ("repository", ChartReleaseSort::Repository),
];

/// Which releases of a chart, and in what order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartReleaseParams {
    /// Only this version, as written.
    version: Option<String>,
    /// Only those of this name: Helm's, or that of the resource that installs them.
    release: Option<String>,
    /// Only those that set a value at this path.
    path: Option<String>,
    /// Only those whose value at `path` is this, as written; says nothing without `path`.
    value: Option<String>,
    /// Only repositories that also have all of these charts: up to ten ids, separated by commas.
    #[param(pattern = "^[1-9][0-9]{0,18}(,[1-9][0-9]{0,18}){0,9}$")]
    with: Option<String>,
    /// The repository whose values the first ones are most like, before `sort`.
    #[param(value_type = Option<Uuid>)]
    like: Option<String>,
    /// Of each repository one release.
    #[param(value_type = Option<bool>, default = false)]
    one_each: Option<String>,
    /// What the list is sorted by.
    #[param(inline, value_type = Option<ChartReleaseSort>, default = "stars")]
    sort: Option<String>,
}

/// Which steps between versions.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartUpgradeParams {
    /// The version before, as written; without it any.
    from: Option<String>,
    /// The version after, as written; without it any. With neither, only steps to a higher version are told.
    to: Option<String>,
}

/// Which releases stand side by side.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartComparisonParams {
    /// Ids of one to six repositories, separated by commas.
    #[param(
        required = true,
        value_type = String,
        pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\
                   (,[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}){0,5}$"
    )]
    repositories: Option<String>,
    /// Only releases of this name.
    release: Option<String>,
}

/// Texts that install a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartSnippets {
    /// None where no place of it is known.
    pub snippets: Vec<ChartSnippet>,
}

/// Releases of a chart
#[utoipa::path(
    get, path = "/charts/{chart_id}/releases", operation_id = "list_chart_releases", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        PageParams, ChartReleaseParams, AtParams,
    ),
    responses(
        (status = 200, description = "Who uses it, where and in which version", body = Listing<ChartRelease>),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_releases(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(page): Params<PageParams>,
    Params(params): Params<ChartReleaseParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartRelease>>, Problem> {
    let mut check = Check::default();
    let filter = ChartReleaseFilter {
        chart_id: Some(id),
        repository_id: None,
        one_each: check.flag("one_each", params.one_each.as_deref()),
        version: check.text("version", params.version.as_deref()),
        release: check.text("release", params.release.as_deref()),
        path: check.text("path", params.path.as_deref()),
        value: check.text("value", params.value.as_deref()),
        with_charts: each(&mut check, "with", params.with.as_deref(), MOST_WITH, chart),
        like: check.uuid("like", params.like.as_deref()),
        sort: check.choice("sort", params.sort.as_deref(), RELEASE_SORTS),
        at: at.moment(&mut check),
        page: page.page(&mut check),
    };
    check.finish()?;
    exists(&db, id).await?;
    Ok(Json(store::kept::list_releases(&db, &filter).await?))
}

/// Upgrades of a chart
#[utoipa::path(
    get, path = "/charts/{chart_id}/upgrades", operation_id = "list_chart_upgrades", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        PageParams, ChartUpgradeParams, AtParams,
    ),
    responses(
        (status = 200, description = "Who made them, newest first, what changed with them, and how many went back",
            body = ChartUpgrades),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_upgrades(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(page): Params<PageParams>,
    Params(params): Params<ChartUpgradeParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartUpgrades>, Problem> {
    let mut check = Check::default();
    let from = check.text("from", params.from.as_deref());
    let to = check.text("to", params.to.as_deref());
    let at = at.moment(&mut check);
    let page = page.page(&mut check);
    check.finish()?;
    exists(&db, id).await?;
    Ok(Json(store::kept::list_upgrades(&db, id, (from.as_deref(), to.as_deref()), at, page).await?))
}

/// Values of a chart in several repositories side by side
#[utoipa::path(
    get, path = "/charts/{chart_id}/compare", operation_id = "compare_chart_releases", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        ChartComparisonParams, AtParams,
    ),
    responses(
        (status = 200, description = "At most six releases; paths that differ first", body = ChartComparison),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No repository is named, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn compare_chart_releases(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(params): Params<ChartComparisonParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartComparison>, Problem> {
    let mut check = Check::default();
    let given = params.repositories.as_deref();
    if given.is_none() {
        check.refuse("repositories", "", "missing", "must be given: ids of repositories, separated by commas");
    }
    let repositories = each(&mut check, "repositories", given, MOST_COMPARED, Check::uuid);
    let release = check.text("release", params.release.as_deref());
    let at = at.moment(&mut check);
    check.finish()?;
    exists(&db, id).await?;
    Ok(Json(store::kept::compare_releases(&db, id, &repositories, release.as_deref(), at).await?))
}

/// Texts that install a chart
#[utoipa::path(
    get, path = "/charts/{chart_id}/snippets", operation_id = "list_chart_snippets", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        AtParams,
    ),
    responses(
        (status = 200, description = "From the place that most take it from, in the newest version that anybody takes from there",
            body = ChartSnippets),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_snippets(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartSnippets>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    let detail = store::kept::find_chart(&db, id, at, clock::now()).await?.ok_or_else(not_found)?;
    Ok(Json(ChartSnippets { snippets: store::charts::snippets(&detail) }))
}

/// What is separated by commas, each kept once.
pub(super) fn each<T: PartialEq>(
    check: &mut Check,
    name: &str,
    given: Option<&str>,
    at_most: usize,
    read: fn(&mut Check, &str, Option<&str>) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    let Some(given) = given else { return found };
    if given.split(',').count() > at_most {
        check.refuse(name, given, "list", format!("must name at most {at_most}, separated by commas"));
        return found;
    }
    for part in given.split(',') {
        let Some(one) = read(check, name, Some(part)) else { break };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The id of a chart. Of as many digits there are numbers that no chart has, which needs no rule in the description.
pub(super) fn chart(check: &mut Check, name: &str, given: Option<&str>) -> Option<i64> {
    let id = check.number(name, given, 1..=9_999_999_999_999_999_999, 0);
    (id > 0).then(|| i64::try_from(id).unwrap_or(i64::MAX))
}
