use entity::view::Added;
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

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
    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use entity::kind::AddVerdict;
    use entity::view::OutcomeOf;

    ask::actor().need(entity::kind::Permission::ManageRepositories)?;
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
