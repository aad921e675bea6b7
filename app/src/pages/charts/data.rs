use entity::view::{ChartSummary, Listing, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What the list of charts shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartsData {
    pub charts: Listing<ChartSummary>,
    /// Which rows are here.
    pub page: PageQuery,
    /// As of when, where that is not now.
    pub at: Option<Timestamp>,
}

/// Which charts, as the page's address says.
#[server(prefix = "/ui", endpoint = "charts", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn list_charts(query: String) -> Result<ChartsData, AppError> {
    use crate::pages::ask;
    use entity::kind::ChartUseKind;
    use entity::view::{ChartFilter, ChartSort, Sort};

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let sort: ChartSort = ask::serde_word(&params, "sort").unwrap_or_default();
    let usual = if sort == ChartSort::Name { Sort::Ascending } else { Sort::Descending };
    let filter = ChartFilter {
        text: ask::text(&params, "text")?,
        kind: ask::word::<ChartUseKind>(&params, "kind"),
        source: ask::text(&params, "source")?,
        used_by: params.get_str("used_by").and_then(|text| text.parse().ok()).unwrap_or(1),
        trend: ask::serde_word(&params, "trend"),
        sort,
        direction: ask::direction(&params, usual),
        at: ask::at(&params)?,
        page: ask::page(&params, 50),
    };
    // A filter that says nothing that is known here is none that anything meets.
    let given = |key| params.get_str(key).is_some_and(|text| !text.is_empty());
    let unknown = given("trend") && filter.trend.is_none()
        || params.get_str("used_by").is_some_and(|text| !text.is_empty() && text.parse::<i64>().is_err());
    let charts = match unknown || ask::is_unknown::<ChartUseKind>(&params, "kind") {
        true => Listing::default(),
        false => store::kept::list_charts(&db, &filter, ask::now()).await?,
    };
    Ok(ChartsData { charts, page: filter.page, at: filter.at })
}
