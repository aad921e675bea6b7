//! Mails to a real mail server: each arrives once, whatever fails meanwhile, and says nothing to strangers.

mod address;
mod killed;
mod smtp;

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use chrono::TimeDelta;
use entity::kind::{JobRequest, LinkKind, Permission, Role};
use entity::view::{AuditFilter, PageQuery};
use sea_orm::Statement;
use serde_json::{Value, json};
use server::{
    clock,
    jobs::{self, Deps, Identity, JobContext, JobError, Runner},
    mail::Mailer,
};
use standin::Port;
use store::{
    accounts::{self, NewAccount, NewToken},
    db::ConnectionTrait as _,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::smtp::{PATIENCE, Smtp};
use crate::support::{Answer, KEYS, Nobody, TestApp, on_each_engine, on_sqlite};

const PASSWORD: &str = "violet anchor timber seventeen";
const OTHER: &str = "copper lantern meadow nineteen";

fn config(port: u16, more: &str) -> String {
    format!(
        "server: {{public_url: 'http://localhost:3000'}}\n\
         mail: {{smtp: {{host: localhost, port: {port}{more}}}, from: 'Kubestats <kubestats@example.org>'}}"
    )
}

/// The program's two halves over a mail server.
struct Post {
    app: TestApp,
    deps: Deps,
}

impl Post {
    fn over(app: &TestApp, port: u16, more: &str) -> Self {
        let text = config(port, more);
        let config = server::config::parse(Path::new("test"), &text, [].into()).unwrap();
        let (db, queue) = (&app.state.db, &app.state.queue);
        let mail = config.mail.as_ref().unwrap();
        let mut mailer = Mailer::new(mail, "http://localhost:3000", KEYS()).unwrap();
        mailer.takes_at_least = Duration::ZERO;
        let deps = server::start::deps(&config, db, queue, Some(&KEYS())).unwrap();
        Self { app: app.with_config(&text), deps: Deps { mailer: Some(Arc::new(mailer)), ..deps } }
    }

    /// Sends what waits.
    async fn run(&self) -> Result<String, JobError> {
        jobs::handle(&self.deps, &JobContext::new(Uuid::now_v7()), &JobRequest::SendMail).await
    }

    /// The time of what waits for its next try has come.
    async fn wait_no_longer(&self) {
        let write = &self.deps.db.write;
        let sql = "UPDATE mail SET next_try_at = $1 WHERE next_try_at IS NOT NULL";
        let past = (clock::now() - TimeDelta::seconds(1)).into();
        write.execute_raw(Statement::from_sql_and_values(write.get_database_backend(), sql, [past])).await.unwrap();
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.app.send(request.extension(Nobody).body(Body::from(body)).unwrap()).await
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        self.app.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Everything that the table of mails holds, as text.
    async fn table(&self) -> String {
        let read = &self.deps.db.read;
        let all = Statement::from_string(read.get_database_backend(), "SELECT recipient, sealed, error FROM mail");
        let rows = read.query_all_raw(all).await.unwrap();
        let row = |row: sea_orm::QueryResult| {
            let sealed: Option<Vec<u8>> = row.try_get("", "sealed").unwrap();
            let error: Option<String> = row.try_get("", "error").unwrap();
            let recipient: String = row.try_get("", "recipient").unwrap();
            format!("{recipient} {:?} {error:?}\n", sealed.map(|sealed| String::from_utf8_lossy(&sealed).into_owned()))
        };
        rows.into_iter().map(row).collect()
    }
}

async fn person(app: &TestApp, email: &str) -> Uuid {
    let hash = auth::password::Passwords::new().hash(PASSWORD).await.unwrap();
    let role = Role::User.as_str().to_owned();
    let new = NewAccount { email: email.to_owned(), full_name: None, role, password_hash: Some(hash) };
    accounts::insert_account(&app.state.db.write, &new, clock::now()).await.unwrap()
}

fn location(answer: &Answer) -> &str {
    answer.header("location")
}

#[tokio::test]
async fn a_link_that_was_asked_for_arrives_once_and_works_once() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        person(app, "ada@example.org").await;
        let gone = person(app, "grace@example.org").await;
        accounts::set_active(&app.state.db.write, gone, false).await.unwrap();
        // The same answer for who is there and who is not.
        for email in [" Ada@Example.org ", "nobody@example.org", "grace@example.org"] {
            let answer = post.form("/sign-in/forgot", &[("email", email)]).await;
            assert_eq!((answer.status, location(&answer)), (StatusCode::SEE_OTHER, "/sign-in?sent"), "{email}");
        }
        assert!(!post.table().await.contains("Some"), "nothing is looked up while somebody waits for the answer");
        let said = post.run().await.unwrap();
        assert_eq!(said, "dealt with 3 mails", "who reads this learns nothing of accounts");
        let mail = smtp.mail().await;
        assert_eq!((mail.to(), mail.text("sender")), (vec!["ada@example.org"], "kubestats@example.org"));
        assert_eq!(mail.header("auto-submitted"), ["auto-generated"]);
        assert!(mail.text("text").contains("http://localhost:3000/welcome/"), "{mail:?}");
        assert_eq!(post.run().await.unwrap(), "dealt with 0 mails");
        assert_eq!(smtp.mails().await.len(), 1);
        let kept = post.table().await;
        assert!(!kept.contains("Some") && !kept.contains("nobody"), "{kept}");

        let link = mail.link();
        let page = post.app.get(&link).await;
        assert!(page.text().contains("Choose a new password"), "{}", page.text());
        // Whoever asked so often from one address waits; who opens the link is somewhere else.
        let post = Post::over(app, smtp.port, "");
        let chosen = [("password", OTHER)];
        assert_eq!(location(&post.form(&link, &chosen).await), "/sign-in?chosen");
        assert_eq!(location(&post.form(&link, &chosen).await), link, "it works once");
        let answer = post.app.get(&link).await;
        assert!(answer.text().contains("no longer works"), "{}", answer.text());
        post.run().await.unwrap();
        let told = smtp.mails().await;
        assert_eq!((told.len(), told[1].text("subject")), (2, "Your password for Kubestats was changed"));
        let come = post.app.with_config(&config(smtp.port, ""));
        let body = format!("username=ada@example.org&password={}", OTHER.replace(' ', "+"));
        let request = Request::post("/api/v1/login/access-token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(Nobody);
        assert_eq!(come.send(request.body(Body::from(body)).unwrap()).await.status, StatusCode::OK);
        // Who asked is told in the log of what people did, and no link is.
        let filter = AuditFilter { action: "ask_password_reset".parse().ok(), ..AuditFilter::default() };
        let told = store::audit::list_audit_entries(&app.state.db.read, &filter, PageQuery::default()).await.unwrap();
        assert_eq!(told.count, 3);
        assert!(!format!("{told:?}").contains(link.trim_start_matches("/welcome/")));
    })
    .await;
}

#[tokio::test]
async fn who_asks_too_often_waits_and_who_is_asked_for_too_often_gets_one_mail() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        person(app, "ada@example.org").await;
        let answers = async |email: &str| location(&post.form("/sign-in/forgot", &[("email", email)]).await).to_owned();
        for _ in 0..3 {
            assert_eq!(answers("ada@example.org").await, "/sign-in?sent");
        }
        assert!(answers("ada@example.org").await.starts_with("/sign-in/forgot?later="));
        post.run().await.unwrap();
        let first = smtp.mail().await.link();
        // Somebody else's asking leaves the link alone that is on its way.
        assert!(post.app.get(&first).await.text().contains("Choose a new password"));
        let wrong = post.app.with_config(&config(smtp.port, ""));
        let request =
            Request::post("/sign-in/forgot").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = Body::from("email=ada%0d%0aBcc:%20eve@example.org");
        let answer = wrong.send(request.extension(Nobody).body(body).unwrap()).await;
        assert!(location(&answer).starts_with("/sign-in/forgot?outcome="), "{}", location(&answer));
    })
    .await;
}

#[tokio::test]
async fn mails_wait_for_their_server_and_arrive_once_it_is_there() {
    on_each_engine(async |app| {
        let port = Port::take().unwrap();
        let Some(smtp) = Smtp::with(json!({ "port": port.number })).await else { return };
        drop(smtp);
        let post = Post::over(app, port.number, "");
        let role = json!({ "email": "ada@example.org", "role": "user" });
        let made = post.json(Method::POST, "/api/v1/admin/users", role).await;
        assert_eq!((made.status, &made.json()["is_mailed"]), (StatusCode::CREATED, &json!(true)));
        let link = made.json()["link"].as_str().unwrap().to_owned();
        let error = post.run().await.unwrap_err();
        assert!(
            matches!(&error, JobError::Later(text, _) if text.contains("the mail server can't be used")),
            "{error}"
        );
        let kept = post.table().await;
        assert!(kept.contains("Some") && !kept.contains(link.trim_start_matches("/welcome/")), "{kept}");
        // Not tried again before its time.
        assert!(matches!(post.run().await, Err(JobError::Later(..))));
        let smtp = Smtp::with(json!({ "port": port.number })).await.unwrap();
        assert!(matches!(post.run().await, Err(JobError::Later(..))));
        post.wait_no_longer().await;
        assert_eq!(post.run().await.unwrap(), "dealt with 1 mail");
        assert_eq!((smtp.mail().await.link(), smtp.mail().await.text("subject")), (link, "Your account for Kubestats"));
        post.wait_no_longer().await;
        post.run().await.unwrap();
        assert_eq!(smtp.mails().await.len(), 1);
        assert!(!post.table().await.contains("Some"), "what it said is forgotten");
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_hours_is_given_up_and_what_is_refused_at_once() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        for email in ["refused@example.org", "later@example.org", "ada@example.org"] {
            let made = post.json(Method::POST, "/api/v1/admin/users", json!({ "email": email, "role": "user" })).await;
            assert_eq!(made.status, StatusCode::CREATED);
        }
        // One mail that can't be sent keeps no other.
        assert!(matches!(post.run().await, Err(JobError::Later(..))));
        assert_eq!(smtp.mail().await.to(), ["ada@example.org"]);
        let kept = post.table().await;
        assert!(kept.contains("refused@example.org None") && kept.contains("nobody of this name"), "{kept}");
        assert!(kept.contains("later@example.org Some") && kept.contains("come again later"), "{kept}");
        let write = &post.deps.db.write;
        let old = (clock::now() - TimeDelta::hours(9)).into();
        let sql = "UPDATE mail SET created_at = $1";
        write.execute_raw(Statement::from_sql_and_values(write.get_database_backend(), sql, [old])).await.unwrap();
        post.wait_no_longer().await;
        post.run().await.unwrap();
        let kept = post.table().await;
        assert!(
            kept.contains("later@example.org None"),
            "nothing more is tried, and what it said is forgotten: {kept}"
        );
        assert_eq!(store::mail::count_unsent(&app.state.db.read).await.unwrap(), (0, 2));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_known_gets_nothing_and_the_tasks_page_says_why() {
    on_each_engine(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let options = certified(folder.path(), "starttls");
        let Some(smtp) = Smtp::with(options).await else { return };
        let post = Post::over(app, smtp.port, ", encryption: starttls");
        person(app, "ada@example.org").await;
        post.form("/sign-in/forgot", &[("email", "ada@example.org")]).await;
        let stop = CancellationToken::new();
        let data = tempfile::tempdir().unwrap();
        let identity = Identity::take(data.path(), "all").unwrap();
        let deps = Deps { data_dir: data.path().to_owned(), ..post.deps.clone() };
        let runner = tokio::spawn(Runner::new(deps, identity).run(stop.clone()));
        let jobs = async || post.app.get("/api/v1/jobs?kind=send_mail").await.json()["data"][0].clone();
        let began = std::time::Instant::now();
        while jobs().await["error"].is_null() {
            assert!(began.elapsed() < PATIENCE, "{}", jobs().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
        runner.await.unwrap();
        let job = jobs().await;
        assert_eq!((job["state"].as_str(), job["requested_by"].as_str()), (Some("queued"), Some("page")), "{job}");
        assert!(job["error"].as_str().unwrap().contains("certificate"), "{job}");
        let page = post.app.get(&format!("/tasks/{}", job["id"].as_str().unwrap())).await.text();
        assert!(page.contains("the mail server can") && page.contains("certificate"), "{page}");
        assert!(smtp.mails().await.is_empty());
        // A server that can't encrypt gets nothing either.
        let plain = Smtp::start().await.unwrap();
        let post = Post::over(app, plain.port, ", encryption: starttls");
        post.wait_no_longer().await;
        assert!(matches!(post.run().await, Err(JobError::Later(text, _)) if text.contains("STARTTLS")));
        assert!(plain.mails().await.is_empty());
    })
    .await;
}

/// A certificate for localhost that nobody vouches for, and a server's options with it.
fn certified(folder: &Path, mode: &str) -> Value {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    json!({ "mode": mode, "cert": cert, "key": key })
}

async fn token(app: &TestApp, account_id: Uuid, name: &str, hours: i64) {
    let token = NewToken {
        account_id,
        token_hash: auth::token::mint().hash,
        name: name.to_owned(),
        scopes: vec![Permission::Read],
        repositories: Vec::new(),
        expires_at: Some(clock::now() + TimeDelta::hours(hours)),
    };
    accounts::insert_token(&app.state.db.write, &token, clock::now()).await.unwrap();
}

#[tokio::test]
async fn an_account_is_told_once_that_a_token_ends_and_its_name_becomes_no_header() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        let ada = person(app, "ada@example.org").await;
        token(app, ada, "later", 24 * 4).await;
        token(app, ada, "over", -1).await;
        token(app, ada, "ci\r\nBcc: eve@example.org\r\n\r\nWin a prize", 48).await;
        let fellow = Post::over(app, smtp.port, "");
        let (one, other) = tokio::join!(post.run(), fellow.run());
        for run in [one, other] {
            assert!(matches!(&run, Ok(_) | Err(JobError::Later(..))), "{run:?}");
        }
        let mail = smtp.mail().await;
        assert_eq!(mail.to(), ["ada@example.org"]);
        assert!(mail.text("subject").starts_with("Your token ci"), "{mail:?}");
        assert!(mail.header("bcc").is_empty() && mail.header("subject").len() == 1, "{mail:?}");
        // Started anew.
        let again = Post::over(app, smtp.port, "");
        again.wait_no_longer().await;
        again.run().await.unwrap();
        let mails = smtp.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
    })
    .await;
}

#[tokio::test]
async fn an_account_is_told_what_was_done_to_it() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        let id = person(app, "ada@example.org").await;
        let account = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
        let actor = actions::Actor::command_as(&account);
        let ctx = &post.app.state.actions;
        let password = || PASSWORD.to_owned().into();
        let offer = actions::accounts::begin_second_factor(ctx, &actor, &password()).await.unwrap();
        let now = u64::try_from(clock::now().timestamp()).unwrap();
        let code = totp_rs::Totp::from_url(offer.url).unwrap().generate(now).to_string();
        actions::accounts::confirm_second_factor(ctx, &actor, &code).await.unwrap();
        actions::accounts::remove_second_factor(ctx, &actor, &password()).await.unwrap();
        let elsewhere = auth::Identity {
            issuer: "https://id.example.org".to_owned(),
            subject: "4711".to_owned(),
            email: Some("ada@company.example".to_owned()),
            email_verified: true,
            name: None,
            groups: Vec::new(),
        };
        let sealed = actions::accounts::keep_identity(ctx, &elsewhere, "Company").unwrap();
        actions::accounts::link_identity(ctx, &actor, &sealed, Some(&password())).await.unwrap();
        assert_eq!(post.run().await.unwrap(), "dealt with 3 mails");
        actions::accounts::unlink_identity(ctx, &actor, "https://id.example.org", "4711").await.unwrap();
        actions::accounts::change_password(ctx, &actor, &password(), &OTHER.to_owned().into()).await.unwrap();
        let by = Some(OTHER.to_owned().into());
        actions::accounts::change_profile(ctx, &actor, "ada@example.com", None, by.as_ref()).await.unwrap();
        assert_eq!(post.run().await.unwrap(), "dealt with 3 mails");
        // The new address alone has the link by which it counts; the old one is told once it did.
        let mails = smtp.mails().await;
        assert_eq!((mails[5].to(), mails.len()), (vec!["ada@example.com"], 6));
        let link = mails[5].link();
        actions::accounts::confirm_address(ctx, &actor, link.trim_start_matches("/welcome/")).await.unwrap();
        assert_eq!(post.run().await.unwrap(), "dealt with 1 mail");
        let mails = smtp.mails().await;
        let to_old = |mail: &&smtp::Mail| mail.to() == ["ada@example.org"];
        let told: Vec<(String, String)> =
            mails.iter().filter(to_old).map(|mail| (mail.to().join(","), mail.text("subject").to_owned())).collect();
        let expected = [
            "Two-factor sign-in was switched on",
            "Two-factor sign-in was switched off",
            "A site can sign you in to Kubestats from now on",
            "A site signs you in to Kubestats no more",
            "Your password for Kubestats was changed",
            "Your e-mail address for Kubestats was changed",
        ];
        assert_eq!(told, expected.map(|subject| ("ada@example.org".to_owned(), subject.to_owned())));
        for mail in &mails[2..4] {
            let text = mail.text("text");
            assert!(text.contains("id.example.org") && text.contains("ada@company.example"), "{text}");
        }
        // With a reset goes what let somebody in before; the mail says so.
        let changed = mails[4].text("text");
        assert!(!changed.contains("connections"), "{changed}");
        let reset = OTHER.to_owned().into();
        actions::accounts::set_password_of(ctx, &actions::Actor::command(), id, &reset).await.unwrap();
        post.run().await.unwrap();
        let told = smtp.mails().await.pop().unwrap();
        assert!(told.text("text").contains("connections"), "{told:?}");
        // An invitation that waits goes with its link: the next one has another.
        let made = post.json(Method::POST, "/api/v1/admin/users", json!({ "email": "b@example.org", "role": "user" }));
        let made = made.await.json();
        let again = post.app.post(&format!("/api/v1/admin/users/{}/link", made["id"].as_str().unwrap())).await.json();
        post.run().await.unwrap();
        let links: Vec<String> = smtp.mails().await[8..].iter().map(smtp::Mail::link).collect();
        assert_eq!(links, [again["link"].as_str().unwrap()]);
    })
    .await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_written_and_an_admin_makes_the_link() {
    on_sqlite(async |app| {
        let made = Request::post("/api/v1/admin/users").header(header::CONTENT_TYPE, "application/json");
        let body = json!({ "email": "ada@example.org", "role": "user" }).to_string();
        let made = app.send(made.body(Body::from(body)).unwrap()).await;
        assert_eq!(made.json()["is_mailed"], false);
        let body = Body::from("email=ada@example.org");
        let asked = Request::post("/sign-in/forgot").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = app.send(asked.extension(Nobody).body(body).unwrap()).await;
        assert!(location(&answer).starts_with("/sign-in/forgot?outcome="), "{}", location(&answer));
        assert_eq!(store::mail::count_unsent(&app.state.db.read).await.unwrap(), (0, 0));
        let hash = auth::token::hash_opaque(made.json()["link"].as_str().unwrap().trim_start_matches("/welcome/"));
        let link = accounts::find_link(&app.state.db.read, &hash.unwrap(), clock::now()).await.unwrap().unwrap();
        assert_eq!(link.kind, LinkKind::Invite);
    })
    .await;
}
