//! Versions that changed over all repositories, the same step of the same chart or image put together.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::first_id;
use crate::db::select::is_any;
use crate::events::with_ids;
use entity::kind::EventType;
use entity::table::{commit, event, repository, resource_chart, resource_image};
use entity::value::{JsonText, ObjectId};
use entity::view::{BumpSubject, BumpedResource, FieldChange, MASK, Timestamp, VersionBump};

/// So many of the newest version changes are put together.
const VERSION_CHANGES: u64 = 300;
/// So many of the newest events are looked through for images.
const EVENTS: u64 = 400;
/// So many resources of each step are told.
const TOLD: usize = 12;

/// The newest steps first.
pub(super) async fn bumps(c: &impl ConnectionTrait, limit: usize, now: Timestamp) -> Result<Vec<VersionBump>> {
    // Clocks of committers may be ahead; what lies further in the future would stand first for ever.
    let future = first_id(now + TimeDelta::days(1));
    let mut steps = Steps::default();
    charts(c, future, &mut steps).await?;
    images(c, future, &mut steps).await?;
    let steps = steps.newest(limit);

    let shown: Vec<Uuid> = steps.iter().flat_map(|step| step.events.iter().take(TOLD)).map(|event| event.0).collect();
    let resources = resources(c, &shown).await?;
    Ok(steps
        .into_iter()
        .map(|Step { key, events }| VersionBump {
            subject: key.subject,
            name: key.name,
            before: key.before,
            after: Some(key.after),
            repositories: count(events.iter().map(|event| event.1).collect::<HashSet<_>>().len()),
            resources: count(events.iter().map(|event| event.2).collect::<HashSet<_>>().len()),
            // One event may make several steps: of a chart, and of the images that it names.
            changes: events.iter().take(TOLD).filter_map(|event| resources.get(&event.0).cloned()).collect(),
        })
        .filter(|bump| !bump.changes.is_empty())
        .collect())
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    subject: BumpSubject,
    name: String,
    before: Option<String>,
    after: String,
}

struct Step {
    key: Key,
    /// Event, repository, resource; newest first.
    events: Vec<(Uuid, Uuid, Uuid)>,
}

#[derive(Default)]
struct Steps(HashMap<Key, Vec<(Uuid, Uuid, Uuid)>>);

impl Steps {
    fn add(&mut self, key: Key, event: &Changed) {
        let events = self.0.entry(key).or_default();
        // Two containers of one resource may run one image.
        if !events.iter().any(|(id, ..)| *id == event.id) {
            events.push((event.id, event.repository_id, event.resource_id));
        }
    }

    /// Ids begin with the time of the commit.
    fn newest(self, limit: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .0
            .into_iter()
            .map(|(key, mut events)| {
                events.sort_unstable_by_key(|event| std::cmp::Reverse(event.0));
                Step { key, events }
            })
            .collect();
        steps.sort_by(|a, b| b.events[0].0.cmp(&a.events[0].0).then_with(|| a.key.name.cmp(&b.key.name)));
        steps.truncate(limit);
        steps
    }
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct Changed {
    id: Uuid,
    resource_id: Uuid,
    repository_id: Uuid,
    sequence: i64,
    resource_kind: String,
    resource_name: String,
    version_before: Option<String>,
    version_after: Option<String>,
    caused_by_resource_id: Option<Uuid>,
}

/// The same with its fields, which are long.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct ChangedFields {
    #[sea_orm(nested)]
    event: Changed,
    changes: JsonText<Vec<FieldChange>>,
}

/// The newest events, which an index alone finds.
fn newest(events: Select<event::Entity>, future: Uuid, limit: u64) -> Select<event::Entity> {
    let ids = events.filter(event::COLUMN.id.lt(future)).select_only().column(event::Column::Id);
    with_ids(ids.order_by_desc(event::Column::Id).limit(limit)).order_by_desc(event::Column::Id)
}

/// Versions of charts and sources. A source whose step shows on what deploys from it is left out: one line tells it.
async fn charts(c: &impl ConnectionTrait, future: Uuid, steps: &mut Steps) -> Result<()> {
    // As the index of version changes says it.
    let changes = event::Entity::find().filter(event::Column::VersionChanged.into_expr());
    let events: Vec<Changed> = newest(changes, future, VERSION_CHANGES).into_partial_model().all(c).await?;
    let told: HashSet<(Uuid, Uuid, i64)> = events
        .iter()
        .filter_map(|event| Some((event.caused_by_resource_id?, event.repository_id, event.sequence)))
        .collect();
    let names = chart_names(c, events.iter().map(|event| event.resource_id)).await?;
    for event in &events {
        let Some(after) = event.version_after.clone() else { continue };
        if told.contains(&(event.resource_id, event.repository_id, event.sequence)) {
            continue;
        }
        let chart = names.get(&event.resource_id);
        let subject = match event.resource_kind.as_str() {
            "HelmRelease" | "HelmChart" => BumpSubject::Chart,
            _ if chart.is_some() => BumpSubject::Chart,
            _ => BumpSubject::Source,
        };
        let name = chart.unwrap_or(&event.resource_name).clone();
        steps.add(Key { subject, name, before: event.version_before.clone(), after }, event);
    }
    Ok(())
}

/// The chart that each resource installs; the first, where there are many.
async fn chart_names(c: &impl ConnectionTrait, resources: impl Iterator<Item = Uuid>) -> Result<HashMap<Uuid, String>> {
    use resource_chart::Column::{Name, Position, ResourceId};
    let charts =
        resource_chart::Entity::find().filter(is_any(ResourceId.into_expr(), resources.collect::<HashSet<_>>()));
    let charts = charts.order_by_desc(Position).select_only().columns([ResourceId, Name]);
    Ok(charts.into_tuple::<(Uuid, String)>().all(c).await?.into_iter().collect())
}

/// Tags of images among the newest events.
async fn images(c: &impl ConnectionTrait, future: Uuid, steps: &mut Steps) -> Result<()> {
    use resource_image::Column::{FieldPath, Image, ResourceId};
    let events = newest(event::Entity::find(), future, EVENTS);
    let events = events.filter(event::Column::EventType.eq(EventType::Modified));
    let events = events.filter(event::Column::Changes.contains("image"));
    let events: Vec<ChangedFields> = events.into_partial_model().all(c).await?;
    let resources: HashSet<Uuid> = events.iter().map(|changed| changed.event.resource_id).collect();
    let known = resource_image::Entity::find().filter(is_any(ResourceId.into_expr(), resources));
    let known = known.select_only().columns([ResourceId, FieldPath, Image]);
    let known: Vec<(Uuid, String, String)> = known.into_tuple().all(c).await?;
    let places: HashMap<(Uuid, String), String> =
        known.into_iter().map(|(resource, place, image)| ((resource, place), image)).collect();
    for ChangedFields { event, changes } in &events {
        for change in &changes.0 {
            let name = |place: &str| places.get(&(event.resource_id, place.to_owned())).cloned();
            if let Some((name, before, after)) = image_step(change, name) {
                steps.add(Key { subject: BumpSubject::Image, name, before: Some(before), after }, event);
            }
        }
    }
    Ok(())
}

/// The image, its tag before and after, where the change is one of a tag. `name` tells the image that a field names.
fn image_step(change: &FieldChange, name: impl Fn(&str) -> Option<String>) -> Option<(String, String, String)> {
    let (old, new) = (change.old.as_deref()?, change.new.as_deref()?);
    if old == MASK || new == MASK {
        return None;
    }
    let tag_of = [".tag", ".newTag"].into_iter().find_map(|end| change.path.strip_suffix(end));
    let (name, before, after) = match tag_of {
        Some(place) => (name(place)?, without_digest(old), without_digest(new)),
        None if change.path.ends_with(".image") => {
            let ((was, before), (is, after)) = (split(old)?, split(new)?);
            if was != is {
                return None;
            }
            (is.to_owned(), before, after)
        }
        None => return None,
    };
    (before != after && !after.is_empty()).then(|| (name, before.to_owned(), after.to_owned()))
}

/// `tag@sha256:...` without the digest.
fn without_digest(text: &str) -> &str {
    text.split_once('@').map_or(text, |(tag, _)| tag)
}

/// `registry:5000/owner/name:tag@digest` as name and tag.
fn split(image: &str) -> Option<(&str, &str)> {
    let (name, tag) = without_digest(image).rsplit_once(':')?;
    (!tag.contains('/')).then_some((name, tag))
}

#[derive(DerivePartialModel)]
struct Told {
    #[sea_orm(nested)]
    resource: BumpedResource,
    #[sea_orm(from_expr = "commit::Column::Sha")]
    sha: ObjectId,
}

/// What the page tells of each event.
async fn resources(c: &impl ConnectionTrait, events: &[Uuid]) -> Result<HashMap<Uuid, BumpedResource>> {
    let these = event::Entity::find().filter(is_any(event::Column::Id.into_expr(), events.iter().copied()));
    let these = these.inner_join(repository::Entity).inner_join(commit::Entity);
    let these: Vec<Told> = these.into_partial_model().all(c).await?;
    let told = |Told { resource, sha }| (resource.event_id, BumpedResource { commit: sha.to_string(), ..resource });
    Ok(these.into_iter().map(told).collect())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, old: &str, new: &str) -> FieldChange {
        FieldChange { path: path.to_owned(), old: Some(old.to_owned()), new: Some(new.to_owned()) }
    }

    fn step(change: &FieldChange) -> Option<(String, String, String)> {
        image_step(change, |place| (place == "spec.values.image").then(|| "ghcr.io/a/b".to_owned()))
    }

    #[test]
    fn tags_are_told_with_the_image_that_stands_beside_them() {
        let told = step(&change("spec.values.image.tag", "1.0@sha256:aa", "1.1@sha256:bb"));
        assert_eq!(told, Some(("ghcr.io/a/b".into(), "1.0".into(), "1.1".into())));
        assert_eq!(step(&change("spec.values.other.tag", "1.0", "1.1")), None);
    }

    #[test]
    fn whole_images_are_split_and_ports_are_no_tags() {
        let told = step(&change("spec.containers[0].image", "reg.lan:5000/a/b:1", "reg.lan:5000/a/b:2@sha256:cc"));
        assert_eq!(told, Some(("reg.lan:5000/a/b".into(), "1".into(), "2".into())));
        assert_eq!(step(&change("spec.image", "reg.lan:5000/a/b", "reg.lan:5000/a/b")), None);
        assert_eq!(step(&change("spec.image", "a/b:1", "a/c:1")), None);
    }

    #[test]
    fn digest_behind_the_same_tag_and_what_is_masked_are_no_steps() {
        assert_eq!(step(&change("spec.values.image.tag", "1.0@sha256:aa", "1.0@sha256:bb")), None);
        assert_eq!(step(&change("spec.values.image.tag", MASK, "1.0")), None);
    }
}
