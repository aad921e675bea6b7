//! `/_control`: what a forge holds, was asked and does wrong; HTML for people, JSON for programs.

mod page;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::faults::{Fault, Rule};
use crate::forge::Forge;
use crate::world::Access;

/// The page and what its forms do; none of it is counted or spoilt.
pub(crate) fn router(forge: &Arc<Forge>) -> Router {
    Router::new()
        .route("/_control", get(show))
        .route("/_control/requests", get(requests))
        .route("/_control/repositories", get(repositories))
        .route("/_control/repositories/{id}", post(change))
        .route("/_control/faults", post(fail).delete(clear))
        .route("/_control/faults/clear", post(clear))
        .route("/_control/exhaust", post(exhaust))
        .route("/_control/reset", post(reset))
        .with_state(Arc::clone(forge))
}

async fn show(State(forge): State<Arc<Forge>>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        let state = json!({
            "kind": forge.kind(),
            "url": forge.url(),
            "repositories": forge.world().all().len(),
            "faults": forge.faults(),
            "counters": forge.counters(),
        });
        return Json(state).into_response();
    }
    Html(page::page(&forge)).into_response()
}

async fn requests(State(forge): State<Arc<Forge>>) -> Response {
    Json(forge.requests()).into_response()
}

/// What of a repository the control tells.
#[derive(Serialize)]
struct Told {
    id: u64,
    full_name: String,
    clone_url: String,
    access: &'static str,
    topics: Vec<String>,
}

async fn repositories(State(forge): State<Arc<Forge>>) -> Response {
    let told = |one: &crate::Repository| Told {
        id: one.id,
        full_name: one.full_name(),
        clone_url: forge.clone_url(&one.full_name()),
        access: page::access(one.state),
        topics: one.topics.clone(),
    };
    let all: Vec<Told> = forge.world().all().iter().map(told).collect();
    Json(all).into_response()
}

/// A fault as a form says it; JSON says a [`Rule`].
#[derive(Deserialize)]
struct Form {
    kind: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    times: String,
}

impl Form {
    fn rule(&self) -> Result<Rule, String> {
        let number = || self.value.trim().parse::<u64>().map_err(|_| format!("{} needs a number as value", self.kind));
        let seconds = || self.value.trim().parse().ok();
        let fault = match self.kind.as_str() {
            "slow" => Fault::Slow { ms: number()? },
            "status" => {
                let code = u16::try_from(number()?).ok().and_then(|code| StatusCode::from_u16(code).ok());
                Fault::Status { code: code.ok_or("a status lies between 100 and 999")?.as_u16() }
            }
            "primary_limit" => Fault::PrimaryLimit { reset: seconds().unwrap_or(60) },
            "secondary_limit" => Fault::SecondaryLimit { retry_after: seconds() },
            "too_many" => Fault::TooMany { retry_after: seconds() },
            "cut" => Fault::Cut,
            "wrong_json" => Fault::WrongJson,
            "missing_fields" => {
                Fault::MissingFields { fields: self.value.split(',').map(|name| name.trim().to_owned()).collect() }
            }
            "bad_credentials" => Fault::BadCredentials,
            "blocked" => Fault::Blocked,
            "endless" => Fault::Endless,
            other => return Err(format!("there is no fault called {other}")),
        };
        let path = Some(self.path.trim().to_owned()).filter(|path| !path.is_empty());
        let after = self.after.trim().parse().unwrap_or(0);
        Ok(Rule { fault, path, after, times: self.times.trim().parse().ok() })
    }
}

async fn fail(State(forge): State<Arc<Forge>>, headers: HeaderMap, body: Bytes) -> Response {
    let rule = if is_form(&headers) {
        read::<Form>(&headers, &body).and_then(|form| form.rule())
    } else {
        read::<Rule>(&headers, &body)
    };
    match rule {
        Ok(rule) => {
            forge.fail(rule);
            done(&headers)
        }
        Err(why) => refused(&why),
    }
}

async fn clear(State(forge): State<Arc<Forge>>, headers: HeaderMap) -> Response {
    forge.clear_faults();
    done(&headers)
}

async fn reset(State(forge): State<Arc<Forge>>, headers: HeaderMap) -> Response {
    forge.reset();
    done(&headers)
}

/// A quota that is to be used up.
#[derive(Deserialize)]
struct Exhaust {
    resource: String,
    #[serde(default)]
    token: Option<usize>,
    seconds: u64,
}

async fn exhaust(State(forge): State<Arc<Forge>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked: Exhaust = match read(&headers, &body) {
        Ok(asked) => asked,
        Err(why) => return refused(&why),
    };
    let resource = match asked.resource.as_str() {
        "core" => "core",
        "search" => "search",
        "graphql" => "graphql",
        "requests" => "requests",
        other => return refused(&format!("there is no resource called {other}")),
    };
    forge.exhaust(asked.token, resource, Duration::from_secs(asked.seconds));
    done(&headers)
}

/// What becomes of a repository.
#[derive(Deserialize)]
struct Change {
    action: String,
    #[serde(default)]
    to: String,
}

async fn change(State(forge): State<Arc<Forge>>, Path(id): Path<u64>, headers: HeaderMap, body: Bytes) -> Response {
    let change: Change = match read(&headers, &body) {
        Ok(change) => change,
        Err(why) => return refused(&why),
    };
    let to = change.to.trim();
    let named = |is: bool| if is { Ok(()) } else { Err(format!("no repository has the id {id}")) };
    let wrong = |error: crate::Error| error.to_string();
    let outcome = match change.action.as_str() {
        "rename" | "transfer" if to.is_empty() => Err("it needs a new name".to_owned()),
        "branch" | "push" | "delete_branch" | "protect" if to.is_empty() => Err("it needs a branch's name".to_owned()),
        "protect" => {
            forge.protect(id, to);
            Ok(())
        }
        "rename" => named(forge.rename(id, to)),
        "transfer" => named(forge.transfer(id, to)),
        "delete" => named(forge.delete(id)),
        "private" => named(forge.set_access(id, Access::Private)),
        "public" => named(forge.set_access(id, Access::Public)),
        "block" => named(forge.set_access(id, Access::Blocked)),
        "archive" => named(forge.change(id, |one| one.archived = true)),
        "topics" => {
            let topics = to.split(',').map(|one| one.trim().to_lowercase()).filter(|one| !one.is_empty()).collect();
            named(forge.change(id, |one| one.topics = topics))
        }
        "commit" | "rewrite" | "empty" | "branch" | "push" | "delete_branch" => {
            // Git is waited for, which must not hold up the other requests.
            let (shared, action, text) = (Arc::clone(&forge), change.action.clone(), to.to_owned());
            let work = move || match action.as_str() {
                "commit" => {
                    let manifest = format!(
                        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: pushed\ndata:\n  text: {text:?}\n"
                    );
                    shared.commit(id, &[("pushed.yaml", Some(&manifest))], "Push from the control page").map(drop)
                }
                "rewrite" => shared.rewrite(id).map(drop),
                "branch" => shared.make_branches(id, &[&text]).map(drop),
                "push" => {
                    let now = chrono::Utc::now().to_rfc3339();
                    shared.commit_on(id, &text, &[("pushed.txt", Some(&now))], "Push from the control page").map(drop)
                }
                "delete_branch" => shared.delete_branch(id, &text),
                _ => shared.empty(id),
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(outcome) => outcome.map_err(wrong),
                Err(error) => Err(error.to_string()),
            }
        }
        other => Err(format!("there is no action called {other}")),
    };
    match outcome {
        Ok(()) => done(&headers),
        Err(why) => refused(&why),
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let of = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    of(header::ACCEPT).contains("json") || of(header::CONTENT_TYPE).contains("json")
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/x-www-form-urlencoded")
}

/// A form's fields or a JSON body.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, String> {
    if !is_form(headers) {
        return serde_json::from_slice(body).map_err(|error| format!("the body cannot be read: {error}"));
    }
    let number = |name: &str, value: &str| match name {
        "seconds" | "token" => value.parse::<u64>().map_or_else(|_| Value::Null, Value::from),
        _ => Value::from(value),
    };
    let fields: Map<String, Value> =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.to_string(), number(&name, &value))).collect();
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("the form cannot be read: {error}"))
}

fn done(headers: &HeaderMap) -> Response {
    if is_form(headers) { Redirect::to("/_control").into_response() } else { StatusCode::NO_CONTENT.into_response() }
}

fn refused(why: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": why}))).into_response()
}
