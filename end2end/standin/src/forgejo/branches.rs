//! `GET /api/v1/repos/{owner}/{name}/branches`: the one pushed to last first, as Forgejo and Gitea order them.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::branches::{self, Branch};
use crate::forge::Forge;
use crate::gate::Caller;
use crate::world::Repository;

use super::{error, link, sought};

pub(super) async fn list(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((owner, name)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let found = match sought(&forge, caller, &format!("{owner}/{name}"), "branches", raw.as_deref()) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |name: &str| of(name).and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let (page, limit) = (number("page").unwrap_or(1), number("limit").unwrap_or(30).min(forge.options.forgejo_most));
    let mut all = match branches::list(&found.git).await {
        Ok(all) => all,
        Err(why) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(error(&forge, &why.to_string()))).into_response();
        }
    };
    all.sort_by_key(|branch| Reverse(branch.committer.at));
    let (shown, pages) = branches::page(&all, page, limit);
    let body: Vec<Value> = shown.iter().map(|branch| wire(&forge, &found, branch)).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(all.len()));
    link(&forge, &mut headers, &format!("repos/{}/branches", found.full_name()), &asked, page, pages);
    (headers, Json(body)).into_response()
}

/// A branch in the words of Forgejo's REST API.
fn wire(forge: &Forge, repository: &Repository, branch: &Branch) -> Value {
    let person = |who: &branches::Signature| json!({"name": who.name, "email": who.email, "username": ""});
    let web = format!("{}/{}", forge.url(), repository.full_name());
    let protected = forge.is_protected(repository.id, &branch.name);
    json!({
        "name": branch.name,
        "commit": {
            "id": branch.commit,
            "message": branch.message,
            "url": format!("{web}/commit/{}", branch.commit),
            "author": person(&branch.author),
            "committer": person(&branch.committer),
            "verification": {"verified": false, "reason": "gpg.error.not_signed_commit", "signature": "", "payload": ""},
            "timestamp": branch.committer.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "added": [],
            "removed": [],
            "modified": [],
        },
        "protected": protected,
        "required_approvals": 0,
        "enable_status_check": false,
        "status_check_contexts": [],
        "user_can_push": false,
        "user_can_merge": false,
        "effective_branch_protection_name": if protected { branch.name.as_str() } else { "" },
    })
}
