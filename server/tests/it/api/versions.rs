//! `/api/v1/resources/{id}/versions`, `/diff` and `/manifest`.

use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, on_each_engine};

async fn podinfo(app: &TestApp) -> String {
    let id = RepositoryBuilder::new("ada/home-ops")
        .commit(2, "Add", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
        .commit(3, "Update", vec![Change::Modify(Manifest::release("podinfo", "6.1.0"))])
        .commit(4, "Update again", vec![Change::Modify(Manifest::release("podinfo", "6.2.0"))])
        .store(app)
        .await;
    app.get(&format!("/api/v1/repositories/{id}/resources")).await.column("id")[0].clone()
}

#[tokio::test]
async fn versions_come_newest_first_with_their_events() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/resources/{id}/versions");
        let versions = app.get(&path).await;
        assert_eq!((versions.count(), versions.column("number")), (3, ["3", "2", "1"].map(str::to_owned).into()));
        assert_eq!(versions.json()["data"][0]["event"]["commit_subject"], "Update again");
        assert_eq!(app.get(&format!("{path}?skip=2&limit=5")).await.column("number"), ["1"]);
        app.holds_etag(&path).await;
        assert_eq!(app.refused(&format!("{path}?limit=0")).await, ["query.limit"]);
    })
    .await;
}

#[tokio::test]
async fn manifest_gives_the_text_of_any_version() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/resources/{id}/manifest");
        let text =
            async |query: &str| app.get(&format!("{path}{query}")).await.json()["text"].as_str().unwrap().to_owned();
        assert!(text("").await.contains("version: 6.2.0"));
        assert!(text("?version=1").await.contains("version: 6.0.0"));
        let event = app.get(&format!("/api/v1/resources/{id}/versions")).await.json()["data"][1]["event"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text(&format!("?version={event}")).await.contains("version: 6.1.0"));
        app.holds_etag(&path).await;
        for version in ["9".to_owned(), Uuid::now_v7().to_string()] {
            assert_eq!(app.missing(&format!("{path}?version={version}")).await, "Version not found");
        }
        for version in ["0", "-1", "newest"] {
            assert_eq!(app.refused(&format!("{path}?version={version}")).await, ["query.version"]);
        }
    })
    .await;
}

#[tokio::test]
async fn any_two_versions_are_compared() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/resources/{id}/diff");
        let newest = app.get(&path).await.json();
        let unified = newest["unified"].as_str().unwrap();
        assert!(unified.contains("-  version: 6.1.0\n+  version: 6.2.0"), "{unified}");
        assert!(newest["changes"][0]["new"].as_str().unwrap().contains("6.2.0"));
        let whole = app.get(&format!("{path}?from=1&to=3")).await.json();
        assert!(whole["unified"].as_str().unwrap().contains("-  version: 6.0.0\n+  version: 6.2.0"));
        let back = app.get(&format!("{path}?from=3&to=1")).await.json();
        assert!(back["unified"].as_str().unwrap().contains("-  version: 6.2.0\n+  version: 6.0.0"));
        let first = app.get(&format!("{path}?to=1")).await.json();
        assert_eq!(first["unified"], "", "the first version has none before it");
        app.holds_etag(&path).await;
        assert_eq!(app.refused(&format!("{path}?from=x&to=y")).await, ["query.from", "query.to"]);
        assert_eq!(app.missing(&format!("{path}?from=1&to=9")).await, "Version not found");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_resource_has_no_versions() {
    on_each_engine(async |app| {
        for part in ["versions", "manifest", "diff"] {
            let path = format!("/api/v1/resources/{}/{part}", Uuid::now_v7());
            assert_eq!(app.missing(&path).await, "Resource not found");
        }
    })
    .await;
}
