//! What is told of forges, in sentences, and what the log's page looks up.

use std::collections::HashMap;

use chrono::{Days, NaiveTime};
use entity::kind::{TokenSource, Via};
use entity::view::{AuditEntry, ForgeBudget, ForgeStatus, Timestamp, TokenTest};
use leptos_router::params::ParamsMap;
use store::accounts::{session_agents, token_names};
use store::db::Db;
use store::given;
use uuid::Uuid;

use super::data::ForgeRow;
use crate::components::counted;
use crate::error::AppError;
use crate::pages::account::device;
use crate::pages::ask;
use crate::pages::scopes::scopes;

/// When a day begins, UTC, where one is given: that day or, with 1, the one after it.
pub(super) fn midnight(params: &ParamsMap, key: &str, after: u64) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = ask::text(params, key)? else { return Ok(None) };
    let day = given::day(&text).map_err(|unusable| AppError::invalid(format!("The value of {key} {unusable}.")))?;
    Ok(day.checked_add_days(Days::new(after)).map(|day| day.and_time(NaiveTime::MIN).and_utc()))
}

/// What let those in who did these, as far as it is still there: a token's name, or the device that a session is of.
pub(super) async fn means(db: &Db, entries: &[AuditEntry]) -> Result<HashMap<Uuid, String>, AppError> {
    let of = |via: Via| entries.iter().filter(move |entry| entry.via == via).filter_map(|entry| entry.via_id);
    let (tokens, sessions): (Vec<Uuid>, Vec<Uuid>) = (of(Via::Token).collect(), of(Via::Session).collect());
    let mut means: HashMap<Uuid, String> = token_names(&db.read, &tokens).await?.into_iter().collect();
    let agents = session_agents(&db.read, &sessions).await?.into_iter();
    means.extend(agents.map(|(id, agent)| (id, device(agent.as_deref().unwrap_or_default()))));
    Ok(means)
}

pub(super) fn forge(forge: ForgeStatus) -> ForgeRow {
    let searched = if forge.is_searched { "It is searched; " } else { "" };
    let many = counted(forge.repositories, "repository comes", "repositories come");
    let token = match (forge.token, forge.entered_at) {
        (TokenSource::None, _) => "No token is set.",
        (TokenSource::Environment, None) => "Its token comes from GITHUB_TOKEN in the environment.",
        (TokenSource::Configuration, None) => "Its token comes from the configuration.",
        (TokenSource::Environment, Some(_)) => {
            "Its token comes from GITHUB_TOKEN in the environment, which wins over the one entered here."
        }
        (TokenSource::Configuration, Some(_)) => {
            "Its token comes from the configuration, which wins over the one entered here."
        }
        (TokenSource::Entered, _) => "Its token was entered here.",
    };
    ForgeRow {
        about: format!("{searched}{many} from there. {token}"),
        budgets: forge.budgets.iter().map(|found| format!("{}.", budget(found))).collect(),
        last_error: forge.last_error,
        entered_at: forge.entered_at,
        scopes: scopes(forge.provider).to_owned(),
        host: forge.host,
    }
}

fn budget(found: &ForgeBudget) -> String {
    let number = |value: Option<i64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let spent = match found.spent_last_24_h {
        0 => String::new(),
        spent => format!(", {spent} spent in 24 hours"),
    };
    format!("{}: {} of {} left{spent}", found.resource, number(found.remaining), number(found.quota))
}

/// What a forge told of a token.
pub(super) fn tested(test: &TokenTest) -> String {
    let login = test.login.as_ref().map(|login| format!(" It is {login}’s.")).unwrap_or_default();
    let scopes = match test.scopes.as_deref() {
        None => String::new(),
        Some([]) => " It has no scopes.".to_owned(),
        Some(scopes) => format!(" Its scopes: {}.", scopes.join(", ")),
    };
    let budgets: Vec<String> = test.budgets.iter().map(budget).collect();
    let budgets = if budgets.is_empty() { String::new() } else { format!(" Its limits: {}.", budgets.join("; ")) };
    format!("{} takes the token.{login}{scopes}{budgets}", test.host)
}
