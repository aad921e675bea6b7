use entity::kind::RepositoryAction;
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::pages::outcome::MAX_CHOSEN;
use crate::pages::outcome::OutcomeText;

/// One repository of those that an action is asked for, before it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub id: Uuid,
    pub full_name: String,
    pub resources: i64,
    pub events: i64,
    /// Why the action does not fit it.
    pub refused: Option<String>,
}

/// What the page that asks first shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmData {
    /// None where the address names no action that is asked about.
    pub action: Option<RepositoryAction>,
    pub chosen: Vec<Chosen>,
    /// How many were chosen beyond what may be done at once.
    pub over: u64,
    /// Where it was asked.
    pub from: String,
    /// What came of a form that was sent from here.
    pub outcome: Option<OutcomeText>,
}

/// What is to be asked before an action is done, as the page's address says.
#[server(prefix = "/ui", endpoint = "confirm", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_confirm(query: String) -> Result<ConfirmData, AppError> {
    use crate::pages::ask;
    use actions::may_delete;
    use store::repositories::find_repository;

    ask::actor().need(entity::kind::Permission::ManageRepositories)?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let action: Option<RepositoryAction> = ask::word(&params, "act");
    let ids: Vec<String> = params.get_all("id[]").unwrap_or_default();
    let mut chosen = Vec::new();
    for id in ids.iter().take(MAX_CHOSEN).filter_map(|id| Uuid::parse_str(id).ok()) {
        let Some(repository) = find_repository(&db.read, id).await? else { continue };
        let deletes = action == Some(RepositoryAction::Delete);
        chosen.push(Chosen {
            id,
            resources: repository.counts.active_resources + repository.counts.deleted_resources,
            events: repository.counts.events,
            refused: may_delete(&repository).err().filter(|_| deletes).map(|refusal| refusal.text()),
            full_name: repository.full_name,
        });
    }
    Ok(ConfirmData {
        action: action.filter(|action| matches!(action, RepositoryAction::Block | RepositoryAction::Delete)),
        chosen,
        over: ids.len().saturating_sub(MAX_CHOSEN) as u64,
        from: crate::pages::outcome::tell::way_back(params.get_str("from").unwrap_or_default()),
        outcome: crate::pages::outcome::tell::find_text(&db, &params).await?,
    })
}
