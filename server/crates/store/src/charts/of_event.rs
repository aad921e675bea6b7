//! The steps that events made: of which chart, from which version to which. The spans of uses tell it, for whatever kind of
//! resource; a source makes those of what comes from it.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::begun::{Place, REPOSITORIES, begun_at, by_repository, of_commits, with_before};
use super::{ConnectionTrait, Result, steps};
use crate::db::select::is_any;
use entity::kind::EventType;
use entity::table::{chart, event};
use entity::view::ChartStep;

/// Resources that took something else from sources of a page of events, and those of them that are looked at for one source: all
/// that come from it made the same step.
const CAUSED: u64 = 5_000;
const CAUSED_BY_ONE: usize = 5;
/// The group of sources.
const SOURCES: &str = "source.toolkit.fluxcd.io/";

/// What an event did to a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStep {
    pub repository_id: Uuid,
    /// Of what changed.
    pub resource_id: Uuid,
    /// `None` where it was no step, or where the chart comes from is not known.
    pub step: Option<ChartStep>,
}

/// An event as it is looked for among spans.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
pub(crate) struct AskedEvent {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub resource_id: Uuid,
    pub sequence: i64,
    pub event_type: EventType,
    pub resource_api_version: String,
    pub file_path: String,
    pub version_before: Option<String>,
    pub version_after: Option<String>,
}

impl AskedEvent {
    fn is_of_source(&self) -> bool {
        self.resource_api_version.starts_with(SOURCES)
    }

    /// A place in the commit that made it.
    pub fn at(&self, path: &str) -> Place {
        (self.repository_id, self.sequence, path.to_owned())
    }

    /// Where the releases stand whose steps are its own.
    fn paths<'e>(&'e self, caused: &'e Caused) -> impl Iterator<Item = &'e str> {
        let by_it = caused.get(&(self.resource_id, self.sequence)).into_iter().flatten();
        std::iter::once(self.file_path.as_str()).chain(by_it.map(String::as_str))
    }
}

/// Where resources stand that a commit gave something else because it changed a source, by source and commit.
type Caused = HashMap<(Uuid, i64), Vec<String>>;

/// A step of the release that stands at a place.
struct Made {
    chart_id: i64,
    from: String,
    to: String,
}

/// The step that an event made; `None` where there is no such event.
pub async fn step_of_event(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<EventStep>> {
    let Some(asked) = event::Entity::find_by_id(id).into_partial_model::<AskedEvent>().one(c).await? else {
        return Ok(None);
    };
    let (repository_id, resource_id) = (asked.repository_id, asked.resource_id);
    let step = steps_of(c, &[asked]).await?.remove(&id);
    Ok(Some(EventStep { repository_id, resource_id, step }))
}

/// The steps that events made, by the events' ids.
pub(crate) async fn steps_of(c: &impl ConnectionTrait, events: &[AskedEvent]) -> Result<HashMap<Uuid, ChartStep>> {
    // What is gone went to no other version.
    let events: Vec<&AskedEvent> = events.iter().filter(|one| one.event_type != EventType::Deleted).collect();
    let sources: Vec<&AskedEvent> = events.iter().copied().filter(|one| one.is_of_source()).collect();
    let caused = caused_by(c, &sources).await?;
    let places = events.iter().flat_map(|one| one.paths(&caused).map(move |path| one.at(path)));
    let made = made_at(c, &places.collect()).await?;
    let mut chosen: Vec<(Uuid, &Made)> = Vec::new();
    for one in &events {
        let Some(made) = one.paths(&caused).find_map(|path| made.get(&one.at(path))) else { continue };
        let versions = (one.version_before.as_deref(), one.version_after.as_deref());
        // Of several charts in one document the one whose version the resource has.
        let told = made.iter().find(|step| versions == (Some(step.from.as_str()), Some(step.to.as_str())));
        chosen.extend(told.or(made.first()).map(|step| (one.id, step)));
    }
    let charts: BTreeSet<i64> = chosen.iter().map(|(_, made)| made.chart_id).collect();
    if charts.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), charts));
    let keys = keys.select_only().columns([chart::Column::Id, chart::Column::Key]);
    let keys: HashMap<i64, String> = keys.into_tuple::<(i64, String)>().all(c).await?.into_iter().collect();
    let step = |(id, made): (Uuid, &Made)| {
        let chart_key = keys.get(&made.chart_id)?.clone();
        Some((id, ChartStep { chart_id: made.chart_id, chart_key, from: made.from.clone(), to: made.to.clone() }))
    };
    Ok(chosen.into_iter().filter_map(step).collect())
}

async fn caused_by(c: &impl ConnectionTrait, sources: &[&AskedEvent]) -> Result<Caused> {
    use event::Column::{CausedByResourceId, FilePath, Id, RepositoryId, Sequence};
    let mut caused = Caused::new();
    let commits = by_repository(sources.iter().map(|source| (source.repository_id, source.sequence)));
    for these in commits.chunks(REPOSITORIES) {
        let events = event::Entity::find()
            .filter(of_commits(RepositoryId, Sequence, these))
            .filter(is_any(CausedByResourceId.into_expr(), sources.iter().map(|source| source.resource_id)))
            .select_only()
            .columns([CausedByResourceId, Sequence, FilePath])
            .order_by_asc(Id)
            .limit(CAUSED);
        for (cause, sequence, path) in events.into_tuple::<(Uuid, i64, String)>().all(c).await? {
            let paths = caused.entry((cause, sequence)).or_default();
            if paths.len() < CAUSED_BY_ONE {
                paths.push(path);
            }
        }
    }
    Ok(caused)
}

/// The steps that commits made at places.
async fn made_at(c: &impl ConnectionTrait, places: &BTreeSet<Place>) -> Result<HashMap<Place, Vec<Made>>> {
    let begun = begun_at(c, places).await?;
    let stands: HashMap<(i64, i64), &str> = begun.iter().map(|one| (one.span.key(), one.file_path.as_str())).collect();
    let spans = with_before(c, begun.iter().map(|one| one.span.clone()).collect()).await?;
    let mut made: HashMap<Place, Vec<Made>> = HashMap::new();
    for step in steps(&spans) {
        let after = step.after;
        let (Some(path), Some(chart_id)) = (stands.get(&after.key()), after.chart_id) else { continue };
        let place = (after.repository_id, after.from_sequence, (*path).to_owned());
        made.entry(place).or_default().push(Made { chart_id, from: step.from.to_owned(), to: step.to.to_owned() });
    }
    Ok(made)
}
