//! Images of which no name can be told, since something in them is left to be filled in: as they are written, with what their
//! variables stand for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::AT_PLACE;
use crate::charts::{covers, uses_at};
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::table::{chart_use, image_use};
use entity::value::JsonText;
use entity::view::{Timestamp, WrittenImage, variables_in};

/// Texts by the names of the variables that stand for them.
type Variables = BTreeMap<String, String>;

#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
struct Release {
    release_id: i64,
    variables: Option<JsonText<BTreeMap<String, String>>>,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "image_use::Entity")]
struct Row {
    release_id: Option<i64>,
    written: Option<String>,
    variables: Option<JsonText<BTreeMap<String, String>>>,
}

/// What the variables in a written image stand for: in values those of the release, which are told of all its values.
pub(super) fn told(
    written: Option<&str>,
    own: Option<JsonText<Variables>>,
    of_release: Option<&JsonText<Variables>>,
) -> Variables {
    let mut told = own.or_else(|| of_release.cloned()).map(|JsonText(all)| all).unwrap_or_default();
    told.retain(|name, _| variables_in(written.unwrap_or_default()).any(|other| other == name));
    told
}

/// Those that what stands at a place of a repository names at a time, itself or by the values of a release, in the order of their
/// texts.
pub async fn written_at(
    c: &impl ConnectionTrait,
    repository: Uuid,
    place: &str,
    at: Option<Timestamp>,
) -> Result<Vec<WrittenImage>> {
    use image_use::Column::{FilePath, FromTime, Id, Path, ReleaseId, ToTime, Written};
    let releases = chart_use::Entity::find().filter(chart_use::COLUMN.repository_id.eq(repository));
    let releases = releases.filter(chart_use::COLUMN.file_path.eq(place)).filter(uses_at(at));
    let releases: Vec<Release> = releases.into_partial_model().all(c).await?;
    let releases: HashMap<i64, _> = releases.into_iter().map(|one| (one.release_id, one.variables)).collect();
    let of_release = is_any(ReleaseId.into_expr(), releases.keys().copied());
    let here = image_use::Entity::find()
        .filter(image_use::COLUMN.repository_id.eq(repository))
        .filter(covers(FromTime, ToTime, at))
        .filter(Written.is_not_null())
        .filter(Condition::any().add(FilePath.eq(place)).add(of_release));
    let here: Vec<Row> = here.order_by_asc(Path).order_by_asc(Id).limit(AT_PLACE).into_partial_model().all(c).await?;
    let image = |row: Row| {
        let of_release = row.release_id.and_then(|id| releases.get(&id)).and_then(Option::as_ref);
        let variables = told(row.written.as_deref(), row.variables, of_release);
        Some((row.written?, variables))
    };
    let images: BTreeSet<(String, Variables)> = here.into_iter().filter_map(image).collect();
    Ok(images.into_iter().map(|(written, variables)| WrittenImage { written, variables }).collect())
}
