//! Versions that changed over all repositories, the same step of the same chart or image put together.
//!
//! Of charts the spans of uses tell, whatever installs them; events tell of sources that no chart comes from, and of images.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::charts::{
    AskedEvent, Begun, Place, REPOSITORIES, VersionSpan, begun_at, by_repository, commits_of, newest_begun, of_commits,
    origins_of, resources_of, steps, steps_of, time, with_before,
};
use crate::db::first_id;
use crate::db::select::is_any;
use crate::events::with_ids;
use entity::kind::{ChartUseKind, EventType};
use entity::table::{chart, commit, event, repository, resource_image};
use entity::value::{JsonText, ObjectId};
use entity::view::{BumpSubject, BumpedResource, FieldChange, MASK, Timestamp, VersionBump};

/// So many of the newest spans, and of events, with another version are put together.
const VERSION_CHANGES: u64 = 300;
/// So many of the newest events are looked through for images.
const EVENTS: u64 = 400;
/// So many resources of each step are told.
const TOLD: usize = 12;

/// The newest steps first.
pub(super) async fn bumps(c: &impl ConnectionTrait, limit: usize, now: Timestamp) -> Result<Vec<VersionBump>> {
    // Clocks of committers may be ahead; what lies further in the future would stand first for ever.
    let future = first_id(now + TimeDelta::days(1));
    let mut all = Steps::default();
    let begun = newest_begun(c, VERSION_CHANGES, now).await?;
    charts(c, &begun, &mut all).await?;
    sources(c, future, &mut all).await?;
    images(c, future, &mut all).await?;
    let shown = all.newest(limit);

    let told = || shown.iter().flat_map(|step| step.makers.iter().take(TOLD));
    let events: Vec<Uuid> = told().filter_map(|made| made.by.event()).collect();
    let events = resources(c, &events).await?;
    let releases: BTreeSet<usize> = told().filter_map(|made| made.by.release()).collect();
    let releases = releases_of(c, &begun, &releases).await?;
    let charts: BTreeSet<i64> = shown.iter().filter_map(|step| step.key.chart).collect();
    let charts = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), charts)).all(c).await?;
    let charts: HashMap<i64, chart::Model> = charts.into_iter().map(|chart| (chart.id, chart)).collect();
    let bump = |Step { key, makers }: Step| {
        let chart = key.chart.and_then(|id| charts.get(&id));
        // One event may make several steps: of a source, and of the images that it names.
        let changes = makers.iter().take(TOLD).filter_map(|made| match made.by {
            Maker::Event { id, .. } => events.get(&id).cloned(),
            Maker::Release { place, .. } => releases.get(&place).cloned(),
        });
        VersionBump {
            subject: key.subject,
            chart_key: chart.map(|chart| chart.key.clone()),
            name: chart.map_or(key.name, |chart| chart.name.clone()),
            before: key.before,
            after: Some(key.after),
            repositories: count(makers.iter().map(|made| made.repository_id).collect::<HashSet<_>>().len()),
            resources: count(makers.iter().map(|made| made.by.subject()).collect::<HashSet<_>>().len()),
            changes: changes.collect(),
        }
    };
    Ok(shown.into_iter().map(bump).filter(|bump| !bump.changes.is_empty()).collect())
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    subject: BumpSubject,
    /// The chart, where it is known which.
    chart: Option<i64>,
    /// What else it is of.
    name: String,
    before: Option<String>,
    after: String,
}

/// Who made a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Maker {
    Event {
        id: Uuid,
        resource_id: Uuid,
    },
    /// A release, by the span at this place among the newest.
    Release {
        place: usize,
        release_id: i64,
    },
}

impl Maker {
    const fn event(self) -> Option<Uuid> {
        match self {
            Self::Event { id, .. } => Some(id),
            Self::Release { .. } => None,
        }
    }

    const fn release(self) -> Option<usize> {
        match self {
            Self::Event { .. } => None,
            Self::Release { place, .. } => Some(place),
        }
    }

    /// What it is counted by.
    const fn subject(self) -> (Option<Uuid>, Option<i64>) {
        match self {
            Self::Event { resource_id, .. } => (Some(resource_id), None),
            Self::Release { release_id, .. } => (None, Some(release_id)),
        }
    }
}

#[derive(Clone, Copy)]
struct Made {
    at: Timestamp,
    repository_id: Uuid,
    by: Maker,
}

struct Step {
    key: Key,
    /// Newest first.
    makers: Vec<Made>,
}

#[derive(Default)]
struct Steps(HashMap<Key, Vec<Made>>);

impl Steps {
    fn add(&mut self, key: Key, made: Made) {
        let makers = self.0.entry(key).or_default();
        // Two containers of one resource may run one image.
        if !makers.iter().any(|other| other.by == made.by) {
            makers.push(made);
        }
    }

    fn newest(self, limit: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .0
            .into_iter()
            .map(|(key, mut makers)| {
                makers.sort_unstable_by_key(|made| Reverse((made.at, made.by)));
                Step { key, makers }
            })
            .collect();
        let place = |step: &Step| {
            let Key { chart, name, before, after, .. } = &step.key;
            (Reverse(step.makers[0].at), name.clone(), *chart, before.clone(), after.clone())
        };
        steps.sort_by_cached_key(place);
        steps.truncate(limit);
        steps
    }
}

/// An event as it is put together with others.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct Changed {
    #[sea_orm(nested)]
    asked: AskedEvent,
    event_timestamp: Timestamp,
    resource_kind: String,
    resource_name: String,
    caused_by_resource_id: Option<Uuid>,
}

impl Changed {
    fn made(&self) -> Made {
        let AskedEvent { id, resource_id, repository_id, .. } = self.asked;
        Made { at: self.event_timestamp, repository_id, by: Maker::Event { id, resource_id } }
    }
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

/// Versions of charts.
async fn charts(c: &impl ConnectionTrait, begun: &[Begun], all: &mut Steps) -> Result<()> {
    let spans: Vec<VersionSpan> = begun.iter().map(|one| one.span.clone()).collect();
    let spans = with_before(c, spans).await?;
    let places: HashMap<(i64, i64), usize> = (0..).zip(begun).map(|(place, one)| (one.span.key(), place)).collect();
    for step in steps(&spans) {
        let after = step.after;
        let Some(place) = places.get(&after.key()) else { continue };
        let key = Key {
            subject: BumpSubject::Chart,
            chart: after.chart_id,
            // A chart that is known is called one way, whatever the spelling.
            name: after.chart_name.clone().filter(|_| after.chart_id.is_none()).unwrap_or_default(),
            before: Some(step.from.to_owned()),
            after: step.to.to_owned(),
        };
        let by = Maker::Release { place: *place, release_id: after.release_id };
        all.add(key, Made { at: time(after.from_time), repository_id: after.repository_id, by });
    }
    Ok(())
}

/// Versions of sources. One whose step shows on what comes from it is left out: one line tells it.
async fn sources(c: &impl ConnectionTrait, future: Uuid, all: &mut Steps) -> Result<()> {
    // As the index of version changes says it.
    let changes = event::Entity::find().filter(event::Column::VersionChanged.into_expr());
    let mut events: Vec<Changed> = newest(changes, future, VERSION_CHANGES).into_partial_model().all(c).await?;
    let asked: Vec<AskedEvent> = events.iter().map(|event| event.asked.clone()).collect();
    let of_charts = steps_of(c, &asked).await?;
    // Where a release began another span, its own version is a chart's, though it may have been no step.
    let own = |event: &Changed| event.asked.at(&event.asked.file_path);
    let begun: HashSet<Place> =
        begun_at(c, &events.iter().map(own).collect()).await?.iter().map(Begun::place).collect();
    events.retain(|event| {
        let is_of_chart = of_charts.contains_key(&event.asked.id) || begun.contains(&own(event));
        !is_of_chart && event.resource_kind != "HelmRelease"
    });
    let told: HashSet<(Uuid, Uuid, i64)> = events
        .iter()
        .filter_map(|event| Some((event.caused_by_resource_id?, event.asked.repository_id, event.asked.sequence)))
        .collect();
    for event in &events {
        let asked = &event.asked;
        let Some(after) = asked.version_after.clone() else { continue };
        if told.contains(&(asked.resource_id, asked.repository_id, asked.sequence)) {
            continue;
        }
        let (name, before) = (event.resource_name.clone(), asked.version_before.clone());
        all.add(Key { subject: BumpSubject::Source, chart: None, name, before, after }, event.made());
    }
    Ok(())
}

/// Tags of images among the newest events.
async fn images(c: &impl ConnectionTrait, future: Uuid, all: &mut Steps) -> Result<()> {
    use resource_image::Column::{FieldPath, Image, ResourceId};
    let events = newest(event::Entity::find(), future, EVENTS);
    let events = events.filter(event::Column::EventType.eq(EventType::Modified));
    let events = events.filter(event::Column::Changes.contains("image"));
    let events: Vec<ChangedFields> = events.into_partial_model().all(c).await?;
    let resources: HashSet<Uuid> = events.iter().map(|changed| changed.event.asked.resource_id).collect();
    let known = resource_image::Entity::find().filter(is_any(ResourceId.into_expr(), resources));
    let known = known.select_only().columns([ResourceId, FieldPath, Image]);
    let known: Vec<(Uuid, String, String)> = known.into_tuple().all(c).await?;
    let places: HashMap<(Uuid, String), String> =
        known.into_iter().map(|(resource, place, image)| ((resource, place), image)).collect();
    for ChangedFields { event, changes } in &events {
        for change in &changes.0 {
            let name = |place: &str| places.get(&(event.asked.resource_id, place.to_owned())).cloned();
            if let Some((name, before, after)) = image_step(change, name) {
                let (subject, before) = (BumpSubject::Image, Some(before));
                all.add(Key { subject, chart: None, name, before, after }, event.made());
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
#[sea_orm(entity = "event::Entity")]
struct Told {
    #[sea_orm(nested)]
    resource: BumpedResource,
    #[sea_orm(from_expr = "commit::Column::Sha")]
    sha: ObjectId,
    id: Uuid,
    sequence: i64,
    file_path: String,
}

impl Told {
    fn shown(self) -> BumpedResource {
        BumpedResource { commit: self.sha.to_string(), ..self.resource }
    }
}

/// What the page tells of each event.
async fn resources(c: &impl ConnectionTrait, events: &[Uuid]) -> Result<HashMap<Uuid, BumpedResource>> {
    let these = event::Entity::find().filter(is_any(event::Column::Id.into_expr(), events.iter().copied()));
    let these = these.inner_join(repository::Entity).inner_join(commit::Entity);
    let these: Vec<Told> = these.into_partial_model().all(c).await?;
    Ok(these.into_iter().map(|told| (told.id, told.shown())).collect())
}

/// What the page tells of releases, by their places among the spans: of the event that the same commit made there, where there is
/// one. What kustomize renders is no resource, and a variable's value may stand anywhere.
async fn releases_of(
    c: &impl ConnectionTrait,
    begun: &[Begun],
    wanted: &BTreeSet<usize>,
) -> Result<HashMap<usize, BumpedResource>> {
    let wanted: Vec<(usize, &Begun)> = wanted.iter().filter_map(|place| Some((*place, begun.get(*place)?))).collect();
    let places: BTreeSet<Place> = wanted.iter().map(|(_, one)| one.place()).collect();
    let events = events_at(c, &places).await?;
    let (silent, heard): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(_, one)| !events.contains_key(&one.place()));
    let mut told: HashMap<usize, BumpedResource> =
        heard.into_iter().filter_map(|(place, one)| Some((place, events.get(&one.place())?.clone()))).collect();
    if silent.is_empty() {
        return Ok(told);
    }
    let commits = silent.iter().map(|(_, one)| (one.span.repository_id, one.span.from_sequence));
    let commits = commits_of(c, commits).await?;
    let origins = origins_of(c, silent.iter().map(|(_, one)| one.span.repository_id)).await?;
    let stands = silent.iter().map(|(_, one)| (one.span.repository_id, one.file_path.as_str()));
    let stands = resources_of(c, stands).await?;
    told.extend(silent.into_iter().filter_map(|(place, one)| {
        let span = &one.span;
        let bumped = BumpedResource {
            event_id: None,
            event_timestamp: time(span.from_time),
            resource_id: stands.get(&(span.repository_id, one.file_path.clone())).copied(),
            resource_kind: kind_word(one.kind).to_owned(),
            resource_name: one.name.clone().or_else(|| span.chart_name.clone()).unwrap_or_default(),
            repository_id: span.repository_id,
            repository_full_name: origins.get(&span.repository_id)?.0.clone(),
            commit: commits.get(&(span.repository_id, span.from_sequence))?.to_string(),
            commit_subject: None,
            author_name: None,
        };
        Some((place, bumped))
    }));
    Ok(told)
}

/// The events that commits made at places.
async fn events_at(c: &impl ConnectionTrait, places: &BTreeSet<Place>) -> Result<HashMap<Place, BumpedResource>> {
    use event::Column::{EventType as Type, FilePath, Id, RepositoryId, Sequence};
    let mut events = HashMap::new();
    let commits = by_repository(places.iter().map(|(repository, sequence, _)| (*repository, *sequence)));
    for these in commits.chunks(REPOSITORIES) {
        let here = event::Entity::find()
            .filter(of_commits(RepositoryId, Sequence, these))
            .filter(is_any(FilePath.into_expr(), places.iter().map(|(.., path)| path.as_str())))
            .filter(Type.ne(EventType::Deleted))
            .order_by_desc(Id)
            .inner_join(repository::Entity)
            .inner_join(commit::Entity);
        let here: Vec<Told> = here.into_partial_model().all(c).await?;
        events.extend(here.into_iter().map(|told| {
            let place = (told.resource.repository_id, told.sequence, told.file_path.clone());
            (place, told.shown())
        }));
    }
    Ok(events)
}

/// What installs a chart in this way, where it is no resource.
const fn kind_word(kind: ChartUseKind) -> &'static str {
    match kind {
        ChartUseKind::HelmRelease => "HelmRelease",
        ChartUseKind::Argo => "Application",
        ChartUseKind::Kustomize => "Kustomization",
        ChartUseKind::K3s => "HelmChart",
        ChartUseKind::Dependency => "Chart",
    }
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
