//! The table of what is needed for what, compared with what everything that can be asked for answers to each role.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::{Needs, Permission, Permissions, Role};
use entity::view::Route;
use serde_json::{Value, json};
use server::web::api::needs;
use store::accounts;
use uuid::Uuid;

use super::people::{account, ask, known};
use crate::support::{Nobody, TestApp, on_each_engine};

/// Nobody, and one of each role, with a session each: what its role may, in person.
async fn everybody(app: &TestApp) -> Vec<(String, Option<String>, Permissions)> {
    let made = [Permission::Read, Permission::RunJobs];
    accounts::add_role(&app.state.db.write, "operator", &made, chrono::Utc::now()).await.unwrap();
    let nobody = [Permission::Read].into_iter().collect();
    let mut all = vec![("nobody".to_owned(), None, nobody)];
    let own = Role::ALL.iter().map(|role| (role.as_str(), role.permissions()));
    for (role, permissions) in own.chain([("operator", made.into_iter().collect())]) {
        let (id, _) = account(app, &format!("{role}@test.example.org"), role).await;
        let session = session(app, id).await;
        all.push((role.to_owned(), Some(session), permissions));
    }
    all
}

/// What a program that signed in comes with.
pub(super) async fn session(app: &TestApp, id: Uuid) -> String {
    let actor = actions::Actor::nobody(actions::Door::Api, true);
    let lasts = chrono::TimeDelta::days(1);
    let who = known(app, id).await;
    let started = actions::accounts::start_api_session(&app.state.actions, &actor, &who, None, lasts).await;
    let (session, holder, _) = started.unwrap();
    app.state.identity.access_token(&holder, session)
}

/// A path with something in its places.
pub(super) fn place(path: &str) -> String {
    let part = |part: &str| match part {
        "{task_name}" => "prune".to_owned(),
        part if part.ends_with("_id}") && part.starts_with("{chart") => "1".to_owned(),
        part if part.ends_with("_id}") => Uuid::nil().to_string(),
        part => part.replace(['{', '}'], ""),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Whether an answer is as the table says, of one who is told what they lack, or nobody.
fn fits(route: &Route, who: &str, permissions: Permissions, status: StatusCode) -> Result<(), String> {
    let is_signed_in = who != "nobody";
    let expected = match (route.needs, route.needs.allows(permissions, is_signed_in), is_signed_in) {
        // Nothing is set up here: who has no secret learns no more, whoever they are.
        (Needs::WebhookSecret | Needs::NotHere, ..) => status == StatusCode::NOT_FOUND,
        // How the program is may be that it is not well: nothing works at its jobs here.
        (_, true, _) if route.path.starts_with("/health/") => !is_refused(status),
        (_, true, _) => !is_refused(status) && !status.is_server_error(),
        // Whoever may not see figures is asked for their token, signed in or not.
        (Needs::MetricsToken, false, _) | (_, false, false) => status == StatusCode::UNAUTHORIZED,
        (_, false, true) => status == StatusCode::FORBIDDEN,
    };
    let told = || format!("{} {} as {who}: {status}, though it needs {}", route.verb, route.path, route.needs.word());
    if expected { Ok(()) } else { Err(told()) }
}

/// What an operation is sent; refused for what stands in it by who gets so far.
fn body(path: &str, verb: &str) -> Option<Value> {
    let has_body = matches!(verb, "POST" | "PUT" | "PATCH")
        && [
            "/repositories",
            "/users",
            "/users/me",
            "/users/{account_id}",
            "/roles/{name}",
            "/tokens",
            "/refresh",
            "/watch",
        ]
        .iter()
        .any(|end| path.trim_end_matches('/').ends_with(end));
    has_body.then(|| json!({}))
}

#[test]
fn every_operation_and_function_that_changes_something_stands_in_the_table() {
    assert_eq!(needs::unlisted(), [""; 0], "say in server/src/web/api/needs.rs what they need");
    let functions = leptos::server_fn::axum::server_fn_paths();
    let unknown: Vec<&str> = functions
        .filter(|(path, method)| app::functions::needs(path, method.is_safe()).is_none())
        .map(|it| it.0)
        .collect();
    assert_eq!(unknown, [""; 0], "say in app/src/functions.rs what they need");
}

#[tokio::test]
async fn every_operation_answers_each_role_as_the_table_says() {
    on_each_engine(async |app| {
        let everybody = everybody(app).await;
        let mut wrong = Vec::new();
        let mut asked = BTreeMap::<Needs, usize>::new();
        for route in &*app.state.context.operations {
            // It would end the session that asks; the stream would never end.
            if ["/api/v1/auth/logout", "/api/v1/stream", "/api/v1/login/access-token"].contains(&route.path.as_str()) {
                continue;
            }
            let method: Method = route.verb.parse().unwrap();
            for (who, session, permissions) in &everybody {
                let path = place(&route.path);
                let answer = ask(app, method.clone(), &path, session.as_deref(), body(&route.path, &route.verb)).await;
                // A refresh token that is none is refused to everybody alike.
                if route.path.ends_with("/auth/refresh") {
                    continue;
                }
                wrong.extend(fits(route, who, *permissions, answer.status).err());
            }
            *asked.entry(route.needs).or_default() += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(asked[&Needs::Permission(Permission::Read)] > 40, "{asked:?}");
        assert!(asked[&Needs::Permission(Permission::Admin)] > 8, "{asked:?}");
        // Whatever is below it is for admins.
        let admin = needs::routes().into_iter().filter(|route| route.path.starts_with("/api/v1/admin/"));
        let open: Vec<Route> = admin.filter(|route| route.needs != Needs::Permission(Permission::Admin)).collect();
        assert_eq!(open, []);
    })
    .await;
}

#[tokio::test]
async fn figures_are_answered_as_the_page_says_under_each_configuration() {
    on_each_engine(async |app| {
        let everybody = everybody(app).await;
        for (config, needs) in [
            ("app: {listen: '127.0.0.1:3000'}", Needs::Nothing),
            ("server: {metrics: {token: 0123456789abcdef}}", Needs::MetricsToken),
            ("app: {listen: '0.0.0.0:3000'}\nserver: {metrics: {token: 0123456789abcdef}}", Needs::MetricsToken),
            ("app: {listen: '0.0.0.0:3000'}", Needs::NotHere),
            ("server: {metrics: {enabled: false}}", Needs::NotHere),
            ("server: {metrics: {listen: '127.0.0.1:9090'}}", Needs::NotHere),
        ] {
            let app = app.with_config(config);
            for path in ["/metrics", "/api/v1/metrics"] {
                let route = app.state.context.operations.iter().find(|route| route.path == path).unwrap();
                assert_eq!(route.needs, needs, "{config}");
                for (who, session, permissions) in &everybody {
                    let answer = ask(&app, Method::GET, path, session.as_deref(), None).await;
                    assert_eq!(fits(route, who, *permissions, answer.status), Ok(()), "{config}");
                }
            }
            let request = Request::get("/admin/permissions");
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", app.token));
            let page = app.send(request.body(Body::empty()).unwrap()).await.text();
            let row = page.split("<tr").find(|row| row.contains("/metrics") && !row.contains("/api/")).unwrap();
            let row = row.split("</tr>").next().unwrap();
            assert!(row.contains(needs.word()), "{config}: {row}");
            let may = everybody.iter().filter(|(who, _, permissions)| needs.allows(*permissions, who != "nobody"));
            assert_eq!(row.matches(">yes<").count(), may.count(), "{config}: {row}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_of_administration_show_what_they_have_to_admins_alone() {
    on_each_engine(async |app| {
        let everybody = everybody(app).await;
        let (hidden, _) = account(app, "hidden@test.example.org", "user").await;
        let pages = ["users", "roles", "permissions", "forges", "audit"].map(|page| format!("/admin/{page}"));
        for page in pages.into_iter().chain([format!("/admin/users/{hidden}")]) {
            for (who, session, permissions) in &everybody {
                let request = match session {
                    Some(session) => Request::get(&page).header(header::AUTHORIZATION, format!("Bearer {session}")),
                    None => Request::get(&page),
                };
                let answer = app.send(request.extension(Nobody).body(Body::empty()).unwrap()).await;
                let expected = match (permissions.has(Permission::Admin), who.as_str()) {
                    (true, _) => StatusCode::OK,
                    (false, "nobody") => StatusCode::UNAUTHORIZED,
                    (false, _) => StatusCode::FORBIDDEN,
                };
                assert_eq!(answer.status, expected, "{page} as {who}");
                let is_to_be_seen = expected == StatusCode::OK && page.starts_with("/admin/users");
                assert_eq!(answer.text().contains("hidden@test.example.org"), is_to_be_seen, "{page} as {who}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_function_of_pages_answers_each_role_as_the_table_says() {
    on_each_engine(async |app| {
        let everybody = everybody(app).await;
        let id = Uuid::nil().to_string();
        // Every name that a function's parameter has; nothing of it can be done by who may.
        let fields = [
            ("id", id.as_str()),
            ("account_id", &id),
            ("repository_id", &id),
            ("job_id", &id),
            ("session_id", &id),
            ("token_id", &id),
            ("trigger_id", &id),
            ("delivery_id", &id),
            ("branch_id", &id),
            ("on", "true"),
            ("path", "1"),
            ("sha", "abc"),
            ("query", ""),
            ("name", "nothing here"),
            ("host", "nowhere.example.org"),
            ("token", "a"),
            ("pattern", "^main$"),
            ("issuer", "https://id.example.org"),
            ("subject", "nobody"),
            ("theme", "dark"),
            ("role", "nobody"),
            ("email", "no address"),
            ("is_active", "true"),
            ("password", ""),
            ("current", ""),
            ("new", ""),
            ("code", "1"),
            ("act", "sync"),
            ("urls", ""),
            ("from", "/"),
            ("days", "0"),
        ];
        let written = |fields: &[(&str, &str)]| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
        };
        // Of a form it is a list, which none has.
        let (query, form) = (written(&fields), written(&fields[1..]));
        let mut wrong = Vec::new();
        let mut asked = BTreeMap::<Needs, usize>::new();
        for route in app::functions::routes() {
            for (who, session, permissions) in &everybody {
                let request = match route.verb.as_str() {
                    "GET" => Request::get(format!("{}?{query}", route.path)),
                    _ => Request::post(&route.path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
                };
                let request = match session {
                    Some(session) => request.header(header::AUTHORIZATION, format!("Bearer {session}")),
                    None => request,
                };
                let body = if route.verb == "GET" { Body::empty() } else { Body::from(form.clone()) };
                let answer = app.send(request.extension(Nobody).body(body).unwrap()).await;
                wrong.extend(fits(&route, who, *permissions, answer.status).err());
            }
            *asked.entry(route.needs).or_default() += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(asked.values().sum::<usize>() > 50, "{asked:?}");
        let page = app.get("/admin/permissions").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        let request = Request::get("/admin/permissions").header(header::AUTHORIZATION, format!("Bearer {}", app.token));
        let page = app.send(request.body(Body::empty()).unwrap()).await.text();
        for route in needs::routes().iter().chain(&app::functions::routes()) {
            assert!(page.contains(&route.path), "{} is not shown", route.path);
        }
        assert!(page.contains("operator"));
    })
    .await;
}
