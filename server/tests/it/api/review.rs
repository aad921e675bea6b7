//! What keeps accounts theirs: codes that are guessed, tokens that were copied, admins at once, what is told of refusals.

use actions::accounts as act;
use actions::{Actor, Door, Refusal};
use auth::Identity;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::{AuditAction, Permission, Role, Via};
use entity::view::{AuditEntry, AuditFilter, PageQuery};
use futures::StreamExt as _;
use serde_json::json;
use store::accounts;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::people::{PASSWORD, account, ask, by_cookie, cookie, form, known, location, person, token};
use crate::support::{Answer, TestApp, on_each_engine};

/// What was told of a kind.
pub(super) async fn told(app: &TestApp, action: AuditAction) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    store::audit::list_audit_entries(&app.state.db.read, &filter, PageQuery::default()).await.unwrap().data
}

fn password() -> Zeroizing<String> {
    Zeroizing::new(PASSWORD.to_owned())
}

/// Asks for codes from now on; what makes codes, and those that stand for them.
pub(super) async fn with_second_factor(app: &TestApp, id: Uuid) -> (totp_rs::Totp, Vec<Zeroizing<String>>) {
    let ctx = &app.state.actions;
    let own = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
    let actor = Actor::command_as(&own);
    let offer = act::begin_second_factor(ctx, &actor, &password()).await.unwrap();
    let totp = totp_rs::Totp::from_url(&offer.url).unwrap();
    // The code of the step before, so that the one of now is new later on. It is taken until this step ends: not just now.
    let left = 30 - chrono::Utc::now().timestamp().rem_euclid(30).unsigned_abs();
    if left < 10 {
        tokio::time::sleep(std::time::Duration::from_secs(left)).await;
    }
    let codes = act::confirm_second_factor(ctx, &actor, &code(&totp, -30)).await.unwrap();
    (totp, codes)
}

/// The code of so many seconds from now.
fn code(totp: &totp_rs::Totp, seconds: i64) -> String {
    totp.generate(u64::try_from(chrono::Utc::now().timestamp() + seconds).unwrap()).to_string()
}

/// Signs in as programs do.
async fn login(app: &TestApp, email: &str, code: Option<&str>) -> Answer {
    let mut fields = vec![("username", email), ("password", PASSWORD)];
    fields.extend(code.map(|code| ("code", code)));
    form(app, "/api/v1/login/access-token", &fields, None).await
}

#[tokio::test]
async fn wrong_codes_are_counted_over_doors_and_processes_and_lock_nobody_out() {
    on_each_engine(async |app| {
        let id = person(app, "ada@example.org", Role::User).await;
        let (totp, codes) = with_second_factor(app, id).await;
        let nobody = Actor::nobody(Door::Page, true);
        // Another process has limits of its own; what counts is in the database.
        let other = app.with_config("{}");
        let (who, since) = (known(app, id).await, chrono::Utc::now());
        for number in 1..=8 {
            let at = if number % 2 == 0 { &app.state.actions } else { &other.state.actions };
            let refused = act::check_second_factor(at, &nobody, &who, since, Via::Password, "123").await.unwrap_err();
            assert!(matches!(refused, Refusal::WrongCode), "{number}: {refused:?}");
        }
        assert!(act::check_second_factor(&app.state.actions, &nobody, &who, since, Via::Password, " ").await.is_err());
        let counted = async || accounts::find_credentials(&app.state.db.read, id).await.unwrap().unwrap().wrong_codes;
        assert_eq!(counted().await, 8, "no code at all is no wrong one");
        let ninth = login(app, "ada@example.org", Some("123")).await;
        assert_eq!(ninth.status, StatusCode::BAD_REQUEST);
        let fields = [("email", "ada@example.org"), ("password", PASSWORD), ("from", "/charts")];
        let pending = cookie(&form(app, "/sign-in", &fields, None).await).unwrap();
        let tenth = form(app, "/sign-in/code", &[("code", "123"), ("from", "/charts")], Some(&pending)).await;
        let place = location(&tenth).to_owned();
        assert!(place.starts_with("/sign-in?later=") && place.ends_with("from=/charts"), "{place}");
        // The code step is over: the password is asked for anew, and then no code of the app counts for a while.
        let over = form(&other, "/sign-in/code", &[("code", &code(&totp, 0))], Some(&pending)).await;
        assert!(location(&over).starts_with("/sign-in?from="), "{}", location(&over));
        let locked = login(&other, "ada@example.org", Some(&code(&totp, 0))).await;
        assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.text());
        assert_eq!(counted().await, 10, "nobody counts what nobody looks at");
        // What stands for the app can't be guessed, and lets its owner in whoever tries codes.
        assert_eq!(login(&other, "ada@example.org", Some(&codes[0])).await.status, StatusCode::OK);
        assert_eq!(counted().await, 0);
        // A right one makes good what was mistyped before it.
        let now = chrono::Utc::now();
        assert!(act::check_second_factor(&app.state.actions, &nobody, &who, now, Via::Password, "123").await.is_err());
        act::check_second_factor(&app.state.actions, &nobody, &who, now, Via::Password, &code(&totp, 0)).await.unwrap();
        assert_eq!(counted().await, 0);
        // A hundred at once are no more than one after the other.
        let many =
            (0..30).map(|_| act::check_second_factor(&app.state.actions, &nobody, &who, now, Via::Password, "123"));
        let answers = futures::future::join_all(many).await;
        let looked_at = answers.iter().filter(|answer| matches!(answer, Err(Refusal::WrongCode))).count();
        assert!(looked_at <= 9, "{looked_at} of 30 were looked at");
        assert!(answers.iter().all(Result::is_err) && counted().await <= 10);
        let entries = told(app, AuditAction::SignInRefused).await.len();
        assert!((2..=6).contains(&entries), "once in a minute by each process: {entries}");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_was_used_before_ends_its_session() {
    on_each_engine(async |app| {
        let id = person(app, "ada@example.org", Role::User).await;
        let text = |answer: &Answer, key: &str| answer.json()[key].as_str().unwrap().to_owned();
        let refresh = async |token: &str| {
            ask(app, Method::POST, "/api/v1/auth/refresh", None, Some(json!({ "refresh_token": token }))).await
        };
        let copied = text(&login(app, "ada@example.org", None).await, "refresh_token");
        let second = refresh(&copied).await;
        let third = refresh(&text(&second, "refresh_token")).await;
        assert_eq!(third.status, StatusCode::OK);
        // However long ago it was: whoever has it had a token of this session.
        assert_eq!(refresh(&copied).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&text(&third, "refresh_token")).await.status, StatusCode::UNAUTHORIZED);
        let access = text(&third, "access_token");
        assert_eq!(ask(app, Method::GET, "/api/v1/me", Some(&access), None).await.status, StatusCode::FORBIDDEN);
        let ended = told(app, AuditAction::EndSession).await;
        assert_eq!((ended.len(), ended[0].object_name.as_str()), (1, "ada@example.org"));
        // One that never was of a session ends none.
        let other = login(app, "ada@example.org", None).await;
        assert_eq!(refresh(&auth::token::mint_opaque().text).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&text(&other, "refresh_token")).await.status, StatusCode::OK);
        assert_eq!(accounts::list_sessions(&app.state.db.read, id, chrono::Utc::now()).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_admin_helps_who_lost_the_second_factor_and_a_reset_ends_all_that_lets_in() {
    on_each_engine(async |app| {
        let id = person(app, "ada@example.org", Role::Admin).await;
        with_second_factor(app, id).await;
        let own = token(app, id, &[Permission::Admin], &[]).await;
        let some = token(app, id, &[Permission::Admin], &["ada/*"]).await;
        let (_, viewer) = account(app, "vera@example.org", "viewer").await;
        let place = format!("/api/v1/admin/users/{id}/second-factor");
        let remove = async |by: &str| ask(app, Method::DELETE, &place, Some(by), None).await.status;
        assert_eq!(remove(&viewer).await, StatusCode::FORBIDDEN);
        assert_eq!(remove(&some).await, StatusCode::FORBIDDEN, "a token for some repositories administers nothing");
        assert_eq!(remove(&own).await, StatusCode::UNPROCESSABLE_ENTITY, "the own one goes with the own password");
        let signed_in = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        assert!(location(&signed_in).starts_with("/sign-in/code"));
        assert_eq!(remove(&app.token).await, StatusCode::NO_CONTENT);
        assert_eq!(remove(&app.token).await, StatusCode::UNPROCESSABLE_ENTITY, "there is none any more");
        let entries = told(app, AuditAction::RemoveSecondFactor).await;
        assert_eq!((entries.len(), entries[0].who.as_str()), (1, "admin@example.org"));
        let signed_in = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        let open = cookie(&signed_in).unwrap();
        assert_eq!(by_cookie(app, "/api/v1/me", &open).await.status, StatusCode::OK);
        // A reset leaves nothing of what may have been copied: no session, and no token.
        let ctx = &app.state.actions;
        let new = Zeroizing::new("another violet anchor timber".to_owned());
        // Whoever knew the password made themselves known by another site as well.
        let mallory = Identity {
            issuer: "https://id.example.org".to_owned(),
            subject: "4711".to_owned(),
            email: Some("mallory@example.org".to_owned()),
            email_verified: true,
            name: None,
            groups: Vec::new(),
        };
        let tie = async || {
            let (Identity { issuer, subject, .. }, now) = (&mallory, chrono::Utc::now());
            accounts::link_identity(&app.state.db.write, id, issuer, subject, None, now).await.unwrap();
        };
        let nobody = Actor::nobody(Door::Page, true);
        let admission = act::Admission {
            provider: "Company".to_owned(),
            sign_up: false,
            trusts_email: false,
            role: None,
            roles: Vec::new(),
        };
        let comes_in = async || act::sign_in_elsewhere(ctx, &nobody, &mallory, &admission).await.is_ok();
        tie().await;
        assert!(comes_in().await);
        act::set_password_of(ctx, &Actor::command(), id, &new).await.unwrap();
        assert_eq!(by_cookie(app, "/api/v1/me", &open).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(accounts::count_tokens(&app.state.db.read, id).await.unwrap(), 0);
        assert!(!comes_in().await);
        let connection = json!([{ "issuer": "https://id.example.org", "subject": "4711", "email": null }]);
        let entries = told(app, AuditAction::ChangePassword).await;
        assert_eq!(entries[0].after, Some(json!({ "tokens": 2, "identities": connection })));
        let again = token(app, id, &[Permission::Read], &[]).await;
        tie().await;
        let link = act::make_link(ctx, &Actor::command(), id).await.unwrap().link;
        act::take_account(ctx, &nobody, &link, None, &password()).await.unwrap();
        assert_eq!(ask(app, Method::GET, "/api/v1/me", Some(&again), None).await.status, StatusCode::FORBIDDEN);
        assert!(!comes_in().await && accounts::list_identities(&app.state.db.read, id).await.unwrap().is_empty());
        let entries = told(app, AuditAction::TakeAccount).await;
        assert_eq!(entries[0].after, Some(json!({ "link": "reset", "tokens": 1, "identities": connection })));
        // With a password that can't be taken there is no account either.
        let before = accounts::count_accounts(&app.state.db.read).await.unwrap();
        let weak = Zeroizing::new("password1234567".to_owned());
        let make = async |password| {
            act::create_account_with_password(ctx, &Actor::command(), "bo@example.org", None, "user", password).await
        };
        assert!(matches!(make(&weak).await, Err(Refusal::Unusable(_))));
        assert_eq!(accounts::count_accounts(&app.state.db.read).await.unwrap(), before);
        make(&password()).await.unwrap();
        assert!(
            cookie(&form(app, "/sign-in", &[("email", "bo@example.org"), ("password", PASSWORD)], None).await)
                .is_some()
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_told_once_in_a_minute_and_of_nobody_not_at_all() {
    on_each_engine(async |app| {
        let (id, viewer) = account(app, "vera@example.org", "viewer").await;
        for _ in 0..5 {
            let answer = ask(app, Method::POST, "/api/v1/repositories/sync", Some(&viewer), None).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            ask(app, Method::POST, "/api/v1/repositories/sync", None, None).await;
            assert_eq!(
                ask(app, Method::GET, "/api/v1/admin/users", Some(&viewer), None).await.status,
                StatusCode::FORBIDDEN
            );
        }
        // A form leads to a page that tells; the log tells as well.
        let fields = format!("account_id={}&is_active=false", Uuid::nil());
        let request = Request::post("/ui/switch_account")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Bearer {viewer}"));
        app.send(request.body(Body::from(fields)).unwrap()).await;
        let entries = told(app, AuditAction::AccessRefused).await;
        // A minute may end meanwhile.
        let minute = |at: entity::view::Timestamp| at.timestamp().div_euclid(60);
        let mut of: Vec<(&str, i64)> =
            entries.iter().map(|entry| (entry.object_name.as_str(), minute(entry.at))).collect();
        of.sort_unstable();
        assert!(of.windows(2).all(|pair| pair[0] != pair[1]), "{of:?}");
        let mut names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
        names.dedup();
        assert_eq!(names, ["admin", "change_account", "jobs:run"]);
        assert!(entries.iter().all(|entry| entry.account_id == Some(id) && entry.request_id.is_some()));
    })
    .await;
}

#[tokio::test]
async fn two_admins_can_not_demote_each_other_and_tokens_are_counted() {
    on_each_engine(async |app| {
        let (ctx, db) = (&app.state.actions, &app.state.db);
        let (ada, _) = account(app, "ada@example.org", "admin").await;
        let (bob, _) = account(app, "bob@example.org", "admin").await;
        let tests = accounts::find_credentials_by_email(&db.read, "admin@example.org").await.unwrap().unwrap();
        accounts::set_role(&db.write, tests.id, "user").await.unwrap();
        for round in 0..10 {
            for id in [ada, bob] {
                accounts::set_role(&db.write, id, "admin").await.unwrap();
            }
            let actor = Actor::command();
            let demote = act::AccountChange { role: Some("user".to_owned()), is_active: None };
            let (one, other) = match round % 2 {
                0 => {
                    let demote = |id| act::change_account(ctx, &actor, id, &demote);
                    let both = tokio::join!(demote(ada), demote(bob));
                    (both.0.is_ok(), both.1.is_ok())
                }
                _ => {
                    let switch = act::AccountChange { role: None, is_active: Some(false) };
                    let both = tokio::join!(
                        act::change_account(ctx, &actor, ada, &demote),
                        act::change_account(ctx, &actor, bob, &switch)
                    );
                    (both.0.is_ok(), both.1.is_ok())
                }
            };
            assert!(one ^ other, "round {round}: {one} {other}");
            accounts::set_active(&db.write, bob, true).await.unwrap();
        }
        let own = accounts::find_account(&db.read, ada).await.unwrap().unwrap();
        let request = act::TokenRequest {
            name: "ci".to_owned(),
            scopes: vec![Permission::Read],
            repositories: Vec::new(),
            days: Some(1),
        };
        for _ in accounts::count_tokens(&db.read, ada).await.unwrap()..99 {
            token(app, ada, &[Permission::Read], &[]).await;
        }
        let actor = Actor::command_as(&own);
        let make = || act::create_token(ctx, &actor, &request);
        let answers = futures::future::join_all((0..4).map(|_| make())).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(accounts::count_tokens(&db.read, ada).await.unwrap(), 100);
        let refused = make().await.unwrap_err().sentence();
        assert_eq!(refused, "An account has at most 100 tokens; revoke one that nobody needs.");
    })
    .await;
}

#[tokio::test]
async fn cookies_are_for_https_alone_where_people_come_by_it() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::User).await;
        let named = app.with_config("server: {public_url: 'https://kubestats.example.org'}");
        let cookies = |answer: &Answer| {
            let all = answer.headers.get_all(header::SET_COOKIE).iter();
            all.map(|cookie| cookie.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let wrong = form(&named, "/sign-in", &[("email", "ada@example.org"), ("password", "wrong")], None).await;
        let right = form(&named, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        let theme = form(&named, "/ui/theme", &[("theme", "dark")], None).await;
        let set = [cookies(&wrong), cookies(&right), cookies(&theme)].concat();
        assert!(set.iter().any(|cookie| cookie.starts_with("__Host-kubestats=")), "{set:?}");
        assert!(set.iter().any(|cookie| cookie.starts_with("theme=dark")), "{set:?}");
        assert!(set.iter().all(|cookie| cookie.contains("; Secure")), "{set:?}");
        // Without that key, a trusted proxy says so; nobody else can.
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        for (server, secure) in [("{trusted_proxies: [127.0.0.0/8]}", true), ("{}", false)] {
            let listening = app.listen(server).await;
            let fields = format!("email=ada@example.org&password={}", PASSWORD.replace(' ', "+"));
            for (path, body) in [("/sign-in", fields.as_str()), ("/ui/theme", "theme=dark")] {
                let request = client.post(format!("http://{}{path}", listening.address));
                let request = request.header("x-forwarded-proto", "https").header("x-forwarded-for", "203.0.113.9");
                let answer =
                    request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned()).send();
                let answer = answer.await.unwrap();
                let set: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
                let is_secure = set.iter().all(|cookie| cookie.to_str().unwrap().contains("; Secure"));
                assert!(!set.is_empty() && is_secure == secure, "{server} {path}: {set:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn live_updates_end_with_what_let_somebody_in() {
    on_each_engine(async |app| {
        let closed = app.with_config("server: {anonymous_read: false}");
        let id = person(&closed, "ada@example.org", Role::User).await;
        let signed_in = form(&closed, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        let session = cookie(&signed_in).unwrap();
        let revoked = token(&closed, id, &[Permission::Read], &[]).await;
        let open = async |name: header::HeaderName, value: String| {
            let request = Request::get("/api/v1/stream").header(name, value).body(Body::empty()).unwrap();
            let response = closed.raw(request).await;
            assert_eq!(response.status(), StatusCode::OK);
            response.into_body().into_data_stream()
        };
        let (mut by_cookie, mut by_token) = (
            open(header::COOKIE, session.clone()).await,
            open(header::AUTHORIZATION, format!("Bearer {revoked}")).await,
        );
        let own = accounts::list_tokens(&closed.state.db.read, id).await.unwrap()[0].id;
        accounts::delete_token(&closed.state.db.write, id, own).await.unwrap();
        form(&closed, "/sign-out", &[], Some(&session)).await;
        let ends = async |stream: &mut axum::body::BodyDataStream| while stream.next().await.is_some() {};
        let both = async { tokio::join!(ends(&mut by_cookie), ends(&mut by_token)) };
        tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("a stream goes on");
        // What still lets in is asked for in the same words.
        let reads = token(&closed, id, &[Permission::Read], &[]).await;
        let found = accounts::find_token(&closed.state.db.read, &auth::token::read(&reads).unwrap()).await.unwrap();
        let found = found.unwrap();
        let actor = Actor::token(
            found.holder.unwrap(),
            found.token.id,
            found.token.scopes.into_iter().collect(),
            found.token.repositories,
        );
        assert!(closed.state.identity.still_reads(&actor).await);
        accounts::set_active(&closed.state.db.write, id, false).await.unwrap();
        assert!(!closed.state.identity.still_reads(&actor).await);
        assert!(!closed.state.identity.still_reads(&Actor::nobody(Door::Api, false)).await);
    })
    .await;
}
