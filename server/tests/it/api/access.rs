//! What somebody entered for one repository alone: kept sealed, told to nobody, forgotten where it would go elsewhere.

use std::time::Duration;

use actions::{
    access::Access,
    secrets::{Resealed, reseal},
};
use auth::seal::Keys;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::{
    input::FoundRepository,
    kind::{JobKind, Permission, Provider, RepositoryAction},
    view::JobFilter,
};
use serde_json::{Value, json};
use server::watching::Secrets;
use store::{
    jobs, repositories,
    secrets::{find_secret, list_secrets, of_access, put_secret},
    watch::{WatchSettings, set_watch},
};
use uuid::Uuid;

use super::people::{account, ask, token};
use crate::support::{Answer, KEYS, RepositoryBuilder, TestApp, day, on_each_engine};

const TOKEN: &str = "token-of-ada-home";
const API: &str = "https://140.82.121.3/api/v3";

fn place(id: Uuid) -> String {
    format!("/api/v1/repositories/{id}/access")
}

async fn put(app: &TestApp, id: Uuid, access: Value) -> Answer {
    let request = Request::put(place(id)).header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(request.body(Body::from(access.to_string())).unwrap()).await;
    assert!(!answer.text().contains(TOKEN), "{}", answer.text());
    answer
}

/// What is entered has to be taken; the answer.
async fn set(app: &TestApp, id: Uuid, access: Value) -> Value {
    let answer = put(app, id, access).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn opened(app: &TestApp, id: Uuid) -> Option<Access> {
    Secrets::new(&app.state.db, &KEYS()).of_repository(id).await.unwrap()
}

async fn page(app: &TestApp, id: Uuid, token: Option<&str>) -> String {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![(header::ACCEPT, "text/html")];
    headers.extend(bearer.as_deref().map(|bearer| (header::AUTHORIZATION, bearer)));
    let page = app.get_with(&format!("/repositories/{id}/watch"), &headers).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.text().replace("<!---->", "").replace("<!>", "")
}

#[tokio::test]
async fn a_repositorys_own_token_is_kept_sealed_and_forgotten_with_another_address() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let none = json!({ "has_own_token": false, "api_base_url": null, "changed_at": null, "error": null });
        assert_eq!(app.get(&place(id)).await.json(), none);
        for (wrong, why) in [
            (json!({}), "or both"),
            (json!({ "token": " ", "api_base_url": "" }), "or both"),
            (json!({ "token": "two words" }), "is no token"),
            (json!({ "token": TOKEN, "api_base_url": "https://ada:pw@140.82.121.3/" }), "holds a user"),
            (json!({ "token": TOKEN, "api_base_url": "https://140.82.121.3/?a=b" }), "behind ?"),
            (json!({ "token": TOKEN, "api_base_url": "http://140.82.121.3/" }), "no token is sent"),
            (json!({ "api_base_url": "http://140.82.121.3/" }), "security.require_https"),
            (json!({ "token": TOKEN, "api_base_url": "https://10.0.0.7/" }), "security.allowed_networks"),
            (json!({ "secret": "a" }), "secret"),
        ] {
            let refused = put(app, id, wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {}", refused.text());
            assert!(refused.text().contains(why), "{why}: {}", refused.text());
        }
        assert!(list_secrets(&app.state.db.read, "").await.unwrap().is_empty(), "what is refused is not kept");

        let first = put(app, id, json!({ "token": TOKEN })).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        assert!(first.header("location").starts_with("/api/v1/jobs/"), "a sync tries it");
        let first = first.json();
        assert!(first["has_own_token"] == true && first["forgot_token"] == false, "{first}");
        let waiting = JobFilter {
            repository_id: Some(id),
            kind: Some(JobKind::SyncRepository),
            unfinished: true,
            ..JobFilter::default()
        };
        assert_eq!(jobs::list_jobs(&app.state.db.read, &waiting).await.unwrap().count, 1);
        let url = repositories::find_repository(&app.state.db.read, id).await.unwrap().unwrap().url;
        let access = |api: Option<&str>, token: Option<&str>| {
            Some(Access { url: url.clone(), api_base_url: api.map(str::to_owned), token: token.map(str::to_owned) })
        };
        assert_eq!(opened(app, id).await, access(None, Some(TOKEN)));
        let sealed = find_secret(&app.state.db.read, &of_access(id)).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains(TOKEN));
        // Sealed for one repository, it opens for none else.
        let other = RepositoryBuilder::new("kim/lab").added().store(app).await;
        put_secret(&app.state.db.write, &of_access(other), sealed, day(2)).await.unwrap();
        let shown = app.get(&place(other)).await.json();
        assert!(shown["has_own_token"] == false && shown["error"].is_string(), "{shown}");
        assert!(page(app, other, None).await.contains("It is not used: "));

        // It stays as long as the address does.
        assert_eq!(set(app, id, json!({})).await["has_own_token"], true);
        let forgot = set(app, id, json!({ "api_base_url": API })).await;
        assert!(forgot["has_own_token"] == false && forgot["forgot_token"] == true, "{forgot}");
        assert_eq!(opened(app, id).await, access(Some(API), None));
        let both = set(app, id, json!({ "api_base_url": format!("{API}/"), "token": TOKEN })).await;
        assert_eq!((&both["has_own_token"], &both["api_base_url"]), (&json!(true), &json!(API)));
        assert_eq!(set(app, id, json!({ "api_base_url": API })).await["has_own_token"], true);
        assert_eq!(opened(app, id).await, access(Some(API), Some(TOKEN)));
        let forgot = set(app, id, json!({})).await;
        assert!(forgot["forgot_token"] == true && forgot["changed_at"].is_null(), "{forgot}");
        assert_eq!(find_secret(&app.state.db.read, &of_access(id)).await.unwrap(), None, "nothing is left to keep");

        set(app, id, json!({ "token": TOKEN })).await;
        assert_eq!(app.request(Method::DELETE, &place(id), &[]).await.status, StatusCode::NO_CONTENT);
        assert_eq!(app.request(Method::DELETE, &place(id), &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(opened(app, id).await, None);
        let told = app.get("/api/v1/admin/audit").await.text();
        assert!(told.contains("set_repository_access") && told.contains("remove_repository_access"), "{told}");
        assert!(!told.contains(TOKEN), "{told}");

        set(app, id, json!({ "token": TOKEN })).await;
        let actor = actions::Actor::command();
        actions::act(&app.state.actions, &actor, RepositoryAction::Delete, id).await.unwrap();
        assert_eq!(find_secret(&app.state.db.read, &of_access(id)).await.unwrap(), None, "it goes with its repository");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_manage_repositories_sees_that_there_is_a_token_and_nothing_else() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        set(app, id, json!({ "token": TOKEN, "api_base_url": API })).await;
        let (_, viewer) = account(app, "vera@example.org", "viewer").await;
        let (developer, all) = account(app, "dev@example.org", "developer").await;
        let elsewhere = token(app, developer, &[Permission::Read, Permission::ManageRepositories], &["kim/*"]).await;
        for who in [&viewer, &elsewhere] {
            for method in [Method::PUT, Method::DELETE] {
                let body = (method == Method::PUT).then(|| json!({ "token": "another" }));
                let answer = ask(app, method.clone(), &place(id), Some(who), body).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method}: {}", answer.text());
            }
        }
        let settings = WatchSettings { is_enabled: true, ..WatchSettings::default() };
        set_watch(&app.state.db.write, id, &settings).await.unwrap();
        let watch = format!("/api/v1/repositories/{id}/watch");
        for (who, api) in [(&viewer, json!(null)), (&elsewhere, json!(null)), (&all, json!(API))] {
            for path in [place(id), watch.clone()] {
                let shown = ask(app, Method::GET, &path, Some(who), None).await;
                assert!(!shown.text().contains(TOKEN), "{}", shown.text());
                let shown = shown.json();
                assert_eq!((&shown["has_own_token"], &shown["api_base_url"]), (&json!(true), &api), "{path}");
            }
            // It is not asked where others of its host are, which would be told of one that is asked as all others.
            let told = ask(app, Method::GET, "/api/repositories", Some(who), None).await.json();
            assert_eq!(told["data"]["repositories"][0]["api_base_url"], api, "{told}");
            let told = ask(app, Method::GET, &format!("/api/repositories/{id}"), Some(who), None).await.json();
            assert_eq!(told["data"]["api_base_url"], api, "{told}");
        }
        let of_viewer = page(app, id, Some(&viewer)).await;
        assert!(of_viewer.contains("It has a token of its own") && !of_viewer.contains(API), "{of_viewer}");
        assert!(!of_viewer.contains("Address of the API"), "{of_viewer}");
        let of_developer = page(app, id, Some(&all)).await;
        assert!(of_developer.contains("Address of the API") && of_developer.contains(API), "{of_developer}");
        assert!(of_developer.contains("type=\"password\"") && !of_developer.contains(TOKEN), "{of_developer}");
        assert_eq!(app.request(Method::DELETE, &place(id), &[]).await.status, StatusCode::NO_CONTENT);
        let told = ask(app, Method::GET, "/api/repositories", Some(&viewer), None).await.json();
        assert_eq!(told["data"]["repositories"][0]["api_base_url"], "https://api.github.com", "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_removed_does_not_come_back_with_what_is_saved_at_the_same_time() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let path = place(id);
        for _ in 0..10 {
            set(app, id, json!({ "token": TOKEN })).await;
            // Who saves without a token keeps the one that is there.
            let (saved, removed) = tokio::join!(put(app, id, json!({})), app.request(Method::DELETE, &path, &[]));
            assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text());
            let is_known = matches!(saved.status, StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY);
            assert!(is_known, "{}", saved.text());
            assert_eq!(opened(app, id).await, None);
        }
        // Nor does anything get in where the configuration names it meanwhile.
        let txn = app.state.db.begin().await.unwrap();
        let found = RepositoryBuilder::new("ada/home").found();
        repositories::upsert_repositories(&txn, &[found], day(2)).await.unwrap();
        let pin = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            txn.commit().await.unwrap();
        };
        let (refused, ()) = tokio::join!(put(app, id, json!({ "token": TOKEN })), pin);
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
        assert_eq!(opened(app, id).await, None);
    })
    .await;
}

#[tokio::test]
async fn what_can_have_no_access_of_its_own_is_refused_with_the_reason() {
    on_each_engine(async |app| {
        let configured = RepositoryBuilder::new("ada/configured").store(app).await;
        let off = RepositoryBuilder::new("ada/off").disabled().store(app).await;
        let sample = RepositoryBuilder::new("samples/home").sample().store(app).await;
        for (id, why) in [
            (configured, "gives its token and api_base_url"),
            (off, "switched off in the configuration"),
            (sample, "comes with the program"),
        ] {
            let refused = put(app, id, json!({ "token": TOKEN })).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
            assert!(refused.text().contains(why), "{}", refused.text());
            assert_eq!(app.request(Method::DELETE, &place(id), &[]).await.status, StatusCode::CONFLICT);
        }
        let shown = page(app, configured, Some(&app.token)).await;
        assert!(shown.contains("The configuration gives its") && !shown.contains("Address of the API"), "{shown}");
        for (name, url, access, why) in [
            ("a/plain", "https://git.example.org/a/plain", json!({ "api_base_url": API }), "has no API"),
            ("a/ssh", "ssh://git@git.example.org/a/ssh", json!({ "token": TOKEN }), "cloned by SSH"),
            ("a/clear", "http://git.example.org/a/clear", json!({ "token": TOKEN }), "no token is sent"),
        ] {
            let found = RepositoryBuilder::new(name).added().found();
            let found = FoundRepository { url: url.to_owned(), provider: Provider::Git, ..found };
            let stored = repositories::upsert_repositories(&app.state.db.write, &[found], day(1)).await.unwrap();
            let refused = put(app, stored[0].0, access).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
            assert!(refused.text().contains(why), "{why}: {}", refused.text());
        }
        assert_eq!(put(app, Uuid::now_v7(), json!({ "token": TOKEN })).await.status, StatusCode::NOT_FOUND);
        assert!(list_secrets(&app.state.db.read, "").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_form_works_without_scripts_and_gives_nothing_back() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let admin = format!("Bearer {}", app.token);
        let form = async |path: &str, fields: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let request = Request::post(path).header(header::ACCEPT, "text/html");
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = app.send(request.body(Body::from(body)).unwrap()).await;
            let place = answer.header("location").to_owned();
            assert!(place.starts_with(&format!("/repositories/{id}/watch?outcome=")), "{place}: {}", answer.text());
            app.get_with(&place, &[(header::AUTHORIZATION, &admin), (header::ACCEPT, "text/html")]).await.text()
        };
        let own = id.to_string();
        let wrong = [("repository_id", own.as_str()), ("token", TOKEN), ("api_base_url", "https://ada:pw@h.example/")];
        let refused = form("/ui/set_access", &wrong).await;
        assert!(
            refused.contains("holds a user") && !refused.contains(TOKEN) && !refused.contains("ada:pw"),
            "{refused}"
        );
        let saved = form("/ui/set_access", &[("repository_id", &own), ("token", TOKEN), ("api_base_url", API)]).await;
        assert!(saved.contains("The token is kept sealed") && !saved.contains(TOKEN), "{saved}");
        // An empty field keeps the token with the address that stands there, and with no other.
        let same = form("/ui/set_access", &[("repository_id", &own), ("token", ""), ("api_base_url", API)]).await;
        assert!(same.contains("The token is kept sealed"), "{same}");
        let forgot = form("/ui/set_access", &[("repository_id", &own), ("token", ""), ("api_base_url", "")]).await;
        assert!(forgot.contains("is forgotten: enter it anew"), "{forgot}");
        form("/ui/set_access", &[("repository_id", &own), ("token", TOKEN)]).await;
        let removed = form("/ui/remove_access", &[("repository_id", &own)]).await;
        assert!(removed.contains("asked as all others are"), "{removed}");
        assert_eq!(opened(app, id).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_new_key_takes_it_over_and_without_any_it_is_entered_anew() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        set(app, id, json!({ "token": TOKEN })).await;
        let (old, new) = ([7; 32], [9; 32]);
        let db = &app.state.db;
        assert_eq!(reseal(db, &Keys::new(new, Some(old))).await.unwrap(), Resealed { done: 1, lost: 0 });
        let alone = Secrets::new(db, &Keys::new(new, None)).of_repository(id).await.unwrap().unwrap();
        assert_eq!(alone.token.as_deref(), Some(TOKEN));
        // Who has the old key alone can't open it, says so, and takes another.
        let shown = app.get(&place(id)).await.json();
        assert!(shown["has_own_token"] == false, "{shown}");
        assert!(shown["error"].as_str().unwrap().contains("enter the secret anew"), "{shown}");
        assert_eq!(set(app, id, json!({ "token": TOKEN })).await["has_own_token"], true);
        assert_eq!(opened(app, id).await.unwrap().token.as_deref(), Some(TOKEN));
    })
    .await;
}
