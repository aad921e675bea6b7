//! Charts: who uses them, in which version, with which values, now and at any time of the past.
//!
//! A use is a span of time, so "as of a day" is a condition, and "over time" reads all spans of one chart.

mod adoption;
mod alike;
mod begun;
mod changed;
mod compare;
mod detail;
mod find;
mod in_use;
mod list;
mod neighbours;
mod of_event;
mod origins;
mod releases;
mod set;
mod snippets;
mod spread;
mod steps;
mod upgrades;
mod users;
mod values;
mod version;
mod version_lines;

use std::collections::HashMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::table::{chart_use, repository_metrics};
use entity::view::Timestamp;

pub(crate) use adoption::adoption;
pub(crate) use begun::{Begun, Place, REPOSITORIES, begun_at, by_repository, newest_begun, of_commits, with_before};
pub use compare::compare_releases;
pub use detail::find_chart;
pub use find::{
    chart_by_alias, chart_by_key, chart_by_keys, chart_by_text, installed_at, key_of_chart, release_by_alias,
};
pub use list::list_charts;
pub use neighbours::{alternatives, used_with};
pub(crate) use of_event::{AskedEvent, steps_of};
pub use of_event::{EventStep, step_of_event};
pub(crate) use origins::{commits_of, origins_of};
pub use releases::list_releases;
pub(crate) use releases::{commits_at, resources_of};
pub use set::{find_release, list_path_values, list_release_values};
pub use snippets::snippets;
pub(crate) use steps::{Step, VersionSpan, steps};
pub use upgrades::list_upgrades;
pub use users::{list_users, users_named};
pub use values::{list_value_paths, path_summary};
pub(crate) use version::compare_versions;
pub use version::major as major_version;

/// Days after which a version that was not left has stayed.
const STAYED_DAYS: i64 = 7;
/// Spans of a release that are looked at for whether it went back within them: nobody changes it as often, unless to be slow.
const LATER: usize = 200;
/// Fewer than this tell nothing.
const FEW: usize = 5;

/// Spans that cover a time; those that have no end, where none is given.
pub(crate) fn covers(from: impl ColumnTrait, to: impl ColumnTrait, at: Option<Timestamp>) -> Condition {
    match at {
        None => Condition::all().add(ColumnTrait::is_null(&to)),
        Some(at) => Condition::all()
            .add(ColumnTrait::lte(&from, at.timestamp()))
            .add(ColumnTrait::is_null(&to).or(ColumnTrait::gt(&to, at.timestamp()))),
    }
}

/// Uses of charts at a time.
pub(crate) fn uses_at(at: Option<Timestamp>) -> Condition {
    covers(chart_use::Column::FromTime, chart_use::Column::ToTime, at)
}

/// Repositories that have all of these charts.
fn have_all(charts: &[i64], at: Option<Timestamp>) -> Condition {
    charts.iter().fold(Condition::all(), |all, chart| {
        let with = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(*chart)).filter(uses_at(at));
        let these = with.select_only().column(chart_use::Column::RepositoryId).into_query();
        all.add(chart_use::Column::RepositoryId.in_subquery(these))
    })
}

/// Releases of a name: Helm's, or that of what installs them, by which most know them.
fn called(release: &str) -> Expr {
    chart_use::COLUMN.release_name.eq(release).or(chart_use::COLUMN.name.eq(release))
}

/// Seconds since 1970 as a time.
pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap_or_default()
}

/// The newest stars of repositories, as far as they are known.
pub(crate) async fn stars_of(c: &impl ConnectionTrait, repositories: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    use repository_metrics::Column::{RecordedAt, RepositoryId, StarsCount};
    let mut stars = HashMap::new();
    for these in repositories.chunks(500) {
        let newest = repository_metrics::Entity::find()
            .filter(is_any(RepositoryId.into_expr(), these.iter().copied()))
            .select_only()
            .column(RepositoryId)
            .expr_as(RecordedAt.max(), "newest")
            .group_by(RepositoryId)
            .into_query();
        let mut rows = repository_metrics::Entity::find();
        let same = Expr::col(("n", RepositoryId))
            .equals((repository_metrics::Entity, RepositoryId))
            .and(Expr::col(("n", "newest")).equals((repository_metrics::Entity, RecordedAt)));
        sea_orm::QuerySelect::query(&mut rows).join_subquery(sea_orm::JoinType::InnerJoin, newest, "n", same);
        let rows = rows.select_only().columns([RepositoryId, StarsCount]).order_by_asc(repository_metrics::Column::Id);
        stars.extend(rows.into_tuple::<(Uuid, i64)>().all(c).await?);
    }
    Ok(stars)
}
