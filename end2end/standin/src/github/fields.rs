//! The fields of GitHub's GraphQL types that a GitOps observatory reads, with GitHub's names and rules.

use graphql_parser::Pos;
use serde_json::{Map, Value, json};

use crate::forge::Forge;
use crate::gate::Caller;
use crate::limits::Budget;
use crate::world::{Access, Repository, World};

use super::problem::Problem;
use super::visible;
use super::wire::{moment, node_id, owner_letter, repository_of_node};

/// More ids than this GitHub does not look up at once.
const MOST_NODES: usize = 100;

/// What a run can see.
pub(super) struct Scope<'s> {
    pub(super) forge: &'s Forge,
    pub(super) world: &'s World,
    pub(super) caller: Caller,
    pub(super) budget: Budget,
}

/// A thing with fields.
pub(super) enum Node<'w> {
    Query,
    RateLimit,
    Repository(&'w Repository),
    Owner(&'w Repository),
    /// A connection of which only the number is told: its type and the number.
    Counted(&'static str, u64),
    Topics(&'w Repository, usize),
    RepositoryTopic(&'w Repository, &'w str),
    Topic(&'w str),
    License(&'w Repository),
    Language(&'w str),
    Branch(&'w Repository),
}

/// What a field holds.
pub(super) enum Answer<'w> {
    Value(Value),
    Null,
    /// Null, and an error that says so.
    Missing(String),
    /// A thing, and the type that its fields are looked up in.
    One(Node<'w>, &'static str),
    Many(Vec<Result<Node<'w>, String>>, &'static str),
}

impl Node<'_> {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::RateLimit => "RateLimit",
            Self::Repository(_) => "Repository",
            Self::Owner(one) if one.organization => "Organization",
            Self::Owner(_) => "User",
            Self::Counted(name, _) => name,
            Self::Topics(..) => "RepositoryTopicConnection",
            Self::RepositoryTopic(..) => "RepositoryTopic",
            Self::Topic(_) => "Topic",
            Self::License(_) => "License",
            Self::Language(_) => "Language",
            Self::Branch(_) => "Ref",
        }
    }

    /// Whether it is of a type, or has an interface.
    pub(super) fn is(&self, name: &str) -> bool {
        name == self.type_name()
            || match self {
                Self::Repository(_) => {
                    matches!(name, "Node" | "RepositoryInfo" | "Starrable" | "UniformResourceLocatable")
                }
                Self::Owner(_) => matches!(name, "Node" | "RepositoryOwner" | "Actor" | "UniformResourceLocatable"),
                Self::License(_) | Self::Language(_) | Self::Topic(_) | Self::Branch(_) => name == "Node",
                _ => false,
            }
    }
}

/// Which of a type's fields an interface lends.
const INTERFACES: &[(&str, &[&str])] = &[
    ("Node", &["id"]),
    ("RepositoryOwner", &["avatarUrl", "id", "login", "resourcePath", "url"]),
    ("Actor", &["avatarUrl", "login", "resourcePath", "url"]),
    ("UniformResourceLocatable", &["resourcePath", "url"]),
    ("Starrable", &["id", "stargazerCount"]),
];

impl<'s> Scope<'s> {
    /// A field of a thing.
    pub(super) fn resolve(
        &self,
        node: &Node<'s>,
        seen_as: &str,
        field: &str,
        arguments: &Map<String, Value>,
        at: Pos,
    ) -> Result<Answer<'s>, Problem> {
        let unknown = || Problem::invalid(format!("Field '{field}' doesn't exist on type '{seen_as}'"), at);
        if INTERFACES.iter().any(|(name, fields)| *name == seen_as && !fields.contains(&field)) {
            return Err(unknown());
        }
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let answer = match node {
            Node::Query => match field {
                "nodes" => return self.nodes(arguments, at),
                "node" => match text("id").and_then(repository_of_node).and_then(|id| self.repository(id)) {
                    Some(found) => Answer::One(Node::Repository(found), "Node"),
                    None => Answer::Missing(no_node(text("id").unwrap_or_default())),
                },
                "repository" => {
                    let (Some(owner), Some(name)) = (text("owner"), text("name")) else {
                        let message = "Field 'repository' is missing required arguments: owner, name";
                        return Err(Problem::invalid(message, at));
                    };
                    let name = format!("{owner}/{name}");
                    match self.world.by_name(&name).and_then(|found| self.repository(found.id)) {
                        Some(found) => Answer::One(Node::Repository(found), "Repository"),
                        None => Answer::Missing(format!("Could not resolve to a Repository with the name '{name}'.")),
                    }
                }
                "rateLimit" => Answer::One(Node::RateLimit, "RateLimit"),
                _ => return Err(unknown()),
            },
            Node::RateLimit => Answer::Value(match field {
                "limit" => json!(self.budget.limit),
                // Written anew when the run is over and its cost is known.
                "cost" => json!(1),
                "remaining" => json!(self.budget.remaining()),
                "used" => json!(self.budget.used),
                "resetAt" => json!(moment(self.budget.reset + chrono::Duration::seconds(1))),
                "nodeCount" => json!(0),
                _ => return Err(unknown()),
            }),
            Node::Repository(one) => return self.of_repository(one, field, arguments, at).ok_or_else(unknown)?,
            Node::Owner(one) => Answer::Value(match field {
                "login" => json!(one.owner),
                "id" => json!(node_id(owner_letter(one), one.owner_id())),
                "databaseId" => json!(one.owner_id()),
                "url" => json!(format!("{}/{}", self.forge.url(), one.owner)),
                "resourcePath" => json!(format!("/{}", one.owner)),
                "avatarUrl" => json!(format!("{}/avatars/u/{}?v=4", self.forge.url(), one.owner_id())),
                _ => return Err(unknown()),
            }),
            Node::Counted(_, number) if field == "totalCount" => Answer::Value(json!(number)),
            Node::Topics(one, first) => match field {
                "totalCount" => Answer::Value(json!(one.topics.len())),
                "nodes" => {
                    let nodes = one.topics.iter().take(*first).map(|topic| Ok(Node::RepositoryTopic(one, topic)));
                    Answer::Many(nodes.collect(), "RepositoryTopic")
                }
                _ => return Err(unknown()),
            },
            Node::RepositoryTopic(one, topic) => match field {
                "id" => Answer::Value(json!(node_id("RT", one.id))),
                "url" => Answer::Value(json!(format!("{}/topics/{topic}", self.forge.url()))),
                "topic" => Answer::One(Node::Topic(topic), "Topic"),
                _ => return Err(unknown()),
            },
            Node::Topic(topic) if field == "name" => Answer::Value(json!(topic)),
            Node::License(one) => {
                let Some((spdx, key, name, id)) = one.license_row() else { return Ok(Answer::Null) };
                Answer::Value(match field {
                    "spdxId" => json!(spdx),
                    "key" => json!(key),
                    "name" => json!(name),
                    "id" => json!(id),
                    _ => return Err(unknown()),
                })
            }
            Node::Language(name) if field == "name" => Answer::Value(json!(name)),
            Node::Branch(one) if field == "name" => Answer::Value(json!(one.default_branch)),
            Node::Counted(..) | Node::Topic(_) | Node::Language(_) | Node::Branch(_) => return Err(unknown()),
        };
        Ok(answer)
    }

    fn repository(&self, id: u64) -> Option<&'s Repository> {
        let found = self.world.by_id(id)?;
        (visible(found, self.caller) && found.state != Access::Blocked).then_some(found)
    }

    fn nodes(&self, arguments: &Map<String, Value>, at: Pos) -> Result<Answer<'s>, Problem> {
        let Some(Value::Array(ids)) = arguments.get("ids") else {
            return Err(Problem::invalid("Field 'nodes' is missing required arguments: ids", at));
        };
        if ids.len() > MOST_NODES {
            let message = format!("You may not provide more than {MOST_NODES} node ids; you provided {}.", ids.len());
            return Err(Problem { kind: Some("ARGUMENT_LIMIT"), message, at, path: Vec::new() });
        }
        let nodes = ids.iter().map(|id| {
            let id = id.as_str().unwrap_or_default();
            let found = repository_of_node(id).and_then(|number| self.repository(number));
            found.map(Node::Repository).ok_or_else(|| no_node(id))
        });
        Ok(Answer::Many(nodes.collect(), "Node"))
    }

    /// `None` for a field that a repository does not have.
    fn of_repository(
        &self,
        one: &'s Repository,
        field: &str,
        arguments: &Map<String, Value>,
        at: Pos,
    ) -> Option<Result<Answer<'s>, Problem>> {
        let web = format!("{}/{}", self.forge.url(), one.full_name());
        let private = one.state == Access::Private;
        Some(Ok(match field {
            "id" => Answer::Value(json!(node_id("R", one.id))),
            "databaseId" => Answer::Value(json!(one.id)),
            "name" => Answer::Value(json!(one.name)),
            "nameWithOwner" => Answer::Value(json!(one.full_name())),
            "owner" => Answer::One(Node::Owner(one), "RepositoryOwner"),
            "description" => Answer::Value(json!(one.description)),
            "url" => Answer::Value(json!(web)),
            "resourcePath" => Answer::Value(json!(format!("/{}", one.full_name()))),
            "sshUrl" => Answer::Value(json!(format!("git@forge:{}.git", one.full_name()))),
            "homepageUrl" => Answer::Value(json!(one.homepage)),
            "stargazerCount" => Answer::Value(json!(one.stars)),
            "forkCount" => Answer::Value(json!(one.forks)),
            "diskUsage" => Answer::Value(json!(one.size_kb)),
            "pushedAt" => Answer::Value(json!(moment(one.pushed_at))),
            "createdAt" => Answer::Value(json!(moment(one.created_at))),
            "updatedAt" => Answer::Value(json!(moment(one.updated_at))),
            "isArchived" => Answer::Value(json!(one.archived)),
            "isFork" => Answer::Value(json!(one.fork)),
            "isPrivate" => Answer::Value(json!(private)),
            "isDisabled" | "isLocked" | "isMirror" | "isTemplate" => Answer::Value(json!(false)),
            "visibility" => Answer::Value(json!(if private { "PRIVATE" } else { "PUBLIC" })),
            "stargazers" => Answer::One(Node::Counted("StargazerConnection", one.stars), "StargazerConnection"),
            "watchers" => Answer::One(Node::Counted("UserConnection", one.subscribers), "UserConnection"),
            "forks" => Answer::One(Node::Counted("RepositoryConnection", one.forks), "RepositoryConnection"),
            // The stand-in's repositories have open issues and pull requests only.
            "issues" => {
                let count = if shows_open(arguments) { one.open_issues } else { 0 };
                Answer::One(Node::Counted("IssueConnection", count), "IssueConnection")
            }
            "pullRequests" => {
                let count = if shows_open(arguments) { one.open_pulls } else { 0 };
                Answer::One(Node::Counted("PullRequestConnection", count), "PullRequestConnection")
            }
            "repositoryTopics" => {
                let first = arguments.get("first").or_else(|| arguments.get("last")).and_then(Value::as_u64);
                match first {
                    Some(first @ 1..=100) => {
                        let first = usize::try_from(first).unwrap_or_default();
                        Answer::One(Node::Topics(one, first), "RepositoryTopicConnection")
                    }
                    Some(many) => {
                        let message = format!(
                            "Requesting {many} records on the `repositoryTopics` connection exceeds the `first` limit of 100 records."
                        );
                        return Some(Err(Problem {
                            kind: Some("EXCESSIVE_PAGINATION"),
                            message,
                            at,
                            path: Vec::new(),
                        }));
                    }
                    None => {
                        let message = "You must provide a `first` or `last` value to properly paginate the `repositoryTopics` connection.".to_owned();
                        return Some(Err(Problem {
                            kind: Some("MISSING_PAGINATION_BOUNDARIES"),
                            message,
                            at,
                            path: Vec::new(),
                        }));
                    }
                }
            }
            "licenseInfo" if one.license_row().is_some() => Answer::One(Node::License(one), "License"),
            "primaryLanguage" => match &one.language {
                Some(language) => Answer::One(Node::Language(language), "Language"),
                None => Answer::Null,
            },
            "defaultBranchRef" => Answer::One(Node::Branch(one), "Ref"),
            "licenseInfo" => Answer::Null,
            _ => return None,
        }))
    }
}

/// Whether open issues are among the states that were asked for; all of them without the argument.
fn shows_open(arguments: &Map<String, Value>) -> bool {
    match arguments.get("states") {
        Some(Value::Array(states)) => states.iter().any(|state| state == "OPEN"),
        Some(Value::String(state)) => state == "OPEN",
        _ => true,
    }
}

fn no_node(id: &str) -> String {
    format!("Could not resolve to a node with the global id of '{id}'")
}
