//! Pages as the server renders them; what people see in them is the browser tests' matter.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use crate::support::{Change, Manifest, RepositoryBuilder, commit_id, on_each_engine};

#[tokio::test]
async fn every_inline_script_of_a_page_carries_the_nonce_of_its_policy() {
    on_each_engine(async |app| {
        RepositoryBuilder::new("ada/home-ops")
            .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .store(app)
            .await;
        let mut nonces = Vec::new();
        for path in ["/", "/repositories", "/resources", "/no/such/page"] {
            let page = app.get_with(path, &[(header::ACCEPT, "text/html")]).await;
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            let policy = page.header("content-security-policy");
            let (_, rest) = policy.split_once("'nonce-").unwrap_or_else(|| panic!("{path}: {policy}"));
            let nonce = rest.split_once('\'').unwrap().0.to_owned();
            let text = page.text();
            for tag in text.split("<script").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
                // Data is not run, so policies do not speak of it.
                let is_data = tag.contains("type=\"application/json\"");
                assert!(
                    is_data || tag.contains("src=") || tag.contains(&format!("nonce=\"{nonce}\"")),
                    "{path}: <script{tag}>"
                );
            }
            for tag in text.split("<style").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
                assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <style{tag}>");
            }
            nonces.push(nonce);
        }
        nonces.dedup();
        assert_eq!(nonces.len(), 4, "a nonce is of one answer only");
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_made_on_one_thread_may_be_sent_by_another() {
    on_each_engine(async |app| {
        let repository = RepositoryBuilder::new("ada/home-ops")
            .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .commit(3, "Update podinfo", vec![Change::Modify(Manifest::release("podinfo", "6.1.0"))])
            .store(app)
            .await;
        let resources = app.get("/api/v1/kubernetes/resources").await.json();
        let resource = resources["data"][0]["id"].as_str().unwrap().to_owned();
        let commit = commit_id("ada/home-ops", 1);
        for path in [
            "/".to_owned(),
            "/repositories".to_owned(),
            "/repositories/add".to_owned(),
            "/repositories/coverage".to_owned(),
            format!("/repositories/confirm?act=delete&id[]={repository}"),
            format!("/repositories/{repository}"),
            "/resources".to_owned(),
            format!("/resources/{resource}"),
            format!("/commits/{repository}/{commit}"),
            "/watch".to_owned(),
            "/watch?view=branches".to_owned(),
            format!("/repositories/{repository}/watch"),
            format!("/repositories/{repository}?tab=branches"),
            "/ecosystem".to_owned(),
            "/tasks".to_owned(),
            "/dev/components".to_owned(),
        ] {
            let page = app.raw(Request::get(&path).body(Body::empty()).unwrap()).await;
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            // What a page was made of is let go at its end, by whoever sends it.
            let sent = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(axum::body::to_bytes(page.into_body(), 64 << 20))
            });
            let body = tokio::task::spawn_blocking(|| sent.join()).await.unwrap();
            let body = body.unwrap_or_else(|_| panic!("{path} broke off")).unwrap();
            assert!(String::from_utf8_lossy(&body).contains("</html>"), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_in_the_title_of_a_page_is_text() {
    on_each_engine(async |app| {
        let name = "ada/</title><b id=x>&lt;";
        let id = RepositoryBuilder::new(name).store(app).await;
        let page = app.get_with(&format!("/repositories/{id}"), &[(header::ACCEPT, "text/html")]).await;
        assert_eq!(page.status, StatusCode::OK);
        let text = page.text();
        assert!(text.contains("<title>ada/&lt;/title>&lt;b id=x>&amp;lt; "), "{text}");
        assert!(!text.contains("<b id=x"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_404() {
    on_each_engine(async |app| {
        let page = app.get("/no/such/page").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.header("content-type").starts_with("text/html"));
    })
    .await;
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_pages_address_leads_to_the_page() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home-ops").store(app).await;
        for path in [
            "/repositories".to_owned(),
            "/repositories/add".to_owned(),
            "/repositories/coverage".to_owned(),
            format!("/repositories/{id}"),
            "/resources".to_owned(),
            "/ecosystem".to_owned(),
            "/tasks".to_owned(),
        ] {
            for query in ["", "?text=a%20b&page=2", "?"] {
                for method in [Method::GET, Method::HEAD] {
                    let answer = app.request(method, &format!("{path}/{query}"), &[]).await;
                    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT, "{path}/{query}");
                    assert_eq!(answer.header("location"), format!("{path}{query}"));
                }
            }
            let page = app.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            let posted = app.request(Method::POST, &format!("{path}/"), &[]).await;
            assert!(posted.status.is_client_error(), "{path}/: {}", posted.status);
        }
        for nowhere in ["//evil.example/", "//evil.example/repositories/", "/no/such/page/", "/repositories//", "//"] {
            let answer = app.get(nowhere).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{nowhere}");
            assert_eq!(answer.header("location"), "", "{nowhere}");
        }
    })
    .await;
}
