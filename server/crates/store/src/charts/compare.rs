//! Values of several releases side by side.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::releases::releases_of;
use super::values::all_values;
use super::{ConnectionTrait, Result};
use entity::view::{ChartComparison, ComparedValue, Timestamp};

/// Releases that fit beside each other.
const MOST: usize = 6;

/// The releases of a chart in these repositories, side by side; paths that differ first.
pub async fn compare_releases(
    c: &impl ConnectionTrait,
    chart: i64,
    repositories: &[Uuid],
    at: Option<Timestamp>,
) -> Result<ChartComparison> {
    let releases = releases_of(c, chart, repositories, MOST, at).await?;
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
