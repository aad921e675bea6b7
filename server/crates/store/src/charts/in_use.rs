//! Versions in use.

use std::collections::HashMap;

use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::version::is_prerelease;
use super::{ConnectionTrait, Result, compare_versions, uses_at};
use crate::db::select::{count_all, is_any, is_counted};
use entity::kind::VersionKind;
use entity::table::chart_use;
use entity::view::Timestamp;

/// A version as it is written, and how many releases have it.
pub(super) struct UsedVersion {
    pub version: String,
    pub kind: VersionKind,
    pub releases: i64,
}

/// How many releases have each version of charts.
pub(super) async fn versions_in_use(
    c: &impl ConnectionTrait,
    charts: &[i64],
    at: Option<Timestamp>,
    of_interest: Condition,
) -> Result<HashMap<i64, Vec<UsedVersion>>> {
    use chart_use::Column::{ChartId, RepositoryId, Version, VersionKind as Kind};
    let mut versions: HashMap<i64, Vec<UsedVersion>> = HashMap::new();
    for charts in charts.chunks(500) {
        let these = is_any(ChartId.into_expr(), charts.iter().copied());
        let rows = chart_use::Entity::find().filter(these).filter(uses_at(at));
        let rows = rows.filter(is_counted(RepositoryId)).filter(of_interest.clone()).select_only();
        let rows = rows.columns([ChartId, Version, Kind]).expr_as(count_all(), "count");
        let rows = rows.group_by(ChartId).group_by(Version).group_by(Kind);
        let rows: Vec<(i64, Option<String>, VersionKind, i64)> = rows.into_tuple().all(c).await?;
        for (chart, version, kind, releases) in rows {
            if let Some(version) = version {
                versions.entry(chart).or_default().push(UsedVersion { version, kind, releases });
            }
        }
    }
    Ok(versions)
}

/// The highest exact version, one that is no pre-release where there is any: what `1.x` stands for, nobody wrote down.
pub(super) fn newest(versions: &[UsedVersion]) -> Option<String> {
    let exact = versions.iter().filter(|one| one.kind == VersionKind::Exact).map(|one| one.version.as_str());
    let highest = exact.max_by(|left, right| {
        let stable = |version: &str| !is_prerelease(version);
        stable(left).cmp(&stable(right)).then_with(|| compare_versions(left, right))
    });
    highest.map(str::to_owned)
}

/// The version of most releases; of several, the highest.
pub(super) fn most_used(versions: &[UsedVersion]) -> Option<&UsedVersion> {
    versions.iter().max_by(|a, b| a.releases.cmp(&b.releases).then_with(|| compare_versions(&a.version, &b.version)))
}
