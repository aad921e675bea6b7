//! When each repository began.

use chrono::NaiveDate;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DerivePartialModel, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
};
use uuid::Uuid;

use crate::db::Result;
use crate::db::select::is_counted;
use entity::table::{repository, repository_day};
use entity::view::Timestamp;

/// The day of Kubernetes' first commit: days before it come from clocks that were wrong.
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2014, 6, 6).expect("a day of the calendar");

/// What tells when a repository began.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "repository::Entity")]
pub(super) struct Birth {
    pub(super) id: Uuid,
    created_at: Timestamp,
    pub(super) active_resources: i64,
    #[sea_orm(from_expr = "first_active_day()")]
    first_day: Option<String>,
}

impl Birth {
    /// Created on its forge or, if earlier, its first event.
    pub(super) fn born(&self) -> NaiveDate {
        let created = self.created_at.date_naive();
        let first: Option<NaiveDate> = self.first_day.as_ref().and_then(|day| day.parse().ok());
        first.map_or(created, |day| day.min(created)).max(EPOCH)
    }
}

/// The first day on which something happened in a repository.
fn first_active_day() -> Expr {
    use repository_day::Column::{Day, RepositoryId};
    use sea_orm::sea_query::ExprTrait as _;
    let of_it = RepositoryId.into_expr().eq(repository::Column::Id.into_expr());
    repository_day::Entity::find().select_only().expr(Day.min()).filter(of_it).into_query().into()
}

/// When each repository began.
pub(super) async fn births(c: &impl ConnectionTrait) -> Result<Vec<Birth>> {
    Ok(repository::Entity::find().filter(is_counted(repository::Column::Id)).into_partial_model().all(c).await?)
}
