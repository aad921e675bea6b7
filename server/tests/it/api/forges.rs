//! Forges' tokens that admins enter: tried, kept sealed, used by every process, and told to nobody.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use actions::{
    mail::Content,
    secrets::{Resealed, purpose, reseal},
};
use auth::seal::Keys;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::{MailKind, Provider, Role};
use forge::Sight;
use sea_orm::Statement;
use serde_json::{Value, json};
use server::{clock, forges::Forges};
use standin::{Access, Generator, Limits, Options, PRIVATE_TOKEN, Person, Standin, TOKEN};
use store::{
    accounts::{self, NewAccount},
    db::ConnectionTrait as _,
    mail::NewMail,
    secrets,
};
use uuid::Uuid;

use crate::support::{Answer, KEYS, TestApp, on_each_engine, on_sqlite};

/// Another process notices by then, or never.
const PATIENCE: Duration = Duration::from_mins(1);

/// A forge with one repository, which only some tokens see.
async fn forge() -> Arc<Standin> {
    let mut repositories = Generator::new(1, vec![std::env::temp_dir()]).repositories();
    (repositories[0].owner, repositories[0].name, repositories[0].state) =
        ("ada".to_owned(), "hidden".to_owned(), Access::Private);
    let people = vec![Person { id: 7, login: "ada".to_owned(), name: None, emails: Vec::new() }];
    let options = Options { limits: Limits::generous(), people, ..Options::with(repositories) };
    Arc::new(Standin::start(options).await.unwrap())
}

fn config(standin: &Standin, token: &str) -> String {
    let url = standin.github().url();
    format!(
        "security: {{require_https: false}}\n\
         discovery: {{enabled: true, forges: [{{url: '{url}', api_base_url: '{url}', provider: github{token}}}]}}"
    )
}

fn host(standin: &Standin) -> String {
    standin.github().url().trim_start_matches("http://").to_owned()
}

/// What a process asks forges with.
fn process(app: &TestApp, config: &str) -> Forges {
    let config = server::config::parse(Path::new("test"), config, [].into()).unwrap();
    Forges::new(&config, &app.state.db, Some(&KEYS()))
}

async fn sees(forges: &Forges, host: &str) -> bool {
    forges.refresh().await;
    let client = forges.of_host(host, Provider::Github).unwrap();
    matches!(client.find("ada/hidden").await.unwrap(), Sight::Here(_))
}

async fn put(app: &TestApp, host: &str, token: &str) -> Answer {
    let request = Request::put(format!("/api/v1/admin/forges/{host}/token"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(json!({ "token": token }).to_string())).unwrap()).await
}

async fn listed(app: &TestApp, host: &str) -> Value {
    let all = app.get("/api/v1/admin/forges").await;
    assert!(!all.text().contains(PRIVATE_TOKEN), "{}", all.text());
    let all = all.json();
    all.as_array().unwrap().iter().find(|forge| forge["host"] == host).unwrap_or_else(|| panic!("{all}")).clone()
}

#[tokio::test]
async fn a_token_that_is_entered_is_tried_kept_sealed_and_used_by_every_process() {
    on_each_engine(async |app| {
        let standin = forge().await;
        let (config, host) = (config(&standin, ""), host(&standin));
        let app = &app.with_config(&config);
        let process = process(app, &config);
        assert!(!sees(&process, &host).await);
        assert_eq!(listed(app, &host).await["token"], "none");

        for (token, why) in [("made-up", "refused the token"), ("", "no token"), ("a b", "no token")] {
            let refused = put(app, &host, token).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{token}: {}", refused.text());
            assert!(refused.text().contains(why) && !refused.text().contains("made-up"), "{}", refused.text());
        }
        assert_eq!(put(app, "nowhere.example", PRIVATE_TOKEN).await.status, StatusCode::NOT_FOUND);
        assert!(secrets::list_secrets(&app.state.db.read, "").await.unwrap().is_empty(), "what is refused is not kept");

        let taken = put(app, &host, PRIVATE_TOKEN).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
        let taken = taken.json();
        assert_eq!((&taken["login"], &taken["scopes"]), (&json!("ada"), &json!(["repo"])));
        assert!(taken["budgets"].as_array().unwrap().iter().any(|budget| budget["resource"] == "core"), "{taken}");
        let shown = listed(app, &host).await;
        assert!(shown["token"] == "entered" && shown["entered_at"].is_string(), "{shown}");
        let kept = secrets::list_sealed(&app.state.db.read, "forge:").await.unwrap();
        assert_eq!(kept.len(), 1);
        assert!(!String::from_utf8_lossy(&kept[0].sealed).contains(PRIVATE_TOKEN));
        let told = app.get("/api/v1/admin/audit").await.text();
        assert!(told.contains("set_secret") && !told.contains(PRIVATE_TOKEN), "{told}");

        // One that runs already notices, one that starts knows at once; git fetches with it too.
        let began = Instant::now();
        while !sees(&process, &host).await {
            assert!(began.elapsed() < PATIENCE, "a process that runs does not notice");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(sees(&self::process(app, &config), &host).await);
        let fetched = process.git_token(&format!("http://{host}/ada/hidden.git")).unwrap();
        assert_eq!(fetched.expose(), PRIVATE_TOKEN);
        assert!(!format!("{fetched:?}").contains(PRIVATE_TOKEN));

        let path = format!("/api/v1/admin/forges/{host}/token");
        assert_eq!(app.request(Method::DELETE, &path, &[]).await.status, StatusCode::NO_CONTENT);
        assert_eq!(app.request(Method::DELETE, &path, &[]).await.status, StatusCode::NOT_FOUND);
        let began = Instant::now();
        while sees(&process, &host).await {
            assert!(began.elapsed() < PATIENCE, "a process that runs does not notice");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_the_configuration_wins_and_the_page_says_so() {
    on_sqlite(async |app| {
        let standin = forge().await;
        let (config, host) = (config(&standin, &format!(", token: {TOKEN}")), host(&standin));
        let app = &app.with_config(&config);
        assert_eq!(listed(app, &host).await["token"], "configuration");
        assert_eq!(put(app, &host, PRIVATE_TOKEN).await.status, StatusCode::OK);
        let shown = listed(app, &host).await;
        assert!(shown["token"] == "configuration" && shown["entered_at"].is_string(), "{shown}");
        assert!(!sees(&process(app, &config), &host).await);
        let admin = format!("Bearer {}", app.token);
        let page = app.get_with("/admin/forges", &[(header::AUTHORIZATION, &admin)]).await.text();
        assert!(page.contains("which wins over the one entered here"), "{page}");
        assert!(!page.contains(PRIVATE_TOKEN) && !page.contains(TOKEN));
    })
    .await;
}

#[tokio::test]
async fn the_form_tries_a_token_without_keeping_it() {
    on_sqlite(async |app| {
        let standin = forge().await;
        let host = host(&standin);
        let app = &app.with_config(&config(&standin, ""));
        let form = async |fields: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let request = Request::post("/ui/set_forge_token").header(header::ACCEPT, "text/html");
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = app.send(request.body(Body::from(body)).unwrap()).await;
            let admin = format!("Bearer {}", app.token);
            app.get_with(answer.header("location"), &[(header::AUTHORIZATION, &admin)]).await.text()
        };
        let tried = form(&[("host", &host), ("token", PRIVATE_TOKEN), ("act", "test")]).await;
        for words in ["takes the token", "It is ada’s.", "Its scopes: repo.", "core: ", "It is not saved."] {
            assert!(tried.contains(words), "{words} is not in {tried}");
        }
        assert!(secrets::list_secrets(&app.state.db.read, "").await.unwrap().is_empty());
        let wrong = form(&[("host", &host), ("token", "made-up"), ("act", "test")]).await;
        assert!(wrong.contains("refused the token") && !wrong.contains("made-up"), "{wrong}");
        let saved = form(&[("host", &host), ("token", PRIVATE_TOKEN), ("act", "save")]).await;
        assert!(saved.contains("It is saved") && !saved.contains(PRIVATE_TOKEN), "{saved}");
        assert_eq!(secrets::list_secrets(&app.state.db.read, "").await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_the_previous_key_sealed_is_sealed_anew_and_opens_without_it() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let (old, new) = ([7; 32], [9; 32]);
        let keys = Keys::new(old, None);
        let now = clock::now();
        let sealed = keys.seal(&purpose("forge:example.org"), b"token");
        secrets::put_secret(&db.write, "forge:example.org", sealed, now).await.unwrap();
        let role = Role::User.as_str().to_owned();
        let person = NewAccount { email: "ada@example.org".to_owned(), full_name: None, role, password_hash: None };
        let account = accounts::insert_account(&db.write, &person, now).await.unwrap();
        let totp = keys.seal(&format!("totp:{account}"), b"12345678901234567890");
        accounts::set_totp(&db.write, account, Some(totp), Some(now)).await.unwrap();
        let id = Uuid::now_v7();
        let content = Content::SecondFactor { is_on: true, at: now, from: None };
        let said = serde_json::to_vec(&content).unwrap();
        let mail = NewMail {
            id,
            kind: MailKind::SecondFactor,
            account_id: Some(account),
            recipient: person.email.clone(),
            sealed: Some(keys.seal(&actions::mail::purpose(id), &said)),
        };
        store::mail::add_mail(&db.write, mail, now).await.unwrap();

        let alone = Keys::new(new, None);
        assert_eq!(reseal(db, &alone).await.unwrap(), Resealed { done: 0, lost: 3 }, "nothing is lost for good");
        let both = Keys::new(new, Some(old));
        assert_eq!(reseal(db, &both).await.unwrap(), Resealed { done: 3, lost: 0 });
        assert_eq!(reseal(db, &both).await.unwrap(), Resealed::default());
        let secret = &secrets::list_sealed(&db.read, "forge:").await.unwrap()[0];
        assert_eq!(actions::forges::open_token(&alone, secret).unwrap().as_str(), "token");
        let found = accounts::find_credentials(&db.read, account).await.unwrap().unwrap();
        let opened = alone.open(&format!("totp:{account}"), &found.totp_secret.unwrap()).unwrap();
        assert_eq!(opened.as_slice(), b"12345678901234567890");
        let due = store::mail::list_due_mails(&db.read, clock::now(), 10).await.unwrap();
        assert!(actions::mail::open(db, &alone, &due[0], now).await.unwrap() == Some(content));
        // One that is sealed for another name opens nowhere.
        let sql = "UPDATE sealed_secret SET name = 'forge:evil.example'";
        let statement = Statement::from_string(db.write.get_database_backend(), sql);
        db.write.execute_raw(statement).await.unwrap();
        let moved = &secrets::list_sealed(&db.read, "forge:").await.unwrap()[0];
        assert!(actions::forges::open_token(&alone, moved).is_err());
    })
    .await;
}
