//! Values of several releases side by side.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::releases::{ReleasesOf, releases_of};
use super::values::all_values;
use super::{ConnectionTrait, Result};
use entity::view::{ChartComparison, ComparedValue, Timestamp};

/// Releases that fit beside each other.
const MOST: usize = 6;

/// The releases of a chart in these repositories, side by side, those of one `name` if it is given; paths that differ first.
pub async fn compare_releases(
    c: &impl ConnectionTrait,
    chart: i64,
    repositories: &[Uuid],
    name: Option<&str>,
    at: Option<Timestamp>,
) -> Result<ChartComparison> {
    let ReleasesOf { releases, all: of, names } = releases_of(c, chart, repositories, name, MOST, at).await?;
    let ids: Vec<i64> = releases.iter().filter_map(|release| release.id.parse().ok()).collect();
    let values = all_values(c, &ids, at).await?;
    let mut paths: BTreeMap<&str, ComparedValue> = BTreeMap::new();
    for (place, id) in ids.iter().enumerate() {
        for (path, text, masked) in values.get(id).into_iter().flatten() {
            let row = paths.entry(path).or_insert_with(|| ComparedValue {
                path: path.clone(),
                differs: false,
                values: vec![None; ids.len()],
                masked: vec![false; ids.len()],
            });
            row.masked[place] |= masked;
            row.values[place] = Some(match row.values[place].take() {
                // The items of a list.
                Some(before) => format!("{before}\n{text}"),
                None => text.clone(),
            });
        }
    }
    let mut rows: Vec<ComparedValue> = paths.into_values().collect();
    for row in &mut rows {
        let may_differ = ids.len() > 1 && row.masked.contains(&true);
        row.differs = may_differ || row.values.windows(2).any(|pair| pair[0] != pair[1]);
    }
    rows.sort_by_key(|row| !row.differs);
    Ok(ChartComparison { releases, of, names, rows })
}
