//! What charts, values and images are asked: of the chart that most use, of one that few use, and of the list's middle; now and
//! as of a year ago.

use std::time::Duration;

use chrono::TimeDelta;
use entity::view::{
    ChartFilter, ChartReleaseFilter, ChartReleaseSort, ChartSort, ChartSummary, ChartTrend, ChartValueFilter,
    ImageFilter, ImagePlaceFilter, PageQuery, Timestamp,
};
use store::db::{Connection, Db};
use store::{charts, images, kept};
use uuid::Uuid;

use super::ask;
use super::fill::now;

const PAGE: PageQuery = PageQuery { skip: 0, limit: 50 };

/// A chart, and what of it is asked for.
struct Asked {
    what: &'static str,
    id: i64,
    key: String,
    /// What most of its users set, and to what.
    path: String,
    value: String,
    version: String,
    users: Vec<Uuid>,
}

pub(super) async fn read(db: &Db, all: &mut Vec<Duration>) -> anyhow::Result<()> {
    let c = &db.read;
    lists(c, all).await?;
    let filter = ChartFilter { page: PageQuery { skip: 0, limit: 1000 }, ..ChartFilter::default() };
    let listed = charts::list_charts(c, &filter, now()).await?.data;
    let Some(most) = listed.first() else { return Ok(()) };
    let asked = [("most used", most), ("second", listed.get(1).unwrap_or(most)), ("middle", &listed[listed.len() / 2])];
    kept_answers(db, all, most.id).await?;
    for (what, chart) in asked {
        let asked = asked_of(c, what, chart).await?;
        for at in [None, Some(now() - TimeDelta::days(365))] {
            chart_parts(c, all, &asked, most.id, at).await?;
        }
    }
    Ok(())
}

/// What pages ask again, as they ask it: the first answer is put together, the others are kept.
async fn kept_answers(db: &Db, all: &mut Vec<Duration>, id: i64) -> anyhow::Result<()> {
    for (when, at) in [("now", None), ("a year ago", Some(now() - TimeDelta::days(365)))] {
        let filter = ChartFilter { at, page: PAGE, ..ChartFilter::default() };
        ask(&format!("kept::list_charts, {when}"), all, |_| kept::list_charts(db, &filter, now())).await?;
        ask(&format!("kept::find_chart, {when}"), all, |_| kept::find_chart(db, id, at, now())).await?;
        let filter = ChartValueFilter { chart_id: id, at, page: PAGE, ..ChartValueFilter::default() };
        ask(&format!("kept::list_value_paths, {when}"), all, |_| kept::list_value_paths(db, &filter)).await?;
        let filter = ChartReleaseFilter { chart_id: Some(id), at, page: PAGE, ..ChartReleaseFilter::default() };
        ask(&format!("kept::list_releases, {when}"), all, |_| kept::list_releases(db, &filter)).await?;
        ask(&format!("kept::list_upgrades, {when}"), all, |_| kept::list_upgrades(db, id, (None, None), at, PAGE))
            .await?;
        let filter = ImageFilter { at, page: PAGE, ..ImageFilter::default() };
        let images = kept::list_images(db, &filter).await?.data;
        ask(&format!("kept::list_images, {when}"), all, |_| kept::list_images(db, &filter)).await?;
        if let Some(image) = images.first() {
            ask(&format!("kept::find_image, {when}"), all, |_| kept::find_image(db, &image.name, at, now())).await?;
        }
    }
    Ok(())
}

async fn asked_of(c: &Connection, what: &'static str, chart: &ChartSummary) -> anyhow::Result<Asked> {
    let filter = ChartValueFilter { chart_id: chart.id, page: PAGE, ..ChartValueFilter::default() };
    let paths = charts::list_value_paths(c, &filter).await?.data;
    let path = paths.iter().find(|path| path.common.iter().any(|one| !one.masked));
    let value = path.and_then(|path| path.common.first()).map(|one| one.value.clone());
    println!("{what} chart: {} in {} repositories, {} releases", chart.key, chart.repositories, chart.releases);
    Ok(Asked {
        what,
        id: chart.id,
        key: chart.key.clone(),
        path: path.map(|path| path.path.clone()).unwrap_or_default(),
        value: value.unwrap_or_default(),
        version: chart.most_used_version.clone().unwrap_or_default(),
        users: charts::list_users(c, chart.id, None).await?.into_iter().map(|(id, _)| id).collect(),
    })
}

/// Lists of everything, and one image.
async fn lists(c: &Connection, all: &mut Vec<Duration>) -> anyhow::Result<()> {
    let some = |text: &str| Some(text.to_owned());
    for (when, at) in [("now", None), ("a year ago", Some(now() - TimeDelta::days(365)))] {
        let filter = ChartFilter { at, page: PAGE, ..ChartFilter::default() };
        let filters = [
            ("", filter.clone()),
            (" by change", ChartFilter { sort: ChartSort::Change, ..filter.clone() }),
            (" with text", ChartFilter { text: some("graf"), ..filter.clone() }),
            (" of a source", ChartFilter { source: some("ghcr.io"), ..filter.clone() }),
            (" that rise", ChartFilter { trend: Some(ChartTrend::Rising), ..filter.clone() }),
            (", deep", ChartFilter { page: PageQuery { skip: 250, limit: 50 }, ..filter }),
        ];
        for (name, filter) in &filters {
            ask(&format!("charts::list_charts{name}, {when}"), all, |_| charts::list_charts(c, filter, now())).await?;
        }
        let filter = ImageFilter { at, page: PAGE, ..ImageFilter::default() };
        let filters = [
            ("", filter.clone()),
            (" with text", ImageFilter { text: some("graf"), ..filter.clone() }),
            (", deep", ImageFilter { page: PageQuery { skip: 250, limit: 50 }, ..filter }),
        ];
        for (name, filter) in &filters {
            ask(&format!("images::list_images{name}, {when}"), all, |_| images::list_images(c, filter)).await?;
        }
        let most = images::list_images(c, &ImageFilter { page: PAGE, ..ImageFilter::default() }).await?.data;
        let [first, .., last] = most.as_slice() else { continue };
        for (which, image) in [("most used", first), ("50th", last)] {
            ask(&format!("images::find_image, {which}, {when}"), all, |_| {
                images::find_image(c, &image.name, at, now())
            })
            .await?;
            let filter = ImagePlaceFilter { image_id: Some(image.id), at, page: PAGE, ..ImagePlaceFilter::default() };
            ask(&format!("images::list_image_places, {which}, {when}"), all, |_| images::list_image_places(c, &filter))
                .await?;
        }
    }
    Ok(())
}

/// The parts of a chart's page.
async fn chart_parts(
    c: &Connection,
    all: &mut Vec<Duration>,
    of: &Asked,
    other: i64,
    at: Option<Timestamp>,
) -> anyhow::Result<()> {
    let when = format!("{}, {}", of.what, if at.is_some() { "a year ago" } else { "now" });
    let id = of.id;
    ask(&format!("charts::chart_by_key, {when}"), all, |_| charts::chart_by_key(c, &of.key)).await?;
    ask(&format!("charts::find_chart, {when}"), all, |_| charts::find_chart(c, id, at, now())).await?;
    ask(&format!("charts::list_users, {when}"), all, |_| charts::list_users(c, id, at)).await?;
    ask(&format!("charts::used_with, {when}"), all, |_| charts::used_with(c, id, at)).await?;
    ask(&format!("charts::alternatives, {when}"), all, |_| charts::alternatives(c, id, at, now())).await?;

    let some = |text: &str| Some(text.to_owned());
    let mine = of.users.first().copied();
    let filter = ChartValueFilter { chart_id: id, at, page: PAGE, ..ChartValueFilter::default() };
    let filters = [
        ("", filter.clone()),
        (" with text", ChartValueFilter { text: some("cpu"), ..filter.clone() }),
        (" of a major", ChartValueFilter { major: charts::major_version(&of.version), ..filter.clone() }),
        (" with another", ChartValueFilter { with_charts: vec![other], ..filter.clone() }),
        (" and mine", ChartValueFilter { mine, ..filter.clone() }),
        (" unlike mine", ChartValueFilter { mine, unlike: true, ..filter }),
    ];
    for (name, filter) in &filters {
        ask(&format!("charts::list_value_paths{name}, {when}"), all, |_| charts::list_value_paths(c, filter)).await?;
    }
    let at_path = ChartValueFilter { chart_id: id, at, page: PAGE, ..ChartValueFilter::default() };
    ask(&format!("charts::path_summary, {when}"), all, |_| charts::path_summary(c, &at_path, &of.path)).await?;
    ask(&format!("charts::list_path_values, {when}"), all, |_| charts::list_path_values(c, &at_path, &of.path)).await?;

    let filter = ChartReleaseFilter { chart_id: Some(id), at, page: PAGE, ..ChartReleaseFilter::default() };
    let (path, value, version) = (some(&of.path), some(&of.value), some(&of.version));
    let filters = [
        (" by stars", filter.clone()),
        (" by repository", ChartReleaseFilter { sort: ChartReleaseSort::Repository, ..filter.clone() }),
        (", recent", ChartReleaseFilter { sort: ChartReleaseSort::Recent, ..filter.clone() }),
        (" of a version", ChartReleaseFilter { version, ..filter.clone() }),
        (" with a path", ChartReleaseFilter { path: path.clone(), ..filter.clone() }),
        (" with a value", ChartReleaseFilter { path, value, ..filter.clone() }),
        (" with another", ChartReleaseFilter { with_charts: vec![other], ..filter.clone() }),
        (", seven", ChartReleaseFilter { page: PageQuery { skip: 0, limit: 7 }, ..filter }),
    ];
    for (name, filter) in &filters {
        ask(&format!("charts::list_releases{name}, {when}"), all, |_| charts::list_releases(c, filter)).await?;
    }
    if let Some(repository_id) = mine {
        let filter = ChartReleaseFilter { repository_id: Some(repository_id), at, page: PAGE, ..Default::default() };
        ask(&format!("charts::list_releases of a repository, {when}"), all, |_| charts::list_releases(c, &filter))
            .await?;
    }
    ask(&format!("charts::list_upgrades, {when}"), all, |_| charts::list_upgrades(c, id, (None, None), at, PAGE))
        .await?;
    ask(&format!("charts::list_upgrades to a version, {when}"), all, |_| {
        charts::list_upgrades(c, id, (None, Some(&of.version)), at, PAGE)
    })
    .await?;
    let few = &of.users[..of.users.len().min(3)];
    ask(&format!("charts::compare_releases, {when}"), all, |_| charts::compare_releases(c, id, few, None, at)).await?;
    Ok(())
}
