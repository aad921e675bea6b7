//! Images in which variables stand, from files to pages: in a resource, in a kustomization, in the values of a release.

use serde_json::{Value, json};
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::{TestApp, on_each_engine};

const WRITTEN: &str = "ghcr.io/me/web:${VERSION}";
const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      \
    containers:\n        - {name: web, image: 'ghcr.io/me/web:${VERSION}'}\n        \
    - {name: side, image: 'ghcr.io/${TOKEN}/side:${UNKNOWN}'}\n";
const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\nspec:\n  \
    chart: {spec: {chart: api, version: 1.0.0, sourceRef: {kind: HelmRepository, name: charts}}}\n  values:\n    \
    image: {repository: ghcr.io/me/web, tag: '${VERSION}'}\n";
const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml, api.yaml]\n\
    images: [{name: db, newName: ghcr.io/me/web, newTag: '${VERSION}'}]\n";

/// What builds `apps` with variables.
fn build(name: &str, version: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux}}\nspec:\n  \
         path: ./apps\n  sourceRef: {{kind: GitRepository, name: home}}\n  postBuild:\n    \
         substitute: {{VERSION: {version}, TOKEN: hunter2, OTHER: '1'}}\n"
    )
}

/// What is told of each place of the image, by the word for it.
async fn told(app: &TestApp, repository: Uuid, place: &str) -> Value {
    let all = app.get(&format!("/api/v1/images/places?repository_id={repository}")).await.json();
    let these = all["data"].as_array().unwrap().iter().filter(|one| one["place"] == place && one["written"] == WRITTEN);
    let [one] = these.collect::<Vec<_>>()[..] else { panic!("not one {place}: {all}") };
    assert_eq!(one["image"], Value::Null);
    one["variables"].clone()
}

/// The page of a kind's only resource, and what the API says of its written images.
async fn of_resource(app: &TestApp, repository: Uuid, kind: &str) -> (String, Value) {
    let id = app.get(&format!("/api/v1/repositories/{repository}/resources?kind={kind}")).await.column("id").remove(0);
    let page = app.get(&format!("/resources/{id}")).await.text();
    let written = app.get(&format!("/api/v1/resources/{id}/uses")).await.json()["written"].clone();
    (page, written)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shown_with_what_its_variables_stand_for() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        let [first, second, other] = [build("one", "1.2.3"), build("one", "1.2.4"), build("two", "1.2.5")];
        let apps = [
            ("apps/web.yaml", Some(WEB)),
            ("apps/api.yaml", Some(RELEASE)),
            ("apps/kustomization.yaml", Some(KUSTOMIZATION)),
            ("flux/one.yaml", Some(first.as_str())),
        ];
        let images = format!("/repositories/{repository}?tab=charts&view=images");
        let side = json!({"written": "ghcr.io/${TOKEN}/side:${UNKNOWN}", "variables": {}});
        // The second changes a variable, by the third the builds disagree.
        let (changed, added) = ([("flux/one.yaml", Some(second.as_str()))], [("flux/two.yaml", Some(other.as_str()))]);
        let steps = [
            (&apps[..], json!({"VERSION": "1.2.3"})),
            (&changed[..], json!({"VERSION": "1.2.4"})),
            (&added[..], json!({})),
        ];
        for (files, right) in steps {
            origin.commit("step", files);
            bench.bring_up_to_date(repository).await;
            for place in ["resource", "kustomize", "values"] {
                assert_eq!(told(app, repository, place).await, right, "{place}");
            }
            let is_told = right != json!({});
            let web = json!({"written": WRITTEN, "variables": right});
            for (kind, written) in [("Deployment", json!([side, web])), ("HelmRelease", json!([web]))] {
                let (page, told) = of_resource(app, repository, kind).await;
                assert_eq!(told, written, "{kind}");
                assert!(page.contains(WRITTEN) && page.contains("class=\"stands-for\"") == is_told, "{kind}: {page}");
                assert!(!page.contains("hunter2"), "{kind}: {page}");
            }
            let page = app.get(&images).await.text();
            assert_eq!(page.matches("class=\"stands-for\"").count(), if is_told { 3 } else { 0 }, "{page}");
        }
        let rows = bench.rows().await;
        let spans = [r#"{"VERSION":"1.2.3"}|0|1|-"#, r#"{"VERSION":"1.2.4"}|1|2|-"#, "-|2|-|-"];
        for span in spans.map(|span| format!("|{WRITTEN}|{span}")) {
            // Of the Deployment and of the kustomization; in values it stays the same.
            let found = rows.iter().filter(|row| row.starts_with("11:") && row.ends_with(&span));
            assert_eq!(found.count(), 2, "{span}: {rows:#?}");
        }
        assert!(rows.iter().all(|row| !row.starts_with("11:") || !row.contains("hunter2")), "{rows:#?}");
    })
    .await;
}
