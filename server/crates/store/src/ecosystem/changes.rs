//! What comes and goes, as events tell it.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func, JoinType, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect, QueryTrait as _,
    Select,
};

use crate::db::select::constant;
use entity::kind::EventType;
use entity::table::{event, resource_chart};

/// By what resources that come and go are counted.
#[derive(Clone, Copy)]
pub(super) enum By {
    Kind,
    Chart,
}

impl By {
    fn name(self) -> Expr {
        match self {
            Self::Kind => event::Column::ResourceKind.into_expr(),
            Self::Chart => Expr::col(("u", resource_chart::Column::Name)),
        }
    }

    /// What came less what went, by name.
    pub(super) fn changes(self) -> Select<event::Entity> {
        let event_type = || event::Column::EventType.into_expr();
        let went = event_type().eq(constant(EventType::Deleted.as_str()));
        let change: Expr = Expr::case(went, constant(-1)).finally(constant(1)).into();
        let mut changes = event::Entity::find().select_only().expr_as(self.name(), "name");
        if matches!(self, Self::Chart) {
            let of_event =
                Expr::col(("u", resource_chart::Column::ResourceId)).eq(event::Column::ResourceId.into_expr());
            QuerySelect::query(&mut changes).join_subquery(JoinType::InnerJoin, charts(), "u", of_event);
        }
        // The index of what comes and goes has this condition.
        let comes_or_goes = event_type().ne(constant(EventType::Modified.as_str()));
        changes.expr_as(change.sum().cast_as("BIGINT"), "change").filter(comes_or_goes).group_by(self.name())
    }
}

/// Each resource with each chart that it installs, once.
pub(super) fn charts() -> SelectStatement {
    use resource_chart::Column::{Name, ResourceId};
    resource_chart::Entity::find().select_only().columns([ResourceId, Name]).distinct().into_query()
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
