//! A new e-mail address: mailed a link, and the account's only once its person opened that.

use actions::{Actor, Refusal, accounts as act};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use entity::kind::AuditAction;
use entity::view::{AuditEntry, AuditFilter, PageQuery};
use sea_orm::Statement;
use serde_json::{Value, json};
use server::clock;
use store::{accounts, db::ConnectionTrait as _};
use uuid::Uuid;

use super::smtp::{Mail, Smtp};
use super::{OTHER, PASSWORD, Post, config, location, person};
use crate::backup::all_rows;
use crate::support::{Answer, Nobody, TestApp, on_each_engine};

const OLD: &str = "ada@example.org";
const NEW: &str = "ada@example.com";
const EVE: &str = "eve@example.org";
/// Where a changed address is told of, and how.
const CHANGED: (&str, &str) = (OLD, "Your e-mail address for Kubestats was changed");

async fn form(app: &TestApp, path: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    app.send(request.extension(Nobody).body(Body::from(body)).unwrap()).await
}

/// What a browser has that somebody signed in with.
async fn browser(app: &TestApp, email: &str) -> String {
    let answer = form(app, "/sign-in", &[("email", email), ("password", PASSWORD)], None).await;
    let mut set = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let session = set.find(|value| value.starts_with("kubestats=")).unwrap();
    session.split(';').next().unwrap().to_owned()
}

/// What a page shows to whoever has this cookie.
async fn page(app: &TestApp, path: &str, cookie: &str) -> String {
    app.get_with(path, &[(header::COOKIE, cookie)]).await.text()
}

/// Address and name of an account.
async fn profile(app: &TestApp, id: Uuid) -> (String, Option<String>) {
    let found = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
    (found.email, found.full_name)
}

async fn told(app: &TestApp, action: AuditAction) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    store::audit::list_audit_entries(&app.state.db.read, &filter, PageQuery::default()).await.unwrap().data
}

/// What stands behind the last mail's link.
async fn secret(smtp: &Smtp) -> String {
    smtp.mails().await.last().map(Mail::link).unwrap().trim_start_matches("/welcome/").to_owned()
}

#[tokio::test]
async fn a_new_address_counts_once_its_person_opened_the_link_that_went_there() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        // Tries from one address are few: each that counts comes to a process of its own.
        let fresh = || app.with_config(&config(smtp.port, ""));
        let post = Post::over(app, smtp.port, "");
        let id = person(app, OLD).await;
        person(app, EVE).await;
        let (own, eve) = (browser(&fresh(), OLD).await, browser(&fresh(), EVE).await);
        let fields = [("email", " Ada@Example.com "), ("full_name", "Ada"), ("password", PASSWORD)];
        let asked = form(&post.app, "/ui/change_profile", &fields, Some(&own)).await;
        assert!(asked.status.is_success(), "{}: {}", asked.status, asked.text());
        assert_eq!(profile(app, id).await, (OLD.to_owned(), Some("Ada".to_owned())));
        let shown = page(&post.app, "/account", &own).await;
        assert!(shown.contains("waits for confirmation") && shown.contains(NEW), "{shown}");

        assert_eq!(post.run().await.unwrap(), "dealt with 1 mail");
        let mail = smtp.mail().await;
        assert_eq!((mail.to(), mail.text("subject")), (vec![NEW], "Confirm your e-mail address for Kubestats"));
        assert!(!mail.text("text").contains(OLD), "whose account it is, no stranger is told: {mail:?}");
        let (link, confirm) = (mail.link(), format!("{}/address", mail.link()));
        let secret = secret(&smtp).await;
        assert!(all_rows(&app.state.db).await.iter().all(|row| !row.contains(&secret)), "its hash alone is kept");

        // Whoever merely has the link sees no account, gets none, and uses nothing up.
        let stranger = post.app.get(&link).await.text();
        assert!(stranger.contains("as the new address of their account") && !stranger.contains(OLD), "{stranger}");
        for who in [None, Some(eve.as_str())] {
            assert_eq!(location(&form(&fresh(), &confirm, &[], who).await), link, "{who:?}");
        }
        let password = form(&fresh(), &link, &[("password", OTHER)], Some(&own)).await;
        assert_eq!(location(&password), link, "it opens no account");
        assert_eq!((profile(app, id).await.0.as_str(), smtp.mails().await.len()), (OLD, 1));

        assert!(page(&post.app, &link, &own).await.contains("Confirm address"));
        assert_eq!(profile(app, id).await.0, OLD, "a look at the page changes nothing");
        let confirmed = form(&fresh(), &confirm, &[], Some(&own)).await;
        assert!(location(&confirmed).starts_with("/account?outcome="), "{}", location(&confirmed));
        assert_eq!(profile(app, id).await, (NEW.to_owned(), Some("Ada".to_owned())));
        let shown = page(&post.app, location(&confirmed), &own).await;
        assert!(shown.contains(NEW) && !shown.contains("waits for confirmation"), "{shown}");
        assert_eq!(location(&form(&fresh(), &confirm, &[], Some(&own)).await), link, "it works once");
        assert_eq!(post.run().await.unwrap(), "dealt with 1 mail");
        let changed = &smtp.mails().await[1];
        assert_eq!((changed.to(), changed.text("subject")), (vec![CHANGED.0], CHANGED.1));

        let asked = told(app, AuditAction::AskAddressChange).await;
        assert_eq!((asked.len(), &asked[0].after), (1, &Some(json!({ "email": NEW }))));
        let changes = told(app, AuditAction::ChangeAccount).await;
        let by_link = json!({ "email": NEW, "by": "the link mailed there" });
        let is_change = |entry: &&AuditEntry| entry.after.as_ref() == Some(&by_link);
        let change = changes.iter().find(is_change).unwrap_or_else(|| panic!("{changes:?}"));
        assert_eq!((&change.before, change.who.as_str()), (&Some(json!({ "email": OLD })), OLD));
        assert!(!format!("{asked:?}{changes:?}").contains(&secret));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_somebody_has_gets_the_same_answer_and_stays_theirs() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let fresh = || app.with_config(&config(smtp.port, ""));
        let post = Post::over(app, smtp.port, "");
        let (ada, eve) = (person(app, OLD).await, person(app, EVE).await);
        let own = browser(&fresh(), OLD).await;
        let fields = [("username", OLD), ("password", PASSWORD)];
        let login = form(&fresh(), "/api/v1/login/access-token", &fields, None).await.json();
        let token = format!("Bearer {}", login["access_token"].as_str().unwrap());
        let by_rest = async |address: &str| {
            let request = Request::put("/api/v1/users/me")
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, &token);
            let body = json!({ "email": address, "password": PASSWORD }).to_string();
            fresh().send(request.body(Body::from(body)).unwrap()).await
        };
        let mut answers: Vec<(StatusCode, String, String, Value)> = Vec::new();
        let mut links = Vec::new();
        for address in [EVE, NEW] {
            let fields = [("email", address), ("full_name", ""), ("password", PASSWORD)];
            let asked = form(&fresh(), "/ui/change_profile", &fields, Some(&own)).await;
            let told = post.run().await.unwrap();
            links.push(smtp.mails().await.last().unwrap().link());
            let program = by_rest(address).await;
            assert_eq!(post.run().await.unwrap(), told, "{address}");
            assert_eq!((program.status, &program.json()["email"]), (StatusCode::OK, &json!(OLD)), "{address}");
            assert_eq!(location(&form(&fresh(), &format!("{}/address", links[0]), &[], Some(&own)).await), links[0]);
            answers.push((asked.status, asked.text(), told, program.json()));
            if address == EVE {
                // Only who reads what goes there learns that it is taken.
                let last = smtp.mails().await.last().unwrap().link();
                let opened = form(&fresh(), &format!("{last}/address"), &[], Some(&own)).await;
                assert!(location(&opened).starts_with(&format!("{last}?outcome=")), "{}", location(&opened));
            }
        }
        assert_eq!(answers[0], answers[1]);
        assert_ne!(links[0], links[1]);
        let to: Vec<String> = smtp.mails().await.iter().map(|mail| mail.to().join(",")).collect();
        assert_eq!(to, [EVE, EVE, NEW, NEW]);
        assert_eq!((profile(app, ada).await.0.as_str(), profile(app, eve).await.0.as_str()), (OLD, EVE));
    })
    .await;
}

#[tokio::test]
async fn a_change_that_waits_is_taken_back_ends_with_the_password_and_is_asked_for_so_often() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        let id = person(app, OLD).await;
        let account = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
        let (ctx, actor) = (&post.app.state.actions, Actor::command_as(&account));
        let asks = async |password: &str| {
            let password = password.to_owned().into();
            let waits = act::change_profile(ctx, &actor, NEW, None, Some(&password)).await?;
            assert_eq!(waits.as_deref(), Some(NEW));
            post.run().await.unwrap();
            Ok::<String, Refusal>(secret(&smtp).await)
        };
        let is_dead = async |secret: &str| {
            let waits = accounts::find_waiting_address(&app.state.db.read, id, clock::now()).await.unwrap();
            let opened = act::confirm_address(ctx, &actor, secret).await;
            waits.is_none() && matches!(opened, Err(Refusal::DeadLink))
        };
        let first = asks(PASSWORD).await.unwrap();
        act::cancel_address(ctx, &actor).await.unwrap();
        assert!(is_dead(&first).await);
        assert!(matches!(act::cancel_address(ctx, &actor).await, Err(Refusal::Unusable(_))));
        let cancelled = told(app, AuditAction::CancelAddressChange).await;
        assert_eq!((cancelled.len(), &cancelled[0].before), (1, &Some(json!({ "email": NEW }))));

        // One that still waits for the mail server is not sent any more.
        let password = PASSWORD.to_owned().into();
        act::change_profile(ctx, &actor, NEW, None, Some(&password)).await.unwrap();
        act::cancel_address(ctx, &actor).await.unwrap();
        assert_eq!(post.run().await.unwrap(), "dealt with 0 mails");

        let second = asks(PASSWORD).await.unwrap();
        act::change_password(ctx, &actor, &password, &OTHER.to_owned().into()).await.unwrap();
        assert!(is_dead(&second).await, "whoever asked for it may be why there is a new password");
        post.run().await.unwrap();

        let third = asks(OTHER).await.unwrap();
        let write = &app.state.db.write;
        let past = (clock::now() - TimeDelta::seconds(1)).into();
        let sql = "UPDATE one_time_link SET expires_at = $1";
        write.execute_raw(Statement::from_sql_and_values(write.get_database_backend(), sql, [past])).await.unwrap();
        assert!(is_dead(&third).await, "its time is over");

        asks(OTHER).await.unwrap();
        let last = asks(OTHER).await.unwrap();
        let sent = smtp.mails().await.len();
        assert!(matches!(asks(OTHER).await, Err(Refusal::Later(_))), "no address is sent more in an hour");
        assert_eq!((smtp.mails().await.len(), profile(app, id).await.0.as_str()), (sent, OLD));
        assert_eq!(act::confirm_address(ctx, &actor, &last).await.unwrap(), NEW);
        assert_eq!(profile(app, id).await.0, NEW);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_may_be_on_its_way_counts_although_it_was_taken_back() {
    on_each_engine(async |app| {
        let Some(smtp) = Smtp::start().await else { return };
        let post = Post::over(app, smtp.port, "");
        let id = person(app, OLD).await;
        let account = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
        let (ctx, actor) = (&post.app.state.actions, Actor::command_as(&account));
        let password = PASSWORD.to_owned().into();
        for _ in 0..5 {
            act::change_profile(ctx, &actor, NEW, None, Some(&password)).await.unwrap();
            // As it is while the mail server is given it.
            let taken = "UPDATE mail SET attempts = 1 WHERE next_try_at IS NOT NULL";
            app.state.db.write.execute_unprepared(taken).await.unwrap();
            act::cancel_address(ctx, &actor).await.unwrap();
        }
        let asked = act::change_profile(ctx, &actor, NEW, None, Some(&password)).await;
        assert!(matches!(asked, Err(Refusal::Later(_))), "{asked:?}");
        assert_eq!(post.run().await.unwrap(), "dealt with 0 mails");
        assert!(smtp.mails().await.is_empty());
        assert!(!post.table().await.contains("Some"), "what they said is forgotten");
    })
    .await;
}
