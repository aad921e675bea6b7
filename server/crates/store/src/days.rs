//! What is kept by day: where deep pages begin.

use chrono::{NaiveDate, NaiveTime};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{ConnectionTrait, Result};
use entity::table::day_total;
use entity::view::{PageQuery, Timestamp};

/// From where a page of a list over all repositories, newest first, is to be read.
pub(crate) struct Jump {
    /// Everything on the page is older than this; `None` where the page is near the newest.
    pub before: Option<Timestamp>,
    /// What is left to skip from there.
    pub page: PageQuery,
}

/// Ids say nothing of times before this day.
const FIRST_DAY: &str = "1970-01-02";

/// Skips whole days by their kept totals: a page far down the list then costs no more than one day.
/// `counted` says which of the day's numbers is the list's: a column, or several added up.
pub(crate) async fn jump(c: &impl ConnectionTrait, counted: &str, page: PageQuery) -> Result<Jump> {
    let mut jump = Jump { before: None, page };
    if page.skip < 200 {
        return Ok(jump);
    }
    let days = day_total::Entity::find().select_only().column(day_total::Column::Day);
    let days = days.expr(Expr::cust(counted.to_owned())).filter(day_total::COLUMN.day.gte(FIRST_DAY));
    let days: Vec<(String, i64)> = days.order_by_desc(day_total::Column::Day).into_tuple().all(c).await?;
    for (day, count) in days {
        let count = u64::try_from(count).unwrap_or(0);
        if jump.page.skip < count {
            break;
        }
        let Ok(day) = day.parse::<NaiveDate>() else { break };
        jump.page.skip -= count;
        jump.before = Some(day.and_time(NaiveTime::MIN).and_utc());
    }
    Ok(jump)
}
