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

/// Repositories that an address may name: more than fit beside each other.
#[cfg(feature = "ssr")]
const MOST_NAMED: usize = 50;

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
    // By id or by name, whatever people write.
    let listed = params.get_str("repositories").unwrap_or_default().split(',');
    let named = listed.chain(params.get_str("add")).map(str::trim).filter(|name| !name.is_empty());
    let named: Vec<String> = named.take(MOST_NAMED).map(str::to_owned).collect();
    let found = kept::users_named(&db, id, &named, at).await?;
    let (mut ids, mut unknown): (Vec<uuid::Uuid>, Vec<String>) = Default::default();
    for name in named {
        let of = name.parse::<uuid::Uuid>().ok();
        let is_meant = |(id, full_name): &&(uuid::Uuid, String)| {
            of == Some(*id) || full_name == &name || full_name.to_lowercase() == name.to_lowercase()
        };
        match found.iter().find(is_meant) {
            Some((id, _)) if ids.contains(id) => {}
            Some((id, _)) => ids.push(*id),
            None => unknown.push(name),
        }
    }
    let mut users = kept::list_users(&db, id, at).await?;
    // Those that are compared have a name on the page, however many others use the chart.
    users.extend(found.into_iter().filter(|one| ids.contains(&one.0) && !users.contains(one)).collect::<Vec<_>>());
    let repositories = users.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let release = ask::text(&params, "release")?;
    let comparison = kept::compare_releases(&db, id, &ids, release.as_deref(), at).await?;
    let chosen = ids.iter().map(uuid::Uuid::to_string).collect();
    let name = key.rsplit('/').next().unwrap_or(&key).to_owned();
    Ok(CompareData { key, name, comparison, chosen, unknown, repositories, release, at })
}
