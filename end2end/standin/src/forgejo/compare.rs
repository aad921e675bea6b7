//! `GET /api/v1/repos/{owner}/{name}/compare/{base}...{head}`: the commits from where the two parted to the second one, all of
//! them. Two that have nothing in common have no commits between them, as Forgejo and Gitea tell it. Which files differ between
//! the two is not told: those of each commit are.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::compare::{self, Change, Compared};
use crate::forge::Forge;
use crate::gate::Caller;
use crate::world::Repository;
use crate::{Error, objects as git};

use super::{error, not_found, objects, sought};

pub(super) async fn compared(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((owner, name, basehead)): Path<(String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let rest = format!("compare/{basehead}");
    let found = match sought(&forge, caller, &format!("{owner}/{name}"), &rest, raw.as_deref()) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let Some((base, head)) = basehead.split_once("...") else { return not_found(&forge) };
    let with_files = !url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
        .any(|(key, value)| key == "files" && matches!(value.as_ref(), "false" | "0" | "f"));
    let told = match compare::between(&found.git, base, head, false).await {
        Ok(Some(compared)) => told(&forge, &found, &compared, with_files).await,
        Ok(None) => return not_found(&forge),
        Err(why) => Err(why),
    };
    match told {
        Ok(body) => Json(body).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, Json(error(&forge, &why.to_string()))).into_response(),
    }
}

async fn told(forge: &Forge, of: &Repository, compared: &Compared, with_files: bool) -> Result<Value, Error> {
    let at = format!("{}/api/v1/repos/{}/git", forge.url(), of.full_name());
    let html = format!("{}/{}/commit", forge.url(), of.full_name());
    let mut commits = Vec::new();
    if compared.merge_base.is_some() {
        for id in &compared.ahead {
            let Some((commit, tree)) = git::commit(&of.git, id).await? else { continue };
            let mut told = objects::commit(&at, &html, &commit, &tree);
            if with_files {
                let changes = compare::changes_of(&of.git, id, commit.parents.first().map(String::as_str)).await?;
                told["files"] = changes.iter().map(file).collect();
            }
            commits.push(told);
        }
    }
    Ok(json!({"total_commits": commits.len(), "commits": commits}))
}

fn file(change: &Change) -> Value {
    let status = match change.letter {
        'A' => "added",
        'D' => "removed",
        _ => "modified",
    };
    json!({"filename": change.path, "status": status})
}
