//! Coming in and going: by plain forms, by programs, by links that work once, by a second factor.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::{Role, Via};
use serde_json::json;
use store::accounts;
use zeroize::Zeroizing;

use super::people::{PASSWORD, account, ask, by_cookie, cookie, form, known, location, login, person, support_code};
use crate::support::{Answer, on_each_engine};

#[tokio::test]
async fn people_sign_in_and_out_by_plain_forms() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::Developer).await;
        let sign_in = [("email", " Ada@Example.org "), ("password", PASSWORD), ("from", "/charts?at=2026-01-02")];
        let answer = form(app, "/sign-in", &sign_in, None).await;
        assert_eq!((answer.status, location(&answer)), (StatusCode::SEE_OTHER, "/charts?at=2026-01-02"));
        let first = cookie(&answer).unwrap();
        let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap());
        let set = set.into_iter().find(|set| set.starts_with(&first)).unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
        let me = by_cookie(app, "/api/v1/me", &first).await;
        assert_eq!((me.status, &me.json()["email"]), (StatusCode::OK, &json!("ada@example.org")));
        assert_eq!(me.headers[header::CACHE_CONTROL], "no-store");
        // Who signs in again, or on another's session, gets another name for it.
        let again = form(app, "/sign-in", &sign_in, Some(&first)).await;
        let second = cookie(&again).unwrap();
        assert_ne!(first, second);
        assert_eq!(by_cookie(app, "/api/v1/me", &first).await.status, StatusCode::UNAUTHORIZED);
        // Another site's page can't act with the cookie, our own can.
        let sessions = by_cookie(app, "/api/v1/users/me/sessions", &second).await.json();
        assert_eq!(sessions.as_array().unwrap().len(), 1);
        let foreign = Request::post("/sign-out").header(header::COOKIE, &second).header("sec-fetch-site", "cross-site");
        assert_eq!(app.send(foreign.body(Body::empty()).unwrap()).await.status, StatusCode::FORBIDDEN);
        let out = form(app, "/sign-out", &[], Some(&second)).await;
        assert_eq!((out.status, location(&out)), (StatusCode::SEE_OTHER, "/"));
        assert_eq!(by_cookie(app, "/api/v1/me", &second).await.status, StatusCode::UNAUTHORIZED);
        // Nobody is led to another site, and nobody is told which of the two was wrong.
        let away = [("email", "ada@example.org"), ("password", PASSWORD), ("from", "//evil.example")];
        assert_eq!(location(&form(app, "/sign-in", &away, None).await), "/");
    })
    .await;
}

#[tokio::test]
async fn who_is_wrong_is_told_no_more_than_that() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::User).await;
        let gone = person(app, "grace@example.org", Role::User).await;
        accounts::set_active(&app.state.db.write, gone, false).await.unwrap();
        for email in ["ada@example.org", "nobody@example.org", "grace@example.org"] {
            let password = if email.starts_with("grace") { PASSWORD } else { "wrong" };
            let answer = login(app, email, password).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{email}");
            assert_eq!(answer.json()["detail"], "Incorrect email or password", "{email}");
        }
        // The fourth try of an address within a minute waits.
        let late = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        assert!(location(&late).starts_with("/sign-in?later="), "{}", location(&late));
        let filter = entity::view::AuditFilter::default();
        let told =
            store::audit::list_audit_entries(&app.state.db.read, &filter, entity::view::PageQuery::default()).await;
        let told = told.unwrap().data;
        assert_eq!(told.iter().filter(|entry| entry.action.as_str() == "sign_in_refused").count(), 3);
        assert!(!format!("{told:?}").contains("violet"));
    })
    .await;
}

#[tokio::test]
async fn whoever_is_wrong_is_answered_alike_and_costs_one_hash() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::User).await;
        let gone = person(app, "grace@example.org", Role::User).await;
        accounts::set_active(&app.state.db.write, gone, false).await.unwrap();
        account(app, "lin@example.org", "user").await;
        let wrong = [
            ("ada@example.org", "another violet anchor timber"),
            ("nobody@example.org", "another violet anchor timber"),
            ("nobody@example.org", PASSWORD),
            ("no address", PASSWORD),
            // Switched off, and without any password.
            ("grace@example.org", PASSWORD),
            ("lin@example.org", PASSWORD),
        ];
        let mut answers = Vec::new();
        for (email, password) in wrong {
            // A process of its own: tries from one address are few.
            let fresh = app.with_config("discovery: {enabled: false}");
            let page = form(&fresh, "/sign-in", &[("email", email), ("password", password)], None).await;
            assert_eq!(fresh.state.actions.password_hashes(), 1, "{email} on the page");
            let program = login(&fresh, email, password).await;
            assert_eq!(fresh.state.actions.password_hashes(), 2, "{email} as a program");
            let told = program.json()["detail"].clone();
            answers.push((page.status, location(&page).to_owned(), page.text(), program.status, told));
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:#?}");
        assert_eq!((answers[0].0, answers[0].3), (StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST));
        // Who is right costs as much.
        let fresh = app.with_config("discovery: {enabled: false}");
        let right = form(&fresh, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        assert!(cookie(&right).is_some());
        assert_eq!(fresh.state.actions.password_hashes(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_password_that_was_typed_into_the_wrong_field_is_kept_nowhere() {
    on_each_engine(async |app| {
        for typed in ["violet anchor timber", "violet@anchor", "<violet>@anchor.example"] {
            let answer = form(app, "/sign-in", &[("email", typed), ("password", "")], None).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
        }
        let filter = entity::view::AuditFilter::default();
        let page = entity::view::PageQuery::default();
        let told = store::audit::list_audit_entries(&app.state.db.read, &filter, page).await.unwrap().data;
        let told: Vec<&str> = told.iter().map(|entry| entry.object_name.as_str()).collect();
        assert!(!told.is_empty() && told.iter().all(|name| *name == "no e-mail address"), "{told:?}");
        for row in crate::backup::all_rows(&app.state.db).await {
            assert!(!row.contains("violet"), "{row}");
        }
    })
    .await;
}

#[tokio::test]
async fn programs_sign_in_refresh_and_leave() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::Admin).await;
        let answer = login(app, "ada@example.org", PASSWORD).await;
        assert_eq!((answer.status, &answer.json()["token_type"]), (StatusCode::OK, &json!("bearer")));
        assert_eq!(answer.header("cache-control"), "no-store", "what lets in is kept by nobody on the way");
        let text = |answer: &Answer, key: &str| answer.json()[key].as_str().unwrap().to_owned();
        let access = text(&answer, "access_token");
        let me = ask(app, Method::GET, "/api/v1/me", Some(&access), None).await;
        assert_eq!(me.json()["is_superuser"], true);
        let first = text(&answer, "refresh_token");
        let refresh = |token: String| json!({ "refresh_token": token });
        let next = ask(app, Method::POST, "/api/v1/auth/refresh", None, Some(refresh(first.clone()))).await;
        assert_eq!((next.status, next.header("cache-control")), (StatusCode::OK, "no-store"));
        let again = ask(app, Method::POST, "/api/v1/auth/refresh", None, Some(refresh(first))).await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED, "one that was used works no more");
        let next = login(app, "ada@example.org", PASSWORD).await;
        let access = text(&next, "access_token");
        let left = ask(app, Method::POST, "/api/v1/auth/logout", Some(&access), None).await;
        assert_eq!((left.status, left.json()), (StatusCode::OK, json!({ "message": "Signed out" })));
        assert_eq!(ask(app, Method::GET, "/api/v1/me", Some(&access), None).await.status, StatusCode::FORBIDDEN);
        let dead =
            ask(app, Method::POST, "/api/v1/auth/refresh", None, Some(refresh(text(&next, "refresh_token")))).await;
        assert_eq!(dead.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn the_first_account_needs_the_link_that_only_the_log_shows() {
    on_each_engine(async |app| {
        let ctx = &app.state.actions;
        // The tests' own account stands for somebody: there is no second first one.
        assert!(actions::accounts::make_set_up_link(ctx).await.unwrap().is_none());
        accounts::delete_account(&app.state.db.write, app.admin_id().await).await.unwrap();
        let link = actions::accounts::make_set_up_link(ctx).await.unwrap().unwrap();
        let person = [("email", "ada@example.org"), ("full_name", "Ada"), ("password", PASSWORD)];
        let guessed = form(app, "/set-up/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &person, None).await;
        assert!(location(&guessed).starts_with("/set-up/"), "{}", location(&guessed));
        assert!(!accounts::is_set_up(&app.state.db.read).await.unwrap());
        let weak = [("email", "ada@example.org"), ("password", "password1234567")];
        let place = format!("/set-up/{}", link.as_str());
        let refused = form(app, &place, &weak, None).await;
        assert!(location(&refused).contains("?outcome="), "{}", location(&refused));
        let made = form(app, &place, &person, None).await;
        assert_eq!((made.status, location(&made)), (StatusCode::SEE_OTHER, "/"));
        let me = by_cookie(app, "/api/v1/me", &cookie(&made).unwrap()).await.json();
        assert_eq!((&me["email"], &me["is_superuser"]), (&json!("ada@example.org"), &json!(true)));
        let again = form(app, &place, &[("email", "eve@example.org"), ("password", PASSWORD)], None).await;
        assert_eq!(cookie(&again), None);
        assert_eq!(accounts::count_accounts(&app.state.db.read).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn invitations_work_once_and_somebody_stays_who_may_administer() {
    on_each_engine(async |app| {
        let admin = Some(app.token.as_str());
        let wanted = json!({ "email": "Grace@Example.org", "full_name": "Grace", "role": "developer" });
        let invited = ask(app, Method::POST, "/api/v1/admin/users", admin, Some(wanted.clone())).await;
        assert_eq!(invited.status, StatusCode::CREATED);
        let taken = ask(app, Method::POST, "/api/v1/admin/users", admin, Some(wanted)).await;
        assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
        let link = invited.json()["link"].as_str().unwrap().to_owned();
        let chosen = form(app, &link, &[("password", PASSWORD)], None).await;
        assert_eq!(location(&chosen), "/sign-in?chosen");
        let again = form(app, &link, &[("password", "another violet anchor timber")], None).await;
        assert_ne!(location(&again), "/sign-in?chosen");
        let signed_in = form(app, "/sign-in", &[("email", "grace@example.org"), ("password", PASSWORD)], None).await;
        assert!(cookie(&signed_in).is_some());
        // The last one that may administer stays.
        let place = format!("/api/v1/admin/users/{}", app.admin_id().await);
        for (method, body) in [
            (Method::DELETE, None),
            (Method::PATCH, Some(json!({ "role": "user" }))),
            (Method::PATCH, Some(json!({ "is_active": false }))),
        ] {
            let answer = ask(app, method, &place, admin, body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        // A role that somebody made counts from then on, and is told in the log of what people did.
        let made = json!({ "permissions": ["read", "jobs:run"] });
        let put = ask(app, Method::PUT, "/api/v1/admin/roles/operator", admin, Some(made)).await;
        assert_eq!(put.status, StatusCode::NO_CONTENT);
        let (_, operator) = account(app, "olga@example.org", "operator").await;
        let sync = ask(app, Method::POST, "/api/v1/repositories/sync", Some(&operator), None).await;
        assert_eq!(sync.status, StatusCode::ACCEPTED);
        let in_use = ask(app, Method::DELETE, "/api/v1/admin/roles/operator", admin, None).await;
        assert_eq!(in_use.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = ask(app, Method::GET, "/api/v1/admin/audit?action=sync_repositories", admin, None).await.json();
        assert_eq!((&told["count"], &told["data"][0]["who"]), (&json!(1), &json!("olga@example.org")));
        let csv = ask(app, Method::GET, "/api/v1/admin/audit?format=csv", admin, None).await;
        assert!(csv.text().starts_with("at,action,who,via,") && csv.text().contains("\"create_role\""));
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_works_twice() {
    on_each_engine(async |app| {
        use actions::accounts as act;
        let id = person(app, "ada@example.org", Role::User).await;
        let ctx = &app.state.actions;
        let found = accounts::find_account(&app.state.db.read, id).await.unwrap().unwrap();
        let actor = actions::Actor::command_as(&found);
        let password = Zeroizing::new(PASSWORD.to_owned());
        let offer = act::begin_second_factor(ctx, &actor, &password).await.unwrap();
        assert!(offer.url.contains(&offer.secret) && offer.picture.contains("<svg"));
        let stored = accounts::find_credentials(&app.state.db.read, id).await.unwrap().unwrap();
        assert!(stored.totp_secret.is_some_and(|sealed| !String::from_utf8_lossy(&sealed).contains(&offer.secret)));
        assert!(act::confirm_second_factor(ctx, &actor, "000000x").await.is_err());
        let code = support_code(&offer.url);
        let codes = act::confirm_second_factor(ctx, &actor, &code).await.unwrap();
        assert_eq!(codes.len(), 10);
        let sign_in = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
        assert!(location(&sign_in).starts_with("/sign-in/code?"), "{}", location(&sign_in));
        let pending = cookie(&sign_in).unwrap();
        assert_eq!(by_cookie(app, "/api/v1/me", &pending).await.status, StatusCode::UNAUTHORIZED);
        let replayed = form(app, "/sign-in/code", &[("code", &code)], Some(&pending)).await;
        assert!(location(&replayed).contains("wrong"), "a code that was used: {}", location(&replayed));
        let recovered = form(app, "/sign-in/code", &[("code", &codes[0])], Some(&pending)).await;
        let opened = cookie(&recovered).unwrap();
        assert_ne!(opened, pending);
        assert_eq!(by_cookie(app, "/api/v1/me", &opened).await.status, StatusCode::OK);
        let actor = actions::Actor::nobody(actions::Door::Page, true);
        let who = known(app, id).await;
        assert!(
            act::check_second_factor(ctx, &actor, &who, chrono::Utc::now(), Via::Password, &codes[0]).await.is_err(),
            "nor does a recovery code"
        );
    })
    .await;
}
