//! Projects in the words of GitLab's REST API.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::world::{Access, Repository, owner_id};

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The groups that an owner's path leads through: `a`, `a/b`, `a/b/c`.
pub(super) fn groups(owner: &str) -> impl Iterator<Item = &str> {
    owner.match_indices('/').map(|(end, _)| end).chain([owner.len()]).filter_map(|end| owner.get(..end))
}

pub(super) fn visibility(one: &Repository) -> &'static str {
    if one.state == Access::Public { "public" } else { "private" }
}

fn namespace(web: &str, one: &Repository) -> Value {
    let path = one.owner.rsplit('/').next().unwrap_or_default();
    let parent = one.owner.rsplit_once('/').map(|(parent, _)| owner_id(parent));
    let group = parent.is_some() || one.organization;
    json!({
        "id": one.owner_id(),
        "name": path,
        "path": path,
        "kind": if group { "group" } else { "user" },
        "full_path": one.owner,
        "parent_id": parent,
        "avatar_url": null,
        "web_url": format!("{web}/{}{}", if group { "groups/" } else { "" }, one.owner),
    })
}

/// A project: what everybody is told (`simple`), or what those with a token are; `statistics` are for members alone.
pub(super) fn project(web: &str, one: &Repository, simple: bool, statistics: bool) -> Value {
    let full_name = one.full_name();
    let html = format!("{web}/{full_name}");
    let host = web.trim_start_matches("http://");
    // In the order of the alphabet there, unlike elsewhere.
    let mut topics = one.topics.clone();
    topics.sort();
    let mut body = json!({
        "id": one.id,
        "description": one.description,
        "name": one.name,
        "name_with_namespace": full_name.replace('/', " / "),
        "path": one.name,
        "path_with_namespace": full_name,
        "created_at": moment(one.created_at),
        "default_branch": one.default_branch,
        "tag_list": topics,
        "topics": topics,
        "ssh_url_to_repo": format!("git@{host}:{full_name}.git"),
        "http_url_to_repo": format!("{html}.git"),
        "web_url": html,
        "readme_url": format!("{html}/-/blob/{}/README.md", one.default_branch),
        "forks_count": one.forks,
        "avatar_url": null,
        "star_count": one.stars,
        "last_activity_at": moment(one.pushed_at),
        "namespace": namespace(web, one),
    });
    if simple {
        return body;
    }
    body["visibility"] = json!(visibility(one));
    body["archived"] = json!(one.archived);
    body["empty_repo"] = json!(false);
    body["issues_enabled"] = json!(true);
    body["merge_requests_enabled"] = json!(true);
    body["open_issues_count"] = json!(one.open_issues);
    body["updated_at"] = json!(moment(one.updated_at));
    body["creator_id"] = json!(one.owner_id());
    body["import_status"] = json!("none");
    body["mirror"] = json!(false);
    body["_links"] = json!({
        "self": format!("{web}/api/v4/projects/{}", one.id),
        "issues": format!("{web}/api/v4/projects/{}/issues", one.id),
        "merge_requests": format!("{web}/api/v4/projects/{}/merge_requests", one.id),
        "repo_branches": format!("{web}/api/v4/projects/{}/repository/branches", one.id),
        "labels": format!("{web}/api/v4/projects/{}/labels", one.id),
        "events": format!("{web}/api/v4/projects/{}/events", one.id),
        "members": format!("{web}/api/v4/projects/{}/members", one.id),
        "cluster_agents": format!("{web}/api/v4/projects/{}/cluster_agents", one.id),
    });
    if one.fork {
        body["forked_from_project"] = json!({
            "id": one.id + 1,
            "name": one.name,
            "path": one.name,
            "web_url": format!("{web}/upstream/{}", one.name),
        });
    }
    if statistics {
        let bytes = one.size_kb * 1_000;
        body["statistics"] = json!({"commit_count": 3, "storage_size": bytes, "repository_size": bytes});
    }
    body
}

/// Adds the licence, which is told only on request.
pub(super) fn license(body: &mut Value, web: &str, one: &Repository) {
    let row = one.license_row();
    body["license_url"] =
        json!(row.map(|_| format!("{web}/{}/-/blob/{}/LICENSE", one.full_name(), one.default_branch)));
    body["license"] = json!(row.map(|(spdx, key, name, _)| json!({
        "key": key,
        "name": name,
        "nickname": key.strip_prefix("gpl-").map(|_| "GNU GPLv3"),
        "html_url": format!("https://choosealicense.com/licenses/{key}/"),
        "source_url": format!("https://spdx.org/licenses/{spdx}.html"),
    })));
}
