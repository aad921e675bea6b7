//! What is set where: each value with the release that sets it and the line that did, at one path by everybody, and of one release
//! all of them.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, JoinType};
use sea_orm::{
    DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::releases::{read, shown};
use super::values::{Wanted, at_path};
use super::{ConnectionTrait, Result, covers, time, uses_at};
use crate::db::select::{count, count_all, paged};
use entity::kind::Provider;
use entity::table::{chart_use, chart_value, repository, use_commit, value_path};
use entity::value::{JsonText, ObjectId};
use entity::view::{ChartRelease, ChartValue, ChartValueFilter, Listing, PageQuery, Timestamp, variables_in, web_url};

#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_value::Entity")]
struct ValueRow {
    #[sea_orm(nested)]
    value: chart_value::Model,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::RepositoryId))")]
    repository_id: Uuid,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::ReleaseName))")]
    release_name: Option<String>,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::Version))")]
    version: Option<String>,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::Variables))")]
    variables: Option<JsonText<BTreeMap<String, String>>>,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository: String,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    base: Option<String>,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "Expr::col((use_commit::Entity, use_commit::Column::Sha))")]
    commit: Option<ObjectId>,
}

/// The same where each may be at another path.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_value::Entity")]
struct ValueAtPath {
    #[sea_orm(nested)]
    row: ValueRow,
    #[sea_orm(from_expr = "value_path::Column::Path")]
    path: String,
}

impl ValueRow {
    fn told(self, path: String) -> ChartValue {
        let Self { value, repository_id, release_name, version, variables, repository, base, provider, commit } = self;
        let mut variables = variables.map(|JsonText(variables)| variables).unwrap_or_default();
        variables.retain(|name, _| variables_in(&value.text).any(|other| other == name));
        let lines = (value.line > 0).then_some((value.line, value.line));
        let url = commit
            .zip(value.file_path.as_deref())
            .and_then(|(commit, file)| web_url(provider, base.as_deref(), &commit.to_string(), Some(file), lines));
        ChartValue {
            release_id: value.release_id.to_string(),
            repository_id,
            repository,
            release_name,
            version,
            path,
            kind: value.kind,
            value: value.text,
            masked: value.masked,
            since: time(value.from_time),
            file_path: value.file_path,
            line: value.line,
            web_url: url,
            variables,
        }
    }
}

/// Values with the releases that set them, those that a condition leaves, and with the commits that did.
fn placed(mut values: Select<chart_value::Entity>, of: Expr, at: Option<Timestamp>) -> Select<chart_value::Entity> {
    use chart_value::Column::{FromSequence, ReleaseId};
    let of_release = Condition::all()
        .add(Expr::col((chart_use::Entity, chart_use::Column::ReleaseId)).equals((chart_value::Entity, ReleaseId)))
        .add(of)
        .add(uses_at(at));
    let of_repository = Expr::col((repository::Entity, repository::Column::Id))
        .equals((chart_use::Entity, chart_use::Column::RepositoryId));
    let of_commit = Expr::col((use_commit::Entity, use_commit::Column::RepositoryId))
        .equals((chart_use::Entity, chart_use::Column::RepositoryId))
        .and(Expr::col((use_commit::Entity, use_commit::Column::Sequence)).equals((chart_value::Entity, FromSequence)));
    sea_orm::QuerySelect::query(&mut values)
        .inner_join(chart_use::Entity, of_release)
        .inner_join(repository::Entity, of_repository)
        .left_join(use_commit::Entity, of_commit);
    values
}

/// What each release that a filter leaves sets at a path, the common first.
pub async fn list_path_values(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    path: &str,
) -> Result<Listing<ChartValue>> {
    use chart_value::Column::{Masked, Ordinal, ReleaseId, Text};
    let Wanted { values, .. } = at_path(c, filter, path).await?;
    let count = count(c, values.clone()).await?;
    let common = values.clone().select_only().columns([Text, Masked]).expr_as(count_all(), "times");
    let common = common.group_by(Text).group_by(Masked).into_query();
    let same = Expr::col(("n", Text)).equals((chart_value::Entity, Text));
    let same = same.and(Expr::col(("n", Masked)).equals((chart_value::Entity, Masked)));
    let of_chart = Expr::col((chart_use::Entity, chart_use::Column::ChartId)).eq(filter.chart_id);
    let mut values = placed(values, of_chart, filter.at);
    sea_orm::QuerySelect::query(&mut values).join_subquery(JoinType::InnerJoin, common, "n", same);
    let values = values.order_by_desc(Expr::col(("n", "times"))).order_by_asc(Text);
    let values = values.order_by_asc(repository::Column::FullName);
    let values = values.order_by_asc(ReleaseId).order_by_asc(Ordinal);
    let rows: Vec<ValueRow> = paged(values, filter.page).into_partial_model().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(|row| row.told(path.to_owned())).collect(), count })
}

/// A release of a repository at a time, whether or not it is known where its chart comes from.
pub async fn find_release(
    c: &impl ConnectionTrait,
    repository: Uuid,
    release: i64,
    at: Option<Timestamp>,
) -> Result<Option<ChartRelease>> {
    let uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.release_id.eq(release))
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(uses_at(at));
    let uses = uses.order_by_desc(chart_use::Column::FromSequence).limit(1);
    let ids = uses.select_only().column(chart_use::Column::Id).into_tuple().all(c).await?;
    Ok(shown(c, read(c, ids).await?, at).await?.into_iter().next())
}

/// What a release of a repository sets, by path.
pub async fn list_release_values(
    c: &impl ConnectionTrait,
    repository: Uuid,
    release: i64,
    at: Option<Timestamp>,
    page: PageQuery,
) -> Result<Listing<ChartValue>> {
    use chart_value::Column::{FromTime, Ordinal, PathId, ToTime};
    let values = chart_value::Entity::find()
        .filter(chart_value::COLUMN.release_id.eq(release))
        .filter(covers(FromTime, ToTime, at));
    let values = placed(values, chart_use::COLUMN.repository_id.eq(repository), at);
    let count = count(c, values.clone()).await?;
    let values = values.inner_join(value_path::Entity).order_by_asc(value_path::Column::Path);
    let values = values.order_by_asc(PathId).order_by_asc(Ordinal);
    let rows: Vec<ValueAtPath> = paged(values, page).into_partial_model().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(|ValueAtPath { row, path }| row.told(path)).collect(), count })
}
