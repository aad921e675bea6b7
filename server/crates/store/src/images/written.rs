//! What is written where a variable stands in an image that values name. No image can be told of it; its words are leaves of the
//! values.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use crate::charts::covers;
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::table::{chart_value, value_path};
use entity::view::Timestamp;

/// What an image is spelled of, where it is no text of its own.
const PARTS: [&str; 5] = ["registry", "repository", "name", "tag", "digest"];
/// Places that are looked up together.
const PLACES: usize = 100;

/// Leaves by release and path; several at one, where they are items of a list.
type Leaves = HashMap<(i64, String), Vec<String>>;

/// The words of images at places, each a release and a path in its values; those are left out of which several stand at one path,
/// and whose values must not be shown.
pub async fn written_images(
    c: &impl ConnectionTrait,
    places: &[(i64, String)],
    at: Option<Timestamp>,
) -> Result<HashMap<(i64, String), String>> {
    use chart_value::Column::{FromTime, PathId, ReleaseId, Text, ToTime};
    let mut written = HashMap::new();
    for these in places.chunks(PLACES) {
        let paths: HashSet<String> = these.iter().flat_map(|(_, path)| paths_of(path)).collect();
        let ids = value_path::Entity::find().filter(is_any(value_path::Column::Path.into_expr(), paths));
        let ids = ids.select_only().columns([value_path::Column::Id, value_path::Column::Path]);
        let ids: HashMap<i64, String> = ids.into_tuple::<(i64, String)>().all(c).await?.into_iter().collect();
        let releases: HashSet<i64> = these.iter().map(|(release, _)| *release).collect();
        let values = chart_value::Entity::find()
            .filter(is_any(ReleaseId.into_expr(), releases))
            .filter(is_any(PathId.into_expr(), ids.keys().copied()))
            .filter(covers(FromTime, ToTime, at))
            .filter(chart_value::COLUMN.masked.eq(false));
        let values = values.select_only().columns([ReleaseId, PathId, Text]);
        let mut leaves = Leaves::new();
        for (release, path, text) in values.into_tuple::<(i64, i64, String)>().all(c).await? {
            if let Some(path) = ids.get(&path) {
                leaves.entry((release, path.clone())).or_default().push(text);
            }
        }
        let found = these.iter().filter_map(|place| Some((place.clone(), spelled(&leaves, place)?)));
        written.extend(found);
    }
    Ok(written)
}

/// Where the words of an image may stand.
fn paths_of(path: &str) -> impl Iterator<Item = String> {
    std::iter::once(path.to_owned()).chain(PARTS.iter().map(move |part| format!("{path}.{part}")))
}

/// An image as it is written, put together as the tools do.
fn spelled(leaves: &Leaves, (release, path): &(i64, String)) -> Option<String> {
    // Of several at one path nobody can tell which belongs to which.
    let only = |path: String| match leaves.get(&(*release, path)).map(Vec::as_slice) {
        None => Some(""),
        Some([only]) => Some(only.as_str()),
        Some(_) => None,
    };
    let whole = only(path.clone())?;
    if !whole.is_empty() {
        return Some(whole.to_owned());
    }
    let part = |part: &str| only(format!("{path}.{part}"));
    let (registry, repository, name) = (part("registry")?, part("repository")?, part("name")?);
    let (tag, digest) = (part("tag")?, part("digest")?);
    let name = if repository.is_empty() { name } else { repository };
    if name.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (before, part) in [("", registry.trim_end_matches('/')), ("/", name), (":", tag), ("@", digest)] {
        if !part.is_empty() {
            text.push_str(if text.is_empty() { "" } else { before });
            text.push_str(part);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(leaves: &[(&str, &str)]) -> Option<String> {
        let mut all = Leaves::new();
        for (path, text) in leaves {
            all.entry((1, (*path).to_owned())).or_default().push((*text).to_owned());
        }
        all.entry((2, "image".to_owned())).or_default().push("of another".to_owned());
        spelled(&all, &(1, "image".to_owned()))
    }

    #[test]
    fn images_are_put_together_of_their_parts() {
        assert_eq!(of(&[("image", "ghcr.io/a/b:${TAG}")]).as_deref(), Some("ghcr.io/a/b:${TAG}"));
        let parts = [("image.registry", "ghcr.io/"), ("image.repository", "a/b"), ("image.tag", "${TAG}")];
        assert_eq!(of(&parts).as_deref(), Some("ghcr.io/a/b:${TAG}"));
        assert_eq!(
            of(&[("image.name", "${IMAGE}"), ("image.digest", "sha256:0a")]).as_deref(),
            Some("${IMAGE}@sha256:0a")
        );
        assert_eq!(of(&[("image.tag", "${TAG}")]), None);
        assert_eq!(of(&[]), None);
        // Items of a list.
        assert_eq!(of(&[("image", "${A}"), ("image", "${B}")]), None);
        assert_eq!(of(&[("image.repository", "a"), ("image.tag", "${A}"), ("image.tag", "${B}")]), None);
    }
}
