//! Who asks a server that listens, and what is stored there.

use std::time::Duration;

use axum::http::{Method, Request, header};
use chrono::{TimeDelta, Utc};
use entity::input::RepositoryFacts;
use entity::kind::{JobKind, JobRequest, Priority, Provider, RequestedBy};
use serde_json::Value;
use store::{
    discovery::{self, Asked},
    ecosystem,
    queue::Outcome,
    schedules::{self, PlannedSchedule},
    workers::{self, FoundWorker},
};
use url::form_urlencoded;
use uuid::Uuid;

use super::super::people::PASSWORD;
use crate::support::{Answer, Change, Listening, Manifest, RepositoryBuilder, TestApp};

pub const LOGIN: &str = "/api/v1/login/access-token";
/// A schedule that is there.
pub const SCHEDULE: &str = "prune";
const LEASE: Duration = Duration::from_mins(1);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    SignedOut,
    /// Somebody whose token does not work.
    Mistaken,
    User,
    Superuser,
}

impl Who {
    /// Who may change something comes last.
    pub const ALL: [Self; 4] = [Self::SignedOut, Self::Mistaken, Self::User, Self::Superuser];

    /// Who they say they are where they sign in.
    pub fn email(self) -> &'static str {
        match self {
            Self::Superuser => "grace@example.org",
            Self::SignedOut | Self::Mistaken | Self::User => "ada@example.org",
        }
    }

    /// Each has an address of their own: from one, few may try to sign in.
    fn address(self) -> &'static str {
        match self {
            Self::SignedOut => "203.0.113.1",
            Self::Mistaken => "203.0.113.2",
            Self::User => "203.0.113.3",
            Self::Superuser => "203.0.113.4",
        }
    }
}

/// A server that listens, and the tokens that it gave.
pub struct Server {
    listening: Listening,
    user: Option<String>,
    superuser: Option<String>,
}

impl Server {
    /// Both sign in with the form that the description has a schema of.
    pub async fn start(app: &TestApp, anonymous_read: bool, form: &Value) -> Self {
        let more = "trusted_proxies: [127.0.0.1], rate_limits: {enabled: false}";
        let listening = app.listen(&format!("{{anonymous_read: {anonymous_read}, {more}}}")).await;
        let mut server = Self { listening, user: None, superuser: None };
        server.user = Some(server.sign_in(Who::User, form).await);
        server.superuser = Some(server.sign_in(Who::Superuser, form).await);
        server
    }

    async fn sign_in(&self, who: Who, form: &Value) -> String {
        let answer = self.ask(&Method::POST, LOGIN, who, Some(&sign_in_form(form, who))).await;
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    }

    /// Asks as somebody, with a form where one is given.
    pub async fn ask(&self, verb: &Method, path: &str, who: Who, form: Option<&str>) -> Answer {
        let mut request = Request::builder().method(verb.clone()).uri(path).header("x-forwarded-for", who.address());
        let token = match who {
            Who::SignedOut => None,
            Who::Mistaken => Some("no-token"),
            Who::User => self.user.as_deref(),
            Who::Superuser => self.superuser.as_deref(),
        };
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        self.listening.send(request.body(form.unwrap_or_default().to_owned()).unwrap()).await
    }
}

/// What a client of the v1 API sends to sign in: every field of the form, most of them empty.
pub fn sign_in_form(schema: &Value, who: Who) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for name in schema["properties"].as_object().unwrap().keys() {
        let given = match name.as_str() {
            "username" => who.email(),
            "password" => PASSWORD,
            "grant_type" => "password",
            _ => "",
        };
        form.append_pair(name, given);
    }
    form.finish()
}

/// What is asked for where something is stored.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub repository: Uuid,
    pub task: Uuid,
}

impl World {
    /// A repository with changes of the last days and what its forge tells, jobs in every state, a worker, a schedule, statistics.
    pub async fn store(app: &TestApp) -> Self {
        let (db, now) = (&app.state.db, Utc::now());
        let release = |version| Manifest::release("podinfo", version);
        let added = vec![Change::Create(release("6.0.0")), Change::Create(Manifest::deployment("web", "nginx"))];
        let repository = RepositoryBuilder::new("ada/home-ops")
            .added()
            .commit_at(now - TimeDelta::days(2), "Add two", added)
            .commit_at(now - TimeDelta::days(1), "Bump podinfo", vec![Change::Modify(release("6.1.0"))])
            .store(app)
            .await;
        // One of which nothing more is known.
        RepositoryBuilder::new("eve/idle").added().store(app).await;
        let facts = facts();
        discovery::record_facts(&db.write, repository, &facts, Asked::ForItself, now).await.unwrap();
        discovery::record_tags(&db.write, repository, &["k8s-at-home".to_owned()]).await.unwrap();
        discovery::record_metrics(&db.write, repository, &facts, now).await.unwrap();
        ecosystem::aggregate(db, now).await.unwrap();

        let worker = FoundWorker {
            id: "w-0".to_owned(),
            role: "all",
            host: "box".to_owned(),
            pid: 7,
            version: "1.2.3",
            started_at: now,
            capacity: 4,
            disk_limit_bytes: None,
        };
        workers::record_worker(&db.write, &worker, now).await.unwrap();
        let (kind, next) = (JobKind::Prune, Some(now + TimeDelta::hours(1)));
        let cron = "45 3 * * *".to_owned();
        let planned = PlannedSchedule { name: SCHEDULE, kind, cron, enabled: true, next_run_at: next };
        schedules::upsert_schedules(&db.write, &[planned]).await.unwrap();

        let (queue, asked) = (&app.state.queue, now - TimeDelta::minutes(1));
        let run = async |request: JobRequest, outcome: Option<Outcome>| {
            let job = queue.enqueue(&request, RequestedBy::Api, Priority::ROUTINE, asked).await.unwrap();
            let claimed = queue.claim("w-0", JobKind::ALL, now, LEASE).await.unwrap().unwrap();
            assert_eq!(claimed.id, job);
            if let Some(outcome) = outcome {
                queue.finish(job, "w-0", outcome, now).await.unwrap();
            }
            job
        };
        let sync = JobRequest::SyncRepository { repository_id: repository };
        run(sync, Some(Outcome::Succeeded("fetched".to_owned()))).await;
        let task = run(JobRequest::RefreshMetrics, Some(Outcome::GiveUp("no such host".to_owned()))).await;
        run(JobRequest::CleanupRepositoryWorkdirs, None).await;
        let later = now + TimeDelta::hours(1);
        queue
            .enqueue_at(&app.state.db.write, &JobRequest::SendMail, RequestedBy::Api, Priority::ROUTINE, now, later)
            .await
            .unwrap();
        Self { repository, task }
    }
}

/// A repository of which something is asked for that changes it, in the state that this wants.
pub async fn subject(app: &TestApp, operation: &str) -> Uuid {
    let name = format!("kim/{}", Uuid::now_v7().simple());
    let id = RepositoryBuilder::new(&name).added().store(app).await;
    if operation.ends_with("/approve") {
        discovery::block(&app.state.db.write, id, "by hand").await.unwrap();
    }
    id
}

fn facts() -> RepositoryFacts {
    let now = Utc::now();
    RepositoryFacts {
        host: "github.com".to_owned(),
        provider: Provider::Github,
        // Larger than 32 bits hold.
        forge_id: 5_000_000_000,
        node_id: None,
        owner: "ada".to_owned(),
        name: "home-ops".to_owned(),
        full_name: "ada/home-ops".to_owned(),
        clone_url: "https://github.com/ada/home-ops.git".to_owned(),
        web_url: Some("https://github.com/ada/home-ops".to_owned()),
        description: Some("Clusters at home".to_owned()),
        language: Some("Jinja".to_owned()),
        topics: vec!["k8s-at-home".to_owned(), "kubernetes".to_owned()],
        license_name: Some("MIT License".to_owned()),
        default_branch: Some("main".to_owned()),
        created_at: Some(now - TimeDelta::days(30)),
        updated_at: Some(now),
        pushed_at: Some(now),
        stars: 12,
        forks: Some(3),
        watchers: Some(2),
        open_issues: Some(1),
        size_kb: Some(64),
        is_archived: false,
        is_fork: false,
        is_private: false,
    }
}
