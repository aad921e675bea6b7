//! `/api/v1/commits/{repository_id}/{sha}`.

use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, commit_id, on_each_engine};

#[tokio::test]
async fn a_commit_tells_what_it_did_and_its_neighbours() {
    on_each_engine(async |app| {
        let name = "ada/home-ops";
        let id = RepositoryBuilder::new(name)
            .commit(2, "Add", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
            .commit(
                3,
                "Update",
                vec![
                    Change::Modify(Manifest::release("podinfo", "6.1.0")),
                    Change::Create(Manifest::config_map("settings")),
                ],
            )
            .commit(4, "Update again", vec![Change::Modify(Manifest::release("podinfo", "6.2.0"))])
            .store(app)
            .await;
        let sha = commit_id(name, 1).to_string();
        let path = format!("/api/v1/commits/{id}/{sha}");
        let commit = app.get(&path).await.json();
        assert_eq!(commit["commit"]["subject"], "Update");
        assert_eq!((&commit["commit"]["created"], &commit["commit"]["modified"]), (&1.into(), &1.into()));
        assert_eq!(commit["events"]["count"], 2);
        assert_eq!(commit["previous"], commit_id(name, 0).to_string());
        assert_eq!(commit["next"], commit_id(name, 2).to_string());
        assert_eq!(commit["web_url"], format!("https://github.com/{name}/commit/{sha}"));
        app.holds_etag(&path).await;

        let page = app.get(&format!("{path}?skip=1&limit=1")).await.json();
        assert_eq!((&page["events"]["count"], page["events"]["data"].as_array().unwrap().len()), (&2.into(), 1));
        assert_eq!(app.get(&format!("/api/v1/commits/{id}/{}", sha.to_uppercase())).await.json(), commit);

        assert_eq!(app.missing(&format!("/api/v1/commits/{id}/{}", "0".repeat(40))).await, "Commit not found");
        assert_eq!(app.missing(&format!("/api/v1/commits/{}/{sha}", Uuid::now_v7())).await, "Repository not found");
        assert_eq!(app.refused(&format!("/api/v1/commits/{id}/HEAD")).await, ["path.sha"]);
        assert_eq!(app.refused(&format!("/api/v1/commits/x/{sha}")).await, ["path.repository_id"]);
        assert_eq!(app.refused(&format!("{path}?limit=0")).await, ["query.limit"]);
    })
    .await;
}
