//! Whether a target can be told anything, before it is stored.

use std::collections::BTreeMap;

use entity::credential::names_credential;
use entity::view::Target;
use url::Url;

use super::TargetError;
use crate::text::cut;

const MAX_URL: usize = 2_000;
const MAX_HEADERS: usize = 32;
const MAX_HEADER: usize = 2_000;
const MAX_NAME: usize = 255;
/// GitHub takes no longer ones.
const MAX_EVENT_TYPE: usize = 100;
const MAX_ARGUMENTS: usize = 64;
const MAX_ARGUMENT: usize = 4_000;

/// What is written by whoever sends, and by nobody else.
const RESERVED: [&str; 9] =
    ["host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "keep-alive", "expect"];
/// Headers are shown with the trigger; these hold secrets by their nature.
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Checks a target: its address, headers and names.
///
/// # Errors
/// The first field that is wrong, and how to mend it.
pub fn check_target(target: &Target) -> Result<(), TargetError> {
    match target {
        Target::Tekton { url, headers } => {
            web_url("url", url, false)?;
            check_headers(headers, "ce-")
        }
        Target::Webhook { url, headers } => {
            web_url("url", url, false)?;
            check_headers(headers, "webhook-")
        }
        Target::Flux { url } => web_url("url", url, false).map(|_| ()),
        Target::GithubDispatch { api_url, repository, event_type } => {
            api("api_url", api_url)?;
            if let Some(repository) = repository {
                check_github_name(repository)?;
            }
            let length = event_type.chars().count();
            if event_type.trim().is_empty() || length > MAX_EVENT_TYPE || event_type.chars().any(char::is_control) {
                let message =
                    format!("has to be a word that workflows wait for, of at most {MAX_EVENT_TYPE} characters");
                return Err(TargetError::new("event_type", message));
            }
            Ok(())
        }
        Target::GitlabPipeline { api_url, project, reference } => {
            api("api_url", api_url)?;
            if let Some(project) = project {
                check_name("project", project, "group/project, or its number")?;
            }
            if let Some(reference) = reference {
                check_name("reference", reference, "a branch or tag, such as main")?;
            }
            Ok(())
        }
        Target::Command { command } => check_command(command),
    }
}

/// An address of the web that can be sent to: `with_secret` says that a secret goes there whatever is set.
pub(super) fn web_url(field: &str, text: &str, with_secret: bool) -> Result<Url, TargetError> {
    let refused = |message: &str| Err(TargetError::new(field, message));
    if text.len() > MAX_URL {
        return refused("is longer than 2,000 bytes");
    }
    let Ok(url) = Url::parse(text.trim()) else {
        return refused("is no address; write one such as https://host.example/path");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return refused("has to begin with https:// or http:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused(
            "holds a user or password, which everybody who sees the trigger would see; set a secret instead",
        );
    }
    if url.fragment().is_some() {
        return refused("has a part behind #, which is never sent; remove it");
    }
    if with_secret && url.scheme() == "http" && !net::is_here(&url) {
        return refused("would send a token in the clear; write https://");
    }
    Ok(url)
}

/// The root of a forge's API.
pub(super) fn api(field: &str, text: &str) -> Result<Url, TargetError> {
    let url = web_url(field, text, true)?;
    if url.query().is_some() {
        return Err(TargetError::new(
            field,
            "has a part behind ?; write the API's root, such as https://api.github.com",
        ));
    }
    Ok(url)
}

fn check_headers(headers: &BTreeMap<String, String>, own: &str) -> Result<(), TargetError> {
    if headers.len() > MAX_HEADERS {
        return Err(TargetError::new("headers", format!("are {}; at most {MAX_HEADERS} are allowed", headers.len())));
    }
    let mut seen: Vec<String> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let refused = |message: String| Err(TargetError::new(format!("headers.{}", cut(name, 60)), message));
        let lower = name.to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return refused("is no header's name; write letters, digits and dashes".to_owned());
        }
        if value.len() > MAX_HEADER || !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return refused(format!("has to be of visible ASCII characters, {MAX_HEADER} at most"));
        }
        if RESERVED.contains(&lower.as_str()) || lower.starts_with(own) {
            return refused("is written by Kubestats itself; remove it".to_owned());
        }
        if SECRET.contains(&lower.as_str()) || names_credential(&lower) {
            return refused(
                "holds a secret, which everybody who sees the trigger would see; set the secret instead".to_owned(),
            );
        }
        if seen.contains(&lower) {
            return refused("stands twice, in upper and lower case; keep one".to_owned());
        }
        seen.push(lower);
    }
    Ok(())
}

/// `owner/name` as GitHub has it.
pub(super) fn check_github_name(name: &str) -> Result<(), TargetError> {
    let is_part = |part: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && part.len() <= 100 && part.bytes().all(is_inner) && !matches!(part, "." | "..")
    };
    match name.split_once('/') {
        Some((owner, name)) if is_part(owner) && is_part(name) => Ok(()),
        _ => Err(TargetError::new("repository", "has to be owner/name, as GitHub shows it")),
    }
}

fn check_name(field: &str, name: &str, example: &str) -> Result<(), TargetError> {
    if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(TargetError::new(field, format!("has to be {example}")));
    }
    Ok(())
}

fn check_command(command: &[String]) -> Result<(), TargetError> {
    let refused = |message: &str| Err(TargetError::new("command", message));
    let Some(program) = command.first() else {
        return refused("is empty; write the program and what it is given, such as [\"/usr/local/bin/deploy\"]");
    };
    if !program.starts_with('/') {
        return refused("has to begin with the program's whole path, such as /usr/local/bin/deploy");
    }
    if command.len() > MAX_ARGUMENTS || command.iter().any(|argument| argument.len() > MAX_ARGUMENT) {
        return refused("is too long: at most 64 parts of 4,000 bytes are allowed");
    }
    if command.iter().any(|argument| argument.contains('\0')) {
        return refused("holds a character that no program can be given");
    }
    Ok(())
}
