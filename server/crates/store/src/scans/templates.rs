//! Templates of Helm charts among the files that are no YAML.

use uuid::Uuid;

use super::{Connection, Result};
use crate::db::begin;
use crate::db::sql::Sql;
use entity::kind::ProblemClass;

/// Tells templates of Helm charts apart from other templates, by what `of_chart` says of their paths at the head. Which
/// they are depends on files that come and go by themselves, so that this is decided anew at the end of each scan.
pub async fn mark_helm_templates(w: &Connection, repository: Uuid, of_chart: impl Fn(&str) -> bool) -> Result<()> {
    let txn = begin(w).await?;
    let (template, helm) = (ProblemClass::Template.as_str(), ProblemClass::HelmTemplate.as_str());
    let mut sql = Sql::new("SELECT id, file_path, class FROM problem WHERE repository_id = ");
    sql.bind(repository).push(" AND class IN ").bind_list([template, helm]);
    let mut changed: [Vec<Uuid>; 2] = Default::default();
    for row in sql.rows(&txn).await? {
        let (id, path, class): (Uuid, String, String) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let is_helm = of_chart(&path);
        if is_helm != (class == helm) {
            changed[usize::from(is_helm)].push(id);
        }
    }
    for (ids, class) in changed.iter().zip([template, helm]) {
        for ids in ids.chunks(500) {
            let mut sql = Sql::new("UPDATE problem SET class = ");
            sql.bind(class).push(" WHERE id IN ").bind_list(ids.iter().copied());
            sql.run(&txn).await?;
        }
    }
    txn.commit().await?;
    Ok(())
}
