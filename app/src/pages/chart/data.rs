use entity::view::{
    ChartAlternative, ChartDetail, ChartNeighbour, ChartRelease, ChartSnippet, ChartUpgrades, ChartValue,
    ChartValuePath, Listing, PageQuery, Timestamp,
};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::chart::LineData;
use crate::error::AppError;

/// What a chart's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub detail: ChartDetail,
    /// Repositories that use it, over time.
    pub line: LineData,
    pub tab: ChartTab,
    /// Charts that are chosen with `with` by their keys, and the one that `also` adds to them by any name: id and key.
    pub with: Vec<(i64, String)>,
    pub at: Option<Timestamp>,
}

/// One of the views of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ChartTab {
    Overview {
        values: Listing<ChartValuePath>,
        users: Listing<ChartRelease>,
    },
    Values {
        values: Listing<ChartValuePath>,
        page: PageQuery,
        /// Repositories that may be set against all: id and name.
        repositories: Vec<(String, String)>,
        /// What is used together with it: key, name and repositories.
        together: Vec<ChartNeighbour>,
        /// Major versions in use.
        majors: Vec<u64>,
    },
    Path {
        path: ChartValuePath,
        values: Listing<ChartValue>,
        page: PageQuery,
    },
    Users {
        users: Listing<ChartRelease>,
        page: PageQuery,
        /// Who uses the chart: ids and names.
        repositories: Vec<(String, String)>,
        together: Vec<ChartNeighbour>,
    },
    Upgrades {
        upgrades: ChartUpgrades,
        page: PageQuery,
    },
    Install {
        snippets: Vec<ChartSnippet>,
    },
    Related {
        together: Vec<ChartNeighbour>,
        alternatives: Vec<ChartAlternative>,
    },
}

/// A chart by the key in the page's address.
#[server(prefix = "/ui", endpoint = "chart", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_chart(path: String, query: String) -> Result<ChartData, AppError> {
    use crate::components::chart_keys;
    use crate::pages::ask;
    use store::charts;

    let (db, params, now) = (ask::context()?.db, ask::params(&query)?, ask::now());
    let at = ask::at(&params)?;
    let missing = || ask::missing("chart");
    let wanted = chart_keys(&path);
    let (id, found) = charts::chart_by_keys(&db.read, &wanted).await?.ok_or_else(missing)?;
    if !wanted.contains(&found) {
        let to = crate::components::PageUrl::new(crate::components::chart_href(&found)).href();
        // A page's query has nothing else in it; a program may send anything, and a header holds no line feed.
        let is_plain = !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_graphic());
        let to = if is_plain { format!("{to}?{query}") } else { to };
        leptos_axum::redirect(&to);
    }
    let detail = store::kept::find_chart(&db, id, at, now).await?.ok_or_else(missing)?;
    let with = read::with(&db, &params, at).await?;
    let points: Vec<(String, i64)> =
        detail.adoption.iter().map(|point| (point.date.clone(), point.repositories)).collect();
    let line = crate::chart::draw_line("Repositories", &points);
    let tab = read::tab(&db, &params, &detail, &with, (at, now)).await?;
    Ok(ChartData { now, detail, line, tab, with, at })
}

#[cfg(feature = "ssr")]
mod read {
    use entity::view::{ChartDetail, ChartReleaseFilter, ChartValueFilter, PageQuery, Timestamp};
    use leptos_router::params::ParamsMap;
    use store::db::Db;
    use store::{charts, kept};
    use uuid::Uuid;

    use super::ChartTab;
    use crate::error::AppError;
    use crate::pages::ask;

    /// Rows of each part of the overview.
    const FEW: u64 = 7;
    /// Paths that the overview shows.
    const PATHS: u64 = 40;
    /// Other charts that may be asked for: each is a question of its own.
    const MOST_WITH: usize = 10;

    /// The other charts that repositories have to have.
    pub(super) async fn with(
        db: &Db,
        params: &ParamsMap,
        at: Option<Timestamp>,
    ) -> Result<Vec<(i64, String)>, AppError> {
        let keys = params.get_all("with").into_iter().flatten().filter(|key| !key.is_empty());
        let mut with: Vec<(i64, String)> = Vec::new();
        for key in keys.take(MOST_WITH) {
            // A key of old or of a source leads to its chart; what is no chart nobody has.
            let meant = charts::chart_by_key(&db.read, &key).await?.unwrap_or((0, key));
            if !with.contains(&meant) {
                with.push(meant);
            }
        }
        if let Some(text) = ask::text(params, "also")? {
            let meant = charts::chart_by_text(&db.read, &text, at).await?.unwrap_or((0, text));
            if !with.contains(&meant) {
                with.push(meant);
            }
        }
        Ok(with)
    }

    pub(super) async fn tab(
        db: &Db,
        params: &ParamsMap,
        detail: &ChartDetail,
        with: &[(i64, String)],
        (at, now): (Option<Timestamp>, Timestamp),
    ) -> Result<ChartTab, AppError> {
        let id = detail.chart.id;
        let with_charts: Vec<i64> = with.iter().map(|(id, _)| *id).collect();
        let users = ChartReleaseFilter {
            chart_id: Some(id),
            version: ask::text(params, "version")?,
            release: ask::text(params, "release")?,
            path: ask::text(params, "path")?,
            value: ask::text(params, "value")?,
            with_charts: with_charts.clone(),
            like: ask::uuid(params, "like"),
            sort: ask::serde_word(params, "sort").unwrap_or_default(),
            at,
            ..ChartReleaseFilter::default()
        };
        let values = ChartValueFilter {
            chart_id: id,
            text: ask::text(params, "text")?,
            major: params.get_str("major").and_then(|text| text.parse().ok()),
            release: users.release.clone(),
            with_charts,
            mine: ask::uuid(params, "mine"),
            unlike: params.get_str("unlike").is_some_and(|text| !text.is_empty()),
            at,
            page: ask::page(params, 50),
        };
        Ok(match params.get_str("tab") {
            Some("values") if users.path.is_some() => {
                let path = users.path.unwrap_or_default();
                let listing = kept::list_path_values(db, &values, &path).await?;
                let common = kept::path_summary(db, &values, &path).await?.ok_or_else(|| ask::missing("value"))?;
                ChartTab::Path { path: common, values: listing, page: values.page }
            }
            Some("values") => {
                let majors = detail.versions.iter().filter_map(|one| charts::major_version(&one.version));
                let mut majors: Vec<u64> = majors.collect();
                majors.sort_unstable_by(|a, b| b.cmp(a));
                majors.dedup();
                ChartTab::Values {
                    page: values.page,
                    values: kept::list_value_paths(db, &values).await?,
                    repositories: repositories(db, id, values.mine, at).await?,
                    together: kept::used_with(db, id, at).await?,
                    majors,
                }
            }
            Some("users") => {
                let users = ChartReleaseFilter { page: ask::page(params, 50), ..users };
                ChartTab::Users {
                    page: users.page,
                    users: kept::list_releases(db, &users).await?,
                    repositories: repositories(db, id, users.like, at).await?,
                    together: kept::used_with(db, id, at).await?,
                }
            }
            Some("upgrades") => {
                let (from, to) = (ask::text(params, "from")?, ask::text(params, "to")?);
                let page = ask::page(params, 50);
                let upgrades = kept::list_upgrades(db, id, (from.as_deref(), to.as_deref()), at, page).await?;
                ChartTab::Upgrades { upgrades, page }
            }
            Some("install") => ChartTab::Install { snippets: charts::snippets(detail) },
            Some("related") => ChartTab::Related {
                together: kept::used_with(db, id, at).await?,
                alternatives: kept::alternatives(db, id, at, now).await?,
            },
            _ => {
                let users = ChartReleaseFilter { page: PageQuery { skip: 0, limit: FEW }, one_each: true, ..users };
                let values = ChartValueFilter { page: PageQuery { skip: 0, limit: PATHS }, ..values };
                ChartTab::Overview {
                    values: kept::list_value_paths(db, &values).await?,
                    users: kept::list_releases(db, &users).await?,
                }
            }
        })
    }

    /// Who uses a chart, by id, to choose from; the one that is chosen is among them, however many there are.
    async fn repositories(
        db: &Db,
        chart: i64,
        chosen: Option<Uuid>,
        at: Option<Timestamp>,
    ) -> Result<Vec<(String, String)>, AppError> {
        let mut users = kept::list_users(db, chart, at).await?;
        if let Some(id) = chosen.filter(|id| users.iter().all(|(other, _)| other != id)) {
            users.extend(kept::users_named(db, chart, &[id.to_string()], at).await?);
        }
        Ok(users.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
    }
}
