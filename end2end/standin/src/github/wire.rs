//! Repositories in the words of GitHub's REST API.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::world::{Access, Repository};

/// `<api>/repos/<owner>/<name>` followed by these is what the `*_url` fields say.
const LINKS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

/// A moment as GitHub writes it.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A global id: a letter, and a MessagePack array of a zero and the number.
pub(super) fn node_id(letter: &str, id: u64) -> String {
    let mut bytes = vec![0x92, 0x00];
    match u32::try_from(id) {
        Ok(short) => {
            bytes.push(0xce);
            bytes.extend_from_slice(&short.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0xcf);
            bytes.extend_from_slice(&id.to_be_bytes());
        }
    }
    format!("{letter}_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The number in a repository's global id.
pub(super) fn repository_of_node(node: &str) -> Option<u64> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(node.strip_prefix("R_")?).ok()?;
    match bytes.as_slice() {
        [0x92, 0x00, 0xce, rest @ ..] => Some(u64::from(u32::from_be_bytes(rest.try_into().ok()?))),
        [0x92, 0x00, 0xcf, rest @ ..] => Some(u64::from_be_bytes(rest.try_into().ok()?)),
        _ => None,
    }
}

/// The letter that begins an owner's global id.
pub(super) fn owner_letter(repository: &Repository) -> &'static str {
    if repository.organization { "O" } else { "U" }
}

fn owner(web: &str, api: &str, repository: &Repository) -> Value {
    let login = &repository.owner;
    let id = repository.owner_id();
    let user = format!("{api}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node_id(owner_letter(repository), id),
        "avatar_url": format!("{web}/avatars/u/{id}?v=4"),
        "gravatar_id": "",
        "url": user,
        "html_url": format!("{web}/{login}"),
        "followers_url": format!("{user}/followers"),
        "following_url": format!("{user}/following{{/other_user}}"),
        "gists_url": format!("{user}/gists{{/gist_id}}"),
        "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{user}/subscriptions"),
        "organizations_url": format!("{user}/orgs"),
        "repos_url": format!("{user}/repos"),
        "events_url": format!("{user}/events{{/privacy}}"),
        "received_events_url": format!("{user}/received_events"),
        "type": if repository.organization { "Organization" } else { "User" },
        "user_view_type": "public",
        "site_admin": false,
    })
}

/// What search and a single repository have in common.
fn common(web: &str, api: &str, repository: &Repository) -> Map<String, Value> {
    let full_name = repository.full_name();
    let at = format!("{api}/repos/{full_name}");
    let html = format!("{web}/{full_name}");
    let host = web.trim_start_matches("http://");
    let open = repository.open_issues + repository.open_pulls;
    let license = repository.license_row().map(|(spdx, key, name, node)| {
        json!({"key": key, "name": name, "spdx_id": spdx, "url": format!("{api}/licenses/{key}"), "node_id": node})
    });
    let private = repository.state == Access::Private;
    let mut map = Map::new();
    for (field, rest) in LINKS {
        map.insert((*field).to_owned(), Value::from(format!("{at}{rest}")));
    }
    let named = json!({
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": full_name,
        "private": private,
        "owner": owner(web, api, repository),
        "html_url": html,
        "description": repository.description,
        "fork": repository.fork,
        "created_at": moment(repository.created_at),
        "updated_at": moment(repository.updated_at),
        "pushed_at": moment(repository.pushed_at),
        "git_url": format!("git://{host}/{full_name}.git"),
        "ssh_url": format!("git@{host}:{full_name}.git"),
        "clone_url": format!("{html}.git"),
        "svn_url": html,
        "homepage": repository.homepage,
    });
    let counted = json!({
        "size": repository.size_kb,
        "stargazers_count": repository.stars,
        "watchers_count": repository.stars,
        "language": repository.language,
        "has_issues": true,
        "has_projects": true,
        "has_downloads": true,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "forks_count": repository.forks,
        "mirror_url": null,
        "archived": repository.archived,
        "disabled": false,
        "open_issues_count": open,
        "license": license,
        "allow_forking": true,
        "is_template": false,
        "web_commit_signoff_required": false,
        "topics": repository.topics,
        "visibility": if private { "private" } else { "public" },
        "forks": repository.forks,
        "open_issues": open,
        "watchers": repository.stars,
        "default_branch": repository.default_branch,
        "permissions": {"admin": false, "maintain": false, "push": false, "triage": false, "pull": true},
    });
    for part in [named, counted] {
        if let Value::Object(part) = part {
            map.extend(part);
        }
    }
    map
}

/// An item of a search's result.
pub(super) fn item(web: &str, api: &str, repository: &Repository) -> Value {
    let mut map = common(web, api, repository);
    map.insert("score".to_owned(), json!(1.0));
    Value::Object(map)
}

/// A single repository.
pub(super) fn full(web: &str, api: &str, repository: &Repository) -> Value {
    let mut map = common(web, api, repository);
    map.insert("temp_clone_token".to_owned(), Value::Null);
    map.insert("network_count".to_owned(), json!(repository.forks));
    map.insert("subscribers_count".to_owned(), json!(repository.subscribers));
    if repository.organization {
        map.insert("organization".to_owned(), owner(web, api, repository));
    }
    Value::Object(map)
}
