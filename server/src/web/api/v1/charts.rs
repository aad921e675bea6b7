//! Charts: who uses them and in which version, now and at any time of the past.

use axum::{Json, extract::State};
use entity::{
    kind::ChartUseKind,
    view::{
        ChartAlternative, ChartDetail, ChartFilter, ChartNeighbour, ChartSort, ChartSummary, ChartTrend, Listing, Sort,
    },
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};

use super::at::AtParams;
use crate::{
    clock,
    web::api::{
        extract::{Check, NumberId, PageParams, Params},
        problem::Problem,
    },
};

const NOT_FOUND: &str = "Chart not found";

/// More repositories than there are, and a higher number than versions begin with.
pub(super) const MOST: u64 = 1_000_000_000;

const TRENDS: &[(&str, Option<ChartTrend>)] =
    &[("rising", Some(ChartTrend::Rising)), ("falling", Some(ChartTrend::Falling)), ("new", Some(ChartTrend::New))];

const SORTS: &[(&str, ChartSort)] = &[
    ("repositories", ChartSort::Repositories),
    ("releases", ChartSort::Releases),
    ("name", ChartSort::Name),
    ("change", ChartSort::Change),
];

/// Which charts, and in what order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChartParams {
    /// Part of the key, which ends with the name.
    text: Option<String>,
    /// Only uses of this kind.
    #[param(inline, value_type = Option<ChartUseKind>)]
    kind: Option<String>,
    /// Part of the address that the chart comes from.
    source: Option<String>,
    /// Used by so many repositories at least.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000, default = 1)]
    used_by: Option<String>,
    /// `rising` and `falling` compare with 90 days before, `new` was used by nobody 30 days before.
    #[param(inline, value_type = Option<ChartTrend>)]
    trend: Option<String>,
    /// What the list is sorted by; `change` is that of 30 days.
    #[param(inline, value_type = Option<ChartSort>, default = "repositories")]
    sort: Option<String>,
    /// Which end comes first.
    #[param(inline, value_type = Option<Sort>, default = "descending")]
    direction: Option<String>,
}

impl ChartParams {
    fn filter(&self, page: &PageParams, at: &AtParams, check: &mut Check) -> ChartFilter {
        ChartFilter {
            text: check.text("text", self.text.as_deref()),
            kind: check.word("kind", self.kind.as_deref()),
            source: check.text("source", self.source.as_deref()),
            used_by: used_by(check, self.used_by.as_deref()),
            trend: check.choice("trend", self.trend.as_deref(), TRENDS),
            sort: check.choice("sort", self.sort.as_deref(), SORTS),
            direction: check.direction(self.direction.as_deref()),
            at: at.moment(check),
            page: page.page(check),
        }
    }
}

/// Which chart.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeyParams {
    /// The key of the chart or of one of its sources in any case, or the key under which kubesearch shows it.
    #[param(required = true, value_type = String, min_length = 1)]
    key: Option<String>,
}

/// Charts that stand beside a chart.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ChartNeighbours {
    /// What repositories that use the chart use too, the most common first.
    pub used_with: Vec<ChartNeighbour>,
    /// Others of its name, and those whose releases of its name have the image of its name, the most used first; those that are
    /// used no more are among them.
    pub alternatives: Vec<ChartAlternative>,
}

/// Charts in use
#[utoipa::path(
    get, path = "/charts", operation_id = "list_charts", tag = "charts",
    params(PageParams, ChartParams, AtParams),
    responses(
        (status = 200, description = "One page and the true total", body = Listing<ChartSummary>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_charts(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<ChartParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartSummary>>, Problem> {
    let mut check = Check::default();
    let filter = params.filter(&page, &at, &mut check);
    check.finish()?;
    Ok(Json(store::kept::list_charts(&db, &filter, clock::now()).await?))
}

/// One chart by its key
#[utoipa::path(
    get, path = "/charts/find", operation_id = "find_chart_by_key", tag = "charts",
    params(KeyParams, AtParams),
    responses(
        (status = 200, description = "The chart that the key leads to", body = ChartDetail),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No key is given, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn find_chart_by_key(
    State(db): State<Db>,
    Params(params): Params<KeyParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartDetail>, Problem> {
    let mut check = Check::default();
    let key = check.required("key", params.key.as_deref(), "the key of a chart or of one of its sources");
    let at = at.moment(&mut check);
    check.finish()?;
    let mut named = store::charts::chart_by_key(&db.read, &key).await?;
    if named.is_none()
        && let Some(key) = store::charts::chart_by_alias(&db.read, &key).await?
    {
        named = store::charts::chart_by_key(&db.read, &key).await?;
    }
    let (id, _) = named.ok_or_else(not_found)?;
    store::kept::find_chart(&db, id, at, clock::now()).await?.map(Json).ok_or_else(not_found)
}

/// One chart
#[utoipa::path(
    get, path = "/charts/{chart_id}", operation_id = "get_chart", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        AtParams,
    ),
    responses(
        (status = 200, description = "Its sources, its versions and how they fared, and who used it month by month",
            body = ChartDetail),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_chart(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartDetail>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    store::kept::find_chart(&db, id, at, clock::now()).await?.map(Json).ok_or_else(not_found)
}

/// Charts beside a chart
#[utoipa::path(
    get, path = "/charts/{chart_id}/neighbours", operation_id = "list_chart_neighbours", tag = "charts",
    params(
        ("chart_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "The chart"),
        AtParams,
    ),
    responses(
        (status = 200, description = "Those that are used together with it, and those in its place",
            body = ChartNeighbours),
        (status = 404, description = "No such chart", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_chart_neighbours(
    State(db): State<Db>,
    NumberId(id): NumberId,
    Params(at): Params<AtParams>,
) -> Result<Json<ChartNeighbours>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    exists(&db, id).await?;
    let used_with = store::kept::used_with(&db, id, at).await?;
    let alternatives = store::kept::alternatives(&db, id, at, clock::now()).await?;
    Ok(Json(ChartNeighbours { used_with, alternatives }))
}

/// How many repositories have to use something.
pub(super) fn used_by(check: &mut Check, given: Option<&str>) -> i64 {
    i64::try_from(check.number("used_by", given, 1..=MOST, 1)).unwrap_or(i64::MAX)
}

/// That there is such a chart: lists of one that is not there would only be empty.
pub(super) async fn exists(db: &Db, id: i64) -> Result<(), Problem> {
    store::charts::key_of_chart(&db.read, id).await?.map(drop).ok_or_else(not_found)
}

/// That there is no such chart.
pub(super) fn not_found() -> Problem {
    Problem::not_found(NOT_FOUND)
}
