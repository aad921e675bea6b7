//! Every action is asked for through both doors, the pages' and REST's, in every state: both do the same or refuse with
//! the same words.

use app::error::AppError;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::{
    kind::{JobState, SyncStatus},
    view::JobFilter,
};
use leptos::server_fn::error::FromServerFnError as _;
use store::{jobs, repositories};
use uuid::Uuid;

use crate::support::{Answer, Change, Manifest, RepositoryBuilder, TestApp, day, on_each_engine};

/// A script's post of a form.
async fn post(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/plain");
    app.send(request.body(Body::from(body)).unwrap()).await
}

/// A repository in each state that an action may meet.
async fn in_every_state(app: &TestApp, owner: &str) -> Vec<(&'static str, String)> {
    let db = &app.state.db.write;
    let synced = |name: &str| {
        RepositoryBuilder::new(name)
            .commit(2, "Add", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .store(app)
    };
    let fine = synced(&format!("{owner}/fine")).await;
    let never_synced = RepositoryBuilder::new(&format!("{owner}/fresh")).store(app).await;
    let off = RepositoryBuilder::new(&format!("{owner}/off")).disabled().store(app).await;
    let waits = synced(&format!("{owner}/large")).await;
    repositories::record_set_aside(db, waits, "it has 140 MB, the limit is 100 MB", day(2)).await.unwrap();
    let in_state = async |name: &str, status, why: &str| {
        let id = synced(name).await;
        repositories::record_sync_failed(db, id, status, why, day(2)).await.unwrap();
        id
    };
    let blocked = in_state(&format!("{owner}/blocked"), SyncStatus::Blocked, "by hand").await;
    let failed = in_state(&format!("{owner}/gone"), SyncStatus::Error, "the remote is gone").await;
    let running = synced(&format!("{owner}/running")).await;
    repositories::record_sync_started(db, running).await.unwrap();
    let ids = [
        ("fine", fine),
        ("never synced", never_synced),
        ("switched off", off),
        ("pending approval", waits),
        ("blocked", blocked),
        ("failed", failed),
        ("running", running),
        ("unknown", Uuid::now_v7()),
    ];
    let mut states: Vec<(&str, String)> = ids.into_iter().map(|(state, id)| (state, id.to_string())).collect();
    states.push(("malformed", "nonsense".to_owned()));
    states
}

/// What a repository and its unfinished jobs are.
async fn state(app: &TestApp, id: &str) -> (Option<SyncStatus>, Vec<String>) {
    let Ok(id) = id.parse() else { return (None, Vec::new()) };
    let found = repositories::find_repository(&app.state.db.read, id).await.unwrap();
    let filter = JobFilter { repository_id: Some(id), unfinished: true, ..JobFilter::default() };
    let jobs = jobs::list_jobs(&app.state.db.read, &filter).await.unwrap().data;
    (found.map(|found| found.sync_status), jobs.into_iter().map(|job| job.kind.to_string()).collect())
}

/// The job that a page's action gave back.
fn job(page: &Answer) -> String {
    // An id has a byte that tells its length before it.
    Uuid::from_slice(&page.body[1..]).unwrap().to_string()
}

/// The reason in an answer of a page, as REST words it.
fn reason(page: &Answer) -> String {
    AppError::de(page.body.clone()).to_string().trim_end_matches('.').to_owned()
}

#[tokio::test]
async fn syncs_and_scans_are_given_and_refused_alike() {
    on_each_engine(async |app| {
        for (verb, form) in [("sync", "/ui/request_sync"), ("scan", "/ui/request_scan")] {
            for (name, id) in in_every_state(app, verb).await {
                let before = state(app, &id).await;
                let page = post(app, form, &[("repository_id", &id)]).await;
                let by_page = state(app, &id).await;
                let rest = app.post(&format!("/api/v1/repositories/{id}/{verb}")).await;
                assert_eq!(by_page, state(app, &id).await, "{verb} {name}: both ask for the same job");
                let expected = match (verb, name) {
                    (_, "fine" | "failed" | "running") | ("sync", "never synced") => StatusCode::ACCEPTED,
                    (_, "unknown") => StatusCode::NOT_FOUND,
                    (_, "malformed") => StatusCode::UNPROCESSABLE_ENTITY,
                    _ => StatusCode::CONFLICT,
                };
                assert_eq!(rest.status, expected, "{verb} {name}: {}", rest.text());
                let of_page = match expected {
                    StatusCode::ACCEPTED => StatusCode::OK,
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    other => other,
                };
                assert_eq!(page.status, of_page, "{verb} {name}: {}", page.text());
                if expected == StatusCode::ACCEPTED {
                    assert_eq!(job(&page), rest.json()["job_id"].as_str().unwrap(), "{verb} {name}");
                } else {
                    assert_eq!(by_page, before, "{verb} {name} was refused");
                }
                if expected == StatusCode::CONFLICT {
                    assert_eq!(reason(&page), rest.json()["detail"].as_str().unwrap(), "{verb} {name}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn decisions_are_taken_and_refused_alike() {
    on_each_engine(async |app| {
        for act in ["approve", "block", "delete"] {
            let (by_page, by_rest) =
                (in_every_state(app, &format!("page-{act}")).await, in_every_state(app, &format!("rest-{act}")).await);
            for ((name, id), (_, other)) in by_page.into_iter().zip(by_rest) {
                let told = post(app, "/ui/act", &[("act", act), ("id[]", &id)]).await;
                assert_eq!(told.status, StatusCode::OK, "{act} {name}: {}", told.text());
                let page = app.get_with(told.header("location"), &[(header::ACCEPT, "text/html")]).await.text();
                let rest = match act {
                    "delete" => app.request(http::Method::DELETE, &format!("/api/v1/repositories/{other}"), &[]).await,
                    act => app.post(&format!("/api/v1/repositories/{other}/{act}")).await,
                };
                let done = !page.contains("Nothing was done.");
                assert_eq!(done, rest.status == StatusCode::OK, "{act} {name}: {} / {page}", rest.text());
                assert_eq!(state(app, &id).await, state(app, &other).await, "{act} {name}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn schedules_and_discovery_are_started_and_refused_alike() {
    on_each_engine(async |app| {
        let schedules = server::config::parse(std::path::Path::new("test"), "", [].into()).unwrap().schedules;
        let zone = chrono_tz::UTC;
        server::jobs::schedule::store(&app.state.db, &schedules, zone, day(1)).await.unwrap();
        for is_on in [true, false] {
            let off = app.without_discovery();
            let app = if is_on { app } else { &off };
            for name in ["discover-repositories", "refresh-metrics", "prune", "nonsense", "a\0b", ""] {
                let page = post(app, "/ui/trigger_schedule", &[("name", name)]).await;
                let escaped: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
                let rest = app.post(&format!("/api/v1/tasks/trigger-periodic/{escaped}")).await;
                let expected = match name {
                    "discover-repositories" if !is_on => StatusCode::CONFLICT,
                    "discover-repositories" | "refresh-metrics" | "prune" => StatusCode::ACCEPTED,
                    _ => StatusCode::NOT_FOUND,
                };
                assert_eq!(rest.status, expected, "{name}: {}", rest.text());
                match expected {
                    StatusCode::ACCEPTED => assert_eq!(job(&page), rest.json()["task_id"].as_str().unwrap()),
                    expected => assert_eq!(page.status, expected, "{name}: {}", page.text()),
                }
                if expected == StatusCode::CONFLICT {
                    assert_eq!(reason(&page), rest.json()["detail"].as_str().unwrap());
                }
            }
            let told = post(app, "/ui/discover", &[]).await;
            let page = app.get_with(told.header("location"), &[(header::ACCEPT, "text/html")]).await.text();
            let rest = app.post("/api/v1/repositories/discover").await;
            assert_eq!(page.contains("Discovery is queued"), rest.status == StatusCode::ACCEPTED, "{page}");
            assert_eq!(page.contains("set discovery.enabled"), rest.status == StatusCode::CONFLICT, "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn jobs_are_called_off_alike() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home-ops").store(app).await;
        let queued = async || app.post(&format!("/api/v1/repositories/{id}/sync")).await.json()["job_id"].clone();
        let page = async |job: &str| post(app, "/ui/cancel_job", &[("job_id", job)]).await;
        let rest = async |job: &str| app.post(&format!("/api/v1/jobs/{job}/cancel")).await;
        let status = async |job: &str| app.get(&format!("/api/v1/jobs/{job}")).await.json()["state"].clone();

        let first = queued().await.as_str().unwrap().to_owned();
        assert_eq!(job(&page(&first).await), first);
        let second = queued().await.as_str().unwrap().to_owned();
        assert_eq!(rest(&second).await.status, StatusCode::ACCEPTED);
        for job in [&first, &second] {
            assert_eq!(status(job).await, JobState::Cancelled.as_str());
            let (page, rest) = (page(job).await, rest(job).await);
            assert_eq!((page.status, rest.status), (StatusCode::CONFLICT, StatusCode::CONFLICT));
            assert_eq!(reason(&page), rest.json()["detail"].as_str().unwrap());
        }
        let unknown = Uuid::now_v7().to_string();
        assert_eq!(page(&unknown).await.status, StatusCode::NOT_FOUND);
        assert_eq!(rest(&unknown).await.status, StatusCode::NOT_FOUND);
        assert_eq!(page("nonsense").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(rest("nonsense").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_by_pages_and_by_rest() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home-ops").store(app).await;
        let (long, longest) = ("%C3%BC".repeat(1_001), "%C3%BC".repeat(1_000));
        for (page, rest) in [
            ("/resources?text=".to_owned(), "/api/v1/kubernetes/resources?text=".to_owned()),
            ("/resources?view=grouped&kind=".to_owned(), "/api/v1/kubernetes/resources/grouped?kind=".to_owned()),
            ("/repositories?topic=".to_owned(), "/api/v1/repositories/?topic=".to_owned()),
            ("/repositories/coverage?text=".to_owned(), "/api/v1/discovery?text=".to_owned()),
            ("/repositories/coverage?why=".to_owned(), "/api/v1/discovery/why?repository=".to_owned()),
            ("/tasks?text=".to_owned(), "/api/v1/jobs?text=".to_owned()),
            ("/watch?text=".to_owned(), "/api/v1/branch-events?text=".to_owned()),
            ("/watch?view=branches&text=".to_owned(), "/api/v1/branches?text=".to_owned()),
            (format!("/repositories/{id}?tab=branches&text="), format!("/api/v1/repositories/{id}/branches?text=")),
            (format!("/repositories/{id}?namespace="), format!("/api/v1/repositories/{id}/events?resource_namespace=")),
        ] {
            for wrong in ["%00", "a%00b", "%FF", "%ED%A0%80", &long] {
                let shown = &wrong[..wrong.len().min(20)];
                let asked = app.get_with(&format!("{page}{wrong}"), &[(header::ACCEPT, "text/html")]).await;
                assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{page}{shown}");
                assert!(asked.text().contains("must "), "{page}{shown} says why");
                let asked = app.get(&format!("{rest}{wrong}")).await;
                assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{rest}{shown}");
            }
            for right in ["%C3%BC", &longest] {
                assert_eq!(app.get(&format!("{page}{right}")).await.status, StatusCode::OK, "{page}");
                assert_eq!(app.get(&format!("{rest}{right}")).await.status, StatusCode::OK, "{rest}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_posted_to_pages_is_a_form_or_refused() {
    on_each_engine(async |app| {
        let form = "application/x-www-form-urlencoded";
        let multipart = "--x\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nprune\r\n--x--\r\n";
        let id = Uuid::now_v7();
        for path in ["/ui/act", "/ui/add", "/ui/request_sync", "/ui/trigger_schedule", "/ui/cancel_job", "/ui/theme"] {
            for (kind, body, expected) in [
                (Some("multipart/form-data; boundary=x"), multipart, StatusCode::UNSUPPORTED_MEDIA_TYPE),
                (Some("application/json"), "{\"act\":\"sync\"}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
                (Some("text/plain"), "act=sync", StatusCode::UNSUPPORTED_MEDIA_TYPE),
                (None, "act=sync", StatusCode::UNSUPPORTED_MEDIA_TYPE),
                (Some(form), "\u{0}&&=&%=%zz[[]]", StatusCode::BAD_REQUEST),
                (Some(form), "{\"act\":\"sync\"}", StatusCode::BAD_REQUEST),
            ] {
                // Adding takes a form that names nothing, and says so on the page it leads to.
                if path == "/ui/add" && expected == StatusCode::BAD_REQUEST {
                    continue;
                }
                for accept in ["*/*", "text/plain"] {
                    let request = Request::post(path).header(header::ACCEPT, accept);
                    let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
                    let answer = app.send(request.body(Body::from(body)).unwrap()).await;
                    assert_eq!(answer.status, expected, "{path} {kind:?} {body:?}: {}", answer.text());
                }
            }
            let request = Request::post(path).header(header::CONTENT_TYPE, form);
            let request = request.body(Body::from(vec![b'a', b'=', 0xff, 0xfe])).unwrap();
            let status = app.send(request).await.status;
            assert!(status.is_client_error() || path == "/ui/add", "{path}: {status}");
        }
        let capitals = Request::post("/ui/request_sync")
            .header("content-type", "Application/X-WWW-form-urlencoded; charset=UTF-8");
        let answer = app.send(capitals.body(Body::from(format!("repository_id={id}"))).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    })
    .await;
}
