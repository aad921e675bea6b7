//! Which branches are watched, what happened to them, and the secrets of webhooks: by REST and on pages.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::{
    input::FoundRepository,
    kind::{BranchEventKind, ClauseKind, NoticedBy, Origin, RepositoryAction, SyncStatus},
    value::ObjectId,
    view::{Clause, Condition, JobFilter, Pace, Target},
};
use serde_json::{Value, json};
use server::watching::Secrets;
use store::triggers::{Decision, NewTrigger};
use store::watch::{Look, SeenBranch, WatchSettings, WatchState, set_watch, watch_state};
use store::{jobs, repositories, triggers, watch};
use uuid::Uuid;

use super::people::{PASSWORD, account, ask, cookie, person};
use crate::support::{Answer, Change, KEYS, Manifest, RepositoryBuilder, TestApp, commit_id, day, on_each_engine};

async fn put(app: &TestApp, id: Uuid, settings: Value) -> Answer {
    let request = Request::put(format!("/api/v1/repositories/{id}/watch"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(settings.to_string())).unwrap()).await
}

async fn page(app: &TestApp, path: &str) -> String {
    let page = app.get_with(path, &[(header::ACCEPT, "text/html")]).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
    // What stands between elements of text is of no interest.
    page.text().replace("<!---->", "").replace("<!>", "")
}

fn oid(byte: u8) -> ObjectId {
    ObjectId([byte; 20])
}

/// Branches of a repository as one look saw them, of which those that begin with `release` are not watched.
async fn look(app: &TestApp, id: Uuid, branches: &[(&str, ObjectId)], on: u32) -> Vec<Uuid> {
    let began: WatchState = watch_state(&app.state.db.read, id).await.unwrap().unwrap();
    let seen = branches.iter().map(|(name, commit)| SeenBranch {
        name: (*name).to_owned(),
        commit: *commit,
        is_watched: !name.starts_with("release"),
        is_protected: (*name == "main").then_some(true),
    });
    let look = Look::new(&began, NoticedBy::Poll, seen.collect());
    let txn = app.state.db.begin().await.unwrap();
    let noted = watch::note_refs(&txn, id, &look, day(on)).await.unwrap();
    txn.commit().await.unwrap();
    noted.events.iter().map(|event| event.id).collect()
}

async fn watched(app: &TestApp, name: &str) -> Uuid {
    let id = RepositoryBuilder::new(name)
        .added()
        .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
        .store(app)
        .await;
    let settings =
        WatchSettings { is_enabled: true, branch_regex: Some("^main$".to_owned()), ..WatchSettings::default() };
    set_watch(&app.state.db.write, id, &settings).await.unwrap();
    id
}

/// Unfinished jobs of a repository.
async fn waiting(app: &TestApp, id: Uuid) -> u64 {
    let filter = JobFilter { repository_id: Some(id), unfinished: true, ..JobFilter::default() };
    jobs::list_jobs(&app.state.db.read, &filter).await.unwrap().count
}

#[tokio::test]
async fn a_watch_is_set_shown_and_taken_away_and_a_look_follows() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let at = format!("/api/v1/repositories/{id}/watch");
        let off = json!({
            "is_enabled": false, "branch_regex": null, "tells_first_look": false, "polling_interval_seconds": null,
            "first_look_at": null, "has_own_token": false, "api_base_url": null,
        });
        assert_eq!(app.get(&at).await.json(), off, "off where it never was");
        assert_eq!(app.request(Method::DELETE, &at, &[]).await.status, StatusCode::NOT_FOUND);

        for (wrong, why) in [
            (json!({ "branch_regex": "(main" }), "unclosed group"),
            (json!({ "branch_regex": "*" }), "pattern of file names"),
            (json!({ "branch_regex": "a".repeat(501) }), "500 characters"),
            (json!({ "pattern": "main" }), "pattern"),
            (json!({ "polling_interval_seconds": 59 }), "from 1m to 30d is allowed"),
            (json!({ "polling_interval_seconds": 300.5 }), "floating point `300.5`"),
            (json!({ "polling_interval_seconds": -60 }), "from 1m to 30d is allowed"),
            (json!({ "polling_interval_seconds": 30 * 86_400 + 1 }), "from 1m to 30d is allowed"),
        ] {
            let refused = put(app, id, wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
            assert!(refused.text().contains(why), "{}", refused.text());
        }
        assert_eq!((waiting(app, id).await, app.get(&at).await.json()), (0, off), "what is refused changes nothing");

        let set = put(app, id, json!({ "branch_regex": "^(main|develop)$" })).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text());
        assert_eq!(set.json()["branch_regex"], "^(main|develop)$");
        assert!(set.json()["is_enabled"] == true && app.get(&at).await.json() == set.json());
        assert!(set.header("location").starts_with("/api/v1/jobs/"), "{:?}", set.headers);
        assert_eq!(waiting(app, id).await, 1, "a sync looks at the branches");
        // Nothing but spaces stands for all branches.
        let all = put(app, id, json!({ "branch_regex": "  ", "tells_first_look": true })).await.json();
        assert!(all["branch_regex"].is_null() && all["tells_first_look"] == true, "{all}");
        assert_eq!(waiting(app, id).await, 1, "the one that waits serves for both");
        // How often it is looked at is the repository's; who finds it again does not undo what somebody set.
        // A whole number may be written with a fraction of nothing.
        let own = put(app, id, json!({ "polling_interval_seconds": 300.0 })).await.json();
        assert_eq!((&own["polling_interval_seconds"], &app.get(&at).await.json()), (&json!(300), &own));
        let seconds = async || {
            let target = repositories::sync_target(&app.state.db.read, id).await.unwrap().unwrap();
            target.polling_interval_seconds
        };
        assert_eq!(seconds().await, Some(300));
        let url = repositories::find_repository(&app.state.db.read, id).await.unwrap().unwrap().url;
        let again = FoundRepository { url, origin: Origin::Discovered, ..RepositoryBuilder::new("ada/home").found() };
        repositories::upsert_repositories(&app.state.db.write, std::slice::from_ref(&again), day(3)).await.unwrap();
        assert_eq!(seconds().await, Some(300));
        let configured = FoundRepository { origin: Origin::Config, ..again.clone() };
        repositories::upsert_repositories(&app.state.db.write, &[configured], day(4)).await.unwrap();
        assert_eq!(seconds().await, None, "the configuration alone says it of its own");
        repositories::upsert_repositories(&app.state.db.write, &[again], day(5)).await.unwrap();
        let paused = put(app, id, json!({ "is_enabled": false })).await;
        assert!(paused.status == StatusCode::OK && paused.header("location").is_empty());
        put(app, id, json!({})).await;
        assert_eq!(app.request(Method::DELETE, &at, &[]).await.status, StatusCode::NO_CONTENT);
        assert_eq!(app.get(&at).await.json()["is_enabled"], false);
        let told = app.get("/api/v1/admin/audit").await.text();
        assert!(
            told.contains("set_watch") && told.contains("unset_watch") && told.contains("^(main|develop)$"),
            "{told}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_may_not_be_watched_is_refused_with_the_reason() {
    on_each_engine(async |app| {
        let configured = RepositoryBuilder::new("ada/configured").store(app).await;
        let refused = put(app, configured, json!({})).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
        assert!(refused.text().contains("stands in the configuration"), "{}", refused.text());
        let at = format!("/api/v1/repositories/{configured}/watch");
        assert_eq!(app.request(Method::DELETE, &at, &[]).await.status, StatusCode::CONFLICT);
        assert!(page(app, &format!("/repositories/{configured}/watch")).await.contains("The configuration names"));

        let blocked = RepositoryBuilder::new("ada/blocked").added().store(app).await;
        let db = &app.state.db.write;
        repositories::record_sync_failed(db, blocked, SyncStatus::Blocked, "by hand", day(2)).await.unwrap();
        assert!(put(app, blocked, json!({})).await.text().contains("is blocked"));
        assert_eq!(put(app, Uuid::now_v7(), json!({})).await.status, StatusCode::NOT_FOUND);

        // Who may only read sees it and changes nothing.
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let (_, viewer) = account(app, "vera@example.org", "viewer").await;
        for (method, path) in [
            (Method::PUT, "watch"),
            (Method::DELETE, "watch"),
            (Method::POST, "webhook-secret"),
            (Method::DELETE, "webhook-secret"),
        ] {
            let body = (method == Method::PUT).then(|| json!({}));
            let path = format!("/api/v1/repositories/{id}/{path}");
            assert_eq!(ask(app, method, &path, Some(&viewer), body).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(ask(app, Method::GET, &at, Some(&viewer), None).await.status, StatusCode::OK);
        assert!(!page(app, &format!("/repositories/{id}/watch")).await.contains("Watch these branches"));
    })
    .await;
}

#[tokio::test]
async fn an_expression_is_tried_on_the_branches_that_are_known() {
    on_each_engine(async |app| {
        let id = watched(app, "ada/home").await;
        let preview = async |regex: &str| {
            let escaped: String = url::form_urlencoded::byte_serialize(regex.as_bytes()).collect();
            app.get(&format!("/api/v1/repositories/{id}/watch/preview?branch_regex={escaped}")).await.json()
        };
        let before = preview("main").await;
        assert!(before["is_complete"] == false && before["matches"] == 1 && before["known"] == 1, "{before}");
        look(app, id, &[("main", oid(1)), ("release/1", oid(1)), ("release/2", oid(1)), ("ü", oid(1))], 3).await;
        let of = preview("^release/").await;
        assert_eq!((&of["known"], &of["matches"], &of["is_complete"]), (&json!(4), &json!(2), &json!(true)));
        assert_eq!(of["matching"], json!(["release/1", "release/2"]));
        assert_eq!(preview("").await["matches"], 4);
        assert!(preview("[z-a]").await["error"].as_str().unwrap().contains("can't be read"));
        assert_eq!(preview("a{1000}{1000}{1000}").await["matches"], 0, "refused at once");
        // Without scripts the same is asked for by the page's address.
        let (_, developer) = account(app, "dev@example.org", "developer").await;
        let bearer = format!("Bearer {developer}");
        let headers = [(header::AUTHORIZATION, bearer.as_str()), (header::ACCEPT, "text/html")];
        let tried = app.get_with(&format!("/repositories/{id}/watch?branch_regex=%5Erelease%2F"), &headers).await;
        let shown = tried.text().replace("<!---->", "").replace("<!>", "");
        assert!(shown.contains("Matches 2 of 4 branches") && shown.contains("value=\"^release/\""), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn branches_and_what_happened_to_them_are_listed_and_narrowed() {
    on_each_engine(async |app| {
        let (id, other) = (watched(app, "ada/home").await, watched(app, "kim/lab").await);
        look(app, id, &[("main", oid(1)), ("release/1", oid(1)), ("old", oid(2))], 3).await;
        look(app, other, &[("main", oid(5))], 3).await;
        look(app, id, &[("main", oid(3)), ("release/1", oid(4)), ("Feature/ü", oid(4))], 4).await;
        look(app, other, &[("main", oid(6))], 5).await;

        let of = format!("/api/v1/repositories/{id}/branches");
        let names = async |query: &str| app.get(&format!("{of}{query}")).await.column("name");
        assert_eq!(names("").await.len(), 4);
        assert_eq!(names("?watched=false").await, ["release/1"]);
        assert_eq!(names("?deleted=true").await, ["old"]);
        assert_eq!(names("?deleted=false&watched=true&text=FEATURE").await, ["Feature/ü"]);
        assert_eq!(app.get("/api/v1/branches?text=main").await.count(), 2);
        assert_eq!(app.get(&format!("/api/v1/branches?repository_id={other}")).await.count(), 1);
        assert_eq!(app.refused("/api/v1/branches?watched=perhaps&deleted=1&repository_id=x").await.len(), 3);
        app.missing(&format!("/api/v1/repositories/{}/branches", Uuid::now_v7())).await;
        let branch = app.get(&of).await.json()["data"][0].clone();
        let one = format!("/api/v1/branches/{}", branch["id"].as_str().unwrap());
        assert_eq!(app.get(&one).await.json(), branch);
        app.holds_etag(&one).await;
        app.missing(&format!("/api/v1/branches/{}", Uuid::now_v7())).await;

        let events = async |query: &str| app.get(&format!("/api/v1/branch-events{query}")).await;
        assert_eq!(events("").await.count(), 4);
        assert_eq!(events("").await.column("branch_name")[0], "main", "the newest first");
        assert_eq!(events(&format!("?repository_id={id}&type=branch_deleted")).await.column("branch_name"), ["old"]);
        assert_eq!(events("?text=EATURE").await.column("branch_name"), ["Feature/ü"]);
        assert_eq!(events(&format!("?text=main&repository_id={other}")).await.count(), 1);
        assert_eq!(events("?state=processed").await.count(), 0);
        assert_eq!(events("?since=2026-01-05T00:00:00Z").await.count(), 1);
        assert_eq!(events("?until=2026-01-05T00:00:00Z").await.count(), 3);
        assert_eq!(app.refused("/api/v1/branch-events?type=push&state=x&since=y&branch_id=z").await.len(), 4);
        let found = events("?type=branch_created").await.json()["data"][0].clone();
        assert!(found["old_commit"].is_null() && found["new_commit"] == oid(4).to_string(), "{found}");
        let at = format!("/api/v1/branch-events/{}", found["id"].as_str().unwrap());
        assert_eq!(app.get(&at).await.json(), found, "nothing is decided yet");
        let of_branch = found["branch_id"].as_str().unwrap();
        assert_eq!(events(&format!("?branch_id={of_branch}&text=feature")).await.count(), 1);
        assert_eq!(events(&format!("?branch_id={of_branch}&text=main")).await.count(), 0);
        app.missing(&format!("/api/v1/branch-events/{}", Uuid::now_v7())).await;

        // The same on pages.
        let all = page(app, "/watch").await;
        assert!(all.contains("Feature/ü") && all.contains("3 branches of 2 repositories watched"), "{all}");
        assert!(page(app, "/watch?type=nonsense").await.contains("No event matches"));
        let list = page(app, "/watch?view=branches&text=feature").await;
        assert!(list.contains("Feature/ü") && !list.contains(">release/1<"), "{list}");
        let tab = page(app, &format!("/repositories/{id}?tab=branches")).await;
        assert!(tab.contains("Feature/ü") && tab.contains("Not watched") && tab.contains("Protected"), "{tab}");
        assert!(
            !tab.contains(">old<")
                && page(app, &format!("/repositories/{id}?tab=branches&there=gone")).await.contains(">old<")
        );
    })
    .await;
}

#[tokio::test]
async fn a_branch_tells_of_each_push_what_triggers_made_of_it_and_what_came_of_that() {
    on_each_engine(async |app| {
        let (db, id) = (&app.state.db, watched(app, "ada/home").await);
        let empty = page(app, "/watch").await;
        assert!(empty.contains("Nothing happened yet"), "{empty}");
        let read = commit_id("ada/home", 0);
        look(app, id, &[("main", oid(1))], 3).await;
        let event = look(app, id, &[("main", read)], 4).await[0];
        let waits = async |name: &str| {
            let target = Target::Flux { url: "https://flux.example/hook".to_owned() };
            let (condition, pace) = (Condition::default(), Pace::default());
            let new = NewTrigger { name: name.to_owned(), is_enabled: true, condition, target, pace };
            triggers::insert_trigger(&db.write, &new, day(1)).await.unwrap()
        };
        let decision = |trigger_id, name: &str, is_match, why: &str| Decision {
            trigger_id,
            trigger_name: name.to_owned(),
            is_match,
            clauses: vec![Clause { kind: ClauseKind::Paths, is_match, why: why.to_owned() }],
        };
        let decisions = [
            decision(waits("docs").await, "docs", false, "none of 3 changed files is below docs/"),
            decision(waits("deploy").await, "deploy", true, "apps/podinfo.yaml is below apps/"),
        ];
        let txn = db.begin().await.unwrap();
        assert!(triggers::decide(&txn, event, &decisions, day(4)).await.unwrap());
        txn.commit().await.unwrap();

        let rest = app.get(&format!("/api/v1/branch-events/{event}")).await.json();
        assert_eq!((&rest["matches"], rest["verdicts"].as_array().unwrap().len()), (&json!(1), 2), "{rest}");
        assert_eq!(rest["verdicts"][0]["clauses"][0]["why"], "none of 3 changed files is below docs/");
        assert_eq!(rest["kind"], BranchEventKind::BranchUpdated.as_str());
        let branch = rest["branch_id"].as_str().unwrap();
        let shown = page(app, &format!("/branches/{branch}")).await;
        for expected in [
            "noticed by ",
            "none of 3 changed files is below docs/",
            "1 condition is met",
            // Its delivery waits for its first attempt.
            "See the delivery",
            ">Next<",
            // What it changed, as the commit is read here.
            "Add podinfo",
            &format!("/commits/{id}/{read}"),
            &format!("https://github.com/ada/home/compare/{}...{read}", oid(1)),
            "https://github.com/ada/home/tree/main",
        ] {
            assert!(shown.contains(expected), "{expected} in {shown}");
        }
        assert!(shown.find(">deploy<").unwrap() < shown.find(">docs<").unwrap(), "those that match come first");
        let alone = page(app, &format!("/branches/{branch}?event={event}")).await;
        assert!(alone.contains("aria-current=\"true\"") && !alone.contains("This is one event"));
        let beyond = page(app, &format!("/branches/{branch}?page=7&event={event}")).await;
        assert!(beyond.contains("This is one event"), "{beyond}");
        let missing = app.get(&format!("/branches/{}", Uuid::now_v7())).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn a_webhooks_secret_is_shown_once_kept_sealed_and_gone_with_its_repository() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        let at = format!("/api/v1/repositories/{id}/webhook-secret");
        let secrets = Secrets::new(&app.state.db, &KEYS());
        assert!(secrets.of_webhook(id).await.unwrap().is_none());
        let none = app.get(&format!("/api/v1/repositories/{id}/webhooks")).await.json();
        assert!(none["secret_made_at"].is_null() && none["path"] == format!("/webhooks/github/{id}"), "{none}");

        let made = app.post(&at).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let first = made.json()["secret"].as_str().unwrap().to_owned();
        assert_eq!(first.len(), 43, "32 bytes");
        let opened = async || secrets.of_webhook(id).await.unwrap().map(|text| text.to_string());
        assert_eq!(opened().await.as_deref(), Some(first.as_str()));
        let second = app.post(&at).await.json()["secret"].as_str().unwrap().to_owned();
        assert!(first != second && opened().await.as_deref() == Some(second.as_str()));
        let sealed = store::secrets::find_secret(&app.state.db.read, &format!("webhook:{id}")).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains(&second));
        // One that is sealed for another repository opens for none else.
        let other = RepositoryBuilder::new("kim/lab").added().store(app).await;
        store::secrets::put_secret(&app.state.db.write, &format!("webhook:{other}"), sealed, day(2)).await.unwrap();
        let refused = secrets.of_webhook(other).await.unwrap_err().to_string();
        assert!(refused.contains("enter it anew"), "{refused}");

        watch::take_receipt(&app.state.db.write, id, "72d3162e", "push", day(3)).await.unwrap();
        watch::tell_receipt(&app.state.db.write, id, "72d3162e", "main moved").await.unwrap();
        let came = app.get(&format!("/api/v1/repositories/{id}/webhooks")).await;
        assert!(
            came.json()["secret_made_at"].is_string() && came.column("result") == ["main moved"],
            "{}",
            came.text()
        );
        let shown = page(app, &format!("/repositories/{id}/watch")).await;
        assert!(shown.contains("They come in") && shown.contains("main moved") && !shown.contains(&second), "{shown}");
        let told = app.get("/api/v1/admin/audit").await.text();
        assert!(told.contains("set_webhook_secret") && !told.contains(&first) && !told.contains(&second));

        assert_eq!(app.request(Method::DELETE, &at, &[]).await.status, StatusCode::NO_CONTENT);
        assert_eq!(app.request(Method::DELETE, &at, &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(opened().await, None);
        app.post(&at).await;
        let actor = actions::Actor::command();
        actions::act(&app.state.actions, &actor, RepositoryAction::Delete, id).await.unwrap();
        assert_eq!(store::secrets::find_secret(&app.state.db.read, &format!("webhook:{id}")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_page_shows_a_new_secret_once_and_to_nobody_else() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home").added().store(app).await;
        person(app, "ada@example.org", entity::kind::Role::Developer).await;
        let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
        let signed_in = super::people::form(app, "/sign-in", &fields, None).await;
        let session = cookie(&signed_in).unwrap();
        let made =
            super::people::form(app, "/ui/make_webhook_secret", &[("repository_id", &id.to_string())], Some(&session))
                .await;
        let kept = made.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let kept = kept.filter_map(|value| value.split(';').next()).find(|value| value.starts_with("kubestats_shown="));
        let kept = kept.unwrap_or_else(|| panic!("{:?}", made.headers)).to_owned();
        let secret = Secrets::new(&app.state.db, &KEYS()).of_webhook(id).await.unwrap().unwrap();
        assert!(!kept.contains(secret.as_str()));
        let read = async |cookies: &str| {
            let at = format!("/repositories/{id}/watch");
            app.send(Request::get(at).header(header::COOKIE, cookies).body(Body::empty()).unwrap()).await
        };
        let shown = read(&format!("{session}; {kept}")).await;
        assert!(shown.text().contains(secret.as_str()), "{}", shown.text());
        assert_eq!(shown.header("cache-control"), "no-store", "no browser shows it again");
        let gone = shown.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        assert!(gone.into_iter().any(|value| value.starts_with("kubestats_shown=;")), "{:?}", shown.headers);
        assert!(!read(&session).await.text().contains(secret.as_str()));
        assert!(!read(&kept).await.text().contains(secret.as_str()), "another person's browser shows nothing");
    })
    .await;
}
