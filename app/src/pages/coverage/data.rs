use entity::view::{Discovery, PageQuery, Timestamp, WhyNot};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

/// What the page of coverage shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoverageData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub discovery: Discovery,
    /// Which of those left out are here.
    pub page: PageQuery,
    /// The answers to "why is it not here?", where that was asked.
    pub why: Vec<WhyNot>,
    /// What came of what was asked for last.
    pub outcome: Option<OutcomeText>,
}

/// What searches cover, what they left out, and why one repository is not here, as the page's address says.
#[server(prefix = "/ui", endpoint = "coverage", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_coverage(query: String) -> Result<CoverageData, AppError> {
    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use entity::kind::RejectReason;
    use entity::view::{Listing, RejectFilter};
    use store::discovery;

    let (context, params) = (ask::context()?, ask::params(&query)?);
    let filter = RejectFilter {
        text: ask::text(&params, "text")?,
        reason: ask::word(&params, "reason"),
        page: ask::page(&params, 25),
    };
    let settings = (context.discovery)();
    let why = match ask::text(&params, "why")? {
        Some(asked) => discovery::why_not(&context.db.read, &settings, &asked).await?,
        None => Vec::new(),
    };
    let mut discovery = discovery::discovery(&context.db.read, &settings, &filter).await?;
    if ask::is_unknown::<RejectReason>(&params, "reason") {
        discovery.rejected = Listing::default();
    }
    Ok(CoverageData {
        now: ask::now(),
        discovery,
        page: filter.page,
        why,
        outcome: tell::find_text(&context.db, &params).await?,
    })
}
