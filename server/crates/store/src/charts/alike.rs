//! Releases of a chart by how much of their values they share with those of one repository.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select};
use uuid::Uuid;

use super::{ConnectionTrait, Result, covers, uses_at};
use crate::db::select::{count_all, is_any};
use entity::table::{chart_use, chart_value};
use entity::view::Timestamp;

/// How alike the values of the releases of a chart are to those of a repository, of 100: twice what both set to the same, of what
/// both set. What is masked does not count. Releases that set nothing are left out, and all where the repository sets nothing.
pub(super) async fn alike(
    c: &impl ConnectionTrait,
    chart: i64,
    repository: Uuid,
    at: Option<Timestamp>,
) -> Result<HashMap<i64, i64>> {
    use chart_value::Column::{PathId, ReleaseId, Text};
    let own = chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_id.eq(chart))
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(uses_at(at));
    let own: Vec<i64> = own.select_only().column(chart_use::Column::ReleaseId).into_tuple().all(c).await?;
    let shown = || shown_values(at);
    let leaves = || shown().filter(is_any(ReleaseId.into_expr(), own.iter().copied())).select_only();
    let own_leaves = || leaves().columns([PathId, Text]).distinct();
    let mine = i64::try_from(own_leaves().into_tuple::<(i64, String)>().all(c).await?.len()).unwrap_or(i64::MAX);
    if mine == 0 {
        return Ok(HashMap::new());
    }
    let by_release = |values: Select<chart_value::Entity>| {
        let of_chart = values.filter(chart_value::COLUMN.chart_id.eq(chart)).select_only().column(ReleaseId);
        of_chart.expr_as(count_all(), "count").group_by(ReleaseId).into_tuple::<(i64, i64)>()
    };
    let leaf = Expr::tuple([PathId.into_expr(), Text.into_expr()]);
    let same = by_release(shown().filter(leaf.in_subquery(own_leaves().into_query()))).all(c).await?;
    let same: HashMap<i64, i64> = same.into_iter().collect();
    let percent = |(release, all): (i64, i64)| {
        let same = same.get(&release).copied().unwrap_or(0);
        // Items of a list may stand in it several times.
        (release, Ord::min(same.saturating_mul(200) / mine.saturating_add(all), 100))
    };
    Ok(by_release(shown()).all(c).await?.into_iter().map(percent).collect())
}

/// Values that may be shown.
fn shown_values(at: Option<Timestamp>) -> Select<chart_value::Entity> {
    use chart_value::Column::{FromTime, ToTime};
    chart_value::Entity::find().filter(covers(FromTime, ToTime, at)).filter(chart_value::COLUMN.masked.eq(false))
}
