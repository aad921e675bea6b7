//! What pages tell of a chart beside its lists, asked of the API: texts that install it, how one value spreads, its versions over
//! time, upgrades by several commits, other charts by any name, images with variables.

use serde_json::{Value, json};

use super::each;
use super::world::{
    APP, APP_ID, GRAFANA, GRAFANA_ID, HOST, INGRESS, OLD_APP, OTHER_GRAFANA, REPLICAS, TOKEN, by_image, by_several,
    spread_out, templated, three,
};
use crate::support::{commit_id, on_each_engine};

#[tokio::test]
async fn texts_that_install_a_chart_name_the_place_that_most_take_it_from() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/snippets");
        let told = app.get(&path).await.json();
        let titles = each(&told["snippets"], "title");
        assert_eq!(titles, ["Flux: HelmRepository and HelmRelease", "Argo CD: Application", "Helm"]);
        for one in each(&told["snippets"], "text") {
            let text = one.as_str().unwrap();
            assert!(text.contains("https://bjw-s-labs.github.io/helm-charts") && text.contains("3.1.0"), "{text}");
        }
        // Then most took it from the other place, and nobody had the next version yet.
        let then = app.get(&format!("{path}?at=2026-01-08")).await.json();
        assert_eq!(then["snippets"][0]["title"], "Flux: OCIRepository and HelmRelease");
        let text = then["snippets"][0]["text"].as_str().unwrap();
        assert!(
            text.contains("url: oci://ghcr.io/bjw-s-labs/helm/app-template") && text.contains("tag: 3.0.0"),
            "{text}"
        );
        let argo = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/snippets")).await.json();
        assert!(argo["snippets"][1]["text"].as_str().unwrap().contains("targetRevision: 8.0.0"), "{argo}");
        app.holds_etag(&path).await;
    })
    .await;
}

#[tokio::test]
async fn one_path_of_values_is_told_as_it_spreads() {
    on_each_engine(async |app| {
        let [_, bob, _] = three(app).await;
        let summary = format!("/api/v1/charts/{APP_ID}/values/summary");
        let one = app.get(&format!("{summary}?path={REPLICAS}")).await.json();
        assert_eq!((&one["path"], &one["releases"], &one["of"]), (&json!(REPLICAS), &json!(2), &json!(2)));
        assert_eq!((&one["types"], &one["different"], &one["mine"]), (&json!(["string"]), &json!(2), &json!(null)));
        assert_eq!(each(&one["common"], "value"), ["1", "2"]);
        // The list tells the same of it.
        let listed = app.get(&format!("/api/v1/charts/{APP_ID}/values?text={REPLICAS}")).await.json();
        assert_eq!(listed["data"][0], one);
        for (query, releases, of) in [
            (format!("path={REPLICAS}&at=2026-01-12"), 3, 3),
            (format!("path={REPLICAS}&at=2026-01-12&major=2"), 1, 1),
            (format!("path={HOST}&with={GRAFANA_ID}"), 1, 1),
        ] {
            let told = app.get(&format!("{summary}?{query}")).await.json();
            assert_eq!((&told["releases"], &told["of"]), (&json!(releases), &json!(of)), "{query}");
        }
        assert_eq!(app.get(&format!("{summary}?path={REPLICAS}&mine={bob}")).await.json()["mine"], "2");
        let secret = app.get(&format!("{summary}?path={TOKEN}")).await.json();
        assert_eq!(secret["common"], json!([{"value": "", "masked": true, "releases": 1}]));
        for nowhere in ["path=nobody.sets.it".to_owned(), format!("path={REPLICAS}&at=2026-01-01")] {
            assert_eq!(app.missing(&format!("{summary}?{nowhere}")).await, "Value not found");
        }
        app.holds_etag(&format!("{summary}?path={REPLICAS}")).await;
    })
    .await;
}

#[tokio::test]
async fn each_version_is_told_over_time() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}?at=2026-01-08");
        let told = app.get(&path).await.json()["versions_over_time"].clone();
        let days: Vec<String> = (2..=8).map(|day| format!("2026-01-{day:02}")).collect();
        assert_eq!((&told["days"], &told["releases"]), (&json!(days), &json!([1, 1, 2, 2, 3, 3, 3])));
        assert_eq!(each(&told["versions"], "version"), ["3.1.0", "3.0.0", "2.6.0"]);
        let lines = [[0, 0, 0, 1, 1, 0, 0], [1, 1, 2, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1, 1]];
        assert_eq!(each(&told["versions"], "releases"), lines.map(|line| json!(line)));
        let before = app.get(&format!("/api/v1/charts/{APP_ID}?at=2026-01-01")).await.json();
        assert_eq!(before["versions_over_time"], json!({"days": [], "releases": [], "versions": []}));
        let page = app.get("/charts/ghcr.io/bjw-s-labs/helm/app-template?at=2026-01-08").await.text();
        assert!(page.contains("Versions over time") && page.contains("33% on 2026-01-08"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn an_upgrade_by_several_commits_counts_between_both_versions() {
    on_each_engine(async |app| {
        by_several(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/upgrades");
        let told = app.get(&format!("{path}?from=3.0.0&to=3.1.0")).await.json();
        assert_eq!(each(&told["upgrades"], "repository"), ["ada/home-ops", "kim/cluster"]);
        assert_eq!(each(&told["upgrades"], "steps"), [1, 2]);
        // What was changed and changed back needs nobody to change it; what changed between is a part of the way.
        assert_eq!(each(&told["upgrades"], "changed"), [json!([REPLICAS]), json!([HOST, INGRESS])]);
        assert_eq!((&told["count"], &told["by_several"], &told["looked_at"]), (&json!(2), &json!(1), &json!(2)));
        assert_eq!(each(&told["changed"], "upgrades"), [1, 1, 1]);
        assert_eq!(told["upgrades"][1]["commit"], commit_id("kim/cluster", 3).to_string());
        let rest = app.get(&format!("{path}?from=3.0.0&to=3.1.0&skip=1")).await.json();
        assert_eq!((&rest["upgrades"][0], &rest["changed"]), (&told["upgrades"][1], &told["changed"]));
        for (query, repositories) in [
            ("from=3.0.0&to=3.0.1", &["eve/k8s", "kim/cluster"][..]),
            ("from=3.0.0&to=3.2.0", &["bob/lab"]),
            ("from=3.1.0&to=3.0.0", &[]),
            ("from=3.0.0&to=3.1.0&at=2026-01-07", &[]),
            ("from=3.0.0&to=3.1.0&at=2026-01-08", &["kim/cluster"]),
            // Where only one is named, each step counts by itself.
            ("to=3.1.0", &["ada/home-ops", "kim/cluster", "bob/lab"]),
        ] {
            let told = app.get(&format!("{path}?{query}")).await.json();
            let mut found = each(&told["upgrades"], "repository");
            let mut expected: Vec<Value> = repositories.iter().map(|name| json!(name)).collect();
            found.sort_by_key(ToString::to_string);
            expected.sort_by_key(ToString::to_string);
            assert_eq!(found, expected, "{query}");
        }
        let page = "/charts/ghcr.io/bjw-s-labs/helm/app-template?tab=upgrades&from=3.0.0&to=3.1.0";
        let page = app.get(page).await.text();
        assert!(page.contains("2 steps") && page.contains("1 made by several commits"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn any_chart_may_be_asked_for_beside_another() {
    on_each_engine(async |app| {
        three(app).await;
        for (text, key) in [
            (GRAFANA, Some(GRAFANA)),
            ("BJW-S-labs.github.io/helm-charts/app-template", Some(APP)),
            ("app-template", Some(APP)),
            // Of two of that name, which as many use, the first.
            ("Grafana", Some(GRAFANA)),
            ("bitnami", Some(OTHER_GRAFANA)),
            ("%", None),
            ("nothing", None),
        ] {
            let found = store::charts::chart_by_text(&app.state.db.read, text, None).await.unwrap();
            assert_eq!(found.as_ref().map(|(_, key)| key.as_str()), key, "{text}");
            let shown = key.unwrap_or(text);
            for tab in ["users", "values"] {
                let page = format!("/charts/{APP}?tab={tab}&also={}", text.replace('%', "%25"));
                let page = app.get(&page).await.text();
                assert!(page.contains(&format!("<span class=\"chip-value\">{shown}<")), "{text}");
            }
        }
        // A saved address may have the key of a source, in any case.
        for key in [APP, OLD_APP, &OLD_APP.to_uppercase()] {
            let page = app.get(&format!("/charts/{GRAFANA}?tab=users&with={key}&with={APP}")).await.text();
            assert_eq!(page.matches(&format!("<span class=\"chip-value\">{APP}<")).count(), 1, "{key}: {page}");
            assert!(page.contains("ada/home-ops") && !page.contains("Nobody matches"), "{key}: {page}");
        }
        let nobody = app.get(&format!("/charts/{GRAFANA}?tab=users&with=example.org/nothing")).await.text();
        assert!(nobody.contains("Nobody matches"), "{nobody}");
        let both = format!("/charts/{APP}?tab=values&with={GRAFANA}&also=bitnami");
        assert!(app.get(&both).await.text().contains("No value matches"));
    })
    .await;
}

#[tokio::test]
async fn an_image_with_variables_is_told_as_it_is_written() {
    on_each_engine(async |app| {
        let kim = templated(app).await;
        let places = format!("/api/v1/images/places?repository_id={kim}");
        let now = app.get(&places).await.json()["data"][0].clone();
        assert_eq!((&now["written"], &now["image"]), (&json!("ghcr.io/kim/web:${TAG}"), &Value::Null));
        assert_eq!(now["variables"], json!({"TAG": "1.27"}));
        let then = app.get(&format!("{places}&at=2026-01-03")).await.json()["data"][0].clone();
        assert_eq!(then["written"], "ghcr.io/${OWNER}/web:${TAG}");
        let page = app.get(&format!("/repositories/{kim}?tab=charts&view=images")).await.text();
        assert!(page.contains("ghcr.io/kim/web:${TAG}") && page.contains("stands-for"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn repositories_are_compared_by_id_and_by_name_in_any_case() {
    on_each_engine(async |app| {
        let [_, bob, eve] = three(app).await;
        let page = format!("/compare/charts/{APP}?repositories=ADA/Home-Ops,{bob},nobody/x&add={eve}");
        let page = app.get(&page).await.text();
        assert!(page.contains("No repository that uses the chart is called nobody/x."), "{page}");
        assert!(page.contains("1 repository is not here"), "{page}");
        for name in ["ada/home-ops", "bob/lab"] {
            assert!(page.contains(&format!("Leave {name} out")), "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_chart_with_the_image_of_an_app_is_an_alternative() {
    on_each_engine(async |app| {
        by_image(app).await;
        let told = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/neighbours")).await.json();
        assert_eq!(each(&told["alternatives"], "key"), [APP]);
        // One of the three that use it: another image, or another app with that image beside, is none.
        assert_eq!(told["alternatives"][0]["repositories"], 1);
        let over_time = told["alternatives"][0]["over_time"].as_array().unwrap();
        assert_eq!(over_time.last().unwrap()["repositories"], 1);
        let page = app.get(&format!("/charts/{GRAFANA}?tab=related")).await.text();
        assert!(page.contains(&format!("href=\"/charts/{APP}")), "{page}");
        let of_app = app.get(&format!("/api/v1/charts/{APP_ID}/neighbours")).await.json();
        assert_eq!(of_app["alternatives"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_repository_tells_how_far_its_charts_are_behind_those_of_others() {
    on_each_engine(async |app| {
        let ids = spread_out(app).await;
        for (id, behind, said) in [
            (ids[0], 2, "2 versions behind 3.1.0"),
            (ids[1], 1, "1 version behind 3.1.0"),
            (ids[2], 0, ">the same<"),
            (ids[4], 0, "ahead of 3.1.0"),
        ] {
            let release = app.get(&format!("/api/v1/repositories/{id}/charts")).await.json()["data"][0].clone();
            assert_eq!((&release["newest_version"], &release["median_version"]), (&json!("3.2.0"), &json!("3.1.0")));
            assert_eq!((&release["behind_median"], &release["values"]), (&json!(behind), &json!(1)), "{said}");
            let page = app.get(&format!("/repositories/{id}?tab=charts")).await.text();
            assert!(page.contains(said), "{said}: {page}");
            let newest = if id == ids[4] { ">this one<" } else { "3.2.0" };
            assert!(page.contains(newest), "{newest}: {page}");
            // Its values beside those of all.
            let link = format!("/charts/{APP}?tab=values&amp;mine={id}");
            assert!(page.contains(&link), "{link}: {page}");
            let beside = app.get(&link.replace("&amp;", "&")).await.text();
            assert!(beside.contains("Mine") && beside.contains(REPLICAS), "{beside}");
        }
        // All five stayed with the version they began with for more than a week.
        let page = app.get(&format!("/charts/{APP}")).await.text();
        assert!(page.contains("100%") && page.contains("stayed-of quiet\">of 5<"), "{page}");
    })
    .await;
}
