//! What is kept by day: where deep pages begin.

use chrono::{NaiveDate, NaiveTime};

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
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
/// `counted` says which of the day's numbers is the list's.
pub(crate) async fn jump(c: &impl ConnectionTrait, counted: &str, page: PageQuery) -> Result<Jump> {
    let mut jump = Jump { before: None, page };
    if page.skip < 200 {
        return Ok(jump);
    }
    let mut sql = Sql::new(&format!("SELECT day, {counted} FROM day_total WHERE day >= "));
    sql.bind(FIRST_DAY).push(" ORDER BY day DESC");
    for row in sql.rows(c).await? {
        let (day, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
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
