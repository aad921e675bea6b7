//! `GET /projects/{id}/repository/{compare,merge_base}`: what differs between two commits, and what both come from.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::compare::{self, Change, Compared};
use crate::forge::Forge;
use crate::gate::Caller;
use crate::objects;
use crate::world::Repository;
use crate::{Error, branches as listed};

use super::files::{failed, project};
use super::{Asked, branches, not_found};

pub(super) async fn compared(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let project = match project(&forge, caller, &id, "/repository/compare") {
        Ok(project) => project,
        Err(refused) => return *refused,
    };
    let asked = Asked::read(raw.as_deref());
    let (Some(from), Some(to)) = (asked.of("from"), asked.of("to")) else {
        let error = json!({"error": "from is missing, to is missing"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    match compare::between(&project.git, from, to, asked.is("straight")).await {
        Ok(Some(found)) => match told(&forge, &project, (from, to), &found).await {
            Ok(body) => Json(body).into_response(),
            Err(error) => failed(&error),
        },
        Ok(None) => not_found("Ref"),
        Err(error) => failed(&error),
    }
}

async fn told(forge: &Forge, project: &Repository, (from, to): (&str, &str), found: &Compared) -> Result<Value, Error> {
    // The oldest first, and the newest once more.
    let mut commits = Vec::new();
    for id in found.ahead.iter().rev() {
        commits.extend(commit(forge, project, id).await?);
    }
    let most = forge.options.gitlab_diffs;
    let diffs: Vec<Value> = found.changes.iter().take(most).map(diff).collect();
    Ok(json!({
        "commit": commits.last(),
        "commits": commits,
        "diffs": diffs,
        // So it is called also where there are too many.
        "compare_timeout": found.changes.len() > most,
        "compare_same_ref": from == to,
        "web_url": format!("{}/{}/-/compare/{from}...{to}", forge.url(), project.full_name()),
    }))
}

async fn commit(forge: &Forge, project: &Repository, id: &str) -> Result<Option<Value>, Error> {
    let found = objects::commit(&project.git, id).await?;
    Ok(found.map(|(told, _): (listed::Branch, String)| branches::commit(forge, project, &told)))
}

fn diff(change: &Change) -> Value {
    let mode = |mode: &str| if mode == "000000" { "0".to_owned() } else { mode.to_owned() };
    json!({
        "diff": "",
        "collapsed": false,
        "too_large": false,
        "new_path": change.path,
        "old_path": change.old_path,
        "a_mode": mode(&change.old_mode),
        "b_mode": mode(&change.new_mode),
        "new_file": change.letter == 'A',
        "renamed_file": change.letter == 'R',
        "deleted_file": change.letter == 'D',
        "generated_file": false,
    })
}

pub(super) async fn merge_base(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let project = match project(&forge, caller, &id, "/repository/merge_base") {
        Ok(project) => project,
        Err(refused) => return *refused,
    };
    let asked = Asked::read(raw.as_deref());
    let refs: Vec<&str> = asked.all("refs[]").collect();
    let &[one, other] = refs.as_slice() else {
        return (StatusCode::BAD_REQUEST, Json(json!({"message": "Provide at least 2 refs"}))).into_response();
    };
    let told = match compare::between(&project.git, one, other, true).await {
        Ok(Some(Compared { merge_base: Some(base), .. })) => commit(&forge, &project, &base).await,
        Ok(Some(_)) => return not_found("Merge Base"),
        Ok(None) => {
            let message = format!("Could not find refs: {one}, {other}");
            return (StatusCode::BAD_REQUEST, Json(json!({"message": message}))).into_response();
        }
        Err(error) => return failed(&error),
    };
    match told {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => not_found("Merge Base"),
        Err(error) => failed(&error),
    }
}
