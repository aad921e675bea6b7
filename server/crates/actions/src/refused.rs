//! What was refused is told too, and no more often than a person can read: anybody can ask for what they may not.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use entity::kind::AuditAction;
use entity::view::Timestamp;
use serde_json::json;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Result};

/// In a minute no more than so many of one kind are told, whoever asks.
const MOST: usize = 60;

/// What was refused in the minute at hand, by kind; each thing is told once in it.
#[derive(Debug, Default)]
pub(crate) struct Refused(Mutex<[Minute; 3]>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    told: HashSet<[u8; 32]>,
    untold: u64,
}

impl Refused {
    /// Whether it is to be told now, and how many of its kind were not since the last that was.
    fn hear(&self, action: AuditAction, of: &[&str], now: Timestamp) -> Option<u64> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = &mut minutes[match action {
            AuditAction::SignInRefused => 1,
            AuditAction::AskPasswordReset => 2,
            _ => 0,
        }];
        let number = now.timestamp().div_euclid(60);
        if minute.number != number {
            minute.number = number;
            minute.told.clear();
        }
        if minute.told.len() >= MOST || !minute.told.insert(key(of)) {
            minute.untold += 1;
            return None;
        }
        Some(std::mem::take(&mut minute.untold))
    }
}

fn key(of: &[&str]) -> [u8; 32] {
    auth::fingerprint(&of.join("\n"))
}

/// What somebody lacked the right to; told once in a minute for each account and right.
///
/// # Errors
/// The database's.
pub async fn tell_refused(ctx: &Actions, actor: &Actor, what: &str) -> Result<()> {
    let (via, id) = actor.via();
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let of = [actor.name(), via.as_str().to_owned(), id];
    let object = Object::new("right", None, what);
    ctx.tell_now_and_then(actor, AuditAction::AccessRefused, object, &[&of[0], &of[1], &of[2], what], None).await
}

impl Actions {
    /// Tells of a refusal, unless the same was told within the minute, or too many were.
    pub(crate) async fn tell_now_and_then(
        &self,
        actor: &Actor,
        action: AuditAction,
        object: Object,
        of: &[&str],
        by: Option<&str>,
    ) -> Result<()> {
        let Some(untold) = self.refused.hear(action, of, self.now()) else { return Ok(()) };
        let change = match (by, untold) {
            (None, 0) => Change::NONE,
            (Some(by), 0) => Change::to(json!({ "by": by })),
            (None, more) => Change::to(json!({ "not_told_before": more })),
            (Some(by), more) => Change::to(json!({ "by": by, "not_told_before": more })),
        };
        self.tell(&self.db.write, actor, action, object, change).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_same_is_told_once_in_a_minute_and_so_many_in_all() {
        let (refused, now) = (Refused::default(), Timestamp::UNIX_EPOCH);
        let hear = |of: &str, at| refused.hear(AuditAction::SignInRefused, &[of], at);
        assert_eq!((hear("a", now), hear("a", now), hear("b", now)), (Some(0), None, Some(1)));
        let told = (0..10_000).filter(|number| hear(&number.to_string(), now).is_some()).count();
        assert_eq!(told, MOST - 2);
        assert_eq!(refused.hear(AuditAction::AccessRefused, &["a"], now), Some(0), "kinds have bounds of their own");
        let later = now + TimeDelta::minutes(1);
        assert_eq!((hear("a", later), hear("a", later)), (Some(10_000 - told as u64), None));
        assert!(refused.0.lock().unwrap()[1].told.len() <= MOST);
    }
}
