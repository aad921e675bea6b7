//! Many repositories with one request: by node id where that is known, else by name.

use chrono::{DateTime, Utc};
use octocrab::GraphqlError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::wire::{License, Owner};
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange};
use crate::facts::{Facts, GoneReason, Key, Sight};

/// The most that `nodes` takes.
pub(super) const BATCH: usize = 100;

const FIELDS: &str = "fragment facts on Repository { \
    id databaseId name nameWithOwner url description owner { login } \
    stargazerCount forkCount watchers { totalCount } issues(states: OPEN) { totalCount } \
    pullRequests(states: OPEN) { totalCount } diskUsage createdAt updatedAt pushedAt isArchived isFork isPrivate \
    primaryLanguage { name } repositoryTopics(first: 20) { nodes { topic { name } } } \
    licenseInfo { name spdxId } defaultBranchRef { name } }";

/// GraphQL answers in part where a part is gone, so both halves are read.
#[derive(Serialize, Deserialize)]
struct Reply {
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Option<Vec<GraphqlError>>,
    /// What is wrong with the whole request.
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    database_id: Option<i64>,
    name: String,
    name_with_owner: String,
    url: String,
    description: Option<String>,
    owner: Owner,
    stargazer_count: i64,
    fork_count: i64,
    watchers: Count,
    issues: Count,
    pull_requests: Count,
    disk_usage: Option<i64>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    pushed_at: Option<DateTime<Utc>>,
    is_archived: bool,
    is_fork: bool,
    is_private: bool,
    primary_language: Option<Named>,
    repository_topics: Option<Topics>,
    license_info: Option<LicenseInfo>,
    default_branch_ref: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: i64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Topics {
    nodes: Vec<Topic>,
}

#[derive(Deserialize)]
struct Topic {
    topic: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LicenseInfo {
    name: Option<String>,
    spdx_id: Option<String>,
}

impl Node {
    fn into_facts(self) -> Option<Facts> {
        let licence = self.license_info.map(|info| License { name: info.name, spdx_id: info.spdx_id });
        Some(Facts {
            id: self.database_id?,
            node_id: Some(self.id),
            owner: self.owner.login,
            name: self.name,
            full_name: self.name_with_owner,
            clone_url: format!("{}.git", self.url),
            web_url: Some(self.url),
            description: self.description.filter(|text| !text.is_empty()),
            language: self.primary_language.map(|language| language.name),
            topics: self
                .repository_topics
                .map_or_else(Vec::new, |topics| topics.nodes.into_iter().map(|topic| topic.topic.name).collect()),
            licence: licence.and_then(License::into_name),
            default_branch: self.default_branch_ref.map(|branch| branch.name),
            created_at: self.created_at,
            updated_at: self.updated_at,
            pushed_at: self.pushed_at,
            stars: self.stargazer_count,
            forks: Some(self.fork_count),
            watchers: Some(self.watchers.total_count),
            open_issues: Some(self.issues.total_count + self.pull_requests.total_count),
            size_kb: self.disk_usage,
            is_archived: self.is_archived,
            is_fork: self.is_fork,
            is_private: self.is_private,
        })
    }
}

pub(super) async fn facts(exchange: &Exchange, keys: &[Key]) -> Result<Vec<Sight>, ForgeError> {
    let keys = &keys[..keys.len().min(BATCH)];
    let all_have_ids = keys.iter().all(|key| key.node_id.is_some());
    let (query, variables) = if all_have_ids { by_node(keys) } else { by_name(keys) };
    let body = json!({ "query": query, "variables": variables }).to_string();
    let what = format!("the figures of {} repositories", keys.len());
    let ask = Ask { what: &what, resource: "graphql", url: endpoint(&exchange.base_url), body: Some(body) };
    let reply = match exchange.ask::<Reply>(&ask).await? {
        Answer::Here { value, .. } => value,
        Answer::Gone(_) => return Err(exchange.unreadable(&ask, "there is no GraphQL at this address".to_owned())),
    };
    let errors = reply.errors.unwrap_or_default();
    let Some(mut data) = reply.data else {
        let said = errors.first().map(|error| error.message.clone()).or(reply.message);
        return Err(exchange.unreadable(&ask, said.unwrap_or_else(|| "it has neither data nor errors".to_owned())));
    };
    let cost = data.get("rateLimit").and_then(|limit| limit.get("cost")).and_then(Value::as_i64).unwrap_or(1);
    exchange.record_cost("graphql", cost - 1).await?;
    let nodes: Vec<Value> = if all_have_ids {
        match data.remove("nodes") {
            Some(Value::Array(nodes)) => nodes,
            _ => return Err(exchange.unreadable(&ask, "data.nodes is no list".to_owned())),
        }
    } else {
        (0..keys.len()).map(|index| data.remove(&format!("r{index}")).unwrap_or(Value::Null)).collect()
    };
    if nodes.len() != keys.len() {
        let reason = format!("data.nodes has {} entries for {} ids", nodes.len(), keys.len());
        return Err(exchange.unreadable(&ask, reason));
    }
    let mut sights = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.into_iter().enumerate() {
        if node.is_null() {
            // Without a word of it being gone, null means that something broke: no reason to give a repository up.
            match errors.iter().find(|error| is_about(error, index)) {
                Some(error) if !is_gone(error) => {
                    return Err(exchange.unreadable(&ask, format!("{}: {}", keys[index].full_name, error.message)));
                }
                Some(_) => sights.push(Sight::Gone(GoneReason::NotFound)),
                None if errors.is_empty() => sights.push(Sight::Gone(GoneReason::NotFound)),
                None => return Err(exchange.unreadable(&ask, errors[0].message.clone())),
            }
            continue;
        }
        let node: Node = serde_path_to_error::deserialize(&node)
            .map_err(|error| exchange.unreadable(&ask, format!("data.nodes[{index}].{error}")))?;
        let facts = node.into_facts();
        let facts =
            facts.ok_or_else(|| exchange.unreadable(&ask, format!("data.nodes[{index}].databaseId is missing")))?;
        sights.push(Sight::Here(Box::new(facts)));
    }
    Ok(sights)
}

/// Whether an error is about the repository at this place: its path is `nodes, 7` or `r7`.
fn is_about(error: &GraphqlError, index: usize) -> bool {
    use octocrab::GraphqlPathSegment::{Path, Position};
    match error.path.as_deref() {
        Some([Path(nodes), Position(at), ..]) => nodes == "nodes" && *at == index,
        Some([Path(alias), ..]) => *alias == format!("r{index}"),
        _ => false,
    }
}

fn is_gone(error: &GraphqlError) -> bool {
    error.message.contains("Could not resolve to")
}

fn by_node(keys: &[Key]) -> (String, Value) {
    let ids: Vec<&str> = keys.iter().filter_map(|key| key.node_id.as_deref()).collect();
    let query = format!("query($ids: [ID!]!) {{ rateLimit {{ cost }} nodes(ids: $ids) {{ ...facts }} }} {FIELDS}");
    (query, json!({ "ids": ids }))
}

fn by_name(keys: &[Key]) -> (String, Value) {
    let mut heads = Vec::new();
    let mut fields = String::new();
    let mut variables = Map::new();
    for (index, key) in keys.iter().enumerate() {
        let (owner, name) = key.full_name.split_once('/').unwrap_or((&key.full_name, ""));
        heads.push(format!("$o{index}: String!, $n{index}: String!"));
        fields.push_str(&format!(" r{index}: repository(owner: $o{index}, name: $n{index}) {{ ...facts }}"));
        variables.insert(format!("o{index}"), owner.into());
        variables.insert(format!("n{index}"), name.into());
    }
    let query = format!("query({}) {{ rateLimit {{ cost }}{fields} }} {FIELDS}", heads.join(", "));
    (query, Value::Object(variables))
}

/// Beside REST: `https://api.github.com/graphql`, `https://host/api/graphql`.
fn endpoint(base: &Url) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/v3").unwrap_or(path);
    url.set_path(&format!("{path}/graphql"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_stands_beside_rest() {
        for (base, expected) in [
            ("https://api.github.com", "https://api.github.com/graphql"),
            ("https://ghe.corp/api/v3/", "https://ghe.corp/api/graphql"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1/graphql"),
        ] {
            assert_eq!(endpoint(&Url::parse(base).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn names_go_as_variables_whatever_they_hold() {
        let key = Key { full_name: "a\"b/c d".to_owned(), ..Key::default() };
        let (query, variables) = by_name(&[key]);
        assert!(query.contains("r0: repository(owner: $o0, name: $n0)") && !query.contains("a\"b"), "{query}");
        assert_eq!(variables, json!({ "o0": "a\"b", "n0": "c d" }));
    }
}
