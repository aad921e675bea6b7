//! Versions that changed over all repositories, the same step of the same chart or image put together.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::row::{hex, json};
use crate::scans::event_id_floor;
use entity::view::{BumpSubject, BumpedResource, FieldChange, MASK, Timestamp, VersionBump};

/// So many of the newest version changes are put together.
const VERSION_CHANGES: i64 = 300;
/// So many of the newest events are looked through for images.
const EVENTS: i64 = 400;
/// So many resources of each step are told.
const TOLD: usize = 12;

/// The newest steps first.
pub(super) async fn bumps(c: &impl ConnectionTrait, limit: usize, now: Timestamp) -> Result<Vec<VersionBump>> {
    // Clocks of committers may be ahead; what lies further in the future would stand first for ever.
    let future = event_id_floor(now + TimeDelta::days(1));
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

#[derive(FromQueryResult)]
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
    changes: String,
}

const CHANGED: &str = "SELECT e.id, e.resource_id, e.repository_id, e.sequence, e.resource_kind, e.resource_name, \
    e.version_before, e.version_after, e.caused_by_resource_id, ";

/// Versions of charts and sources. A source whose step shows on what deploys from it is left out: one line tells it.
async fn charts(c: &impl ConnectionTrait, future: Uuid, steps: &mut Steps) -> Result<()> {
    let mut sql = Sql::new(CHANGED);
    sql.push("'[]' AS changes FROM (SELECT v.id FROM kubernetesresourceevent v WHERE v.version_changed AND v.id < ");
    sql.bind(future).push(" ORDER BY v.id DESC LIMIT ").bind(VERSION_CHANGES);
    sql.push(") i JOIN kubernetesresourceevent e ON e.id = i.id ORDER BY e.id DESC");
    let events: Vec<Changed> = sql.all(c).await?;
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
    let mut sql = Sql::new("SELECT resource_id, name FROM resource_chart WHERE resource_id IN ");
    sql.bind_list(resources.collect::<HashSet<_>>()).push(" ORDER BY position DESC");
    let rows = sql.rows(c).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Tags of images among the newest events.
async fn images(c: &impl ConnectionTrait, future: Uuid, steps: &mut Steps) -> Result<()> {
    let mut sql = Sql::new(CHANGED);
    sql.push("e.changes FROM (SELECT v.id FROM kubernetesresourceevent v WHERE v.id < ").bind(future);
    sql.push(" ORDER BY v.id DESC LIMIT ").bind(EVENTS);
    sql.push(") i JOIN kubernetesresourceevent e ON e.id = i.id ");
    sql.push("WHERE e.event_type = 'MODIFIED' AND e.changes LIKE '%image%' ORDER BY e.id DESC");
    let events: Vec<Changed> = sql.all(c).await?;
    let mut known = Sql::new("SELECT resource_id, field_path, image FROM resource_image WHERE resource_id IN ");
    known.bind_list(events.iter().map(|event| event.resource_id).collect::<HashSet<_>>());
    let mut places: HashMap<(Uuid, String), String> = HashMap::new();
    for row in known.rows(c).await? {
        places.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?), row.try_get_by_index(2)?);
    }
    for event in &events {
        for change in json::<Vec<FieldChange>>("event.changes", &event.changes)? {
            let name = |place: &str| places.get(&(event.resource_id, place.to_owned())).cloned();
            if let Some((name, before, after)) = image_step(&change, name) {
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

#[derive(FromQueryResult)]
struct Told {
    #[sea_orm(nested)]
    resource: BumpedResource,
    sha: Vec<u8>,
}

/// What the page tells of each event.
async fn resources(c: &impl ConnectionTrait, events: &[Uuid]) -> Result<HashMap<Uuid, BumpedResource>> {
    let mut sql = Sql::new(
        "SELECT e.id AS event_id, e.event_timestamp, e.resource_id, e.resource_kind, e.resource_name, e.repository_id, \
         r.full_name AS repository_full_name, k.sha, k.subject AS commit_subject, k.author_name \
         FROM kubernetesresourceevent e JOIN repository r ON r.id = e.repository_id \
         JOIN \"commit\" k ON k.repository_id = e.repository_id AND k.sequence = e.sequence WHERE e.id IN ",
    );
    sql.bind_list(events.iter().copied());
    let told = |Told { resource, sha }| (resource.event_id, BumpedResource { commit: hex(&sha), ..resource });
    Ok(sql.all::<Told>(c).await?.into_iter().map(told).collect())
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
