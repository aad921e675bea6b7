//! The step that an event made: of which chart, from which version to which.

use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use entity::table::{chart, chart_use, event};

/// A chart that went from one version to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartStep {
    pub key: String,
    pub from: String,
    pub to: String,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "event::Entity")]
struct Asked {
    repository_id: Uuid,
    sequence: i64,
    file_path: String,
}

/// The step that an event made; `None` where it made none, or none of a chart.
pub async fn step_of_event(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<ChartStep>> {
    use chart_use::Column::{FromSequence, Id, ReleaseId, ToSequence, Version};
    let Some(asked) = event::Entity::find_by_id(id).into_partial_model::<Asked>().one(c).await? else {
        return Ok(None);
    };
    let here = || chart_use::Entity::find().filter(chart_use::COLUMN.repository_id.eq(asked.repository_id));
    let began = here()
        .filter(FromSequence.eq(asked.sequence))
        .filter(chart_use::COLUMN.file_path.eq(asked.file_path.as_str()))
        .inner_join(chart::Entity)
        .order_by_asc(Id)
        .select_only()
        .columns([ReleaseId, Version])
        .column(chart::Column::Key);
    let began: Vec<(i64, Option<String>, String)> = began.into_tuple().all(c).await?;
    for (release, version, key) in began {
        let before = here()
            .filter(ReleaseId.eq(release))
            .filter(ToSequence.eq(asked.sequence))
            .select_only()
            .column(Version)
            .into_tuple::<Option<String>>()
            .one(c)
            .await?;
        if let (Some(from), Some(to)) = (before.flatten(), version)
            && from != to
        {
            return Ok(Some(ChartStep { key, from, to }));
        }
    }
    Ok(None)
}
