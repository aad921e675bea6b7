//! What people ask for on the pages of repositories. Each is a form's target: it does what was asked, keeps what came of
//! it, and leads to a page that tells. Scripts that send a form themselves get that page's address as the answer.

use entity::kind::RepositoryAction;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;
use crate::wire::Text;

/// How well it went.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
}

/// What came of something, in words.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutcomeText {
    /// Whether all, some or nothing of it was done.
    pub(crate) tone: Tone,
    pub(crate) text: String,
    /// What was not done and why, one sentence each.
    pub(crate) lines: Vec<String>,
    /// Where it can be watched.
    pub(crate) watch: Option<String>,
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
}

/// More at once are not taken: a page of the list has no more.
pub const MAX_CHOSEN: usize = 100;

/// Does one thing with all repositories that were chosen; gives back the address that tells what came of it.
#[server(prefix = "/ui", endpoint = "act", output = Text)]
pub async fn act_on_repositories(
    act: String,
    #[server(default)] id: Vec<String>,
    #[server(default)] from: String,
) -> Result<String, AppError> {
    use entity::query::actions::{self, Acted};
    use entity::view::{OutcomeOf, Refused};

    let context = super::ask::context()?;
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
        let by = entity::kind::RequestedBy::Page;
        match actions::act(&context.db, &context.queue, action, id, by, super::ask::now()).await? {
            Acted::Done(repository, _) => done.push((id, repository.full_name)),
            Acted::NotFound => refused.push(missing()),
            Acted::Refused(why, repository) => {
                let reason = why.text(&repository);
                refused.push(Refused { name: repository.full_name, reason });
            }
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

/// Asks for a sync of all repositories; gives back the address that tells how many those are.
#[server(prefix = "/ui", endpoint = "sync_all", output = Text)]
pub async fn sync_all_repositories(#[server(default)] from: String) -> Result<String, AppError> {
    use entity::view::OutcomeOf;

    let context = super::ask::context()?;
    let by = entity::kind::RequestedBy::Page;
    let (job_id, repositories) =
        entity::query::actions::sync_all(&context.db, &context.queue, by, super::ask::now()).await?;
    tell::lead_on(&from, &OutcomeOf::SyncAll { job_id, repositories }).await
}

/// Asks for discovery, where it is switched on; gives back the address that tells so.
#[server(prefix = "/ui", endpoint = "discover", output = Text)]
pub async fn start_discovery(#[server(default)] from: String) -> Result<String, AppError> {
    use entity::kind::{JobRequest, Priority, RequestedBy};
    use entity::view::OutcomeOf;

    let context = super::ask::context()?;
    let outcome = if context.discovery.enabled {
        let request = JobRequest::DiscoverRepositories;
        let now = super::ask::now();
        let job_id = context.queue.enqueue(&request, RequestedBy::Page, Priority::CLICK, now).await?;
        OutcomeOf::Discovery { job_id }
    } else {
        OutcomeOf::Nothing("Discovery is switched off: no forge is asked.".to_owned())
    };
    tell::lead_on(&from, &outcome).await
}

/// Adds the repositories whose addresses stand one a line; gives back the address that tells of each.
#[server(prefix = "/ui", endpoint = "add", output = Text)]
pub async fn add_repositories(#[server(default)] urls: String) -> Result<String, AppError> {
    use entity::kind::RequestedBy;
    use entity::view::{Live, OutcomeOf};

    let context = super::ask::context()?;
    // Commas and spaces are in no address that can be added.
    let lines = urls.split(|c: char| c.is_whitespace() || c == ',').map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    let outcome = if lines.is_empty() {
        OutcomeOf::Nothing("Nothing was added: the field is empty. Write at least one address.".to_owned())
    } else if lines.len() > tell::MAX_ADDED {
        let text =
            format!("Nothing was added: {} addresses, but no more than {} at once.", lines.len(), tell::MAX_ADDED);
        OutcomeOf::Nothing(text)
    } else {
        let added = (context.add)(lines, RequestedBy::Page).await?;
        for repository_id in added.iter().filter(|added| added.added).filter_map(|added| added.repository_id) {
            context.queue.bus().send(Live::Repository { repository_id });
        }
        OutcomeOf::Added(added)
    };
    tell::lead_on("/repositories/add", &outcome).await
}

/// What is to be asked before an action is done, as the page's address says.
#[server(prefix = "/ui", endpoint = "confirm", input = GetUrl, output = Text)]
pub async fn read_confirm(query: String) -> Result<crate::wire::Packed<ConfirmData>, AppError> {
    use super::ask;
    use entity::kind::Origin;
    use entity::query::actions::Refusal;
    use entity::query::repositories::find_repository;

    let (db, params) = (ask::context()?.db, ask::params(&query));
    let action: Option<RepositoryAction> = ask::word(&params, "act");
    let ids: Vec<String> = params.get_all("id[]").unwrap_or_default();
    let mut chosen = Vec::new();
    for id in ids.iter().take(MAX_CHOSEN).filter_map(|id| Uuid::parse_str(id).ok()) {
        let Some(repository) = find_repository(&db.read, id).await? else { continue };
        let keeps =
            action == Some(RepositoryAction::Delete) && repository.origin == Origin::Config && repository.enabled;
        chosen.push(Chosen {
            id,
            resources: repository.counts.active_resources + repository.counts.deleted_resources,
            events: repository.counts.events,
            refused: keeps.then(|| Refusal::Configured.text(&repository)),
            full_name: repository.full_name,
        });
    }
    crate::wire::pack(&ConfirmData {
        action: action.filter(|action| matches!(action, RepositoryAction::Block | RepositoryAction::Delete)),
        chosen,
        over: ids.len().saturating_sub(MAX_CHOSEN) as u64,
        from: tell::way_back(params.get_str("from").unwrap_or_default()),
    })
}

/// How outcomes are kept and told.
#[cfg(feature = "ssr")]
pub(super) mod tell {
    use entity::db::Db;
    use entity::kind::RepositoryAction;
    use entity::view::{Outcome, OutcomeOf, Refused};
    use leptos_router::params::ParamsMap;
    use uuid::Uuid;

    use super::{AppError, OutcomeText, Tone};
    use crate::components::counted;
    use crate::server_fns::ask;

    pub(super) const NONE_CHOSEN: &str = "Nothing was done: no repository is selected.";
    /// Pasting more at once is a mistake.
    pub(super) const MAX_ADDED: usize = 1_000;
    /// A longer way back is not ours.
    const MAX_WAY: usize = 2_000;

    /// Where somebody came from, if that is a page about repositories; else their list. Never another site.
    /// Forms that do not say it are sent from there.
    pub(in crate::server_fns) fn way_back(from: &str) -> String {
        const LIST: &str = "/repositories";
        if from.is_empty() {
            return sent_from().filter(|from| !from.is_empty()).map_or_else(|| LIST.to_owned(), |from| way_back(&from));
        }
        let plain = from.len() <= MAX_WAY && from.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let ours = from.strip_prefix(LIST).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        if plain && ours { from.to_owned() } else { LIST.to_owned() }
    }

    /// The page that the request was sent from, but for the question, which nobody is to be led back to.
    fn sent_from() -> Option<String> {
        let parts = leptos::prelude::use_context::<axum::http::request::Parts>()?;
        let referer = parts.headers.get(axum::http::header::REFERER)?.to_str().ok()?;
        let (_, rest) = referer.split_once("://")?;
        let path = &rest[rest.find('/')?..];
        (!path.starts_with("/repositories/confirm")).then(|| path.to_owned())
    }

    /// Keeps what came of it and leads to the page that tells.
    pub(super) async fn lead_on(from: &str, of: &OutcomeOf) -> Result<String, AppError> {
        let id = entity::query::outcomes::record_outcome(&ask::context()?.db.write, of, ask::now()).await?;
        let from = way_back(from);
        let (path, query) = from.split_once('?').unwrap_or((&from, ""));
        let (query, _) = query.split_once('#').unwrap_or((query, ""));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("outcome="));
        let query: Vec<&str> = kept.collect();
        let between = if query.is_empty() { "" } else { "&" };
        let address = format!("{path}?{}{between}outcome={id}", query.join("&"));
        leptos_axum::redirect(&address);
        Ok(address)
    }

    /// The outcome that a page's address names.
    pub(in crate::server_fns) async fn find(db: &Db, params: &ParamsMap) -> Result<Option<Outcome>, AppError> {
        let Some(id) = params.get_str("outcome").and_then(|id| Uuid::parse_str(id).ok()) else { return Ok(None) };
        Ok(entity::query::outcomes::find_outcome(&db.read, id).await?)
    }

    /// The same as HTML for the page; empty where there is none.
    pub(in crate::server_fns) async fn find_html(db: &Db, params: &ParamsMap) -> Result<String, AppError> {
        Ok(html(find(db, params).await?.map(|outcome| outcome.of)))
    }

    pub(in crate::server_fns) fn html(of: Option<OutcomeOf>) -> String {
        crate::pages::outcome_html(of.map(text))
    }

    fn text(of: OutcomeOf) -> OutcomeText {
        let plain = |tone, text: String| OutcomeText { tone, text, lines: Vec::new(), watch: None };
        match of {
            OutcomeOf::Nothing(text) => plain(Tone::Warn, text),
            OutcomeOf::Discovery { job_id } => {
                let told = plain(Tone::Good, "Discovery is queued.".to_owned());
                OutcomeText { watch: Some(format!("/tasks/{job_id}")), ..told }
            }
            OutcomeOf::SyncAll { repositories: 0, .. } => {
                plain(Tone::Warn, "There is nothing to sync: no repository is here that may be synced.".to_owned())
            }
            OutcomeOf::SyncAll { job_id, repositories } => {
                let many = counted(repositories, "repository", "repositories");
                let told = plain(Tone::Good, format!("A sync of {many} is queued."));
                OutcomeText { watch: Some(format!("/tasks/{job_id}")), ..told }
            }
            OutcomeOf::Added(added) => {
                let new = added.iter().filter(|added| added.added).count();
                let new = i64::try_from(new).unwrap_or(i64::MAX);
                plain(
                    if new > 0 { Tone::Good } else { Tone::Warn },
                    format!("{} added.", counted(new, "repository", "repositories")),
                )
            }
            OutcomeOf::Changed { action, done, refused } => changed(action, &done, refused),
        }
    }

    fn changed(action: RepositoryAction, done: &[(Uuid, String)], refused: Vec<Refused>) -> OutcomeText {
        let many = counted(i64::try_from(done.len()).unwrap_or(i64::MAX), "repository", "repositories");
        let (who, is, it) = match done {
            [(_, name)] => (name.clone(), "is", "it"),
            _ => (many, "are", "them"),
        };
        let text = match action {
            _ if done.is_empty() => "Nothing was done.".to_owned(),
            RepositoryAction::Sync => format!("A sync of {who} is queued."),
            RepositoryAction::Approve => format!("{who} {is} let in, and a sync is queued."),
            RepositoryAction::Block => {
                format!("{who} {is} blocked: nothing new is fetched, what was found in {it} stays.")
            }
            RepositoryAction::Delete => format!("{who} {is} deleted, and searches do not bring {it} back."),
        };
        let tone = match (done.is_empty(), refused.is_empty()) {
            (true, _) => Tone::Bad,
            (false, false) => Tone::Warn,
            (false, true) => Tone::Good,
        };
        let lines = refused.into_iter().map(|refused| {
            // Most reasons begin with the name.
            match refused.reason.starts_with(&refused.name) {
                true => format!("{}.", refused.reason),
                false => format!("{}: {}.", refused.name, refused.reason),
            }
        });
        OutcomeText { tone, text, lines: lines.collect(), watch: None }
    }

    #[cfg(test)]
    mod tests {
        use super::way_back;

        #[test]
        fn nobody_is_led_to_another_site() {
            for kept in ["/repositories", "/repositories?status=error&page=2", "/repositories/7f/x?tab=a"] {
                assert_eq!(way_back(kept), kept);
            }
            let long = format!("/repositories?text={}", "a".repeat(3_000));
            for other in [
                "",
                "//evil.example",
                "https://evil.example/repositories",
                "/repositoriesx",
                "/repositories\r\nx: y",
                "/repositories/\\evil",
                "/tasks",
                long.as_str(),
            ] {
                assert_eq!(way_back(other), "/repositories", "{other:?}");
            }
        }
    }
}
