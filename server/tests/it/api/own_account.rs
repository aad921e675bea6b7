//! What people change of their own account, how long what let them in does so, and what strangers cost.

use std::path::Path;

use actions::accounts as act;
use actions::{Actor, Door, Refusal};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use chrono::{TimeDelta, Utc};
use entity::kind::{AuditAction, JobRequest, Permission, Role, Via};
use entity::view::{AuditEntry, AuditFilter, PageQuery, Timestamp};
use leptos::server_fn::axum::server_fn_paths;
use sea_orm::Statement;
use serde_json::json;
use server::{
    config,
    jobs::{self, JobContext},
    web::identity::{ACCOUNT, OUTDATED, PASSWORD_SINCE, SessionRows},
};
use store::db::ConnectionTrait as _;
use store::queue::JobQueue;
use store::{accounts, audit};
use tower_sessions::{
    SessionStore as _,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::people::{PASSWORD, ask, by_cookie, cookie, form, location, login, person, token};
use super::permissions::{place, session};
use super::review::{told, with_second_factor};
use super::rights::body_of;
use crate::backup::all_rows;
use crate::support::{TestApp, on_each_engine, operations};

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const NEW: &str = "another violet anchor timber";
const WRONG: &str = "wrong timber anchor violet";

/// A process that has just begun: from one address passwords are tried few times.
fn fresh(app: &TestApp) -> TestApp {
    app.with_config("discovery: {enabled: false}")
}

/// What a browser has that ada signed in with.
async fn browser(app: &TestApp, password: &str) -> String {
    let answer = form(&fresh(app), "/sign-in", &[("email", ADA), ("password", password)], None).await;
    cookie(&answer).unwrap()
}

/// What a program has that she signed in with: an access token, and a refresh token.
async fn program(app: &TestApp) -> (String, String) {
    let answer = login(&fresh(app), ADA, PASSWORD).await.json();
    let text = |key: &str| answer[key].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Whether a browser's cookie lets somebody in.
async fn lets_in(app: &TestApp, cookie: &str) -> bool {
    by_cookie(app, "/api/v1/me", cookie).await.status == StatusCode::OK
}

/// The same of what a program says.
async fn lets_program_in(app: &TestApp, token: &str) -> bool {
    ask(app, Method::GET, "/api/v1/me", Some(token), None).await.status == StatusCode::OK
}

#[tokio::test]
async fn a_changed_password_ends_other_sessions_and_leaves_tokens() {
    on_each_engine(async |app| {
        let id = person(app, ADA, Role::User).await;
        let (own, other) = (browser(app, PASSWORD).await, browser(app, PASSWORD).await);
        let (access, _) = program(app).await;
        let kept = token(app, id, &[Permission::Read], &[]).await;
        assert!(lets_in(app, &other).await && lets_program_in(app, &access).await);
        let fields = [("current", PASSWORD), ("new", NEW)];
        let changed = form(&fresh(app), "/ui/change_password", &fields, Some(&own)).await;
        assert!(changed.status.is_success(), "{}: {}", changed.status, changed.text());
        assert!(lets_in(app, &own).await && lets_program_in(app, &kept).await);
        assert!(!lets_in(app, &other).await && !lets_program_in(app, &access).await);
        let old = form(&fresh(app), "/sign-in", &[("email", ADA), ("password", PASSWORD)], None).await;
        assert_eq!(cookie(&old), None);

        // An admin signs somebody out everywhere.
        let again = browser(app, NEW).await;
        let request = Request::post("/ui/end_sessions_of")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Bearer {}", app.token));
        let ended = app.send(request.body(Body::from(format!("account_id={id}"))).unwrap()).await;
        assert!(ended.status.is_success(), "{}: {}", ended.status, ended.text());
        assert!(!lets_in(app, &own).await && !lets_in(app, &again).await && lets_program_in(app, &kept).await);
        let entries = told(app, AuditAction::EndSession).await;
        assert_eq!((entries.len(), &entries[0].after), (1, &Some(json!({ "sessions": 2 }))));
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_code_ends_with_a_changed_password() {
    on_each_engine(async |app| {
        let id = person(app, ADA, Role::User).await;
        let (_, codes) = with_second_factor(app, id).await;
        let begins = async |process: &TestApp, password: &str| {
            let asked = form(process, "/sign-in", &[("email", ADA), ("password", password)], None).await;
            assert!(location(&asked).starts_with("/sign-in/code?"), "{}", location(&asked));
            cookie(&asked).unwrap()
        };
        let process = fresh(app);
        let half_open = begins(&process, PASSWORD).await;
        let own = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
        let actor = Actor::command_as(&own);
        let (old, new) = (Zeroizing::new(PASSWORD.to_owned()), Zeroizing::new(NEW.to_owned()));
        act::change_password(&app.state.actions, &actor, &old, &new).await.unwrap();
        let late = form(&process, "/sign-in/code", &[("code", &codes[0])], Some(&half_open)).await;
        assert!(location(&late).starts_with("/sign-in/code?wrong-code"), "{}", location(&late));
        assert!(!lets_in(app, &cookie(&late).unwrap_or(half_open)).await);
        // The code itself is as good as before.
        let process = fresh(app);
        let half_open = begins(&process, NEW).await;
        let opened = form(&process, "/sign-in/code", &[("code", &codes[0])], Some(&half_open)).await;
        assert!(lets_in(app, &cookie(&opened).unwrap()).await);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_is_past_its_check_opens_nothing_after_a_reset() {
    on_each_engine(async |app| {
        let id = person(app, ADA, Role::User).await;
        let (ctx, nobody) = (&app.state.actions, Actor::nobody(Door::Api, true));
        let (old, new) = (Zeroizing::new(PASSWORD.to_owned()), Zeroizing::new(NEW.to_owned()));
        let known = act::sign_in(ctx, &nobody, ADA, &old).await.unwrap();
        let rows = SessionRows::new(app.state.db.clone(), app.state.identity.settings());
        let by_browser = async || {
            let data = [(ACCOUNT, json!(known.account)), (PASSWORD_SINCE, json!(known.password_since))];
            let data = data.map(|(key, value)| (key.to_owned(), value)).into();
            let expiry_date = OffsetDateTime::now_utc() + Duration::days(1);
            rows.create(&mut Record { id: Id::default(), data, expiry_date }).await.map_err(|error| error.to_string())
        };
        let by_program =
            async || act::start_api_session(ctx, &nobody, &known, None, TimeDelta::days(1)).await.map(|_| ());
        assert_eq!((by_browser().await, by_program().await.is_ok()), (Ok(()), true));
        let sessions = async || accounts::list_sessions(&app.state.db.read, id, Utc::now()).await.unwrap().len();
        assert_eq!(sessions().await, 2);
        act::set_password_of(ctx, &Actor::command(), id, &new).await.unwrap();
        assert_eq!(by_browser().await, Err(OUTDATED.to_owned()));
        assert!(matches!(by_program().await, Err(Refusal::WrongPassword)));
        assert_eq!(sessions().await, 0);
        assert!(matches!(act::sign_in(ctx, &nobody, ADA, &old).await, Err(Refusal::WrongPassword)));
        act::sign_in(ctx, &nobody, ADA, &new).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_ones_own_is_changed_with_the_password_and_wrong_ones_are_limited() {
    on_each_engine(async |app| {
        let id = person(app, ADA, Role::User).await;
        let own = browser(app, PASSWORD).await;
        let credentials = async || accounts::find_credentials(&app.state.db.read, id).await.unwrap().unwrap();
        let before = credentials().await;
        let asked: [(&str, &[(&str, &str)]); 4] = [
            ("/ui/change_password", &[("current", WRONG), ("new", NEW)]),
            ("/ui/change_profile", &[("email", EVE), ("full_name", ""), ("password", WRONG)]),
            ("/ui/begin_second_factor", &[("password", WRONG)]),
            ("/ui/remove_second_factor", &[("password", WRONG)]),
        ];
        for (path, fields) in asked {
            let answer = form(&fresh(app), path, fields, Some(&own)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        }
        let (program, given) = (session(app, id).await, json!({ "email": EVE, "password": WRONG }));
        let answer = ask(&fresh(app), Method::PUT, "/api/v1/users/me", Some(&program), Some(given)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert_eq!(told(app, AuditAction::SignInRefused).await.len(), 5);

        // By one limit with signing in: what comes after that is not even looked at.
        let process = fresh(app);
        let change = async |current: &str| {
            let fields = [("current", current), ("new", NEW)];
            form(&process, "/ui/change_password", &fields, Some(&own)).await.status
        };
        for _ in 0..3 {
            assert_eq!(change(WRONG).await, StatusCode::BAD_REQUEST);
        }
        assert_eq!(change(PASSWORD).await, StatusCode::BAD_REQUEST);
        let sign_in = form(&process, "/sign-in", &[("email", ADA), ("password", PASSWORD)], None).await;
        assert!(location(&sign_in).starts_with("/sign-in?later="), "{}", location(&sign_in));
        assert_eq!(process.state.actions.password_hashes(), 3);

        let after = credentials().await;
        assert_eq!((&after.email, &after.password_hash), (&before.email, &before.password_hash));
        assert_eq!((&after.totp_secret, after.password_changed_at), (&None, before.password_changed_at));
        let fields = [("email", EVE), ("full_name", ""), ("password", PASSWORD)];
        let changed = form(&fresh(app), "/ui/change_profile", &fields, Some(&own)).await;
        assert!(changed.status.is_success(), "{}: {}", changed.status, changed.text());
        assert_eq!(credentials().await.email, EVE);
    })
    .await;
}

/// Has this time stand in all rows of sessions.
async fn set_sessions(app: &TestApp, column: &str, at: Timestamp) {
    let write = &app.state.db.write;
    let sql = format!("UPDATE session SET {column} = $1");
    let statement = Statement::from_sql_and_values(write.get_database_backend(), sql, [at.into()]);
    write.execute_raw(statement).await.unwrap();
}

#[tokio::test]
async fn sessions_end_where_they_are_not_used_and_in_any_case_as_is_set() {
    on_each_engine(async |app| {
        let id = person(app, ADA, Role::User).await;
        let sessions = async || accounts::list_sessions(&app.state.db.read, id, Utc::now()).await.unwrap();
        let (minute, hour) = (TimeDelta::minutes(1), TimeDelta::hours(1));
        for (config, idle, most) in [("{}", 7, 30), ("accounts: {session_idle: 1d, session_max: 2d}", 1, 2)] {
            let app = app.with_config(config);
            let (idle, most) = (TimeDelta::days(idle), TimeDelta::days(most));
            let open = cookie(&form(&app, "/sign-in", &[("email", ADA), ("password", PASSWORD)], None).await).unwrap();
            let found = sessions().await.remove(0);
            let lasts = found.expires_at - found.created_at;
            assert!(lasts <= most && lasts > most - minute, "{config}: {lasts}");
            set_sessions(&app, "seen_at", Utc::now() - idle - minute).await;
            assert!(!lets_in(&app, &open).await, "{config}: it was not used for long");
            set_sessions(&app, "seen_at", Utc::now() - idle + hour).await;
            assert!(lets_in(&app, &open).await, "{config}: it was used in time");
            set_sessions(&app, "expires_at", Utc::now() - minute).await;
            assert!(!lets_in(&app, &open).await, "{config}: its time is over, however it is used");
            accounts::delete_sessions(&app.state.db.write, id, None).await.unwrap();
        }

        // A program's is refreshed, and not for ever.
        let (_, first) = program(app).await;
        let refresh = async |token: &str| {
            let given = json!({ "refresh_token": token });
            ask(app, Method::POST, "/api/v1/auth/refresh", None, Some(given)).await
        };
        set_sessions(app, "created_at", Utc::now() - TimeDelta::days(90) + hour).await;
        let next = refresh(&first).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.text());
        let ends = sessions().await.remove(0).expires_at;
        assert!(ends > Utc::now() && ends <= Utc::now() + hour, "{ends}");
        set_sessions(app, "expires_at", Utc::now() - minute).await;
        let next = next.json();
        assert!(!lets_program_in(app, next["access_token"].as_str().unwrap()).await);
        assert_eq!(refresh(next["refresh_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn who_has_no_link_and_may_not_act_costs_no_row_and_no_hash() {
    on_each_engine(async |app| {
        let process = fresh(app);
        let before = all_rows(&app.state.db).await;
        let mut asked = 0;
        for (method, path, operation) in operations().filter(|(method, ..)| !method.is_safe()) {
            // Who tries a password costs what that costs, and is told of.
            if operation["tags"][0] == "login" {
                continue;
            }
            let has_body = operation.get("requestBody").is_some();
            let body = has_body.then(|| body_of(operation["operationId"].as_str().unwrap())).flatten();
            let answer = ask(&process, method.clone(), &place(path), None, body).await;
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
            asked += 1;
        }
        let forms = server_fn_paths().filter(|(path, method)| *method == Method::POST && !path.ends_with("/theme"));
        for (path, _) in forms {
            let answer = form(&process, path, &[("id", "a"), ("from", "/")], None).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            asked += 1;
        }
        for way_in in ["/set-up/", "/welcome/"] {
            let guess = auth::token::mint_opaque().text;
            let fields = [("email", ADA), ("password", PASSWORD)];
            let answer = form(&process, &format!("{way_in}{}", guess.as_str()), &fields, None).await;
            assert!(location(&answer).starts_with(way_in), "{way_in}: {}", location(&answer));
        }
        assert!(asked > 40, "{asked} operations and forms were asked");
        assert_eq!(all_rows(&app.state.db).await, before);
        assert_eq!(process.state.actions.password_hashes(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_is_told_for_ninety_days_and_what_was_done_for_longer() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        for (days, action) in [
            (91, AuditAction::AccessRefused),
            (91, AuditAction::SignInRefused),
            (89, AuditAction::AccessRefused),
            (400, AuditAction::SyncRepository),
        ] {
            let entry = AuditEntry {
                id: Uuid::nil(),
                at: Utc::now() - TimeDelta::days(days),
                action,
                account_id: None,
                who: ADA.to_owned(),
                via: Via::Session,
                via_id: None,
                object_kind: "right".to_owned(),
                object_id: None,
                object_name: days.to_string(),
                before: None,
                after: None,
                address: None,
                request_id: None,
            };
            audit::add_audit_entry(&db.write, &entry).await.unwrap();
        }
        let config = config::parse(Path::new("test"), "{}", [].into()).unwrap();
        let deps = server::start::deps(&config, db, &JobQueue::new(db.clone()), None).unwrap();
        jobs::handle(&deps, &JobContext::new(Uuid::now_v7()), &JobRequest::Prune).await.unwrap();
        let left = audit::list_audit_entries(&db.read, &AuditFilter::default(), PageQuery::default()).await.unwrap();
        let left: Vec<String> = left.data.into_iter().map(|entry| entry.object_name).collect();
        assert_eq!(left, ["89", "400"]);
    })
    .await;
}
