//! What comes and goes, by day: resources as events tell it, charts as spans of their uses do.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect as _, Select,
};

use crate::db::select::{constant, is_counted};
use entity::kind::{ChartResolution, EventType};
use entity::table::{chart_use, event};

/// Resources that came less those that went, by kind.
pub(super) fn kind_changes() -> Select<event::Entity> {
    let event_type = || event::Column::EventType.into_expr();
    let kind = || event::Column::ResourceKind.into_expr();
    let went = event_type().eq(constant(EventType::Deleted.as_str()));
    let change: Expr = Expr::case(went, constant(-1)).finally(constant(1)).into();
    // The index of what comes and goes has this condition.
    let comes_or_goes = event_type().ne(constant(EventType::Modified.as_str()));
    let changes = event::Entity::find().select_only().expr_as(kind(), "name");
    let changes = changes.expr_as(change.sum().cast_as("BIGINT"), "change").filter(comes_or_goes);
    // That index holds the resource, not the repository.
    changes.filter(is_counted(event::Column::ResourceId)).group_by(kind())
}

/// Uses of charts by name. What a repository keeps in a folder of its own is nobody else's, whatever it is called.
pub(super) fn installed() -> Select<chart_use::Entity> {
    chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_name.is_not_null())
        .filter(chart_use::Column::How.ne(ChartResolution::Local))
        .filter(is_counted(chart_use::Column::RepositoryId))
}

/// The day of a time, UTC, as text.
pub(super) fn day_of(c: &impl ConnectionTrait, time: Expr) -> Expr {
    let day = match c.get_database_backend() {
        DbBackend::Postgres => {
            let utc = time.binary(BinOper::Custom("AT TIME ZONE"), constant("UTC"));
            Func::cust("to_char").arg(utc).arg(constant("YYYY-MM-DD"))
        }
        // Times are stored in UTC, the day first.
        _ => Func::cust("substr").arg(time).arg(constant(1)).arg(constant(10)),
    };
    day.into()
}
