use entity::view::{ActivityBucket, Overview, RunningWork, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::Span;

/// What the first page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub overview: Overview,
    pub work: RunningWork,
    /// Changes of all repositories over time.
    /// How far back the chart reaches.
    pub span: Span,
    pub activity: Vec<ActivityBucket>,
    /// The chart of it.
    pub chart: String,
}

/// Everything the first page shows; `query` is the part of its address after `?`.
#[server(prefix = "/ui", endpoint = "overview", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_overview(query: String) -> Result<OverviewData, AppError> {
    use crate::pages::ask;
    use store::overview;

    let (db, now) = (ask::context()?.db, ask::now());
    let params = ask::params(&query)?;
    let (span, activity) = ask::activity(&db, None, params.get_str("span"), now).await?;
    Ok(OverviewData {
        now,
        overview: store::kept::overview(&db, now).await?,
        work: overview::running_work(&db.read).await?,
        chart: crate::chart::activity_options(&activity),
        span,
        activity,
    })
}
