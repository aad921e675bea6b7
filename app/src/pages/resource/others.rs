//! What others changed who made the same step between versions of a chart.

use entity::view::ChangedPath;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::components::{counted, number_text};

/// Paths that are named.
#[cfg(feature = "ssr")]
const NAMED: usize = 5;

/// The step between versions of a chart that an event made, as far as others made it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// Where all that is known of it stands.
    pub href: String,
    /// Upgrades that made it, the event's own among them.
    pub count: i64,
    /// Those of them that went back within days.
    pub rolled_back: i64,
    /// Paths that most changed with it, a few, and in how many of the newest `looked_at`.
    pub changed: Vec<ChangedPath>,
    pub looked_at: i64,
}

/// What others changed with a step.
#[cfg(feature = "ssr")]
pub(in crate::pages) async fn read_others(
    db: &store::db::Db,
    step: entity::view::ChartStep,
) -> Result<Others, crate::error::AppError> {
    use crate::components::upgrade_href;
    use entity::view::PageQuery;

    let href = upgrade_href(&step.chart_key, &step.from, &step.to);
    let told = store::kept::list_step_upgrades(db, step, None, PageQuery { skip: 0, limit: 1 }).await?.upgrades;
    let mut changed = told.changed;
    changed.truncate(NAMED);
    let (count, rolled_back, looked_at) = (told.count, told.rolled_back, told.looked_at);
    Ok(Others { href, count, rolled_back, changed, looked_at })
}

pub(in crate::pages) fn others(others: Others) -> AnyView {
    let Others { href, count, rolled_back, changed, looked_at } = others;
    if count <= 1 {
        return view! { <p class="quiet">"Nobody else has made this step yet."</p> }.into_any();
    }
    let made = counted(count, "upgrade", "upgrades");
    let made = format!(" {made} made it, {} rolled back within seven days. ", number_text(rolled_back));
    let named = match changed.is_empty() {
        true => view! { <span class="quiet">"No value changed with it."</span> }.into_any(),
        false => {
            let one = |path: ChangedPath| {
                let times = format!("{} of {looked_at}", path.upgrades);
                view! { <span class="common"><code class="value-path">{path.path}</code>" "<span class="quiet num">{times}</span></span> }
            };
            let named = changed.into_iter().map(one).collect_view();
            view! { <span class="commons">{named}</span> }.into_any()
        }
    };
    view! { <p><a href=href>"What others changed with this step"</a>":"{made} {named}</p> }.into_any()
}
