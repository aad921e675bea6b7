use entity::kind::ResourceStatus;
use entity::view::{
    Event, FieldChange, Listing, PageQuery, References, Resource, ResourceVersion, SharedUse, Timestamp, WrittenImage,
};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use super::others::Others;
use crate::components::{DiffHtml, YamlHtml};
use crate::error::AppError;

/// What a resource's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    /// As it is, or as it was.
    pub resource: Resource,
    /// Whether it is there; nothing before it came.
    pub status: Option<ResourceStatus>,
    /// As of when, where that is not now.
    pub at: Option<Timestamp>,
    /// The event that took it away, where it is gone.
    pub deleted_by: Option<Event>,
    /// Its states, newest first.
    pub versions: Listing<ResourceVersion>,
    /// Which of them are here.
    pub page: PageQuery,
    pub references: References,
    pub shown: Shown,
    /// Charts that it installs, as others use them.
    pub charts: Vec<SharedUse>,
    /// Images that it names, those that most use first.
    pub images: Vec<SharedUse>,
    /// Images that it names of which no name can be told, since variables stand in them.
    pub written: Vec<WrittenImage>,
}

/// What fills the larger part of a resource's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shown {
    /// The text of one state.
    Text {
        yaml: YamlHtml,
        /// Where the text stands.
        file_path: String,
        /// The state; `None` where it has none yet.
        version: Option<Box<ResourceVersion>>,
        /// Why there is no text.
        missing: Option<String>,
    },
    /// Two states compared.
    Comparison(Box<Comparison>),
    /// The address names a state that there is not.
    NoSuchVersion(i64),
    /// At that time it had not come yet.
    NotYet,
}

/// Two states of a resource compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The older state; `None` compares with nothing, as before the first one.
    pub from: Option<ResourceVersion>,
    pub to: ResourceVersion,
    pub diff: DiffHtml,
    pub changes: Vec<FieldChange>,
    /// How many fields changed in all, where that is known to be more than are listed.
    pub total: i64,
    /// Why a text, and so the difference, is not to be had.
    pub missing: Option<String>,
    /// What others changed, where one state followed the other by a step between versions of a chart.
    pub others: Option<Others>,
}

/// A resource, with the text or the comparison that the page's address names.
#[server(prefix = "/ui", endpoint = "resource", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_resource(id: String, query: String) -> Result<ResourceData, AppError> {
    use crate::pages::ask;
    use store::resources;

    let (context, params) = (ask::context()?, ask::params(&query)?);
    let db = &context.db;
    let id = ask::id(&id, "resource")?;
    let found = resources::find_resource(&db.read, id).await?;
    let mut resource = found.ok_or_else(|| ask::missing("resource"))?;
    // Only the text is shown; `data` would go to the browser for nothing.
    resource.data = serde_json::Value::Null;
    let page = ask::page(&params, 50);
    let versions = resources::list_versions(&db.read, id, page).await?;
    let references = resources::find_references(&db.read, id).await?;
    let then = match read::at(&params)? {
        Some(at) => resources::find_resource_then(&db.read, id, at).await?,
        None => None,
    };
    let links = read::links(&references.outgoing);
    let shown = read::shown(&context, &resource, &versions, then.as_ref(), &links, &params).await?;
    let (status, at) = match &then {
        Some(then) => (then.status, Some(then.at)),
        None => (Some(resource.status), None),
    };
    let (charts, images, written, deleted_by) = match then {
        Some(mut then) => {
            let written = std::mem::take(&mut then.written);
            let (charts, images, deleted_by) = read::back_to(&mut resource, then);
            (charts, images, written, deleted_by)
        }
        None => {
            let place = (resource.repository_id, resource.file_path.as_str());
            let charts = store::charts::installed_at(&db.read, place.0, place.1, None).await?;
            let images = store::images::named_at(&db.read, place.0, place.1, None).await?;
            let written = store::images::written_at(&db.read, place.0, place.1, None).await?;
            (charts, images, written, read::deleted_by(db, &resource).await?)
        }
    };
    Ok(ResourceData {
        now: ask::now(),
        status,
        at,
        charts,
        images,
        written,
        deleted_by,
        shown,
        references,
        resource,
        versions,
        page,
    })
}

#[cfg(feature = "ssr")]
pub(in crate::pages) use read::compared_by;

#[cfg(feature = "ssr")]
mod read {
    use entity::kind::{EventType, ResourceStatus};
    use entity::view::{
        Event, EventFilter, FieldChange, Listing, PageQuery, Reference, Resource, ResourceThen, ResourceVersion,
        SharedUse, Timestamp, VersionText,
    };
    use leptos_router::params::ParamsMap;
    use store::db::Db;
    use store::{events, resources};
    use uuid::Uuid;

    use super::super::others::read_others;
    use super::{Comparison, Shown};
    use crate::components::{DiffMode, NamedResource, compare, highlight, resource_href};
    use crate::context::ServerContext;
    use crate::error::AppError;
    use crate::pages::ask;

    /// The time that the address names. A number is that of a state, and a comparison is of no time.
    pub(super) fn at(params: &ParamsMap) -> Result<Option<Timestamp>, AppError> {
        let is_number = params.get_str("at").is_some_and(|text| text.parse::<i64>().is_ok());
        if is_number || params.get_str("to").is_some() { Ok(None) } else { ask::at(params) }
    }

    /// Makes the resource what it was then; gives back its charts, its images, and the event that had taken it away.
    pub(super) fn back_to(
        resource: &mut Resource,
        then: ResourceThen,
    ) -> (Vec<SharedUse>, Vec<SharedUse>, Option<Event>) {
        let ResourceThen { version, charts, images, .. } = then;
        // Its charts are told by their own names.
        (resource.chart_name, resource.chart_url, resource.version) = (None, None, None);
        let Some(ResourceVersion { number, event, .. }) = version else { return (charts, images, None) };
        let is_gone = event.event_type == EventType::Deleted;
        resource.api_version.clone_from(&event.resource_api_version);
        resource.kind.clone_from(&event.resource_kind);
        resource.name.clone_from(&event.resource_name);
        resource.namespace.clone_from(&event.resource_namespace);
        resource.file_path.clone_from(&event.file_path);
        resource.version.clone_from(if is_gone { &event.version_before } else { &event.version_after });
        resource.updated_at = event.event_timestamp;
        resource.events = number;
        (charts, images, is_gone.then_some(event))
    }

    pub(super) async fn deleted_by(db: &Db, resource: &Resource) -> Result<Option<Event>, AppError> {
        if resource.status == ResourceStatus::Active {
            return Ok(None);
        }
        let filter = EventFilter {
            resource_id: Some(resource.id),
            event_type: Some(EventType::Deleted),
            page: PageQuery { skip: 0, limit: 1 },
            ..EventFilter::default()
        };
        Ok(events::list_events(&db.read, &filter).await?.data.pop())
    }

    /// What the resource names in its repository, for the text to lead there.
    pub(super) fn links(outgoing: &[Reference]) -> Vec<NamedResource> {
        let link = |reference: &Reference| {
            let href = resource_href(reference.resource_id?);
            Some(NamedResource { kind: reference.kind.clone(), name: reference.name.clone(), href })
        };
        outgoing.iter().filter_map(link).collect()
    }

    pub(super) async fn shown(
        context: &ServerContext,
        resource: &Resource,
        known: &Listing<ResourceVersion>,
        then: Option<&ResourceThen>,
        links: &[NamedResource],
        params: &ParamsMap,
    ) -> Result<Shown, AppError> {
        let db = &context.db;
        let chosen = |key| params.get_str(key).and_then(|text| text.parse::<i64>().ok());
        if let Some(number) = chosen("to") {
            return comparison(context, resource, known, chosen("from"), number, params).await;
        }
        let (number, text) = match (then, chosen("at")) {
            (Some(ResourceThen { version: None, .. }), _) => return Ok(Shown::NotYet),
            // What was gone shows the text that it had had before.
            (Some(ResourceThen { version: Some(then), .. }), _) => {
                (then.number - i64::from(then.event.event_type == EventType::Deleted), None)
            }
            (None, Some(number)) => (number, None),
            (None, None) => (last(known.count), resources::find_current_text(&db.read, resource.id).await?),
        };
        let mut version = version(db, resource.id, known, number).await?;
        // What is gone shows its last text, which the state before the deletion left.
        if text.is_some() && version.as_ref().is_some_and(|version| version.event.event_type == EventType::Deleted) {
            version = self::version(db, resource.id, known, number - 1).await?;
        }
        let text = match (text, &version) {
            (Some(text), _) => Some(text),
            (None, Some(version)) => resources::find_version_text(&db.read, resource.id, version.event.id).await?,
            (None, None) if params.get_str("at").is_some() => return Ok(Shown::NoSuchVersion(number)),
            (None, None) => None,
        };
        let file_path = text.as_ref().map_or_else(|| resource.file_path.clone(), |text| text.file_path.clone());
        let missing = match &text {
            Some(text) => text.missing.clone(),
            None => Some("no text of this version is stored".to_owned()),
        };
        let yaml = text.map(|text| highlight(&text.text, text.line_start, links)).unwrap_or_default();
        Ok(Shown::Text { yaml, file_path, version: version.map(Box::new), missing })
    }

    fn last(count: u64) -> i64 {
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// A state by its number; they are numbered from 1 without gaps and listed newest first. Those of the page's list are not
    /// asked for again.
    async fn version(
        db: &Db,
        id: Uuid,
        known: &Listing<ResourceVersion>,
        number: i64,
    ) -> Result<Option<ResourceVersion>, AppError> {
        if let Some(version) = known.data.iter().find(|version| version.number == number) {
            return Ok(Some(version.clone()));
        }
        let Some(skip) = u64::try_from(number).ok().filter(|n| *n > 0).and_then(|n| known.count.checked_sub(n)) else {
            return Ok(None);
        };
        Ok(resources::list_versions(&db.read, id, PageQuery { skip, limit: 1 }).await?.data.pop())
    }

    /// What an event changed: the state before it and the one that it left, compared. Where the manifest itself
    /// stayed the same, that of the source which the change comes from.
    pub(in crate::pages) async fn compared_by(
        context: &ServerContext,
        event: Uuid,
        params: &ParamsMap,
    ) -> Result<Option<(Resource, Comparison)>, AppError> {
        let db = &context.db;
        let Some(place) = resources::find_version_place(&db.read, event).await? else { return Ok(None) };
        let Some(resource) = resources::find_resource(&db.read, place.resource_id).await? else { return Ok(None) };
        let before = (place.number > 1).then_some(place.number - 1);
        let known = Listing { count: place.count, ..Listing::default() };
        match comparison(context, &resource, &known, before, place.number, params).await? {
            Shown::Comparison(comparison) => Ok(Some((resource, *comparison))),
            _ => Ok(None),
        }
    }

    async fn comparison(
        context: &ServerContext,
        resource: &Resource,
        known: &Listing<ResourceVersion>,
        from: Option<i64>,
        to: i64,
        params: &ParamsMap,
    ) -> Result<Shown, AppError> {
        let db = &context.db;
        // Chosen the other way round, they are still meant from old to new.
        let (from, to) = match from {
            Some(from) if from > to => (Some(to), from),
            other => (other, to),
        };
        let Some(newer) = version(db, resource.id, known, to).await? else { return Ok(Shown::NoSuchVersion(to)) };
        let older = match from {
            Some(from) => match version(db, resource.id, known, from).await? {
                Some(version) => Some(version),
                None => return Ok(Shown::NoSuchVersion(from)),
            },
            None => None,
        };
        let new = text(db, resource.id, Some(&newer)).await?;
        let old = text(db, resource.id, older.as_ref()).await?;
        let mode = DiffMode::from_word(params.get_str("view"));
        let start = |text: &Option<VersionText>| text.as_ref().map_or(1, |text| text.line_start);
        let body = |text: &Option<VersionText>| text.as_ref().map(|text| text.text.clone()).unwrap_or_default();
        let (before, after) = (body(&old), body(&new));
        let diff = compare(&before, &after, start(&old), start(&new), mode);
        let (changes, total) = changes(context, older.as_ref(), &newer, (&before, &after)).await?;
        let missing = [&old, &new].into_iter().flatten().find_map(|text| text.missing.clone());
        // Only where one state followed the other did that step lie between them.
        let follows = older.as_ref().is_some_and(|older| newer.number - older.number == 1);
        let others = match newer.event.chart_step.clone().filter(|_| follows) {
            Some(step) => Some(read_others(db, step).await?),
            None => None,
        };
        Ok(Shown::Comparison(Box::new(Comparison { from: older, to: newer, diff, changes, total, missing, others })))
    }

    /// The text that a state left; none before the first state and after a deletion.
    async fn text(db: &Db, id: Uuid, version: Option<&ResourceVersion>) -> Result<Option<VersionText>, AppError> {
        match version {
            Some(version) if version.event.event_type != EventType::Deleted => {
                Ok(resources::find_version_text(&db.read, id, version.event.id).await?)
            }
            _ => Ok(None),
        }
    }

    /// The changed fields between two states: as recorded where one follows the other (so a secret's changed keys
    /// are told, though its values are not kept), else by comparing the texts; and what sources changed between them.
    async fn changes(
        context: &ServerContext,
        older: Option<&ResourceVersion>,
        newer: &ResourceVersion,
        (old, new): (&str, &str),
    ) -> Result<(Vec<FieldChange>, i64), AppError> {
        let Some(older) = older.filter(|older| newer.number - older.number != 1) else {
            return Ok((newer.event.changes.clone(), newer.event.changes_total));
        };
        let mut changes = (context.compare)(old, new);
        let (resource, from, to) = (newer.event.resource_id, older.event.id, newer.event.id);
        changes.extend(resources::list_source_changes(&context.db.read, resource, from, to).await?);
        let total = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        Ok((changes, total))
    }
}
