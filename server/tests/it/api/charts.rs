//! `/api/v1/charts` and `/api/v1/images`.

mod names;
mod twins;
pub mod world;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use self::world::{
    APP, APP_ID, GRAFANA, GRAFANA_ID, HOST, INGRESS, OLD_APP, OTHER_GRAFANA, OTHER_GRAFANA_ID, PATHS, REPLICAS, TOKEN,
    three,
};
use crate::support::{commit_id, on_each_engine};

/// Values of one field in a list within an answer.
fn each(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

#[tokio::test]
async fn charts_are_listed_filtered_and_sorted_as_of_any_time() {
    on_each_engine(async |app| {
        three(app).await;
        let all = [APP, GRAFANA, OTHER_GRAFANA];
        for (query, found) in [
            ("", &all[..]),
            ("text=APP-Temp", &[APP]),
            ("source=bjw-s-labs.github", &[APP]),
            ("kind=helmrelease", &[APP, OTHER_GRAFANA]),
            ("kind=k3s", &[]),
            ("used_by=2", &[APP]),
            ("sort=name&direction=ascending", &all),
            ("sort=releases", &all),
            ("at=2026-01-01", &[]),
            // A day is meant to its end.
            ("at=2026-01-02", &[APP]),
            ("at=2026-01-02T11:59:59Z", &[]),
            ("at=2026-01-02T14:00:00%2B02:00", &[APP]),
            ("at=2026-01-25&trend=new", &all),
            ("at=2026-01-25&trend=rising&sort=change", &all),
            ("at=2026-01-25&trend=falling", &[]),
        ] {
            let answer = app.get(&format!("/api/v1/charts?{query}")).await;
            assert_eq!(answer.column("key"), found, "{query}");
            assert_eq!(answer.count(), found.len() as u64, "{query}");
        }
        let page = app.get("/api/v1/charts?skip=1&limit=1").await;
        assert_eq!(page.column("key"), [GRAFANA]);
        assert_eq!(page.count(), 3);

        let now = app.get("/api/v1/charts?text=app").await.json()["data"][0].clone();
        assert_eq!((&now["id"], &now["repositories"], &now["stars"]), (&json!(APP_ID), &json!(2), &json!(10)));
        assert_eq!((&now["newest_version"], &now["most_used_releases"]), (&json!("3.1.0"), &json!(2)));
        let then = app.get("/api/v1/charts?text=app&at=2026-01-12").await.json()["data"][0].clone();
        assert_eq!((&then["repositories"], &then["most_used_releases"]), (&json!(3), &json!(1)));
        app.holds_etag("/api/v1/charts?limit=3").await;
    })
    .await;
}

#[tokio::test]
async fn a_chart_is_found_by_its_id_and_by_each_of_its_keys() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}");
        let chart = app.get(&path).await.json();
        assert_eq!(each(&chart["versions"], "version"), ["3.1.0"]);
        assert_eq!(each(&chart["sources"], "key"), [OLD_APP, APP]);
        assert_eq!(each(&chart["kinds"], "releases"), [1, 1]);
        for key in [APP, &APP.to_uppercase(), OLD_APP, "bjw-s-app-template"] {
            let found = app.get(&format!("/api/v1/charts/find?key={key}")).await.json();
            assert_eq!(found["chart"], chart["chart"], "{key}");
        }
        assert_eq!(app.missing("/api/v1/charts/find?key=ghcr.io/nobody/nothing").await, "Chart not found");

        let then = app.get(&format!("{path}?at=2026-01-08")).await.json();
        assert_eq!(then["chart"]["repositories"], 3);
        assert_eq!(each(&then["versions"], "version"), ["3.0.0", "2.6.0"]);
        assert_eq!(each(&then["versions"], "releases"), [2, 1]);
        assert_eq!(then["adoption"], json!([{"date": "2026-01-08", "repositories": 3, "releases": 3}]));
        let before = app.get(&format!("/api/v1/charts/find?key={APP}&at=2026-01-01")).await.json();
        assert_eq!((&before["chart"]["repositories"], &before["first_used_at"]), (&json!(0), &Value::Null));
        app.holds_etag(&path).await;
    })
    .await;
}

#[tokio::test]
async fn releases_of_a_chart_are_filtered_and_sorted() {
    on_each_engine(async |app| {
        let ids = three(app).await;
        let (ada, bob, eve) = ("ada/home-ops", "bob/lab", "eve/k8s");
        for (query, found) in [
            ("", &[bob, ada][..]),
            ("sort=recent", &[ada, bob]),
            ("version=3.1.0&sort=recent", &[ada, bob]),
            ("version=2.6.0", &[]),
            ("version=2.6.0&at=2026-01-12", &[eve]),
            ("path=ingress.enabled", &[ada]),
            ("path=controllers.main.replicas&value=2", &[bob]),
            ("path=controllers.main.replicas&value=1&at=2026-01-05&sort=recent", &[ada, bob]),
            (&format!("with={GRAFANA_ID}"), &[ada]),
            (&format!("with={GRAFANA_ID},{OTHER_GRAFANA_ID}"), &[]),
            ("with=9999999999999999999", &[]),
            ("skip=1", &[ada]),
            ("one_each=true&sort=repository", &[ada, bob]),
        ] {
            let answer = app.get(&format!("/api/v1/charts/{APP_ID}/releases?{query}")).await;
            assert_eq!(answer.column("repository"), found, "{query}");
        }
        // Of three and two values that may be shown one is the same; who sets nothing comes last.
        let nobody = Uuid::now_v7();
        for (query, found, alike) in [
            (format!("like={}", ids[0]), &[ada, bob][..], &["100", "40"][..]),
            (format!("like={}&skip=1", ids[0]), &[bob], &["40"]),
            (format!("like={}&at=2026-01-12", ids[1]), &[bob, ada, eve], &["100", "40", "0"]),
            (format!("like={}", ids[2]), &[bob, ada], &["null", "null"]),
            (format!("like={nobody}&sort=recent"), &[ada, bob], &["null", "null"]),
        ] {
            let answer = app.get(&format!("/api/v1/charts/{APP_ID}/releases?{query}")).await;
            assert_eq!(answer.column("repository"), found, "{query}");
            assert_eq!(answer.column("alike_percent"), alike, "{query}");
        }
        let own = format!("/api/v1/repositories/{}", ids[0]);
        assert_eq!(app.get(&format!("{own}/charts")).await.column("chart_key"), [APP, GRAFANA]);
        assert_eq!(app.get(&format!("{own}/charts?at=2026-01-03")).await.column("version"), ["3.0.0"]);
        assert_eq!(app.get(&format!("{own}/images")).await.column("image"), ["docker.io/library/nginx"]);
        let release = &app.get(&format!("/api/v1/charts/{APP_ID}/releases?limit=1")).await.json()["data"][0];
        let head = commit_id(bob, 1);
        assert_eq!(release["web_url"], format!("https://github.com/bob/lab/blob/{head}/apps/app.yaml"));
        assert_eq!((&release["chart_key"], &release["values"]), (&json!(APP), &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn values_are_told_by_path_beside_those_of_one_repository() {
    on_each_engine(async |app| {
        let [ada, bob, _] = three(app).await;
        let values = format!("/api/v1/charts/{APP_ID}/values");
        for (query, found) in [
            ("", &PATHS[..]),
            ("text=ingress", &[INGRESS]),
            ("text=false", &[HOST]),
            ("major=3", &PATHS),
            ("major=2", &[]),
            ("major=2&at=2026-01-12", &[REPLICAS]),
            (&format!("with={GRAFANA_ID}"), &PATHS),
            (&format!("with={OTHER_GRAFANA_ID}"), &[REPLICAS, HOST]),
            (&format!("mine={bob}&unlike=true"), &[REPLICAS]),
            // What nobody else sets is unlike them too.
            (&format!("mine={ada}&unlike=true"), &[REPLICAS, TOKEN, INGRESS]),
            (&format!("mine={ada}&unlike=true&skip=1&limit=1"), &[TOKEN]),
        ] {
            let answer = app.get(&format!("{values}?{query}")).await;
            assert_eq!(answer.column("path"), found, "{query}");
            let all = if query.contains("skip=1") { 3 } else { found.len() as u64 };
            assert_eq!(answer.count(), all, "{query}");
        }
        assert_eq!(app.get(&format!("{values}?text=ingress")).await.column("of"), ["2"]);
        assert_eq!(app.get(&format!("{values}?with={OTHER_GRAFANA_ID}")).await.column("of"), ["1", "1"]);
        let own = app.get(&format!("{values}?mine={ada}&text=TOKEN")).await;
        assert_eq!((own.column("mine"), own.column("mine_masked")), (vec![String::new()], vec!["true".to_owned()]));
        let beside = app.get(&format!("{values}?mine={bob}")).await;
        assert_eq!(beside.column("mine"), ["2", "false", "null", "null"]);
        assert_eq!(beside.column("releases"), ["2", "2", "1", "1"]);
        let secret = &beside.json()["data"][2]["common"];
        assert_eq!(secret, &json!([{"value": "", "masked": true, "releases": 1}]));

        let path = format!("{values}/path?path={REPLICAS}");
        let set = app.get(&path).await;
        assert_eq!(set.column("value"), ["1", "2"]);
        assert_eq!(set.count(), 2);
        let line = format!("https://github.com/ada/home-ops/blob/{}/apps/app.yaml#L7", commit_id("ada/home-ops", 0));
        assert_eq!(set.column("web_url")[0], line);
        assert_eq!(app.get(&format!("{path}&at=2026-01-12")).await.column("value"), ["1", "2", "3"]);
        assert_eq!(app.get(&format!("{path}&at=2026-01-12&skip=2")).await.column("repository"), ["eve/k8s"]);
        assert_eq!(app.get(&format!("{values}/path?path=nobody.sets.it")).await.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn upgrades_tell_what_changed_and_who_went_back() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/upgrades");
        let all = app.get(&path).await.json();
        assert_eq!(each(&all["upgrades"], "repository"), ["ada/home-ops", "bob/lab", "ada/home-ops"]);
        assert_eq!(each(&all["upgrades"], "rolled_back"), [false, false, true]);
        assert_eq!(all["upgrades"][1]["commit"], commit_id("bob/lab", 1).to_string());
        assert_eq!(all["upgrades"][1]["changed"], json!([REPLICAS]));
        assert_eq!((&all["changed"], &all["looked_at"]), (&json!([{"path": REPLICAS, "upgrades": 1}]), &json!(3)));
        assert_eq!(each(&all["upgrades"], "releases"), [1, 1, 1]);
        let page = app.get(&format!("{path}?skip=1&limit=1")).await.json();
        assert_eq!((each(&page["upgrades"], "repository"), &page["count"]), (vec![json!("bob/lab")], &json!(3)));
        assert_eq!(page["changed"], all["changed"]);
        for (query, count, rolled_back) in [
            ("", 3, 1),
            ("from=3.0.0&to=3.1.0", 3, 1),
            ("from=3.1.0&to=3.0.0", 1, 0),
            ("to=9.9.9", 0, 0),
            // That somebody went back was not known yet.
            ("at=2026-01-06", 1, 0),
            ("at=2026-01-08", 1, 1),
        ] {
            let told = app.get(&format!("{path}?{query}")).await.json();
            assert_eq!((&told["count"], &told["rolled_back"]), (&json!(count), &json!(rolled_back)), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn releases_stand_side_by_side_and_charts_beside_charts() {
    on_each_engine(async |app| {
        let [ada, bob, eve] = three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/compare?repositories");
        // Who is named twice stands there once.
        let both = app.get(&format!("{path}={ada},{bob},{ada}")).await.json();
        assert_eq!(each(&both["releases"], "repository"), ["ada/home-ops", "bob/lab"]);
        assert_eq!(each(&both["rows"], "path"), [REPLICAS, TOKEN, INGRESS, HOST]);
        assert_eq!(each(&both["rows"], "differs"), [true, true, true, false]);
        assert_eq!(both["rows"][0]["values"], json!(["1", "2"]));
        assert_eq!(both["rows"][1]["values"], json!(["", null]));
        assert_eq!(both["rows"][1]["masked"], json!([true, false]));
        let none = json!({"releases": [], "of": 0, "names": [], "rows": []});
        assert_eq!(app.get(&format!("{path}={eve}")).await.json(), none);
        // Of one name alone; the names are those of all.
        let names = both["names"].as_array().unwrap();
        assert!(!names.is_empty());
        for name in names {
            let of_name = app.get(&format!("{path}={ada},{bob}&release={}", name.as_str().unwrap())).await.json();
            assert!(each(&of_name["releases"], "release_name").iter().all(|one| one == name), "{of_name}");
            assert_eq!(&of_name["names"], &both["names"]);
        }
        assert_eq!(app.get(&format!("{path}={ada}&release=no-such")).await.json()["of"], 0);
        let then = app.get(&format!("{path}={eve},{bob}&at=2026-01-12")).await.json();
        assert_eq!(then["rows"][0]["values"], json!(["3", "2"]));

        let of_app = app.get(&format!("/api/v1/charts/{APP_ID}/neighbours")).await.json();
        assert_eq!(each(&of_app["used_with"], "key"), [GRAFANA, OTHER_GRAFANA]);
        assert_eq!(of_app["alternatives"], json!([]));
        let of_grafana = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/neighbours")).await.json();
        assert_eq!(each(&of_grafana["alternatives"], "key"), [OTHER_GRAFANA]);
        let over_time = of_grafana["alternatives"][0]["over_time"].as_array().unwrap();
        assert_eq!(over_time.last().unwrap()["repositories"], of_grafana["alternatives"][0]["repositories"]);
        let dates = each(&of_grafana["alternatives"][0]["over_time"], "date");
        assert!(dates.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()), "{dates:?}");
        let before = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/neighbours?at=2026-01-09")).await.json();
        assert_eq!(each(&before["used_with"], "key"), [APP]);
        assert_eq!(before["alternatives"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn images_are_listed_with_their_tags_and_places() {
    on_each_engine(async |app| {
        let [_, bob, _] = three(app).await;
        let images = app.get("/api/v1/images?text=NGINX&used_by=2").await;
        assert_eq!(images.column("name"), ["docker.io/library/nginx"]);
        let row = &images.json()["data"][0];
        assert_eq!((&row["places"], &row["tags"], &row["pinned"]), (&json!(2), &json!(2), &json!(1)));
        for none in ["used_by=3", "text=redis", "at=2026-01-01", "skip=1"] {
            assert!(app.get(&format!("/api/v1/images?{none}")).await.column("id").is_empty(), "{none}");
        }
        let image = app.get("/api/v1/images/find?name=docker.io/library/nginx").await.json();
        assert_eq!(image["image"]["id"], 41);
        assert_eq!(each(&image["tags_in_use"], "tag"), ["1.27", "1.26"]);
        assert_eq!(each(&image["through"], "chart_key"), [APP]);
        assert_eq!(app.get("/api/v1/images/find?name=nginx").await.json(), image);
        assert_eq!(app.missing("/api/v1/images/find?name=ghcr.io/nginx").await, "Image not found");
        for (query, tags) in [
            ("image_id=41&tag=1.27", &["1.27"][..]),
            ("image_id=41&at=2026-01-05", &["1.27"]),
            ("image_id=42", &[]),
            (&format!("repository_id={bob}"), &["1.26"]),
        ] {
            let places = app.get(&format!("/api/v1/images/places?{query}")).await;
            assert_eq!(places.column("tag"), tags, "{query}");
            assert_eq!(places.count(), tags.len() as u64, "{query}");
        }
        let place = &app.get(&format!("/api/v1/images/places?repository_id={bob}")).await.json()["data"][0];
        assert_eq!((&place["chart_key"], &place["file_path"]), (&json!(APP), &json!("apps/app.yaml")));
        app.holds_etag("/api/v1/images/places?image_id=41").await;
    })
    .await;
}

#[tokio::test]
async fn wrong_parameters_and_unknown_charts_are_told() {
    on_each_engine(async |app| {
        three(app).await;
        let of_app = format!("/charts/{APP_ID}");
        let id = Uuid::now_v7();
        for (path, places) in [
            ("/charts?kind=x&used_by=0&trend=up&sort=size".to_owned(), &["kind", "used_by", "trend", "sort"][..]),
            ("/charts?direction=up&at=yesterday&limit=0".to_owned(), &["direction", "at", "limit"]),
            ("/charts?at=2026-02-30".to_owned(), &["at"]),
            ("/charts?at=2026-1-2".to_owned(), &["at"]),
            ("/charts?at=2026-01-02T12:00:00".to_owned(), &["at"]),
            ("/charts/find".to_owned(), &["key"]),
            ("/charts/find?key=&at=x".to_owned(), &["key", "at"]),
            ("/charts/find?key=%00".to_owned(), &["key"]),
            (format!("{of_app}?at=x"), &["at"]),
            (format!("{of_app}/releases?with=a&sort=size&like=x"), &["with", "like", "sort"]),
            (format!("{of_app}/releases?with=1,,2"), &["with"]),
            (format!("{of_app}/releases?release=%00"), &["release"]),
            (format!("{of_app}/values?release=%00"), &["release"]),
            (format!("{of_app}/values/path?path=a&release=%00"), &["release"]),
            (format!("{of_app}/releases?with=1,2,3,4,5,6,7,8,9,10,11"), &["with"]),
            (format!("{of_app}/values?major=-1&with=0&mine=1&unlike=yes"), &["major", "with", "mine", "unlike"]),
            (format!("{of_app}/values/path?limit=1001"), &["path", "limit"]),
            (format!("{of_app}/values/summary?major=x&mine=1"), &["path", "major", "mine"]),
            (format!("{of_app}/upgrades?from=%00&at=x"), &["from", "at"]),
            (format!("{of_app}/snippets?at=x"), &["at"]),
            (format!("{of_app}/compare"), &["repositories"]),
            (format!("{of_app}/compare?repositories="), &["repositories"]),
            (format!("{of_app}/compare?repositories={id},x"), &["repositories"]),
            (format!("{of_app}/compare?repositories={}", vec![id.to_string(); 7].join(",")), &["repositories"]),
            (format!("{of_app}/neighbours?at=x"), &["at"]),
            ("/images?used_by=0&at=x".to_owned(), &["used_by", "at"]),
            ("/images/find".to_owned(), &["name"]),
            ("/images/places?tag=1".to_owned(), &["image_id"]),
            ("/images/places?image_id=0&repository_id=1".to_owned(), &["image_id", "repository_id"]),
        ] {
            let expected: Vec<String> = places.iter().map(|place| format!("query.{place}")).collect();
            assert_eq!(app.refused(&format!("/api/v1{path}")).await, expected, "{path}");
        }
        for chart in ["x", "0", "-1", "05", "9223372036854775808", APP] {
            let answer = app.get(&format!("/api/v1/charts/{}", chart.replace('/', "%2F"))).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{chart}: {}", answer.text());
        }
        assert_eq!(app.refused("/api/v1/charts/x/values").await, ["path.chart_id"]);
        let compare = format!("/compare?repositories={id}");
        let summary = "/values/summary?path=a";
        let lists = ["", "/releases", "/values", "/values/path?path=a", "/upgrades", "/neighbours", "/snippets"];
        for part in lists.into_iter().chain([summary, compare.as_str()]) {
            assert_eq!(app.missing(&format!("/api/v1/charts/1{part}")).await, "Chart not found", "{part}");
        }
    })
    .await;
}
