use entity::view::{Added, Discovery, PageQuery, Timestamp, WhyNot};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use super::OutcomeText;
use crate::error::AppError;

/// What the page shows where repositories are added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddData {
    /// What came of the last addresses, in the order given.
    pub added: Vec<Added>,
    /// Why nothing came of them.
    pub outcome: Option<OutcomeText>,
    /// What stands in the field: an address from a link, or what was refused, to be mended.
    pub urls: String,
}

/// The form for addresses, and what came of the last ones.
#[server(prefix = "/ui", endpoint = "adding", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_add(query: String) -> Result<AddData, AppError> {
    use super::actions::tell;
    use super::ask;
    use entity::kind::AddVerdict;
    use entity::view::OutcomeOf;

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let (added, outcome) = match tell::find(&db, &params).await?.map(|outcome| outcome.of) {
        Some(OutcomeOf::Added(added)) => (added, None),
        other => (Vec::new(), tell::words(other, &params)),
    };
    let wrong = |added: &&Added| matches!(added.verdict, AddVerdict::Invalid | AddVerdict::Private);
    let mut urls: Vec<&str> = added.iter().filter(wrong).map(|added| added.url.as_str()).collect();
    let given = params.get_str("urls").unwrap_or_default().trim();
    urls.extend((!given.is_empty()).then_some(given));
    let urls = urls.join("\n");
    Ok(AddData { added, outcome, urls })
}

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
    use super::actions::tell;
    use super::ask;
    use entity::kind::RejectReason;
    use entity::view::{Listing, RejectFilter};
    use store::discovery;

    let (context, params) = (ask::context()?, ask::params(&query)?);
    let filter = RejectFilter {
        text: ask::text(&params, "text")?,
        reason: ask::word(&params, "reason"),
        page: ask::page(&params, 25),
    };
    let why = match ask::text(&params, "why")? {
        Some(asked) => discovery::why_not(&context.db.read, &context.discovery, &asked).await?,
        None => Vec::new(),
    };
    let mut discovery = discovery::discovery(&context.db.read, &context.discovery, &filter).await?;
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
