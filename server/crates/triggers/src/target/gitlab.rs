//! GitLab's pipelines by a trigger token: one runs for a branch or tag, with variables.

use std::collections::BTreeMap;

use entity::kind::Provider;
use serde::Serialize;

use super::{AGENT, Content, Request, TargetError, TargetSecrets, Telling, check, command, json};

#[derive(Serialize)]
struct Body<'a> {
    token: &'a str,
    #[serde(rename = "ref")]
    reference: &'a str,
    variables: BTreeMap<&'static str, String>,
}

pub(super) fn request(
    api_url: &str,
    project: Option<&str>,
    reference: Option<&str>,
    secrets: &TargetSecrets,
    telling: &Telling<'_>,
) -> Result<Content, TargetError> {
    if telling.is_gone() {
        let message = "the branch is gone, and no pipeline can run for it; leave branch_deleted out of the condition";
        return Err(TargetError::new("event", message));
    }
    let project = match project {
        Some(project) => project,
        None if telling.provider == Provider::Gitlab => telling.repository_full_name,
        None => {
            let message =
                format!("{} is not on GitLab; name the project that is to be told", telling.repository_full_name);
            return Err(TargetError::new("project", message));
        }
    };
    let mut url = check::api("api_url", api_url)?;
    url.path_segments_mut()
        .map_err(|()| TargetError::new("api_url", "has to begin with https://"))?
        .pop_if_empty()
        // A path with slashes is one segment to GitLab.
        .extend(["projects", project, "trigger", "pipeline"]);
    // What follows a dollar sign would be looked up: branches may be called so.
    let variables = command::variables(telling).into_iter().map(|(name, value)| (name, value.replace('$', "$$")));
    let body = json(&Body {
        token: secrets.current.as_deref().unwrap_or_default(),
        reference: reference.unwrap_or(telling.branch),
        variables: variables.collect(),
    })?;
    let headers = [("Content-Type", "application/json"), ("User-Agent", AGENT), ("Accept", "application/json")];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Content::Request(Request { url, headers, body }))
}
