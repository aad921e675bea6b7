//! How outcomes of actions are kept and told.

use entity::kind::RepositoryAction;
use entity::view::{Outcome, OutcomeOf, Refused};
use leptos_router::params::ParamsMap;
use store::db::Db;
use uuid::Uuid;

use super::text::{OutcomeText, Tone};
use crate::components::counted;
use crate::error::{AppError, leads_on};
use crate::pages::ask;

pub(super) const NONE_CHOSEN: &str = "Nothing was done: no repository is selected.";
/// Where our forms are sent.
const FORMS: &str = "/ui/";
/// A longer way back is not ours.
const MAX_WAY: usize = 2_000;

/// Where somebody came from, if that is a page about repositories; else their list. Never another site.
/// Forms that do not say it are sent from there.
pub(in crate::pages) fn way_back(from: &str) -> String {
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
pub(super) async fn lead_on(from: &str, of: &OutcomeOf) -> Result<(), AppError> {
    let id = store::outcomes::record_outcome(&ask::context()?.db.write, of, ask::now()).await?;
    let from = way_back(from);
    let (path, query) = from.split_once('?').unwrap_or((&from, ""));
    let (query, _) = query.split_once('#').unwrap_or((query, ""));
    let told = |pair: &str| pair.is_empty() || pair.starts_with("outcome=") || pair.starts_with("__");
    let query: Vec<&str> = query.split('&').filter(|pair| !told(pair)).collect();
    let between = if query.is_empty() { "" } else { "&" };
    let address = format!("{path}?{}{between}outcome={id}", query.join("&"));
    leptos_axum::redirect(&address);
    Ok(())
}

/// Leads to a page that says what was done. A form that was sent without scripts is also led there where it was refused;
/// an open page says so beside the form, with what was typed still in it.
pub(in crate::pages) async fn lead_to(page: &str, done: Result<String, actions::Refusal>) -> Result<(), AppError> {
    use actions::Refusal;

    let of = match done {
        Ok(text) => OutcomeOf::Done(text),
        Err(refusal @ (Refusal::Failed(_) | Refusal::NotSignedIn)) => return Err(refusal.into()),
        Err(refusal) if leads_on() => OutcomeOf::Nothing(refusal.sentence()),
        Err(refusal) => return Err(refusal.into()),
    };
    let id = store::outcomes::record_outcome(&ask::context()?.db.write, &of, ask::now()).await?;
    let mark = if page.contains('?') { '&' } else { '?' };
    leptos_axum::redirect(&format!("{page}{mark}outcome={id}"));
    Ok(())
}

/// The outcome that a page's address names.
pub(in crate::pages) async fn find(db: &Db, params: &ParamsMap) -> Result<Option<Outcome>, AppError> {
    let Some(id) = params.get_str("outcome").and_then(|id| Uuid::parse_str(id).ok()) else { return Ok(None) };
    Ok(store::outcomes::find_outcome(&db.read, id).await?)
}

/// The same in words.
pub(in crate::pages) async fn find_text(db: &Db, params: &ParamsMap) -> Result<Option<OutcomeText>, AppError> {
    Ok(words(find(db, params).await?.map(|outcome| outcome.of), params))
}

/// An outcome in words. A form that failed leads back with the reason in the address: that it failed is told, but not in
/// words that anybody could have put there.
pub(in crate::pages) fn words(of: Option<OutcomeOf>, params: &ParamsMap) -> Option<OutcomeText> {
    let is_form = |path: &str| path.starts_with(FORMS);
    if params.get_str("__err").is_some() && params.get_str("__path").is_some_and(is_form) {
        let text = "That did not work. Try again; if it fails again, the server's log says why.".to_owned();
        return Some(OutcomeText { tone: Tone::Bad, text, lines: Vec::new(), watch: None });
    }
    of.map(text)
}

fn text(of: OutcomeOf) -> OutcomeText {
    let plain = |tone, text: String| OutcomeText { tone, text, lines: Vec::new(), watch: None };
    match of {
        OutcomeOf::Nothing(text) => plain(Tone::Warn, text),
        OutcomeOf::Done(text) => plain(Tone::Good, text),
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
