//! Images: their tags, and who uses them, in charts' values and in resources themselves.

mod places;
mod written;

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Order, Query};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use crate::charts::{adoption, compare_versions, covers, uses_at};
use crate::db::pattern::contains;
use crate::db::select::{count_all, if_counted, is_any, is_counted, is_like, page_of};
use crate::db::{ConnectionTrait, Result};
use entity::table::{chart, chart_use, image, image_use};
use entity::view::{ImageDetail, ImageFilter, ImageSummary, ImageTag, ImageThrough, Listing, SharedUse, Timestamp};

pub use places::list_image_places;
pub use written::written_at;

#[derive(Clone, FromQueryResult)]
struct Row {
    id: i64,
    name: String,
    repositories: i64,
    places: i64,
    tags: i64,
    pinned: i64,
}

impl From<Row> for ImageSummary {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            repositories: row.repositories,
            places: row.places,
            tags: row.tags,
            pinned: row.pinned,
        }
    }
}

/// Digests that are told of one tag.
const DIGESTS: usize = 10;
/// Images, each with its tags, that are told of one place.
const AT_PLACE: u64 = 50;

/// Images that what stands at a place of a repository names at a time, itself or by the values of a release: each with its tags and
/// how many repositories use it, those that most use first.
pub async fn named_at(
    c: &impl ConnectionTrait,
    repository: Uuid,
    place: &str,
    at: Option<Timestamp>,
) -> Result<Vec<SharedUse>> {
    use image_use::Column::{FilePath, FromTime, ImageId, ReleaseId, RepositoryId, Tag, ToTime};
    let releases = chart_use::Entity::find().filter(chart_use::COLUMN.repository_id.eq(repository));
    let releases = releases.filter(chart_use::COLUMN.file_path.eq(place)).filter(uses_at(at));
    let releases = releases.select_only().column(chart_use::Column::ReleaseId).into_query();
    let here = image_use::Entity::find()
        .filter(image_use::COLUMN.repository_id.eq(repository))
        .filter(covers(FromTime, ToTime, at))
        .filter(image_use::COLUMN.image_id.is_not_null())
        .filter(Condition::any().add(FilePath.eq(place)).add(ReleaseId.in_subquery(releases)));
    let here = here.select_only().columns([ImageId, Tag]).distinct().order_by_asc(ImageId).order_by_asc(Tag);
    let mut images: HashMap<i64, Vec<String>> = HashMap::new();
    for (image, tag) in here.limit(AT_PLACE).into_tuple::<(i64, Option<String>)>().all(c).await? {
        images.entry(image).or_default().extend(tag);
    }
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let users = if_counted(RepositoryId).count_distinct();
    let used = image_use::Entity::find()
        .inner_join(image::Entity)
        .filter(is_any(ImageId.into_expr(), images.keys().copied()))
        .filter(covers(FromTime, ToTime, at))
        .select_only()
        .column(ImageId)
        .column(image::Column::Name)
        .expr_as(users.clone(), "repositories")
        .group_by(ImageId)
        .group_by(image::Column::Name);
    let used = used.order_by_desc(users).order_by_asc(image::Column::Name);
    let used: Vec<(i64, String, i64)> = used.into_tuple().all(c).await?;
    let shared = |(id, key, repositories): (i64, String, i64)| {
        let mut versions = images.remove(&id).unwrap_or_default();
        versions.sort_by(|a, b| compare_versions(b, a));
        SharedUse { key, versions, repositories }
    };
    Ok(used.into_iter().map(shared).collect())
}

/// Images in use, those of most repositories first.
pub async fn list_images(c: &impl ConnectionTrait, filter: &ImageFilter) -> Result<Listing<ImageSummary>> {
    use image_use::Column::{Digest, FromTime, ImageId, RepositoryId, Tag, ToTime};
    let distinct = |of: image_use::Column| of.into_expr().count_distinct();
    // Said like this, each image is looked up in the index that goes on with times: all uses are mostly those that ended.
    let mut images = image::Entity::find().select_only().column(image::Column::Id);
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        images = images.filter(is_like(image::Column::Name.into_expr(), contains(text)));
    }
    let counted = image_use::Entity::find()
        .filter(covers(FromTime, ToTime, filter.at))
        .filter(ImageId.in_subquery(images.into_query()))
        .filter(is_counted(RepositoryId))
        .select_only()
        .column(ImageId)
        .expr_as(distinct(RepositoryId), "repositories")
        .expr_as(count_all(), "places")
        .expr_as(distinct(Tag), "tags")
        .expr_as(Digest.into_expr().count(), "pinned")
        .group_by(ImageId)
        .into_query();
    let column = |name: &'static str| Expr::col(("u", name));
    let mut query = Query::select();
    query
        .from_subquery(counted, "u")
        .inner_join(image::Entity, Expr::col((image::Entity, image::Column::Id)).equals(("u", "image_id")))
        .expr_as(Expr::col((image::Entity, image::Column::Id)), "id")
        .expr_as(Expr::col((image::Entity, image::Column::Name)), "name")
        .and_where(column("repositories").gte(Ord::max(filter.used_by, 1)));
    for name in ["repositories", "places", "tags", "pinned"] {
        query.expr_as(column(name), name);
    }
    query
        .order_by_expr(column("repositories"), Order::Desc)
        .order_by_expr(column("places"), Order::Desc)
        .order_by_expr(Expr::col((image::Entity, image::Column::Name)), Order::Asc);
    let (page, count) = page_of::<Row>(c, &query, filter.page).await?;
    Ok(Listing { data: page.into_iter().map(Into::into).collect(), count })
}

/// A place that has an image at the time that is asked for.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "image_use::Entity")]
struct Span {
    repository_id: Uuid,
    chart_id: Option<i64>,
    kind: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

/// Different digests, those that most places have first.
fn digests_of<'s>(spans: &[&'s Span]) -> Vec<&'s str> {
    let mut digests: BTreeMap<&str, usize> = BTreeMap::new();
    for digest in spans.iter().filter_map(|span| span.digest.as_deref()) {
        *digests.entry(digest).or_default() += 1;
    }
    let mut digests: Vec<(&str, usize)> = digests.into_iter().collect();
    digests.sort_by_key(|(_, places)| std::cmp::Reverse(*places));
    digests.into_iter().map(|(digest, _)| digest).collect()
}

/// When places had an image: repository, from when, to when. An index holds it, as history is long and mostly over.
async fn history(c: &impl ConnectionTrait, image: i64, until: i64) -> Result<Vec<(Uuid, i64, Option<i64>)>> {
    use image_use::Column::{FromTime, RepositoryId, ToTime};
    let spans = image_use::Entity::find().filter(image_use::COLUMN.image_id.eq(image)).filter(FromTime.lte(until));
    let spans = spans.filter(is_counted(RepositoryId));
    Ok(spans.select_only().columns([RepositoryId, FromTime, ToTime]).into_tuple().all(c).await?)
}

/// A name with its registry, as it is stored: people leave out what Docker fills in.
fn full_name(name: &str) -> String {
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host.to_ascii_lowercase(), path),
        _ => ("docker.io".to_owned(), name),
    };
    let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
    format!("{host}/{library}{path}")
}

/// An image by its name.
pub async fn find_image(
    c: &impl ConnectionTrait,
    name: &str,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<ImageDetail>> {
    use image_use::Column::{FromTime, RepositoryId, ToTime};
    let named = image::Entity::find().filter(image::COLUMN.name.eq(full_name(name)));
    let Some(image) = named.one(c).await? else { return Ok(None) };
    let moment = at.unwrap_or(now).timestamp();
    let open = image_use::Entity::find().filter(image_use::COLUMN.image_id.eq(image.id));
    let open = open.filter(is_counted(RepositoryId));
    let open: Vec<Span> = open.filter(covers(FromTime, ToTime, at)).into_partial_model().all(c).await?;
    let open: Vec<&Span> = open.iter().collect();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let users = |spans: &[&Span]| number(spans.iter().map(|span| span.repository_id).collect::<HashSet<_>>().len());
    let pinned = |spans: &[&Span]| number(spans.iter().filter(|span| span.digest.is_some()).count());
    let mut tags: HashMap<Option<&str>, Vec<&Span>> = HashMap::new();
    let mut through: BTreeMap<(Option<i64>, Option<&str>), Vec<&Span>> = BTreeMap::new();
    for span in &open {
        tags.entry(span.tag.as_deref()).or_default().push(span);
        through.entry((span.chart_id, span.kind.as_deref())).or_default().push(span);
    }
    let charts = chart::Entity::find()
        .filter(is_any(chart::Column::Id.into_expr(), through.keys().filter_map(|(chart, _)| *chart)))
        .all(c)
        .await?;
    let mut through: Vec<ImageThrough> = through
        .into_iter()
        .map(|((chart, kind), spans)| ImageThrough {
            chart_key: chart.and_then(|id| charts.iter().find(|one| one.id == id)).map(|one| one.key.clone()),
            kind: kind.map(str::to_owned),
            repositories: users(&spans),
            places: number(spans.len()),
        })
        .collect();
    through.sort_by_key(|one| std::cmp::Reverse((one.repositories, one.places)));
    let tag = |(tag, spans): (Option<&str>, Vec<&Span>)| {
        let digests = digests_of(&spans);
        ImageTag {
            tag: tag.map(str::to_owned),
            repositories: users(&spans),
            places: number(spans.len()),
            digests: number(digests.len()),
            most_pinned: digests.into_iter().take(DIGESTS).map(str::to_owned).collect(),
            pinned: pinned(&spans),
        }
    };
    let count = tags.keys().flatten().count();
    let mut tags_in_use: Vec<ImageTag> = tags.into_iter().map(tag).collect();
    tags_in_use.sort_by(|a, b| match (&a.tag, &b.tag) {
        (Some(a), Some(b)) => compare_versions(b, a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    let spans = history(c, image.id, moment).await?;
    let uses: Vec<(Uuid, i64, i64, Option<i64>)> =
        (0..).zip(spans).map(|(place, (repository, from, to))| (repository, place, from, to)).collect();
    Ok(Some(ImageDetail {
        image: ImageSummary {
            id: image.id,
            name: image.name,
            repositories: users(&open),
            places: number(open.len()),
            tags: number(count),
            pinned: pinned(&open),
        },
        tags_in_use,
        through,
        adoption: adoption(&uses, moment),
    }))
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn names_are_completed_as_docker_does() {
        for (written, full) in [
            ("nginx", "docker.io/library/nginx"),
            ("grafana/grafana", "docker.io/grafana/grafana"),
            ("GHCR.io/a/b", "ghcr.io/a/b"),
            ("localhost/a", "localhost/a"),
            ("docker.io/library/nginx", "docker.io/library/nginx"),
        ] {
            assert_eq!(full_name(written), full);
        }
    }
}
