//! What people ask for on the pages of repositories: forms as browsers post them, without scripts and with.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::kind::{RejectReason, SyncStatus};
use serde_json::{Value, json};
use store::{discovery, repositories};
use uuid::Uuid;

use crate::support::{Answer, Change, Manifest, RepositoryBuilder, TestApp, day, on_each_engine};

/// Sends a form; `accept` is what a browser says, or a script.
async fn post(app: &TestApp, path: &str, fields: &[(&str, &str)], accept: &str) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, accept)
        .header(header::REFERER, "http://localhost/repositories/confirm?act=delete");
    app.send(request.body(Body::from(body)).unwrap()).await
}

/// Sends a form as a browser does without scripts, and follows to the page that tells what came of it.
async fn submit(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (String, String) {
    let answer = post(app, path, fields, "text/html").await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    let place = answer.header("location").to_owned();
    let page = app.get_with(&place, &[(header::ACCEPT, "text/html")]).await;
    assert_eq!(page.status, StatusCode::OK, "{place}");
    (place, plain(&page.text()))
}

/// The text of a page without its tags.
fn plain(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        // Hydration marks stand between the pieces of one sentence.
        if !tag.starts_with('!') && !tag.starts_with("/a") && !tag.starts_with("code") {
            text.push(' ');
        }
        text.push_str(rest);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn added(app: &TestApp, name: &str) -> Uuid {
    let urls = format!("https://140.82.121.3/{name}");
    submit(app, "/ui/add", &[("urls", &urls)]).await;
    let found = repositories::find_repository_by_name(&app.state.db.read, name).await.unwrap();
    found.unwrap_or_else(|| panic!("{name} was not added")).id
}

async fn status(app: &TestApp, id: Uuid) -> Option<SyncStatus> {
    let found = repositories::find_repository(&app.state.db.read, id).await.unwrap();
    found.map(|repository| repository.sync_status)
}

#[tokio::test]
async fn addresses_are_added_by_a_form_and_each_is_answered() {
    on_each_engine(async |app| {
        let urls = "https://140.82.121.3/ada/home-ops\r\n\r\n  https://140.82.121.3/ben/cluster.git\r\nnonsense\r\n\
                    https://127.0.0.1/a/b\r\nhttps://140.82.121.3/spam/b\r\nhttps://140.82.121.3/Ada/home-ops";
        let (place, page) = submit(app, "/ui/add", &[("urls", urls)]).await;
        assert!(place.starts_with("/repositories/add?outcome="), "{place}");
        assert!(page.contains("2 repositories added, 1 already here, 3 refused"), "{page}");
        for words in ["Not usable", "Private address", "loopback", "discovery.block has spam/*", "Twice in the list"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert_eq!(app.get("/api/v1/jobs?kind=sync_repository").await.count(), 2);
        let (_, again) = submit(app, "/ui/add", &[("urls", "https://140.82.121.3/ada/home-ops")]).await;
        assert!(again.contains("is here already"), "{again}");
        let (_, empty) = submit(app, "/ui/add", &[("urls", " \r\n ")]).await;
        assert!(empty.contains("no address is given"), "{empty}");
        let many = (0..1_001).map(|n| format!("a/{n}")).collect::<Vec<_>>().join("\n");
        let (_, many) = submit(app, "/ui/add", &[("urls", &many)]).await;
        assert!(many.contains("1001 addresses, but no more than 1000 at once"), "{many}");
        assert_eq!(app.get("/api/v1/repositories/").await.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_an_address_brings_is_shown_as_text_and_never_as_markup() {
    on_each_engine(async |app| {
        let page = app.get("/repositories/add?urls=%3C/textarea%3E%3Cb%20id=x%3E%26lt;").await;
        let text = page.text();
        assert!(!text.contains("<b id=x") && text.contains("&lt;/textarea>&lt;b id=x>&amp;lt;"), "{text}");
        // A form that failed leads back with words that anybody could have written.
        for page in [
            "/repositories?__path=/ui/act",
            "/repositories/add?__path=/ui/add",
            "/repositories/coverage?__path=/ui/discover",
        ] {
            let page = app.get(&format!("{page}&__err=RnJlZSBtb25leQ")).await;
            let text = page.text();
            assert!(text.contains("That did not work.") && !text.contains("Free money"), "{text}");
            assert!(!text.contains("__err="), "links lead on without it: {text}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_thing_is_done_with_all_that_are_selected_and_what_is_not_is_told() {
    on_each_engine(async |app| {
        let (first, second) = (added(app, "ada/one").await, added(app, "ada/two").await);
        let configured = RepositoryBuilder::new("ada/pinned").store(app).await;
        let (a, b, c) = (first.to_string(), second.to_string(), configured.to_string());
        let chosen = |act| [("id[]", a.as_str()), ("id[]", b.as_str()), ("id[]", c.as_str()), ("act", act)];

        let (place, page) =
            submit(app, "/ui/act", &[&chosen("block")[..], &[("from", "/repositories?status=error&per=50")]].concat())
                .await;
        assert!(place.starts_with("/repositories?status=error&per=50&outcome="), "{place}");
        assert!(page.contains("3 repositories are blocked"), "{page}");
        assert_eq!(status(app, first).await, Some(SyncStatus::Blocked));
        let (_, page) = submit(app, "/ui/act", &chosen("sync")).await;
        assert!(page.contains("Nothing was done.") && page.contains("ada/two is blocked"), "{page}");
        let (_, page) = submit(app, "/ui/act", &chosen("approve")).await;
        assert!(page.contains("3 repositories are let in"), "{page}");
        assert_eq!(status(app, second).await, Some(SyncStatus::Pending));
        let (_, page) = submit(app, "/ui/act", &chosen("approve")).await;
        assert!(page.contains("ada/one is neither blocked nor pending approval"), "{page}");
        let (_, page) = submit(app, "/ui/act", &chosen("delete")).await;
        assert!(
            page.contains("2 repositories are deleted") && page.contains("ada/pinned stands in the configuration"),
            "{page}"
        );
        assert_eq!((status(app, first).await, status(app, configured).await), (None, Some(SyncStatus::Pending)));
        assert_eq!(app.get("/api/v1/discovery").await.json()["deleted"], 2);
        let (_, page) = submit(app, "/ui/act", &chosen("delete")).await;
        assert!(page.contains("it is no longer here"), "{page}");
        let (_, page) = submit(app, "/ui/act", &[("act", "block")]).await;
        assert!(page.contains("no repository is selected"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn no_more_than_a_page_is_taken_at_once_and_nobody_is_led_away() {
    on_each_engine(async |app| {
        let id = added(app, "ada/one").await.to_string();
        let mut fields = vec![("act", "block"), ("from", "https://evil.example/repositories")];
        fields.extend(std::iter::repeat_n(("id[]", "nonsense"), 100));
        fields.push(("id[]", &id));
        let (place, page) = submit(app, "/ui/act", &fields).await;
        assert!(place.starts_with("/repositories?outcome="), "{place}");
        assert!(page.contains("1 more: no more than 100 are taken at once"), "{page}");
        assert_ne!(status(app, id.parse().unwrap()).await, Some(SyncStatus::Blocked));
        let unknown = post(app, "/ui/act", &[("act", "explode"), ("id[]", &id)], "text/plain").await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "{}", unknown.text());
    })
    .await;
}

#[tokio::test]
async fn a_script_is_told_where_to_go_and_the_page_of_what_is_gone_is_left() {
    on_each_engine(async |app| {
        let id = added(app, "ada/one").await.to_string();
        let own = format!("/repositories/{id}");
        let blocked = post(app, "/ui/act", &[("act", "block"), ("id[]", &id), ("from", &own)], "text/plain").await;
        assert_eq!(blocked.status, StatusCode::OK);
        let place = blocked.header("location").to_owned();
        assert!(place.starts_with(&format!("{own}?outcome=")), "{place}");
        let signed_in = format!("Bearer {}", app.token);
        let headers = [(header::ACCEPT, "text/html"), (header::AUTHORIZATION, &signed_in)];
        let page = plain(&app.get_with(&place, &headers).await.text());
        assert!(page.contains("ada/one is blocked: nothing new is fetched") && page.contains("Unblock"), "{page}");
        let deleted = post(app, "/ui/act", &[("act", "delete"), ("id[]", &id), ("from", &own)], "text/plain").await;
        assert!(deleted.header("location").starts_with("/repositories?outcome="), "{:?}", deleted.headers);
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_sites_may_not_send_these_forms() {
    on_each_engine(async |app| {
        let id = added(app, "ada/one").await;
        for path in ["/ui/act", "/ui/add", "/ui/sync_all", "/ui/discover"] {
            let request = Request::post(path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "cross-site");
            let answer = app.send(request.body(Body::from(format!("act=delete&id[]={id}"))).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert!(status(app, id).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_sync_of_all_says_of_how_many() {
    on_each_engine(async |app| {
        let (_, none) = submit(app, "/ui/sync_all", &[]).await;
        assert!(none.contains("nothing to sync"), "{none}");
        added(app, "ada/one").await;
        let blocked = added(app, "ada/two").await;
        discovery::block(&app.state.db.write, blocked, "blocked by hand").await.unwrap();
        let (_, one) = submit(app, "/ui/sync_all", &[("from", "/repositories")]).await;
        assert!(one.contains("A sync of 1 repository is queued"), "{one}");
        let rest = app.post("/api/v1/repositories/sync-all").await.json();
        assert!(rest["message"].as_str().unwrap().ends_with(": 1 of them"), "{rest}");
        let (place, found) = submit(app, "/ui/discover", &[("from", "/repositories/coverage")]).await;
        assert!(
            place.starts_with("/repositories/coverage?outcome=") && found.contains("Discovery is queued"),
            "{found}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_days_of_what_is_deleted_are_counted_anew_without_being_asked_for() {
    on_each_engine(async |app| {
        let counts = async || app.get("/api/v1/jobs?kind=aggregate_daily_ecosystem_stats").await.count();
        let empty = RepositoryBuilder::new("ada/empty").added().store(app).await;
        let used = RepositoryBuilder::new("ada/used")
            .added()
            .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .store(app)
            .await;
        store::ecosystem::aggregate(&app.state.db, day(9)).await.unwrap();
        assert!(!store::ecosystem::is_stale(&app.state.db.read).await.unwrap());
        app.send(Request::delete(format!("/api/v1/repositories/{empty}")).body(Body::empty()).unwrap()).await;
        assert_eq!((counts().await, status(app, empty).await), (0, None), "no day knew it");
        app.send(Request::delete(format!("/api/v1/repositories/{used}")).body(Body::empty()).unwrap()).await;
        assert_eq!((counts().await, status(app, used).await), (1, None));
        assert!(store::ecosystem::is_stale(&app.state.db.read).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_question_names_what_is_lost() {
    on_each_engine(async |app| {
        let one = added(app, "ada/one").await;
        let pinned = RepositoryBuilder::new("ada/pinned")
            .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .store(app)
            .await;
        let ask = async |query: String| {
            let page = app.get_with(&format!("/repositories/confirm?{query}"), &[(header::ACCEPT, "text/html")]).await;
            assert_eq!(page.status, StatusCode::OK);
            page.text()
        };
        let page = ask(format!("act=delete&id[]={one}&id[]={pinned}&from=/repositories?page=2")).await;
        let text = plain(&page);
        assert!(text.contains("Delete 1 repository?") && text.contains("nothing was found yet"), "{text}");
        assert!(text.contains("ada/pinned stands in the configuration"), "{text}");
        assert!(page.contains(&format!("value=\"{one}\"")) && !page.contains(&format!("value=\"{pinned}\"")));
        let text = plain(&ask(format!("act=block&id%5B%5D={pinned}")).await);
        assert!(text.contains("Block ada/pinned?") && text.contains("keeps 1 resource, 1 change"), "{text}");
        for nothing in ["", "act=delete", "act=sync&id[]=x", "act=nonsense"] {
            let text = plain(&ask(nothing.to_owned()).await);
            assert!(text.contains("Nothing is selected"), "{nothing}: {text}");
        }
        // What an address brings is text, whatever stands in it.
        let page =
            ask(format!("act=delete&id[]={one}&from=/repositories?%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
        assert!(!page.contains("<script>alert"));
    })
    .await;
}

#[tokio::test]
async fn why_a_repository_is_not_here_is_answered_from_what_is_known() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let ask = async |text: &str| -> Value {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("repository", text).finish();
            app.get(&format!("/api/v1/discovery/why?{query}")).await.json()["data"].clone()
        };
        let here = added(app, "ada/one").await;
        let large = added(app, "ada/large").await;
        repositories::record_set_aside(&db.write, large, "it has 140 MB", day(2)).await.unwrap();
        let gone = added(app, "ada/gone").await;
        discovery::remove_repository_for_good(&db.write, gone, day(3)).await.unwrap();
        let left_out = |name: &str, id: i64, reason: RejectReason| entity::input::RejectedRepository {
            host: "github.com".to_owned(),
            forge_id: id,
            full_name: name.to_owned(),
            web_url: Some(format!("https://github.com/{name}")),
            reason,
            detail: "it is so".to_owned(),
            stars: 5,
            pushed_at: None,
            search: "topic:kubesearch".to_owned(),
        };
        let found = [left_out("Ben/Old", 1, RejectReason::Inactive), left_out("ben/fork", 2, RejectReason::Fork)];
        discovery::record_rejected(&db.write, &found, day(4)).await.unwrap();

        for (asked, kind, words) in [
            ("ada/one", "here", "It is here"),
            ("https://140.82.121.3/ADA/one.git", "here", "It is here"),
            ("ada/large", "pending_approval", "140 MB"),
            ("ada/gone", "deleted", "searches do not bring it back"),
            ("ben/old", "left_out", "it is so"),
            ("git@github.com:ben/old.git", "left_out", "topic:kubesearch"),
            ("spam/anything", "left_out", "discovery.block has spam/*"),
            ("ben/unknown", "not_found", "has not run to its end"),
            ("https://git.example.org/ben/unknown", "not_searched", "git.example.org is not searched"),
            ("nonsense", "invalid", "names no repository"),
        ] {
            let answer = ask(asked).await;
            assert_eq!(answer[0]["kind"], kind, "{asked}: {answer}");
            assert!(answer[0]["detail"].as_str().unwrap().contains(words), "{asked}: {answer}");
            assert_eq!(answer[0]["remedy"].is_null(), kind == "here", "{asked}: {answer}");
        }
        assert_eq!(ask("ada/one").await[0]["repository_id"], json!(here));
        assert_eq!(ask("ben/old").await[0]["add"], "https://github.com/Ben/Old");
        assert_eq!(app.refused("/api/v1/discovery/why").await, ["query.repository"]);

        let page =
            app.get_with("/repositories/coverage?why=ben/old&reason=fork", &[(header::ACCEPT, "text/html")]).await;
        let text = plain(&page.text());
        for words in ["Left out", "it is so", "ben/fork", "no push for long (1)", "topic:kubesearch"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let coverage = app.get("/api/v1/discovery").await.json();
        assert_eq!((&coverage["pending_approval"], &coverage["deleted"]), (&json!(1), &json!(1)));
    })
    .await;
}
