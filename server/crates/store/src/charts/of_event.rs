//! The step that an event made: of which chart, from which version to which.

use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, VersionSpan, key_of_chart, steps};
use crate::db::select::is_any;
use entity::table::{chart_use, event};

/// What an event did to a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStep {
    pub repository_id: Uuid,
    /// Of what changed.
    pub resource_id: Uuid,
    /// `None` where it was no step, or where the chart comes from is not known.
    pub step: Option<ChartStep>,
}

/// A chart that went from one version to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartStep {
    pub chart_id: i64,
    pub key: String,
    pub from: String,
    pub to: String,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct Asked {
    repository_id: Uuid,
    resource_id: Uuid,
    sequence: i64,
    file_path: String,
}

/// The step that an event made; `None` where there is no such event.
pub async fn step_of_event(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<EventStep>> {
    use chart_use::Column::{FromSequence, ReleaseId};
    let Some(asked) = event::Entity::find_by_id(id).into_partial_model::<Asked>().one(c).await? else {
        return Ok(None);
    };
    let began = chart_use::Entity::find()
        .filter(chart_use::COLUMN.repository_id.eq(asked.repository_id))
        .filter(FromSequence.eq(asked.sequence))
        .filter(chart_use::COLUMN.file_path.eq(asked.file_path.as_str()));
    let releases: Vec<i64> = began.select_only().column(ReleaseId).into_tuple().all(c).await?;
    let spans = chart_use::Entity::find()
        .filter(is_any(ReleaseId.into_expr(), releases))
        .filter(FromSequence.lte(asked.sequence))
        .order_by_asc(ReleaseId)
        .order_by_asc(FromSequence);
    let spans: Vec<VersionSpan> = spans.into_partial_model().all(c).await?;
    let made = steps(&spans).find(|step| step.after.from_sequence == asked.sequence);
    let step = match made.and_then(|step| Some((step, step.after.chart_id?))) {
        Some((step, chart)) => {
            let versions = (step.from.to_owned(), step.to.to_owned());
            let key = key_of_chart(c, chart).await?;
            key.map(|key| ChartStep { chart_id: chart, key, from: versions.0, to: versions.1 })
        }
        None => None,
    };
    Ok(Some(EventStep { repository_id: asked.repository_id, resource_id: asked.resource_id, step }))
}
