//! What people ask for on the pages of repositories. Each is a form's target: it does what was asked, keeps what came of
//! it, and leads to a page that tells.

use entity::kind::RepositoryAction;
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;

#[cfg(feature = "ssr")]
pub(super) mod tell;

/// How well it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    Good,
    Warn,
    Bad,
}

/// What came of something, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeText {
    /// Whether all, some or nothing of it was done.
    pub tone: Tone,
    pub text: String,
    /// What was not done and why, one sentence each.
    pub lines: Vec<String>,
    /// Where it can be watched.
    pub watch: Option<String>,
}

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

/// More at once are not taken: a page of the list has no more.
pub const MAX_CHOSEN: usize = 100;

/// Does one thing with all repositories that were chosen; leads on to the page that tells what came of it.
#[server(prefix = "/ui", endpoint = "act", output = Postcard, client = crate::client::PageClient)]
pub async fn act_on_repositories(
    act: String,
    #[server(default)] id: Vec<String>,
    #[server(default)] from: String,
) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::view::{OutcomeOf, Refused};

    let (ctx, actor) = super::ask::actions()?;
    let action: RepositoryAction = act.parse().map_err(|_| {
        let error = AppError::invalid(format!("There is no action {act:.40?}."));
        error.set_status();
        error
    })?;
    if id.is_empty() {
        return tell::lead_on(&from, &OutcomeOf::Nothing(tell::NONE_CHOSEN.to_owned())).await;
    }
    let (mut done, mut refused): (Vec<(Uuid, String)>, Vec<Refused>) = Default::default();
    for text in id.iter().take(MAX_CHOSEN) {
        let missing = || Refused { name: text.chars().take(36).collect(), reason: "it is no longer here".to_owned() };
        let Ok(id) = Uuid::parse_str(text) else {
            refused.push(missing());
            continue;
        };
        match actions::act(&ctx, actor, action, id).await {
            Ok(acted) => done.push((id, acted.repository.full_name)),
            // What was done to others before is told all the same.
            Err(Refusal::Failed(error)) => {
                let error = AppError::from(error);
                let log = error.id().unwrap_or_default();
                let reason = format!("the database failed; the server's log has the reason under {log}");
                refused.push(Refused { name: id.to_string(), reason });
            }
            Err(refusal) => refused.push(match refusal.repository() {
                Some(name) => Refused { name: name.to_owned(), reason: refusal.text() },
                None => missing(),
            }),
        }
    }
    if id.len() > MAX_CHOSEN {
        let reason = format!("no more than {MAX_CHOSEN} are taken at once");
        refused.push(Refused { name: format!("{} more", id.len() - MAX_CHOSEN), reason });
    }
    // The page of what is gone has nothing to tell any more.
    let gone = action == RepositoryAction::Delete && done.iter().any(|(id, _)| from.contains(&id.to_string()));
    let from = if gone { "/repositories" } else { &from };
    tell::lead_on(from, &OutcomeOf::Changed { action, done, refused }).await
}

/// Asks for a sync of all repositories; leads on to the page that tells how many those are.
#[server(prefix = "/ui", endpoint = "sync_all", output = Postcard, client = crate::client::PageClient)]
pub async fn sync_all_repositories(#[server(default)] from: String) -> Result<(), AppError> {
    use entity::view::OutcomeOf;

    let (ctx, actor) = super::ask::actions()?;
    let (job_id, repositories) = actions::sync_all(&ctx, actor).await?;
    tell::lead_on(&from, &OutcomeOf::SyncAll { job_id, repositories }).await
}

/// Asks for discovery, where it is switched on; leads on to the page that tells so.
#[server(prefix = "/ui", endpoint = "discover", output = Postcard, client = crate::client::PageClient)]
pub async fn start_discovery(#[server(default)] from: String) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::view::OutcomeOf;

    let (ctx, actor) = super::ask::actions()?;
    let outcome = match actions::discover(&ctx, actor).await {
        Ok(job_id) => OutcomeOf::Discovery { job_id },
        Err(Refusal::Failed(error)) => return Err(error.into()),
        Err(refusal) => OutcomeOf::Nothing(format!("{}.", refusal.text())),
    };
    tell::lead_on(&from, &outcome).await
}

/// Adds the repositories whose addresses stand one a line; leads on to the page that tells of each.
#[server(prefix = "/ui", endpoint = "add", output = Postcard, client = crate::client::PageClient)]
pub async fn add_repositories(#[server(default)] urls: String) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::view::OutcomeOf;

    let (ctx, actor) = super::ask::actions()?;
    // Commas and spaces are in no address that can be added.
    let lines = urls.split(|c: char| c.is_whitespace() || c == ',').map(str::trim).filter(|line| !line.is_empty());
    let outcome = match actions::add(&ctx, actor, lines.map(str::to_owned).collect()).await {
        Ok(added) => OutcomeOf::Added(added),
        Err(Refusal::Failed(error)) => return Err(error.into()),
        Err(refusal) => OutcomeOf::Nothing(format!("{}.", refusal.text())),
    };
    tell::lead_on("/repositories/add", &outcome).await
}

/// What is to be asked before an action is done, as the page's address says.
#[server(prefix = "/ui", endpoint = "confirm", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_confirm(query: String) -> Result<ConfirmData, AppError> {
    use super::ask;
    use actions::may_delete;
    use store::repositories::find_repository;

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
        from: tell::way_back(params.get_str("from").unwrap_or_default()),
        outcome: tell::find_text(&db, &params).await?,
    })
}
