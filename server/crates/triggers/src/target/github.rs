//! GitHub's `repository_dispatch`: workflows that wait for an event of a name are run on the default branch.

use entity::kind::Provider;
use serde::Serialize;

use super::{AGENT, Content, Request, TargetError, TargetSecrets, Telling, check, json};

const API_VERSION: &str = "2022-11-28";

#[derive(Serialize)]
struct Body<'a> {
    event_type: &'a str,
    client_payload: Payload<'a>,
}

/// Ten keys, which is as many as GitHub takes.
#[derive(Serialize)]
struct Payload<'a> {
    event: &'static str,
    delivery_id: String,
    trigger: &'a str,
    repository: &'a str,
    repository_url: &'a str,
    branch: &'a str,
    commit: Commit<'a>,
    previous_commit: Option<String>,
    forced: Option<bool>,
    /// What is best done with `.tekton/`; null where nobody looked.
    tekton_action: Option<&'static str>,
}

#[derive(Serialize)]
struct Commit<'a> {
    sha: String,
    message: Option<&'a str>,
    author: Option<&'a str>,
}

pub(super) fn request(
    api_url: &str,
    repository: Option<&str>,
    event_type: &str,
    secrets: &TargetSecrets,
    telling: &Telling<'_>,
) -> Result<Content, TargetError> {
    let Some(commit) = telling.new_commit.filter(|_| !telling.is_gone()) else {
        let message =
            "the branch is gone, and a dispatch for it would run on another; leave branch_deleted out of the condition";
        return Err(TargetError::new("event", message));
    };
    let repository = match repository {
        Some(repository) => repository,
        None if telling.provider == Provider::Github => telling.repository_full_name,
        None => {
            let message =
                format!("{} is not on GitHub; name the repository that is to be told", telling.repository_full_name);
            return Err(TargetError::new("repository", message));
        }
    };
    check::check_github_name(repository)?;
    let mut url = check::api("api_url", api_url)?;
    let (owner, name) = repository.split_once('/').unwrap_or(("", repository));
    url.path_segments_mut()
        .map_err(|()| TargetError::new("api_url", "has to begin with https://"))?
        .pop_if_empty()
        .extend(["repos", owner, name, "dispatches"]);
    let (message, author) = (telling.message(), telling.commit.map(|it| it.author_name));
    let body = json(&Body {
        event_type,
        client_payload: Payload {
            event: telling.kind.as_str(),
            delivery_id: telling.delivery_id.to_string(),
            trigger: telling.trigger_name,
            repository: telling.repository_full_name,
            repository_url: telling.repository_url,
            branch: telling.branch,
            commit: Commit { sha: commit.to_string(), message, author },
            previous_commit: telling.old_commit.map(|it| it.to_string()),
            forced: telling.is_forced,
            tekton_action: telling.tekton.map(|it| it.estimated_action.as_str()),
        },
    })?;
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), AGENT.to_owned()),
        ("Accept".to_owned(), "application/vnd.github+json".to_owned()),
        ("X-GitHub-Api-Version".to_owned(), API_VERSION.to_owned()),
    ];
    if let Some(secret) = &secrets.current {
        headers.push(("Authorization".to_owned(), format!("Bearer {secret}")));
    }
    Ok(Content::Request(Request { url, headers, body }))
}
