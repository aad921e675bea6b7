//! Every operation of the v1 API, asked of a server that listens: who is answered, whether the answer has all that is described,
//! and in which words the others are refused.

use axum::http::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::super::people::person;
use super::asking::{LOGIN, SCHEDULE, Server, Who, World, sign_in_form, subject};
use super::held::Held;
use super::operations::{Mark, Operation, operations};
use super::{NOT_SERVED, contract};
use crate::support::{Answer, TestApp, on_each_engine};
use entity::kind::Role;

/// Requests for work: it is not done yet when they are answered (decision 5).
const ACCEPTED: &[&str] = &[
    "POST /api/v1/ecosystem/trigger-aggregation",
    "POST /api/v1/repositories/discover",
    "POST /api/v1/repositories/sync",
    "POST /api/v1/repositories/{repository_id}/sync",
    "POST /api/v1/tasks/trigger-periodic/{task_name}",
];

/// What is for superusers there and here for whoever may read, as on pages (decisions 5 and 12).
const READ_BY_ALL: &[&str] = &[
    "GET /api/v1/repositories/recent",
    "GET /api/v1/tasks/status/{task_id}",
    "GET /api/v1/tasks/tasks/",
    "GET /api/v1/tasks/workers",
];

/// Where any text may stand in the path: one that is not known is missing, not refused.
const ANY_TEXT: &[&str] = &["POST /api/v1/tasks/trigger-periodic/{task_name}"];

#[tokio::test]
async fn a_running_server_answers_every_operation_as_it_is_described_to_whom_it_is_for() {
    let (description, marks) = (contract("kubestats-v1.openapi.json"), contract("kubestats-v1.md"));
    let (Some(description), Some(marks)) = (description, marks) else { return };
    let document: Value = serde_json::from_str(&description).unwrap();
    let operations = operations(&document, &marks);
    assert!(operations.len() > 25, "only {} operations are described", operations.len());
    let listed = [ACCEPTED, READ_BY_ALL, ANY_TEXT].concat().into_iter().chain(NOT_SERVED.iter().map(|(name, _)| *name));
    let unknown: Vec<&str> = listed.filter(|name| !operations.iter().any(|known| known.name == *name)).collect();
    assert_eq!(unknown, [""; 0], "there are no such operations");
    let opened = |operation: &&Operation<'_>| READ_BY_ALL.contains(&operation.name.as_str());
    assert!(operations.iter().filter(opened).all(|operation| operation.mark == Mark::Superuser), "they are for all");

    on_each_engine(async |app| {
        for who in [Who::User, Who::Superuser] {
            let role = if who == Who::Superuser { Role::Admin } else { Role::User };
            person(app, who.email(), role).await;
        }
        let world = World::store(app).await;
        let form = &document["components"]["schemas"]["Body_login-login_access_token"];
        for anonymous_read in [true, false] {
            let server = Server::start(app, anonymous_read, form).await;
            let mut walk = Walk { app, server, world, form, anonymous_read, held: Held::new(&document) };
            for operation in &operations {
                walk.everybody(operation).await;
                walk.missing(operation).await;
                walk.refused(operation).await;
            }
            let held = walk.held;
            assert!(held.wrong.is_empty(), "anonymous_read: {anonymous_read}:\n{}", held.wrong.join("\n"));
            let served = operations.iter().filter(|operation| !is_not_served(operation));
            let unseen: Vec<String> =
                served.flat_map(|operation| held.unseen(&operation.answer, &operation.name)).collect();
            assert!(unseen.is_empty(), "no answer had these, so that nothing was looked at:\n{}", unseen.join("\n"));
        }
    })
    .await;
}

fn is_not_served(operation: &Operation<'_>) -> bool {
    NOT_SERVED.iter().any(|(name, _)| *name == operation.name)
}

/// What an operation answers somebody.
fn expected(operation: &Operation<'_>, who: Who, anonymous_read: bool) -> StatusCode {
    let name = operation.name.as_str();
    let done = if ACCEPTED.contains(&name) { StatusCode::ACCEPTED } else { StatusCode::OK };
    // How one comes in, and how the program is, is told to everybody.
    let is_open = matches!(operation.path, LOGIN | "/health");
    let is_read_by_all = READ_BY_ALL.contains(&name);
    match (operation.mark, who) {
        (_, Who::Superuser) | (Mark::Public | Mark::User, Who::User) => done,
        (Mark::Superuser, Who::User) if is_read_by_all => done,
        (Mark::Superuser, Who::User) => StatusCode::FORBIDDEN,
        (Mark::Public, Who::SignedOut | Who::Mistaken) if is_open => done,
        (_, Who::Mistaken) => StatusCode::FORBIDDEN,
        (Mark::Public, Who::SignedOut) if anonymous_read => done,
        (Mark::Superuser, Who::SignedOut) if is_read_by_all && anonymous_read => done,
        (_, Who::SignedOut) => StatusCode::UNAUTHORIZED,
    }
}

/// One server, and what came of asking it.
struct Walk<'w> {
    app: &'w TestApp,
    server: Server,
    world: World,
    form: &'w Value,
    anonymous_read: bool,
    held: Held<'w>,
}

impl Walk<'_> {
    /// An operation, asked by everybody.
    async fn everybody(&mut self, operation: &Operation<'_>) {
        let is_changed = operation.verb != Method::GET && operation.path.contains("{repository_id}");
        let repository = match is_changed {
            true => subject(self.app, &operation.name).await,
            false => self.world.repository,
        };
        let path = place(operation, &repository.to_string(), &self.world.task.to_string(), SCHEDULE);
        for who in Who::ALL {
            let form = operation.described.get("requestBody").map(|_| sign_in_form(self.form, who));
            let answer = self.server.ask(&operation.verb, &path, who, form.as_deref()).await;
            if is_not_served(operation) {
                let is_missing = matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
                self.expect(who != Who::Superuser || is_missing, &operation.name, who, &answer);
                continue;
            }
            let expected = expected(operation, who, self.anonymous_read);
            self.expect(answer.status == expected, &operation.name, who, &answer);
            if answer.status.is_success() {
                self.held.hold(&operation.answer, &answer.json(), &operation.name);
                let is_watched = answer.header("location").starts_with("/api/v1/jobs/");
                self.expect(is_watched == (expected == StatusCode::ACCEPTED), &operation.name, who, &answer);
            } else {
                self.expect(is_told(who, &answer), &operation.name, who, &answer);
            }
        }
    }

    /// The same of something that is not there.
    async fn missing(&mut self, operation: &Operation<'_>) {
        if !operation.path.contains('{') || is_not_served(operation) {
            return;
        }
        let id = Uuid::now_v7().to_string();
        let answer = self.ask(operation, &place(operation, &id, &id, "dance")).await;
        let text = match operation.path {
            path if path.contains("{repository_id}") => "Repository not found",
            path if path.contains("{task_id}") => "Task not found",
            _ => "Periodic task 'dance' not found",
        };
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        let is_told = answer.status == StatusCode::NOT_FOUND && detail.starts_with(text);
        self.expect(is_told, &operation.name, Who::Superuser, &answer);
    }

    /// The same with something that can't be taken, where anything can be sent. What is wrong is listed in `errors`.
    async fn refused(&mut self, operation: &Operation<'_>) {
        let described = operation.described;
        let is_told = !described["responses"]["422"].is_null();
        if !is_told || is_not_served(operation) || ANY_TEXT.contains(&operation.name.as_str()) {
            return;
        }
        let parameters = || described["parameters"].as_array().into_iter().flatten();
        let queried = |name: &Value| {
            let path = place(operation, "", "", "");
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("{path}{separator}{}=x", name.as_str().unwrap())
        };
        let number = parameters().find(|parameter| parameter["schema"]["type"] == "integer");
        let answer = match number.or_else(|| parameters().next()) {
            _ if operation.path.contains("_id}") => self.ask(operation, &place(operation, "none", "none", "")).await,
            Some(parameter) => self.ask(operation, &queried(&parameter["name"])).await,
            None => {
                let form = Some("username=ada%40example.org");
                self.server.ask(&operation.verb, operation.path, Who::Superuser, form).await
            }
        };
        let wrong = answer.json()["errors"].as_array().cloned().unwrap_or_default();
        let is_refused = answer.status == StatusCode::UNPROCESSABLE_ENTITY && !wrong.is_empty();
        self.expect(is_refused, &operation.name, Who::Superuser, &answer);
        let schema = self.held.refusal();
        for wrong in &wrong {
            self.held.hold(&schema, wrong, &format!("{} refused", operation.name));
        }
    }

    async fn ask(&self, operation: &Operation<'_>, path: &str) -> Answer {
        self.server.ask(&operation.verb, path, Who::Superuser, None).await
    }

    fn expect(&mut self, fits: bool, name: &str, who: Who, answer: &Answer) {
        if !fits {
            let told: String = answer.text().chars().take(300).collect();
            self.held.wrong.push(format!(
                "{name} as {who:?}: {} {:?} {told}",
                answer.status,
                answer.header("location")
            ));
        }
    }
}

/// Where an operation is asked, with what has to be given.
fn place(operation: &Operation<'_>, repository: &str, task: &str, schedule: &str) -> String {
    let path = operation.path.replace("{repository_id}", repository).replace("{task_id}", task);
    let path = path.replace("{task_name}", schedule);
    assert!(!path.contains('{'), "say what stands in {path}");
    let wanted = operation.described["parameters"].as_array().into_iter().flatten();
    let wanted = wanted.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
    let given = wanted.map(|parameter| match parameter["name"].as_str() {
        Some("q") => "q=home",
        _ => panic!("say what {parameter} is"),
    });
    let given = given.collect::<Vec<_>>().join("&");
    if given.is_empty() { path } else { format!("{path}?{given}") }
}

/// Whether somebody is refused in the words that clients know, and a stranger is told how to say who they are.
fn is_told(who: Who, answer: &Answer) -> bool {
    let told = answer.json();
    let detail = told["detail"].as_str().unwrap_or_default();
    match who {
        Who::SignedOut => detail == "Not authenticated" && answer.header("www-authenticate") == "Bearer",
        Who::Mistaken => detail == "Could not validate credentials",
        Who::User | Who::Superuser => detail.starts_with("The user doesn't have enough privileges"),
    }
}
