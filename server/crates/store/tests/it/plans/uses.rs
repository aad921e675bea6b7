//! What is asked of charts, values and images: everything that pages and REST do, now and as of a day.

use chrono::TimeDelta;
use entity::kind::ChartUseKind;
use entity::view::*;
use sea_orm::Statement;
use store::db::Db;
use store::{charts, images};
use uuid::Uuid;

use crate::fill::now;

const PAGE: PageQuery = PageQuery { skip: 1, limit: 20 };

/// Every question about what is used. Gives the statements by the question's name.
pub(super) async fn ask_all(db: &Db, repository: Uuid) -> Vec<(String, Statement)> {
    let mut all = Vec::new();
    for at in [None, Some(now() - TimeDelta::days(365))] {
        lists(db, repository, at, &mut all).await;
        chart(db, repository, at, &mut all).await;
    }
    all
}

/// The chart that most use.
async fn most_used(db: &Db) -> ChartSummary {
    let filter = ChartFilter { page: PAGE, ..ChartFilter::default() };
    charts::list_charts(&db.read, &filter, now()).await.unwrap().data.remove(0)
}

async fn lists(db: &Db, repository: Uuid, at: Option<Timestamp>, all: &mut Vec<(String, Statement)>) {
    macro_rules! ask {
        ($name:expr, |$c:ident| $question:expr) => {
            record!(db, all, $name, |$c| $question)
        };
    }
    let filter = ChartFilter { at, page: PAGE, ..ChartFilter::default() };
    for sort in [ChartSort::Repositories, ChartSort::Releases, ChartSort::Name, ChartSort::Change] {
        let filter = ChartFilter { sort, ..filter.clone() };
        ask!(format!("charts in use by {sort:?}"), |c| charts::list_charts(c, &filter, now()));
    }
    for (name, filter) in [
        ("text", ChartFilter { text: Some("graf".to_owned()), ..filter.clone() }),
        ("kind", ChartFilter { kind: Some(ChartUseKind::HelmRelease), ..filter.clone() }),
        ("source", ChartFilter { source: Some("ghcr.io".to_owned()), ..filter.clone() }),
        ("enough users", ChartFilter { used_by: 3, ..filter.clone() }),
        ("those that rise", ChartFilter { trend: Some(ChartTrend::Rising), ..filter.clone() }),
        ("those that fall", ChartFilter { trend: Some(ChartTrend::Falling), ..filter.clone() }),
        ("new ones", ChartFilter { trend: Some(ChartTrend::New), ..filter.clone() }),
    ] {
        ask!(format!("charts in use with {name}"), |c| charts::list_charts(c, &filter, now()));
    }

    let filter = ImageFilter { at, page: PAGE, ..ImageFilter::default() };
    ask!("images in use", |c| images::list_images(c, &filter));
    let filter = ImageFilter { text: Some("graf".to_owned()), ..filter };
    ask!("images in use with text", |c| images::list_images(c, &filter));
    let image = images::list_images(&db.read, &ImageFilter { page: PAGE, ..ImageFilter::default() }).await.unwrap();
    let image = image.data[0].clone();
    ask!("image", |c| images::find_image(c, &image.name, at, now()));
    let filter = ImagePlaceFilter { at, page: PageQuery::default(), ..ImagePlaceFilter::default() };
    for (name, filter) in [
        ("of an image", ImagePlaceFilter { image_id: Some(image.id), ..filter.clone() }),
        (
            "of an image's tag",
            ImagePlaceFilter { image_id: Some(image.id), tag: Some("1.2.3".to_owned()), ..filter.clone() },
        ),
        ("of a repository", ImagePlaceFilter { repository_id: Some(repository), ..filter }),
    ] {
        ask!(format!("places {name}"), |c| images::list_image_places(c, &filter));
    }
}

async fn chart(db: &Db, repository: Uuid, at: Option<Timestamp>, all: &mut Vec<(String, Statement)>) {
    macro_rules! ask {
        ($name:expr, |$c:ident| $question:expr) => {
            record!(db, all, $name, |$c| $question)
        };
    }
    let ChartSummary { id, key, most_used_version: version, .. } = most_used(db).await;
    ask!("chart by key", |c| charts::chart_by_key(c, &key));
    let keys = ["none/such".to_owned(), key.clone()];
    ask!("chart by keys", |c| charts::chart_by_keys(c, &keys));
    ask!("key of a chart", |c| charts::key_of_chart(c, id));
    for text in [key.as_str(), "grafana", "a"] {
        ask!("chart by a text", |c| charts::chart_by_text(c, text, at));
    }
    ask!("chart by an old link", |c| charts::chart_by_alias(c, "ghcr-io-home-operations-charts-app-template"));
    ask!("release by an old link", |c| charts::release_by_alias(c, id, "ghcr.io-ada-charts-app-template-grafana-app"));
    ask!("chart", |c| charts::find_chart(c, id, at, now()));
    ask!("users", |c| charts::list_users(c, id, at));
    let named = [repository.to_string(), "ada/home-ops".to_owned()];
    ask!("users by id and name", |c| charts::users_named(c, id, &named, at));
    ask!("used with", |c| charts::used_with(c, id, at));
    ask!("alternatives", |c| charts::alternatives(c, id, at, now()));

    let filter = ChartReleaseFilter { chart_id: Some(id), at, page: PageQuery::default(), ..Default::default() };
    let place = charts::list_releases(&db.read, &filter).await.unwrap().data[0].clone();
    ask!("installed at", |c| charts::installed_at(c, place.repository_id, &place.file_path, at));
    let release_id: i64 = place.id.parse().unwrap();
    ask!("a release", |c| charts::find_release(c, place.repository_id, release_id, at));
    ask!("values of a release", |c| charts::list_release_values(c, place.repository_id, release_id, at, PAGE));
    ask!("images at", |c| images::named_at(c, place.repository_id, &place.file_path, at));
    ask!("written images at", |c| images::written_at(c, place.repository_id, &place.file_path, at));
    for sort in [ChartReleaseSort::Stars, ChartReleaseSort::Recent, ChartReleaseSort::Repository] {
        let filter = ChartReleaseFilter { sort, ..filter.clone() };
        ask!(format!("releases by {sort:?}"), |c| charts::list_releases(c, &filter));
    }
    let values = ChartValueFilter { chart_id: id, at, page: PageQuery::default(), ..ChartValueFilter::default() };
    let path = charts::list_value_paths(&db.read, &values).await.unwrap().data[0].clone();
    let (of_path, value) = (Some(path.path.clone()), path.common.first().map(|one| one.value.clone()));
    let with_charts = vec![id];
    let release = place.release_name.clone().or_else(|| place.name.clone());
    assert!(release.is_some(), "a release without a name");
    for (name, filter) in [
        ("a version", ChartReleaseFilter { version: version.clone(), ..filter.clone() }),
        ("a name", ChartReleaseFilter { release: release.clone(), ..filter.clone() }),
        ("a path", ChartReleaseFilter { path: of_path.clone(), ..filter.clone() }),
        ("a value", ChartReleaseFilter { path: of_path, value, ..filter.clone() }),
        ("others", ChartReleaseFilter { with_charts: with_charts.clone(), ..filter.clone() }),
        ("one of each", ChartReleaseFilter { one_each: true, ..filter.clone() }),
        ("like one", ChartReleaseFilter { like: Some(place.repository_id), ..filter.clone() }),
    ] {
        ask!(format!("releases with {name}"), |c| charts::list_releases(c, &filter));
    }
    let filter = ChartReleaseFilter { chart_id: None, repository_id: Some(repository), ..filter };
    ask!("releases of a repository", |c| charts::list_releases(c, &filter));

    ask!("values", |c| charts::list_value_paths(c, &values));
    let mine = Some(place.repository_id);
    for (name, filter) in [
        ("text", ChartValueFilter { text: Some("cpu".to_owned()), ..values.clone() }),
        ("a major", ChartValueFilter { major: version.as_deref().and_then(charts::major_version), ..values.clone() }),
        ("others", ChartValueFilter { with_charts, ..values.clone() }),
        ("a name", ChartValueFilter { release: release.clone(), ..values.clone() }),
        ("mine", ChartValueFilter { mine, ..values.clone() }),
        ("mine of a name", ChartValueFilter { mine, release, ..values.clone() }),
        ("mine unlike", ChartValueFilter { mine, unlike: true, ..values.clone() }),
        ("no filter", values),
    ] {
        ask!(format!("values with {name}"), |c| charts::list_value_paths(c, &filter));
        ask!(format!("a value with {name}"), |c| charts::path_summary(c, &filter, &path.path));
        ask!(format!("who sets a value with {name}"), |c| charts::list_path_values(c, &filter, &path.path));
    }
    let page = PageQuery::default();
    ask!("upgrades", |c| charts::list_upgrades(c, id, (None, None), at, page));
    ask!("upgrades to a version", |c| charts::list_upgrades(c, id, (None, version.as_deref()), at, page));
    let all_of_it = PageQuery { skip: 0, limit: 1_000 };
    let made = charts::list_upgrades(&db.read, id, (None, None), None, all_of_it).await.unwrap().upgrades;
    let second = |one: &ChartUpgrade| {
        let next = made.iter().find(|other| other.release_id == one.release_id && other.from == one.to)?;
        Some((one.from.clone(), next.to.clone()))
    };
    let (from, to) = made.iter().find_map(second).unwrap();
    ask!("upgrades by several commits", |c| charts::list_upgrades(c, id, (Some(&from), Some(&to)), at, page));
    let repositories = [place.repository_id, repository];
    ask!("comparison", |c| charts::compare_releases(c, id, &repositories, None, at));
}
