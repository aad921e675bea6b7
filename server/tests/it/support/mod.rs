//! A whole server without a socket, on a database of its own, with data that builders made.

mod data;
mod program;
mod schema;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use chrono::{DateTime, TimeZone as _, Utc};
use entity::kind::{Permission, Role};
use entity::view::FieldChange;
use migration::{Migrator, MigratorTrait as _};
use serde_json::Value;
use server::{
    state::AppState,
    web::{self, assets::Site, seats::Seats},
};
use store::{
    accounts::{NewAccount, NewToken},
    db::{ConnectionTrait as _, Db, DbSettings, Engine},
    queue::JobQueue,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

pub use data::{Change, Manifest, RepositoryBuilder, commit_id};
pub use program::{Program, address_in};
pub use schema::{errors_of, operations};

/// Names a server with databases in which tests may make their own; PostgreSQL is left out without it.
const POSTGRES: &str = "KUBESTATS_TEST_POSTGRES_URL";

/// Marks a request of somebody who did not sign in.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

/// A server with its database.
pub struct TestApp {
    pub state: AppState,
    /// Opens everything.
    pub token: String,
    /// Where the database is, for another process' view of it.
    pub url: String,
    router: Router,
    /// The file of SQLite; gone when the test ends.
    _folder: Option<tempfile::TempDir>,
    /// The database on a PostgreSQL server, dropped when the test ends well.
    drop: Option<(Db, String)>,
}

/// A server that listens; it stops when this is dropped.
pub struct Listening {
    pub address: std::net::SocketAddr,
    client: reqwest::Client,
    _stop: tokio_util::sync::DropGuard,
}

impl Listening {
    /// Asks as a program does, over a connection; answers of the API must be as its description says.
    pub async fn send(&self, request: Request<String>) -> Answer {
        let (parts, body) = request.into_parts();
        let asked = self.client.request(parts.method.clone(), format!("http://{}{}", self.address, parts.uri));
        let response = asked.headers(parts.headers).body(body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, body: response.bytes().await.unwrap() };
        schema::check(&parts.method, parts.uri.path(), &answer);
        answer
    }
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Values of one field in the list's rows.
    pub fn column(&self, field: &str) -> Vec<String> {
        let body = self.json();
        let rows = body["data"].as_array().unwrap_or_else(|| panic!("no list: {body}"));
        rows.iter().map(|row| row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned)).collect()
    }

    /// The list's true total.
    pub fn count(&self) -> u64 {
        self.json()["count"].as_u64().unwrap()
    }
}

/// Runs a test on SQLite only.
pub async fn on_sqlite(test: impl AsyncFn(&TestApp)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let app = TestApp::start(&url, Some(folder), None).await;
    test(&app).await;
    app.stop().await;
}

/// Runs a test on SQLite and, where a server is named, on PostgreSQL.
pub async fn on_each_engine(test: impl AsyncFn(&TestApp)) {
    on_sqlite(&test).await;

    let Ok(server) = std::env::var(POSTGRES) else {
        println!("skipped on PostgreSQL: {POSTGRES} is not set");
        return;
    };
    let admin = Db::connect(&DbSettings::new(&server)).await.unwrap();
    let name = format!("kubestats_it_{}", Uuid::now_v7().simple());
    admin.write.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    let app = TestApp::start(url.as_str(), None, Some((admin, name))).await;
    test(&app).await;
    app.stop().await;
}

/// Seals what tests keep secret.
pub const KEYS: fn() -> auth::seal::Keys = || auth::seal::Keys::new([7; 32], None);

/// The account that may do everything.
const ADMIN: &str = "admin@example.org";

/// An account that may do everything, and a token of it; no password has to be computed for that.
async fn admin_token(db: &Db) -> String {
    let account = match store::accounts::find_credentials_by_email(&db.read, ADMIN).await.unwrap() {
        Some(found) => found.id,
        None => {
            let new = NewAccount {
                email: ADMIN.to_owned(),
                full_name: None,
                role: Role::Admin.as_str().to_owned(),
                password_hash: None,
            };
            store::accounts::insert_account(&db.write, &new, day(1)).await.unwrap()
        }
    };
    let minted = auth::token::mint();
    let token = NewToken {
        account_id: account,
        token_hash: minted.hash,
        name: "tests".to_owned(),
        scopes: vec![Permission::Admin],
        repositories: Vec::new(),
        expires_at: None,
    };
    store::accounts::insert_token(&db.write, &token, day(1)).await.unwrap();
    minted.text.to_string()
}

/// A place for one more database of an engine, empty; dropped when the test ends well.
pub struct Place {
    pub url: String,
    _folder: Option<tempfile::TempDir>,
    drop: Option<(Db, String)>,
}

impl Place {
    /// On the engine that the app uses, and of PostgreSQL on its server.
    pub async fn beside(app: &TestApp) -> Self {
        if app.state.db.engine == Engine::Sqlite {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("data/test.db").display());
            return Self { url, _folder: Some(folder), drop: None };
        }
        let admin = Db::connect(&DbSettings::new(std::env::var(POSTGRES).unwrap())).await.unwrap();
        let name = format!("kubestats_it_{}", Uuid::now_v7().simple());
        admin.write.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let mut url = url::Url::parse(&app.url).unwrap();
        url.set_path(&name);
        Self { url: url.to_string(), _folder: None, drop: Some((admin, name)) }
    }

    pub async fn remove(self) {
        if let Some((admin, name)) = self.drop {
            admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            admin.close().await.unwrap();
        }
    }
}

/// Gives a program that a test starts its first account.
pub fn with_first_account(program: &mut std::process::Command) {
    program.env("FIRST_SUPERUSER", "ada@example.org").env("FIRST_SUPERUSER_PASSWORD", "violet anchor timber seventeen");
}

/// Signs in at such a program; what requests have to say is `Bearer` and this.
pub async fn access_token(address: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = "username=ada@example.org&password=violet+anchor+timber+seventeen";
    let asked = client.post(format!("http://{address}/api/v1/login/access-token")).body(form);
    let answer = asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let text = answer.text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Searches nothing, lets nobody add what leads inside, and listens for its own machine alone.
const TEST_CONFIG: &str = "discovery: {enabled: true, block: [spam/*]}";

fn test_state(config: &str, db: &Db, queue: &JobQueue) -> AppState {
    let config = server::config::parse(std::path::Path::new("test"), config, [].into()).unwrap();
    let providers = server::start::providers(&config).unwrap();
    let state = server::start::state(&config, db, queue, &KEYS(), providers, &CancellationToken::new());
    state.with(|state| {
        state.context.compare = Arc::new(|old: &str, new: &str| {
            vec![FieldChange { path: "text".to_owned(), old: Some(old.to_owned()), new: Some(new.to_owned()) }]
        });
        state.site = Arc::new(Site::Missing);
        state.seats = Seats::new(2);
    })
}

/// Noon on a day of January 2026, the time in which all test data lives.
pub fn day(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, day, 12, 0, 0).unwrap()
}

impl TestApp {
    async fn start(url: &str, folder: Option<tempfile::TempDir>, drop: Option<(Db, String)>) -> Self {
        let mut settings = DbSettings::new(url);
        settings.max_connections = 6;
        let db = Db::connect(&settings).await.unwrap();
        Migrator::up(&db.write, None).await.unwrap();
        let queue = JobQueue::new(db.clone());
        let state = test_state(TEST_CONFIG, &db, &queue);
        let token = admin_token(&db).await;
        Self { router: web::router(state.clone()), state, token, url: url.to_owned(), _folder: folder, drop }
    }

    /// The same with discovery switched off.
    pub fn without_discovery(&self) -> Self {
        self.with_config("discovery: {enabled: false}")
    }

    /// The same with another configuration.
    pub fn with_config(&self, config: &str) -> Self {
        let state = test_state(config, &self.state.db, &self.state.queue);
        let token = self.token.clone();
        Self { router: web::router(state.clone()), state, token, url: self.url.clone(), _folder: None, drop: None }
    }

    /// The same with other parts.
    pub fn with_state(&self, state: AppState) -> Self {
        let token = self.token.clone();
        Self { router: web::router(state.clone()), state, token, url: self.url.clone(), _folder: None, drop: None }
    }

    /// The same over another handle on a database.
    pub fn over(&self, db: &Db, config: &str) -> Self {
        let state = test_state(config, db, &JobQueue::new(db.clone()));
        let token = self.token.clone();
        Self { router: web::router(state.clone()), state, token, url: self.url.clone(), _folder: None, drop: None }
    }

    /// Over a database that a test made and migrated.
    pub async fn beside(db: &Db, url: &str) -> Self {
        let state = test_state(TEST_CONFIG, db, &JobQueue::new(db.clone()));
        let token = admin_token(db).await;
        Self { router: web::router(state.clone()), state, token, url: url.to_owned(), _folder: None, drop: None }
    }

    /// Serves as a program does, on a port of this machine, with this `server` section, until it is dropped.
    pub async fn listen(&self, server: &str) -> Listening {
        let config = format!("server: {server}\n{TEST_CONFIG}");
        let state = test_state(&config, &self.state.db, &self.state.queue);
        let config = server::config::parse(std::path::Path::new("test"), &config, [].into()).unwrap();
        let limits = server::start::limits(&config.server).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(web::serve(listener, state, limits, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        Listening { address, client, _stop: stop.drop_guard() }
    }

    async fn stop(self) {
        self.state.db.close().await.unwrap();
        if let Some((admin, name)) = self.drop {
            admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
    }

    /// Whose token opens everything.
    pub async fn admin_id(&self) -> Uuid {
        store::accounts::find_credentials_by_email(&self.state.db.read, ADMIN).await.unwrap().unwrap().id
    }

    /// Sends a request and reads the answer; answers of the API must be as its description says.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let response = self.raw(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = tokio::time::timeout(Duration::from_mins(1), to_bytes(response.into_body(), 64 << 20));
        let answer = Answer { status, headers, body: body.await.unwrap().unwrap() };
        schema::check(&method, &path, &answer);
        answer
    }

    /// Sends a request and gives the answer unread.
    ///
    /// What changes something is asked by an admin's token, unless the request says who asks or has [`Nobody`].
    pub async fn raw(&self, mut request: Request<Body>) -> axum::response::Response {
        let says_who = [header::AUTHORIZATION, header::COOKIE].iter().any(|name| request.headers().contains_key(name));
        let changes = !request.method().is_safe()
            || ["/api/v1/admin/", "/repositories/add", "/repositories/confirm"]
                .iter()
                .any(|own| request.uri().path().starts_with(own));
        if changes && !says_who && request.extensions().get::<Nobody>().is_none() {
            let token = format!("Bearer {}", self.token).parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// Reads a path with headers.
    pub async fn get_with(&self, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(name, *value));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts nothing to a path.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(Request::post(path).body(Body::empty()).unwrap()).await
    }

    /// Reads a path and expects it to be refused; the answer's parts that were refused as `query.limit`.
    pub async fn refused(&self, path: &str) -> Vec<String> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.text());
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        let place = |error: &Value| {
            error["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
        };
        errors.iter().map(place).collect()
    }

    /// Reads a path and expects that nothing is there; the reason.
    pub async fn missing(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        answer.json()["detail"].as_str().unwrap().to_owned()
    }

    /// Reads a path twice: what has not changed is not sent again.
    pub async fn holds_etag(&self, path: &str) {
        let first = self.get(path).await;
        assert_eq!(first.status, StatusCode::OK, "{path}: {}", first.text());
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{path} has the tag {tag:?}");
        let again = self.get_with(path, &[(header::IF_NONE_MATCH, &tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty() && again.header("etag") == tag, "{path}");
        assert_eq!(again.header("vary"), "accept-encoding", "{path}");
        let other = self.get_with(path, &[(header::IF_NONE_MATCH, "\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }

    /// Stores a forge's figures of a repository; what learns them from forges does not exist yet.
    pub async fn store_metrics(&self, repository: Uuid, stars: i64, forks: i64, on: u32) {
        let db = &self.state.db;
        let uuid = |id: Uuid| match db.engine {
            Engine::Sqlite => format!("x'{}'", id.simple()),
            Engine::Postgres => format!("'{id}'"),
        };
        let (id, repository, at) = (uuid(Uuid::now_v7()), uuid(repository), day(on).to_rfc3339());
        let insert = format!(
            "INSERT INTO repositorymetrics (id, repository_id, stars_count, forks_count, watchers_count, \
             open_issues_count, size, kubernetes_resources_count, updated_at, recorded_at) \
             VALUES ({id}, {repository}, {stars}, {forks}, 3, 4, 5, 6, '{at}', '{at}')"
        );
        db.write.execute_unprepared(&insert).await.unwrap();
    }

    /// Sends a request with any method.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}
