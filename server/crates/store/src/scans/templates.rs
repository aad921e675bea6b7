//! Templates of Helm charts among the files that are no YAML.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::{Connection, Result};
use crate::db::begin;
use entity::kind::ProblemClass;
use entity::table::problem;

/// Tells templates of Helm charts apart from other templates, by what `of_chart` says of their paths at the head. Which
/// they are depends on files that come and go by themselves, so that this is decided anew at the end of each scan.
pub async fn mark_helm_templates(w: &Connection, repository: Uuid, of_chart: impl Fn(&str) -> bool) -> Result<()> {
    use problem::Column::{Class, FilePath, Id};
    let txn = begin(w).await?;
    let classes = [ProblemClass::Template, ProblemClass::HelmTemplate];
    let templates = problem::Entity::find()
        .filter(problem::COLUMN.repository_id.eq(repository))
        .filter(problem::COLUMN.class.is_in(classes))
        .select_only()
        .columns([Id, FilePath, Class]);
    let templates: Vec<(Uuid, String, ProblemClass)> = templates.into_tuple().all(&txn).await?;
    let mut changed: [Vec<Uuid>; 2] = Default::default();
    for (id, path, class) in templates {
        let is_helm = of_chart(&path);
        if is_helm != (class == ProblemClass::HelmTemplate) {
            changed[usize::from(is_helm)].push(id);
        }
    }
    for (ids, class) in changed.iter().zip(classes) {
        for ids in ids.chunks(500) {
            let marked = problem::ActiveModel { class: Set(class), ..Default::default() };
            let these = problem::COLUMN.id.is_in(ids.iter().copied());
            problem::Entity::update_many().set(marked).filter(these).exec(&txn).await?;
        }
    }
    txn.commit().await?;
    Ok(())
}
