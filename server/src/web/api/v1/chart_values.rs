//! Values of one chart: which paths its releases set, to what, and who.

use axum::{Json, extract::State};
use entity::view::{ChartValue, ChartValueFilter, ChartValuePath, Listing};
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;

use super::{
    at::AtParams,
    chart_parts::{MOST_WITH, chart, each},
    charts::{MOST, exists},
};
use crate::web::api::{
    extract::{Check, NumberId, PageParams, Params},
    problem::Problem,
};

const NOT_FOUND: &str = "Value not found";

/// Which values of a chart.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartValueParams {
    /// Part of the path or of a value.
    text: Option<String>,
    /// Only releases whose version begins with this number.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000)]
    major: Option<String>,
    /// Only releases of this name: Helm's, or that of the resource that installs them.
    release: Option<String>,
    /// Only repositories that also have all of these charts: up to ten ids, separated by commas.
    #[param(pattern = "^[1-9][0-9]{0,18}(,[1-9][0-9]{0,18}){0,9}$")]
    with: Option<String>,
    /// The repository whose own values are told beside those of all.
    #[param(value_type = Option<Uuid>)]
    mine: Option<String>,
    /// Only what `mine` sets unlike most, or what most set and it does not; says nothing without `mine`.
    #[param(value_type = Option<bool>, default = false)]
    unlike: Option<String>,
}

/// Which path of values.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartPathParams {
    /// The whole path, such as `controllers.main.replicas`.
    #[param(required = true, value_type = String, min_length = 1)]
    path: Option<String>,
    /// Only releases whose version begins with this number.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000)]
    major: Option<String>,
    /// Only releases of this name: Helm's, or that of the resource that installs them.
    release: Option<String>,
    /// Only repositories that also have all of these charts: up to ten ids, separated by commas.
    #[param(pattern = "^[1-9][0-9]{0,18}(,[1-9][0-9]{0,18}){0,9}$")]
    with: Option<String>,
}

impl ChartPathParams {
    /// The path, and of whose releases.
    fn read(&self, check: &mut Check, chart_id: i64) -> (String, ChartValueFilter) {
        let path = check.required("path", self.path.as_deref(), "the path of a value");
        let filter = ChartValueFilter {
            chart_id,
            major: self.major.as_deref().map(|given| check.number("major", Some(given), 0..=MOST, 0)),
            release: check.text("release", self.release.as_deref()),
            with_charts: each(check, "with", self.with.as_deref(), MOST_WITH, chart),
            ..ChartValueFilter::default()
        };
        (path, filter)
    }
}

/// Whose value is looked for among all.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MineParams {
    /// The repository whose own value is told beside those of all.
    #[param(value_type = Option<Uuid>)]
    mine: Option<String>,
}

/// Paths of values that releases of a chart set
#[utoipa::path(
    get, path = "/charts/{chart_id}/values", operation_id = "list_chart_values", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        PageParams, ChartValueParams, AtParams,
    ),
    responses(
        (status = 200, description = "Those that most set first, each with its most common values",
            body = Listing<ChartValuePath>),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_values(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(page): Params<PageParams>,
    Params(params): Params<ChartValueParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartValuePath>>, Problem> {
    let mut check = Check::default();
    let filter = ChartValueFilter {
        chart_id: id,
        text: check.text("text", params.text.as_deref()),
        major: params.major.as_deref().map(|given| check.number("major", Some(given), 0..=MOST, 0)),
        release: check.text("release", params.release.as_deref()),
        with_charts: each(&mut check, "with", params.with.as_deref(), MOST_WITH, chart),
        mine: check.uuid("mine", params.mine.as_deref()),
        unlike: check.flag("unlike", params.unlike.as_deref()),
        at: at.moment(&mut check),
        page: page.page(&mut check),
    };
    check.finish()?;
    exists(&db, id).await?;
    Ok(Json(store::kept::list_value_paths(&db, &filter).await?))
}

/// What releases of a chart set at one path
#[utoipa::path(
    get, path = "/charts/{chart_id}/values/path", operation_id = "list_chart_path_values", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        PageParams, ChartPathParams, AtParams,
    ),
    responses(
        (status = 200, description = "Each value with who sets it, and the line that did", body = Listing<ChartValue>),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No path is given, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_path_values(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(page): Params<PageParams>,
    Params(params): Params<ChartPathParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartValue>>, Problem> {
    let mut check = Check::default();
    let (path, filter) = params.read(&mut check, id);
    let filter = ChartValueFilter { at: at.moment(&mut check), page: page.page(&mut check), ..filter };
    check.finish()?;
    exists(&db, id).await?;
    Ok(Json(store::kept::list_path_values(&db, &filter, &path).await?))
}

/// One path of values
#[utoipa::path(
    get, path = "/charts/{chart_id}/values/summary", operation_id = "get_chart_value_path", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        ChartPathParams, MineParams, AtParams,
    ),
    responses(
        (status = 200, description = "How many set it, its types, its most common values, and how numbers spread",
            body = ChartValuePath),
        (status = 404, description = "No such chart, or nobody sets a value there",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No path is given, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_chart_value_path(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(params): Params<ChartPathParams>,
    Params(mine): Params<MineParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartValuePath>, Problem> {
    let mut check = Check::default();
    let (path, filter) = params.read(&mut check, id);
    let mine = check.uuid("mine", mine.mine.as_deref());
    let filter = ChartValueFilter { mine, at: at.moment(&mut check), ..filter };
    check.finish()?;
    exists(&db, id).await?;
    let found = store::kept::path_summary(&db, &filter, &path).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(NOT_FOUND))
}
