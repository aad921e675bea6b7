//! Values of several releases side by side.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::releases::list_releases;
use super::values::all_values;
use super::{ConnectionTrait, Result};
use entity::view::{
    ChartComparison, ChartRelease, ChartReleaseFilter, ChartReleaseSort, ComparedValue, PageQuery, Timestamp,
};

/// Releases that fit beside each other.
const MOST: usize = 6;

/// The releases of a chart in these repositories, side by side; paths that differ first.
pub async fn compare_releases(
    c: &impl ConnectionTrait,
    chart: i64,
    repositories: &[Uuid],
    at: Option<Timestamp>,
) -> Result<ChartComparison> {
    let mut found: Vec<Vec<ChartRelease>> = Vec::new();
    for repository in repositories.iter().take(MOST) {
        let filter = ChartReleaseFilter {
            chart_id: Some(chart),
            repository_id: Some(*repository),
            sort: ChartReleaseSort::Repository,
            at,
            page: PageQuery { skip: 0, limit: MOST as u64 },
            ..ChartReleaseFilter::default()
        };
        found.push(list_releases(c, &filter).await?.data);
    }
    // The first of each before the second of any.
    let mut releases: Vec<(usize, usize, ChartRelease)> = Vec::new();
    for (column, of_one) in found.into_iter().enumerate() {
        releases.extend(of_one.into_iter().enumerate().map(|(place, release)| (place, column, release)));
    }
    releases.sort_by_key(|(place, column, _)| (*place, *column));
    releases.truncate(MOST);
    releases.sort_by_key(|(place, column, _)| (*column, *place));
    let releases: Vec<ChartRelease> = releases.into_iter().map(|(.., release)| release).collect();
    let ids: Vec<i64> = releases.iter().filter_map(|release| release.id.parse().ok()).collect();
    let values = all_values(c, &ids, at).await?;
    let mut paths: BTreeMap<&str, Vec<Option<String>>> = BTreeMap::new();
    for (place, id) in ids.iter().enumerate() {
        for (path, text) in values.get(id).into_iter().flatten() {
            let row = paths.entry(path).or_insert_with(|| vec![None; ids.len()]);
            row[place] = Some(match row[place].take() {
                // The items of a list.
                Some(before) => format!("{before}\n{text}"),
                None => text.clone(),
            });
        }
    }
    let row = |(path, values): (&str, Vec<Option<String>>)| ComparedValue {
        path: path.to_owned(),
        differs: values.windows(2).any(|pair| pair[0] != pair[1]),
        values,
    };
    let mut rows: Vec<ComparedValue> = paths.into_iter().map(row).collect();
    rows.sort_by_key(|row| !row.differs);
    Ok(ChartComparison { releases, rows })
}
