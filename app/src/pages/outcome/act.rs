//! What people ask for on the pages of repositories. Each is a form's target: it does what was asked, keeps what came of
//! it, and leads to a page that tells.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;

#[cfg(feature = "ssr")]
use super::tell;
use crate::error::AppError;

/// More at once are not taken: a page of the list has no more.
#[cfg(feature = "ssr")]
pub const MAX_CHOSEN: usize = 100;

/// Does one thing with all repositories that were chosen; leads on to the page that tells what came of it.
#[server(prefix = "/ui", endpoint = "act", output = Postcard, client = crate::client::PageClient)]
pub async fn act_on_repositories(
    act: String,
    #[server(default)] id: Vec<String>,
    #[server(default)] from: String,
) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::kind::{Permission, RepositoryAction};
    use entity::view::{OutcomeOf, Refused};
    use uuid::Uuid;

    let (ctx, actor) = crate::pages::ask::actions()?;
    let action: RepositoryAction = act.parse().map_err(|_| {
        let error = AppError::invalid(format!("There is no action {act:.40?}."));
        error.set_status();
        error
    })?;
    // Who may nothing of all this leaves nothing here either.
    actor.need(Permission::ManageRepositories)?;
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
        match actions::act(&ctx, &actor, action, id).await {
            Ok(acted) => done.push((id, acted.repository.full_name)),
            // What was done to others before is told all the same.
            Err(Refusal::Failed(error)) => {
                let error = AppError::from(error);
                let log = error.id().unwrap_or_default();
                let reason = format!("the database failed; the server's log has the reason under {log}");
                refused.push(Refused { name: id.to_string(), reason });
            }
            Err(refusal @ (Refusal::NotSignedIn | Refusal::NotAllowed(_))) => return Err(refusal.into()),
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

    let (ctx, actor) = crate::pages::ask::actions()?;
    let (job_id, repositories) = actions::sync_all(&ctx, &actor).await?;
    tell::lead_on(&from, &OutcomeOf::SyncAll { job_id, repositories }).await
}

/// Asks for discovery, where it is switched on; leads on to the page that tells so.
#[server(prefix = "/ui", endpoint = "discover", output = Postcard, client = crate::client::PageClient)]
pub async fn start_discovery(#[server(default)] from: String) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::view::OutcomeOf;

    let (ctx, actor) = crate::pages::ask::actions()?;
    let outcome = match actions::discover(&ctx, &actor).await {
        Ok(job_id) => OutcomeOf::Discovery { job_id },
        Err(refusal @ (Refusal::Failed(_) | Refusal::NotSignedIn | Refusal::NotAllowed(_))) => {
            return Err(refusal.into());
        }
        Err(refusal) => OutcomeOf::Nothing(format!("{}.", refusal.text())),
    };
    tell::lead_on(&from, &outcome).await
}

/// Adds the repositories whose addresses stand one a line; leads on to the page that tells of each.
#[server(prefix = "/ui", endpoint = "add", output = Postcard, client = crate::client::PageClient)]
pub async fn add_repositories(#[server(default)] urls: String) -> Result<(), AppError> {
    use actions::Refusal;
    use entity::view::OutcomeOf;

    let (ctx, actor) = crate::pages::ask::actions()?;
    // Commas and spaces are in no address that can be added.
    let lines = urls.split(|c: char| c.is_whitespace() || c == ',').map(str::trim).filter(|line| !line.is_empty());
    let outcome = match actions::add(&ctx, &actor, lines.map(str::to_owned).collect()).await {
        Ok(added) => OutcomeOf::Added(added),
        Err(refusal @ (Refusal::Failed(_) | Refusal::NotSignedIn | Refusal::NotAllowed(_))) => {
            return Err(refusal.into());
        }
        Err(refusal) => OutcomeOf::Nothing(format!("{}.", refusal.text())),
    };
    tell::lead_on("/repositories/add", &outcome).await
}
