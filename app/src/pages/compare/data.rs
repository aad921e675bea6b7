use entity::view::{ChartComparison, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What a comparison shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareData {
    pub key: String,
    pub name: String,
    pub comparison: ChartComparison,
    /// Ids of the repositories that are compared.
    pub chosen: Vec<String>,
    /// What was asked for and is no repository that uses the chart.
    pub unknown: Vec<String>,
    /// Repositories that use the chart: id and name.
    pub repositories: Vec<(String, String)>,
    /// The name whose releases alone are shown.
    pub release: Option<String>,
    pub at: Option<Timestamp>,
}

/// Values of the repositories that the page's address names.
#[server(prefix = "/ui", endpoint = "compare", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn compare_chart(path: String, query: String) -> Result<CompareData, AppError> {
    use crate::components::chart_keys;
    use crate::pages::ask;
    use store::{charts, kept};

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let at = ask::at(&params)?;
    let found = charts::chart_by_keys(&db.read, &chart_keys(&path)).await?;
    let (id, key) = found.ok_or_else(|| ask::missing("chart"))?;
    let users = kept::list_users(&db, id, at).await?;
    let repositories: Vec<(String, String)> = users.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    // By id or by name, whatever people write.
    let mut named = params.get_str("repositories").unwrap_or_default().split(',').map(str::trim).collect::<Vec<_>>();
    let added = params.get_str("add").unwrap_or_default().to_owned();
    named.push(&added);
    let (mut ids, mut unknown): (Vec<uuid::Uuid>, Vec<String>) = Default::default();
    for name in named.into_iter().filter(|name| !name.is_empty()) {
        let known = repositories.iter().find(|(id, full_name)| id == name || full_name.eq_ignore_ascii_case(name));
        match known.and_then(|(id, _)| id.parse().ok()) {
            Some(id) if ids.contains(&id) => {}
            Some(id) => ids.push(id),
            None => unknown.push(name.to_owned()),
        }
    }
    let release = ask::text(&params, "release")?;
    let comparison = kept::compare_releases(&db, id, &ids, release.as_deref(), at).await?;
    let chosen = ids.iter().map(uuid::Uuid::to_string).collect();
    let name = key.rsplit('/').next().unwrap_or(&key).to_owned();
    Ok(CompareData { key, name, comparison, chosen, unknown, repositories, release, at })
}
