//! Releases of one name: a chart that runs any app is asked for one app alone, and links of kubesearch lead to that. And one
//! release alone, of a chart that nobody else can have.

use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::world::{APP, APP_ID, HOST, REPLICAS, TOKEN, of_its_own, several_apps, three};
use crate::support::{commit_id, on_each_engine};

#[tokio::test]
async fn a_chart_is_told_for_releases_of_one_name() {
    on_each_engine(async |app| {
        let ada = several_apps(app, &[]).await;
        let chart = format!("/api/v1/charts/{APP_ID}");
        let (of_ada, of_bob) = ("ada/home-ops", "bob/lab");
        for (query, found) in [
            ("release=home-assistant", &[of_ada][..]),
            // By the name of the resource, and by Helm's.
            ("release=plex", &[of_ada, of_bob]),
            ("release=media-plex", &[of_ada]),
            ("release=plex&at=2026-01-03", &[of_ada]),
            ("release=plex&version=2.6.0&at=2026-01-05", &[of_bob]),
            ("release=PLEX", &[]),
            ("release=app-template", &[]),
            ("release=", &[of_ada, of_ada, of_bob]),
        ] {
            let answer = app.get(&format!("{chart}/releases?sort=repository&{query}")).await;
            assert_eq!(answer.column("repository"), found, "{query}");
            assert_eq!(answer.count(), found.len() as u64, "{query}");
        }
        let values = format!("{chart}/values");
        for (query, paths, of) in [
            ("release=home-assistant", &[REPLICAS, HOST][..], "1"),
            ("release=plex", &[REPLICAS], "2"),
            ("release=plex&major=2&at=2026-01-05", &[REPLICAS], "1"),
            ("release=home-assistant&major=2", &[], ""),
            ("release=nobody", &[], ""),
        ] {
            let answer = app.get(&format!("{values}?{query}")).await;
            assert_eq!(answer.column("path"), paths, "{query}");
            assert_eq!(answer.column("of"), vec![of; paths.len()], "{query}");
        }
        // What one sets oneself is told of that name too.
        let own = format!("{values}?text={REPLICAS}&mine={ada}");
        let mine = async |query: &str| app.get(&format!("{own}{query}")).await.column("mine");
        assert_eq!(mine("").await, ["1, 2"]);
        assert_eq!(mine("&release=plex").await, ["2"]);

        let path = format!("{values}/path?path={REPLICAS}&release=plex");
        assert_eq!(app.get(&path).await.column("value"), ["2", "2"]);
        assert_eq!(app.get(&format!("{path}&at=2026-01-05")).await.column("value"), ["2", "3"]);
        assert_eq!(app.get(&format!("{path}&at=2026-01-05")).await.count(), 2);
        let summary = format!("{values}/summary?path={REPLICAS}");
        let told = app.get(&format!("{summary}&release=home-assistant")).await.json();
        assert_eq!((&told["releases"], &told["of"]), (&json!(1), &json!(1)));
        assert_eq!(told["common"], json!([{"value": "1", "masked": false, "releases": 1}]));
        assert_eq!(app.missing(&format!("{summary}&release=nobody")).await, "Value not found");
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_chart_are_narrowed_to_a_name_by_their_address() {
    on_each_engine(async |app| {
        several_apps(app, &[]).await;
        let chip = "<span class=\"chip-value\">home-assistant<";
        let path = format!("&path={REPLICAS}");
        for part in ["", "&tab=users", "&tab=values", &format!("&tab=values{path}"), "&at=2026-01-03"] {
            let page = app.get(&format!("/charts/{APP}?release=home-assistant{part}")).await.text();
            assert!(page.contains(chip), "{part}");
            assert!(!page.contains("media-plex"), "{part}");
        }
        // The first of them has no list of all who use the chart to choose from.
        let page = app.get(&format!("/charts/{APP}?release=home-assistant")).await.text();
        assert!(page.contains("ada/home-ops") && !page.contains("bob/lab"), "{page}");
        assert!(page.replace("&amp;", "&").contains("release=home-assistant&tab=users"), "{page}");
        let page = app.get(&format!("/charts/{APP}?release=nobody")).await.text();
        assert!(page.contains("Nobody has a release of this name"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_key_of_kubesearch_leads_to_releases_of_the_name_in_it() {
    on_each_engine(async |app| {
        let links = [
            ("ghcr.io-bjw-s-labs-helm-app-template-home-assistant", "?release=home-assistant"),
            ("oci--ghcr.io-bjw-s-labs-helm-app-template-plex", "?release=plex"),
            // What fetches the chart has the release's name.
            ("ghcr.io-bjw-s-labs-charts-home-assistant", "?release=home-assistant"),
            ("ghcr.io-bjw-s-labs-helm-app-template", ""),
            ("bjw-s-app-template", ""),
            // Nobody has one of that name any more; what it ends with is another's.
            ("ghcr.io-bjw-s-labs-helm-app-template-jellyfin", ""),
            ("ghcr.io-bjw-s-labs-helm-app-template-not-plex", ""),
        ];
        several_apps(app, &links.map(|(key, _)| key)).await;
        for (key, query) in links {
            for key in [key.to_owned(), key.to_uppercase(), format!("{key}/")] {
                let answer = app.get(&format!("/hr/{key}")).await;
                assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT, "{key}");
                assert_eq!(answer.header("location"), format!("/charts/{APP}{query}"), "{key}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn values_of_a_chart_of_ones_own_are_told() {
    on_each_engine(async |app| {
        let [ada, ..] = three(app).await;
        let (kim, release) = of_its_own(app).await;
        let own = format!("/api/v1/repositories/{kim}");
        let charts = app.get(&format!("{own}/charts")).await;
        let place = charts.column("id").iter().position(|id| *id == release.to_string()).unwrap();
        assert_eq!(
            (charts.column("chart_key")[place].as_str(), charts.column("values")[place].as_str()),
            ("null", "2")
        );

        let values = format!("{own}/values?release_id={release}");
        let told = app.get(&values).await;
        assert_eq!(told.column("path"), [REPLICAS, TOKEN]);
        assert_eq!(
            (told.column("value"), told.column("masked")),
            (vec!["2".into(), String::new()], vec!["false".to_owned(), "true".to_owned()])
        );
        let line = format!("https://github.com/kim/cluster/blob/{}/apps/app.yaml#L7", commit_id("kim/cluster", 1));
        assert_eq!((told.column("web_url")[0].as_str(), told.count()), (line.as_str(), 2));
        let second = app.get(&format!("{values}&skip=1&limit=1")).await;
        assert_eq!((second.column("path"), second.count()), (vec![TOKEN.to_owned()], 2));
        assert_eq!(app.get(&format!("{values}&at=2026-01-03")).await.column("value"), ["1", ""]);
        app.holds_etag(&values).await;
        for nothing in [
            format!("{values}&at=2026-01-01"),
            format!("{own}/values?release_id=9"),
            // Another's.
            format!("/api/v1/repositories/{ada}/values?release_id={release}"),
        ] {
            assert_eq!(app.missing(&nothing).await, "Release not found", "{nothing}");
        }
        let nobody = format!("/api/v1/repositories/{}/values?release_id={release}", Uuid::now_v7());
        assert_eq!(app.missing(&nobody).await, "Repository not found");
        assert_eq!(app.refused(&format!("{own}/values?limit=0")).await, ["query.release_id", "query.limit"]);
        assert_eq!(app.refused(&format!("{own}/values?release_id=x&at=y")).await, ["query.release_id", "query.at"]);

        let page = format!("/repositories/{kim}?tab=charts");
        assert!(app.get(&page).await.text().contains(&format!("release_id={release}#views")));
        let shown = app.get(&format!("{page}&release_id={release}")).await.text();
        for part in [REPLICAS, TOKEN, "Not shown: it may be a secret", line.as_str(), "Set to"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains(HOST), "another's: {shown}");
        let before = app.get(&format!("{page}&release_id={release}&at=2026-01-01")).await.text();
        assert!(before.contains("The release was not here then"), "{before}");
        assert_eq!(app.get(&format!("{page}&release_id=9")).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}
